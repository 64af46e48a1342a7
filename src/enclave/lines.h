/*
 * The enclave's half of calls without a transition, as far as it is a matter of lines (abi/line.h)
 * and of nothing of the processor: so it is also built as host code, for unit tests and under
 * ThreadSanitizer. Lines are host memory: UNTRUSTED, each word read once. Which thread uses which line
 * stands in enclave memory.
 */
#ifndef CM_ENCLAVE_LINES_H
#define CM_ENCLAVE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/line.h"

#define CM_LINES_MAX 1024u /* at most one for each TCS */

/* ------------------------------------------------- an enclave's thread calls the host */

/**
 * The lines of the host's workers; once. The caller has checked that all of them are outside the
 * enclave and 64-aligned, and that count is from 1 to CM_LINES_MAX.
 *
 * @return  false when there are some already.
 */
bool cm_lines_set(struct cm_line *host_lines, uint32_t count);

/** A line for this thread alone whose worker polls, or NULL. hint: any number, its own for a thread. */
struct cm_line *cm_lines_claim(uint32_t hint, uint32_t *index);

/** Give it back; broken: it is never given out again. */
void cm_lines_release(uint32_t index, bool broken);

enum cm_line_outcome {
    CM_LINE_ANSWERED, /* *answer is the word, with state DONE or KEPT */
    CM_LINE_NOT_RUN,  /* nobody took it and nobody will: make an ordinary call */
    CM_LINE_BROKEN,   /* the host did what no honest one does, or the enclave is aborting */
};

/**
 * Post a word of CM_LINE_POST and wait for the answer. The data are in the line already.
 *
 * While the host's worker does not take it the call is taken back, after CM_LOOKS_POSTED looks. When it
 * runs for long, the thread sleeps by cm_line_sleep(index), and looks again whenever that returns.
 */
enum cm_line_outcome cm_line_call(struct cm_line *line, uint32_t index, uint64_t post,
                                  uint64_t *answer);

/** Of the runtime: leave the enclave until the host thinks that the line has an answer (or not). */
void cm_line_sleep(uint32_t index);

/** Of the runtime: whether the enclave is aborting. */
bool cm_line_aborting(void);

/* --------------------------------------------- an enclave's worker serves the host's calls */

/** The worker begins to poll, unless the line is not that of one who sleeps. */
bool cm_line_open(struct cm_line *line);

/**
 * Wait for a call and take it.
 *
 * @return  its word; 0: the worker has to go: idle for long, asked to, the enclave aborts, or the line
 *          holds what no honest host writes.
 */
uint64_t cm_line_take(struct cm_line *line);

/** Publish the answer. @return  whether the caller sleeps and wants to be woken. */
bool cm_line_answer(struct cm_line *line, uint64_t answer);

#endif
