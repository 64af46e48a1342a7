/*
 * Attestation documents of AWS Nitro Enclaves (AWS Nitro Enclaves User Guide, "Verifying the root of
 * trust"; attestation_process.md of the NSM library): a COSE_Sign1 message by the Nitro Security Module.
 * The interface of evidence/material.h; docs/evidence-nitro.md says what is checked and what is not.
 */
#ifndef CM_NITRO_NITRO_H
#define CM_NITRO_NITRO_H

#include "evidence/material.h"
#include "token/cbor_own.h"
#include "token/cose.h"

#define CM_NITRO_MAX_DOCUMENT 65536
#define CM_NITRO_MAX_PAYLOAD  16384
#define CM_NITRO_MAX_PCRS     32
#define CM_NITRO_MAX_CA       8 /* certificates of the CA bundle that are read */

/* A document taken apart; nothing of it is verified. Not movable. */
struct cm_nitro_doc {
    struct cm_cbor_own message;
    struct cm_cbor_own payload;
    struct cm_cose_sign1 sign1;
    struct cm_span module_id; /* text */
    uint64_t timestamp_ms;
    struct cm_span pcrs[CM_NITRO_MAX_PCRS]; /* ptr NULL: not in the document */
    struct cm_span certificate;
    struct cm_span ca[CM_NITRO_MAX_CA];
    size_t ca_count;
    struct cm_span public_key; /* ptr NULL: absent or null, likewise below */
    struct cm_span user_data;
    struct cm_span nonce;
};

/**
 * Take a document apart, tagged or not, its map of definite length or not, and check the rules for its
 * fields.
 * @param out  points into bytes; freed by the caller with cm_nitro_doc_free(), also after a failure.
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_UNSUPPORTED (another algorithm than ES384 or digest than
 *         SHA384)
 */
CM_MUST_USE enum cm_status cm_nitro_doc_parse(struct cm_span bytes, struct cm_nitro_doc *out,
                                              struct cm_why *why);
void cm_nitro_doc_free(struct cm_nitro_doc *doc);

bool cm_nitro_recognise(struct cm_span bytes);

/**
 * Verify a document: roots of the family "nitro" (AWS's other partitions have roots of their own: the
 * caller adds them to in->roots). Checks: nitro.format, nitro.chain, nitro.root, nitro.chain_validity,
 * nitro.signature, debug, nonce; notes: nitro.chain_crl, nitro.instance.
 */
CM_MUST_USE enum cm_status cm_nitro_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                           size_t submod);

#endif
