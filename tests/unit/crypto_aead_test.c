/* Authenticated encryption and key encryption: published values, then every bit and length. */
#include "harness.h"
#include "unwrap_pad.h"

#include "common/span.h"
#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/keyenc.h"

static size_t unhex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return n;
}

struct known {
    enum cm_aead alg;
    const char *key;
    const char *iv;
    const char *aad;
    const char *plain;
    const char *cipher;
    const char *tag;
};

/* The GCM specification's test case 4; RFC 7518 appendix B.3 (its plaintext is ASCII). */
static const struct known knowns[] = {
    {CM_AEAD_A128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {CM_AEAD_A256CBC_HS512,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
     "1af38c2dc2b96ffdd86694092341bc04",
     "546865207365636f6e64207072696e6369706c65206f66204175677573746520"
     "4b6572636b686f666673",
     "41206369706865722073797374656d206d757374206e6f742062652072657175"
     "6972656420746f206265207365637265742c20616e64206974206d7573742062"
     "652061626c6520746f2066616c6c20696e746f207468652068616e6473206f66"
     "2074686520656e656d7920776974686f757420696e636f6e76656e69656e6365",
     "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd"
     "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b"
     "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
     "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b"
     "be2638d09dd7a4930930806d0703b1f6",
     "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"},
};

static struct cm_span span_of(const char *text, uint8_t *buf)
{
    return cm_span_make(buf, unhex(text, buf));
}

TEST(known_answers)
{
    for (size_t i = 0; i < sizeof(knowns) / sizeof(knowns[0]); i++) {
        const struct known *k = &knowns[i];
        uint8_t key[64];
        uint8_t iv[16];
        uint8_t aad[64];
        uint8_t text[256];
        uint8_t want[256];
        uint8_t tag[CM_AEAD_MAX_TAG];
        uint8_t want_tag[CM_AEAD_MAX_TAG];
        struct cm_aead_in in = {.alg = k->alg,
                                .key = span_of(k->key, key),
                                .iv = span_of(k->iv, iv),
                                .aad = span_of(k->aad, aad),
                                .text = span_of(k->plain, text)};
        struct cm_span cipher = span_of(k->cipher, want);
        struct cm_span wanted_tag = span_of(k->tag, want_tag);
        size_t plain_len = in.text.len;
        uint8_t again[256];
        size_t len = 0;

        CHECK_EQ(cm_aead_seal(&in, text, sizeof(text), &len, tag), CM_OK); /* in place */
        CHECK_EQ(len, cipher.len);
        CHECK_MEM(text, want, len);
        CHECK_MEM(tag, want_tag, wanted_tag.len);
        in.text = cm_span_make(text, len);
        CHECK_EQ(cm_aead_open(&in, wanted_tag, text, sizeof(text), &len), CM_OK);
        CHECK_EQ(len, plain_len);
        (void)span_of(k->plain, again);
        CHECK_MEM(text, again, plain_len);
    }
}

static void fill(struct cm_aead_in *in, uint8_t key[64], uint8_t iv[16])
{
    for (unsigned i = 0; i < 64; i++) {
        key[i] = (uint8_t)(i * 7 + 1);
        iv[i % 16] = (uint8_t)(i * 3);
    }
    in->key = cm_span_make(key, cm_aead_key_size(in->alg));
    in->iv = cm_span_make(iv, cm_aead_iv_size(in->alg));
}

/* Every bit of everything that goes in counts, and nothing is left in out. */
TEST(every_bit_counts)
{
    for (unsigned alg = 0; alg < 3; alg++) {
        static const uint8_t zeros[64];
        struct cm_aead_in in = {.alg = (enum cm_aead)alg};
        uint8_t key[64];
        uint8_t iv[16];
        uint8_t aad[5] = "aad!";
        uint8_t cipher[64];
        uint8_t out[64];
        uint8_t tag[CM_AEAD_MAX_TAG];
        size_t tag_size = cm_aead_tag_size((enum cm_aead)alg);
        size_t cipher_len = 0;
        size_t len = 0;
        struct {
            uint8_t *at;
            size_t n;
        } parts[5];

        fill(&in, key, iv);
        in.aad = cm_span_make(aad, sizeof(aad));
        in.text = cm_span_make("nineteen characters", 19);
        REQUIRE(cm_aead_seal(&in, cipher, sizeof(cipher), &cipher_len, tag) == CM_OK);
        in.text = cm_span_make(cipher, cipher_len);
        parts[0].at = key;
        parts[0].n = in.key.len;
        parts[1].at = iv;
        parts[1].n = in.iv.len;
        parts[2].at = aad;
        parts[2].n = sizeof(aad);
        parts[3].at = cipher;
        parts[3].n = cipher_len;
        parts[4].at = tag;
        parts[4].n = tag_size;
        for (size_t p = 0; p < 5; p++) {
            for (size_t bit = 0; bit < 8 * parts[p].n; bit++) {
                parts[p].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
                memset(out, 0x55, sizeof(out));
                CHECK_EQ(cm_aead_open(&in, cm_span_make(tag, tag_size), out, sizeof(out), &len),
                         CM_ERR_SIGNATURE);
                CHECK_EQ(len, 0);
                CHECK_MEM(out, zeros, cipher_len);
                parts[p].at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
        }
        for (size_t n = 0; n < cipher_len; n++) {
            in.text = cm_span_make(cipher, n);
            CHECK_EQ(cm_aead_open(&in, cm_span_make(tag, tag_size), out, sizeof(out), &len),
                     CM_ERR_SIGNATURE);
        }
        in.text = cm_span_make(cipher, cipher_len);
        for (size_t n = 0; n < tag_size; n++) { /* a shorter tag is no tag */
            CHECK_EQ(cm_aead_open(&in, cm_span_make(tag, n), out, sizeof(out), &len),
                     CM_ERR_SIGNATURE);
        }
        CHECK_EQ(cm_aead_open(&in, cm_span_make(tag, tag_size), out, sizeof(out), &len), CM_OK);
        CHECK_EQ(len, 19);
    }
}

TEST(every_length)
{
    for (unsigned alg = 0; alg < 3; alg++) {
        struct cm_aead_in in = {.alg = (enum cm_aead)alg};
        uint8_t key[64];
        uint8_t iv[16];
        uint8_t text[80];
        uint8_t cipher[96];
        uint8_t out[96];
        uint8_t tag[CM_AEAD_MAX_TAG];
        size_t len = 0;

        fill(&in, key, iv);
        memset(text, 0x3c, sizeof(text));
        for (size_t n = 0; n <= sizeof(text); n++) {
            size_t made = 0;

            in.text = cm_span_make(text, n);
            CHECK_EQ(cm_aead_seal(&in, cipher, sizeof(cipher), &made, tag), CM_OK);
            CHECK(made >= n && made <= n + CM_AEAD_MAX_PAD);
            if (made != 0) {
                CHECK_EQ(cm_aead_seal(&in, out, made - 1, &len, tag), CM_ERR_SPACE);
            }
            in.text = cm_span_make(cipher, made);
            CHECK_EQ(
                cm_aead_open(&in, cm_span_make(tag, cm_aead_tag_size(in.alg)), out, made, &len),
                CM_OK);
            CHECK_EQ(len, n);
            CHECK_MEM(out, text, n);
        }
        in.key.len--;
        CHECK_EQ(cm_aead_seal(&in, out, sizeof(out), &len, tag), CM_ERR_PARAM);
        in.key.len++;
        in.iv.len--;
        CHECK_EQ(cm_aead_seal(&in, out, sizeof(out), &len, tag), CM_ERR_PARAM);
    }
}

/* --------------------------------------------------------------- key encryption */

/* RFC 3394 section 4.6: a 256-bit key under a 256-bit key. */
/* the same as a cipher that is made for each text, in any order, after refusals too */
TEST(one_gcm_key_for_many_texts)
{
    uint8_t key[CM_GCM256_KEY_SIZE];
    uint8_t iv[CM_GCM_IV_SIZE] = {0};
    uint8_t plain[600];
    uint8_t want[600];
    uint8_t got[600];
    uint8_t tag[2][CM_GCM_TAG_SIZE];
    struct cm_gcm *g = NULL;

    memset(key, 0x31, sizeof(key));
    REQUIRE(cm_gcm_create(key, &g) == CM_OK);
    for (size_t n = 0; n < sizeof(plain); n += 37) {
        const struct cm_span aad = cm_span_make("about it", n % 9);

        memset(plain, (int)n, sizeof(plain));
        iv[3] = (uint8_t)(n / 37);
        CHECK_EQ(cm_gcm_seal(cm_span_make(key, sizeof(key)), iv, aad, cm_span_make(plain, n), want,
                             tag[0]),
                 CM_OK);
        CHECK_EQ(cm_gcm_seal_with(g, iv, aad, cm_span_make(plain, n), got, tag[1]), CM_OK);
        CHECK_MEM(got, want, n);
        CHECK_MEM(tag[0], tag[1], sizeof(tag[0]));
        CHECK_EQ(cm_gcm_open_with(g, iv, aad, cm_span_make(want, n), tag[0], got), CM_OK);
        CHECK_MEM(got, plain, n);
        tag[0][n % 16] ^= 0x10;
        memset(got, 1, sizeof(got));
        CHECK_EQ(cm_gcm_open_with(g, iv, aad, cm_span_make(want, n), tag[0], got),
                 CM_ERR_SIGNATURE);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(got[i], 0);
        }
    }
    cm_gcm_free(g);
    cm_gcm_free(NULL);
}

TEST(aes_wrap_with_padding_is_opened_by_other_code)
{
    static uint8_t big[CM_KEYENC_WRAP_PAD_MAX + 1];
    static uint8_t out[CM_KEYENC_WRAP_PAD_SIZE(CM_KEYENC_WRAP_PAD_MAX)];
    static uint8_t back[sizeof(out)];
    static const size_t sizes[] = {1, 7, 8, 9, 16, 20, 32, 33, 1190, 2377, CM_KEYENC_WRAP_PAD_MAX};
    uint8_t kek[32];

    memset(kek, 0x5a, sizeof(kek));
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_EQ(cm_aes_wrap_pad(kek, cm_span_make(big, sizes[i]), out), CM_OK);
        CHECK_EQ(unwrap_pad(kek, out, CM_KEYENC_WRAP_PAD_SIZE(sizes[i]), back), sizes[i]);
        CHECK_MEM(back, big, sizes[i]);
        out[0] ^= 1;
        CHECK_EQ(unwrap_pad(kek, out, CM_KEYENC_WRAP_PAD_SIZE(sizes[i]), back), 0);
    }
    CHECK_EQ(cm_aes_wrap_pad(kek, cm_span_make(big, 0), out), CM_ERR_PARAM);
    CHECK_EQ(cm_aes_wrap_pad(kek, cm_span_make(big, sizeof(big)), out), CM_ERR_PARAM);
}

