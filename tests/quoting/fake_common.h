/*
 * What the stand-ins of Intel's libraries share. Each exports the functions of the real one and does
 * what the variable FAKE_MODE of its process says; answers come from files of the folder FAKE_DIR.
 */
#ifndef CM_TESTS_FAKE_COMMON_H
#define CM_TESTS_FAKE_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_EXPORT __attribute__((visibility("default")))

static inline bool fake_mode(const char *mode)
{
    const char *now = getenv("FAKE_MODE");

    return now != NULL && strcmp(now, mode) == 0;
}

/* "fail:e019" makes the function fail with that code */
static inline uint32_t fake_code(void)
{
    const char *now = getenv("FAKE_MODE");

    return now != NULL && strncmp(now, "fail:", 5) == 0 ? (uint32_t)strtoul(now + 5, NULL, 16) : 0;
}

static inline size_t fake_file(const char *name, uint8_t *out, size_t cap)
{
    const char *dir = getenv("FAKE_DIR");
    char path[1024] = "";
    FILE *f = NULL;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : ".", name);
    f = fopen(path, "rb");
    if (f != NULL) {
        n = fread(out, 1, cap, f);
        (void)fclose(f);
    }
    return n;
}

/* The size that a quoting library tells, and the quote that it makes. */
static inline uint32_t fake_quote_size(void)
{
    static uint8_t quote[65536];
    uint32_t len = (uint32_t)fake_file("quote.bin", quote, sizeof(quote));

    if (fake_mode("size-zero")) {
        return 0;
    }
    if (fake_mode("size-small")) {
        return 435;
    }
    if (fake_mode("size-huge")) {
        return 0xffffffffU;
    }
    if (fake_mode("size-loose") || fake_mode("behind")) {
        return len + 1000;
    }
    return fake_mode("size-cut") ? len - 1 : len;
}

static inline void fake_make_quote(const uint8_t *report, uint8_t *quote, uint32_t size)
{
    size_t len = fake_file("quote.bin", quote, size);

    (void)report;
    if (fake_mode("nothing")) {
        memset(quote, 0, size);
    } else if (fake_mode("noise")) {
        memset(quote, 0xa5, size);
    } else if (fake_mode("version")) {
        quote[0] = 9;
    } else if (fake_mode("auth-length")) {
        quote[433] ^= 0x40; /* of the signature data, far beyond the end */
    } else if (fake_mode("other")) {
        quote[48 + 64] ^= 1; /* MRENCLAVE */
    } else if (fake_mode("behind")) {
        quote[len + 7] = 1;
    }
}

static inline void fake_target_info(uint8_t *out)
{
    memset(out, 0, 512);
    if (!fake_mode("no-target")) {
        memset(out, 0x51, 32);
    }
}

#endif
