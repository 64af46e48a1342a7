/* See envelope.h. */
#include "crypto/envelope.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/wipe.h"
#include "crypto/pubkey_evp.h"

static const char *name_of(enum cm_hash_alg hash)
{
    switch (hash) {
    case CM_HASH_SHA1:
        return "SHA1";
    case CM_HASH_SHA256:
        return "SHA256";
    case CM_HASH_SHA384:
        return "SHA384";
    case CM_HASH_SHA512:
        return "SHA512";
    }
    return "";
}

enum cm_status cm_oaep_encrypt_label(const struct cm_pubkey *key, enum cm_hash_alg hash,
                                     struct cm_span label, struct cm_span plain, struct cm_wr *out)
{
    uint8_t cipher[CM_SIG_MAX_SIZE];
    size_t size = sizeof(cipher);
    EVP_PKEY_CTX *ctx = EVP_PKEY_is_a(key->pkey, "RSA") ? EVP_PKEY_CTX_new(key->pkey, NULL) : NULL;
    unsigned char *own = OPENSSL_memdup(label.ptr, label.len); /* the context takes it over */
    enum cm_status st = CM_ERR_CRYPTO;

    if (!EVP_PKEY_is_a(key->pkey, "RSA")) {
        st = CM_ERR_MISMATCH;
    } else if (ctx != NULL && own != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, name_of(hash), NULL) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, name_of(hash), NULL) == 1 &&
               EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, own, (int)label.len) == 1) {
        own = NULL;
        if (EVP_PKEY_encrypt(ctx, cipher, &size, plain.ptr, plain.len) == 1) {
            cm_wr_bytes(out, cipher, size);
            st = cm_wr_finish(out);
        }
    }
    OPENSSL_free(own);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

enum cm_status cm_hmac(enum cm_hash_alg hash, struct cm_span key, const struct cm_span *parts,
                       size_t count, uint8_t *out)
{
    char digest[16] = "";
    OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    size_t len = 0;
    bool ok = false;

    (void)memcpy(digest, name_of(hash), strlen(name_of(hash)));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    ok = ctx != NULL && EVP_MAC_init(ctx, key.ptr, key.len, params) == 1;
    for (size_t i = 0; ok && i < count; i++) {
        ok = parts[i].len == 0 || EVP_MAC_update(ctx, parts[i].ptr, parts[i].len) == 1;
    }
    ok = ok && EVP_MAC_final(ctx, out, &len, cm_hash_size(hash)) == 1 && len == cm_hash_size(hash);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    ERR_clear_error();
    return ok ? CM_OK : CM_ERR_CRYPTO;
}

enum cm_status cm_aes_cfb_encrypt(struct cm_span key, struct cm_span text, uint8_t *out)
{
    static const uint8_t iv[16];
    const EVP_CIPHER *cipher = key.len == 16   ? EVP_aes_128_cfb128()
                               : key.len == 32 ? EVP_aes_256_cfb128()
                                               : NULL;
    EVP_CIPHER_CTX *ctx = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = false;

    if (cipher == NULL || text.len > 1024) {
        return CM_ERR_PARAM;
    }
    ok = ctx != NULL && EVP_EncryptInit_ex(ctx, cipher, NULL, key.ptr, iv) == 1 &&
         EVP_EncryptUpdate(ctx, out, &len, text.ptr, (int)text.len) == 1 && (size_t)len == text.len;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok ? CM_OK : CM_ERR_CRYPTO;
}
