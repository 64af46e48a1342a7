/*
 * Replaces libcrypto's x86_64cpuid member, whose CPUID and RDTSC instructions fault in an enclave,
 * and the padlock engine. Called by libcrypto; names and contracts are OpenSSL 3.0's.
 */
#include "libc/openssl_cpu.h"

#include <stddef.h>
#include <string.h>

#include "libc/inside_runtime.h"

unsigned OPENSSL_ia32cap_P[CM_CAP_WORDS];

uint64_t OPENSSL_ia32_cpuid(unsigned *words);
uint32_t OPENSSL_rdtsc(void);
int OPENSSL_atomic_add(int *value, int amount);
void OPENSSL_cleanse(void *ptr, size_t len);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
void *OPENSSL_wipe_cpu(void);
size_t OPENSSL_instrument_bus(unsigned *out, size_t count);
size_t OPENSSL_instrument_bus2(unsigned *out, size_t count, size_t max);
size_t OPENSSL_ia32_rdrand_bytes(unsigned char *buf, size_t len);
size_t OPENSSL_ia32_rdseed_bytes(unsigned char *buf, size_t len);
void engine_load_padlock_int(void);

/* bit 30 of leaf 1 EDX, to which OpenSSL gives the meaning "made by Intel"; of interest for speed only */
#define INTEL_CPU (1u << 30)

static bool is_intel(void)
{
    static const char name[] = "GenuineIntel"; /* EBX, EDX, ECX of leaf 0 */
    uint32_t leaf0[4];

    return cm_cpuid_lookup(0, 0, leaf0) && memcmp(&leaf0[1], name, 4) == 0 &&
           memcmp(&leaf0[3], name + 4, 4) == 0 && memcmp(&leaf0[2], name + 8, 4) == 0;
}

/* words is OPENSSL_ia32cap_P; its first two words come back as the result */
uint64_t OPENSSL_ia32_cpuid(unsigned *words)
{
    uint32_t leaf1[4] = {0};
    uint32_t leaf7[4] = {0};
    uint32_t raw[CM_CAP_WORDS];
    uint32_t cap[CM_CAP_WORDS];

    if (!cm_cpuid_lookup(1, 0, leaf1)) {
        memset(leaf1, 0, sizeof(leaf1));
    }
    if (!cm_cpuid_lookup(7, 0, leaf7)) {
        memset(leaf7, 0, sizeof(leaf7));
    }
    raw[CM_CAP_1_EDX] = is_intel() ? leaf1[3] | INTEL_CPU : leaf1[3] & ~INTEL_CPU;
    raw[CM_CAP_1_ECX] = leaf1[2];
    raw[CM_CAP_7_EBX] = leaf7[1];
    raw[CM_CAP_7_ECX] = leaf7[2];
    cm_openssl_cap(raw, cm_xfrm(), cap);
    words[CM_CAP_7_EBX] = cap[CM_CAP_7_EBX];
    words[CM_CAP_7_ECX] = cap[CM_CAP_7_ECX];
    return (uint64_t)cap[CM_CAP_1_ECX] << 32 | cap[CM_CAP_1_EDX];
}

/* only mixed into pools as additional data that is not counted as entropy */
uint32_t OPENSSL_rdtsc(void)
{
    static uint32_t ticks;

    return __atomic_add_fetch(&ticks, 1, __ATOMIC_RELAXED);
}

int OPENSSL_atomic_add(int *value, int amount)
{
    return __atomic_add_fetch(value, amount, __ATOMIC_SEQ_CST);
}

void OPENSSL_cleanse(void *ptr, size_t len)
{
    memset(ptr, 0, len);
    __asm__ volatile("" : : "r"(ptr) : "memory"); /* the stores may not be optimised away */
}

/* no branch and no memory access depends on the contents */
int CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char diff = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        diff |= x[i] ^ y[i];
    }
    return diff;
}

/* the runtime clears every register when it leaves the enclave */
void *OPENSSL_wipe_cpu(void)
{
    return __builtin_frame_address(0);
}

size_t OPENSSL_instrument_bus(unsigned *out, size_t count)
{
    (void)out;
    (void)count;
    return 0; /* "not available" */
}

size_t OPENSSL_instrument_bus2(unsigned *out, size_t count, size_t max)
{
    (void)out;
    (void)count;
    (void)max;
    return 0;
}

/* number of bytes that were made; all or none (C5) */
size_t OPENSSL_ia32_rdrand_bytes(unsigned char *buf, size_t len)
{
    return cm_libc_random(buf, len) == 0 ? len : 0;
}

size_t OPENSSL_ia32_rdseed_bytes(unsigned char *buf, size_t len)
{
    return cm_libc_random(buf, len) == 0 ? len : 0;
}

void engine_load_padlock_int(void)
{
}
