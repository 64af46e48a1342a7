/*
 * Topics that change: what one program commits, others that share its store are told. PostgreSQL's
 * NOTIFY goes out with the commit; SQLite is one program's, which tells itself (src/service).
 */
#ifndef CM_STORE_DB_WATCH_H
#define CM_STORE_DB_WATCH_H

#include "store/db.h"

/** Of a text that is sent. */
#define CM_DB_NOTE_MAX 200

struct cm_db_watch;

/**
 * On the watch's own thread. text: what was sent, or "*" when notes may have been missed, as after the
 * connection was lost and found again.
 */
typedef void cm_db_noted(void *arg, const char *text);

/**
 * Begin to listen, before this returns: what is sent from now on is told.
 * @param out  NULL for a store that nobody shares.
 * @retval as of cm_db_open()
 */
CM_MUST_USE enum cm_status cm_db_watch_start(const char *where, cm_db_noted *noted, void *arg,
                                             struct cm_db_watch **out, struct cm_why *why);
/** noted() is not called any more. Accepts NULL. */
void cm_db_watch_stop(struct cm_db_watch *watch);

/** Within a transaction: send with its commit. Does nothing for a store that nobody shares. */
CM_MUST_USE enum cm_status cm_db_note(struct cm_db *db, const char *text, struct cm_why *why);

#endif
