/*
 * Exceptions inside an enclave: a handler that repairs a division by zero, and one that turns a page fault
 * into an answer. The properties ask for page faults (CapturePFGPExceptions): without that the processor
 * does not tell the enclave of them, and nobody else is believed.
 */
#include <openenclave/enclave.h>

#include <setjmp.h>
#include <stddef.h>

#include "faults_t.h"

/* the thread's way out of a fault; one TCS, so one thread at a time */
static volatile bool probing;
static volatile bool faulted;
static volatile bool failed;

/* The division is one instruction of known length at a known place: f7 /7 or 48 f7 /7. */
static uint64_t on_division(oe_exception_record_t *record)
{
    const uint8_t *code =
        (const uint8_t *)record->context->rip; /* NOLINT(performance-no-int-to-ptr) */

    if (record->code != OE_EXCEPTION_DIVIDE_BY_ZERO) {
        return OE_EXCEPTION_CONTINUE_SEARCH;
    }
    failed = true;
    record->context->rax = 0;
    record->context->rdx = 0;
    record->context->rip += code[0] == 0x48 ? 3 : 2;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

/* A read that may fault: mov (%rax), %dl; two bytes. */
static uint64_t on_page_fault(oe_exception_record_t *record)
{
    if (record->code != OE_EXCEPTION_PAGE_FAULT || !probing) {
        return OE_EXCEPTION_CONTINUE_SEARCH; /* a mistake of ours: the enclave aborts */
    }
    faulted = true;
    record->context->rip += 2;
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

__attribute__((constructor)) static void begin(void)
{
    if (oe_add_vectored_exception_handler(true, on_division) != OE_OK ||
        oe_add_vectored_exception_handler(false, on_page_fault) != OE_OK) {
        oe_abort();
    }
}

bool faults_divide(int64_t dividend, int64_t divisor, int64_t *quotient)
{
    int64_t low = dividend;
    int64_t high = dividend < 0 ? -1 : 0;

    failed = false;
    __asm__ volatile("idivq %2" : "+a"(low), "+d"(high) : "c"(divisor) : "cc", "memory");
    *quotient = failed ? 0 : low;
    return !failed;
}

static bool readable(const uint8_t *address)
{
    faulted = false;
    probing = true;
    __asm__ volatile("movb (%%rax), %%dl" : : "a"(address) : "rdx", "memory");
    probing = false;
    return !faulted;
}

faults_place faults_probe(int64_t offset)
{
    static const uint8_t here = 1;
    const uint8_t *address = &here + offset;

    /* outside is the host's business, and reading there would tell it where we look */
    if (!oe_is_within_enclave(address, 1)) {
        return FAULTS_OUTSIDE;
    }
    return readable(address) ? FAULTS_READABLE : FAULTS_NOTHING;
}

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, /* debugging */
                    1,                     /* page faults */
                    0, 0, 0, 64, 32, 1);
