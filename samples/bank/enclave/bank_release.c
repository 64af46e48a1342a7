/* See bank_release.h. */
#include "bank_release.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bank_base64.h"
#include "../common/bank_text.h"

#define RSA_SIZE    256U /* 2048 bits */
#define WRAP_ADDS   8U   /* RFC 5649 */
#define KEK_SIZE    32U
#define RUNTIME_MAX 640U

struct bank_release {
    EVP_PKEY *pair;
    char runtime[RUNTIME_MAX];
};

static bool describe(struct bank_release *r)
{
    BIGNUM *n = NULL;
    uint8_t bytes[RSA_SIZE];
    char text[BANK_BASE64_SIZE(RSA_SIZE)];
    bool ok = EVP_PKEY_get_bn_param(r->pair, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
              BN_bn2binpad(n, bytes, sizeof(bytes)) == (int)sizeof(bytes);

    BN_free(n);
    if (ok) {
        bank_base64(bytes, sizeof(bytes), text);
        (void)snprintf(
            r->runtime, sizeof(r->runtime),
            "{\"keys\":[{\"kid\":\"bank-enclave\",\"kty\":\"RSA\",\"key_ops\":[\"encrypt\"],"
            "\"e\":\"AQAB\",\"n\":\"%s\"}]}",
            text);
    }
    return ok;
}

enum bank_status bank_release_new(struct bank_release **out, struct bank_why *why)
{
    struct bank_release *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a key");
    }
    r->pair = EVP_RSA_gen(8 * RSA_SIZE);
    if (r->pair == NULL || !describe(r)) {
        bank_release_free(r);
        return bank_fail(why, BANK_CRYPTO, "no key to release to could be made");
    }
    *out = r;
    return BANK_OK;
}

const char *bank_release_runtime(const struct bank_release *r)
{
    return r->runtime;
}

static bool open_kek(EVP_PKEY *pair, const uint8_t *in, uint8_t kek[KEK_SIZE])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pair, NULL);
    uint8_t room[RSA_SIZE] = {0};
    size_t n = sizeof(room);
    bool ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
              EVP_PKEY_decrypt(ctx, room, &n, in, RSA_SIZE) == 1 && n == KEK_SIZE;

    if (ok) {
        memcpy(kek, room, KEK_SIZE);
    }
    OPENSSL_cleanse(room, sizeof(room));
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool open_key(const uint8_t kek[KEK_SIZE], const uint8_t *in, size_t len,
                     uint8_t key[BANK_RELEASED_SIZE])
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t room[BANK_RELEASED_SIZE + 2 * WRAP_ADDS] = {0};
    int n = 0;
    bool ok = false;

    if (cipher != NULL && ctx != NULL) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        ok = EVP_DecryptInit_ex2(ctx, cipher, kek, NULL, NULL) == 1 &&
             EVP_DecryptUpdate(ctx, room, &n, in, (int)len) == 1 && n == (int)BANK_RELEASED_SIZE;
    }
    if (ok) {
        memcpy(key, room, BANK_RELEASED_SIZE);
    }
    OPENSSL_cleanse(room, sizeof(room));
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return ok;
}

enum bank_status bank_release_unwrap(const struct bank_release *r, const uint8_t *wrapped,
                                     size_t len, uint8_t key[BANK_RELEASED_SIZE],
                                     struct bank_why *why)
{
    uint8_t kek[KEK_SIZE] = {0};
    bool ok = len == RSA_SIZE + BANK_RELEASED_SIZE + WRAP_ADDS && open_kek(r->pair, wrapped, kek) &&
              open_key(kek, wrapped + RSA_SIZE, len - RSA_SIZE, key);

    OPENSSL_cleanse(kek, sizeof(kek));
    return ok ? BANK_OK
              : bank_fail(why, BANK_REFUSED,
                          "the released key is not for this enclave, or changed");
}

void bank_release_free(struct bank_release *r)
{
    if (r != NULL) {
        EVP_PKEY_free(r->pair); /* OpenSSL wipes the private half */
        free(r);
    }
}
