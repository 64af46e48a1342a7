/* The cases of mbedTLS inside an enclave; run as those of tests/inside are. */
#ifndef CM_TESTS_MBED_CASE_H
#define CM_TESTS_MBED_CASE_H

#include "inside_case.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>

int cm_mbed_hash(unsigned thread, unsigned threads);
int cm_mbed_cipher(unsigned thread, unsigned threads);
int cm_mbed_sign(unsigned thread, unsigned threads);
int cm_mbed_random(unsigned thread, unsigned threads);
int cm_mbed_timing(unsigned thread, unsigned threads);
int cm_mbed_x509(unsigned thread, unsigned threads);
int cm_mbed_tls(unsigned thread, unsigned threads);

/* A generator for the cases, seeded from the enclave's source. 0 on success. */
struct cm_mbed_rng {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
};
int cm_mbed_rng_start(struct cm_mbed_rng *rng);
void cm_mbed_rng_end(struct cm_mbed_rng *rng);

#endif
