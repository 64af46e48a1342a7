/* Hashes by name over EVP; see hash.h. */
#include "crypto/hash.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"

struct cm_hasher {
    EVP_MD_CTX *md;
    size_t size;
    enum cm_hash_alg alg;
};

static const struct {
    const char *name;
    size_t size;
} algs[] = {
    [CM_HASH_SHA1] = {"sha1", 20},
    [CM_HASH_SHA256] = {"sha256", 32},
    [CM_HASH_SHA384] = {"sha384", 48},
    [CM_HASH_SHA512] = {"sha512", 64},
};
#define ALGS (sizeof(algs) / sizeof(algs[0]))

static bool known(enum cm_hash_alg alg)
{
    return (size_t)alg < ALGS;
}

size_t cm_hash_size(enum cm_hash_alg alg)
{
    return known(alg) ? algs[alg].size : 0;
}

const char *cm_hash_name(enum cm_hash_alg alg)
{
    return known(alg) ? algs[alg].name : NULL;
}

/*
 * OpenSSL's implementation of a hash, looked for once: looking takes as long as hashing a digest. It is
 * kept until the program ends. NULL: there is none.
 */
static const EVP_MD *implementation(enum cm_hash_alg alg)
{
    static _Atomic(EVP_MD *) found[ALGS];
    EVP_MD *md = atomic_load_explicit(&found[alg], memory_order_acquire);
    EVP_MD *made = NULL;

    if (md == NULL) {
        made = EVP_MD_fetch(NULL, algs[alg].name, NULL);
        if (made != NULL && atomic_compare_exchange_strong(&found[alg], &md, made)) {
            return made;
        }
        EVP_MD_free(made); /* another thread was faster */
    }
    return md;
}

/* A context that has begun; NULL: *st says why. */
static EVP_MD_CTX *begin(enum cm_hash_alg alg, enum cm_status *st)
{
    EVP_MD_CTX *md = known(alg) ? EVP_MD_CTX_new() : NULL;

    *st = CM_OK;
    if (!known(alg)) {
        *st = CM_ERR_PARAM;
    } else if (md == NULL) {
        *st = CM_ERR_NOMEM;
    } else if (EVP_DigestInit_ex2(md, implementation(alg), NULL) != 1) {
        *st = CM_ERR_CRYPTO;
    }
    if (*st != CM_OK) {
        EVP_MD_CTX_free(md);
        md = NULL;
        ERR_clear_error();
    }
    return md;
}

enum cm_status cm_hasher_create(enum cm_hash_alg alg, struct cm_hasher **out)
{
    struct cm_hasher *h = calloc(1, sizeof(*h));
    enum cm_status st = CM_ERR_NOMEM;

    *out = NULL;
    if (h != NULL) {
        h->md = begin(alg, &st);
    }
    if (st != CM_OK) {
        free(h);
        return st;
    }
    h->size = algs[alg].size;
    h->alg = alg;
    *out = h;
    return CM_OK;
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

enum cm_status cm_hasher_again(struct cm_hasher *h)
{
    if (EVP_DigestInit_ex2(h->md, NULL, NULL) != 1) { /* the same hash again */
        ERR_clear_error();
        return CM_ERR_CRYPTO;
    }
    return CM_OK;
}

enum cm_status cm_hasher_parts(struct cm_hasher *h, const struct cm_span *parts, size_t part_count,
                               uint8_t *out)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_hasher_again(h));
    for (size_t i = 0; i < part_count; i++) {
        CM_TRY(cm_hasher_update(h, parts[i]));
    }
    CM_TRY(cm_hasher_final(h, out));
out:
    if (st != CM_OK) {
        memset(out, 0, h->size);
    }
    return st;
}

enum cm_hash_alg cm_hasher_alg(const struct cm_hasher *h)
{
    return h->alg;
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
    struct cm_hasher h = {.size = cm_hash_size(alg), .alg = alg};
    enum cm_status st = CM_OK;

    h.md = begin(alg, &st);
    CM_TRY(st);
    for (size_t i = 0; i < part_count; i++) {
        CM_TRY(cm_hasher_update(&h, parts[i]));
    }
    CM_TRY(cm_hasher_final(&h, out));
out:
    if (st != CM_OK) {
        memset(out, 0, h.size);
    }
    EVP_MD_CTX_free(h.md);
    return st;
}

enum cm_status cm_hash(enum cm_hash_alg alg, struct cm_span data, uint8_t *out)
{
    return cm_hash_parts(alg, &data, 1, out);
}
