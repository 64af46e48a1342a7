/*
 * Streaming SHA-256 over EVP. The context is opaque so that users need no
 * OpenSSL header and cannot copy it by assignment.
 */
#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/hash.h"

struct cm_sha256 {
    EVP_MD_CTX *md;
};

static enum cm_status context_new(struct cm_sha256 **out)
{
    enum cm_status st = CM_OK;
    struct cm_sha256 *h = NULL;

    *out = NULL;
    h = OPENSSL_zalloc(sizeof(*h));
    if (h == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    h->md = EVP_MD_CTX_new();
    if (h->md == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    *out = h;
    h = NULL;
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_sha256_create(struct cm_sha256 **out)
{
    enum cm_status st = CM_OK;
    struct cm_sha256 *h = NULL;

    *out = NULL;
    CM_TRY(context_new(&h));
    if (EVP_DigestInit_ex(h->md, EVP_sha256(), NULL) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    *out = h;
    h = NULL;
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_sha256_copy(const struct cm_sha256 *from, struct cm_sha256 **out)
{
    enum cm_status st = CM_OK;
    struct cm_sha256 *h = NULL;

    *out = NULL;
    CM_TRY(context_new(&h));
    if (EVP_MD_CTX_copy_ex(h->md, from->md) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    *out = h;
    h = NULL;
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_sha256_update(struct cm_sha256 *h, const void *data, size_t len)
{
    if (len == 0) {
        return CM_OK;
    }
    return EVP_DigestUpdate(h->md, data, len) == 1 ? CM_OK : CM_ERR_CRYPTO;
}

enum cm_status cm_sha256_final(struct cm_sha256 *h, uint8_t out[CM_SHA256_SIZE])
{
    unsigned int len = 0;

    if (EVP_DigestFinal_ex(h->md, out, &len) != 1 || len != CM_SHA256_SIZE) {
        cm_wipe(out, CM_SHA256_SIZE);
        return CM_ERR_CRYPTO;
    }
    return CM_OK;
}

void cm_sha256_free(struct cm_sha256 *h)
{
    if (h != NULL) {
        EVP_MD_CTX_free(h->md);
        OPENSSL_free(h);
    }
}

enum cm_status cm_sha256_of(struct cm_span data, uint8_t out[CM_SHA256_SIZE])
{
    return cm_hash(CM_HASH_SHA256, data, out);
}
