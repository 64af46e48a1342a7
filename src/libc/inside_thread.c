/*
 * Threads (pthread and C11). A thread of an enclave is a host thread that came in by an ecall. Where
 * the EDL imports casemate/edl/threads.edl, pthread_create borrows one: it asks the host to call
 * cm_thread_run_ecall with a number, and only a number that was given out and not used yet runs
 * anything. A host that never calls delays a thread for ever; that it can do to any.
 *
 * A pthread_t is the address of the thread's record here, or of the thread data for a thread that came
 * in by an application's ecall.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

#include "libc/inside_lock.h"
#include "libc/inside_runtime.h"
#include "libc/inside_td.h"

#define OE_OK_CODE          0u
#define OE_UNSUPPORTED_CODE 16u

enum { THREAD_NEW, THREAD_RUNNING, THREAD_DONE };

struct thread {
    struct thread *next;
    uint64_t number;
    int state; /* THREAD_*; joiners wait for it */
    bool detached;
    bool awaited; /* somebody joins it */
    void *(*start)(void *);
    int (*start_c11)(void *);
    void *arg;
    void *value; /* what it ended with, as POSIX has it */
    int code;    /* and as C11 has it */
    jmp_buf leave;
};

static struct thread *threads; /* all that may still be joined, or run */
static uint64_t last_number;
static uint64_t alive; /* of `threads`: those that have not ended */
static int threads_lock;
static __thread struct thread *self;

/* Of the generated code of an enclave that imports casemate/edl/threads.edl. */
uint32_t cm_thread_start_ocall(uint32_t *result, uint64_t thread, uint64_t others);
void cm_thread_run_ecall(uint64_t thread);

/* NOLINTNEXTLINE(readability-non-const-parameter): the generated code's type */
__attribute__((weak)) uint32_t cm_thread_start_ocall(uint32_t *result, uint64_t thread,
                                                     uint64_t others)
{
    (void)result;
    (void)thread;
    (void)others;
    return OE_UNSUPPORTED_CODE;
}

