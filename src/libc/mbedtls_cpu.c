/*
 * What mbedTLS asks CPUID for, which an enclave cannot execute: AES-NI and PCLMULQDQ. Both are always
 * there, whatever a host says: without them mbedTLS would encrypt by table look-ups that the host can
 * watch. A processor with SGX has them; on another the instruction faults (C4).
 */
#include <mbedtls/aesni.h>

int mbedtls_aesni_has_support(unsigned int what)
{
    (void)what;
    return 1;
}
