/*
 * Finds instructions that an enclave cannot execute in one relocatable object. Host side, build
 * time. It finds accidents (a library that changed), not code that hides.
 */
#ifndef CM_LIBC_PREP_SCAN_H
#define CM_LIBC_PREP_SCAN_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "libc/prep_elf.h"

/* Bytes that a hit's text may take. */
#define CM_PREP_HIT_SIZE 160

enum cm_prep_scan_mode {
    /* Every byte of every executable section: for compiled code, where no data stands in text. */
    CM_PREP_SCAN_SECTIONS,
    /* Only the bytes of function symbols: for hand-written code with tables between functions. */
    CM_PREP_SCAN_FUNCTIONS,
};

/*
 * Looks for forbidden instructions. When there is one, *found is true and hit holds "mnemonic in
 * function". Functions named in waived (count of them) are passed over. In CM_PREP_SCAN_SECTIONS
 * bytes that are no instruction count as forbidden.
 * CM_OK, or CM_ERR_NOMEM without an answer.
 */
CM_MUST_USE enum cm_status cm_prep_scan(const struct cm_prep_elf *e, enum cm_prep_scan_mode mode,
                                        const char *const *waived, size_t count, bool *found,
                                        char hit[CM_PREP_HIT_SIZE]);

#endif
