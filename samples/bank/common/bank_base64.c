/* See bank_base64.h. */
#include "bank_base64.h"

void bank_base64(const uint8_t *in, size_t len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | in[i]) & 0xffffff;
        for (have += 8; have >= 6; have -= 6) {
            *out++ = digits[bits >> (have - 6) & 63];
        }
    }
    if (have != 0) {
        *out++ = digits[bits << (6 - have) & 63];
    }
    *out = '\0';
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool bank_base64_decode(const char *in, size_t len, uint8_t *out, size_t cap, size_t *out_len)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        const int d = digit(in[i]);

        if (d < 0) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)d) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == cap) {
                return false;
            }
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    *out_len = n;
    return len % 4 != 1 && (bits & ((1U << have) - 1)) == 0;
}
