/* What the files of casemate's argument parsing share: exit codes, help and the usage error. */
#ifndef CM_TOOLS_CASEMATE_ARGS_H
#define CM_TOOLS_CASEMATE_ARGS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "os/os.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static inline int usage(const char *problem, const char *detail)
{
    char text[8192] = "";

    (void)snprintf(text, sizeof(text), "%s%s (see casemate --help)", problem, detail);
    cm_print_wrapped(stderr, "casemate: ", text);
    return EXIT_USAGE;
}

static inline bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static inline int help(const char *text)
{
    return fputs(text, stdout) == EOF ? EXIT_FAILED : 0;
}

#endif
