/* The commands behind `casemate eif`: enclave image files of AWS Nitro Enclaves (docs/eif.md). */
#ifndef CM_CLI_CLI_EIF_H
#define CM_CLI_CLI_EIF_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CM_CLI_EIF_RAMDISKS 27 /* as many as a file has sections beside the others */

/* What an image is made of: paths, but for the command line and the names. */
struct cm_cli_eif_parts {
    const char *kernel;
    const char *cmdline; /* its text */
    const char *ramdisks[CM_CLI_EIF_RAMDISKS];
    size_t ramdisk_count;
    const char *metadata; /* a JSON file; NULL: made of what follows */
    const char *name;
    const char *image_version;
    uint64_t build_time; /* seconds since 1970 */
    uint64_t memory;
    uint64_t cpus;
    bool arm64;
    const char *certificate; /* PEM; NULL: not signed */
    const char *key;         /* PEM */
    const char *output;
};

/**
 * Everything about an image: sections, measurements, who signed it, metadata.
 * @retval CM_ERR_SIGNATURE, CM_ERR_MISMATCH also: it is signed, and the signature is bad (and all is
 *         written)
 */
CM_MUST_USE enum cm_status cm_cli_eif_describe(const char *path, bool json, FILE *out,
                                               struct cm_why *why);

/** The measurements only: what PCR0, PCR1, PCR2 and, if it is signed, PCR8 will be. */
CM_MUST_USE enum cm_status cm_cli_eif_pcrs(const char *path, bool json, FILE *out,
                                           struct cm_why *why);

/** Make an image; the same parts give the same bytes, but for the signature. Writes its PCRs. */
CM_MUST_USE enum cm_status cm_cli_eif_build(const struct cm_cli_eif_parts *parts, FILE *out,
                                            struct cm_why *why);

/** Sign an image anew, into output (or in place: NULL). Writes its PCRs. */
CM_MUST_USE enum cm_status cm_cli_eif_sign(const char *path, const char *certificate,
                                           const char *key, const char *output, FILE *out,
                                           struct cm_why *why);

#endif
