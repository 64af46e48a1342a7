/*
 * Collateral as it is kept: all parts of one platform, of one line of AMD's processors, or of one AMD
 * chip, immutable and counted. UNTRUSTED as it comes from its source; verified wherever it is used.
 * Private to src/decide.
 */
#ifndef CM_DECIDE_DECIDE_KEPT_H
#define CM_DECIDE_DECIDE_KEPT_H

#include <stdatomic.h>

#include "collateral/collateral_parts.h"

#define CM_KEPT_NAME  208u
#define CM_KEPT_NEVER UINT64_MAX

enum cm_kept_kind {
    CM_KEPT_DCAP = 0,    /* parts as enum cm_collateral_part */
    CM_KEPT_SNP_CA = 1,  /* part 0: intermediate and root in PEM; part 1: revocation list */
    CM_KEPT_SNP_KEY = 2, /* part 0: a chip's certificate (VCEK) in DER */
};
#define CM_KEPT_KINDS 3

/* What a KDS document is asked for by. */
struct cm_kds_ask {
    char line[8]; /* "Milan": of processors */
    bool vlek;    /* of a chain: the one of VLEKs */
    uint8_t chip[64];
    uint8_t tcb[8]; /* REPORTED_TCB as it stands in the report */
};

/** What is wanted. Its name says all of it; made by the functions below. */
struct cm_want {
    char name[CM_KEPT_NAME];
    enum cm_kept_kind kind;
    struct cm_collateral_key key; /* DCAP */
    struct cm_kds_ask kds;        /* SNP */
};

/** Names: "dcap/sgx/FMSPC/platform", of a quote without certificates "dcap/sgx/pck/DIGEST". */
CM_MUST_USE enum cm_status cm_want_dcap(const struct cm_collateral_key *key, struct cm_want *out);
/** "snp/Milan/vcek". @retval CM_ERR_PARAM no such line */
CM_MUST_USE enum cm_status cm_want_snp_ca(const char *line, bool vlek, struct cm_want *out);
/** "snp/Milan/vcek/CHIP/TCB". */
CM_MUST_USE enum cm_status cm_want_snp_key(const char *line, struct cm_span chip,
                                           struct cm_span tcb, struct cm_want *out);

/* What there is to know of collateral without verifying it. */
struct cm_kept_facts {
    uint64_t not_after; /* the earliest next update; CM_KEPT_NEVER: none */
    uint64_t
        part_after[4]; /* of TCB info, QE identity, root's and PCK CA's lists; of AMD's the first */
    uint64_t number[6]; /* that never decrease: see cm_kept_number_name() */
    bool has_number[6];
};

/** "TCB evaluation data number" and so on: for messages, of a kind. */
const char *cm_kept_number_name(enum cm_kept_kind kind, size_t index);

struct cm_kept {
    atomic_uint refs;
    struct cm_want want;
    struct cm_span part[CM_PART_COUNT];
    char hash[CM_PART_COUNT][65]; /* SHA-256 in hexadecimal; "" of an absent part */
    struct cm_kept_facts facts;
    uint64_t fetched; /* seconds since 1970 */
    uint8_t bytes[];
};

/**
 * Make one, with one reference. Parts are copied.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED  a part is not what it must be; why says which
 * @retval CM_ERR_LIMIT, CM_ERR_NOMEM, CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_kept_make(const struct cm_want *want,
                                        const struct cm_span part[CM_PART_COUNT], uint64_t fetched,
                                        struct cm_kept **out, struct cm_why *why);
struct cm_kept *cm_kept_hold(struct cm_kept *k);
/** Accepts NULL. */
void cm_kept_drop(struct cm_kept *k);

/**
 * Whether `next` may stand in the place of `old`: no number of it is lower.
 * @retval CM_ERR_POLICY  rolled back; why says which number
 */
CM_MUST_USE enum cm_status cm_kept_follows(const struct cm_kept *old, const struct cm_kept *next,
                                           struct cm_why *why);

/** For cm_dcap_verify(); refers to k. */
struct cm_dcap_collateral cm_kept_dcap(const struct cm_kept *k);

/** One as bytes for the store, and back. @param out  malloced */
CM_MUST_USE enum cm_status cm_kept_write(const struct cm_kept *k, uint8_t **out, size_t *len);
/** @param bytes  UNTRUSTED. @retval CM_ERR_FORMAT */
CM_MUST_USE enum cm_status cm_kept_read(struct cm_span bytes, struct cm_kept **out,
                                        struct cm_why *why);

#endif
