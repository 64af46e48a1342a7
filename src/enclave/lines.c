/* See lines.h. */
#include "enclave/lines.h"

#include "enclave/hostword.h"

static struct cm_line *lines;
static uint32_t line_count;           /* 0 until the lines are there */
static uint32_t setting;              /* somebody sets or has set them */
static uint8_t claimed[CM_LINES_MAX]; /* by a thread of the enclave */

bool cm_lines_set(struct cm_line *host_lines, uint32_t count)
{
    if (__atomic_exchange_n(&setting, 1, __ATOMIC_SEQ_CST) != 0) {
        return false;
    }
    lines = host_lines;
    __atomic_store_n(&line_count, count, __ATOMIC_RELEASE);
    return true;
}

struct cm_line *cm_lines_claim(uint32_t hint, uint32_t *index)
{
    const uint32_t count = __atomic_load_n(&line_count, __ATOMIC_ACQUIRE);

    uint32_t i = count == 0 ? 0 : hint % count;

    for (uint32_t n = 0; n < count; n++, i = i + 1 == count ? 0 : i + 1) {
        if (__atomic_load_n(&claimed[i], __ATOMIC_RELAXED) == 0 &&
            cm_line_is_idle(cm_host_word(&lines[i].word)) &&
            __atomic_exchange_n(&claimed[i], 1, __ATOMIC_ACQUIRE) == 0) {
            *index = i;
            return &lines[i];
        }
    }
    return NULL;
}

void cm_lines_release(uint32_t index, bool broken)
{
    if (!broken) {
        __atomic_store_n(&claimed[index], 0, __ATOMIC_RELEASE);
    }
}

/* Looks until the word is another one, or for so many times. */
static uint64_t look(const struct cm_line *line, uint64_t while_word, uint32_t looks)
{
    uint64_t word = cm_host_word(&line->word);

    while (word == while_word && looks-- != 0 && !cm_line_aborting()) {
        __builtin_ia32_pause();
        word = cm_host_word(&line->word);
    }
    return word;
}

enum cm_line_outcome cm_line_call(struct cm_line *line, uint32_t index, uint64_t post,
                                  uint64_t *answer)
{
    uint64_t word = cm_host_word(&line->word);

    if (!cm_line_is_idle(word) || !cm_host_word_change(&line->word, word, post)) {
        return CM_LINE_NOT_RUN; /* the worker has gone to sleep */
    }
    word = look(line, post, CM_LOOKS_POSTED);
    if (word == post && cm_host_word_change(&line->word, post, CM_LINE_READY)) {
        return CM_LINE_NOT_RUN;
    }
    word = look(line, CM_LINE_TAKEN, CM_LOOKS_TAKEN);
    if (word == CM_LINE_TAKEN) {
        (void)cm_host_word_change(&line->word, CM_LINE_TAKEN, CM_LINE_AWAITED);
        word = cm_host_word(&line->word);
    }
    while (word == CM_LINE_AWAITED && !cm_line_aborting()) {
        cm_line_sleep(index);
        word = cm_host_word(&line->word);
    }
    *answer = word;
    return cm_line_is_answer(word) ? CM_LINE_ANSWERED : CM_LINE_BROKEN;
}

bool cm_line_open(struct cm_line *line)
{
    const uint64_t word = cm_host_word(&line->word);
    const uint32_t state = CM_LINE_STATE(word);

    return (state == CM_LINE_ASLEEP || state == CM_LINE_KEPT) &&
           cm_host_word_change(&line->word, word, cm_line_woken(word));
}

uint64_t cm_line_take(struct cm_line *line)
{
    uint32_t looks = CM_LOOKS_IDLE;
    uint64_t word = cm_host_word(&line->word);

    while (!cm_line_aborting()) {
        if (CM_LINE_STATE(word) == CM_LINE_POSTED) {
            if (cm_host_word_change(&line->word, word, CM_LINE_TAKEN)) {
                return word;
            }
        } else if (!cm_line_is_idle(word)) {
            break;
        } else if (looks == 0) {
            if (cm_host_word_change(&line->word, word, cm_line_slept(word))) {
                break;
            }
        } else {
            looks--;
            __builtin_ia32_pause();
        }
        word = cm_host_word(&line->word);
    }
    return 0;
}

bool cm_line_answer(struct cm_line *line, uint64_t answer)
{
    return cm_host_word_swap(&line->word, answer) == CM_LINE_AWAITED;
}
