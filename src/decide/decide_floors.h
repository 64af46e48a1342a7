/*
 * Numbers that never decrease, of all that was ever verified: what is below them is refused (rollback).
 * In memory for decisions, and in the store for other instances and the next start. Private to src/decide.
 */
#ifndef CM_DECIDE_DECIDE_FLOORS_H
#define CM_DECIDE_DECIDE_FLOORS_H

#include <casemate/evidence.h>
#include <stdatomic.h>

#include "store/db.h"

#define CM_FLOORS_KEPT 4096u

/* All floors at one moment; immutable, counted. */
struct cm_floor_set {
    atomic_uint refs;
    size_t count;
    struct cm_floor floor[];
};

struct cm_floors;

CM_MUST_USE enum cm_status cm_floors_create(struct cm_floors **out);
/** Accepts NULL. */
void cm_floors_free(struct cm_floors *f);

struct cm_floor_set *cm_floors_hold(struct cm_floors *f);
/** Accepts NULL. */
void cm_floors_drop(struct cm_floor_set *set);

/**
 * Raise to what a verification reached. Thread-safe.
 * @param rose  set: something must be written (cm_floors_write()).
 * @retval CM_ERR_LIMIT, CM_ERR_NOMEM  nothing rose
 */
CM_MUST_USE enum cm_status cm_floors_raise(struct cm_floors *f, const struct cm_evidence *ev,
                                           bool *rose);

/** Within a transaction: what rose since it was last said to be written. */
CM_MUST_USE enum cm_status cm_floors_write(struct cm_floors *f, struct cm_db *db,
                                           struct cm_why *why);
/** The transaction of cm_floors_write() is on the disk; what rose meanwhile still is to be. */
void cm_floors_written(struct cm_floors *f);
/** Whether something is to be written. */
bool cm_floors_dirty(struct cm_floors *f);

/** Raise to what the store has. */
CM_MUST_USE enum cm_status cm_floors_read(struct cm_floors *f, struct cm_db *db,
                                          struct cm_why *why);

#endif
