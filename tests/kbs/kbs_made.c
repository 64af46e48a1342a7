/* See kbs_made.h. */
#include "kbs_made.h"

#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arm_make.h"
#include "azurekit.h"
#include "common/hex.h"
#include "decide_kit.h"
#include "kbs/kbs.h"
#include "serve.h"
#include "snpkit.h"
#include "token/base64.h"
#include "tpm_kit.h"

#define PERMIT "version=1.0; authorizationrules { => permit(); };"

/* ------------------------------------------------------------------------- JSON */

char made_json[MADE_MAX];
size_t made_len;

void made_put(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    made_len += (size_t)vsnprintf(made_json + made_len, sizeof(made_json) - made_len, format, args);
    va_end(args);
    kit_must(made_len < sizeof(made_json), "room");
}

/* As serde writes a Vec<u8>. */
void made_put_list(const char *name, const uint8_t *bytes, size_t len)
{
    made_put("\"%s\":[", name);
    for (size_t i = 0; i < len; i++) {
        made_put("%s%u", i == 0 ? "" : ",", bytes[i]);
    }
    made_put("]");
}

void made_put_base64(const char *name, struct cm_span bytes)
{
    static char text[65536];
    size_t len = 0;

    kit_must(cm_base64_encode(bytes, text, sizeof(text), &len) == CM_OK, "base64");
    made_put("\"%s\":\"%.*s\"", name, (int)len, text);
}

static uint64_t number(const uint8_t *at, size_t n)
{
    uint64_t value = 0;

    while (n-- > 0) {
        value = value << 8 | at[n];
    }
    return value;
}

uint8_t made_launched[64];

/* ------------------------------------------------------------------------- TDX */

static struct pki_bundle *td;
static struct decide_source source;

/* Collateral of the quote's maker, as its service would give it. */
static void serve_collateral(const struct pki_bundle *b)
{
    struct cm_collateral_parts *p = NULL;

    cm_parts_free(source.instead);
    kit_must(cm_parts_create(&p) == CM_OK &&
                 cm_parts_set(p, CM_PART_TCB_INFO, b->col.tcb_info) == CM_OK &&
                 cm_parts_set(p, CM_PART_TCB_INFO_CHAIN, b->col.tcb_info_chain) == CM_OK &&
                 cm_parts_set(p, CM_PART_QE_IDENTITY, b->col.qe_identity) == CM_OK &&
                 cm_parts_set(p, CM_PART_QE_IDENTITY_CHAIN, b->col.qe_identity_chain) == CM_OK &&
                 cm_parts_set(p, CM_PART_ROOT_CA_CRL, b->col.root_ca_crl) == CM_OK &&
                 cm_parts_set(p, CM_PART_PCK_CRL, b->col.pck_crl) == CM_OK,
             "parts");
    source.instead = p;
}

static void tdx(const uint8_t bound[64])
{
    struct pki_spec spec;

    pki_defaults(&spec, 4, 2);
    memcpy(spec.body + 184, made_launched, 48); /* MRCONFIGID */
    memcpy(spec.body + 520, bound, 64);
    pki_free(td);
    td = pki_make(&spec);
    serve_collateral(td);
    made_put("{\"cc_eventlog\":null,");
    made_put_base64("quote", td->quote);
    made_put("}");
}

/* ------------------------------------------------------------------------- SNP */

static struct sk_world snp_world;

static void put_tcb(const char *name, const uint8_t at[8], bool turin)
{
    made_put("\"%s\":{", name);
    if (turin) {
        made_put("\"fmc\":%u,\"bootloader\":%u,\"tee\":%u,\"snp\":%u,\"microcode\":%u}", at[0],
                 at[1], at[2], at[3], at[7]);
    } else {
        made_put("\"fmc\":null,\"bootloader\":%u,\"tee\":%u,\"snp\":%u,\"microcode\":%u}", at[0],
                 at[1], at[6], at[7]);
    }
}

static void put_version(const char *name, const uint8_t at[3])
{
    made_put("\"%s\":{\"major\":%u,\"minor\":%u,\"build\":%u}", name, at[2], at[1], at[0]);
}

