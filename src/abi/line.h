/*
 * Calls without a transition (transition_using_threads): one line of HOST memory stands between a
 * caller on one side and a worker on the other. All of a call's state is one 8-byte word, so that
 * neither side ever sees half of a change; small arguments and answers lie in the same cache line.
 *
 *            caller: CAS                worker: CAS            worker: exchange
 *   READY ----------------> POSTED ----------------> TAKEN ---------------------> DONE (as READY)
 *   READY <---------------- POSTED                     | caller: CAS               ^
 *          caller: CAS, the worker did not come        +-------------> AWAITED ----+ and wakes it
 *   READY <-> ASLEEP, DONE <-> KEPT: the worker sleeps and wakes, CAS; an answer outlives that.
 *   any but POSTED, TAKEN, AWAITED -> LEAVE: a host that wants its TCS back, CAS.
 *
 * For the enclave every bit of a line is the host's word: read once, held to its range (D6).
 */
#ifndef CM_ABI_LINE_H
#define CM_ABI_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cm_line_state {
    CM_LINE_ASLEEP = 0,  /* no worker looks */
    CM_LINE_READY = 1,   /* a worker polls */
    CM_LINE_POSTED = 2,  /* a call waits for it */
    CM_LINE_TAKEN = 3,   /* it runs */
    CM_LINE_AWAITED = 4, /* it runs, and its caller sleeps until he is woken */
    CM_LINE_DONE = 5,    /* the answer stands there; the worker polls */
    CM_LINE_LEAVE = 6,   /* the worker is asked to go */
    CM_LINE_KEPT = 7,    /* as DONE, but the worker sleeps: the caller may not have seen it yet */
};

#define CM_LINE_DATA_MAX 48u /* bytes of input, and of output, that fit into the line itself */

/* One cache line; in an array each has a pair of them, since processors fetch pairs. */
struct cm_line {
    uint64_t word;
    uint64_t data[7]; /* the input, then the output; or struct cm_line_far */
    uint64_t apart[8];
};
_Static_assert(sizeof(struct cm_line) == 128, "a pair of cache lines");

/* data of a call that is too large for the line: host addresses */
struct cm_line_far {
    uint64_t input_buffer;
    uint64_t input_buffer_size;
    uint64_t output_buffer;
    uint64_t output_buffer_size;
};

/*
 * The word of a call that is posted. near: sizes in steps of 16 bytes, the data in the line.
 *   bits 0-7 state, 8 near, 16-23 input steps, 24-31 output steps, 32-63 function
 */
#define CM_LINE_STEP            16u
#define CM_LINE_NEAR            0x100u
#define CM_LINE_STATE(word)     ((uint32_t)(word)&0xffu)
#define CM_LINE_AS(word, state) (((uint64_t)(word) & ~(uint64_t)0xff) | (uint64_t)(state))
#define CM_LINE_POST(function, near, in_steps, out_steps)                                          \
    (((uint64_t)(function) << 32) | ((uint64_t)(out_steps) << 24) | ((uint64_t)(in_steps) << 16) | \
     ((near) ? (uint64_t)CM_LINE_NEAR : (uint64_t)0) | (uint64_t)CM_LINE_POSTED)
#define CM_LINE_IN_SIZE(word)  (((uint64_t)(word) >> 16 & 0xffu) * CM_LINE_STEP)
#define CM_LINE_OUT_SIZE(word) (((uint64_t)(word) >> 24 & 0xffu) * CM_LINE_STEP)
#define CM_LINE_FUNCTION(word) ((uint32_t)((word) >> 32))

/* The word of an answer: bits 0-7 DONE, 16-31 an oe_result_t, 32-63 bytes written. */
#define CM_LINE_ANSWER(result, written) \
    (((uint64_t)(written) << 32) | ((uint64_t)(result) << 16) | (uint64_t)CM_LINE_DONE)
#define CM_LINE_RESULT(word)  ((uint32_t)((word) >> 16) & 0xffffu)
#define CM_LINE_WRITTEN(word) ((uint32_t)((word) >> 32))

/* A call may be posted. */
static inline bool cm_line_is_idle(uint64_t word)
{
    return CM_LINE_STATE(word) == CM_LINE_READY || CM_LINE_STATE(word) == CM_LINE_DONE;
}

static inline bool cm_line_is_answer(uint64_t word)
{
    return CM_LINE_STATE(word) == CM_LINE_DONE || CM_LINE_STATE(word) == CM_LINE_KEPT;
}

/* What a worker makes of an idle word to sleep, and of that one to poll again. */
static inline uint64_t cm_line_slept(uint64_t word)
{
    return CM_LINE_STATE(word) == CM_LINE_DONE ? CM_LINE_AS(word, CM_LINE_KEPT)
                                               : (uint64_t)CM_LINE_ASLEEP;
}

static inline uint64_t cm_line_woken(uint64_t word)
{
    return CM_LINE_STATE(word) == CM_LINE_KEPT ? CM_LINE_AS(word, CM_LINE_DONE)
                                               : (uint64_t)CM_LINE_READY;
}

/*
 * How often a side looks before it does something else; a look takes 10 to 60 ns. The same for both,
 * and constants: no number of the other side decides how long one waits.
 */
enum {
    CM_LOOKS_IDLE = 4096,  /* a worker without a call, before it sleeps */
    CM_LOOKS_POSTED = 512, /* a caller whose call nobody takes, before he makes an ordinary one */
    CM_LOOKS_TAKEN = 4096, /* a caller whose call runs, before he sleeps */
};

#endif
