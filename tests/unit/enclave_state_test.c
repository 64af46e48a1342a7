/* casemate/state.h by itself: words that cannot be, limits, and many threads. */
#include <pthread.h>

#include <casemate/state.h>

#include "harness.h"

static bool outside;
bool oe_is_within_enclave(const void *p, size_t size);
bool oe_is_within_enclave(const void *p, size_t size)
{
    return !outside && p != NULL && size == sizeof(oe_state_t);
}

TEST(a_machine_starts_where_it_was_put)
{
    for (uint32_t s = 0; s <= OE_STATE_MAX; s++) {
        oe_state_t m = OE_STATE_INIT(s);

        CHECK_EQ(oe_require_state(&m, OE_STATE(s)), OE_OK);
        CHECK_EQ(oe_require_state(&m, ~OE_STATE(s)), OE_CONSTRAINT_FAILED);
        CHECK_EQ(oe_require_state(&m, 0), OE_CONSTRAINT_FAILED);
        CHECK_EQ(oe_begin_state(&m, OE_STATE(s)), OE_OK);
        CHECK_EQ(oe_end_state(&m, OE_STATE_MAX - s), OE_OK);
        CHECK_EQ(oe_require_state(&m, OE_STATE(OE_STATE_MAX - s)), OE_OK);
    }
}

TEST(states_that_do_not_exist)
{
    oe_state_t m = OE_STATE_INIT(64);

    CHECK_EQ(oe_require_state(&m, UINT64_MAX), OE_CONSTRAINT_FAILED);
    CHECK_EQ(oe_begin_state(&m, UINT64_MAX), OE_CONSTRAINT_FAILED);
    CHECK_EQ(oe_enter_state(&m, UINT64_MAX), OE_CONSTRAINT_FAILED);
    m = (oe_state_t)OE_STATE_INIT(3);
    CHECK_EQ(oe_begin_state(&m, OE_STATE(3)), OE_OK);
    CHECK_EQ(oe_end_state(&m, 64), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_end_state(&m, UINT32_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_require_state(&m, UINT64_MAX), OE_BUSY); /* still in its step */
    CHECK_EQ(oe_end_state(&m, 4), OE_OK);
}

TEST(ends_without_a_beginning)
{
    oe_state_t m = OE_STATE_INIT(3);

    CHECK_EQ(oe_end_state(&m, 4), OE_UNEXPECTED);
    CHECK_EQ(oe_leave_state(&m), OE_UNEXPECTED);
    CHECK_EQ(oe_require_state(&m, OE_STATE(3)), OE_OK);
    CHECK_EQ(oe_enter_state(&m, OE_STATE(3)), OE_OK);
    CHECK_EQ(oe_end_state(&m, 4), OE_UNEXPECTED);
    CHECK_EQ(oe_leave_state(&m), OE_OK);
    CHECK_EQ(oe_leave_state(&m), OE_UNEXPECTED);
}

TEST(users_are_counted_and_bounded)
{
    oe_state_t m = OE_STATE_INIT(1);

    for (int i = 0; i < 65535; i++) {
        CHECK_EQ(oe_enter_state(&m, OE_STATE(1)), OE_OK);
    }
    CHECK_EQ(oe_enter_state(&m, OE_STATE(1)), OE_BUSY);
    CHECK_EQ(oe_begin_state(&m, OE_STATE(1)), OE_BUSY);
    for (int i = 0; i < 65535; i++) {
        CHECK_EQ(oe_leave_state(&m), OE_OK);
    }
    CHECK_EQ(oe_begin_state(&m, OE_STATE(1)), OE_OK);
}

TEST(a_machine_outside_is_none)
{
    oe_state_t m = OE_STATE_INIT(1);

    outside = true;
    CHECK_EQ(oe_require_state(&m, UINT64_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_begin_state(&m, UINT64_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_end_state(&m, 1), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_enter_state(&m, UINT64_MAX), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_leave_state(&m), OE_INVALID_PARAMETER);
    outside = false;
    CHECK_EQ(m.word, 1);
}

static oe_state_t shared = OE_STATE_INIT(0);
static uint64_t counted[2]; /* plain: the machine alone keeps threads apart */

static void *steps(void *arg)
{
    uint64_t torn = 0;

    (void)arg;
    for (int done = 0; done < 2000;) {
        if (oe_begin_state(&shared, OE_STATE(0)) == OE_OK) {
            counted[0]++;
            counted[1]++;
            (void)oe_end_state(&shared, 0);
            done++;
        }
        if (oe_enter_state(&shared, OE_STATE(0)) == OE_OK) {
            torn += counted[0] != counted[1];
            (void)oe_leave_state(&shared);
        }
    }
    return (void *)(uintptr_t)torn;
}

TEST(D3_one_step_at_a_time)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, steps, NULL) == 0);
    }
    for (int i = 0; i < 4; i++) {
        void *torn = NULL;

        (void)pthread_join(threads[i], &torn);
        CHECK(torn == NULL);
    }
    CHECK_EQ(counted[0], 8000);
    CHECK_EQ(counted[1], 8000);
}

TEST_MAIN