/* A report taken apart, as the crate "sev" of virtee does it. */
static void put_report(const uint8_t *r, bool turin)
{
    static const struct {
        const char *name;
        size_t at;
        size_t len;
    } lists[] = {{"family_id", 0x10, 16},          {"image_id", 0x20, 16},
                 {"report_data", 0x50, 64},        {"measurement", 0x90, 48},
                 {"host_data", 0xc0, 32},          {"id_key_digest", 0xe0, 48},
                 {"author_key_digest", 0x110, 48}, {"report_id", 0x140, 32},
                 {"report_id_ma", 0x160, 32},      {"chip_id", 0x1a0, 64}},
      numbers[] = {{"version", 0, 4},
                   {"guest_svn", 4, 4},
                   {"policy", 8, 8},
                   {"vmpl", 0x30, 4},
                   {"sig_algo", 0x34, 4},
                   {"plat_info", 0x40, 8},
                   {"key_info", 0x48, 4},
                   {"cpuid_fam_id", 0x188, 1},
                   {"cpuid_mod_id", 0x189, 1},
                   {"cpuid_step", 0x18a, 1},
                   {"launch_mit_vector", 0x1f8, 8},
                   {"current_mit_vector", 0x200, 8}};

    made_put("\"attestation_report\":{");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        made_put("\"%s\":%llu,", numbers[i].name,
                 (unsigned long long)number(r + numbers[i].at, numbers[i].len));
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        made_put_list(lists[i].name, r + lists[i].at, lists[i].len);
        made_put(",");
    }
    put_tcb("current_tcb", r + 0x38, turin);
    made_put(",");
    put_tcb("reported_tcb", r + 0x180, turin);
    made_put(",");
    put_tcb("committed_tcb", r + 0x1e0, turin);
    made_put(",");
    put_tcb("launch_tcb", r + 0x1f0, turin);
    made_put(",");
    put_version("current", r + 0x1e8);
    made_put(",");
    put_version("committed", r + 0x1ec);
    made_put(",\"signature\":{");
    made_put_list("r", r + 0x2a0, 72);
    made_put(",");
    made_put_list("s", r + 0x2e8, 72);
    made_put("}}");
}

static void snp_of(const char *product, const uint8_t bound[64])
{
    static const char *const types[] = {"ARK", "ASK", "VCEK"};

    sk_init(&snp_world, product);
    memcpy(snp_world.report_data, bound, 64);
    memcpy(snp_world.host_data, made_launched, 32);
    sk_build(&snp_world);
    made_put("{");
    put_report(snp_world.report, strcmp(product, "Turin") == 0);
    made_put(",\"cert_chain\":[");
    for (size_t i = 3; i-- > 0;) {
        made_put("{\"cert_type\":\"%s\",", types[i]);
        made_put_list("data", snp_world.ders[i], snp_world.ders_len[i]);
        made_put("}%s", i == 0 ? "]}" : ",");
    }
}

static void snp_milan(const uint8_t bound[64])
{
    snp_of("Milan", bound);
}

static void snp_turin(const uint8_t bound[64])
{
    snp_of("Turin", bound);
}

/* --------------------------------------------------------------------- Azure's vTPM */

static struct vm azure;

static void azure_of(uint32_t kind, const uint8_t bound[64])
{
    uint8_t extended[64];

    vm_free(&azure);
    vm_init(&azure);
    azure.kind = kind;
    azure.nonce = (const char *)bound;
    azure.nonce_len = 48; /* the hash that was chosen, nothing behind it */
    memset(extended, 0, 32);
    memcpy(extended + 32, made_launched, 32);
    kit_must(EVP_Digest(extended, 64, azure.pcrs + (size_t)8 * 32, NULL, EVP_sha256(), NULL) == 1,
             "PCR 8");
    vm_build(&azure);
    if (kind == 4) {
        serve_collateral(azure.td);
    }
    made_put("%.*s", (int)vm_json(&azure, 1, 24), azure.json);
}

static void az_snp(const uint8_t bound[64])
{
    azure_of(2, bound);
}

static void az_tdx(const uint8_t bound[64])
{
    azure_of(4, bound);
}

/* --------------------------------------------------------------------------- CCA */

static void cca(const uint8_t bound[64])
{
    static uint8_t token[16384];
    uint8_t challenge[66] = {0x58, 0x40};
    struct make_cca m;

    make_cca_defaults(&m, MAKE_2023);
    memcpy(challenge + 2, bound, 64);
    m.realm = (struct make_patch){10, cm_span_make(challenge, sizeof(challenge)), true};
    made_put("{");
    made_put_list("token", token, make_cca(&m, token, sizeof(token)));
    made_put("}");
}

/* --------------------------------------------------------------------------- TPM */

static void tpm(const uint8_t bound[64])
{
    static struct kit_quote q;
    static struct kit_made made;
    char hex[129] = "";
    uint8_t area[1024];

    kit_defaults(&q);
    q.nonce = cm_span_make(bound, 64);
    kit_make(&q, &made);
    made_put("{");
    made_put_base64("report_data", cm_span_make(bound, 64));
    made_put(",\"tpm_quote\":{");
    made_put_base64("signature", cm_span_make(made.signature, made.signature_len));
    made_put(",");
    made_put_base64("message", cm_span_make(made.attest, made.attest_len));
    made_put(",\"pcrs\":[");
    for (size_t i = 0; i < made.values_len; i += 32) {
        cm_hex_encode(cm_span_make(made.values + i, 32), CM_HEX_LOWER, hex);
        made_put("%s\"%s\"", i == 0 ? "" : ",", hex);
    }
    made_put("]},");
    made_put_base64("ak_public",
                    cm_span_make(area, kit_area(q.key, KIT_AK_ATTRIBUTES, area, sizeof(area))));
    made_put("}");
}

/* ------------------------------------------------------------------------ service */

static struct sk_world amd_world;
static struct serve *amd; /* AMD's key distribution service: Azure's guests send the VCEK alone */

