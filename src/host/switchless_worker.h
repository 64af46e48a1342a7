/* What the files of the workers share; see switchless.h. */
#ifndef CM_HOST_SWITCHLESS_WORKER_H
#define CM_HOST_SWITCHLESS_WORKER_H

#include <pthread.h>

#include "abi/line.h"
#include "host/switchless.h"

/* A binary semaphore on a futex. */
struct cm_event {
    atomic_int set;
};
void cm_event_wait(struct cm_event *event); /* until it was set; clears it */
void cm_event_set(struct cm_event *event);

struct cm_worker {
    _Alignas(64) atomic_uint claimed; /* ecalls: a caller has the line; or for good, when stopped */
    uint32_t index;
    struct cm_line *line;
    oe_enclave_t *enclave;
    pthread_t thread;
    atomic_ullong served;
    atomic_ullong sleeps;
    struct cm_event wanted;   /* wakes the worker */
    struct cm_event answered; /* wakes the caller who sleeps in AWAITED */
    atomic_uint asleep;       /* it waits for `wanted`, or is about to */
    atomic_uint inside;       /* it is in the enclave, or on its way in or out */
    atomic_uint stop;
    atomic_uint in_vain; /* times in a row that it was woken and no call came */
    atomic_uint spare;   /* calls that do not wake it, for that reason */
    bool of_enclave;     /* it serves ecalls, inside; else ocalls */
    bool started;
};

/* Belongs to a handle for ever, like its slots: who calls while another terminates finds claims. */
struct cm_switchless {
    uint32_t cap;
    atomic_uint host_count;
    atomic_uint enclave_count;
    struct cm_worker *host;    /* cap of them */
    struct cm_worker *enclave; /* cap of them */
    struct cm_line *lines;     /* cap for the host's workers, then cap for the enclave's */
};

/*
 * Waking costs more than an ordinary call, so it has to pay: a worker that was woken in vain so many times
 * is spared the next 2^times - 1 calls, at most 1,023. (Calls are rare, or there is no processor for it.)
 */
#define CM_IN_VAIN_MOST 10u

/* switchless_serve.c: what a worker thread does until it is told to stop. */
void cm_worker_serve_ocalls(struct cm_worker *worker);
void cm_worker_serve_ecalls(struct cm_worker *worker);

static inline uint64_t cm_line_load(const struct cm_line *line)
{
    return __atomic_load_n(&line->word, __ATOMIC_ACQUIRE);
}

static inline bool cm_line_change(struct cm_line *line, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(&line->word, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static inline void cm_worker_wake(struct cm_worker *worker)
{
    if (atomic_load(&worker->asleep) != 0) {
        cm_event_set(&worker->wanted);
    }
}

#endif
