/*
 * See profile.h. Counters are a table with open addressing: found without a lock, filled under one.
 * What is written goes to the file that the user named; names are the application's own.
 */
#include "host/profile.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_CAP 100U
#define LINE_CAP 256U
#define HEADER   "casemate-profile 1\n"

struct slot {
    atomic_uintptr_t key; /* the name's or the function's address; 0: free */
    bool ocall;
    char name[NAME_CAP]; /* of an ecall; an ocall's is looked up when it is written */
    atomic_ullong calls;
    atomic_ullong in;
    atomic_ullong out;
    atomic_ullong ns;
    atomic_ullong own_ns;
};

bool cm_profile_on;
static const char *target;
static struct slot slots[CM_PROFILE_MAX];
static pthread_mutex_t fill_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local uint64_t inner; /* ns in calls that the call under way has made */

static uint64_t now(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* the slot of a key, filled when it is new; NULL when the table is full */
static struct slot *slot_of(uintptr_t key, const char *name)
{
    size_t at = (key >> 4) * 0x9e3779b9U % CM_PROFILE_MAX;
    struct slot *s = NULL;

    for (size_t i = 0; i < CM_PROFILE_MAX; i++) {
        uintptr_t there = 0;

        s = &slots[(at + i) % CM_PROFILE_MAX];
        there = atomic_load_explicit(&s->key, memory_order_acquire);
        if (there == key) {
            return s;
        }
        if (there != 0) {
            continue;
        }
        (void)pthread_mutex_lock(&fill_lock);
        there = atomic_load_explicit(&s->key, memory_order_relaxed);
        if (there == 0) {
            s->ocall = name == NULL;
            (void)snprintf(s->name, sizeof(s->name), "%s", name != NULL ? name : "");
            atomic_store_explicit(&s->key, key, memory_order_release);
            there = key;
        }
        (void)pthread_mutex_unlock(&fill_lock);
        if (there == key) {
            return s;
        }
    }
    return NULL;
}

void cm_profile_enter(struct cm_profile_call *call)
{
    call->inner_saved = inner;
    inner = 0;
    call->began = now();
}

static void leave(const struct cm_profile_call *call, struct slot *s, uint64_t in, uint64_t out)
{
    uint64_t ns = now() - call->began;

    if (s != NULL) {
        atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->in, in, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->out, out, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->ns, ns, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->own_ns, ns > inner ? ns - inner : 0, memory_order_relaxed);
    }
    inner = call->inner_saved + ns;
}

void cm_profile_ecall(const struct cm_profile_call *call, const char *name, uint64_t in,
                      uint64_t out)
{
    leave(call, slot_of((uintptr_t)name, name), in, out);
}

void cm_profile_drop(const struct cm_profile_call *call)
{
    leave(call, NULL, 0, 0);
}

void cm_profile_ocall(const struct cm_profile_call *call, oe_ocall_func_t function, uint64_t in,
                      uint64_t out)
{
    leave(call, slot_of((uintptr_t)function, NULL), in, out);
}

static int slot_line(struct slot *s, char *out)
{
    if (s->ocall) {
        uintptr_t key = atomic_load(&s->key);
        oe_ocall_func_t function = NULL;

        memcpy(&function, &key, sizeof(function));
        if (!cm_profile_function_name(function, s->name, sizeof(s->name))) {
            (void)snprintf(s->name, sizeof(s->name), "0x%" PRIxPTR, key);
        }
    }
    return snprintf(out, LINE_CAP, "%s\t%s\t%llu\t%llu\t%llu\t%llu\t%llu\n",
                    s->ocall ? "ocall" : "ecall", s->name, atomic_load(&s->calls),
                    atomic_load(&s->in), atomic_load(&s->out), atomic_load(&s->ns),
                    atomic_load(&s->own_ns));
}

/* one write, so that processes that share the file do not mix their lines */
static void write_profile(void)
{
    size_t cap = sizeof(HEADER) + (size_t)CM_PROFILE_MAX * LINE_CAP;
    char *text = malloc(cap);
    size_t used = sizeof(HEADER) - 1;
    int fd = -1;

    if (text == NULL) {
        return;
    }
    memcpy(text, HEADER, sizeof(HEADER));
    for (size_t i = 0; i < CM_PROFILE_MAX; i++) {
        if (atomic_load(&slots[i].calls) != 0) {
            int n = slot_line(&slots[i], text + used);

            used += n > 0 && (unsigned)n < LINE_CAP ? (size_t)n : 0;
        }
    }
    fd = open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, used) != (ssize_t)used) {
        (void)fprintf(stderr, "casemate: the profile cannot be written to %s\n", target);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(text);
}

/* in a forked child: what was counted is the parent's */
static void forget(void)
{
    for (size_t i = 0; i < CM_PROFILE_MAX; i++) {
        atomic_store(&slots[i].calls, 0);
        atomic_store(&slots[i].in, 0);
        atomic_store(&slots[i].out, 0);
        atomic_store(&slots[i].ns, 0);
        atomic_store(&slots[i].own_ns, 0);
    }
}

__attribute__((constructor)) static void start(void)
{
    const char *file = secure_getenv("CASEMATE_PROFILE");

    if (file == NULL || file[0] == '\0') {
        return;
    }
    target = strdup(file);
    if (target != NULL && atexit(write_profile) == 0 && pthread_atfork(NULL, NULL, forget) == 0) {
        cm_profile_on = true;
    }
}
