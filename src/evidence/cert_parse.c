/* One certificate, from strict DER; see x509.h. Untrusted: every byte. */
#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"

/* SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480) */
static const uint8_t spki_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static const uint8_t oid_ski[] = {0x55, 0x1d, 0x0e};
static const uint8_t oid_usage[] = {0x55, 0x1d, 0x0f};
static const uint8_t oid_constraints[] = {0x55, 0x1d, 0x13};
static const uint8_t oid_aki[] = {0x55, 0x1d, 0x23};
static const uint8_t oid_san[] = {0x55, 0x1d, 0x11};

static enum cm_status parse_key(struct cm_cert *c, struct cm_span spki)
{
    enum cm_status st = CM_OK;

    if (c->profile == CM_CERTS_GENERAL) {
        CM_TRY(cm_sha256_of(spki, c->spki_sha256));
        CM_TRY(cm_x509_key(spki, &c->key));
        return CM_OK;
    }
    if (spki.len != CM_SPKI_P256_SIZE || memcmp(spki.ptr, spki_p256, sizeof(spki_p256)) != 0) {
        return CM_ERR_UNSUPPORTED; /* RSA, another curve, explicit parameters, compressed */
    }
    CM_TRY(cm_sha256_of(spki, c->spki_sha256));
    CM_TRY(cm_pubkey_from_ec(CM_CURVE_P256, cm_span_make(spki.ptr + sizeof(spki_p256), 32),
                             cm_span_make(spki.ptr + sizeof(spki_p256) + 32, 32), &c->key));
out:
    return st;
}

static enum cm_status parse_constraints(struct cm_cert *c, struct cm_span value)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);

    c->has_constraints = true;
    if (cm_der_next_is(&list, CM_DER_BOOLEAN)) {
        c->ca = cm_der_bool(&list);
        /* FALSE is the default, so never written */
        list.bad = list.bad || (c->profile != CM_CERTS_GENERAL && !c->ca);
    }
    if (cm_der_next_is(&list, CM_DER_INTEGER)) {
        c->pathlen = (uint8_t)cm_der_uint(&list, CM_DER_INTEGER, 255);
        c->has_pathlen = true;
        list.bad = list.bad || !c->ca;
    }
    return cm_rd_finish(&list) == CM_OK && cm_rd_finish(&rd) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

static enum cm_status parse_usage(struct cm_cert *c, struct cm_span value)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_span bits = cm_der_take(&rd, CM_DER_BITS);

    /* unused bits, then one byte, or two for decipherOnly */
    if (cm_rd_finish(&rd) != CM_OK || bits.len < 2 || bits.len > 3 || bits.ptr[0] > 7 ||
        (bits.ptr[bits.len - 1] & ((1u << bits.ptr[0]) - 1)) != 0) {
        return CM_ERR_FORMAT;
    }
    c->has_usage = true;
    c->usage = bits.ptr[1];
    return CM_OK;
}

static enum cm_status read_extensions(struct cm_cert *c)
{
    const struct cm_x509_ext *e = NULL;
    enum cm_status st = CM_OK;

    e = cm_x509_find(c->exts, c->ext_count, oid_constraints, sizeof(oid_constraints));
    if (e != NULL) {
        CM_TRY(parse_constraints(c, e->value));
    }
    e = cm_x509_find(c->exts, c->ext_count, oid_usage, sizeof(oid_usage));
    if (e != NULL) {
        CM_TRY(parse_usage(c, e->value));
    }
    e = cm_x509_find(c->exts, c->ext_count, oid_aki, sizeof(oid_aki));
    if (e != NULL) {
        CM_TRY(c->profile == CM_CERTS_GENERAL ? cm_x509_aki_general(e->value, &c->aki)
                                              : cm_x509_aki(e->value, &c->aki));
    }
    e = cm_x509_find(c->exts, c->ext_count, oid_ski, sizeof(oid_ski));
    if (e != NULL) {
        struct cm_rd rd = cm_rd_init(e->value);

        c->ski = cm_der_take(&rd, CM_DER_OCTETS);
        if (cm_rd_finish(&rd) != CM_OK || c->ski.len == 0) {
            return CM_ERR_FORMAT;
        }
    }
    for (size_t i = 0; i < c->ext_count; i++) {
        const struct cm_span oid = c->exts[i].oid;
        bool known = oid.len == 3 && (memcmp(oid.ptr, oid_constraints, 3) == 0 ||
                                      memcmp(oid.ptr, oid_usage, 3) == 0);

        c->unknown_critical = c->unknown_critical || (c->exts[i].critical && !known);
    }
out:
    return st;
}

