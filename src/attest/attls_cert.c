/* Certificates of attested TLS; see attls_cert.h. */
#include "attest/attls_cert.h"

#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "common/writer.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"
#include "token/base64.h"

const uint8_t cm_attls_oid_report[CM_ATTLS_OID_SIZE] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                                        0x82, 0x37, 0x69, 0x01};
const uint8_t cm_attls_oid_evidence[CM_ATTLS_OID_SIZE] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                                          0x82, 0x37, 0x69, 0x02};
/* 1.2.840.113556.10.1.1 and .2: what older attesters write */
static const uint8_t old_report[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x01};
static const uint8_t old_evidence[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x0a, 0x01, 0x02};

/* id-ce of RFC 5280 that are understood, so they may be critical */
static const uint8_t oid_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_constraints[] = {0x55, 0x1d, 0x13};

#define USAGE_DIGITAL_SIGNATURE 0x80u

/* AlgorithmIdentifiers: RFC 5758 for ECDSA (no parameters), RFC 4055 for RSA (NULL) */
static const struct {
    uint8_t der[15];
    uint8_t len;
    enum cm_sig_alg alg;
    uint8_t half; /* of an ECDSA signature; 0 for RSA */
} algorithms[] = {
    {{0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2}, 12, CM_SIG_ES256, 32},
    {{0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3}, 12, CM_SIG_ES384, 48},
    {{0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4}, 12, CM_SIG_ES512, 66},
    {{0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0}, 15, CM_SIG_RS256, 0},
    {{0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0c, 5, 0}, 15, CM_SIG_RS384, 0},
    {{0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0d, 5, 0}, 15, CM_SIG_RS512, 0},
};

enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]), MAX_RAW = 132 };

/* The outer three parts. */
struct outer {
    struct cm_span tbs;
    struct cm_span alg;
    struct cm_span signature; /* content of the BIT STRING, without the count of unused bits */
};

static enum cm_status split(struct cm_span der, struct outer *out)
{
    struct cm_rd rd = cm_rd_init(der);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_rd bits = {0};

    out->tbs = cm_der_element(&list, CM_DER_SEQUENCE);
    out->alg = cm_der_element(&list, CM_DER_SEQUENCE);
    bits = cm_der_enter(&list, CM_DER_BITS);
    bits.bad = cm_rd_u8(&bits) != 0 || bits.bad;
    out->signature = cm_rd_rest(&bits);
    return cm_rd_finish(&list) == CM_OK && cm_rd_finish(&rd) == CM_OK && !bits.bad ? CM_OK
                                                                                   : CM_ERR_FORMAT;
}

/* An ECDSA signature's two numbers, each in half bytes. */
static enum cm_status raw_signature(struct cm_span der, size_t half, uint8_t *out)
{
    struct cm_rd rd = cm_rd_init(der);
    struct cm_rd pair = cm_der_enter(&rd, CM_DER_SEQUENCE);

    cm_der_positive(&pair, out, half);
    cm_der_positive(&pair, out + half, half);
    return cm_rd_finish(&pair) == CM_OK && cm_rd_finish(&rd) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

/* Its number in the table, or the table's size. */
static size_t algorithm_of(struct cm_span der)
{
    size_t i = 0;

    while (i < ALGORITHMS &&
           !cm_span_same(der, cm_span_make(algorithms[i].der, algorithms[i].len))) {
        i++;
    }
    return i;
}

static enum cm_status verify_self(const struct outer *o, struct cm_span spki)
{
    uint8_t raw[MAX_RAW] = {0};
    const size_t i = algorithm_of(o->alg);
    struct cm_span signature = o->signature;
    struct cm_pubkey *key = NULL;
    enum cm_status st = CM_OK;

    if (i == ALGORITHMS) {
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(cm_pubkey_from_spki(spki, &key));
    if (algorithms[i].half != 0) {
        CM_TRY(raw_signature(o->signature, algorithms[i].half, raw));
        signature = cm_span_make(raw, (size_t)algorithms[i].half * 2);
    }
    st = cm_pubkey_verify(key, algorithms[i].alg, &o->tbs, 1, signature);
    if (st == CM_ERR_MISMATCH) { /* the algorithm of another kind of key */
        st = CM_ERR_UNSUPPORTED;
    }
out:
    cm_pubkey_free(key);
    return st;
}

/* No CA: nobody shall take certificates that this key signs. */
static enum cm_status check_constraints(struct cm_span value)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);

    if (cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return list.left == 0 ? CM_OK : CM_ERR_MISMATCH;
}

static enum cm_status check_usage(struct cm_span value)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_span bits = cm_der_take(&rd, CM_DER_BITS);

    if (cm_rd_finish(&rd) != CM_OK || bits.len < 2 || bits.len > 3 || bits.ptr[0] > 7) {
        return CM_ERR_FORMAT;
    }
    return (bits.ptr[1] & USAGE_DIGITAL_SIGNATURE) != 0 ? CM_OK : CM_ERR_MISMATCH;
}

