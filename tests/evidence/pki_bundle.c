/* The tests' own hierarchy: defaults, quotes and whole bundles; see pki.h. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/span.h"
#include "pki_build.h"

#define ROOT_CN "Casemate Test SGX Root CA"
#define CA_CN   "Casemate Test SGX PCK Platform CA"

/* PPID, CPUSVN, PCESVN, PCEID */
/* certification data 1 to 3: PPID, CPUSVN, PCESVN, PCEID */
static const uint8_t ppid_data[384 + 20] = "PPID of the test";

static struct pki_cert cert(const char *cn, const char *issuer, enum pki_key key,
                            enum pki_key signer)
{
    struct pki_cert c = {.cn = cn, .issuer = issuer, .key = key, .signer = signer, .pathlen = -1};

    c.not_before = PKI_NOW - 400 * PKI_DAY;
    c.not_after = PKI_NOW + 4000 * PKI_DAY;
    c.serial = 0x1000u + (unsigned)key;
    c.usage = "critical,digitalSignature,nonRepudiation";
    return c;
}

static struct pki_cert ca_cert(const char *cn, enum pki_key key, int pathlen)
{
    struct pki_cert c = cert(cn, ROOT_CN, key, PKI_ROOT);

    c.ca = true;
    c.pathlen = pathlen;
    c.usage = "critical,keyCertSign,cRLSign";
    return c;
}

static struct pki_crl crl(const char *issuer, enum pki_key signer, long number)
{
    struct pki_crl c = {.issuer = issuer, .signer = signer, .number = number};

    c.this_update = PKI_NOW - PKI_DAY;
    c.next_update = PKI_NOW + 29 * PKI_DAY;
    return c;
}

static void default_collateral(struct pki_spec *s)
{
    static const uint8_t fmspc[6] = {0xc0, 0xff, 0xee, 0x00, 0x00, 0x01};
    const struct pki_level good = {"UpToDate", {0}, 11, {0, 0, 3}, NULL};
    const struct pki_level old = {"OutOfDate", {0}, 9, {0, 0, 2}, "INTEL-SA-00001"};

    memset(s->ext.comp, 5, 16);
    s->ext.pcesvn = 11;
    memcpy(s->ext.fmspc, fmspc, 6);
    s->ext.platform = true;
    s->tcb_version = 3;
    s->tcb_id = s->body_type == 1 ? "SGX" : "TDX";
    memcpy(s->tcb_fmspc, fmspc, 6);
    s->tcb_evaluation = 17;
    s->tcb_components = 16;
    s->tcb_issued = PKI_NOW - PKI_DAY;
    s->tcb_next = PKI_NOW + 29 * PKI_DAY;
    s->levels[0] = good;
    memset(s->levels[0].sgx, 5, 16);
    s->levels[1] = old;
    memset(s->levels[1].sgx, 3, 16);
    s->module_mrsigner = 0;
    s->modules[0] = (struct pki_module){
        "TDX_01", 0, 0, {{"UpToDate", 5, NULL}, {"OutOfDate", 3, "INTEL-SA-00002"}}};
    s->tcb_signer = PKI_TCB;
    s->qe_version = 2;
    s->qe_id = s->body_type == 1 ? "QE" : "TD_QE";
    s->qe_evaluation = 17;
    s->qe_issued = PKI_NOW - PKI_DAY;
    s->qe_next = PKI_NOW + 29 * PKI_DAY;
    s->qe_mrsigner = 0xa1;
    s->qe_isvprodid = s->body_type == 1 ? 1 : 2;
    s->qe_attr = 0x11;
    s->qe_attr_mask = 0xfb;
    s->qe_levels[0] = (struct pki_isv){"UpToDate", 8, NULL};
    s->qe_levels[1] = (struct pki_isv){"OutOfDate", 6, "INTEL-SA-00003"};
    s->qe_signer = PKI_TCB;
}

static void default_quote(struct pki_spec *s)
{
    static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

    s->header[0] = (uint8_t)s->version;
    s->header[2] = 2;
    s->header[4] = s->body_type == 1 ? 0 : 0x81;
    memcpy(s->header + 12, vendor, 16);
    if (s->body_type == 1) {
        s->body[48] = 0x05; /* INIT, MODE64BIT */
        s->body[56] = 0x03;
        memset(s->body + 64, 0xe1, 32);  /* MRENCLAVE */
        memset(s->body + 128, 0xe2, 32); /* MRSIGNER */
        s->body[256] = 7;
        s->body[258] = 3;
        memset(s->body + 320, 0xda, 64);
    } else {
        s->body[0] = 5; /* TEE_TCB_SVN: module 1.5, SEAM 3 */
        s->body[1] = 1;
        s->body[2] = 3;
        memset(s->body + 16, 0xb1, 48);  /* MRSEAM */
        memset(s->body + 136, 0xb2, 48); /* MRTD */
        memset(s->body + 328, 0xb3, 48);
        memset(s->body + 520, 0xda, 64);
        if (s->body_type >= 3) {
            memcpy(s->body + 584, s->body, 16);
        }
    }
    s->qe_report[48] = 0x15;
    s->qe_report[56] = 0x00;
    memset(s->qe_report + 128, 0xa1, 32);
    s->qe_report[256] = (uint8_t)s->qe_isvprodid;
    s->qe_report[258] = 8;
    memset(s->qe_auth, 0x0a, sizeof(s->qe_auth));
    s->qe_auth_len = sizeof(s->qe_auth);
    s->qe_report_signer = PKI_PCK;
    s->quote_signer = PKI_ATT;
    s->cert_type = 5;
}

