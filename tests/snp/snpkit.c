/* SEV-SNP evidence of our own; see snpkit.h. */
#include "snpkit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARC "1.3.6.1.4.1.3704.1."

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "snpkit: %s failed\n", what);
        exit(1);
    }
}

static bool is_new(const char *product)
{
    return strcmp(product, "Turin") == 0 || strcmp(product, "Venice") == 0;
}

static char *ext_name(const char *name)
{
    static char names[SK_EXTS][40]; /* extensions of one certificate at a time */
    static size_t next;
    char *out = names[next++ % SK_EXTS];

    (void)snprintf(out, sizeof(names[0]), ARC "%s", name);
    return out;
}

void sk_ext(struct sk_world *w, const char *name, const void *bytes, size_t len)
{
    char full[40] = "";
    size_t i = 0;

    (void)snprintf(full, sizeof(full), ARC "%s", name);
    while (i < SK_EXTS && w->vek.exts[i].oid != NULL && strcmp(w->vek.exts[i].oid, full) != 0) {
        i++;
    }
    must(i < SK_EXTS && len <= sizeof(w->values[0]), "extension");
    if (w->vek.exts[i].oid == NULL) {
        w->vek.exts[i].oid = ext_name(name);
    }
    memcpy(w->values[i], bytes, len);
    w->vek.exts[i].len = len;
}

void sk_ext_int(struct sk_world *w, const char *name, uint8_t value)
{
    const uint8_t small[3] = {2, 1, value};
    const uint8_t big[4] = {2, 2, 0, value};

    sk_ext(w, name, value < 0x80 ? small : big, value < 0x80 ? 3 : 4);
}

void sk_ext_drop(struct sk_world *w, const char *name)
{
    char full[40] = "";

    (void)snprintf(full, sizeof(full), ARC "%s", name);
    for (size_t i = 0; i < SK_EXTS && w->vek.exts[i].oid != NULL; i++) {
        if (strcmp(w->vek.exts[i].oid, full) == 0) {
            w->vek.exts[i].oid = "1.2.3.4.5"; /* somebody else's */
        }
    }
}

static void init_vek(struct sk_world *w, bool vlek)
{
    const char *old_order[] = {"3.1", "3.2", "3.4", "3.5", "3.6", "3.7", "3.3", "3.8"};
    const char *new_order[] = {"3.9", "3.1", "3.2", "3.3", "3.5", "3.6", "3.7", "3.8"};
    const char **order = is_new(w->product) ? new_order : old_order;
    uint8_t text[34] = {0x16};

    memset(w->vek.exts, 0, sizeof(w->vek.exts));
    sk_ext_int(w, "1", is_new(w->product) ? 1 : 0);
    text[1] = (uint8_t)strlen(w->product);
    memcpy(text + 2, w->product, text[1]);
    sk_ext(w, "2", text, 2u + text[1]);
    for (size_t i = 0; i < 8; i++) {
        sk_ext_int(w, order[i], w->reported[i]);
    }
    if (vlek) {
        sk_ext(w, "5",
               "\x16\x0d"
               "CN=a.provider",
               15);
    } else {
        sk_ext(w, "4", w->chip_id, is_new(w->product) ? 8 : 64);
    }
}