TEST(aes_wrap_known_answer)
{
    uint8_t kek[32];
    uint8_t key[32];
    uint8_t want[40];
    uint8_t out[40];
    uint8_t back[32];

    (void)unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", kek);
    (void)unhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f", key);
    (void)unhex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
                want);
    CHECK_EQ(cm_aes_wrap(kek, cm_span_make(key, 32), out), CM_OK);
    CHECK_MEM(out, want, sizeof(want));
    CHECK_EQ(cm_aes_unwrap(kek, cm_span_make(want, 40), back), CM_OK);
    CHECK_MEM(back, key, sizeof(key));
    for (size_t bit = 0; bit < 320; bit++) {
        static const uint8_t zeros[32];

        want[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(back, 0x55, sizeof(back));
        CHECK_EQ(cm_aes_unwrap(kek, cm_span_make(want, 40), back), CM_ERR_SIGNATURE);
        CHECK_MEM(back, zeros, sizeof(zeros));
        want[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < 40; n++) {
        CHECK_EQ(cm_aes_unwrap(kek, cm_span_make(want, n), back), CM_ERR_SIGNATURE);
    }
    CHECK_EQ(cm_aes_wrap(kek, cm_span_make(key, 0), out), CM_ERR_PARAM);
    CHECK_EQ(cm_aes_wrap(kek, cm_span_make(key, 17), out), CM_ERR_PARAM);
}

TEST(oaep)
{
    struct cm_privkey *key = NULL;
    struct cm_privkey *ec = NULL;
    struct cm_pubkey *pub = NULL;
    struct cm_pubkey *ec_pub = NULL;
    uint8_t cipher[CM_KEYENC_MAX_RSA];
    uint8_t out[CM_KEYENC_MAX_RSA];
    uint8_t text[256] = {7};
    size_t len = 0;
    size_t got = 0;

    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 2048, &key) == CM_OK);
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &ec) == CM_OK);
    REQUIRE(cm_privkey_public(key, &pub) == CM_OK && cm_privkey_public(ec, &ec_pub) == CM_OK);
    for (unsigned i = 0; i < 2; i++) {
        enum cm_oaep oaep = (enum cm_oaep)i;
        enum cm_oaep other = (enum cm_oaep)(1 - i);
        size_t most = i == 0 ? 214 : 190;

        CHECK_EQ(cm_oaep_encrypt(pub, oaep, cm_span_make(text, most), cipher, 256, &len), CM_OK);
        CHECK_EQ(len, 256);
        CHECK_EQ(cm_oaep_decrypt(key, oaep, cm_span_make(cipher, len), out, &got), CM_OK);
        CHECK_EQ(got, most);
        CHECK_MEM(out, text, most);
        CHECK_EQ(cm_oaep_decrypt(key, other, cm_span_make(cipher, len), out, &got),
                 CM_ERR_SIGNATURE);
        CHECK_EQ(got, 0);
        cipher[100] ^= 1;
        CHECK_EQ(cm_oaep_decrypt(key, oaep, cm_span_make(cipher, len), out, &got),
                 CM_ERR_SIGNATURE);
        CHECK_EQ(cm_oaep_decrypt(key, oaep, cm_span_make(cipher, 0), out, &got), CM_ERR_SIGNATURE);
        CHECK_EQ(cm_oaep_encrypt(pub, oaep, cm_span_make(text, most + 1), cipher, 256, &len),
                 CM_ERR_LIMIT);
        CHECK_EQ(cm_oaep_encrypt(pub, oaep, cm_span_make(text, 1), cipher, 255, &len),
                 CM_ERR_SPACE);
        CHECK_EQ(cm_oaep_encrypt(ec_pub, oaep, cm_span_make(text, 1), cipher, 256, &len),
                 CM_ERR_MISMATCH);
        CHECK_EQ(cm_oaep_decrypt(ec, oaep, cm_span_make(cipher, 256), out, &got), CM_ERR_MISMATCH);
    }
    cm_pubkey_free(pub);
    cm_pubkey_free(ec_pub);
    cm_privkey_free(key);
    cm_privkey_free(ec);
}

