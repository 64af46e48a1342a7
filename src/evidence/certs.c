/* Sets of certificates and links between them; see certs.h. Untrusted: every byte. */
#include "evidence/certs.h"

#include <stdlib.h>
#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "crypto/pubkey.h"
#include "evidence/cert_cache.h"
#include "evidence/x509.h"

#define USAGE_SIGNATURE 0x80u /* digitalSignature */
#define USAGE_CA        0x06u /* keyCertSign and cRLSign */

#define MARK_NONE       0
#define MARK_WRITING    1
#define MARK_SET        2

struct cm_certs {
    enum cm_cert_profile profile;
    struct cm_cert_cache *cache;
    struct cm_cert *certs[CM_CERTS_MAX_GENERAL];
    size_t count;
};

enum cm_status cm_certs_create(struct cm_certs **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}

enum cm_status cm_certs_create_general(struct cm_cert_cache *cache, struct cm_certs **out)
{
    enum cm_status st = cm_certs_create(out);

    if (st == CM_OK) {
        (*out)->profile = CM_CERTS_GENERAL;
        (*out)->cache = cache;
    }
    return st;
}

void cm_certs_free(struct cm_certs *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        cm_cert_release(set->certs[i]);
    }
    free(set);
}

enum cm_status cm_cert_create(struct cm_span der, enum cm_cert_profile profile,
                              struct cm_cert **out)
{
    struct cm_cert *c = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (der.len == 0 || der.len > CM_CERT_MAX_SIZE) {
        return CM_ERR_FORMAT;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return CM_ERR_NOMEM;
    }
    c->profile = profile;
    atomic_init(&c->users, 1);
    atomic_init(&c->issuer_key.state, MARK_NONE);
    atomic_init(&c->statement.state, MARK_NONE);
    c->der = malloc(der.len);
    if (c->der == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    memcpy(c->der, der.ptr, der.len);
    c->der_len = der.len;
    CM_TRY(cm_cert_parse(c));
    *out = c;
    c = NULL;
out:
    cm_cert_release(c);
    return st;
}

void cm_cert_hold(struct cm_cert *cert)
{
    (void)atomic_fetch_add(&cert->users, 1);
}

void cm_cert_release(struct cm_cert *cert)
{
    if (cert != NULL && atomic_fetch_sub(&cert->users, 1) == 1) {
        cm_pubkey_free(cert->key);
        free(cert->der);
        free(cert);
    }
}

/* The certificate of these bytes, parsed now or before. A broken one is not kept. */
static enum cm_status add(struct cm_certs *set, struct cm_span der, const struct cm_cert **out)
{
    bool dcap = set->profile == CM_CERTS_DCAP;
    struct cm_cert *c = NULL;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < set->count; i++) {
        c = set->certs[i];
        if (c->der_len == der.len && memcmp(c->der, der.ptr, der.len) == 0) {
            *out = c;
            return CM_OK;
        }
    }
    if (set->count == (dcap ? CM_CERTS_MAX : CM_CERTS_MAX_GENERAL)) {
        return dcap ? CM_ERR_FORMAT : CM_ERR_LIMIT;
    }
    c = set->cache == NULL ? NULL : cm_cert_cache_find(set->cache, der);
    if (c == NULL) {
        CM_TRY(cm_cert_create(der, set->profile, &c));
    }
    set->certs[set->count++] = c;
    *out = c;
out:
    return st;
}

static enum cm_status next_der(struct cm_rd *rd, struct cm_span *out)
{
    *out = cm_der_element(rd, CM_DER_SEQUENCE);
    return rd->bad ? CM_ERR_FORMAT : CM_OK;
}

/* NOLINTNEXTLINE(readability-function-size): a list is three arguments */
enum cm_status cm_certs_add(struct cm_certs *set, struct cm_span bytes, const struct cm_cert **list,
                            size_t cap, size_t *count)
{
    bool pem = bytes.len != 0 && bytes.ptr[0] != CM_DER_SEQUENCE;
    struct cm_rd rd = cm_rd_init(bytes);
    uint8_t buf[CM_PEM_MAX];
    size_t n = 0;
    enum cm_status st = CM_OK;

    for (;;) {
        const struct cm_cert *c = NULL;
        struct cm_span der = {NULL, 0};

        if (pem) {
            size_t len = 0;

            CM_TRY(cm_pem_next(&bytes, "CERTIFICATE", buf, sizeof(buf), &len));
            der = cm_span_make(buf, len);
        } else if (rd.left != 0) {
            CM_TRY(next_der(&rd, &der));
        }
        if (der.len == 0) {
            break;
        }
        CM_TRY(add(set, der, &c));
        if (list != NULL) {
            if (n == cap) {
                st = CM_ERR_LIMIT;
                goto out;
            }
            list[n] = c;
        }
        n++;
    }
    st = n == 0 ? CM_ERR_FORMAT : CM_OK;
out:
    if (count != NULL) {
        *count = st == CM_OK ? n : 0;
    }
    return st;
}

