/* Between the files of the inventory. Private to src/decide. */
#ifndef CM_DECIDE_DECIDE_INVENTORY_H
#define CM_DECIDE_DECIDE_INVENTORY_H

#include "decide/decide_json.h"

#define CM_INVENTORY_ID 264u /* of an id as text, with its NUL */

/** One measurement, as in the list, by its id. @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_inventory_find(struct cm_service *s, struct cm_db *db, const char *id,
                                             json_t **out, struct cm_why *why);

/** An array of platforms: those on which a measurement was seen lately; NULL: all. */
CM_MUST_USE enum cm_status cm_inventory_platforms(struct cm_db *db, const char *measurement,
                                                  json_t **out, struct cm_why *why);

#endif
