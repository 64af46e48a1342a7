/*
 * mbedTLS's clocks inside an enclave, in place of Debian's member with RDTSC and alarm(). The time is
 * the host's: UNTRUSTED. mbedTLS uses it for the retransmission of DTLS.
 */
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <mbedtls/timing.h>

volatile int mbedtls_timing_alarmed;

static uint64_t now_ns(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned long mbedtls_timing_hardclock(void)
{
    return now_ns();
}

/* Milliseconds since the timer was reset; its opaque bytes hold nanoseconds. */
unsigned long mbedtls_timing_get_timer(struct mbedtls_timing_hr_time *val, int reset)
{
    uint64_t now = now_ns();
    uint64_t start = 0;

    if (reset != 0) {
        memcpy(val, &now, sizeof(now));
        return 0;
    }
    memcpy(&start, val, sizeof(start));
    return now < start ? 0 : (now - start) / 1000000u;
}

/* An enclave gets no signals: the alarm has rung at once, so that who waits for it does not hang. */
void mbedtls_set_alarm(int seconds)
{
    (void)seconds;
    mbedtls_timing_alarmed = 1;
}

void mbedtls_timing_set_delay(void *data, uint32_t int_ms, uint32_t fin_ms)
{
    mbedtls_timing_delay_context *ctx = data;

    ctx->int_ms = int_ms;
    ctx->fin_ms = fin_ms;
    if (fin_ms != 0) {
        (void)mbedtls_timing_get_timer(&ctx->timer, 1);
    }
}

/* -1: cancelled; 0: none has passed; 1: the intermediate delay has; 2: the final one too */
int mbedtls_timing_get_delay(void *data)
{
    mbedtls_timing_delay_context *ctx = data;
    unsigned long passed;

    if (ctx->fin_ms == 0) {
        return -1;
    }
    passed = mbedtls_timing_get_timer(&ctx->timer, 0);
    if (passed >= ctx->fin_ms) {
        return 2;
    }
    return passed >= ctx->int_ms ? 1 : 0;
}

/* Measures RDTSC in the original; there is none to measure. */
int mbedtls_timing_self_test(int verbose)
{
    (void)verbose;
    return 0;
}
