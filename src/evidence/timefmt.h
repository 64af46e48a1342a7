/* Times of signed JSON: "YYYY-MM-DDTHH:MM:SSZ" to seconds since 1970, strictly. */
#ifndef CM_EVIDENCE_TIMEFMT_H
#define CM_EVIDENCE_TIMEFMT_H

#include <casemate/status.h>

#include "token/json.h"

/** Years 1970 to 9999, UTC only, no leap second. @retval CM_ERR_FORMAT anything else */
CM_MUST_USE enum cm_status cm_time_parse(struct cm_json_value text, uint64_t *out);

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
uint64_t cm_days_from_date(uint64_t year, uint64_t month, uint64_t day);

#endif
