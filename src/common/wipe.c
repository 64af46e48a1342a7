/* Erasure and constant-time comparison; see wipe.h. */
#include "common/wipe.h"

#include <stdint.h>
#include <string.h>

void cm_wipe(void *p, size_t n)
{
    if (n == 0) {
        return;
    }
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* the store has a reader, so it stays */
}

bool cm_ct_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = (const volatile uint8_t *)a;
    const volatile uint8_t *y = (const volatile uint8_t *)b;
    uint8_t diff = 0;

    for (size_t i = 0; i < n; i++) {
        diff = (uint8_t)(diff | (x[i] ^ y[i]));
    }
    return diff == 0;
}
