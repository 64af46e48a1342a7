/* See sys_host.h. */
#include "syscall/sys_host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "enclave/tracee.h"

enum { ERRNO_MAX = 133 };

static void warn(const char *edl)
{
    char line[128];

    (void)snprintf(line, sizeof(line), "a call needs an EDL import: %s%s%s",
                   "from \"openenclave/edl/", edl, ".edl\" import *;");
    cm_enclave_log(OE_LOG_LEVEL_ERROR, line); /* what any level shows */
}

oe_result_t cm_host_missing(const char *edl)
{
    static const char *const names[] = {"epoll",  "fcntl", "ioctl",  "poll",   "signal",
                                        "socket", "time",  "unistd", "utsname"};
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
