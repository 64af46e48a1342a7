/*
 * What an enclave image measures, and who signed it; see eif.h. Untrusted: images that are read.
 *
 * The signature section is CBOR as a Rust program's serde writes it: an array of
 * {"signing_certificate": PEM, "signature": COSE_Sign1 over {"register_index", "register_value"}}, with
 * byte strings written as arrays of numbers. Both forms are read; arrays are written, because the tools of
 * AWS read no other.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/hash.h"
#include "nitro/eif.h"
#include "token/cbor_own.h"
#include "token/cose.h"

#define MAX_NODES     131072
#define MAX_ENTRIES   9 /* registers that an image determines, and some */
#define MAX_PEM       65536
#define MAX_SIGNATURE 16384

/* SHA384(48 zeros || SHA384(parts)): a register that was extended once. */
static enum cm_status extend(const struct cm_span *parts, size_t count,
                             uint8_t out[CM_EIF_PCR_SIZE])
{
    uint8_t both[2 * CM_EIF_PCR_SIZE] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_hash_parts(CM_HASH_SHA384, parts, count, both + CM_EIF_PCR_SIZE));
    st = cm_hash(CM_HASH_SHA384, cm_span_make(both, sizeof(both)), out);
out:
    return st;
}

/* PCR0, PCR1 and PCR2; sections that are not measured do not count. */
static enum cm_status measure_code(const struct cm_eif *eif, struct cm_eif_pcrs *out)
{
    struct cm_span image[CM_EIF_MAX_SECTIONS];
    struct cm_span boot[CM_EIF_MAX_SECTIONS];
    struct cm_span app[CM_EIF_MAX_SECTIONS];
    size_t images = 0;
    size_t boots = 0;
    size_t apps = 0;
    size_t ramdisks = 0;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < eif->section_count; i++) {
        const struct cm_eif_section *s = &eif->sections[i];

        if (s->type == CM_EIF_SIGNATURE || s->type == CM_EIF_METADATA) {
            continue;
        }
        image[images++] = s->data;
        if (s->type == CM_EIF_RAMDISK && ramdisks++ != 0) {
            app[apps++] = s->data;
        } else {
            boot[boots++] = s->data;
        }
    }
    CM_TRY(extend(image, images, out->pcr0));
    CM_TRY(extend(boot, boots, out->pcr1));
    st = extend(app, apps, out->pcr2);
out:
    return st;
}

/* A byte string, or an array of numbers below 256, into the caller's buffer. */
static enum cm_status octets(struct cm_cbor_value v, uint8_t *buf, size_t cap, struct cm_span *out)
{
    size_t n = 0;

    if (cm_cbor_bytes(v, out) == CM_OK) {
        return out->len <= cap ? CM_OK : CM_ERR_LIMIT;
    }
    if (!cm_cbor_is(v, CM_CBOR_ARRAY)) {
        return CM_ERR_FORMAT;
    }
    if (cm_cbor_count(v) > cap) {
        return CM_ERR_LIMIT;
    }
    for (v = cm_cbor_first(v); v.doc != NULL; v = cm_cbor_next(v)) {
        uint64_t byte = 0;

        if (cm_cbor_u64(v, &byte) != CM_OK || byte > 255) {
            return CM_ERR_FORMAT;
        }
        buf[n++] = (uint8_t)byte;
    }
    *out = cm_span_make(buf, n);
    return CM_OK;
}

/* The signature section, and the buffers in which its byte strings are put together. */
struct signing {
    struct cm_cbor_own doc;
    uint8_t *pem;
    uint8_t *signature;
};

static void signing_free(struct signing *s)
{
    cm_cbor_own_free(&s->doc);
    free(s->pem);
    free(s->signature);
}

