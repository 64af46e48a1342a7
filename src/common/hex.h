/* Hexadecimal digits, both ways. Freestanding; not for secrets: table look-ups take their time. */
#ifndef CM_COMMON_HEX_H
#define CM_COMMON_HEX_H

#include <stdbool.h>

#include "common/span.h"

#define CM_HEX_LOWER "0123456789abcdef"
#define CM_HEX_UPPER "0123456789ABCDEF"

/** The value of a digit of either case; -1 for any other character. */
static inline int cm_hex_nibble(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Whether text is exactly 2 * n digits; then the bytes are in out, else out is undefined. */
static inline bool cm_hex_decode(struct cm_span text, uint8_t *out, size_t n)
{
    if (text.len % 2 != 0 || text.len / 2 != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int hi = cm_hex_nibble(text.ptr[2 * i]);
        int lo = cm_hex_nibble(text.ptr[2 * i + 1]);

        if (hi < 0 || lo < 0) {
            return false;
        }
        out[i] = (uint8_t)((hi << 4) | lo);
    }
    return true;
}

/** 2 * bytes.len digits, and a zero behind them. digits: CM_HEX_LOWER or CM_HEX_UPPER. */
static inline void cm_hex_encode(struct cm_span bytes, const char *digits, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.ptr[i] >> 4];
        out[2 * i + 1] = digits[bytes.ptr[i] & 15];
    }
    out[2 * bytes.len] = '\0';
}

#endif