static bool serve_chain(struct serve_connection *c, const char *request, const char *path,
                        void *arg)
{
    const struct sk_world *w = arg;
    const struct ck_crl list = {.issuer = w->names[0],
                                .signer = w->ark.key,
                                .md = EVP_sha384(),
                                .pss = true,
                                .numbered = true};
    uint8_t crl[8192];
    char pem[2][8192] = {""};
    char chain[16384] = "";

    (void)request;
    if (strstr(path, "/Milan/crl") != NULL) {
        return serve_whole(c, 200, "", crl, ck_crl(&list, crl, sizeof(crl)));
    }
    if (strstr(path, "/Milan/cert_chain") == NULL) {
        return serve_whole(c, 404, "", "none", 4);
    }
    (void)ck_pem(cm_span_make(w->ders[1], w->ders_len[1]), pem[1], sizeof(pem[1]));
    (void)ck_pem(cm_span_make(w->ders[0], w->ders_len[0]), pem[0], sizeof(pem[0]));
    (void)snprintf(chain, sizeof(chain), "%s%s", pem[1], pem[0]);
    return serve_whole(c, 200, "", chain, strlen(chain));
}

static void enrol(const char *type, struct cm_span key)
{
    char text[8192] = "";
    size_t len = 0;
    int status = 0;

    kit_must(cm_base64_encode(key, text, sizeof(text) - 1, &len) == CM_OK, "base64");
    text[len] = '\0';
    status =
        kit_post_json("/api/v1/references", "admin",
                      json_pack("{s:s, s:s, s:s}", "name", type, "type", type, "content", text))
            ->status;
    kit_must(status == 200, kit_last()->body);
}

/* The keys of devices that no maker's root vouches for. */
static void enrol_keys(void)
{
    static uint8_t store[8192];
    struct make_cca m;
    char *pem = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    long len = 0;

    make_cca_defaults(&m, MAKE_2023);
    enrol("Cca", cm_span_make(store, make_enrolled(m.cpak, FORM_STORE, make_instance, store,
                                                   sizeof(store))));
    kit_must(bio != NULL && PEM_write_bio_PUBKEY(bio, cm_privkey_evp(kit_key(KIT_RSA))) == 1,
             "PEM");
    len = BIO_get_mem_data(bio, &pem);
    enrol("Tpm", cm_span_make(pem, (size_t)len));
    BIO_free(bio);
    /* of these the default policy permits none: a key says that a device is genuine, not whose it is */
    kit_must(kbs_attestation_policy("Cca", PERMIT) == 200 &&
                 kbs_attestation_policy("Tpm", PERMIT) == 200,
             "policies");
}

/* Roots of the tests' own: both ARKs have one key, and both Intel hierarchies one root. */
void made_start(void)
{
    static const uint8_t any[64];
    static char url[64];
    struct cm_trust_root roots[2];
    struct cm_why why = {""};

    made_len = 0;
    tdx(any);
    snp_milan(any);
    roots[0] = td->root;
    roots[1] = snp_world.root;
    memcpy(&amd_world, &snp_world, sizeof(amd_world));
    amd = serve_start(false, serve_chain, &amd_world);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", serve_port(amd));
    (void)kbs_start_at(PKI_NOW);
    kit_must(cm_decide_configure(kit_service(),
                                 &(struct cm_decide_config){.roots = roots,
                                                            .root_count = 2,
                                                            .parts = decide_source_parts,
                                                            .parts_arg = &source,
                                                            .kds_url = url,
                                                            .crl_optional = true},
                                 &why) == CM_OK,
             why.text);
    kbs_put("bank/key/one", KBS_SECRET);
    enrol_keys();
}

void made_stop(void)
{
    kbs_stop();
    serve_stop(amd);
    pki_free(td);
    vm_free(&azure);
    cm_parts_free(source.instead);
    source.instead = NULL;
}

/* ---------------------------------------------------------------------- the guests */

const struct made_tee made_tees[MADE_TEES] = {
    {"tdx", tdx},
    {"snp", snp_milan},
    {"snp", snp_turin},
    {"az-snp-vtpm", az_snp},
    {"az-tdx-vtpm", az_tdx},
    {"cca", cca},
    {"tpm", tpm},
};

struct kbs_guest *made_guest(size_t tee)
{
    struct kbs_guest *g = kbs_guest(KBS_P256);

    (void)snprintf(g->tee, sizeof(g->tee), "%s", made_tees[tee].name);
    return g;
}

const char *made_for(size_t tee, const struct kbs_guest *g)
{
    uint8_t bound[64] = {0};

    kbs_bound(g, bound);
    made_len = 0;
    made_tees[tee].make(bound);
    return made_json;
}

int made_attest(size_t tee, struct kbs_guest *g)
{
    int status = kbs_auth(g);

    return status != 200 ? status : kbs_post_attest(g, kbs_body_of(g, made_for(tee, g)));
}

const uint8_t *made_report(void)
{
    return snp_world.report;
}

struct cm_span made_certificate(size_t i)
{
    return cm_span_make(snp_world.ders[i], snp_world.ders_len[i]);
}
