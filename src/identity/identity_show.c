/* What the identity is, for people; see cm_identity_show(). */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "crypto/crypto.h"
#include "identity/identity.h"
#include "identity/identity_keys.h"
#include "token/base64.h"
#include "token/jws.h"

/* The first certificate's SHA-256; "": there is none. */
static void certificate_hash(const char *pem, char out[2 * CM_SHA256_SIZE + 1])
{
    uint8_t hash[CM_SHA256_SIZE];
    BIO *bio = BIO_new_mem_buf(pem, -1);
    unsigned char *der = NULL;
    long len = 0;

    out[0] = '\0';
    if (bio != NULL &&
        PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509, bio, NULL, NULL) == 1 &&
        cm_sha256_of(cm_span_make(der, (size_t)len), hash) == CM_OK) {
        cm_hex_encode(cm_span_make(hash, sizeof(hash)), CM_HEX_LOWER, out);
    }
    OPENSSL_free(der);
    BIO_free(bio);
}

static json_t *signers_of(struct cm_identity *id)
{
    struct cm_identity_set *set = cm_identity_set_hold(id);
    json_t *out = json_array();

    for (size_t i = 0; set != NULL && i < CM_SIGNERS; i++) {
        const struct cm_identity_key *key = set->current[i];
        const struct cm_signer_kind *kind = cm_signer_kind((enum cm_signer)i);

        if (key != NULL) {
            (void)json_array_append_new(out,
                                        json_pack("{s:s, s:s, s:s, s:I}", "use", kind->name, "alg",
                                                  cm_sig_alg_name(kind->alg), "kid", key->kid,
                                                  "created_at", (json_int_t)key->made));
        }
    }
    cm_identity_set_release(set);
    return out;
}

json_t *cm_identity_show(struct cm_service *s)
{
    struct cm_identity *id = cm_service_module(s, cm_identity_module.name);
    char hash[2 * CM_SHA256_SIZE + 1] = "";
    uint64_t not_after = 0;

    certificate_hash(id->ca_pem, hash);
    (void)pthread_mutex_lock(&id->lock);
    not_after = id->serves ? id->tls_not_after : 0;
    (void)pthread_mutex_unlock(&id->lock);
    return json_pack("{s:o, s:{s:o, s:s}}", "signers", signers_of(id), "tls", "not_after",
                     not_after == 0 ? json_null() : json_integer((json_int_t)not_after),
                     "ca_sha256", hash);
}

enum cm_status cm_identity_key_evidence(const struct cm_identity_key *key, uint8_t **out,
                                        size_t *len)
{
    json_t *chain = json_loads(key->x5c, 0, NULL);
    const char *text = json_string_value(json_array_get(chain, 0));
    const size_t cap = text == NULL ? 0 : strlen(text);
    uint8_t *der = cap == 0 ? NULL : malloc(cap);
    size_t der_len = 0;
    enum cm_status st = der == NULL ? CM_ERR_FORMAT : CM_OK;

    *out = NULL;
    if (st == CM_OK) {
        st = cm_base64_decode(cm_span_make(text, cap), der, cap, &der_len);
    }
    if (st == CM_OK) {
        st = cm_cert_evidence(cm_span_make(der, der_len), out, len);
    }
    free(der);
    json_decref(chain);
    return st;
}

enum cm_status cm_identity_evidence(struct cm_service *s, uint8_t **out, size_t *len,
                                    uint8_t hash[32])
{
    struct cm_identity_set *set =
        cm_identity_set_hold(cm_service_module(s, cm_identity_module.name));
    const struct cm_identity_key *key = set == NULL ? NULL : set->current[CM_SIGNER_TOKEN];
    size_t hash_len = 0;
    enum cm_status st = CM_ERR_STATE;

    *out = NULL;
    if (key != NULL) {
        st = cm_base64_decode(cm_span_make(key->kid, strlen(key->kid)), hash, 32, &hash_len);
        st = st == CM_OK && hash_len != 32 ? CM_ERR_FORMAT : st;
    }
    if (st == CM_OK) {
        st = cm_identity_key_evidence(key, out, len);
    }
    cm_identity_set_release(set);
    return st;
}
