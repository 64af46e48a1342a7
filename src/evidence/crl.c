/* Revocation lists; see certs.h. Untrusted: every byte until the signature has been verified. */
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/same.h"
#include "common/try.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"

#define CRL_MAX (1u << 20)

struct cm_crl {
    enum cm_cert_profile profile;
    uint8_t *der;
    struct cm_x509_signed outer;
    struct cm_span issuer;
    struct cm_period period;
    struct cm_span revoked; /* content of the list of entries; may be empty */
    struct cm_span aki;
    uint64_t number;
    bool unknown_critical;
};

static enum cm_status from_hex(struct cm_span text, uint8_t *der, size_t *len)
{
    while (text.len != 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == 0)) {
        text.len--;
    }
    if (!cm_hex_decode(text, der, text.len / 2)) {
        return CM_ERR_FORMAT;
    }
    *len = text.len / 2;
    return CM_OK;
}

/* DER from DER, PEM or hexadecimal, told apart by the first byte. der holds text.len bytes. */
static enum cm_status to_der(struct cm_span text, uint8_t *der, size_t *len)
{
    if (text.ptr[0] == 0x30) { /* as text that is "0", and a list in hexadecimal begins with "3" */
        memcpy(der, text.ptr, text.len);
        *len = text.len;
        return CM_OK;
    }
    if (text.ptr[0] == '-') {
        enum cm_status st = cm_pem_next(&text, "X509 CRL", der, text.len, len);
        size_t more = 0;
        uint8_t none = 0;

        return st == CM_OK && *len != 0 &&
                       cm_pem_next(&text, "X509 CRL", &none, 1, &more) == CM_OK && more == 0
                   ? CM_OK
                   : CM_ERR_FORMAT;
    }
    return from_hex(text, der, len);
}

/* One entry: serial number, date, extensions. What is critical could name another issuer. */
static struct cm_span next_entry(struct cm_rd *list)
{
    struct cm_rd entry = cm_der_enter(list, CM_DER_SEQUENCE);
    struct cm_span serial = cm_der_integer(&entry);

    (void)cm_x509_time(&entry);
    if (!entry.bad && entry.left != 0) {
        struct cm_x509_ext exts[CM_X509_MAX_EXTENSIONS];
        size_t count = cm_x509_extensions(&entry, exts);

        for (size_t i = 0; i < count; i++) {
            entry.bad = entry.bad || exts[i].critical;
        }
    }
    list->bad = list->bad || cm_rd_finish(&entry) != CM_OK || serial.len == 0;
    return serial;
}

static enum cm_status read_extensions(struct cm_crl *crl, struct cm_rd *tbs)
{
    static const uint8_t oid_number[] = {0x55, 0x1d, 0x14};
    static const uint8_t oid_aki[] = {0x55, 0x1d, 0x23};
    struct cm_x509_ext exts[CM_X509_MAX_EXTENSIONS];
    struct cm_rd sub = {0};
    size_t count = 0;
    const struct cm_x509_ext *e = NULL;
    struct cm_rd rd = {0};
    enum cm_status st = CM_OK;

    if (crl->profile == CM_CERTS_GENERAL && !tbs->bad && tbs->left == 0) {
        return CM_OK; /* none */
    }
    sub = cm_der_enter(tbs, CM_DER_EXPLICIT(0));
    count = crl->profile == CM_CERTS_DCAP ? cm_x509_extensions(&sub, exts)
                                          : cm_x509_extensions_general(&sub, exts);
    if (cm_rd_finish(&sub) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < count; i++) {
        crl->unknown_critical = crl->unknown_critical || exts[i].critical;
    }
    e = cm_x509_find(exts, count, oid_number, sizeof(oid_number));
    if (e == NULL && crl->profile == CM_CERTS_DCAP) {
        return CM_ERR_FORMAT;
    }
    if (e != NULL) {
        rd = cm_rd_init(e->value);
        /* up to 20 bytes are legal; numbers beyond 63 bits cannot be compared here */
        crl->number = cm_der_uint(&rd, CM_DER_INTEGER, INT64_MAX);
        if (cm_rd_finish(&rd) != CM_OK) {
            return CM_ERR_FORMAT;
        }
    }
    e = cm_x509_find(exts, count, oid_aki, sizeof(oid_aki));
    if (e != NULL) {
        CM_TRY(crl->profile == CM_CERTS_DCAP ? cm_x509_aki(e->value, &crl->aki)
                                             : cm_x509_aki_general(e->value, &crl->aki));
    }
out:
    return st;
}

