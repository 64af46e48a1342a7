/* Crypto to be timed: one source, compiled for the host and for the enclave. */
#ifndef CM_BENCH_CRYPTO_WORK_H
#define CM_BENCH_CRYPTO_WORK_H

#include <stdint.h>

enum crypto_work {
    WORK_AES_256_GCM, /* encrypts size bytes and makes the tag */
    WORK_SHA_256,     /* hashes size bytes */
    WORK_P256_SIGN,
    WORK_P256_VERIFY,
};

/* Largest size. */
#define WORK_SIZE_MAX (1u << 20)

/* Does it count times. 0, or -1 when OpenSSL failed. Not for several threads at once. */
int crypto_work_run(unsigned what, uint64_t count, uint64_t size);

#endif
