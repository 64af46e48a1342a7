/*
 * AES key unwrap with padding (RFC 5649, after RFC 3394 section 2.2.2) written for tests, over nothing but
 * one AES block: what the product wraps with OpenSSL's own is opened by other code.
 */
#ifndef CM_TESTS_UNWRAP_PAD_H
#define CM_TESTS_UNWRAP_PAD_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool aes_block_decrypt(const uint8_t kek[32], uint8_t block[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t out[32];
    int n = 0;
    bool good = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_ecb(), NULL, kek, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_DecryptUpdate(ctx, out, &n, block, 16) == 1 && n == 16;

    if (good) {
        memcpy(block, out, 16);
    }
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

/* out: len bytes at least. The key's length, or 0 when it is not what this key wrapped. */
static inline size_t unwrap_pad(const uint8_t kek[32], const uint8_t *wrapped, size_t len,
                                uint8_t *out)
{
    static const uint8_t magic[4] = {0xa6, 0x59, 0x59, 0xa6};
    uint8_t block[16];
    size_t n = len / 8 - 1;
    size_t size = 0;

    if (len < 16 || len % 8 != 0) {
        return 0;
    }
    if (n == 1) {
        memcpy(block, wrapped, 16);
        if (!aes_block_decrypt(kek, block)) {
            return 0;
        }
        memcpy(out, block + 8, 8);
    } else {
        memcpy(block, wrapped, 8);
        memcpy(out, wrapped + 8, len - 8);
        for (size_t t = 6 * n; t >= 1; t--) {
            uint8_t *r = out + (t - 1) % n * 8;

            for (size_t i = 0; i < 8; i++) {
                block[7 - i] ^= (uint8_t)((uint64_t)t >> (8 * i));
            }
            memcpy(block + 8, r, 8);
            if (!aes_block_decrypt(kek, block)) {
                return 0;
            }
            memcpy(r, block + 8, 8);
        }
    }
    size = (size_t)block[4] << 24 | (size_t)block[5] << 16 | (size_t)block[6] << 8 | block[7];
    if (memcmp(block, magic, 4) != 0 || size > 8 * n || size + 8 <= 8 * n) {
        return 0;
    }
    for (size_t i = size; i < 8 * n; i++) {
        if (out[i] != 0) {
            return 0;
        }
    }
    return size;
}

#endif
