/* Functions to run when the enclave is destroyed, last registered first. */
#include <stddef.h>

#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/spin.h"

struct handler {
    struct handler *next;
    void (*plain)(void);
    void (*with_arg)(void *);
    void *arg;
};

static struct cm_spin lock;
static struct handler *handlers;

static int add(void (*plain)(void), void (*with_arg)(void *), void *arg)
{
    struct handler *h = oe_allocator_malloc(sizeof(*h));

    if (h == NULL) {
        return -1;
    }
    h->plain = plain;
    h->with_arg = with_arg;
    h->arg = arg;
    cm_spin_lock(&lock);
    h->next = handlers;
    handlers = h;
    cm_spin_unlock(&lock);
    return 0;
}

int oe_atexit(void (*function)(void))
{
    return function == NULL ? -1 : add(function, NULL, NULL);
}

int cm_atexit_arg(void (*fn)(void *), void *arg)
{
    return fn == NULL ? -1 : add(NULL, fn, arg);
}

/* A handler may register further ones, which then run next. */
void cm_run_atexit(void)
{
    for (;;) {
        struct handler *h;

        cm_spin_lock(&lock);
        h = handlers;
        if (h != NULL) {
            handlers = h->next;
        }
        cm_spin_unlock(&lock);
        if (h == NULL) {
            return;
        }
        if (h->plain != NULL) {
            h->plain();
        } else {
            h->with_arg(h->arg);
        }
        oe_allocator_free(h);
    }
}
