/* The host's log; see hostlog.h. Texts may quote file names and enclave messages: untrusted. */
#include "host/hostlog.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openenclave/trace.h>

#include "host/hostlog_line.h"

const char *const oe_log_level_strings[OE_LOG_LEVEL_MAX] = {"NONE", "FATAL", "ERROR",
                                                            "WARN", "INFO",  "VERBOSE"};

static atomic_int level_now = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static oe_log_callback_t current; /* both behind the lock, which is held while the callback runs */
static void *current_context;
static _Thread_local bool inside; /* this thread runs the callback, so it has the lock */

/* As the API's documents spell the levels: WARNING there, WARN in messages. */
static enum cm_log_level parse_level(const char *text)
{
    static const char *const names[] = {"NONE", "FATAL", "ERROR", "WARNING", "INFO", "VERBOSE"};

    if (text != NULL) {
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (strcmp(text, names[i]) == 0) {
                return (enum cm_log_level)i;
            }
        }
    }
    return CM_LOG_ERROR;
}

enum cm_log_level cm_host_log_level(void)
{
    int level = atomic_load_explicit(&level_now, memory_order_relaxed);
    int unset = -1;

    if (level < 0) {
        level = (int)parse_level(secure_getenv("OE_LOG_LEVEL"));
        if (!atomic_compare_exchange_strong(&level_now, &unset, level)) {
            level = unset; /* somebody set it meanwhile */
        }
    }
    return (enum cm_log_level)level;
}

oe_result_t oe_set_host_log_level(oe_log_level_t log_level)
{
    if ((uint32_t)log_level >= (uint32_t)OE_LOG_LEVEL_MAX) {
        return OE_INVALID_PARAMETER;
    }
    atomic_store(&level_now, (int)log_level);
    return OE_OK;
}

/*
 * A child process has one thread, the one that forked: were another to hold the lock, it would be held
 * for ever. So whoever forks holds it meanwhile; who forks within the callback has it already.
 */
static void before_fork(void)
{
    if (!inside) {
        (void)pthread_mutex_lock(&lock);
    }
}

static void after_fork(void)
{
    if (!inside) {
        (void)pthread_mutex_unlock(&lock);
    }
}

/* without memory for it, forks are as they were */
__attribute__((constructor)) static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

oe_result_t oe_log_set_callback(void *context, oe_log_callback_t callback)
{
    if (!inside) {
        (void)pthread_mutex_lock(&lock);
    }
    current = callback;
    current_context = context;
    if (!inside) {
        (void)pthread_mutex_unlock(&lock);
    }
    return OE_OK;
}

/* raw, as the caller has it, to whoever gets messages now. */
static void deliver(oe_log_level_t level, bool is_enclave, const char *raw)
{
    char safe[CM_LOG_SAFE_MAX + 1];
    struct cm_log_entry entry = {.is_enclave = is_enclave, .level = level};
    struct timespec now = {0, 0};
    const bool nested = inside;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    cm_log_utc(now.tv_sec, &entry.when);
    entry.usecs = now.tv_nsec / 1000;
    entry.thread = (uint64_t)pthread_self();
    cm_log_escape(CM_LOG_ESCAPE_TEXT, raw, safe);
    if (!nested) {
        (void)pthread_mutex_lock(&lock);
    }
    if (current != NULL && !nested) {
        const size_t len = strlen(safe);

        safe[len] = '\n';
        safe[len + 1] = '\0';
        inside = true;
        current(current_context, is_enclave, &entry.when, entry.usecs, level, entry.thread, safe);
        inside = false;
    } else if ((int)level <= (int)cm_host_log_level()) {
        entry.message = safe;
        cm_host_log_write(raw, &entry);
    }
    if (!nested) {
        (void)pthread_mutex_unlock(&lock);
    }
}

void cm_host_log(enum cm_log_level level, const char *fmt, ...)
{
    const int saved = errno;
    char text[CM_LOG_TEXT_MAX];
    va_list ap;
    int n;

    if (level == CM_LOG_NONE || level > cm_host_log_level()) {
        return;
    }
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n >= 0) {
        deliver((oe_log_level_t)level, false, text);
    }
    errno = saved;
}

void cm_host_log_enclave(uint32_t level, const char *message)
{
    const int saved = errno;

    if (message != NULL && level > OE_LOG_LEVEL_NONE && level < OE_LOG_LEVEL_MAX) {
        deliver((oe_log_level_t)level, true, message);
    }
    errno = saved;
}
