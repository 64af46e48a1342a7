/* See sys_host.h. */
#include "syscall/sys_host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "enclave/tracee.h"
#include "libc/inside_runtime.h"

enum { ERRNO_MAX = 133, STDERR = 1 };

/* Linked in with the application's log callback, and not for this warning: the C library must do
 * with inside_runtime.h. Without it nobody inside listens. */
__attribute__((weak)) void cm_enclave_log(oe_log_level_t level, const char *text);
/* defined by generated code of an enclave that imports openenclave/edl/logging.edl */
__attribute__((weak)) oe_result_t oe_log_ocall(uint32_t log_level, const char *message);

static void warn(const char *edl)
{
    const char *folder = strcmp(edl, "files") == 0 ? "casemate" : "openenclave";
    char line[128];
    int n = snprintf(line, sizeof(line), "a call needs an EDL import: from \"%s/edl/%s%s\n", folder,
                     edl, ".edl\" import *;");

    if (cm_enclave_log != NULL) {
        line[n - 1] = '\0';
        cm_enclave_log(OE_LOG_LEVEL_ERROR, line); /* what any level shows */
    } else if (oe_log_ocall != NULL) {
        (void)oe_log_ocall(OE_LOG_LEVEL_ERROR, line);
    } else {
        cm_host_write(STDERR, line, (size_t)n);
    }
}

oe_result_t cm_host_missing(const char *edl)
{
    static const char *const names[] = {"epoll",  "fcntl",  "files", "ioctl",  "poll",
                                        "signal", "socket", "time",  "unistd", "utsname"};
    static atomic_flag said[sizeof(names) / sizeof(names[0])];
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], edl) == 0 && !atomic_flag_test_and_set(&said[i])) {
            warn(edl);
        }
    }
    return OE_UNSUPPORTED;
}

long cm_host_number(oe_result_t call, int64_t value, int64_t most)
{
    if (call != OE_OK) {
        return call == OE_UNSUPPORTED ? -ENOSYS : call == OE_OUT_OF_MEMORY ? -ENOMEM : -EIO;
    }
    if (value == -1) {
        return errno > 0 && errno <= ERRNO_MAX ? -errno : -EIO;
    }
    return value < 0 || value > most ? -EIO : value;
}