TEST(ecdh)
{
    for (unsigned c = 0; c < 3; c++) {
        struct cm_privkey *a = NULL;
        struct cm_privkey *b = NULL;
        struct cm_privkey *other = NULL;
        struct cm_pubkey *pa = NULL;
        struct cm_pubkey *pb = NULL;
        struct cm_pubkey *po = NULL;
        uint8_t x[CM_KEYENC_MAX_SHARED];
        uint8_t y[CM_KEYENC_MAX_SHARED];
        size_t n = 0;
        size_t m = 0;

        REQUIRE(cm_privkey_generate((enum cm_curve)c, 0, &a) == CM_OK &&
                cm_privkey_generate((enum cm_curve)c, 0, &b) == CM_OK &&
                cm_privkey_generate((enum cm_curve)((c + 1) % 3), 0, &other) == CM_OK &&
                cm_privkey_public(a, &pa) == CM_OK && cm_privkey_public(b, &pb) == CM_OK &&
                cm_privkey_public(other, &po) == CM_OK);
        CHECK_EQ(cm_ecdh(a, pb, x, &n), CM_OK);
        CHECK_EQ(cm_ecdh(b, pa, y, &m), CM_OK);
        CHECK_EQ(n, c == 0 ? 32 : c == 1 ? 48 : 66);
        CHECK(n == m && memcmp(x, y, n) == 0);
        CHECK_EQ(cm_ecdh(a, po, x, &n), CM_ERR_MISMATCH);
        CHECK_EQ(n, 0);
        cm_pubkey_free(pa);
        cm_pubkey_free(pb);
        cm_pubkey_free(po);
        cm_privkey_free(a);
        cm_privkey_free(b);
        cm_privkey_free(other);
    }
}

TEST_MAIN
