/*
 * The bytes that attestation exchanges: headers before evidence and reports, where a quote ends and
 * custom claims begin, endorsements. Taking apart and putting together only; nothing is verified.
 * Everything that is parsed is UNTRUSTED and does not change meanwhile. Host and enclave.
 */
#ifndef CM_ATTEST_WIRE_H
#define CM_ATTEST_WIRE_H

#include <casemate/dcap.h>
#include <openenclave/bits/attestation.h>
#include <openenclave/bits/report.h>
#include <openenclave/bits/result.h>

#include "common/span.h"

#define CM_SGX_REPORT_SIZE      432u
#define CM_SGX_BODY_SIZE        384u
#define CM_SGX_TARGET_INFO_SIZE 512u
#define CM_ATTEST_HEADER_SIZE   32u
#define CM_REPORT_HEADER_SIZE   16u

/* an enclave asks its host for one quote of at most this many bytes; real ones are below 5 KiB */
#define CM_ATTEST_MAX_QUOTE 16384u

/*
 * Before evidence and endorsements that name their format stands, little endian: u32 version, the
 * format's 16 bytes, 4 bytes of padding, u64 size of what follows. Before a report: u32 version,
 * u32 type, u64 size.
 */
#define CM_ATTEST_HEADER_VERSION 3
#define CM_REPORT_HEADER_VERSION 1

enum cm_report_type {
    CM_REPORT_LOCAL = 1,  /* a REPORT follows */
    CM_REPORT_REMOTE = 2, /* a quote follows */
};

bool cm_uuid_equal(const oe_uuid_t *a, const oe_uuid_t *b);

/**
 * Evidence or endorsements behind a header.
 * @retval OE_INVALID_PARAMETER  shorter than a header, another version, or its size is not the rest
 */
oe_result_t cm_attest_unwrap(struct cm_span in, oe_uuid_t *format, struct cm_span *data);

/** The parts one after another, behind a header when format is not NULL. *out is malloced. */
oe_result_t cm_attest_join(const oe_uuid_t *format, const struct cm_span *parts, size_t count,
                           uint8_t **out, size_t *size);

/** A REPORT or a quote behind a report header. @retval OE_INVALID_PARAMETER */
oe_result_t cm_report_unwrap(struct cm_span in, enum cm_report_type *type, struct cm_span *inner);

/** *out is malloced. */
oe_result_t cm_report_wrap(enum cm_report_type type, struct cm_span inner, uint8_t **out,
                           size_t *size);

/**
 * Where a quote ends that has other bytes behind it.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  as cm_quote_parse()
 */
CM_MUST_USE enum cm_status cm_quote_split(struct cm_span in, struct cm_span *quote,
                                          struct cm_span *rest);

enum cm_quote_wrapping {
    CM_QUOTE_BARE,        /* no header before it */
    CM_QUOTE_IN_EVIDENCE, /* behind the header of evidence, which names a format */
    CM_QUOTE_IN_REPORT,   /* behind the header of a remote report */
};

struct cm_quote_place {
    enum cm_quote_wrapping wrapping;
    oe_uuid_t format;     /* in evidence: what its header says */
    struct cm_span inner; /* what is behind the header; all when there is none */
    struct cm_span quote; /* its beginning, and */
    struct cm_span rest;  /* what is behind: custom claims, or what does not belong there */
};

/**
 * Where in evidence or a report, with or without a header, the quote is.
 * @param out  wrapping, format and inner are set in any case.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  inner does not begin with a quote
 */
CM_MUST_USE enum cm_status cm_quote_find(struct cm_span in, struct cm_quote_place *out);

/** Endorsements taken apart; the spans point into them. Text is without its terminator. */
struct cm_endorsements {
    struct cm_span items[OE_SGX_ENDORSEMENT_COUNT]; /* as they are, terminators included */
    struct cm_dcap_collateral collateral;
};

/** @retval OE_INVALID_ENDORSEMENT */
oe_result_t cm_endorsements_parse(struct cm_span in, struct cm_endorsements *out);

struct cm_cert;

/**
 * The PCK CA's certificate and the root's, in this order, in PEM: who issued the revocation lists.
 * @param out   malloced; a NUL follows.
 * @param size  without the NUL.
 * @retval OE_OUT_OF_MEMORY
 */
oe_result_t cm_issuers_text(const struct cm_cert *ca, const struct cm_cert *root, uint8_t **out,
                            size_t *size);

/**
 * The same of the PCK chain in a quote. Nothing is verified.
 * @retval OE_MISSING_CERTIFICATE_CHAIN  the quote has none, or a malformed one
 */
oe_result_t cm_pck_issuers(struct cm_span quote, uint8_t **out, size_t *size);

/**
 * Whether a quote's PCK chain would have to come with the endorsements, which have no place for it:
 * those for such a quote (certification data 1 to 4) can never verify it.
 * @param why  set when it is so; may be NULL.
 * @return false also for what is no quote
 */
bool cm_pck_chain_elsewhere(struct cm_span quote, struct cm_why *why);

/**
 * @param quote  whose PCK chain gives the issuers of the PCK CA's revocation list.
 * @param now    the creation date that is written into them.
 * @param out    malloced, also freed by oe_free_endorsements() and oe_free_sgx_endorsements().
 * @retval OE_INVALID_ENDORSEMENT  longer than OE_ATTESTATION_ENDORSEMENT_MAX_SIZE
 */
oe_result_t cm_endorsements_make(const struct cm_dcap_collateral *col, struct cm_span quote,
                                 uint64_t now, uint8_t **out, size_t *size);

#endif
