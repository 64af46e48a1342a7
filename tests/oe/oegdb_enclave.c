/* Debugged by oe_gdb_test.sh, which knows the marked lines by their marks. */
#include <openenclave/enclave.h>

#include "oegdb_t.h"

static __attribute__((noinline)) int ask_twice_of(int number)
{
    int doubled = number * 2;
    int answer = 0;

    if (gdb_ask(&answer, doubled) != OE_OK) { /* MARK ocall */
        answer = -1;
    }
    return doubled + answer; /* MARK after */
}

int gdb_sum(int first, int second)
{
    int total = 0;

    total += ask_twice_of(first); /* MARK outer */
    total += ask_twice_of(second);
    return total;
}

int gdb_divide(int dividend, int divisor)
{
    return dividend / divisor; /* MARK fault */
}

OE_SET_ENCLAVE_SGX(1, 1, 1, 64, 16, 2);
