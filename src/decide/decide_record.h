/* The record of a decision: its row, what explains it, and what is counted. Private to src/decide. */
#ifndef CM_DECIDE_DECIDE_RECORD_H
#define CM_DECIDE_DECIDE_RECORD_H

#include "decide/decide_items.h"
#include "store/store_writer.h"

#define CM_RECORD_TEXT 256u

/* What is searched for and counted. Texts are plain UTF-8, cut to fit. */
struct cm_facts {
    int64_t time;
    char token[65];
    char api[16];
    char tee[24];
    bool ok;
    bool genuine;
    bool emulated;
    int64_t status; /* enum cm_status */
    char stage[16];
    char reason[CM_RECORD_TEXT];
    char cause[96]; /* what is counted as one reason: the check, or the policy and line */
    char client[128];
    char measurement[129]; /* hexadecimal; "" when there is none */
    char label[40];        /* what the measurement is called: "mrenclave" */
    char signer[129];
    char platform[160]; /* what it ran on: "fmspc:HEX", a chip's number; "" when nothing says */
    char tcb[64];
    char advisories[256]; /* JSON array */
    int64_t product;      /* -1: nothing says */
    int64_t svn;
    bool debug;
    uint64_t took_ns;
    char policy_type[CM_RULES_TYPE_MAX];
    int64_t policy_version;
    char policy_hash[CM_POLICY_HASH_CAP];
};

void cm_facts_of(const struct cm_decision *d, const struct cm_decide_job *job,
                 struct cm_facts *out);

/* Bases of explanations that were written lately; shared by all records. */
struct cm_bases;
CM_MUST_USE enum cm_status cm_bases_create(struct cm_bases **out);
/** Accepts NULL. No record may be left. */
void cm_bases_free(struct cm_bases *b);
/** Forget all: the store may be another. */
void cm_bases_clear(struct cm_bases *b);

/** A row on its way to the store. */
struct cm_record {
    int64_t id;
    struct cm_facts facts;
    struct cm_base *base;
    uint8_t *delta;
    size_t delta_len;
};

/** @param id  unique, and growing with time: cm_record_id(). @retval CM_ERR_NOMEM, CM_ERR_CRYPTO */
CM_MUST_USE enum cm_status cm_record_make(struct cm_bases *b, const struct cm_decision *d,
                                          const struct cm_decide_job *job, int64_t id,
                                          struct cm_record *out);
void cm_record_free(struct cm_record *r);

/** Within a transaction; may be repeated. */
CM_MUST_USE enum cm_status cm_record_write(struct cm_db *db, const struct cm_record *r,
                                           struct cm_why *why);
/** It is on the disk, and with it its base. */
void cm_record_written(const struct cm_record *r);

/** Numbers for records: seconds and a counter, and below them who counts. */
struct cm_record_ids {
    _Atomic(int64_t) last;
    uint8_t who; /* random: instances do not meet */
};
int64_t cm_record_id(struct cm_record_ids *ids, uint64_t now);
/** The smallest number of a time. */
int64_t cm_record_first_id(uint64_t time);

/** How much of the log is kept. */
struct cm_retention {
    uint64_t days;
    uint64_t rows; /* of what was permitted */
    uint64_t
        denied_rows; /* of genuine evidence that a policy refused: whoever has a TEE can have those written */
    uint64_t refused_rows; /* of evidence that was refused: anybody can have those written */
};

/**
 * Retention, within a transaction: rows older than the days, and of each kind those beyond its newest, so
 * that however many of refused evidence there are, no genuine one goes for them, and none that was permitted
 * for those that were denied; at most a few thousand at once, refused evidence first. @param more  set: there is more to do.
 */
CM_MUST_USE enum cm_status cm_record_retire(struct cm_db *db, uint64_t now,
                                            const struct cm_retention *keep, bool *more,
                                            struct cm_why *why);

#endif
