/* casemate attest: evidence of the guest that it runs on, as files that casemate verify takes. */
#ifndef CM_CLI_CLI_ATTEST_H
#define CM_CLI_CLI_ATTEST_H

#include <stdio.h>

#include "collect/collect.h"

enum cm_attest_from {
    CM_ATTEST_AUTO, /* the first of those below that is here */
    CM_ATTEST_TSM,
    CM_ATTEST_NSM,
    CM_ATTEST_AZURE,
    CM_ATTEST_TPM,
};

struct cm_cli_attest {
    uint8_t nonce[CM_COLLECT_MAX_NONCE];
    size_t nonce_len;
    enum cm_attest_from from;
    const char *output; /* the evidence's file; others have its name and a suffix */
    uint32_t ak;        /* a TPM's persistent handle, or 0 */
    bool svsm;
};

/**
 * Collect, write the files, and say with what command they are verified.
 *
 * The TPM is that of the variable CASEMATE_TPM_TCTI, else the kernel's; the firmware's event log is read
 * for the kernel's only.
 *
 * @retval as of collect.h; CM_ERR_IO a file cannot be written
 */
CM_MUST_USE enum cm_status cm_cli_attest(const struct cm_cli_attest *a, FILE *out,
                                         struct cm_why *why);

/** "auto", "tsm", "nsm", "azure" or "tpm". */
bool cm_attest_from(const char *word, enum cm_attest_from *out);

#endif
