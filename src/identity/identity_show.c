/* What the identity is, for people; see cm_identity_show(). */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/hex.h"
#include "crypto/crypto.h"
#include "identity/identity.h"
#include "identity/identity_keys.h"
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
