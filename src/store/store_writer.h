/*
 * The one thread of a program that changes its store. Changes that wait are committed together, so that
 * many of them cost one write to the disk; each is told of its end only after that.
 */
#ifndef CM_STORE_STORE_WRITER_H
#define CM_STORE_STORE_WRITER_H

#include "store/db.h"

/** A change. It belongs to its owner, who keeps it until done() has been called. */
struct cm_change {
    /**
     * On the writer's thread, within a transaction; may be called again when that had to be repeated,
     * so it must have no effect but on the database. Not CM_OK: of this change nothing is kept.
     */
    enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why);
    /** On the writer's thread. CM_OK: it is on the disk. Must not wait. */
    void (*done)(void *arg, enum cm_status st, const struct cm_why *why);
    void *arg;
    struct cm_change *next; /* the writer's */
    enum cm_status st;      /* the writer's */
    struct cm_why why;      /* the writer's */
};

struct cm_writer;

/** @retval as of cm_db_open() and of the schema (schema.h) */
CM_MUST_USE enum cm_status cm_writer_start(const char *where, struct cm_writer **out,
                                           struct cm_why *why);

/** Thread-safe. After cm_writer_stop() has begun, done() gets CM_ERR_STATE at once. */
void cm_writer_add(struct cm_writer *w, struct cm_change *change);

/** Add, and wait for the end: for programs without a loop. */
CM_MUST_USE enum cm_status cm_writer_do(struct cm_writer *w,
                                        enum cm_status (*run)(struct cm_db *db, void *arg,
                                                              struct cm_why *why),
                                        void *arg, struct cm_why *why);

/**
 * What the store failed with when it was last written to; false: it did not. As long as it does, the writer tries
 * once a second by itself, and gives changes less time. Thread-safe.
 */
bool cm_writer_trouble(struct cm_writer *w, struct cm_why *why);

/** What waits is still done. Accepts NULL. */
void cm_writer_stop(struct cm_writer *w);

#endif
