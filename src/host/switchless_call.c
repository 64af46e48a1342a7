/* Callers: ecalls that a worker of the enclave makes, and what callers want of workers that sleep. */
#include <sched.h>
#include <string.h>

#include "abi/call.h"
#include "host/switchless_worker.h"

/* the worker that this thread had last: its line is in this core's cache */
static _Thread_local uint32_t hint;

static bool claim(struct cm_worker *w)
{
    unsigned expected = 0;

    return atomic_load_explicit(&w->claimed, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong(&w->claimed, &expected, 1);
}

static void release(struct cm_worker *w)
{
    atomic_store_explicit(&w->claimed, 0, memory_order_release);
}

static struct cm_worker *claim_polling(struct cm_switchless *s, uint32_t count)
{
    uint32_t i = hint < count ? hint : 0;

    for (uint32_t n = 0; n < count; n++, i = i + 1 == count ? 0 : i + 1) {
        struct cm_worker *w = &s->enclave[i];

        if (cm_line_is_idle(cm_line_load(w->line)) && claim(w)) {
            hint = i;
            return w;
        }
    }
    return NULL;
}

/* ecalls: their workers may be claimed; the host's never are */
static void wake_one(struct cm_worker *workers, uint32_t count, bool ecalls)
{
    for (uint32_t i = 0; i < count; i++) {
        struct cm_worker *w = &workers[i];
        const unsigned spare = atomic_load_explicit(&w->spare, memory_order_relaxed);

        if (atomic_load(&w->asleep) != 0 && (!ecalls || atomic_load(&w->claimed) == 0)) {
            if (spare != 0) {
                atomic_store_explicit(&w->spare, spare - 1, memory_order_relaxed);
            } else {
                cm_event_set(&w->wanted);
            }
            return;
        }
    }
}

static uint64_t put_call(struct cm_line *line, const struct cm_call_args *args)
{
    const struct cm_line_far far = {args->input_buffer, args->input_buffer_size,
                                    args->output_buffer, args->output_buffer_size};
    const bool near = args->input_buffer_size <= CM_LINE_DATA_MAX &&
                      args->output_buffer_size <= CM_LINE_DATA_MAX &&
                      args->input_buffer_size % CM_LINE_STEP == 0 &&
                      args->output_buffer_size % CM_LINE_STEP == 0;

    if (!near) {
        memcpy(line->data, &far, sizeof(far));
        return CM_LINE_POST(args->function_id, false, 0, 0);
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the caller's own buffer */
    memcpy(line->data, (const void *)args->input_buffer, args->input_buffer_size);
    return CM_LINE_POST(args->function_id, true, args->input_buffer_size / CM_LINE_STEP,
                        args->output_buffer_size / CM_LINE_STEP);
}

static uint64_t look(const struct cm_line *line, uint64_t while_word, uint32_t looks)
{
    uint64_t word = cm_line_load(line);

    while (word == while_word && looks-- != 0) {
        __builtin_ia32_pause();
        word = cm_line_load(line);
    }
    return word;
}

/* The word of the answer, or 0: the call did not run. */
static uint64_t post_and_wait(struct cm_worker *w, uint64_t post)
{
    uint64_t word = cm_line_load(w->line);

    if (!cm_line_is_idle(word) || !cm_line_change(w->line, word, post)) {
        return 0;
    }
    word = look(w->line, post, CM_LOOKS_POSTED);
    if (word == post && cm_line_change(w->line, post, CM_LINE_READY)) {
        return 0;
    }
    word = look(w->line, CM_LINE_TAKEN, CM_LOOKS_TAKEN);
    if (word == CM_LINE_TAKEN && cm_line_change(w->line, CM_LINE_TAKEN, CM_LINE_AWAITED)) {
        word = CM_LINE_AWAITED;
    }
    while (CM_LINE_STATE(word) == CM_LINE_AWAITED) {
        cm_event_wait(&w->answered);
        word = cm_line_load(w->line);
    }
    return cm_line_load(w->line);
}

/* The enclave's number of a function, where a line can express it. */
static bool number_of(const oe_enclave_t *enclave, uint64_t id, uint64_t *function)
{
    *function = id < enclave->ecall_id_count ? enclave->ecall_ids[id] : UINT64_MAX;
    return *function <= UINT32_MAX;
}

bool cm_switchless_ecall(oe_enclave_t *enclave, uint64_t id, struct cm_call_args *args)
{
    struct cm_switchless *s = enclave->switchless;
    const uint32_t count = s == NULL ? 0 : atomic_load(&s->enclave_count);
    struct cm_worker *w = count == 0 ? NULL : claim_polling(s, count);
    uint64_t word = 0;

    if (w == NULL) {
        wake_one(s == NULL ? NULL : s->enclave, count, true);
        return false;
    }
    /* after the claim: oe_terminate_enclave sets the state, then claims every worker */
    if (atomic_load(&enclave->state) == CM_ENCLAVE_RUNNING &&
        number_of(enclave, id, &args->function_id) && args->output_buffer_size <= UINT32_MAX) {
        const uint64_t post = put_call(w->line, args);

        word = post_and_wait(w, post);
        if (word != 0 && (post & CM_LINE_NEAR) != 0 &&
            CM_LINE_WRITTEN(word) <= args->output_buffer_size) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): the caller's own buffer */
            memcpy((void *)args->output_buffer, w->line->data, CM_LINE_WRITTEN(word));
        }
        args->output_bytes_written = CM_LINE_WRITTEN(word);
        args->result = cm_line_is_answer(word) ? CM_LINE_RESULT(word) : (uint32_t)OE_UNEXPECTED;
        if (word != 0) {
            atomic_store_explicit(&w->served,
                                  atomic_load_explicit(&w->served, memory_order_relaxed) + 1,
                                  memory_order_relaxed);
        }
    }
    release(w);
    return word != 0;
}

