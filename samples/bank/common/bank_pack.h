/* Numbers as bytes, most significant first, and random bytes. */
#ifndef BANK_PACK_H
#define BANK_PACK_H

#include <openssl/rand.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void bank_pack_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static inline void bank_pack_u64(uint8_t *p, uint64_t v)
{
    bank_pack_u32(p, (uint32_t)(v >> 32));
    bank_pack_u32(p + 4, (uint32_t)v);
}

static inline uint64_t bank_unpack_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static inline bool bank_pack_random(void *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1;
}

#endif
