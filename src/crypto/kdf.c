/* Key derivation; see crypto.h. */
#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/wipe.h"

#define PARTS_MAX 3

/* HMAC-SHA-256 over the concatenation of parts; out is zeroed on failure. */
static enum cm_status hmac_sha256(struct cm_span key, const struct cm_span *parts, size_t count,
                                  uint8_t out[CM_SHA256_SIZE])
{
    char digest[] = "SHA256";
    OSSL_PARAM params[2];
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    bool good = false;
    size_t n = 0;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    good = ctx != NULL && EVP_MAC_init(ctx, key.ptr, key.len, params) == 1;
    for (size_t i = 0; good && i < count; i++) {
        good = parts[i].len == 0 || EVP_MAC_update(ctx, parts[i].ptr, parts[i].len) == 1;
    }
    good = good && EVP_MAC_final(ctx, out, &n, CM_SHA256_SIZE) == 1 && n == CM_SHA256_SIZE;
    if (!good) {
        cm_wipe(out, CM_SHA256_SIZE);
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return good ? CM_OK : CM_ERR_CRYPTO;
}

enum cm_status cm_kdf_counter(struct cm_span key, struct cm_span fixed, uint8_t out[CM_SHA256_SIZE])
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    const struct cm_span parts[] = {{counter, sizeof(counter)}, fixed};

    return hmac_sha256(key, parts, 2, out);
}

enum cm_status cm_hkdf_sha256(struct cm_span key, struct cm_span salt, struct cm_span info,
                              uint8_t *out, size_t len)
{
    static const uint8_t no_salt[CM_SHA256_SIZE];
    uint8_t prk[CM_SHA256_SIZE] = {0};
    uint8_t block[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_ERR_LIMIT;

    memset(out, 0, len);
    if (len > 255 * (size_t)CM_SHA256_SIZE) {
        return st;
    }
    if (salt.len == 0) {
        salt = (struct cm_span){no_salt, sizeof(no_salt)};
    }
    st = hmac_sha256(salt, &key, 1, prk);
    for (size_t done = 0; st == CM_OK && done < len; done += CM_SHA256_SIZE) {
        uint8_t number = (uint8_t)(done / CM_SHA256_SIZE + 1);
        size_t n = len - done < CM_SHA256_SIZE ? len - done : CM_SHA256_SIZE;
        const struct cm_span parts[PARTS_MAX] = {
            {block, done == 0 ? 0 : CM_SHA256_SIZE}, info, {&number, 1}};

        st = hmac_sha256((struct cm_span){prk, sizeof(prk)}, parts, PARTS_MAX, block);
        memcpy(out + done, block, n);
    }
    if (st != CM_OK) {
        cm_wipe(out, len);
    }
    cm_wipe(prk, sizeof(prk));
    cm_wipe(block, sizeof(block));
    return st;
}