void cm_switchless_wake_host_worker(oe_enclave_t *enclave)
{
    struct cm_switchless *s = enclave->switchless;

    if (s != NULL) {
        wake_one(s->host, atomic_load(&s->host_count), false);
    }
}

/* Told to leave, a worker that polls does so within a look; one that comes in, at once. */
static bool send_out(struct cm_worker *w)
{
    uint64_t word = cm_line_load(w->line);

    for (int i = 0; i < 100000 && atomic_load(&w->inside) != 0; i++) {
        if (CM_LINE_STATE(word) != CM_LINE_LEAVE) {
            (void)cm_line_change(w->line, word, CM_LINE_LEAVE);
        }
        (void)sched_yield();
        word = cm_line_load(w->line);
    }
    return atomic_load(&w->inside) == 0;
}

bool cm_switchless_make_room(oe_enclave_t *enclave)
{
    struct cm_switchless *s = enclave->switchless;
    const uint32_t count = s == NULL ? 0 : atomic_load(&s->enclave_count);

    for (uint32_t i = 0; i < count; i++) {
        struct cm_worker *w = &s->enclave[i];
        bool left = false;

        if (atomic_load(&w->inside) != 0 && claim(w)) {
            left = send_out(w);
            release(w);
        }
        if (left) {
            return true;
        }
    }
    return false;
}

static bool host_workers_idle(struct cm_switchless *s)
{
    for (uint32_t i = 0; i < atomic_load(&s->host_count); i++) {
        const uint32_t state = CM_LINE_STATE(cm_line_load(s->host[i].line));

        if (state == CM_LINE_TAKEN || state == CM_LINE_AWAITED) {
            return false;
        }
    }
    return true;
}

bool cm_switchless_pause(oe_enclave_t *enclave)
{
    struct cm_switchless *s = enclave->switchless;
    const uint32_t count = s == NULL ? 0 : atomic_load(&s->enclave_count);
    uint32_t claims = 0;

    while (claims < count && claim(&s->enclave[claims])) {
        claims++;
    }
    if (claims == count && (s == NULL || host_workers_idle(s))) {
        bool out = true;

        for (uint32_t i = 0; i < count; i++) {
            out = send_out(&s->enclave[i]) && out;
        }
        if (out) {
            return true;
        }
    }
    while (claims != 0) {
        release(&s->enclave[--claims]);
    }
    return false;
}

void cm_switchless_resume(oe_enclave_t *enclave)
{
    struct cm_switchless *s = enclave->switchless;

    for (uint32_t i = 0; s != NULL && i < atomic_load(&s->enclave_count); i++) {
        release(&s->enclave[i]);
    }
}

oe_result_t cm_switchless_line_wait(oe_enclave_t *enclave, uint64_t index)
{
    struct cm_switchless *s = enclave->switchless;

    if (s == NULL || index >= atomic_load(&s->host_count)) {
        return OE_INVALID_PARAMETER;
    }
    if (cm_line_load(s->host[index].line) == CM_LINE_AWAITED) {
        cm_event_wait(&s->host[index].answered);
    }
    return OE_OK;
}

static struct cm_worker *worker_of(struct cm_worker *workers, uint32_t count, uint64_t line)
{
    for (uint32_t i = 0; i < count; i++) {
        if ((uint64_t)(uintptr_t)workers[i].line == line) {
            return &workers[i];
        }
    }
    return NULL;
}

oe_result_t cm_switchless_line_wake(oe_enclave_t *enclave, uint64_t line)
{
    struct cm_switchless *s = enclave->switchless;
    struct cm_worker *w =
        s == NULL ? NULL : worker_of(s->enclave, atomic_load(&s->enclave_count), line);

    if (w == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_event_set(&w->answered);
    return OE_OK;
}

void cm_switchless_wake(oe_enclave_t *enclave, const void *line)
{
    struct cm_switchless *s = enclave->switchless;
    struct cm_worker *w =
        s == NULL ? NULL
                  : worker_of(s->host, atomic_load(&s->host_count), (uint64_t)(uintptr_t)line);

    if (w != NULL) {
        cm_worker_wake(w);
    }
}

void cm_switchless_sleep(oe_enclave_t *enclave, const void *line)
{
    struct cm_switchless *s = enclave->switchless;
    struct cm_worker *w = s == NULL ? NULL
                                    : worker_of(s->enclave, atomic_load(&s->enclave_count),
                                                (uint64_t)(uintptr_t)line);

    if (w != NULL) {
        atomic_store(&w->asleep, 1);
        cm_event_wait(&w->wanted);
        atomic_store(&w->asleep, 0);
    }
}
