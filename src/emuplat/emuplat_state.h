/*
 * The emulated platform's state: keys, certificates, revocation lists, documents and the numbers in
 * them, in one file of the user that is replaced as a whole (sgx-attestation in the state folder).
 * Private to src/emuplat and its tests.
 */
#ifndef CM_EMUPLAT_STATE_H
#define CM_EMUPLAT_STATE_H

#include <casemate/dcap.h>

#include "common/span.h"
#include "emuplat/emuplat_cpu.h"

#define CM_EMUPLAT_FILE        "sgx-attestation"
#define CM_EMUPLAT_MAX_FILE    (256u << 10)
#define CM_EMUPLAT_MAX_PART    (32u << 10)
#define CM_EMUPLAT_MAX_REVOKED 256u
#define CM_EMUPLAT_SERIAL_SIZE 16u

/* What the state holds as bytes. Keys are PKCS#8 PEM, certificates PEM, lists DER. */
enum cm_emuplat_part {
    CM_EMUPLAT_KEY_ROOT,
    CM_EMUPLAT_KEY_CA,
    CM_EMUPLAT_KEY_PCK,
    CM_EMUPLAT_KEY_TCB,
    CM_EMUPLAT_KEY_ATT, /* the QE's attestation key */
    CM_EMUPLAT_CERT_ROOT,
    CM_EMUPLAT_CERT_CA,
    CM_EMUPLAT_CERT_PCK,
    CM_EMUPLAT_CERT_TCB,
    CM_EMUPLAT_CRL_ROOT,
    CM_EMUPLAT_CRL_PCK,
    CM_EMUPLAT_TCB_INFO,    /* version 3 */
    CM_EMUPLAT_TCB_INFO_V2, /* the same for clients of the PCCS API's version 3 */
    CM_EMUPLAT_QE_IDENTITY,
    CM_EMUPLAT_PARTS,
};

struct cm_emuplat_bytes {
    uint8_t *ptr; /* malloced; a zero byte follows */
    size_t len;
};

struct cm_emuplat_state {
    uint64_t created;   /* seconds since 1970: the platform's certificates */
    uint64_t not_after; /* of all certificates */
    uint64_t issued;    /* lists and documents */
    uint64_t next_update;
    uint64_t tcb_changed; /* when the status was set */
    uint32_t evaluation;  /* tcbEvaluationDataNumber: grows with each change of the status */
    uint32_t crl_number;  /* of both lists: grows with each issue */
    enum cm_dcap_tcb tcb;
    uint8_t instance_id[16];
    uint8_t pck_serial[CM_EMUPLAT_SERIAL_SIZE];
    uint32_t revoked_count;
    uint8_t revoked[CM_EMUPLAT_MAX_REVOKED][CM_EMUPLAT_SERIAL_SIZE];
    struct cm_emuplat_bytes part[CM_EMUPLAT_PARTS];
};

/** An empty state; NULL when out of memory. */
struct cm_emuplat_state *cm_emuplat_state_new(void);
/** Wipes. Accepts NULL. */
void cm_emuplat_state_free(struct cm_emuplat_state *s);

/** Copy bytes into a part, in place of what was there. @retval CM_ERR_LIMIT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_emuplat_part_set(struct cm_emuplat_state *s,
                                               enum cm_emuplat_part part, struct cm_span bytes);
struct cm_span cm_emuplat_part_get(const struct cm_emuplat_state *s, enum cm_emuplat_part part);

/** Whether the platform's present PCK certificate is on its CA's list. */
bool cm_emuplat_is_revoked(const struct cm_emuplat_state *s);

/**
 * The file's bytes without their two trailers.
 * @param body  UNTRUSTED
 * @param out   set only on CM_OK; the caller frees it
 * @retval CM_ERR_FORMAT  truncated, left over, or a value out of its range
 */
CM_MUST_USE enum cm_status cm_emuplat_body_parse(struct cm_span body,
                                                 struct cm_emuplat_state **out);

/**
 * A whole file: body, its CMAC under the processor's state key, SHA-256 of both.
 * @retval CM_ERR_FORMAT    damaged
 * @retval CM_ERR_MISMATCH  whole, but another processor's
 */
CM_MUST_USE enum cm_status cm_emuplat_file_parse(struct cm_span file,
                                                 const struct cm_emuplat_cpu *cpu,
                                                 struct cm_emuplat_state **out);

/** @param out  malloced, holds secrets: the caller wipes and frees it */
CM_MUST_USE enum cm_status cm_emuplat_file_compose(const struct cm_emuplat_state *s,
                                                   const struct cm_emuplat_cpu *cpu, uint8_t **out,
                                                   size_t *len);

#endif