/* Extensions and names of the general profile. Who has no name must have another (RFC 5280 4.1.2.6). */
static enum cm_status parse_general(struct cm_cert *c)
{
    const struct cm_x509_ext *san = NULL;
    struct cm_span none = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_x509_name_general(c->issuer, &c->issuer_cn));
    CM_TRY(cm_x509_name_general(c->subject, &c->cn));
    san = cm_x509_find(c->exts, c->ext_count, oid_san, sizeof(oid_san));
    if (san != NULL) { /* GeneralNames: at least one */
        struct cm_rd rd = cm_rd_init(san->value);

        none = cm_der_take(&rd, CM_DER_SEQUENCE);
        if (cm_rd_finish(&rd) != CM_OK || none.len == 0) {
            return CM_ERR_FORMAT;
        }
    }
    if (c->issuer.len == 2 || (c->subject.len == 2 && (san == NULL || !san->critical))) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(read_extensions(c));
out:
    return st;
}

/* The list of extensions and what ends the certificate; the general profile lets it be absent. */
static enum cm_status take_extensions(struct cm_cert *c, struct cm_rd *tbs)
{
    bool general = c->profile == CM_CERTS_GENERAL;
    struct cm_rd sub = {0};

    if (general && !tbs->bad && tbs->left == 0) {
        return CM_OK;
    }
    sub = cm_der_enter(tbs, CM_DER_EXPLICIT(3));
    c->ext_count =
        general ? cm_x509_extensions_general(&sub, c->exts) : cm_x509_extensions(&sub, c->exts);
    return cm_rd_finish(&sub);
}

enum cm_status cm_cert_parse(struct cm_cert *c)
{
    struct cm_rd rd = {0};
    struct cm_rd tbs = {0};
    struct cm_rd sub = {0};
    struct cm_span alg = {NULL, 0};
    struct cm_span spki = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_x509_split(cm_span_make(c->der, c->der_len), c->profile, &c->outer));
    rd = cm_rd_init(c->outer.tbs);
    tbs = cm_der_enter(&rd, CM_DER_SEQUENCE);
    sub = cm_der_enter(&tbs, CM_DER_EXPLICIT(0));
    if (cm_der_uint(&sub, CM_DER_INTEGER, 2) != 2 || cm_rd_finish(&sub) != CM_OK) {
        return CM_ERR_FORMAT; /* version 3: without it there are no extensions */
    }
    c->serial = cm_der_integer(&tbs);
    alg = cm_der_element(&tbs, CM_DER_SEQUENCE);
    c->issuer = cm_der_element(&tbs, CM_DER_SEQUENCE);
    sub = cm_der_enter(&tbs, CM_DER_SEQUENCE);
    c->period.not_before = cm_x509_time(&sub);
    c->period.not_after = cm_x509_time(&sub);
    c->subject = cm_der_element(&tbs, CM_DER_SEQUENCE);
    spki = cm_der_element(&tbs, CM_DER_SEQUENCE);
    if (cm_rd_finish(&sub) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(take_extensions(c, &tbs));
    if (cm_rd_finish(&tbs) != CM_OK || cm_rd_finish(&rd) != CM_OK || c->serial.len == 0 ||
        c->serial.len > 21) {
        return CM_ERR_FORMAT;
    }
    if (!cm_span_same(alg, c->outer.alg)) {
        return CM_ERR_FORMAT; /* the algorithm outside is not signed, the one inside is */
    }
    if (c->profile == CM_CERTS_GENERAL) {
        CM_TRY(parse_general(c));
    } else {
        CM_TRY(cm_x509_name(c->issuer, &c->issuer_cn));
        CM_TRY(cm_x509_name(c->subject, &c->cn));
        CM_TRY(read_extensions(c));
    }
    CM_TRY(parse_key(c, spki));
out:
    return st;
}
