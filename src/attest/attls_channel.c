/* Attestation of a TLS connection: what is the same in host and enclave. See casemate/attls.h. */
#include <casemate/attls.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attls_bind.h"
#include "attest/attls_claims.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

/* RFC 9266, section 2 */
static const char label[] = "EXPORTER-Channel-Binding";

static enum cm_status key_hash(const X509 *cert, uint8_t out[CM_ATTLS_HASH_SIZE])
{
    unsigned char *der = NULL;
    int n = 0;
    enum cm_status st = CM_ERR_CRYPTO;

    if (cert == NULL) {
        memset(out, 0, CM_ATTLS_HASH_SIZE);
        return CM_OK;
    }
    n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    if (n > 0) { /* algorithm and parameters included (I3) */
        st = cm_sha256_of(cm_span_make(der, (size_t)n), out);
    }
    OPENSSL_free(der);
    return st;
}

/* Both keys; a server always has one, or nothing would say who it is. */
static enum cm_status read_keys(SSL *ssl, struct cm_attls *a, struct cm_why *why)
{
    const bool server = SSL_is_server(ssl) != 0;
    X509 *own = SSL_get_certificate(ssl);
    X509 *peer = SSL_get1_peer_certificate(ssl);
    enum cm_status st = CM_OK;

    if ((server ? own : peer) == NULL) {
        cm_why_set(why, "the server of this connection has no certificate");
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    a->role = server ? CM_ATTLS_SERVER : CM_ATTLS_CLIENT;
    CM_TRY(key_hash(own, a->own_key));
    CM_TRY(key_hash(peer, a->peer_key));
out:
    X509_free(peer);
    return st;
}

enum cm_status cm_attls_open(struct ssl_st *ssl, const char *service, struct cm_attls **out,
                             struct cm_why *why)
{
    struct cm_attls *a = NULL;
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    *out = NULL;
    if (ssl == NULL || service == NULL || service[0] == '\0') {
        cm_why_set(why, "a connection and the name of a service are needed");
        return CM_ERR_PARAM;
    }
    if (SSL_is_init_finished(ssl) == 0) {
        cm_why_set(why, "the handshake is not finished");
        return CM_ERR_STATE;
    }
    if (SSL_version(ssl) != TLS1_3_VERSION || SSL_session_reused(ssl) != 0) {
        cm_why_set(why, "only a full handshake of TLS 1.3 can be attested");
        return CM_ERR_UNSUPPORTED;
    }
    a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(read_keys(ssl, a, why));
    CM_TRY(cm_sha256_of(cm_span_make(service, strlen(service)), a->service));
    if (SSL_export_keying_material(ssl, a->exporter, sizeof(a->exporter), label, sizeof(label) - 1,
                                   NULL, 0, 0) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    *out = a;
    a = NULL;
out:
    cm_attls_close(a);
    ERR_clear_error();
    return st;
}

void cm_attls_close(struct cm_attls *a)
{
    if (a != NULL) {
        cm_wipe(a, sizeof(*a));
        free(a);
    }
}

enum cm_status cm_attls_challenge(struct cm_attls *a, uint8_t out[CM_ATTLS_CHALLENGE_SIZE])
{
    if (a == NULL || out == NULL) {
        return CM_ERR_PARAM;
    }
    a->open = false;
    if (RAND_bytes(a->nonce, (int)sizeof(a->nonce)) != 1) {
        ERR_clear_error();
        return CM_ERR_CRYPTO;
    }
    a->open = true;
    return cm_attls_challenge_write(a, out);
}

/* Results of oe_verify_evidence() in the terms of this API. */
static enum cm_status status_of(oe_result_t result)
{
    switch ((int)result) {
    case OE_OK:
        return CM_OK;
    case OE_OUT_OF_MEMORY:
        return CM_ERR_NOMEM;
    case OE_NOT_FOUND:
        return CM_ERR_STATE;
    case OE_INVALID_PARAMETER:
    case OE_CONSTRAINT_FAILED:
        return CM_ERR_FORMAT;
    case OE_TCB_LEVEL_INVALID:
        return CM_ERR_POLICY;
    case OE_VERIFY_REVOKED:
        return CM_ERR_REVOKED;
    case OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD:
        return CM_ERR_EXPIRED;
    default:
        return CM_ERR_SIGNATURE;
    }
}

static bool claim_is(const oe_claim_t *claims, size_t count, const char *name, const void *want,
                     size_t size)
{
    struct cm_span got = cm_attls_claim(claims, count, name);

    return got.len == size && memcmp(got.ptr, want, size) == 0; /* public values */
}

static enum cm_status check_identity(const struct cm_attls_policy *p, oe_claim_t *claims,
                                     size_t count, struct cm_why *why)
{
    struct cm_span svn = cm_attls_claim(claims, count, OE_CLAIM_SECURITY_VERSION);
    uint32_t have = 0;

    if (p->unique_id != NULL &&
        !claim_is(claims, count, OE_CLAIM_UNIQUE_ID, p->unique_id, OE_UNIQUE_ID_SIZE)) {
        cm_why_set(why, "an enclave with another measurement");
        return CM_ERR_POLICY;
    }
    if (p->signer_id != NULL &&
        (!claim_is(claims, count, OE_CLAIM_SIGNER_ID, p->signer_id, OE_SIGNER_ID_SIZE) ||
         !claim_is(claims, count, OE_CLAIM_PRODUCT_ID, p->product_id, OE_PRODUCT_ID_SIZE))) {
        cm_why_set(why, "an enclave of another signer or product");
        return CM_ERR_POLICY;
    }
    if (svn.len != sizeof(have)) {
        return CM_ERR_POLICY;
    }
    memcpy(&have, svn.ptr, sizeof(have));
    if (have < p->min_security_version) {
        cm_why_set(why, "an enclave of an older security version (%u)", have);
        return CM_ERR_POLICY;
    }
    if (p->accept != NULL && p->accept(claims, count, p->accept_arg) != OE_OK) {
        cm_why_set(why, "an enclave that the caller does not accept");
        return CM_ERR_POLICY;
    }
    return CM_OK;
}

/* A policy that names nothing is a mistake and not a wish (I5). */
static bool policy_is_usable(const struct cm_attls_policy *p)
{
    return (p->signer_id == NULL) == (p->product_id == NULL) &&
           (p->unique_id != NULL || p->signer_id != NULL || p->accept != NULL);
}

static enum cm_status check_answer(const struct cm_attls *a, struct cm_span answer,
                                   const struct cm_attls_policy *policy, oe_claim_t **claims,
                                   size_t *count, struct cm_why *why)
{
    const enum cm_attls_role peer = a->role == CM_ATTLS_SERVER ? CM_ATTLS_CLIENT : CM_ATTLS_SERVER;
    struct cm_attls_answer m;
    uint8_t want[CM_ATTLS_HASH_SIZE] = {0};
    struct cm_span bound = {NULL, 0};
    oe_result_t result = OE_OK;
    enum cm_status st = cm_attls_answer_read(answer, &m);

    if (st != CM_OK) {
        cm_why_set(why, "this is no answer");
        return st;
    }
    if (m.role != peer) {
        cm_why_set(why, "an answer in this side's own role: one's own came back");
        return CM_ERR_MISMATCH;
    }
    CM_TRY(cm_attls_binding(a, peer, a->peer_key, a->nonce, want));
    result = oe_verify_evidence(
        NULL, m.evidence.ptr, m.evidence.len, m.endorsements.len == 0 ? NULL : m.endorsements.ptr,
        m.endorsements.len, policy->policies, policy->policy_count, claims, count);
    if (result != OE_OK) {
        cm_why_set(why, "the evidence was refused: %s", oe_result_str(result));
        return status_of(result);
    }
    bound = cm_attls_claim(*claims, *count, OE_CLAIM_CUSTOM_CLAIMS_BUFFER);
    if (bound.len != sizeof(want) || !cm_ct_equal(bound.ptr, want, sizeof(want))) {
        cm_why_set(why, "evidence for another connection, key, question or service");
        return CM_ERR_MISMATCH;
    }
    st = check_identity(policy, *claims, *count, why);
out:
    return st;
}

enum cm_status cm_attls_check(struct cm_attls *a, struct cm_span answer,
                              const struct cm_attls_policy *policy, oe_claim_t **claims,
                              size_t *claims_length, struct cm_why *why)
{
    oe_claim_t *found = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    if (claims != NULL) {
        *claims = NULL;
    }
    if (claims_length != NULL) {
        *claims_length = 0;
    }
    if (a == NULL || answer.ptr == NULL || policy == NULL ||
        (claims == NULL) != (claims_length == NULL)) {
        return CM_ERR_PARAM;
    }
    if (!a->open) {
        cm_why_set(why, "no challenge is open: each is good for one answer");
        return CM_ERR_STATE;
    }
    a->open = false;
    if (!policy_is_usable(policy)) {
        cm_why_set(why, "the policy names no enclave; signer and product belong together");
        return CM_ERR_POLICY;
    }
    st = check_answer(a, answer, policy, &found, &count, why);
    if (st == CM_OK && claims != NULL) {
        *claims = found;
        *claims_length = count;
    } else {
        (void)oe_free_claims(found, count);
    }
    return st;
}
