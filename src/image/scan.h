/*
 * The instruction check of an enclave image: which instructions in it cannot
 * work inside an enclave, or leave it in a way that it must not.
 *
 * A lint for accidents, not a sandbox: it follows the function symbols, so code
 * without symbols, and code hidden on purpose, is not seen.
 */
#ifndef CM_IMAGE_SCAN_H
#define CM_IMAGE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include <casemate/status.h>

#include "common/span.h"

struct cm_image;
struct cm_why;

enum cm_scan_level {
    CM_SCAN_WARNING, /* faults with #UD on some processors: CPUID, RDTSC, RDTSCP; undecodable bytes */
    CM_SCAN_ERROR,   /* never works inside, or is an ENCLU outside a marked site */
};

struct cm_scan_hit {
    enum cm_scan_level level;
    uint64_t address;        /* in the image; in its module: from the image's address 0 */
    struct cm_span function; /* its name; UNTRUSTED bytes of the file, not NUL-terminated */
    uint64_t offset;         /* from the function's start */
    const char *instruction; /* mnemonic, lower case */
};

struct cm_scan_result {
    bool scanned;    /* false: image or module has no function symbols, so was not looked at */
    uint64_t errors; /* hits reported, by level */
    uint64_t warnings;
    uint64_t waived; /* known false hits, see scan.c; not reported */
    uint64_t instructions;
    uint64_t covered;    /* bytes of functions that were looked at */
    uint64_t executable; /* bytes of executable segments in the file */
};

typedef void cm_scan_report(void *context, const struct cm_scan_hit *hit);

/**
 * Disassemble every function in the executable segments of the image and of its module.
 *
 * @param report  Called for each hit, in ascending order of address. May be NULL.
 * @param out     Set only on CM_OK.
 * @retval CM_ERR_NOMEM  out of memory
 */
CM_MUST_USE enum cm_status cm_image_scan(const struct cm_image *image, cm_scan_report *report,
                                         void *context, struct cm_scan_result *out);

#endif
