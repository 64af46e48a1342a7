/* AES-128-CMAC (NIST SP 800-38B): the MAC of SGX reports and key derivation. */
#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "common/wipe.h"

enum cm_status cm_cmac_aes128(const uint8_t key[CM_CMAC_KEY_SIZE], struct cm_span data,
                              uint8_t out[CM_CMAC_SIZE])
{
    enum cm_status st = CM_OK;
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[2];
    EVP_MAC *mac = NULL;
    EVP_MAC_CTX *ctx = NULL;
    size_t len = 0;

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0);
    params[1] = OSSL_PARAM_construct_end();
    mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    if (mac == NULL) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    ctx = EVP_MAC_CTX_new(mac);
    if (ctx == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    if (EVP_MAC_init(ctx, key, CM_CMAC_KEY_SIZE, params) != 1 ||
        (data.len != 0 && EVP_MAC_update(ctx, data.ptr, data.len) != 1) ||
        EVP_MAC_final(ctx, out, &len, CM_CMAC_SIZE) != 1 || len != CM_CMAC_SIZE) {
        st = CM_ERR_CRYPTO;
    }
out:
    if (st != CM_OK) {
        cm_wipe(out, CM_CMAC_SIZE);
    }
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return st;
}
