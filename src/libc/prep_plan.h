/*
 * What becomes of a package's archives on their way into an enclave. Host side, build time.
 *
 * A member of the package is dropped when it holds an instruction that an enclave cannot execute,
 * or when it defines a symbol that one of our objects defines. What still needs the dropped
 * functions becomes a link error of the enclave, unless a check below has caught it already. Where the
 * rest of a member is needed, its one bad function can be trapped instead: see cm_prep_elf_trap.
 */
#ifndef CM_LIBC_PREP_PLAN_H
#define CM_LIBC_PREP_PLAN_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "libc/prep_scan.h"

struct cm_prep_list {
    const char **items;
    size_t count;
};

struct cm_prep_plan {
    const char *package;        /* named in every message */
    struct cm_prep_list inputs; /* archives of the package; one or more */
    const char *output;
    const char *report; /* text file: what was dropped and why; NULL for none */
    enum cm_prep_scan_mode mode;
    const char *without;         /* section to leave out of the package's members; NULL for none */
    struct cm_prep_list objects; /* ours, added */
    struct cm_prep_list resolve; /* archives that may define what the output needs */
    struct cm_prep_list trapped; /* functions of the package that ours take the place of */
    struct cm_prep_list waived;  /* functions that the scan passes over */
    struct cm_prep_list roots;   /* functions that have to be usable, with all that they need */
    struct cm_prep_list allowed; /* prefixes of symbols that the enclave runtime provides */
    struct cm_prep_list runtime; /* symbols that it provides in the place of the package's */
    bool whole;                  /* not only the roots: everything the output needs must exist */
};

/* Carries the plan out. On failure why holds one sentence and there is no output file. */
CM_MUST_USE enum cm_status cm_prep_run(const struct cm_prep_plan *plan, struct cm_why *why);

#endif