static enum cm_status signing_open(const struct cm_eif *eif, struct signing *s, struct cm_why *why)
{
    static const struct cm_cbor_limits limits = {CM_EIF_MAX_SIGNING, MAX_NODES};
    const struct cm_eif_section *section = cm_eif_find(eif, CM_EIF_SIGNATURE);
    struct cm_cbor_value root = {NULL, 0};
    enum cm_status st = CM_OK;

    memset(s, 0, sizeof(*s));
    if (section == NULL) {
        cm_why_set(why, "the image is not signed");
        return CM_ERR_NOTFOUND;
    }
    s->pem = malloc(MAX_PEM);
    s->signature = malloc(MAX_SIGNATURE);
    if (s->pem == NULL || s->signature == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_cbor_own_parse(section->data, limits, &s->doc, why));
    root = cm_cbor_root(&s->doc.doc);
    if (!cm_cbor_is(root, CM_CBOR_ARRAY) || cm_cbor_count(root) == 0 ||
        cm_cbor_count(root) > MAX_ENTRIES) {
        cm_why_set(why, "the signature section is no list of signatures");
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

static enum cm_status entry_certificate(struct signing *s, struct cm_cbor_value entry,
                                        struct cm_cert_facts *out, struct cm_why *why)
{
    struct cm_span pem = {NULL, 0};
    enum cm_status st =
        octets(cm_cbor_get_text(entry, "signing_certificate"), s->pem, MAX_PEM, &pem);

    memset(out, 0, sizeof(*out));
    if (st == CM_OK) {
        st = cm_cert_facts_from_pem(pem, out);
    }
    if (st != CM_OK) {
        cm_why_set(why, "the signing certificate is malformed");
    }
    return st;
}

enum cm_status cm_eif_measure(const struct cm_eif *eif, struct cm_eif_pcrs *out, struct cm_why *why)
{
    struct cm_cert_facts facts = {0};
    struct signing s = {0};
    struct cm_span der = {NULL, 0};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(measure_code(eif, out));
    if (cm_eif_find(eif, CM_EIF_SIGNATURE) == NULL) {
        goto out;
    }
    CM_TRY(signing_open(eif, &s, why));
    CM_TRY(entry_certificate(&s, cm_cbor_first(cm_cbor_root(&s.doc.doc)), &facts, why));
    der = cm_span_make(facts.der, facts.der_len);
    out->is_signed = true;
    st = extend(&der, 1, out->pcr8);
out:
    cm_cert_facts_free(&facts);
    signing_free(&s);
    return st;
}

/* The algorithm of a key's curve; RSA keys do not sign images. */
static enum cm_status algorithm(const struct cm_pubkey *key, enum cm_sig_alg *out)
{
    static const enum cm_sig_alg algs[] = {[CM_CURVE_P256] = CM_SIG_ES256,
                                           [CM_CURVE_P384] = CM_SIG_ES384,
                                           [CM_CURVE_P521] = CM_SIG_ES512};
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = 0;

    if (cm_pubkey_ec(key, &curve, x, y, &len) != CM_OK) {
        return CM_ERR_UNSUPPORTED;
    }
    *out = algs[curve];
    return CM_OK;
}

/* What was signed must be a register of this very image. */
static enum cm_status check_register(struct cm_span payload, const struct cm_eif_pcrs *pcrs,
                                     bool *is_pcr0, struct cm_why *why)
{
    static const struct cm_cbor_limits limits = {1024, 256};
    const struct {
        uint64_t index;
        const uint8_t *value;
    } known[] = {{0, pcrs->pcr0}, {1, pcrs->pcr1}, {2, pcrs->pcr2}, {8, pcrs->pcr8}};
    struct cm_cbor_own doc;
    struct cm_cbor_value root = {NULL, 0};
    struct cm_span value = {NULL, 0};
    uint8_t buf[64] = {0};
    uint64_t index = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_cbor_own_parse(payload, limits, &doc, why));
    root = cm_cbor_root(&doc.doc);
    st = cm_cbor_u64(cm_cbor_get_text(root, "register_index"), &index) != CM_OK
             ? CM_ERR_FORMAT
             : octets(cm_cbor_get_text(root, "register_value"), buf, sizeof(buf), &value);
    if (st != CM_OK) {
        cm_why_set(why, "what is signed is no register");
        goto out;
    }
    st = CM_ERR_MISMATCH;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].index == index && value.len == CM_EIF_PCR_SIZE &&
            memcmp(value.ptr, known[i].value, CM_EIF_PCR_SIZE) == 0) {
            st = CM_OK;
            *is_pcr0 = *is_pcr0 || index == 0;
        }
    }
    if (st != CM_OK) {
        cm_why_set(why, "the signature is of another image");
    }
