/* Calls every function of pair.edl with random data and checks what comes back. */
#ifndef PAIR_DRIVE_H
#define PAIR_DRIVE_H

#include <stdint.h>

/* the number of the first check that failed, or 0 */
int pair_drive(void *enclave, uint64_t seed, unsigned rounds);

#endif
