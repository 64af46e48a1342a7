/* The end-to-end test enclave: small functions that each show one thing. */
#include <openenclave/enclave.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "e2e_t.h"

void enc_null(void)
{
}

uint64_t enc_add(uint64_t a, uint64_t b)
{
    return a + b;
}

int enc_reverse(const char *text, char *back, size_t cap)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (back == NULL || len + 1 > cap) {
        return -1;
    }
    for (size_t i = 0; i < len; i++) {
        back[i] = text[len - 1 - i];
    }
    back[len] = '\0';
    return (int)len;
}

uint64_t enc_in(const uint8_t *data, size_t n)
{
    uint64_t sum = n;

    for (size_t i = 0; data != NULL && i < n; i += 4096) {
        sum = sum * 31 + data[i];
    }
    return data == NULL || n == 0 ? sum : sum * 31 + data[n - 1];
}

void enc_out(uint8_t *data, size_t n, uint8_t seed)
{
    if (data != NULL && n != 0) {
        data[0] = seed;
        data[n - 1] = (uint8_t)(seed + 1);
    }
}

void enc_inout(uint32_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] *= 2;
    }
}

int enc_ocalls(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        oe_result_t r = host_null();

        if (r != OE_OK) {
            return (int)r;
        }
    }
    return 0;
}

int enc_take(size_t n)
{
    static uint8_t buffer[65536];

    return n > sizeof(buffer) ? -1 : (int)host_take(buffer, n);
}

uint64_t enc_give(size_t n)
{
    static uint8_t buffer[65536];

    if (n > sizeof(buffer) || host_give(buffer, n) != OE_OK) {
        return 0;
    }
    return enc_in(buffer, n);
}

uint64_t enc_echo(uint64_t value)
{
    uint64_t back = 0;

    return host_echo(&back, value) == OE_OK ? back : 0;
}

int enc_hook(uint64_t what)
{
    return (int)host_hook(what);
}

int enc_print(const char *text)
{
    return printf("%s\n", text);
}

/* a constructor, and what runs at the end, may call the host */
__attribute__((constructor)) static void at_start(void)
{
    (void)host_null();
}

static void at_end(void)
{
    (void)host_null();
}

int enc_at_exit(void)
{
    return atexit(at_end);
}

void enc_abort(void)
{
    oe_abort();
}

static const uint32_t constant[64] = {5}; /* in read-only memory */

static __attribute__((noinline)) uint64_t deeper(uint64_t n)
{
    volatile uint8_t here[512];

    here[n % sizeof(here)] = (uint8_t)n;
    return n == 0 ? 0 : deeper(n - 1) + here[n % sizeof(here)];
}

int enc_fault(int kind)
{
    volatile int zero = 0;
    volatile uintptr_t nowhere = 8;

    switch (kind) {
    case 0:
        __asm__ volatile("ud2");
        break;
    case 1:
        __asm__ volatile("idivl %2" : "+a"(zero) : "d"(0), "r"(zero));
        break;
    case 2:
        return *(volatile int *)nowhere;
    case 3:
        *(volatile uint32_t *)((uintptr_t)constant + nowhere) = 1;
        break;
    case 4:
        return (int)deeper(1000000);
    case 5:
        ((void (*)(void))((uintptr_t)constant + nowhere))();
        break;
    default:
        break;
    }
    return 0;
}

static uint64_t skip_ud2(oe_exception_record_t *record)
{
    if (record->code != OE_EXCEPTION_ILLEGAL_INSTRUCTION) {
        return OE_EXCEPTION_CONTINUE_SEARCH;
    }
    record->context->rip += 2;
    record->context->rax++;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

int enc_handled_faults(int n)
{
    uint64_t count = 0;

    if (oe_add_vectored_exception_handler(true, skip_ud2) != OE_OK) {
        return -1;
    }
    for (int i = 0; i < n; i++) {
        __asm__ volatile("ud2" : "+a"(count) : : "memory");
    }
    if (oe_remove_vectored_exception_handler(skip_ud2) != OE_OK) {
        return -1;
    }
    return (int)count;
}

uint64_t enc_heap(size_t n)
{
    uint8_t *p = malloc(n);
    uint64_t sum = 0;

    if (p == NULL) {
        return UINT64_MAX;
    }
    memset(p, 1, n);
    for (size_t i = 0; i < n; i += 4096) {
        sum += p[i];
    }
    free(p);
    return sum;
}

/* bytes that are not zero in fresh memory of calloc */
uint64_t enc_heap_dirty(size_t n)
{
    uint8_t *p = calloc(1, n);
    uint64_t dirty = 0;

    for (size_t i = 0; p != NULL && i < n; i++) {
        dirty += p[i] != 0;
    }
    free(p);
    return p == NULL ? UINT64_MAX : dirty;
}

static _Thread_local uint64_t calls_of_this_thread;

uint64_t enc_thread_count(void)
{
    return ++calls_of_this_thread;
}

uint64_t enc_locked(uint64_t n)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static volatile uint64_t total;
    uint64_t seen = 0;

    for (uint64_t i = 0; i < n; i++) {
        (void)pthread_mutex_lock(&lock);
        total = total + 1;
        seen = total;
        (void)pthread_mutex_unlock(&lock);
    }
    return seen;
}

uint64_t enc_address(void)
{
    static uint64_t place[64];

    return (uint64_t)(uintptr_t)place;
}

uint64_t enc_handle(void)
{
    return (uint64_t)(uintptr_t)oe_get_enclave();
}

int enc_within(void *p, size_t n)
{
    return (oe_is_within_enclave(p, n) ? 1 : 0) | (oe_is_outside_enclave(p, n) ? 2 : 0);
}

/* KSS off; page faults are reported to the enclave's handlers */
OE_SET_ENCLAVE_SGX2(7, 3, ({0}), ({0}), 1, 1, 0, 0, 0, 1024, 64, 4);
