/*
 * Collateral as owned parts: what a service answered, a folder or a bundle holds, or a library
 * returned. Each part is bounded and copied; nothing is parsed or verified here.
 */
#ifndef CM_COLLATERAL_PARTS_H
#define CM_COLLATERAL_PARTS_H

#include <casemate/dcap.h>

#include "common/span.h"

#define CM_COLLATERAL_MAX_PART ((size_t)1 << 20)

enum cm_collateral_part {
    CM_PART_TCB_INFO,
    CM_PART_TCB_INFO_CHAIN,
    CM_PART_QE_IDENTITY,
    CM_PART_QE_IDENTITY_CHAIN,
    CM_PART_ROOT_CA_CRL,
    CM_PART_PCK_CRL,
    CM_PART_PCK_CHAIN, /* the only one that may be absent */
    CM_PART_COUNT,
};

/* All parts of one platform. Not thread-safe while it is being filled. */
struct cm_collateral_parts;

CM_MUST_USE enum cm_status cm_parts_create(struct cm_collateral_parts **out);

/** Accepts NULL. */
void cm_parts_free(struct cm_collateral_parts *p);

/**
 * Copy a part in, in place of the one that was there.
 * @retval CM_ERR_FORMAT it is empty   @retval CM_ERR_LIMIT larger than CM_COLLATERAL_MAX_PART
 */
CM_MUST_USE enum cm_status cm_parts_set(struct cm_collateral_parts *p, enum cm_collateral_part part,
                                        struct cm_span data);

/** A part; {NULL, 0} when absent. */
struct cm_span cm_parts_get(const struct cm_collateral_parts *p, enum cm_collateral_part part);

/** Whether everything but pck_chain is there; else CM_ERR_NOTFOUND, and why names what is not. */
CM_MUST_USE enum cm_status cm_parts_complete(const struct cm_collateral_parts *p,
                                             struct cm_why *why);

/** For cm_dcap_verify(); refers to p. */
struct cm_dcap_collateral cm_parts_view(const struct cm_collateral_parts *p);

/** The name of a part in JSON bundles: "tcb_info". */
const char *cm_part_name(enum cm_collateral_part part);

#define CM_PPID_MAX 384 /* encrypted with RSA-3072 */

/** What a PCK certificate is asked for by (certification data 1 to 3 of a quote). */
struct cm_pck_key {
    uint8_t qe_id[16];
    uint8_t ppid[CM_PPID_MAX]; /* encrypted */
    size_t ppid_len;           /* 384; 256 or 0: only a cache that knows the QE can answer */
    uint8_t cpusvn[16];
    uint8_t pcesvn[2]; /* little endian, as in quotes */
    uint8_t pceid[2];
};

/** What a platform's collateral is found by. */
struct cm_collateral_key {
    bool tdx; /* TCB info and QE identity for TDX */
    uint8_t fmspc[6];
    bool platform_ca;   /* the PCK certificate is the Platform CA's, not the Processor CA's */
    bool without_chain; /* the quote's PCK chain must be fetched by pck */
    bool known;         /* fmspc and platform_ca: false only of a quote without any certificate */
    struct cm_pck_key pck;
};

/**
 * From a quote's own PCK certificate, or from what it holds instead of one.
 * @param quote  UNTRUSTED.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED
 */
CM_MUST_USE enum cm_status cm_collateral_key_of(struct cm_span quote, struct cm_collateral_key *out,
                                                struct cm_why *why);

#endif
