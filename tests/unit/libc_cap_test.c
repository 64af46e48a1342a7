/* Processor features for OpenSSL inside: whatever the host claims, the floor holds and no register
 * state is used that the enclave does not have (row C4: a lying host costs speed, never secrets). */
#include "harness.h"

#include "libc/openssl_cpu.h"

#define BIT(n) (1u << (n))
#define SSE    0x3u
#define AVX    0x7u
#define AVX512 0xe7u

static const uint32_t nothing[CM_CAP_WORDS];
static const uint32_t everything[CM_CAP_WORDS] = {~0u, ~0u, ~0u, ~0u};

/* AES-NI, PCLMULQDQ, SSSE3, SSE2 */
static bool has_floor(const uint32_t cap[CM_CAP_WORDS])
{
    const uint32_t ecx = BIT(25) | BIT(1) | BIT(9);

    return (cap[CM_CAP_1_ECX] & ecx) == ecx && (cap[CM_CAP_1_EDX] & BIT(26)) != 0;
}

static bool has_avx(const uint32_t cap[CM_CAP_WORDS])
{
    return (cap[CM_CAP_1_ECX] & (BIT(28) | BIT(12) | BIT(11))) != 0 ||
           (cap[CM_CAP_7_EBX] & BIT(5)) != 0 || (cap[CM_CAP_7_ECX] & (BIT(9) | BIT(10))) != 0;
}

static bool has_avx512(const uint32_t cap[CM_CAP_WORDS])
{
    return (cap[CM_CAP_7_EBX] & (BIT(16) | BIT(17) | BIT(21) | BIT(30) | BIT(31))) != 0 ||
           (cap[CM_CAP_7_ECX] & (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))) != 0;
}

TEST(C4_a_host_that_hides_features_does_not_get_table_aes)
{
    uint32_t cap[CM_CAP_WORDS];

    cm_openssl_cap(nothing, SSE, cap);
    CHECK(has_floor(cap));
    CHECK(!has_avx(cap));
    CHECK((cap[CM_CAP_1_EDX] & BIT(28)) != 0); /* caches are shared, whatever the host says */
    CHECK((cap[CM_CAP_1_EDX] & BIT(30)) == 0);
    cm_openssl_cap(nothing, AVX512, cap);
    CHECK(has_floor(cap));
    CHECK(!has_avx(cap));
    CHECK(!has_avx512(cap));
}

TEST(features_follow_xfrm)
{
    uint32_t cap[CM_CAP_WORDS];

    cm_openssl_cap(everything, SSE, cap);
    CHECK(has_floor(cap));
    CHECK(!has_avx(cap));
    CHECK(!has_avx512(cap));
    cm_openssl_cap(everything, AVX, cap);
    CHECK(has_avx(cap));
    CHECK(!has_avx512(cap));
    CHECK((cap[CM_CAP_7_EBX] & BIT(29)) != 0); /* SHA needs no state of its own */
    cm_openssl_cap(everything, AVX512, cap);
    CHECK(has_avx(cap));
    CHECK(has_avx512(cap));
    /* two of the three AVX-512 states are not enough */
    cm_openssl_cap(everything, AVX512 & ~0x20u, cap);
    CHECK(!has_avx512(cap));
    /* YMM without SSE state is nonsense and gives nothing */
    cm_openssl_cap(everything, 0x4, cap);
    CHECK(!has_avx(cap));
}

TEST_MAIN
