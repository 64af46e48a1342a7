/* Audit records as JSON, the same from the service and from `casemate audit export`. */
#ifndef CM_ACCESS_ACCESS_EXPORT_H
#define CM_ACCESS_ACCESS_EXPORT_H

#include <jansson.h>
#include <stdio.h>

#include "store/audit.h"

/** {"seq","time","actor","action","object","detail","hash"}; a detail that is no JSON is null. NULL: no memory. */
json_t *cm_audit_json(const struct cm_audit_record *r);

/**
 * The records behind seq `after`, one a line, oldest first; about `max` bytes at the most: whoever finds
 * less than he knows of asks again behind the last one.
 * @retval CM_ERR_IO, CM_ERR_NOMEM   @retval as of cm_audit_read()
 */
CM_MUST_USE enum cm_status cm_audit_export(struct cm_db *db, int64_t after, size_t max, FILE *to,
                                           struct cm_why *why);

#endif
