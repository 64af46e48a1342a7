/*
 * The rule by which OpenSSL's feature words are made from the host's claims and the enclave's XFRM.
 * Pure, built for the host as well for its test. Bit numbers: Intel SDM 2A, CPUID; the meaning of
 * the words: openssl(3) OPENSSL_ia32cap.
 */
#include "libc/openssl_cpu.h"

#define BIT(n) (1u << (n))

/* XFRM: AVX needs SSE and YMM state, AVX-512 the three states beyond */
#define XFRM_AVX    0x6u
#define XFRM_AVX512 0xe6u

/*
 * Every processor with SGX2, and every one with SGX in use on servers, has these. Without AES-NI and
 * PCLMULQDQ OpenSSL would encrypt by table look-ups that a host can watch page by page.
 */
#define FLOOR_1_EDX (BIT(23) | BIT(24) | BIT(25) | BIT(26))                  /* MMX FXSR SSE SSE2 */
#define FLOOR_1_ECX (BIT(0) | BIT(1) | BIT(9) | BIT(19) | BIT(20) | BIT(25)) /* .. SSSE3 .. AES */

#define AVX_1_ECX   (BIT(11) | BIT(12) | BIT(28)) /* AMD XOP, FMA, AVX */
#define AVX2_7_EBX  BIT(5)
/* F DQ IFMA PF ER CD BW VL */
#define AVX512_7_EBX (BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
/* VBMI VBMI2 VNNI BITALG VPOPCNTDQ: 512-bit; VAES and VPCLMULQDQ are used with 256 bits as well */
#define AVX512_7_ECX (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define VECTOR_7_ECX (BIT(9) | BIT(10))

/* bits of leaf 1 that OpenSSL gives another meaning, or that only software outside needs */
#define HTT         BIT(28)
#define RESERVED_20 BIT(20)
#define INTEL_CPU   BIT(30)
#define OSXSAVE     BIT(27)

void cm_openssl_cap(const uint32_t raw[CM_CAP_WORDS], uint64_t xfrm, uint32_t out[CM_CAP_WORDS])
{
    uint32_t edx = raw[CM_CAP_1_EDX] & ~RESERVED_20;
    uint32_t ecx = raw[CM_CAP_1_ECX] & ~BIT(11);
    uint32_t ebx7 = raw[CM_CAP_7_EBX];
    uint32_t ecx7 = raw[CM_CAP_7_ECX];

    edx |= FLOOR_1_EDX | HTT;
    ecx |= FLOOR_1_ECX | OSXSAVE;
    if ((xfrm & XFRM_AVX) != XFRM_AVX) {
        ecx &= ~AVX_1_ECX;
        ebx7 &= ~(AVX2_7_EBX | AVX512_7_EBX);
        ecx7 &= ~(AVX512_7_ECX | VECTOR_7_ECX);
    } else if ((xfrm & XFRM_AVX512) != XFRM_AVX512) {
        ebx7 &= ~AVX512_7_EBX;
        ecx7 &= ~AVX512_7_ECX;
    }
    out[CM_CAP_1_EDX] = edx;
    out[CM_CAP_1_ECX] = ecx;
    out[CM_CAP_7_EBX] = ebx7;
    out[CM_CAP_7_ECX] = ecx7;
}
