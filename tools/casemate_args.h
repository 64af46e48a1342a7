/* What the tools' argument parsing shares: exit codes, help and the usage error. */
#ifndef CM_TOOLS_CASEMATE_ARGS_H
#define CM_TOOLS_CASEMATE_ARGS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "os/os.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A usage error of a tool or one of its commands, whose --help says more. */
static inline int misuse_of(const char *prefix, const char *command, const char *problem,
                            const char *detail)
{
    char text[8192] = "";

    (void)snprintf(text, sizeof(text), "%s%s (see %s --help)", problem, detail, command);
    cm_print_wrapped(stderr, prefix, text);
    return EXIT_USAGE;
}

static inline int usage(const char *problem, const char *detail)
{
    return misuse_of("casemate: ", "casemate", problem, detail);
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
