/* `casemate quote show` and `casemate verify`: evidence for people and for scripts. */
#ifndef CM_CLI_EVIDENCE_H
#define CM_CLI_EVIDENCE_H

#include <casemate/dcap.h>
#include <stdio.h>

#include "common/span.h"

/**
 * A readable tree of a quote: each field with its meaning, in 80 columns. Nothing is verified.
 * @param path  UNTRUSTED file.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  not a quote; why says where it ends to be one
 */
CM_MUST_USE enum cm_status cm_cli_quote_show(const char *path, FILE *out, struct cm_why *why);

struct cm_cli_verify {
    const char *quote;
    const char *collateral; /* a folder or a JSON bundle; NULL: the folder of the quote */
    const char *root;       /* a root certificate in PEM instead of Intel's; NULL */
    const char *floors;     /* a file of floors, read and raised; NULL: none */
    uint64_t time;
    unsigned flags;  /* CM_VERIFY_* */
    unsigned accept; /* CM_DCAP_ACCEPT() bits */
    uint8_t report_data[64];
    size_t report_data_len; /* 0: not checked */
    bool json;
};

/**
 * Verify and print every check, what the evidence says, and the verdict.
 *
 * @return the verdict's status (see cm_dcap_verify()), or what kept it from being reached: then
 *         nothing was printed and why says what.
 */
CM_MUST_USE enum cm_status cm_cli_verify(const struct cm_cli_verify *v, FILE *out,
                                         struct cm_why *why);

/** The exit status that `casemate verify` documents for a status. */
int cm_cli_verify_exit(enum cm_status st);

#endif