out:
    cm_cbor_own_free(&doc);
    return st;
}

static enum cm_status verify_entry(struct signing *s, struct cm_cbor_value entry,
                                   const struct cm_pubkey *key, const struct cm_eif_pcrs *pcrs,
                                   bool *is_pcr0, struct cm_why *why)
{
    static const struct cm_cbor_limits limits = {MAX_SIGNATURE, 256};
    const struct cm_span none = {NULL, 0};
    enum cm_sig_alg alg = CM_SIG_ES384;
    struct cm_span bytes = {NULL, 0};
    struct cm_cose_sign1 msg;
    struct cm_cbor_own doc = {0};
    enum cm_status st = CM_OK;

    CM_TRY(octets(cm_cbor_get_text(entry, "signature"), s->signature, MAX_SIGNATURE, &bytes));
    CM_TRY(cm_cbor_own_parse(bytes, limits, &doc, why));
    CM_TRY(cm_cose_sign1_parse(cm_cbor_root(&doc.doc), &msg, why));
    CM_TRY(algorithm(key, &alg));
    CM_TRY(cm_cose_sign1_verify(&msg, key, alg, none, none));
    st = check_register(msg.payload, pcrs, is_pcr0, why);
out:
    cm_cbor_own_free(&doc);
    return st;
}

/* Later entries must have the first one's certificate, or PCR8 would be one signer's of several. */
static enum cm_status same_certificate(struct signing *s, struct cm_cbor_value entry,
                                       const struct cm_cert_facts *signer, struct cm_why *why)
{
    struct cm_cert_facts other;
    enum cm_status st = entry_certificate(s, entry, &other, why);

    if (st == CM_OK && (other.der_len != signer->der_len ||
                        memcmp(other.der, signer->der, signer->der_len) != 0)) {
        cm_why_set(why, "signatures of several signers");
        st = CM_ERR_MISMATCH;
    }
    cm_cert_facts_free(&other);
    return st;
}

enum cm_status cm_eif_verify(const struct cm_eif *eif, uint64_t now, struct cm_cert_facts *signer,
                             struct cm_why *why)
{
    struct cm_eif_pcrs pcrs;
    struct signing s = {0};
    struct cm_cbor_value first = {NULL, 0};
    bool has_pcr0 = false;
    enum cm_status st = CM_OK;

    memset(signer, 0, sizeof(*signer));
    CM_TRY(signing_open(eif, &s, why));
    CM_TRY(cm_eif_measure(eif, &pcrs, why));
    first = cm_cbor_first(cm_cbor_root(&s.doc.doc));
    CM_TRY(entry_certificate(&s, first, signer, why));
    for (struct cm_cbor_value e = first; e.doc != NULL; e = cm_cbor_next(e)) {
        CM_TRY(same_certificate(&s, e, signer, why));
        CM_TRY(verify_entry(&s, e, signer->key, &pcrs, &has_pcr0, why));
    }
    if (!has_pcr0) {
        cm_why_set(why, "PCR0 is not signed");
        st = CM_ERR_MISMATCH;
    } else if (now != 0 && (now < signer->not_before || now > signer->not_after)) {
        cm_why_set(why, "the signing certificate is not valid at this time");
        st = CM_ERR_EXPIRED;
    }
out:
    signing_free(&s);
    return st;
}