static void init(struct sk_world *w, const char *product, bool vlek)
{
    static const struct {
        const char *product;
        uint8_t cpuid[3];
    } lines[] = {
        {"Milan", {0x19, 1, 1}},
        {"Genoa", {0x19, 0x11, 1}},
        {"Turin", {0x1A, 2, 1}},
        {"Venice", {0x1A, 0x50, 0}},
    };
    static const uint8_t tcb_old[8] = {4, 1, 0, 0, 0, 0, 24, 219};
    static const uint8_t tcb_new[8] = {1, 2, 1, 4, 0, 0, 0, 81};
    static const uint8_t fw[3] = {29, 55, 1};

    memset(w, 0, sizeof(*w));
    w->product = product;
    w->version = is_new(product) ? 5 : 3;
    w->policy = 0x30000;
    w->algo = 1;
    w->platform = 0x25;
    w->vlek = vlek;
    w->flags = vlek ? 4 : 0;
    memset(w->report_data, 0x11, 64);
    memset(w->measurement, 0x22, 48);
    memset(w->host_data, 0x33, 32);
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(lines[i].product, product) == 0) {
            memcpy(w->cpuid, lines[i].cpuid, 3);
        }
    }
    memcpy(w->reported, is_new(product) ? tcb_new : tcb_old, 8);
    memcpy(w->committed, w->reported, 8);
    memcpy(w->current, w->reported, 8);
    memcpy(w->launch, w->reported, 8);
    memcpy(w->current_fw, fw, 3);
    memcpy(w->committed_fw, fw, 3);
    w->mit[0] = 0x3f;
    w->mit[1] = 0x7f;
    if (!vlek) {
        for (uint8_t i = 0; i < (is_new(product) ? 8 : 64); i++) {
            w->chip_id[i] = (uint8_t)(0x40 + i);
        }
        w->chip_id[0] = 4; /* as if it were an OCTET STRING */
    }
    (void)snprintf(w->names[0], 32, "ARK-%s", product);
    (void)snprintf(w->names[1], 32, vlek ? "SEV-VLEK-%s" : "SEV-%s", product);
    (void)snprintf(w->names[2], 32, vlek ? "SEV-VLEK" : "SEV-VCEK");
    w->ark = (struct ck_cert){.subject = w->names[0], .issuer = w->names[0], .ca = true};
    w->ask = (struct ck_cert){.subject = w->names[1], .issuer = w->names[0], .ca = true};
    w->vek = (struct ck_cert){.subject = w->names[2], .issuer = w->names[1]};
    w->ark.usage = "critical,keyCertSign,cRLSign";
    w->ask.usage = "critical,keyCertSign";
    w->vek.no_constraints = true;
    w->ark.serial = 0x10000;
    w->ask.serial = 0x10001;
    w->ask.has_pathlen = true;
    w->ark.key = ck_key("rsa2048", 0);
    w->ask.key = ck_key("rsa2048", vlek ? 2 : 1);
    w->vek.key = ck_key("p384", vlek ? 1 : 0);
    w->ark.signer = w->ark.key;
    w->ask.signer = w->ark.key;
    w->vek.signer = w->ask.key;
    w->ark.md = w->ask.md = w->vek.md = EVP_sha384();
    w->ark.pss = w->ask.pss = w->vek.pss = true;
    w->report_key = w->vek.key;
    init_vek(w, vlek);
    w->in.now = CK_NOW;
}

void sk_init(struct sk_world *w, const char *product)
{
    init(w, product, false);
}

void sk_init_vlek(struct sk_world *w, const char *product)
{
    init(w, product, true);
}

static void put(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static void reverse(const BIGNUM *n, uint8_t *out)
{
    must(BN_bn2lebinpad(n, out, 72) == 72, "number");
}

void sk_raw_signature(EVP_PKEY *key, struct cm_span data, uint8_t out[144])
{
    uint8_t der[160];
    const unsigned char *at = der;
    size_t len = sizeof(der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ECDSA_SIG *sig = NULL;

    must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) == 1 &&
             EVP_DigestSign(ctx, der, &len, data.ptr, data.len) == 1,
         "signing");
    sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    must(sig != NULL, "signature");
    reverse(ECDSA_SIG_get0_r(sig), out);
    reverse(ECDSA_SIG_get0_s(sig), out + 72);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

void sk_key(EVP_PKEY *key, uint8_t out[0x404])
{
    BIGNUM *x = NULL;
    BIGNUM *y = NULL;

    memset(out, 0, 0x404);
    out[0] = 2;
    must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
             EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1,
         "point");
    reverse(x, out + 4);
    reverse(y, out + 76);
    BN_free(x);
    BN_free(y);
}

void sk_sign(struct sk_world *w)
{
    sk_raw_signature(w->report_key, cm_span_make(w->report, 0x2A0), w->report + 0x2A0);
}

