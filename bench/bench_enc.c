/* The bench enclave: functions that do nothing, and an image of 2.7 MB. */
#include <openenclave/enclave.h>

#include "bench_t.h"

/* what a real enclave has in libraries: read-only bytes that are loaded and measured */
__asm__(".pushsection .rodata.ballast,\"a\"\n"
        ".globl ballast\n"
        ".type ballast, @object\n"
        "ballast: .fill 640000, 4, 0x5ca1ab1e\n"
        ".size ballast, .-ballast\n"
        ".popsection\n");
extern const uint32_t ballast[640000];

static uint8_t buffer[65536];

void enc_null(void)
{
}

int enc_null_ocalls(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        if (host_null() != OE_OK) {
            return 1;
        }
    }
    return 0;
}

void enc_in(const uint8_t *data, size_t n)
{
    (void)data;
    (void)n;
}

void enc_out(uint8_t *data, size_t n)
{
    if (n != 0) {
        data[0] = (uint8_t)ballast[n % 640000];
    }
}

int enc_ocalls_in(uint64_t n, size_t size)
{
    for (uint64_t i = 0; i < n; i++) {
        if (size > sizeof(buffer) || host_in(buffer, size) != OE_OK) {
            return 1;
        }
    }
    return 0;
}

int enc_ocalls_out(uint64_t n, size_t size)
{
    for (uint64_t i = 0; i < n; i++) {
        if (size > sizeof(buffer) || host_out(buffer, size) != OE_OK) {
            return 1;
        }
    }
    return 0;
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 256, 16, 1);
