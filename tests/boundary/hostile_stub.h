/* What the files of the hostile enclave share: stubs by hand, and the words in their buffers. */
#ifndef CM_TESTS_HOSTILE_STUB_H
#define CM_TESTS_HOSTILE_STUB_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern volatile uint64_t hostile_go;
extern volatile uint64_t hostile_spinning;

#define SHARED_STUB(name) \
    void name(uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, size_t *written)
#define STUB(name) static SHARED_STUB(name)
#define UNUSED     ((void)in, (void)in_len, (void)out, (void)out_len)

static inline uint64_t word(const uint8_t *p, size_t n, size_t i)
{
    uint64_t v = 0;

    if ((i + 1) * sizeof(v) <= n) {
        memcpy(&v, p + i * sizeof(v), sizeof(v));
    }
    return v;
}

static inline void put(uint8_t *out, size_t out_len, size_t i, uint64_t v)
{
    if ((i + 1) * sizeof(v) <= out_len) {
        memcpy(out + i * sizeof(v), &v, sizeof(v));
    }
}

/* hostile_faults.c */
SHARED_STUB(he_handler);
SHARED_STUB(he_fault);
SHARED_STUB(he_seen);

#endif