void pki_defaults(struct pki_spec *s, unsigned version, unsigned body_type)
{
    memset(s, 0, sizeof(*s));
    s->version = version;
    s->body_type = body_type;
    s->root = ca_cert(ROOT_CN, PKI_ROOT, 1);
    s->tcb_root = s->root;
    s->ca = ca_cert(CA_CN, PKI_CA, 0);
    s->pck = cert("Casemate Test SGX PCK Certificate", CA_CN, PKI_PCK, PKI_CA);
    s->pck.sgx = true;
    s->tcb = cert("Casemate Test SGX TCB Signing", ROOT_CN, PKI_TCB, PKI_ROOT);
    s->root_crl = crl(ROOT_CN, PKI_ROOT, 4);
    s->pck_crl = crl(CA_CN, PKI_CA, 9);
    s->pck_order = "lcr";
    s->tcb_order = "sr";
    s->qe_order = "sr";
    default_collateral(s);
    default_quote(s);
}

static void raw_key(enum pki_key key, uint8_t out[64])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pki_evp(key), &der);

    pki_must(len >= 64, "public key");
    memcpy(out, der + len - 64, 64);
    OPENSSL_free(der);
}

static size_t put(uint8_t *out, size_t at, const void *data, size_t len)
{
    if (len != 0) {
        memcpy(out + at, data, len);
    }
    return at + len;
}

static size_t le(uint8_t *out, size_t at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[at + i] = (uint8_t)(v >> (8 * i));
    }
    return at + n;
}

/* QE report to certification data. */
static size_t qe_part(const struct pki_spec *s, struct cm_span cert_data, const uint8_t *att_key,
                      uint8_t *out)
{
    uint8_t report[384];
    uint8_t bound[96];
    uint8_t sig[64];
    size_t at = 0;

    memcpy(report, s->qe_report, sizeof(report));
    if (!s->keep_report_data) {
        memcpy(bound, att_key, 64);
        memcpy(bound + 64, s->qe_auth, s->qe_auth_len);
        pki_must(SHA256(bound, 64 + s->qe_auth_len, report + 320) != NULL, "hash");
    }
    pki_sign(s->qe_report_signer, report, sizeof(report), sig);
    at = put(out, at, report, sizeof(report));
    at = put(out, at, sig, 64);
    at = le(out, at, s->qe_auth_len, 2);
    at = put(out, at, s->qe_auth, s->qe_auth_len);
    at = le(out, at, s->cert_type, 2);
    at = le(out, at, cert_data.len, 4);
    return put(out, at, cert_data.ptr, cert_data.len);
}

size_t pki_build_quote(const struct pki_spec *s, struct cm_span cert_data, uint8_t *out)
{
    static const uint32_t sizes[] = {0, 384, 584, 648, 885};
    static uint8_t inner[16384];
    uint8_t att_key[64];
    size_t inner_len = 0;
    size_t at = put(out, 0, s->header, 48);
    size_t auth = 0;
    uint8_t sig[64];

    if (s->version == 5) {
        at = le(out, at, s->body_type, 2);
        at = le(out, at, sizes[s->body_type], 4);
    }
    at = put(out, at, s->body, sizes[s->body_type]);
    pki_sign(s->quote_signer, out, at, sig);
    raw_key(PKI_ATT, att_key);
    inner_len = qe_part(s, cert_data, att_key, inner);
    auth = 128 + inner_len + (s->version >= 4 ? 6 : 0);
    at = le(out, at, auth, 4);
    at = put(out, at, sig, 64);
    at = put(out, at, att_key, 64);
    if (s->version >= 4) {
        at = le(out, at, 6, 2);
        at = le(out, at, inner_len, 4);
    }
    return put(out, at, inner, inner_len);
}

static void *own(struct pki_bundle *b, void *p)
{
    pki_must(p != NULL && b->owned_count < 16, "memory");
    b->owned[b->owned_count++] = p;
    return p;
}

static struct cm_span from_bio(struct pki_bundle *b, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    uint8_t *copy = own(b, malloc((size_t)len + 1));
    struct cm_span out = {copy, (size_t)len};

    if (len != 0) {
        memcpy(copy, data, (size_t)len);
    }
    copy[len] = 0;
    BIO_free(bio);
    return out;
}

/* Certificates made for one bundle: the same one is the same bytes wherever it stands. */
struct made {
    struct pki_cert spec[8];
    X509 *x509[8];
    size_t count;
};

