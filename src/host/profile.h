/*
 * Counting ecalls and ocalls. With the environment variable CASEMATE_PROFILE=FILE the library counts
 * calls, bytes and time of each function and appends one line a function to FILE when the process
 * exits through exit() (`casemate run --profile` sets it and prints the table; format:
 * src/cli/cli_profile.c). Without the variable a call costs one predictable branch.
 *
 * Thread-safe. A forked child starts at zero. At most CM_PROFILE_MAX functions; more are dropped.
 */
#ifndef CM_HOST_PROFILE_H
#define CM_HOST_PROFILE_H

#include <openenclave/host.h>
#include <stdbool.h>
#include <stdint.h>

#define CM_PROFILE_MAX 1024U

extern bool cm_profile_on;

/* One call that is under way; lies on the caller's stack. */
struct cm_profile_call {
    uint64_t began;       /* ns */
    uint64_t inner_saved; /* time of calls inside the caller's caller, so far */
};

void cm_profile_enter(struct cm_profile_call *call);
void cm_profile_ecall(const struct cm_profile_call *call, const char *name, uint64_t in,
                      uint64_t out);
void cm_profile_ocall(const struct cm_profile_call *call, oe_ocall_func_t function, uint64_t in,
                      uint64_t out);
void cm_profile_drop(const struct cm_profile_call *call); /* it came to nothing */

/** The name of a host function, from the symbol table of the file it is in; false without one. */
bool cm_profile_function_name(oe_ocall_func_t function, char *out, size_t cap);

#endif
