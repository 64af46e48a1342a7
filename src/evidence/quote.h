/*
 * Taking SGX and TDX quotes apart (versions 3, 4, 5). Parsing only: nothing is verified here.
 * Layouts: Intel's DCAP quote formats; all integers little endian.
 */
#ifndef CM_EVIDENCE_QUOTE_H
#define CM_EVIDENCE_QUOTE_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

enum cm_quote_body {
    CM_QUOTE_BODY_SGX = 1,     /* 384 bytes */
    CM_QUOTE_BODY_TD10 = 2,    /* 584 */
    CM_QUOTE_BODY_TD15 = 3,    /* 648 */
    CM_QUOTE_BODY_TD15_EX = 4, /* 885 */
};

#define CM_QUOTE_TEE_SGX 0u
#define CM_QUOTE_TEE_TDX 0x81u

/* An enclave's report body: the quoted enclave's, or the quoting enclave's own. */
struct cm_sgx_body {
    struct cm_span cpusvn;
    uint32_t miscselect;
    struct cm_span isvextprodid;
    struct cm_span attributes; /* 16 bytes: flags, xfrm */
    uint64_t flags;
    uint64_t xfrm;
    struct cm_span mrenclave;
    struct cm_span mrsigner;
    struct cm_span configid;
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    struct cm_span isvfamilyid;
    struct cm_span reportdata;
};

struct cm_td_body {
    struct cm_span tee_tcb_svn;
    struct cm_span mrseam;
    struct cm_span mrsignerseam;
    struct cm_span seam_attributes;
    struct cm_span td_attributes;
    struct cm_span xfam;
    struct cm_span mrtd;
    struct cm_span mrconfigid;
    struct cm_span mrowner;
    struct cm_span mrownerconfig;
    struct cm_span rtmr[4];
    struct cm_span reportdata;
    /* TD 1.5 and up; ptr NULL before */
    struct cm_span tee_tcb_svn2;
    struct cm_span mrservicetd;
    struct cm_span extended; /* what TD 1.5 Ex appends, as it is */
};

struct cm_quote {
    uint16_t version;
    uint32_t tee;
    enum cm_quote_body body_type;
    struct cm_span signed_bytes; /* header, body descriptor (v5), body */
    struct cm_span qe_vendor;
    struct cm_span user_data;
    struct cm_sgx_body sgx; /* one of the two, by tee */
    struct cm_td_body td;
    struct cm_span signature; /* r || s */
    struct cm_span att_key;   /* x || y */
    struct cm_span qe_report; /* 384 bytes, signed by the PCK */
    struct cm_sgx_body qe;
    struct cm_span qe_signature;
    struct cm_span qe_auth;
    uint16_t cert_type; /* 1 to 5 */
    struct cm_span cert_data;
};

/** The body of a REPORT, or of a quote: 384 bytes. @retval CM_ERR_FORMAT another length */
CM_MUST_USE enum cm_status cm_sgx_body_parse(struct cm_span bytes, struct cm_sgx_body *out);

/**
 * A TD quote without the zeros that Azure's service puts behind it: the bytes up to the end that the quote states.
 * What is no quote, or has other bytes behind it, comes back as it is. @param bytes  UNTRUSTED, borrowed
 */
struct cm_span cm_quote_unpadded(struct cm_span bytes);

/**
 * @param bytes  UNTRUSTED; exactly one quote: bytes behind it are refused.
 * @param out    refers to bytes.
 * @retval CM_ERR_FORMAT truncated, trailing bytes, a length that does not fit
 * @retval CM_ERR_UNSUPPORTED a version, key type, vendor or certification type that is not handled
 */
CM_MUST_USE enum cm_status cm_quote_parse(struct cm_span bytes, struct cm_quote *out,
                                          struct cm_why *why);

#endif