static X509 *certificate(struct made *m, const struct pki_cert *c, const struct pki_ext *ext)
{
    for (size_t i = 0; i < m->count; i++) {
        if (memcmp(&m->spec[i], c, sizeof(*c)) == 0) {
            return m->x509[i];
        }
    }
    pki_must(m->count < 8, "room");
    m->spec[m->count] = *c;
    m->x509[m->count] = pki_build_cert(c, ext);
    return m->x509[m->count++];
}

static struct cm_span chain(struct pki_bundle *b, struct made *m, const struct pki_spec *s,
                            const char *order, bool documents)
{
    BIO *bio = BIO_new(BIO_s_mem());

    for (const char *o = order; *o != '\0'; o++) {
        const struct pki_cert *c = *o == 'l'   ? &s->pck
                                   : *o == 'c' ? &s->ca
                                   : *o == 'r' ? (documents ? &s->tcb_root : &s->root)
                                               : &s->tcb;

        pki_must(PEM_write_bio_X509(bio, certificate(m, c, &s->ext)) == 1, "PEM");
    }
    return from_bio(b, bio);
}

static struct cm_span list(struct pki_bundle *b, const struct pki_crl *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_CRL *crl_made = pki_build_crl(c);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl_made, &der);

    pki_must(len > 0, "list");
    if (c->form == 1) {
        pki_must(PEM_write_bio_X509_CRL(bio, crl_made) == 1, "PEM");
    }
    for (int i = 0; c->form == 2 && i < len; i++) {
        pki_must(BIO_printf(bio, "%02x", der[i]) == 2, "hex");
    }
    if (c->form == 0) {
        pki_must(BIO_write(bio, der, len) == len, "DER");
    }
    OPENSSL_free(der);
    X509_CRL_free(crl_made);
    return from_bio(b, bio);
}

static struct cm_span document(struct pki_bundle *b, const char *name, char *made,
                               const char *given, enum pki_key signer)
{
    char *text = own(b, pki_signed_json(name, given != NULL ? given : made, signer));
    struct cm_span out = {(const uint8_t *)text, strlen(text)};

    free(made);
    return out;
}

struct pki_bundle *pki_make(const struct pki_spec *s)
{
    struct pki_bundle *b = calloc(1, sizeof(*b));
    struct made made = {0};
    uint8_t *quote = NULL;
    struct cm_span pck = {NULL, 0};

    pki_must(b != NULL, "memory");
    b->root_pem = chain(b, &made, s, "r", false);
    pck = chain(b, &made, s, s->pck_order, false);
    b->pck_chain = pck;
    pck.len += s->trailing_nul ? 1 : 0;
    b->col.tcb_info_chain = chain(b, &made, s, s->tcb_order, true);
    b->col.qe_identity_chain = chain(b, &made, s, s->qe_order, true);
    b->col.root_ca_crl = list(b, &s->root_crl);
    b->col.pck_crl = list(b, &s->pck_crl);
    b->col.tcb_info = document(b, "tcbInfo", pki_tcb_body(s), s->tcb_body, s->tcb_signer);
    b->col.qe_identity = document(b, "enclaveIdentity", pki_qe_body(s), s->qe_body, s->qe_signer);
    if (s->give_chain) {
        b->col.pck_chain = chain(b, &made, s, "lcr", false);
    }
    if (s->cert_type == 4) {
        pck = chain(b, &made, s, "l", false);
    } else if (s->cert_type < 4) {
        pck = cm_span_make(ppid_data, s->cert_type == 1 ? 36 : s->cert_type == 2 ? 276 : 404);
    }
    quote = own(b, malloc(16384));
    b->quote.ptr = quote;
    b->quote.len = pki_build_quote(s, pck, quote);
    b->root.family = "sgx";
    b->root.label = "the tests' own root";
    pki_spki(s->root.key, b->root.spki_sha256);
    for (size_t i = 0; i < made.count; i++) {
        X509_free(made.x509[i]);
    }
    return b;
}

void pki_free(struct pki_bundle *b)
{
    if (b != NULL) {
        for (size_t i = 0; i < b->owned_count; i++) {
            free(b->owned[i]);
        }
        free(b);
    }
}

bool pki_write(const struct pki_bundle *b, const char *dir)
{
    const struct {
        const char *name;
        struct cm_span data;
    } files[] = {
        {"quote.bin", b->quote},
        {"tcb_info.json", b->col.tcb_info},
        {"tcb_info_issuer_chain.pem", b->col.tcb_info_chain},
        {"qe_identity.json", b->col.qe_identity},
        {"qe_identity_issuer_chain.pem", b->col.qe_identity_chain},
        {"root_ca_crl.der", b->col.root_ca_crl},
        {"pck_crl.der", b->col.pck_crl},
        {"pck_chain.pem", b->col.pck_chain},
        {"root.pem", b->root_pem},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[512] = "";
        FILE *f = NULL;
        bool ok = false;

        if (files[i].data.len == 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        f = fopen(path, "wb");
        if (f == NULL) {
            return false;
        }
        ok = fwrite(files[i].data.ptr, 1, files[i].data.len, f) == files[i].data.len;
        if (fclose(f) != 0 || !ok) {
            return false;
        }
    }
    return true;
}
