/* Whether what a tool printed has arrived: see os.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "os/os.h"

enum cm_status cm_stdout_finish(struct cm_why *why)
{
    const bool before = ferror(stdout) != 0; /* errno of that write is long gone */

    if (fflush(stdout) != 0) {
        cm_why_set(why, "standard output is incomplete: %s", strerror(errno));
        return CM_ERR_IO;
    }
    if (before) {
        cm_why_set(why, "standard output is incomplete: an earlier write failed");
        return CM_ERR_IO;
    }
    return CM_OK;
}
