/* Sets of certificates and links between them; see certs.h. Untrusted: every byte. */
#include "evidence/certs.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/pubkey.h"
#include "evidence/x509.h"

#define USAGE_SIGNATURE 0x80u /* digitalSignature */
#define USAGE_CA        0x06u /* keyCertSign and cRLSign */

struct cm_certs {
    struct cm_cert certs[CM_CERTS_MAX];
    size_t count;
};

enum cm_status cm_certs_create(struct cm_certs **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}

void cm_certs_free(struct cm_certs *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        cm_pubkey_free(set->certs[i].key);
        free(set->certs[i].der);
    }
    free(set);
}

/* The certificate of these bytes, parsed now or before. */
static enum cm_status add(struct cm_certs *set, struct cm_span der, const struct cm_cert **out)
{
    struct cm_cert *c = NULL;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < set->count; i++) {
        if (set->certs[i].der_len == der.len && memcmp(set->certs[i].der, der.ptr, der.len) == 0) {
            *out = &set->certs[i];
            return CM_OK;
        }
    }
    if (set->count == CM_CERTS_MAX || der.len == 0) {
        return CM_ERR_FORMAT;
    }
    c = &set->certs[set->count];
    memset(c, 0, sizeof(*c));
    c->der = malloc(der.len);
    if (c->der == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(c->der, der.ptr, der.len);
    c->der_len = der.len;
    st = cm_cert_parse(c);
    if (st != CM_OK) { /* a broken one must not be found again as a good one */
        cm_pubkey_free(c->key);
        free(c->der);
        memset(c, 0, sizeof(*c));
        return st;
    }
    set->count++;
    *out = c;
    return CM_OK;
}

enum cm_status cm_certs_pem(struct cm_certs *set, struct cm_span pem,
                            const struct cm_cert *chain[CM_CERTS_MAX_CHAIN], size_t *count)
{
    uint8_t der[CM_PEM_MAX];
    size_t len = 0;
    enum cm_status st = CM_OK;

    *count = 0;
    for (;;) {
        CM_TRY(cm_pem_next(&pem, "CERTIFICATE", der, sizeof(der), &len));
        if (len == 0) {
            break;
        }
        if (*count == CM_CERTS_MAX_CHAIN) {
            st = CM_ERR_FORMAT;
            goto out;
        }
        CM_TRY(add(set, cm_span_make(der, len), &chain[*count]));
        (*count)++;
    }
    st = *count == 0 ? CM_ERR_FORMAT : CM_OK;
out:
    return st;
}

/* Basic constraints and key usage as the role asks for them; both must be present. */
static bool role_holds(const struct cm_cert *c, enum cm_cert_role role)
{
    if (c->unknown_critical || !c->has_constraints || !c->has_usage) {
        return false;
    }
    if (role == CM_CERT_SIGNER) {
        return !c->ca && (c->usage & USAGE_SIGNATURE) != 0;
    }
    return c->ca && (c->usage & USAGE_CA) == USAGE_CA;
}

static bool equal(struct cm_span a, struct cm_span b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

enum cm_status cm_cert_verify(const struct cm_cert *cert, const struct cm_cert *issuer,
                              enum cm_cert_role role, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!equal(cert->issuer, issuer->subject)) {
        cm_why_set(why, "a certificate's issuer is not the next certificate's subject");
        return CM_ERR_MISMATCH;
    }
    if (!role_holds(cert, role)) {
        cm_why_set(why, "a certificate's constraints or key usage do not fit its place");
        return CM_ERR_MISMATCH;
    }
    if (role == CM_CERT_CA && issuer->has_pathlen && issuer->pathlen == 0) {
        cm_why_set(why, "the issuer's path length allows no CA under it");
        return CM_ERR_MISMATCH;
    }
    if (cert->aki.len != 0 && issuer->ski.len != 0 && !equal(cert->aki, issuer->ski)) {
        cm_why_set(why, "a certificate names another key of its issuer");
        return CM_ERR_MISMATCH;
    }
    st = cm_pubkey_verify(issuer->key, CM_SIG_ES256, &cert->outer.tbs, 1,
                          cm_span_make(cert->outer.signature, 64));
    if (st != CM_OK) {
        cm_why_set(why, "a certificate's signature does not verify");
    }
    return st;
}

bool cm_cert_self_issued(const struct cm_cert *cert)
{
    return equal(cert->issuer, cert->subject);
}

struct cm_span cm_cert_cn(const struct cm_cert *cert)
{
    return cert->cn;
}

bool cm_cert_cn_contains(const struct cm_cert *cert, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + len <= cert->cn.len; i++) {
        if (memcmp(cert->cn.ptr + i, text, len) == 0) {
            return true;
        }
    }
    return false;
}

struct cm_period cm_cert_period(const struct cm_cert *cert)
{
    return cert->period;
}

struct cm_span cm_cert_der(const struct cm_cert *cert)
{
    return cm_span_make(cert->der, cert->der_len);
}

const uint8_t *cm_cert_spki_sha256(const struct cm_cert *cert)
{
    return cert->spki_sha256;
}

struct cm_span cm_cert_extension(const struct cm_cert *cert, struct cm_span oid)
{
    const struct cm_x509_ext *e = cm_x509_find(cert->exts, cert->ext_count, oid.ptr, oid.len);

    return e == NULL ? cm_span_make(NULL, 0) : e->value;
}

bool cm_cert_is_pem(const struct cm_cert *cert, struct cm_span pem)
{
    uint8_t der[CM_PEM_MAX];
    uint8_t none = 0;
    size_t len = 0;
    size_t more = 0;

    return cm_pem_next(&pem, "CERTIFICATE", der, sizeof(der), &len) == CM_OK &&
           len == cert->der_len && memcmp(der, cert->der, len) == 0 &&
           cm_pem_next(&pem, "CERTIFICATE", &none, 1, &more) == CM_OK && more == 0;
}

enum cm_status cm_cert_check_signature(const struct cm_cert *cert, struct cm_span data,
                                       struct cm_span signature)
{
    return cm_pubkey_verify(cert->key, CM_SIG_ES256, &data, 1, signature);
}
