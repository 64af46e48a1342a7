/* The enclave of the tests of switchless calls. */
#include <openenclave/enclave.h>

#include <pthread.h>
#include <string.h>

#include "swl_t.h"

static uint64_t bumps;
static __thread uint64_t mine;

uint64_t enc_add(uint64_t a, uint64_t b)
{
    return a + b;
}

uint64_t enc_plain_add(uint64_t a, uint64_t b)
{
    return a + b;
}

uint64_t enc_sum(const uint8_t *data, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += data[i];
    }
    return sum;
}

void enc_fill(uint8_t *data, size_t n, uint8_t with)
{
    memset(data, with, n);
}

uint64_t enc_ask_host(uint64_t a, uint64_t times, bool switchless)
{
    for (uint64_t i = 0; i < times; i++) {
        uint64_t next = 0;
        const oe_result_t r = switchless ? host_next(&next, a) : host_plain_next(&next, a);

        if (r != OE_OK) {
            return 0;
        }
        a = next;
    }
    return a;
}

uint64_t enc_loop_ask(uint64_t times)
{
    return enc_ask_host(0, times, true);
}

uint64_t enc_echo(const char *text, char *back, size_t n)
{
    uint64_t len = 0;

    return host_echo(&len, text, back, n) == OE_OK ? len : UINT64_MAX;
}

uint64_t enc_reenter(void)
{
    uint64_t result = 0;

    return host_reenter(&result) == OE_OK ? result : UINT64_MAX;
}

/* What the last tenant of this thread left: thread-local data, and marks on the stack. */
static __attribute__((noinline)) uint64_t scan(uint64_t mark)
{
    const uint64_t *stack = __builtin_frame_address(0);
    uint64_t found = 0;

    for (size_t i = 1; i <= 400; i++) { /* below every frame that is alive */
        uint64_t word;

        __asm__ volatile("mov (%1), %0" : "=r"(word) : "r"(stack - i));
        found += word == mark;
    }
    return found;
}

static __attribute__((noinline)) void leave(uint64_t mark)
{
    volatile uint64_t room[256];

    for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
        room[i] = mark;
    }
}

uint64_t enc_tenant(uint64_t mark)
{
    const uint64_t found = scan(mark) + (mine != 0 ? 1000000 : 0);

    mine = mark;
    leave(mark);
    return found;
}

uint64_t enc_wait_out(void)
{
    return host_wait();
}

void enc_spin(uint64_t *go)
{
    (void)__atomic_fetch_add(&go[1], 1, __ATOMIC_SEQ_CST); /* one more is in here */
    while (*(volatile uint64_t *)go == 0) {
        __builtin_ia32_pause();
    }
}

static uint64_t faults;

static uint64_t skip_ud2(oe_exception_record_t *record)
{
    if (record->code != OE_EXCEPTION_ILLEGAL_INSTRUCTION) {
        return OE_EXCEPTION_CONTINUE_SEARCH;
    }
    faults++;
    record->context->rip += 2;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

uint64_t enc_fault(void)
{
    static bool added;

    if (!added && oe_add_vectored_exception_handler(false, skip_ud2) != OE_OK) {
        return 0;
    }
    added = true;
    __asm__ volatile("ud2");
    return faults;
}

static pthread_key_t key;
static uint64_t destroyed;

static void destroy(void *value)
{
    destroyed += value == &destroyed;
}

void enc_key(void)
{
    static bool made;

    made = made || pthread_key_create(&key, destroy) == 0;
    (void)pthread_setspecific(key, &destroyed);
}

uint64_t enc_keys_destroyed(void)
{
    return destroyed;
}

void enc_abort(void)
{
    oe_abort();
}

uint64_t enc_bump(void)
{
    return __atomic_add_fetch(&bumps, 1, __ATOMIC_SEQ_CST);
}

uint64_t enc_plain_bump(void)
{
    return enc_bump();
}

uint64_t enc_bumped(void)
{
    return __atomic_load_n(&bumps, __ATOMIC_SEQ_CST);
}

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 4);