static enum cm_status parse(struct cm_crl *crl, struct cm_span der)
{
    struct cm_rd rd = {0};
    struct cm_rd tbs = {0};
    struct cm_rd list = {0};
    struct cm_span alg = {NULL, 0};
    struct cm_span cn = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_x509_split(der, crl->profile, &crl->outer));
    rd = cm_rd_init(crl->outer.tbs);
    tbs = cm_der_enter(&rd, CM_DER_SEQUENCE);
    if (cm_der_uint(&tbs, CM_DER_INTEGER, 1) != 1) { /* version 2 */
        return CM_ERR_FORMAT;
    }
    alg = cm_der_element(&tbs, CM_DER_SEQUENCE);
    crl->issuer = cm_der_element(&tbs, CM_DER_SEQUENCE);
    crl->period.not_before = cm_x509_time(&tbs);
    crl->period.not_after = cm_x509_time(&tbs); /* optional in RFC 5280, required here */
    if (cm_der_next_is(&tbs, CM_DER_SEQUENCE)) {
        crl->revoked = cm_der_take(&tbs, CM_DER_SEQUENCE);
    }
    CM_TRY(read_extensions(crl, &tbs));
    CM_TRY(crl->profile == CM_CERTS_DCAP ? cm_x509_name(crl->issuer, &cn)
                                         : cm_x509_name_general(crl->issuer, &cn));
    if (cm_rd_finish(&tbs) != CM_OK || cm_rd_finish(&rd) != CM_OK ||
        !cm_span_same(alg, crl->outer.alg)) {
        return CM_ERR_FORMAT;
    }
    for (list = cm_rd_init(crl->revoked); !list.bad && list.left != 0;) {
        (void)next_entry(&list);
    }
    st = list.bad ? CM_ERR_FORMAT : CM_OK;
out:
    return st;
}

static enum cm_status crl_create(struct cm_span text, enum cm_cert_profile profile,
                                 struct cm_crl **out)
{
    struct cm_crl *crl = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (text.len == 0 || text.len > CRL_MAX) {
        return CM_ERR_FORMAT;
    }
    crl = calloc(1, sizeof(*crl));
    if (crl == NULL || (crl->der = malloc(text.len)) == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    crl->profile = profile;
    CM_TRY(to_der(text, crl->der, &len));
    CM_TRY(parse(crl, cm_span_make(crl->der, len)));
    *out = crl;
    crl = NULL;
out:
    cm_crl_free(crl);
    return st;
}

enum cm_status cm_crl_parse(struct cm_span text, struct cm_crl **out)
{
    return crl_create(text, CM_CERTS_DCAP, out);
}

enum cm_status cm_crl_parse_general(struct cm_span text, struct cm_crl **out)
{
    return crl_create(text, CM_CERTS_GENERAL, out);
}

void cm_crl_free(struct cm_crl *crl)
{
    if (crl != NULL) {
        free(crl->der);
        free(crl);
    }
}

enum cm_status cm_crl_verify(const struct cm_crl *crl, const struct cm_cert *issuer,
                             struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!cm_span_same(crl->issuer, issuer->subject)) {
        cm_why_set(why, "the revocation list is another CA's");
        return CM_ERR_MISMATCH;
    }
    if (crl->unknown_critical) { /* a delta list, or one of some certificates only */
        cm_why_set(why, "the revocation list has an unknown critical extension");
        return CM_ERR_FORMAT;
    }
    if (crl->aki.len != 0 && issuer->ski.len != 0 && !cm_span_same(crl->aki, issuer->ski)) {
        cm_why_set(why, "the revocation list names another key of its CA");
        return CM_ERR_MISMATCH;
    }
    st = cm_x509_check(&crl->outer, issuer->key, crl->profile);
    if (st != CM_OK) {
        cm_why_set(why, "the revocation list's signature does not verify");
    }
    return st;
}

struct cm_span cm_crl_issuer(const struct cm_crl *crl)
{
    return crl->issuer;
}

struct cm_period cm_crl_period(const struct cm_crl *crl)
{
    return crl->period;
}

uint64_t cm_crl_number(const struct cm_crl *crl)
{
    return crl->number;
}

bool cm_crl_revokes(const struct cm_crl *crl, const struct cm_cert *cert)
{
    struct cm_rd list = cm_rd_init(crl->revoked);

    while (!list.bad && list.left != 0) {
        struct cm_span serial = next_entry(&list);

        /* whatever the reason: also "removed from list", which belongs to delta lists */
        if (serial.len != 0 && cm_span_same(serial, cert->serial)) {
            return true;
        }
    }
    return list.bad; /* the parser has seen to it that it is not */
}
