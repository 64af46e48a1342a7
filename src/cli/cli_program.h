/* What `run` must know of a program before it runs it: whether it can be started at all, and served. */
#ifndef CM_CLI_PROGRAM_H
#define CM_CLI_PROGRAM_H

#include <casemate/status.h>
#include <stdbool.h>

/* Exit statuses of programs that run others (env, nice, timeout and the shells agree on them). */
#define CM_EXIT_OURS      125 /* something of ours failed, not the program */
#define CM_EXIT_NO_START  126 /* it is there and cannot be started */
#define CM_EXIT_NOT_FOUND 127

/**
 * Look at the program that execvp(name) would run.
 *
 * @param preload    it must also take a preloaded library: a script's interpreter is looked at in its
 *                   place, and a static, foreign or privileged program is refused
 * @param exit_code  on failure CM_EXIT_NO_START or CM_EXIT_NOT_FOUND
 * @retval CM_ERR_NOTFOUND     no such file, or its interpreter is not there
 * @retval CM_ERR_DENIED       not executable, or runs with rights of others (setuid), which the
 *                             dynamic linker preloads nothing into
 * @retval CM_ERR_UNSUPPORTED  linked statically, or for another processor
 * @retval CM_ERR_FORMAT       a damaged ELF file or script
 * @retval CM_ERR_IO           it cannot be read
 */
CM_MUST_USE enum cm_status cm_cli_program_check(const char *name, bool preload, int *exit_code,
                                                struct cm_why *why);

#endif
