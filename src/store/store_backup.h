/*
 * A store as one file, and back: the backup of any kind of store is an SQLite file with the same tables, and
 * goes into a new store of any kind. Host side only.
 */
#ifndef CM_STORE_STORE_BACKUP_H
#define CM_STORE_STORE_BACKUP_H

#include "store/audit.h"

struct cm_backup {
    int64_t rows;
    struct cm_audit_verdict audit; /* of the copy */
};

/**
 * Copy one state of a store, which may be written to meanwhile, into a file of mode 0600.
 *
 * @param where  as of cm_db_open()
 * @param file   appears when the copy is whole and on the disk; nothing that is there is replaced, which
 *               could be the store itself
 *
 * @retval CM_ERR_EXISTS       file is there
 * @retval CM_ERR_UNSUPPORTED  the store has another version than this program's
 * @retval CM_ERR_SIGNATURE    the file is whole, but the store's audit log does not verify
 * @retval CM_ERR_NOTFOUND     there is no such store      @retval others of cm_db_run()
 */
CM_MUST_USE enum cm_status cm_store_backup(const char *where, const char *file,
                                           struct cm_backup *out, struct cm_why *why);

/**
 * Make a new store of a backup whose audit log verifies, and write into the log that this was done. The
 * backup may be of an older version; it is not changed.
 *
 * @param where  of a store that is not there yet; PostgreSQL: a database without
 *               our tables, or with an audit log in which nothing stands yet
 * @param now    for the audit record
 *
 * @retval CM_ERR_EXISTS       there is a store already     @retval CM_ERR_SIGNATURE  the log is broken
 * @retval CM_ERR_UNSUPPORTED  the backup is of a newer version
 * @retval CM_ERR_FORMAT, CM_ERR_NOTFOUND  no backup        @retval others of cm_db_run()
 *
 * NOT promised: the root key (keep.h), which is not in the store; that what was revoked behind the backup
 * stays revoked.
 */
CM_MUST_USE enum cm_status cm_store_restore(const char *file, const char *where, int64_t now,
                                            struct cm_backup *out, struct cm_why *why);

#endif
