/*
 * The end of an enclave that found itself broken: one latch, set once and tested first thing at
 * every entry (A9). Whoever sets it leaves at once and never comes back.
 */

#include "enclave/edge.h"
#include "enclave/frames.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"

uint32_t cm_abort_latch;
static uint32_t
    said; /* the first cause, an enum cm_abort_cause: every thread tells the host this one */

void cm_abort_at(uint32_t cause, uint64_t rip, uint64_t rbp)
{
    uint32_t first = CM_ABORT_UNSAID;
    size_t frames = 0;

    if (__atomic_compare_exchange_n(&said, &first, cause, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        first = cause;
        __atomic_store_n(&cm_abort_latch, 1, __ATOMIC_SEQ_CST);
        frames = cm_frames_tell(rip, rbp);
    }
    __atomic_store_n(&cm_abort_latch, 1, __ATOMIC_SEQ_CST);
    cm_leave_aborted(CM_ABORT_WORD(first, frames));
}

__attribute__((noinline)) void cm_abort_with(uint32_t cause)
{
    cm_abort_at(cause, 0, (uint64_t)__builtin_frame_address(0));
}

void oe_abort(void)
{
    cm_abort_with(CM_ABORT_ASKED);
}

oe_result_t oe_get_enclave_status(void)
{
    return __atomic_load_n(&cm_abort_latch, __ATOMIC_SEQ_CST) == 0 ? OE_OK : OE_ENCLAVE_ABORTING;
}

static size_t append(char *line, size_t used, size_t room, const char *text)
{
    while (*text != '\0' && used < room) {
        line[used++] = *text++;
    }
    return used;
}

static void say(const char *const *parts, size_t count)
{
    char line[256];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        used = append(line, used, sizeof(line) - 1, parts[i]);
    }
    line[used++] = '\n';
    cm_host_write(1, line, used);
}

void cm_abort_because(const char *why)
{
    const char *const parts[] = {"enclave aborted: ", why};

    /* the message is an ocall: only from where one is allowed */
    if (cm_td()->state == CM_TD_RUNNING && oe_get_enclave_status() == OE_OK) {
        say(parts, sizeof(parts) / sizeof(parts[0]));
    }
    cm_abort_with(CM_ABORT_WRITTEN);
}

/* Fixed by the API: the macro oe_assert calls it. */
void __oe_assert_fail(const char *expr, const char *file, int line, const char *function)
{
    char digits[12];
    size_t n = sizeof(digits);
    unsigned rest = line < 0 ? 0 : (unsigned)line;

    digits[--n] = '\0';
    do {
        digits[--n] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    const char *const parts[] = {"assertion failed: ", expr, " (", file, ": ", function, ": ",
                                 digits + n,           ")"};

    if (cm_td()->state == CM_TD_RUNNING) {
        say(parts, sizeof(parts) / sizeof(parts[0]));
    }
    cm_abort_with(CM_ABORT_WRITTEN);
}

/* The compiler's: a function found its stack smashed. No ocall from there. Weak: a C library that is
 * linked before the runtime has one too. */
_Noreturn void __stack_chk_fail(void);
__attribute__((weak)) void __stack_chk_fail(void)
{
    cm_abort_with(CM_ABORT_SMASHED);
}
