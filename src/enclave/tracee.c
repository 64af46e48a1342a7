/*
 * Where the runtime's messages go: to the application's callback inside, or to the host. Both may
 * see what the host sent, so only printable bytes pass.
 */
#include <openenclave/tracee.h>

#include <stddef.h>

#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/spin.h"
#include "enclave/tracee.h"

enum { TEXT_MAX = 200, STDERR = 1 };

/* defined by generated code of an enclave that imports openenclave/edl/logging.edl */
oe_result_t oe_log_ocall(uint32_t log_level, const char *message) __attribute__((weak));

const char *const oe_log_level_strings[OE_LOG_LEVEL_MAX] = {"NONE", "FATAL", "ERROR",
                                                            "WARN", "INFO",  "VERBOSE"};

static struct cm_spin lock;
static oe_enclave_log_callback_t current; /* both behind the lock */
static void *current_context;

/* This thread is in the callback: what the callback does must not call it again. */
static __thread bool inside;

static void deliver(oe_enclave_log_callback_t call, void *context, oe_log_level_t level,
                    const char *line)
{
    inside = true;
    call(context, level, (uint64_t)cm_td(), line);
    inside = false;
}

void cm_enclave_log(oe_log_level_t level, const char *text)
{
    char line[TEXT_MAX + 2];
    oe_enclave_log_callback_t call;
    void *context;
    size_t n = 0;

    if (inside || cm_td()->state != CM_TD_RUNNING || oe_get_enclave_status() != OE_OK) {
        return;
    }
    for (; n < TEXT_MAX && text[n] != '\0'; n++) {
        const char c = text[n];

        line[n] = '?';
        if (c >= ' ' && c <= '~') {
            line[n] = c;
        }
    }
    line[n] = '\n';
    line[n + 1] = '\0';
    cm_spin_lock(&lock);
    call = current;
    context = current_context;
    cm_spin_unlock(&lock);
    if (call != NULL) {
        deliver(call, context, level, line);
    } else if (level > cm_enclave_log_level()) {
        return;
    } else if (oe_log_ocall != NULL) {
        (void)oe_log_ocall(level, line);
    } else {
        cm_host_write(STDERR, line, n + 1);
    }
}

oe_result_t oe_enclave_log_set_callback(void *context, oe_enclave_log_callback_t callback)
{
    cm_spin_lock(&lock);
    current = callback;
    current_context = context;
    cm_spin_unlock(&lock);
    cm_enclave_log(OE_LOG_LEVEL_INFO, callback != NULL ? "the enclave's log callback is set"
                                                       : "the enclave's log callback is removed");
    return OE_OK;
}
