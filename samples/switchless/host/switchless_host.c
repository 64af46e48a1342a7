/* The host: the same work by ordinary and by switchless calls, and how long each took. */
#include <openenclave/host.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "switchless_u.h"

#define READINGS 200000u

uint32_t read_sensor(uint32_t number)
{
    return number % 1001;
}

uint32_t read_sensor_switchless(uint32_t number)
{
    return read_sensor(number); /* on the worker's thread, when one polls */
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static oe_result_t measure(oe_enclave_t *enclave, bool switchless)
{
    oe_result_t answer = OE_OK;
    uint64_t mean = 0;
    const double begin = seconds();
    oe_result_t result = mean_of_readings(enclave, &answer, READINGS, switchless, &mean);

    if (result == OE_OK) {
        result = answer;
    }
    if (result == OE_OK) {
        (void)printf("%u readings by %s calls: mean %llu.%03llu, %.0f ns each\n", READINGS,
                     switchless ? "switchless" : "ordinary", (unsigned long long)mean / 1000,
                     (unsigned long long)mean % 1000, (seconds() - begin) * 1e9 / READINGS);
    }
    return result;
}

int main(int argc, char **argv)
{
    /* one thread that serves the enclave's calls, one inside that serves the host's */
    const oe_enclave_setting_context_switchless_t workers = {1, 1};
    const oe_enclave_setting_t setting = {
        .setting_type = OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS,
        .u.context_switchless_setting = &workers,
    };
    uint32_t flags = 0;
    oe_enclave_t *enclave = NULL;
    oe_result_t result = OE_FAILURE;
    uint64_t count = 0;

    if (argc == 3 && strcmp(argv[2], "--simulate") == 0) {
        flags = OE_ENCLAVE_FLAG_SIMULATE;
        (void)puts(
            "EMULATED: transitions cost little here; on hardware they cost thousands of cycles.");
    } else if (argc != 2) {
        (void)fprintf(stderr, "usage: %s ENCLAVE.signed [--simulate]\n", argv[0]);
        return 2;
    }
    result =
        oe_create_switchless_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, &setting, 1, &enclave);
    if (result == OE_OK) {
        result = measure(enclave, false);
    }
    if (result == OE_OK) {
        result = measure(enclave, true);
    }
    if (result == OE_OK) {
        result = readings_so_far(enclave, &count);
    }
    if (result == OE_OK) {
        (void)printf("%llu readings in all\n", (unsigned long long)count);
    } else {
        (void)fprintf(stderr, "failed: %s\n", oe_result_str(result));
    }
    if (enclave != NULL && oe_terminate_enclave(enclave) != OE_OK && result == OE_OK) {
        result = OE_FAILURE;
    }
    return result == OE_OK ? 0 : 1;
}
