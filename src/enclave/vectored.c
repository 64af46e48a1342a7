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

struct table {
    uint32_t count;
    oe_vectored_exception_handler_t handlers[HANDLERS_MAX];
};

/*
 * Exceptions interrupt anything, a change of the table and a look at it among them, so looking takes
 * no lock: version n is in tables[n % 2] and stays whole until version n + 1 is there.
 */
static struct cm_spin lock; /* of those who change it */
static struct table tables[2];
static uint32_t version;

static struct table *next_version(void)
{
    struct table *t = &tables[(version + 1) % 2];

    *t = tables[version % 2];
    return t;
}

static void publish(void)
{
    __atomic_store_n(&version, version + 1, __ATOMIC_SEQ_CST);
}

static struct table current(void)
{
    struct table copy;
    uint32_t seen;

    do {
        seen = __atomic_load_n(&version, __ATOMIC_SEQ_CST);
        copy = tables[seen % 2];
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&version, __ATOMIC_SEQ_CST) != seen); /* only if others get on */
    return copy;
}

static uint32_t index_of(const struct table *t, oe_vectored_exception_handler_t handler)
{
    uint32_t i = 0;

    while (i < t->count && t->handlers[i] != handler) {
        i++;
    }
    return i;
}

oe_result_t oe_add_vectored_exception_handler(bool is_first_handler,
                                              oe_vectored_exception_handler_t vectored_handler)
{
    oe_result_t result = OE_FAILURE;
    struct table *t;

    if (vectored_handler == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_spin_lock(&lock);
    t = next_version();
    if (t->count < HANDLERS_MAX && index_of(t, vectored_handler) == t->count) {
        if (is_first_handler) {
            memmove(&t->handlers[1], &t->handlers[0], t->count * sizeof(t->handlers[0]));
            t->handlers[0] = vectored_handler;
        } else {
            t->handlers[t->count] = vectored_handler;
        }
        t->count++;
        publish();
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

oe_result_t oe_remove_vectored_exception_handler(oe_vectored_exception_handler_t vectored_handler)
{
    oe_result_t result = OE_INVALID_PARAMETER;
    struct table *t;
    uint32_t i;

    cm_spin_lock(&lock);
    t = next_version();
    i = index_of(t, vectored_handler);
    if (vectored_handler != NULL && i < t->count) {
        t->count--;
        memmove(&t->handlers[i], &t->handlers[i + 1], (t->count - i) * sizeof(t->handlers[0]));
        publish();
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

bool cm_have_handlers(void)
{
    const uint32_t seen = __atomic_load_n(&version, __ATOMIC_SEQ_CST);

    return __atomic_load_n(&tables[seen % 2].count, __ATOMIC_RELAXED) != 0;
}

/* What the handlers, asked one after the other, make of an exception. */
uint64_t cm_ask_handlers(oe_exception_record_t *record)
{
    const struct table t = current();
    uint64_t answer = OE_EXCEPTION_CONTINUE_SEARCH;

    for (uint32_t i = 0; i < t.count && answer == OE_EXCEPTION_CONTINUE_SEARCH; i++) {
        answer = t.handlers[i](record);
    }
    return answer;
}