static void write_report(struct sk_world *w)
{
    uint8_t *r = w->report;

    memset(r, 0, sizeof(w->report));
    put(r, w->version, 4);
    put(r + 4, w->guest_svn, 4);
    put(r + 8, w->policy, 8);
    memcpy(r + 0x10, w->family_id, 16);
    memcpy(r + 0x20, w->image_id, 16);
    put(r + 0x30, w->vmpl, 4);
    put(r + 0x34, w->algo, 4);
    memcpy(r + 0x38, w->current, 8);
    put(r + 0x40, w->platform, 8);
    put(r + 0x48, w->flags, 4);
    memcpy(r + 0x50, w->report_data, 64);
    memcpy(r + 0x90, w->measurement, 48);
    memcpy(r + 0xC0, w->host_data, 32);
    memcpy(r + 0xE0, w->id_key_digest, 48);
    memcpy(r + 0x110, w->author_key_digest, 48);
    memset(r + 0x140, 0x55, 32);
    memset(r + 0x160, 0xff, 32);
    memcpy(r + 0x180, w->reported, 8);
    if (w->version >= 3) {
        memcpy(r + 0x188, w->cpuid, 3);
    }
    memcpy(r + 0x1A0, w->chip_id, 64);
    memcpy(r + 0x1E0, w->committed, 8);
    memcpy(r + 0x1E8, w->current_fw, 3);
    memcpy(r + 0x1EC, w->committed_fw, 3);
    memcpy(r + 0x1F0, w->launch, 8);
    if (w->version >= 5) {
        put(r + 0x1F8, w->mit[0], 8);
        put(r + 0x200, w->mit[1], 8);
    }
    if (w->poke != 0) {
        r[w->poke - 1] = w->poke_value;
    }
    w->report_len = 1184;
    sk_sign(w);
}

void sk_build(struct sk_world *w)
{
    const struct ck_cert *certs[3] = {&w->ark, &w->ask, &w->vek};

    for (size_t i = 0; i < SK_EXTS; i++) {
        w->vek.exts[i].bytes = w->values[i];
    }
    write_report(w);
    for (size_t i = 0; i < 3; i++) {
        w->ders_len[i] = ck_cert(certs[i], w->ders[i], sizeof(w->ders[i]));
        w->materials[i] = (struct cm_material){CM_MATERIAL_CERTS, certs[i]->subject,
                                               cm_span_make(w->ders[i], w->ders_len[i])};
    }
    w->material_count = w->material_count < 3 ? 3 : w->material_count;
    w->root.family = "snp";
    w->root.label = w->names[0];
    ck_spki_sha256(w->ark.key, w->root.spki_sha256);
    w->in.roots = &w->root;
    w->in.root_count = 1;
}

static const uint8_t *guid_of(char which)
{
    static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                     0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
    static const uint8_t vlek[16] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
                                     0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1};
    static const uint8_t ask[16] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                    0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
    static const uint8_t ark[16] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                    0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
    static const uint8_t other[16] = {1, 2, 3};

    return which == 'v'   ? vcek
           : which == 'V' ? vlek
           : which == 'a' ? ask
           : which == 'r' ? ark
                          : other;
}

void sk_append_table(struct sk_world *w, const char *which, bool efi_order)
{
    uint8_t *table = w->report + 1184;
    size_t n = strlen(which);
    size_t at = (n + 1) * 24;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *g = guid_of(which[i]);
        static const uint8_t swap[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
        size_t cert = which[i] == 'r' ? 0 : which[i] == 'a' ? 1 : 2;
        size_t len = which[i] == 'x' ? 5 : w->ders_len[cert];

        for (size_t k = 0; k < 16; k++) {
            table[24 * i + k] = g[efi_order ? swap[k] : k];
        }
        put(table + 24 * i + 16, at, 4);
        put(table + 24 * i + 20, len, 4);
        memcpy(table + at, w->ders[cert], len);
        at += len;
    }
    w->report_len = 1184 + at;
}

struct cm_verify_job sk_job(const struct sk_world *w)
{
    return (struct cm_verify_job){.evidence = cm_span_make(w->report, w->report_len),
                                  .materials = w->materials,
                                  .material_count = w->material_count,
                                  .in = &w->in};
}
