/* Workers: their threads, from creation to the enclave's end. See switchless.h. */
#include "host/switchless.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "abi/call.h"
#include "cm_host_switchless_u.h"
#include "host/hostlog.h"
#include "host/names.h"
#include "host/switchless_worker.h"

static void *run(void *arg)
{
    struct cm_worker *worker = arg;

    if (worker->of_enclave) {
        cm_worker_serve_ecalls(worker);
    } else {
        cm_worker_serve_ocalls(worker);
    }
    return NULL;
}

/* The application's signals are for its own threads; faults are this thread's. */
static int start_thread(struct cm_worker *w)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t blocked;
    sigset_t before;
    int error = 0;

    (void)sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        (void)sigdelset(&blocked, faults[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    error = pthread_create(&w->thread, NULL, run, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->started = error == 0;
    return error;
}

static oe_result_t start_all(oe_enclave_t *e, struct cm_worker *workers, uint32_t count,
                             bool of_enclave)
{
    for (uint32_t i = 0; i < count; i++) {
        struct cm_worker *w = &workers[i];

        w->enclave = e;
        w->index = i;
        w->of_enclave = of_enclave;
        atomic_store(&w->wanted.set, 0);
        atomic_store(&w->answered.set, 0);
        atomic_store(&w->asleep, 0);
        atomic_store(&w->inside, 0);
        atomic_store(&w->stop, 0);
        atomic_store(&w->in_vain, 0);
        atomic_store(&w->spare, 0);
        __atomic_store_n(&w->line->word, CM_LINE_ASLEEP, __ATOMIC_RELEASE);
        if (start_thread(w) != 0) {
            cm_host_log(CM_LOG_ERROR, "no thread for a worker of switchless calls");
            return OE_THREAD_CREATE_ERROR;
        }
    }
    return OE_OK;
}

static void free_all(struct cm_switchless *s)
{
    if (s->lines != NULL) {
        (void)munmap(s->lines, (size_t)s->cap * 2 * sizeof(struct cm_line));
    }
    free(s->host);
    free(s);
}

/* For as many workers of either kind as the handle can have TCS, and for as long as there is the handle. */
static struct cm_switchless *make(uint32_t cap)
{
    struct cm_switchless *s = calloc(1, sizeof(*s));
    void *lines = NULL;

    if (s == NULL) {
        return NULL;
    }
    s->cap = cap;
    lines = mmap(NULL, (size_t)cap * 2 * sizeof(struct cm_line), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    s->lines = lines == MAP_FAILED ? NULL : lines;
    s->host = aligned_alloc(_Alignof(struct cm_worker), (size_t)cap * 2 * sizeof(struct cm_worker));
    if (s->host == NULL || s->lines == NULL) {
        free_all(s);
        return NULL;
    }
    s->enclave = s->host + cap;
    for (uint32_t i = 0; i < 2 * cap; i++) {
        s->host[i] = (struct cm_worker){.line = &s->lines[i], .claimed = 1};
    }
    return s;
}

static bool imports(const oe_enclave_t *e, const char *ecall)
{
    const uint64_t id = cm_name_find(ecall);

    return id < e->ecall_id_count && e->ecall_ids[id] != CM_NAME_NONE;
}

static uint32_t at_most(size_t wanted, uint32_t most)
{
    return wanted < most ? (uint32_t)wanted : most;
}

static oe_result_t tell_enclave(oe_enclave_t *e, struct cm_switchless *s, uint32_t count)
{
    oe_result_t answer = OE_UNEXPECTED;
    oe_result_t result = OE_OK;

    if (count == 0) {
        return OE_OK;
    }
    result = cm_host_switchless_oe_sgx_init_context_switchless_ecall(e, &answer, (void *)s->lines,
                                                                     count);
    return result != OE_OK ? result : answer;
}

oe_result_t cm_switchless_start(oe_enclave_t *enclave, size_t host_workers, size_t enclave_workers)
{
    const uint32_t host = at_most(host_workers, enclave->slot_count);
    const uint32_t inside = at_most(enclave_workers, enclave->slot_count);
    struct cm_switchless *s = enclave->switchless;
    oe_result_t result = OE_OK;

    if (!imports(enclave, "oe_sgx_init_context_switchless_ecall") ||
        !imports(enclave, "oe_sgx_switchless_enclave_worker_thread_ecall")) {
        cm_host_log(CM_LOG_ERROR, "switchless calls are asked for, but the EDL does not import "
                                  "openenclave/edl/sgx/switchless.edl");
        return OE_UNSUPPORTED;
    }
    if (s == NULL) {
        s = make(enclave->slot_cap);
        if (s == NULL) {
            return OE_OUT_OF_MEMORY;
        }
        enclave->switchless = s;
    }
    for (uint32_t i = 0; i < 2 * s->cap; i++) {
        atomic_store(&s->host[i].served, 0);
        atomic_store(&s->host[i].sleeps, 0);
    }
    atomic_store(&s->host_count, host);
    result = start_all(enclave, s->host, host, false);
    if (result == OE_OK) {
        result = start_all(enclave, s->enclave, inside, true);
    }
    if (result == OE_OK) {
        result = tell_enclave(enclave, s, host);
    }
    if (result == OE_OK) {
        for (uint32_t i = 0; i < inside; i++) {
            atomic_store(&s->enclave[i].claimed, 0);
        }
        atomic_store(&s->enclave_count, inside);
    } else {
        cm_switchless_stop(enclave, true);
    }
    return result;
}

static void stop_all(struct cm_worker *workers, uint32_t count, bool alive)
{
    for (uint32_t i = 0; i < count; i++) {
        atomic_store(&workers[i].claimed, 1);
        atomic_store(&workers[i].stop, 1);
        cm_event_set(&workers[i].wanted);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (workers[i].started && alive) {
            (void)pthread_join(workers[i].thread, NULL);
        }
        workers[i].started = false;
    }
}

void cm_switchless_stop(oe_enclave_t *enclave, bool alive)
{
    struct cm_switchless *s = enclave->switchless;

    if (s != NULL) {
        stop_all(s->host, s->cap, alive);
        stop_all(s->enclave, s->cap, alive);
        atomic_store(&s->host_count, 0);
        atomic_store(&s->enclave_count, 0);
    }
}

struct cm_switchless_counts cm_switchless_counts(const oe_enclave_t *enclave)
{
    struct cm_switchless_counts c = {0, 0, 0};
    struct cm_switchless *s = enclave->switchless;

    for (uint32_t i = 0; s != NULL && i < s->cap; i++) {
        c.ecalls += atomic_load(&s->enclave[i].served);
        c.ocalls += atomic_load(&s->host[i].served);
        c.sleeps += atomic_load(&s->enclave[i].sleeps) + atomic_load(&s->host[i].sleeps);
    }
    return c;
}
