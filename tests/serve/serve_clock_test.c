/* The clock is stepped under a service: nothing ends, times are those of the clock, and it recovers by itself. */
#include "harness.h"
#include "maa_kit.h"

#define DAY  86400
#define DATA "{\"keys\":[]}"

static int attest(void)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    json_t *body = maa_body("quote", cm_span_make(quote, maa_quote(DATA, quote)));

    maa_data(body, "runtimeData", DATA, "JSON");
    return maa_attest("SgxEnclave", body)->status;
}

static uint64_t issued(void)
{
    json_t *claims = maa_claims();

    return (uint64_t)json_integer_value(json_object_get(claims, "iat"));
}

/*
 * The platform's documents are not good in a year, however often they are fetched: what they say of the
 * platform does not count then. When the clock is right again, they do.
 */
TEST(H12_a_step_of_the_clock_refuses_and_recovers)
{
    uint64_t before = 0;

    maa_start_emulated();
    before = kit_now();
    CHECK_EQ(attest(), 200);
    CHECK_EQ(issued(), before);
    kit_step_clock(400 * DAY);
    cm_service_tick(kit_service());
    CHECK_EQ(kit_get("/health", NULL)->status, 200);
    CHECK(attest() != 200);
    CHECK(kit_string("error.message") != NULL && kit_string("token") == NULL);
    kit_step_clock(-400 * DAY);
    cm_service_tick(kit_service());
    CHECK_EQ(attest(), 200);
    CHECK_EQ(issued(), before);
    maa_stop();
}

/* An hour back, as by a time server: nothing that was made a moment ago is waited for. */
TEST(a_step_back_ends_nothing)
{
    uint64_t before = 0;

    maa_start_emulated();
    kit_step_clock(DAY); /* behind the making of the platform */
    before = kit_now();
    CHECK_EQ(attest(), 200);
    kit_step_clock(-3600);
    cm_service_tick(kit_service());
    CHECK_EQ(attest(), 200);
    CHECK_EQ(issued(), before - 3600);
    CHECK_EQ(kit_get("/ready", NULL)->status, 200);
    maa_stop();
}

TEST_MAIN
