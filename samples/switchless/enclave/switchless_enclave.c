/* The enclave: adds readings up. What the host answers is data of the host's, and held to its range. */
#include <openenclave/enclave.h>

#include "switchless_t.h"

#define READING_MAX 1000u

static uint64_t readings;

oe_result_t mean_of_readings(uint32_t count, bool switchless, uint64_t *mean)
{
    uint64_t sum = 0;

    if (count == 0) {
        return OE_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t reading = 0;
        const oe_result_t r =
            switchless ? read_sensor_switchless(&reading, i) : read_sensor(&reading, i);

        if (r != OE_OK) {
            return r;
        }
        if (reading > READING_MAX) {
            return OE_OUT_OF_BOUNDS;
        }
        sum += reading;
        (void)__atomic_add_fetch(&readings, 1, __ATOMIC_RELAXED);
    }
    *mean = sum * 1000 / count;
    return OE_OK;
}

uint64_t readings_so_far(void)
{
    return __atomic_load_n(&readings, __ATOMIC_RELAXED);
}

/* one TCS for the caller, and one for the worker that serves readings_so_far() */
OE_SET_ENCLAVE_SGX(1, 1, true, 64, 16, 2);
