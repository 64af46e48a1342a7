/*
 * The audit log: who did what to which object, each record chained to the one before by its hash. A
 * record that is changed, taken away, put in or put elsewhere breaks the chain at its place.
 *
 * Old records may be cut off the BEGINNING (cm_audit_cut()): what is behind a cut goes on from its last hash, and
 * says so itself in a record of its own: a cut is never silent. Whoever can write to the store can make one, though,
 * with such a record: whether records of that age were to go is for a person to see.
 *
 * NOT promised: that records at the END were not cut off together with the head, or that the whole chain
 * was not written anew, by someone who has the store; keep the last hash elsewhere (cm_audit_verify()).
 */
#ifndef CM_STORE_AUDIT_H
#define CM_STORE_AUDIT_H

#include "store/db.h"

#define CM_AUDIT_HASH 32

struct cm_audit_record {
    int64_t seq;  /* from 1, without gaps */
    int64_t time; /* seconds since 1970 */
    const char *actor;
    const char *action; /* such as "policy.set" */
    const char *object; /* what it was done to */
    const char *detail; /* JSON, or ""; never a secret */
    uint8_t hash[CM_AUDIT_HASH];
};

/** Append, within the caller's transaction. seq and hash of the record are set. */
CM_MUST_USE enum cm_status cm_audit_append(struct cm_db *db, struct cm_audit_record *record,
                                           struct cm_why *why);

typedef bool cm_audit_each(void *arg, const struct cm_audit_record *record);

/** The records behind seq `after`, in order. */
CM_MUST_USE enum cm_status cm_audit_read(struct cm_db *db, int64_t after, cm_audit_each *each,
                                         void *arg, struct cm_why *why);

struct cm_audit_verdict {
    int64_t records; /* the number of the last record up to which they are in order */
    int64_t cut;     /* of the last that was cut off the beginning; 0: none was */
    uint8_t last[CM_AUDIT_HASH];
    bool found; /* the hash that was asked for is among them */
};

/**
 * Verify the whole chain and its head; of what was cut off, that a record of the chain says so.
 * @param known  a hash that was kept elsewhere; NULL: none. It must be in the chain, or be the last cut off.
 * @param out    set also when the chain is broken: as far as it holds.
 * @retval CM_ERR_SIGNATURE  broken; why names the first record that does not fit
 * @retval CM_ERR_MISMATCH   it holds, but `known` is not in it
 */
CM_MUST_USE enum cm_status cm_audit_verify(struct cm_db *db, const uint8_t *known,
                                           struct cm_audit_verdict *out, struct cm_why *why);

/**
 * Within a transaction: cut records off the beginning that are older than `before` (seconds since 1970), some
 * thousands at most, and append one that says so (action "audit.cut", with the number and hash of the last of
 * them). The last record always stays.
 * @param cut  set: how many; 0: there was nothing to cut, and nothing was appended
 */
CM_MUST_USE enum cm_status cm_audit_cut(struct cm_db *db, int64_t now, int64_t before, int64_t *cut,
                                        struct cm_why *why);

#endif
