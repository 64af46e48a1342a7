/* Identities of decisions; see decide_engine.h. */
#include <sys/random.h>
#include <time.h>

#include "common/hex.h"
#include "decide/decide_engine.h"

#define TIME_BYTES 6u

enum cm_status cm_decision_id(char out[65])
{
    uint8_t bytes[32];
    struct timespec t = {0, 0};
    uint64_t ms = 0;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return CM_ERR_PLATFORM;
    }
    (void)clock_gettime(CLOCK_REALTIME, &t);
    ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    for (size_t i = 0; i < TIME_BYTES; i++) {
        bytes[i] = (uint8_t)(ms >> 8 * (TIME_BYTES - 1 - i));
    }
    cm_hex_encode(cm_span_make(bytes, sizeof(bytes)), CM_HEX_LOWER, out);
    return CM_OK;
}