pthread_t pthread_self(void)
{
    return self != NULL ? (pthread_t)(void *)self : (pthread_t)__builtin_thread_pointer();
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

/* With threads_lock. The record of a thread, or NULL when there is none (any more). */
static struct thread *find(pthread_t thread)
{
    struct thread *t = threads;

    while (t != NULL && (pthread_t)(void *)t != thread) {
        t = t->next;
    }
    return t;
}

static void unlink_and_free(struct thread *t)
{
    struct thread **at = &threads;

    while (*at != t) {
        at = &(*at)->next;
    }
    *at = t->next;
    free(t);
}

/* Asks the host. A host that says no and has called all the same has said yes. */
static int ask_for(struct thread *t, uint64_t others)
{
    uint32_t result = OE_OK_CODE;
    uint32_t called = cm_thread_start_ocall(&result, t->number, others);
    int err = called == OE_UNSUPPORTED_CODE ? ENOSYS : EAGAIN;

    if (called == OE_OK_CODE && result == OE_OK_CODE) {
        return 0;
    }
    cm_lock(&threads_lock);
    if (t->state != THREAD_NEW) {
        err = 0;
    } else {
        unlink_and_free(t);
        alive--;
    }
    cm_unlock(&threads_lock);
    return err;
}

static int create(pthread_t *thread, const struct thread *model)
{
    struct thread *t = malloc(sizeof(*t));
    pthread_t made = (pthread_t)(void *)t;
    uint64_t others;
    int err;

    if (t == NULL) {
        return EAGAIN;
    }
    *t = *model;
    cm_lock(&threads_lock);
    t->number = ++last_number;
    t->next = threads;
    threads = t;
    others = alive++;
    cm_unlock(&threads_lock);
    err = ask_for(t, others); /* a detached thread may have ended by now, and *t be gone */
    if (err == 0) {
        *thread = made;
    }
    return err;
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                   void *(*start)(void *), void *restrict arg)
{
    struct thread model = {.start = start, .arg = arg};
    int detach = PTHREAD_CREATE_JOINABLE;

    if (attr != NULL) {
        (void)pthread_attr_getdetachstate(attr, &detach);
    }
    model.detached = detach == PTHREAD_CREATE_DETACHED;
    return create(thread, &model);
}

/* Comes back when the function returns, or by pthread_exit. */
static __attribute__((noinline)) void call(struct thread *t)
{
    if (setjmp(t->leave) == 0) {
        if (t->start != NULL) {
            t->value = t->start(t->arg);
        } else {
            t->code = t->start_c11(t->arg);
        }
    }
}

static void run(struct thread *t)
{
    self = t;
    call(t);
    cm_musl_td_exit(); /* before anybody learns that the thread has ended */
    self = NULL;
    cm_lock(&threads_lock);
    alive--; /* before anybody can have joined it */
    if (t->detached) {
        unlink_and_free(t);
        t = NULL;
    } else {
        __atomic_store_n(&t->state, THREAD_DONE, __ATOMIC_SEQ_CST);
    }
    cm_unlock(&threads_lock);
    if (t != NULL) {
        cm_futex_wake(&t->state, __INT_MAX__); /* by its address alone: *t may be gone */
    }
}

void cm_thread_run_ecall(uint64_t thread)
{
    struct thread *t;

    cm_lock(&threads_lock);
    for (t = threads; t != NULL && (t->number != thread || t->state != THREAD_NEW); t = t->next) {
    }
    if (t != NULL) {
        t->state = THREAD_RUNNING;
    }
    cm_unlock(&threads_lock);
    if (t != NULL) {
        run(t);
    }
}

/* Under the lock: 0 and *t, when nobody has joined or detached it. */
static int find_joinable(pthread_t thread, struct thread **t)
{
    *t = find(thread);
    return *t == NULL ? ESRCH : (*t)->detached || (*t)->awaited ? EINVAL : 0;
}

static int join(pthread_t thread, void **value, int *code)
{
    struct thread *t;
    int err;
    int seen;

    if (thread == pthread_self()) {
        return EDEADLK;
    }
    cm_lock(&threads_lock);
    err = find_joinable(thread, &t);
    if (err == 0) {
        t->awaited = true;
    }
    cm_unlock(&threads_lock);
    if (err != 0) {
        return err;
    }
    while ((seen = __atomic_load_n(&t->state, __ATOMIC_SEQ_CST)) != THREAD_DONE) {
        (void)cm_futex_wait(&t->state, seen, CLOCK_REALTIME, NULL);
    }
    *value = t->value;
    *code = t->code;
    cm_lock(&threads_lock);
    unlink_and_free(t);
    cm_unlock(&threads_lock);
    return 0;
}

int pthread_join(pthread_t thread, void **value)
{
    void *unused;
    int code;

    return join(thread, value != NULL ? value : &unused, &code);
}

int pthread_detach(pthread_t thread)
{
    struct thread *t;
    int err;

    cm_lock(&threads_lock);
    err = find_joinable(thread, &t);
    if (err == 0 && t->state == THREAD_DONE) {
        unlink_and_free(t);
    } else if (err == 0) {
        t->detached = true;
    }
    cm_unlock(&threads_lock);
    return err;
}

/* an application's ecall has to return through its wrapper; it cannot be left in the middle */
static struct thread *self_or_abort(void)
{
    if (self == NULL) {
        oe_abort();
    }
    return self;
}

_Noreturn void pthread_exit(void *value)
{
    struct thread *t = self_or_abort();

    t->value = value;
    longjmp(t->leave, 1);
}

int pthread_cancel(pthread_t thread)
{
    (void)thread;
    return ENOSYS;
}

int pthread_kill(pthread_t thread, int sig)
{
    (void)thread;
    (void)sig;
    return ENOSYS;
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    (void)how;
    (void)set;
    if (old != NULL) {
        (void)sigemptyset(old);
    }
    return 0;
}

int thrd_create(thrd_t *thread, thrd_start_t start, void *arg)
{
    const struct thread model = {.start_c11 = start, .arg = arg};
    const int err = create(thread, &model);

    return err == 0 ? thrd_success : err == EAGAIN ? thrd_nomem : thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
    void *value;
    int unused;

    return join(thread, &value, result != NULL ? result : &unused) == 0 ? thrd_success : thrd_error;
}

int thrd_detach(thrd_t thread)
{
    return pthread_detach(thread) == 0 ? thrd_success : thrd_error;
}

_Noreturn void thrd_exit(int result)
{
    struct thread *t = self_or_abort();

    t->code = result;
    longjmp(t->leave, 1);
}

void thrd_yield(void)
{
    __builtin_ia32_pause();
}

int sched_yield(void)
{
    __builtin_ia32_pause();
    return 0;
}
