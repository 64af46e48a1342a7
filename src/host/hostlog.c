/* The host's log; see hostlog.h. Texts may quote file names and enclave messages: untrusted. */
#include "host/hostlog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *const names[] = {"NONE", "FATAL", "ERROR", "WARNING", "INFO", "VERBOSE"};

static enum cm_log_level parse_level(const char *text)
{
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
    static atomic_int cached = -1;
    int level = atomic_load_explicit(&cached, memory_order_relaxed);

    if (level < 0) {
        level = (int)parse_level(getenv("OE_LOG_LEVEL"));
        atomic_store_explicit(&cached, level, memory_order_relaxed);
    }
    return (enum cm_log_level)level;
}

void cm_host_log(enum cm_log_level level, const char *fmt, ...)
{
    int saved = errno;
    char line[LINE_MAX_BYTES];
    va_list ap;
    int head = 0;
    int body = 0;
    size_t len = 0;

    if (level == CM_LOG_NONE || level > cm_host_log_level()) {
        return;
    }
    head = snprintf(line, sizeof(line), "casemate [%s] ", names[level]);
    if (head > 0) {
        va_start(ap, fmt);
        body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
        va_end(ap);
    }
    if (head > 0 && body >= 0) {
        len = strnlen(line, sizeof(line) - 2);
        /* a text that came from elsewhere must not forge further lines or drive a terminal */
        for (size_t i = 0; i < len; i++) {
            if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
                line[i] = ' ';
            }
        }
        line[len++] = '\n';
        /* one write: lines of several threads do not mix */
        (void)!write(STDERR_FILENO, line, len);
    }
    errno = saved;
}
