/* Hashes by name over EVP; see hash.h. */
#include "crypto/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

struct cm_hasher {
    EVP_MD_CTX *md;
    size_t size;
};

static const struct {
    const char *name;
    size_t size;
    const EVP_MD *(*md)(void);
} algs[] = {
    [CM_HASH_SHA1] = {"sha1", 20, EVP_sha1},
    [CM_HASH_SHA256] = {"sha256", 32, EVP_sha256},
    [CM_HASH_SHA384] = {"sha384", 48, EVP_sha384},
    [CM_HASH_SHA512] = {"sha512", 64, EVP_sha512},
};

static bool known(enum cm_hash_alg alg)
{
    return (size_t)alg < sizeof(algs) / sizeof(algs[0]);
}

size_t cm_hash_size(enum cm_hash_alg alg)
{
    return known(alg) ? algs[alg].size : 0;
}

const char *cm_hash_name(enum cm_hash_alg alg)
{
    return known(alg) ? algs[alg].name : NULL;
}

enum cm_status cm_hasher_create(enum cm_hash_alg alg, struct cm_hasher **out)
{
    struct cm_hasher *h = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (!known(alg)) {
        return CM_ERR_PARAM;
    }
    h = calloc(1, sizeof(*h));
    if (h == NULL || (h->md = EVP_MD_CTX_new()) == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    h->size = algs[alg].size;
    if (EVP_DigestInit_ex(h->md, algs[alg].md(), NULL) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    *out = h;
    h = NULL;
out:
    cm_hasher_free(h);
    ERR_clear_error();
    return st;
}

enum cm_status cm_hasher_update(struct cm_hasher *h, struct cm_span data)
{
    return data.len == 0 || EVP_DigestUpdate(h->md, data.ptr, data.len) == 1 ? CM_OK
                                                                             : CM_ERR_CRYPTO;
}

enum cm_status cm_hasher_final(struct cm_hasher *h, uint8_t *out)
{
    unsigned int len = 0;

    if (EVP_DigestFinal_ex(h->md, out, &len) != 1 || len != h->size) {
        memset(out, 0, h->size);
        return CM_ERR_CRYPTO;
    }
    return CM_OK;
}

void cm_hasher_free(struct cm_hasher *h)
{
    if (h != NULL) {
        EVP_MD_CTX_free(h->md);
        free(h);
    }
}

enum cm_status cm_hash_parts(enum cm_hash_alg alg, const struct cm_span *parts, size_t part_count,
                             uint8_t *out)
{
    struct cm_hasher *h = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_hasher_create(alg, &h));
    for (size_t i = 0; i < part_count; i++) {
        CM_TRY(cm_hasher_update(h, parts[i]));
    }
    CM_TRY(cm_hasher_final(h, out));
out:
    if (st != CM_OK) {
        memset(out, 0, cm_hash_size(alg));
    }
    cm_hasher_free(h);
    return st;
}

enum cm_status cm_hash(enum cm_hash_alg alg, struct cm_span data, uint8_t *out)
{
    return cm_hash_parts(alg, &data, 1, out);
}
