/* Handles, thread slots, binding; see handle.h. */
#include "host/handle.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/hostlog.h"
#include "host/switchless.h"

#define LEAVING_MS 1000 /* what a lent thread that has ended may need to be gone, and more */

static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handles_once = PTHREAD_ONCE_INIT;
static struct _oe_enclave *handles; /* every handle there ever was */

/* ecalls under way on this thread, innermost first */
static _Thread_local struct cm_frame *frames;
/* the slot this thread had last: most often free, and its lines are in this core's cache */
static _Thread_local struct {
    const struct _oe_enclave *enclave;
    uint32_t slot;
} hint;
static _Thread_local struct {
    const struct _oe_enclave *enclave;
    struct cm_slot *slot;
} reserved;

/*
 * A child has the handles but not the enclaves: the driver does not copy ELRANGE on fork, and a
 * copy in the emulator would share its pages with the parent. So the child must never enter.
 */
static void fork_prepare(void)
{
    (void)pthread_mutex_lock(&handles_lock);
}

static void fork_parent(void)
{
    (void)pthread_mutex_unlock(&handles_lock);
}

static void fork_child(void)
{
    for (struct _oe_enclave *e = handles; e != NULL; e = e->next) {
        if (atomic_load(&e->state) != CM_ENCLAVE_FREE) {
            atomic_store(&e->state, CM_ENCLAVE_LOST);
        }
    }
    (void)pthread_mutex_unlock(&handles_lock);
}

