/*
 * The application's exception handlers: adding, removing and asking them, in their order. When they
 * are asked, and on which stack, is decided in exception.c.
 */
#include "enclave/vectored.h"

#include <string.h>

#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/spin.h"

enum { HANDLERS_MAX = 64 };

static struct cm_spin lock;
static oe_vectored_exception_handler_t handlers[HANDLERS_MAX];
static uint32_t handler_count;

static uint32_t index_of(oe_vectored_exception_handler_t handler)
{
    uint32_t i = 0;

    while (i < handler_count && handlers[i] != handler) {
        i++;
    }
    return i;
}

oe_result_t oe_add_vectored_exception_handler(bool is_first_handler,
                                              oe_vectored_exception_handler_t vectored_handler)
{
    oe_result_t result = OE_FAILURE;

    if (vectored_handler == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_spin_lock(&lock);
    if (handler_count < HANDLERS_MAX && index_of(vectored_handler) == handler_count) {
        if (is_first_handler) {
            memmove(&handlers[1], &handlers[0], handler_count * sizeof(handlers[0]));
            handlers[0] = vectored_handler;
        } else {
            handlers[handler_count] = vectored_handler;
        }
        handler_count++;
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

oe_result_t oe_remove_vectored_exception_handler(oe_vectored_exception_handler_t vectored_handler)
{
    oe_result_t result = OE_INVALID_PARAMETER;
    uint32_t i;

    cm_spin_lock(&lock);
    i = index_of(vectored_handler);
    if (vectored_handler != NULL && i < handler_count) {
        handler_count--;
        memmove(&handlers[i], &handlers[i + 1], (handler_count - i) * sizeof(handlers[0]));
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

bool cm_have_handlers(void)
{
    return __atomic_load_n(&handler_count, __ATOMIC_RELAXED) != 0;
}

/* What the handlers, asked one after the other, make of an exception. */
uint64_t cm_ask_handlers(oe_exception_record_t *record)
{
    oe_vectored_exception_handler_t copy[HANDLERS_MAX];
    uint64_t answer = OE_EXCEPTION_CONTINUE_SEARCH;
    uint32_t count;

    cm_spin_lock(&lock);
    count = handler_count;
    memcpy(copy, handlers, sizeof(copy));
    cm_spin_unlock(&lock);
    for (uint32_t i = 0; i < count && answer == OE_EXCEPTION_CONTINUE_SEARCH; i++) {
        answer = copy[i](record);
    }
    return answer;
}
