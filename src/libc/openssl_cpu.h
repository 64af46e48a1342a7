/* Which processor features OpenSSL's code paths may use inside an enclave. */
#ifndef CM_LIBC_OPENSSL_CPU_H
#define CM_LIBC_OPENSSL_CPU_H

#include <stdint.h>

/* CPUID words in the order of OPENSSL_ia32cap_P. */
enum { CM_CAP_1_EDX = 0, CM_CAP_1_ECX = 1, CM_CAP_7_EBX = 2, CM_CAP_7_ECX = 3, CM_CAP_WORDS = 4 };

/*
 * Turns what the host says about the processor into words that are safe to use. raw: CPUID leaf 1
 * EDX and ECX, leaf 7 EBX and ECX; bit 30 of the first: the maker is Intel. UNTRUSTED: never fewer features than the floor, so that the host
 * cannot switch OpenSSL to code with secret-dependent memory accesses; never a register state
 * that xfrm does not hold. A feature that is claimed and absent ends in a fault, not in a leak.
 */
void cm_openssl_cap(const uint32_t raw[CM_CAP_WORDS], uint64_t xfrm, uint32_t out[CM_CAP_WORDS]);

#endif
