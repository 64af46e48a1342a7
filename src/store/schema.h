/* The tables of a store, by version. Versions only go up: an older program refuses a newer store. */
#ifndef CM_STORE_SCHEMA_H
#define CM_STORE_SCHEMA_H

#include "store/db.h"

/** The version that this program writes. */
int64_t cm_schema_version(void);

/**
 * Bring a store to this program's version, in one transaction.
 * @retval CM_ERR_UNSUPPORTED  it is newer   @retval others of cm_db_run()
 */
CM_MUST_USE enum cm_status cm_schema_apply(struct cm_db *db, struct cm_why *why);

#endif
