/* `casemate verify`, `evidence show`, `quote show`: evidence for people and for scripts. */
#ifndef CM_CLI_EVIDENCE_H
#define CM_CLI_EVIDENCE_H

#include <casemate/appraisal.h>
#include <casemate/verify.h>
#include <stdio.h>

#include "common/span.h"

/**
 * A readable tree of a quote: each field with its meaning, in 80 columns. Nothing is verified.
 * @param path  UNTRUSTED file.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  not a quote; why says where it ends to be one
 */
CM_MUST_USE enum cm_status cm_cli_quote_show(const char *path, FILE *out, struct cm_why *why);

/**
 * A readable tree of evidence of any format: all that it says of itself. Nothing is verified.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  not evidence that is known; why says so
 */
CM_MUST_USE enum cm_status cm_cli_evidence_show(const char *path, bool json, FILE *out,
                                                struct cm_why *why);

#define CM_CLI_VERIFY_MATERIALS 32u
#define CM_CLI_VERIFY_ROOTS     8u
#define CM_CLI_VERIFY_NONCE     512u /* AWS Nitro's limit; the others' are lower */

/* A file beside the evidence. */
struct cm_cli_material {
    bool by_content; /* its kind is what its content looks like */
    enum cm_material_kind kind;
    const char *path;
};

struct cm_cli_verify {
    const char *file;
    enum cm_format format;  /* CM_FORMAT_ANY: recognised */
    const char *collateral; /* a folder or a JSON bundle; NULL: the folder of a quote */
    const char *roots[CM_CLI_VERIFY_ROOTS]; /* root certificates instead of the makers' */
    size_t root_count;
    struct cm_cli_material with[CM_CLI_VERIFY_MATERIALS];
    size_t with_count;
    const char *floors; /* a file of floors, read and raised; NULL: none */
    const char *policy; /* a policy that genuine evidence must satisfy; NULL: none */
    bool explain;       /* print what became of each of its rules */
    uint64_t time;
    unsigned flags;                     /* CM_VERIFY_* */
    unsigned accept;                    /* CM_DCAP_ACCEPT() bits */
    uint8_t nonce[CM_CLI_VERIFY_NONCE]; /* or report data: what the evidence must answer */
    size_t nonce_len;                   /* 0: not checked */
    bool json;
    const char *ear;       /* a file for the appraisal; NULL: none */
    const char *ear_key;   /* a private key in PEM, for signing it; NULL */
    const char *ear_build; /* what it says made it */
    enum cm_ear_form ear_form;
    enum cm_ear_profile ear_profile;
};

/**
 * Verify evidence of any format and print every check, what the evidence says, and the verdict.
 *
 * @return the verdict's status (see cm_verify()), or what kept it from being reached: then
 *         nothing was printed and why says what.
 */
CM_MUST_USE enum cm_status cm_cli_verify(const struct cm_cli_verify *v, FILE *out,
                                         struct cm_why *why);

/** The exit status that `casemate verify` documents for a status. */
int cm_cli_verify_exit(enum cm_status st);

#endif