static void handles_start(void)
{
    (void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

static struct _oe_enclave *find_free(uint32_t slot_count)
{
    struct _oe_enclave *best = NULL;

    for (struct _oe_enclave *e = handles; e != NULL; e = e->next) {
        if (atomic_load(&e->state) == CM_ENCLAVE_FREE && e->slot_cap >= slot_count &&
            (best == NULL || e->slot_cap < best->slot_cap)) {
            best = e;
        }
    }
    return best;
}

static struct _oe_enclave *handle_new(uint32_t slot_count)
{
    struct _oe_enclave *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        return NULL;
    }
    e->slot_memory = calloc(slot_count + 1, sizeof(struct cm_slot)); /* one more to align within */
    if (e->slot_memory == NULL) {
        free(e);
        return NULL;
    }
    e->slots = (void *)((char *)e->slot_memory + (64 - (uintptr_t)e->slot_memory % 64) % 64);
    e->slot_cap = slot_count;
    e->next = handles;
    handles = e;
    return e;
}

oe_enclave_t *cm_handle_get(uint32_t slot_count)
{
    struct _oe_enclave *e = NULL;

    (void)pthread_once(&handles_once, handles_start);
    (void)pthread_mutex_lock(&handles_lock);
    e = find_free(slot_count);
    if (e == NULL) {
        e = handle_new(slot_count);
    }
    if (e != NULL) {
        e->magic = CM_HANDLE_MAGIC;
        e->device = NULL;
        e->fd = -1;
        e->base = 0;
        e->size = 0;
        e->ocalls = NULL;
        e->ocall_count = 0;
        e->path = NULL;
        e->listed = NULL;
        e->ecall_ids = NULL;
        e->ecall_id_count = 0;
        e->arenas = NULL;
        e->slot_count = slot_count;
        for (uint32_t i = 0; i < slot_count; i++) {
            atomic_store(&e->slots[i].event, 0);
        }
        atomic_store(&e->abort_why, OE_OK);
        atomic_store(&e->said, 0);
        atomic_store(&e->lent, 0);
        atomic_store(&e->state, CM_ENCLAVE_CREATING);
    }
    (void)pthread_mutex_unlock(&handles_lock);
    return e;
}

void cm_handle_put(oe_enclave_t *enclave)
{
    (void)pthread_mutex_lock(&handles_lock);
    atomic_store(&enclave->state, CM_ENCLAVE_FREE);
    (void)pthread_mutex_unlock(&handles_lock);
}

oe_enclave_t *cm_handle_current(void)
{
    return frames == NULL ? NULL : frames->enclave;
}

bool cm_handle_in_use(const oe_enclave_t *enclave)
{
    for (uint32_t i = 0; i < enclave->slot_count; i++) {
        if (atomic_load(&enclave->slots[i].busy) != 0) {
            return true;
        }
    }
    return false;
}

static bool first_time(oe_enclave_t *enclave, enum cm_handle_said what)
{
    return (atomic_fetch_or(&enclave->said, (unsigned)what) & (unsigned)what) == 0;
}

oe_result_t cm_handle_refusal(oe_enclave_t *enclave)
{
    switch ((enum cm_enclave_state)atomic_load(&enclave->state)) {
    case CM_ENCLAVE_ABORTED:
        if (first_time(enclave, CM_SAID_REFUSED)) {
            cm_host_log(CM_LOG_ERROR,
                        "enclave at 0x%" PRIx64 ": call refused: it aborted before, and only "
                        "terminating it is left",
                        enclave->base);
        }
        return (oe_result_t)atomic_load(&enclave->abort_why);
    case CM_ENCLAVE_LOST:
        if (first_time(enclave, CM_SAID_REFUSED)) {
            cm_host_log(CM_LOG_ERROR,
                        "enclave at 0x%" PRIx64 ": call refused: it stayed with the process that "
                        "forked this one",
                        enclave->base);
        }
        return OE_ENCLAVE_ABORTED;
    case CM_ENCLAVE_FREE:
    case CM_ENCLAVE_CREATING:
    case CM_ENCLAVE_RUNNING:
    case CM_ENCLAVE_STOPPING:
        break;
    }
    return OE_INVALID_PARAMETER;
}

static bool take(struct cm_slot *slot)
{
    unsigned expected = 0;

    return atomic_load_explicit(&slot->busy, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong(&slot->busy, &expected, 1);
}

static struct cm_slot *take_any(oe_enclave_t *enclave)
{
    for (uint32_t i = 0; i < enclave->slot_count; i++) {
        if (take(&enclave->slots[i])) {
            hint.enclave = enclave;
            hint.slot = i;
            return &enclave->slots[i];
        }
    }
    return NULL;
}

static struct cm_slot *take_hinted(oe_enclave_t *enclave)
{
    return hint.enclave == enclave && hint.slot < enclave->slot_count &&
                   take(&enclave->slots[hint.slot])
               ? &enclave->slots[hint.slot]
               : take_any(enclave);
}

/* A slot for this thread alone, while the enclave is in that state. */
static oe_result_t acquire(oe_enclave_t *enclave, enum cm_enclave_state life, struct cm_slot **out)
{
    struct cm_slot *slot = take_hinted(enclave);

    while (slot == NULL && atomic_load(&enclave->state) == (unsigned)life &&
           cm_switchless_make_room(enclave)) {
        slot = take_any(enclave);
    }
    if (slot == NULL) {
        return atomic_load(&enclave->state) != (unsigned)life ? cm_handle_refusal(enclave)
                                                              : OE_OUT_OF_THREADS;
    }
    /* after the slot is taken: oe_terminate_enclave sets the state, then looks at the slots */
    if (atomic_load(&enclave->state) != (unsigned)life) {
        atomic_store(&slot->busy, 0);
        return cm_handle_refusal(enclave);
    }
    *out = slot;
    return OE_OK;
}

static void say_if_full(oe_enclave_t *enclave, oe_result_t result)
{
    if (result == OE_OUT_OF_THREADS && first_time(enclave, CM_SAID_NO_TCS)) {
        cm_host_log(CM_LOG_ERROR,
                    "enclave at 0x%" PRIx64 ": a call too many: all of its %" PRIu32
                    " threads are inside; wait, or sign it with a larger NumTCS",
                    enclave->base, enclave->slot_count);
    }
}

/* a thread that has ended has only a few instructions to go */
static void nap(void)
{
    const struct timespec step = {0, 1000000};

    (void)nanosleep(&step, NULL);
}

oe_result_t cm_reserve(oe_enclave_t *enclave, uint64_t others)
{
    oe_result_t result = acquire(enclave, CM_ENCLAVE_RUNNING, &reserved.slot);

    for (int i = 0; i < LEAVING_MS && result == OE_OUT_OF_THREADS; i++) {
        const bool leaving = atomic_load(&enclave->lent) - 1 > others;

        if (leaving) {
            nap();
        }
        result = acquire(enclave, CM_ENCLAVE_RUNNING, &reserved.slot);
        if (!leaving) {
            break; /* and that was after the last of them had gone */
        }
    }
    say_if_full(enclave, result);
    reserved.enclave = result == OE_OK ? enclave : NULL;
    return result;
}

oe_result_t cm_reserve_for_worker(oe_enclave_t *enclave)
{
    struct cm_slot *slot = take_hinted(enclave);

    if (slot == NULL) {
        return OE_OUT_OF_THREADS;
    }
    if (atomic_load(&enclave->state) != CM_ENCLAVE_RUNNING) {
        atomic_store(&slot->busy, 0);
        return OE_UNEXPECTED;
    }
    reserved.slot = slot;
    reserved.enclave = enclave;
    return OE_OK;
}

static struct cm_frame *frame_of(const oe_enclave_t *enclave)
{
    struct cm_frame *f = frames;

    while (f != NULL && f->enclave != enclave) {
        f = f->outer;
    }
    return f;
}

bool cm_is_bound(const oe_enclave_t *enclave)
{
    return frame_of(enclave) != NULL;
}

void cm_worker_frame(oe_enclave_t *enclave, struct cm_frame *frame)
{
    frame->enclave = enclave;
    frame->slot = NULL;
    frame->nested = true;
    frame->outer = frames;
    frames = frame;
}

oe_result_t cm_bind(oe_enclave_t *enclave, enum cm_enclave_state life, struct cm_frame *frame)
{
    const struct cm_frame *around = frame_of(enclave);
    oe_result_t result = OE_OK;

    frame->enclave = enclave;
    frame->nested = around != NULL;
    if (around != NULL) {
        if (atomic_load(&enclave->state) == CM_ENCLAVE_LOST) {
            return cm_handle_refusal(enclave);
        }
        if (around->slot == NULL) {
            return OE_REENTRANT_ECALL; /* as it would be, had the ocall come without a worker */
        }
        frame->slot = around->slot;
    } else if (reserved.enclave == enclave) {
        frame->slot = reserved.slot;
        reserved.enclave = NULL;
    } else {
        result = acquire(enclave, life, &frame->slot);
        say_if_full(enclave, result);
        if (result != OE_OK) {
            return result;
        }
    }
    frame->outer = frames;
    frames = frame;
    return OE_OK;
}

void cm_handle_wait_lent(oe_enclave_t *enclave)
{
    for (int i = 0; i < LEAVING_MS && atomic_load(&enclave->lent) != 0; i++) {
        nap();
    }
}

void cm_unbind(struct cm_frame *frame)
{
    frames = frame->outer;
    if (!frame->nested) {
        atomic_store_explicit(&frame->slot->busy, 0, memory_order_release);
    }
}

static void wake(struct cm_slot *slot)
{
    if (atomic_exchange(&slot->event, 1) == 0) {
        (void)syscall(SYS_futex, &slot->event, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

bool cm_handle_abort(oe_enclave_t *enclave, oe_result_t why)
{
    unsigned expected = OE_OK;
    const bool first =
        atomic_compare_exchange_strong(&enclave->abort_why, &expected, (unsigned)why);

    if (atomic_load(&enclave->state) != CM_ENCLAVE_LOST) {
        atomic_store(&enclave->state, CM_ENCLAVE_ABORTED);
    }
    for (uint32_t i = 0; i < enclave->slot_count; i++) {
        wake(&enclave->slots[i]);
    }
    return first;
}

static struct cm_slot *slot_of(const oe_enclave_t *enclave, uint64_t tcs)
{
    uint64_t away = tcs - enclave->tcs_first;
    uint64_t index = away / enclave->tcs_stride;

    if (tcs < enclave->tcs_first || index >= enclave->slot_count ||
        away % enclave->tcs_stride != 0) {
        return NULL;
    }
    return &enclave->slots[index];
}

oe_result_t cm_slot_wait(oe_enclave_t *enclave, uint64_t tcs)
{
    struct cm_slot *slot = slot_of(enclave, tcs);

    if (slot == NULL) {
        return OE_INVALID_PARAMETER;
    }
    while (atomic_exchange(&slot->event, 0) == 0) {
        if (atomic_load(&enclave->state) == CM_ENCLAVE_ABORTED) {
            break;
        }
        (void)syscall(SYS_futex, &slot->event, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    return OE_OK;
}

oe_result_t cm_slot_wait_for(oe_enclave_t *enclave, uint64_t tcs, uint64_t nanoseconds)
{
    const struct timespec limit = {(time_t)(nanoseconds / 1000000000u),
                                   (long)(nanoseconds % 1000000000u)};
    struct cm_slot *slot = slot_of(enclave, tcs);

    if (slot == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (atomic_exchange(&slot->event, 0) == 0 &&
        atomic_load(&enclave->state) != CM_ENCLAVE_ABORTED) {
        (void)syscall(SYS_futex, &slot->event, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0);
        (void)atomic_exchange(&slot->event, 0);
    }
    return OE_OK;
}

oe_result_t cm_slot_wake(oe_enclave_t *enclave, uint64_t tcs)
{
    struct cm_slot *slot = slot_of(enclave, tcs);

    if (slot == NULL) {
        return OE_INVALID_PARAMETER;
    }
    wake(slot);
    return OE_OK;
}
