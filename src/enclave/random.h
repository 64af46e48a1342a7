/* The processor's random number instructions. False when there was none to be had; *out is then 0. */
#ifndef CM_ENCLAVE_RANDOM_H
#define CM_ENCLAVE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

bool cm_rdseed(uint64_t *out);
bool cm_rdrand(uint64_t *out);

#endif
