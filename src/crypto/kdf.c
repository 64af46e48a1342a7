/* Key derivation; see crypto.h. */
#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "common/wipe.h"

enum cm_status cm_kdf_counter(struct cm_span key, struct cm_span fixed, uint8_t out[CM_SHA256_SIZE])
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    char digest[] = "SHA256";
    OSSL_PARAM params[2];
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    enum cm_status st = CM_ERR_CRYPTO;
    size_t n = 0;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (ctx != NULL && EVP_MAC_init(ctx, key.ptr, key.len, params) == 1 &&
        EVP_MAC_update(ctx, counter, sizeof(counter)) == 1 &&
        (fixed.len == 0 || EVP_MAC_update(ctx, fixed.ptr, fixed.len) == 1) &&
        EVP_MAC_final(ctx, out, &n, CM_SHA256_SIZE) == 1 && n == CM_SHA256_SIZE) {
        st = CM_OK;
    } else {
        cm_wipe(out, CM_SHA256_SIZE);
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return st;
}
