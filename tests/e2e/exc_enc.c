/* Enclave code that faults, and handlers that mend it. Built with and without captured faults. */
#include <stdlib.h>
#include <string.h>

#include <openenclave/enclave.h>

#include "exc_t.h"

enum {
    FAULT_UD2,
    FAULT_NULL,
    FAULT_WRITE_CODE,
    FAULT_OUTSIDE_ADDRESS,
    FAULT_OVERFLOW,
    FAULT_HEAP_CODE
};

enum { END_ASKED, END_ABORT, END_EXIT, END_SMASHED, END_EXCEPTION };

#define SOME_ADDRESS 0x7123

static uint64_t calls;
static oe_exception_record_t last;
static int depth;
static int order[4];
static int order_count;
static int at_construction;

/* Steps over the two bytes of UD2, and over the three of the loads and stores below. */
static uint64_t mend(oe_exception_record_t *r)
{
    (void)__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    last = *r;
    if (r->code == OE_EXCEPTION_ILLEGAL_INSTRUCTION) {
        if (depth > 0) {
            depth--;
            __asm__ volatile("ud2");
        }
        r->context->rip += 2;
        return OE_EXCEPTION_CONTINUE_EXECUTION;
    }
    if (r->code == OE_EXCEPTION_PAGE_FAULT) {
        r->context->rip += 3;
        r->context->rcx = 0x600d;
        return OE_EXCEPTION_CONTINUE_EXECUTION;
    }
    return OE_EXCEPTION_CONTINUE_SEARCH;
}

__attribute__((constructor)) static void fault_early(void)
{
    if (oe_add_vectored_exception_handler(false, mend) == OE_OK) {
        __asm__ volatile("ud2");
        at_construction = calls == 1;
        (void)oe_remove_vectored_exception_handler(mend);
    }
}

int exc_constructed(void)
{
    return at_construction;
}

int exc_handlers(int on)
{
    return (int)(on != 0 ? oe_add_vectored_exception_handler(false, mend)
                         : oe_remove_vectored_exception_handler(mend));
}

uint64_t exc_calls(void)
{
    return __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
}

static int overflow(int n)
{
    volatile char room[100];

    for (size_t i = 0; i < sizeof(room); i++) {
        room[i] = (char)n;
    }
    return n == 0 ? room[5] : overflow(n + 1) + room[n % 100];
}

static uint64_t load(uint64_t address)
{
    uint64_t v = address;

    __asm__ volatile("mov (%%rcx), %%rcx" : "+c"(v) : : "memory");
    return v;
}

/* A function on the heap, which comes back at once if it runs. */
static int run_heap(void)
{
    unsigned char *code = malloc(64);
    void (*run)(void) = NULL;

    if (code == NULL) {
        return 5;
    }
    memset(code, 0xc3, 64); /* RET */
    memcpy(&run, &code, sizeof(run));
    run();
    free(code);
    return 6;
}

int exc_fault(int kind)
{
    void *code = (void *)(uintptr_t)exc_fault;
    uint64_t address = SOME_ADDRESS;

    switch (kind) {
    case FAULT_UD2:
        __asm__ volatile("ud2");
        return last.code == OE_EXCEPTION_ILLEGAL_INSTRUCTION && last.flags == 1 ? 0 : 1;
    case FAULT_NULL:
        return load(0) == 0x600d && last.faulting_address == 0 &&
                       (last.error_code & OE_SGX_PAGE_FAULT_WR_FLAG) == 0
                   ? 0
                   : 2;
    case FAULT_WRITE_CODE:
        address = (uint64_t)code;
        __asm__ volatile("mov %%rcx, (%%rcx)" : "+c"(address) : : "memory");
        return (last.faulting_address & ~4095ull) == ((uint64_t)code & ~4095ull) &&
                       (last.error_code & OE_SGX_PAGE_FAULT_WR_FLAG) != 0 &&
                       (last.error_code & OE_SGX_PAGE_FAULT_P_FLAG) != 0
                   ? 0
                   : 3;
    case FAULT_OUTSIDE_ADDRESS:
        return load(SOME_ADDRESS) == 0x600d &&
                       (last.faulting_address & ~4095ull) == (SOME_ADDRESS & ~4095ull)
                   ? 0
                   : 4;
    case FAULT_OVERFLOW:
        return overflow(1);
    case FAULT_HEAP_CODE:
        return run_heap();
    default:
        return -1;
    }
}

static uint64_t first(oe_exception_record_t *r)
{
    (void)r;
    order[order_count++] = 1;
    return OE_EXCEPTION_CONTINUE_SEARCH;
}

static uint64_t second(oe_exception_record_t *r)
{
    order[order_count++] = 2;
    r->context->rip += 2;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

static uint64_t third(oe_exception_record_t *r)
{
    (void)r;
    order[order_count++] = 3;
    return OE_EXCEPTION_ABORT_EXECUTION;
}

int exc_order(void)
{
    int bad = oe_add_vectored_exception_handler(false, second) != OE_OK;

    bad += oe_add_vectored_exception_handler(true, first) != OE_OK;
    bad += oe_add_vectored_exception_handler(false, third) != OE_OK;
    bad += oe_add_vectored_exception_handler(false, second) != OE_FAILURE; /* twice */
    __asm__ volatile("ud2" : : : "memory");
    bad += order_count != 2 || order[0] != 1 || order[1] != 2;
    bad += oe_remove_vectored_exception_handler(first) != OE_OK;
    bad += oe_remove_vectored_exception_handler(second) != OE_OK;
    bad += oe_remove_vectored_exception_handler(third) != OE_OK;
    return bad;
}

/* UD2 in the handler of a UD2, and so on */
int exc_nested(int n)
{
    const uint64_t before = calls;

    depth = n;
    __asm__ volatile("ud2" : : : "memory");
    return (int)(calls - before);
}

void exc_spin(int *inside)
{
    oe_memset_with_barrier(inside, 1, sizeof(int));
    while (__atomic_load_n(inside, __ATOMIC_SEQ_CST) != 0) {
        __builtin_ia32_pause();
    }
}

/* An ocall of a handler's */
static uint64_t ask_host(oe_exception_record_t *r)
{
    int answer = 0;

    if (exc_host(&answer, 20) != OE_OK) {
        return OE_EXCEPTION_ABORT_EXECUTION;
    }
    r->context->rax = (uint64_t)answer;
    r->context->rip += 2;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

int exc_ocall(void)
{
    uint64_t v = 1;

    if (oe_add_vectored_exception_handler(true, ask_host) != OE_OK) {
        return -1;
    }
    __asm__ volatile("ud2" : "+a"(v) : : "memory");
    (void)oe_remove_vectored_exception_handler(ask_host);
    return (int)v;
}

/* beyond what it has, over what its caller stands on */
__attribute__((noinline)) static int smash(size_t n)
{
    char room[16] = "";
    volatile char *p = room;

    for (size_t i = 0; i < n; i++) {
        p[i] = 'A';
    }
    return p[3];
}

int exc_end(int how)
{
    switch (how) {
    case END_ASKED:
        oe_abort();
    case END_ABORT:
        abort();
    case END_EXIT:
        exit(3);
    case END_SMASHED:
        return smash(64);
    default:
        __asm__ volatile("ud2" : : : "memory");
        return -1;
    }
}

void exc_take(const void *p, size_t n)
{
    (void)p;
    (void)n;
}

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, EXC_CAPTURE, 0, 0, 0, 256, 32, 2);
