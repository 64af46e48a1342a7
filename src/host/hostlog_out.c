/*
 * Writing the host's log: which streams, in which form, as the environment says. A program that runs
 * with more rights than its caller ignores the environment: OE_LOG_DEVICE names a file to write to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/hostlog.h"
#include "host/hostlog_line.h"

#define FILE_FORMAT "%s.%06ldZ [(%s)%s] tid(0x%lx) | %s\n"

/* Set up at the first message, under the log's lock, like everything here. */
static struct {
    bool ready;
    int device; /* the file of OE_LOG_DEVICE, or -1 */
    bool all_streams;
    bool json;
    char *format; /* of OE_LOG_FORMAT; NULL: FILE_FORMAT */
    /* not on the stack, which may be a small one */
    char text[CM_LOG_SAFE_MAX];
    char line[CM_LOG_LINE_MAX];
} out = {.device = -1};

/* One write a line, so that lines of several threads and processes do not mix. */
static void write_line(int fd, const char *line, size_t len)
{
    (void)!write(fd, line, len);
}

static void complain(const char *variable, const char *value, const char *what)
{
    char line[512];
    int n;

    cm_log_escape(CM_LOG_ESCAPE_TEXT, value, out.text);
    n = snprintf(line, sizeof(line),
                 "casemate [ERROR] %s: %s; the log goes on without it\n  %.300s\n", variable, what,
                 out.text);
    if (n > 0) {
        write_line(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
    }
}

static void set_up(void)
{
    const char *device = secure_getenv("OE_LOG_DEVICE");
    const char *format = secure_getenv("OE_LOG_FORMAT");

    out.ready = true;
    out.all_streams = secure_getenv("OE_LOG_ALL_STREAMS") != NULL;
    out.json = secure_getenv("OE_LOG_JSON_ESCAPE") != NULL;
    if (device != NULL) {
        out.device = open(device, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
        if (out.device < 0) {
            complain("OE_LOG_DEVICE", device, strerror(errno));
        }
    }
    if (format != NULL) {
        if (!cm_log_format_good(format)) {
            complain("OE_LOG_FORMAT", format, "not a format that docs/logging.md allows");
        } else {
            out.format = strdup(format); /* NULL when memory ran out: the standard format, then */
        }
    }
}

static void to_device(const char *raw, const struct cm_log_entry *entry)
{
    struct cm_log_entry e = *entry;

    if (out.format != NULL && out.json) {
        cm_log_escape(CM_LOG_ESCAPE_JSON, raw, out.text);
        e.message = out.text;
    }
    write_line(out.device, out.line,
               cm_log_line(out.format != NULL ? out.format : FILE_FORMAT, &e, out.line));
}

static void to_stderr(const struct cm_log_entry *entry)
{
    int n = snprintf(out.line, sizeof(out.line), "casemate [%s] %s%s\n",
                     oe_log_level_strings[entry->level], entry->is_enclave ? "(enclave) " : "",
                     entry->message);

    if (n > 0 && (size_t)n < sizeof(out.line)) {
        write_line(STDERR_FILENO, out.line, (size_t)n);
    }
}

void cm_host_log_write(const char *raw, const struct cm_log_entry *entry)
{
    if (!out.ready) {
        set_up();
    }
    if (out.device >= 0) {
        to_device(raw, entry);
    }
    if (out.device < 0 || out.all_streams) {
        to_stderr(entry);
    }
}
