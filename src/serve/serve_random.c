/* What libevent wants of a glibc that is newer than what our programs need: see tools/casemate_service.cmake. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "serve/serve_private.h"

void cm_serve_random_buf(void *out, size_t n)
{
    uint8_t *at = out;

    while (n > 0) {
        const ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno != EINTR) {
            abort(); /* as the real one: its callers cannot be told */
        }
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

uint32_t cm_serve_random_u32(void)
{
    uint32_t out = 0;

    cm_serve_random_buf(&out, sizeof(out));
    return out;
}
