/* The emulator's own CMAC is OpenSSL's, for every length and many keys, and allocates nothing. */
#include "harness.h"

#include "crypto/crypto.h"
#include "sgxemu/emu_cmac.h"

static uint64_t state = 1;

static uint8_t next_byte(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(state >> 56);
}

/* by both ways, as far as this processor has them */
static void check_same(const uint8_t key[16], struct cm_span data)
{
    uint8_t want[16];
    uint8_t got[16];
    bool both = __builtin_cpu_supports("aes") != 0;

    REQUIRE(cm_cmac_aes128(key, data, want) == CM_OK);
    cm_emu_cmac(key, data, got);
    CHECK_EQ(memcmp(want, got, sizeof(got)), 0);
    for (int ni = 0; ni <= (both ? 1 : 0); ni++) {
        cm_emu_cmac_by(ni != 0, key, data, got);
        if (memcmp(want, got, sizeof(got)) != 0) {
            TEST_FAIL("another MAC for %zu bytes, %d", data.len, ni);
        }
    }
}

TEST(same_as_openssl_for_every_length)
{
    uint8_t data[400];
    uint8_t key[16];

    for (size_t len = 0; len <= sizeof(data); len++) {
        for (size_t i = 0; i < len; i++) {
            data[i] = next_byte();
        }
        for (size_t i = 0; i < sizeof(key); i++) {
            key[i] = next_byte();
        }
        check_same(key, cm_span_make(data, len));
    }
}

TEST(same_as_openssl_for_every_bit_of_the_key)
{
    static const uint8_t text[16] = "sixteen bytes...";

    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t key[16] = {0};

        key[bit / 8] = (uint8_t)(1u << (bit % 8));
        check_same(key, cm_span_make(text, sizeof(text)));
    }
}

TEST_MAIN