const struct cm_cert *cm_certs_at(const struct cm_certs *set, size_t index)
{
    return index < set->count ? set->certs[index] : NULL;
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

enum cm_status cm_cert_verify(const struct cm_cert *cert, const struct cm_cert *issuer,
                              enum cm_cert_role role, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!cm_span_same(cert->issuer, issuer->subject)) {
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
    if (cert->aki.len != 0 && issuer->ski.len != 0 && !cm_span_same(cert->aki, issuer->ski)) {
        cm_why_set(why, "a certificate names another key of its issuer");
        return CM_ERR_MISMATCH;
    }
    st = cm_x509_check(&cert->outer, issuer->key, cert->profile);
    if (st != CM_OK) {
        cm_why_set(why, "a certificate's signature does not verify");
    }
    return st;
}

static bool marked(const struct cm_cert_mark *mark, const uint8_t of[32])
{
    return atomic_load(&mark->state) == MARK_SET && memcmp(mark->of, of, sizeof(mark->of)) == 0;
}

/* The first stays. */
static void set_mark(const struct cm_cert_mark *mark, const uint8_t of[32])
{
    /* marks are what changes once others may see the certificate; their states are atomic */
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the one way around const that compilers let pass */
    struct cm_cert_mark *m = (struct cm_cert_mark *)(uintptr_t)mark;
    int none = MARK_NONE;

    if (atomic_compare_exchange_strong(&m->state, &none, MARK_WRITING)) {
        memcpy(m->of, of, sizeof(m->of));
        atomic_store(&m->state, MARK_SET);
    }
}

enum cm_status cm_cert_signed_by(const struct cm_cert *cert, const struct cm_cert *issuer)
{
    enum cm_status st = CM_OK;

    if (marked(&cert->issuer_key, issuer->spki_sha256)) {
        return CM_OK;
    }
    CM_TRY(cm_x509_check(&cert->outer, issuer->key, cert->profile));
    set_mark(&cert->issuer_key, issuer->spki_sha256);
out:
    return st;
}

bool cm_cert_self_issued(const struct cm_cert *cert)
{
    return cm_span_same(cert->issuer, cert->subject);
}

struct cm_span cm_cert_cn(const struct cm_cert *cert)
{
    return cert->cn;
}

struct cm_span cm_cert_issuer_cn(const struct cm_cert *cert)
{
    return cert->issuer_cn;
}

bool cm_cert_name_is(struct cm_span cn, const char *text)
{
    return cn.len == strlen(text) && memcmp(cn.ptr, text, cn.len) == 0;
}

const struct cm_pubkey *cm_cert_key(const struct cm_cert *cert)
{
    return cert->key;
}

struct cm_span cm_cert_subject(const struct cm_cert *cert)
{
    return cert->subject;
}

struct cm_span cm_cert_issuer(const struct cm_cert *cert)
{
    return cert->issuer;
}

struct cm_span cm_cert_serial(const struct cm_cert *cert)
{
    return cert->serial;
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

bool cm_cert_is_ca(const struct cm_cert *cert)
{
    return cert->ca;
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

enum cm_status cm_cert_check_statement(const struct cm_cert *cert, struct cm_span data,
                                       struct cm_span signature)
{
    const struct cm_span parts[2] = {signature, data};
    uint8_t digest[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (signature.len != 64) { /* else bytes could pass from the one to the other */
        return CM_ERR_SIGNATURE;
    }
    CM_TRY(cm_hash_parts(CM_HASH_SHA256, parts, 2, digest));
    if (!marked(&cert->statement, digest)) {
        CM_TRY(cm_cert_check_signature(cert, data, signature));
        set_mark(&cert->statement, digest);
    }
out:
    return st;
}