static void put_octets(struct cm_wr *w, struct cm_span bytes)
{
    cm_cbor_wr_array(w, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        cm_cbor_wr_u64(w, bytes.ptr[i]);
    }
}

static enum cm_status key_fits(const struct cm_pubkey *certified, const struct cm_privkey *key)
{
    uint8_t a[2048] = {0};
    uint8_t b[2048] = {0};
    size_t a_len = 0;
    size_t b_len = 0;
    struct cm_pubkey *own = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_public(key, &own));
    CM_TRY(cm_pubkey_spki(certified, a, sizeof(a), &a_len));
    CM_TRY(cm_pubkey_spki(own, b, sizeof(b), &b_len));
    st = a_len == b_len && memcmp(a, b, a_len) == 0 ? CM_OK : CM_ERR_MISMATCH;
out:
    cm_pubkey_free(own);
    return st;
}

/* PCR0 under the key, as an untagged COSE_Sign1. */
static enum cm_status sign_pcr0(const struct cm_eif_pcrs *pcrs, const struct cm_privkey *key,
                                enum cm_sig_alg alg, struct cm_wr *out)
{
    uint8_t payload[256] = {0};
    struct cm_wr p = cm_wr_init(payload, sizeof(payload));

    cm_cbor_wr_map(&p, 2);
    cm_cbor_wr_text(&p, "register_index");
    cm_cbor_wr_u64(&p, 0);
    cm_cbor_wr_text(&p, "register_value");
    put_octets(&p, cm_span_make(pcrs->pcr0, CM_EIF_PCR_SIZE));
    return p.bad ? CM_ERR_SPACE : cm_cose_sign1_write(key, alg, cm_span_make(payload, p.used), out);
}

enum cm_status cm_eif_sign(const struct cm_eif *eif, struct cm_span certificate_pem,
                           const struct cm_privkey *key, uint8_t **out, size_t *len,
                           struct cm_why *why)
{
    uint8_t cose[1024] = {0};
    struct cm_wr c = cm_wr_init(cose, sizeof(cose));
    struct cm_cert_facts facts = {0};
    struct cm_eif_pcrs pcrs = {0};
    enum cm_sig_alg alg = CM_SIG_ES384;
    uint8_t *section = NULL;
    struct cm_wr w = {0};
    enum cm_status st = CM_OK;

    if (certificate_pem.len > MAX_PEM) {
        return CM_ERR_LIMIT;
    }
    st = cm_cert_facts_from_pem(certificate_pem, &facts);
    if (st != CM_OK) {
        cm_why_set(why, "the certificate is not PEM of an X.509 certificate with an EC key");
        goto out;
    }
    st = algorithm(facts.key, &alg);
    if (st != CM_OK) {
        cm_why_set(why, "images are signed with keys on P-256, P-384 or P-521 only");
        goto out;
    }
    st = key_fits(facts.key, key);
    if (st != CM_OK) {
        cm_why_set(why, "the certificate is not that of the private key");
        goto out;
    }
    CM_TRY(measure_code(eif, &pcrs));
    CM_TRY(sign_pcr0(&pcrs, key, alg, &c));
    section =
        malloc(2 * (certificate_pem.len + c.used) + 128); /* a number takes at most two bytes */
    if (section == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    w = cm_wr_init(section, 2 * (certificate_pem.len + c.used) + 128);
    cm_cbor_wr_array(&w, 1);
    cm_cbor_wr_map(&w, 2);
    cm_cbor_wr_text(&w, "signing_certificate");
    put_octets(&w, certificate_pem);
    cm_cbor_wr_text(&w, "signature");
    put_octets(&w, cm_span_make(cose + 1, c.used - 1)); /* without its tag, one byte */
    CM_TRY(cm_wr_finish(&w));
    *out = section;
    *len = w.used;
    section = NULL;
out:
    free(section);
    cm_cert_facts_free(&facts);
    return st;
}
