/* No system call per transition: a traced child makes many calls, and the tracer counts. */
#include "harness.h"

#include "e2e.h"
#include "syscount.h"

static void *prepare(void)
{
    oe_enclave_t *e = e2e_create();
    int r = -1;

    /* the first call of a thread may cost what it likes */
    if (e == NULL || enc_null(e) != OE_OK || enc_ocalls(e, &r, 10) != OE_OK || r != 0) {
        exit(1);
    }
    return e;
}

static void ten_thousand_calls(void *e)
{
    for (int i = 0; i < 10000; i++) {
        if (enc_null(e) != OE_OK) {
            exit(1);
        }
    }
}

static void ten_thousand_ocalls(void *e)
{
    int r = -1;

    if (enc_ocalls(e, &r, 10000) != OE_OK || r != 0) {
        exit(1);
    }
}

static void small_data(void *e)
{
    uint8_t bytes[256] = {0};
    uint64_t sum = 0;

    for (int i = 0; i < 1000; i++) {
        if (enc_in(e, &sum, bytes, sizeof(bytes)) != OE_OK ||
            enc_out(e, bytes, sizeof(bytes), 1) != OE_OK) {
            exit(1);
        }
    }
}

TEST(no_system_call_per_ecall)
{
    CHECK_EQ(cm_syscalls_of(prepare, ten_thousand_calls), 0);
}

TEST(no_system_call_per_ocall)
{
    CHECK_EQ(cm_syscalls_of(prepare, ten_thousand_ocalls), 0);
}

TEST(no_system_call_per_small_buffer)
{
    CHECK_EQ(cm_syscalls_of(prepare, small_data), 0);
}

TEST_MAIN