static bool is_oid(const struct cm_x509_ext *e, const uint8_t *oid, size_t len)
{
    return e->oid.len == len && memcmp(e->oid.ptr, oid, len) == 0;
}

static enum cm_status read_extension(const struct cm_x509_ext *e, struct cm_attls_cert *out,
                                     struct cm_why *why)
{
    const bool report = is_oid(e, cm_attls_oid_report, sizeof(cm_attls_oid_report)) ||
                        is_oid(e, old_report, sizeof(old_report));
    const bool evidence = is_oid(e, cm_attls_oid_evidence, sizeof(cm_attls_oid_evidence)) ||
                          is_oid(e, old_evidence, sizeof(old_evidence));
    enum cm_status st = CM_OK;

    if (report || evidence) {
        if (out->statement.ptr != NULL) {
            cm_why_set(why, "the certificate carries two statements about its enclave");
            return CM_ERR_MISMATCH;
        }
        out->statement = e->value;
        out->legacy = report;
    } else if (is_oid(e, oid_constraints, sizeof(oid_constraints))) {
        st = check_constraints(e->value);
    } else if (is_oid(e, oid_usage, sizeof(oid_usage))) {
        st = check_usage(e->value);
    } else if (e->critical) {
        st = CM_ERR_MISMATCH;
    }
    if (st != CM_OK) {
        cm_why_set(why, "the certificate has an extension that its use does not allow");
    }
    return st;
}

/* TBSCertificate of version 3, issued by itself. */
static enum cm_status read_tbs(const struct outer *o, struct cm_attls_cert *out, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(o->tbs);
    struct cm_rd tbs = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_rd sub = cm_der_enter(&tbs, CM_DER_EXPLICIT(0));
    struct cm_x509_ext exts[CM_X509_MAX_EXTENSIONS];
    struct cm_span cn = {NULL, 0};
    struct cm_span serial = {NULL, 0};
    struct cm_span alg = {NULL, 0};
    struct cm_span issuer = {NULL, 0};
    struct cm_span subject = {NULL, 0};
    size_t count = 0;
    enum cm_status st = CM_OK;

    if (cm_der_uint(&sub, CM_DER_INTEGER, 2) != 2 || cm_rd_finish(&sub) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    serial = cm_der_take(&tbs, CM_DER_INTEGER);
    alg = cm_der_element(&tbs, CM_DER_SEQUENCE);
    issuer = cm_der_element(&tbs, CM_DER_SEQUENCE);
    sub = cm_der_enter(&tbs, CM_DER_SEQUENCE);
    out->period.not_before = cm_x509_time(&sub);
    out->period.not_after = cm_x509_time(&sub);
    if (cm_rd_finish(&sub) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    subject = cm_der_element(&tbs, CM_DER_SEQUENCE);
    out->spki = cm_der_element(&tbs, CM_DER_SEQUENCE);
    sub = cm_der_enter(&tbs, CM_DER_EXPLICIT(3));
    count = cm_x509_extensions(&sub, exts);
    if (cm_rd_finish(&sub) != CM_OK || cm_rd_finish(&tbs) != CM_OK || cm_rd_finish(&rd) != CM_OK ||
        serial.len == 0 || serial.len > 21 || !cm_span_same(alg, o->alg)) {
        return CM_ERR_FORMAT; /* of the two algorithms only the inner one is signed */
    }
    CM_TRY(cm_x509_name(subject, &cn));
    if (!cm_span_same(issuer, subject)) {
        cm_why_set(why, "the certificate is not issued by its own subject");
        return CM_ERR_MISMATCH;
    }
    for (size_t i = 0; i < count; i++) {
        CM_TRY(read_extension(&exts[i], out, why));
    }
out:
    return st;
}

enum cm_status cm_attls_cert_read(struct cm_span der, struct cm_attls_cert *out, struct cm_why *why)
{
    struct outer o;
    struct cm_attls_cert c;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    memset(&c, 0, sizeof(c));
    if (der.len > CM_ATTLS_MAX_CERT) {
        st = CM_ERR_FORMAT;
    } else {
        st = split(der, &o);
    }
    CM_TRY(st);
    CM_TRY(read_tbs(&o, &c, why));
    if (c.statement.ptr == NULL || c.statement.len == 0) {
        cm_why_set(why, "the certificate carries no evidence");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(verify_self(&o, c.spki));
    *out = c;
out:
    if (st == CM_ERR_FORMAT) {
        cm_why_set(why, "no well-formed self-signed certificate of version 3");
    } else if (st == CM_ERR_SIGNATURE) {
        cm_why_set(why, "the certificate is not signed by its own key");
    } else if (st == CM_ERR_UNSUPPORTED) {
        cm_why_set(why, "the certificate's key or signature is of a kind that is not used here");
    }
    return st;
}

enum cm_status cm_attls_pem(struct cm_span spki, char *out, size_t cap, size_t *len)
{
    struct cm_wr w = cm_wr_init(out, cap);

    cm_pem_write(&w, "PUBLIC KEY", spki);
    cm_wr_u8(&w, 0);
    *len = w.used;
    return cm_wr_finish(&w);
}
