/* Times of signed JSON and of certificates to seconds since 1970, strictly; and back for people. */
#ifndef CM_EVIDENCE_TIMEFMT_H
#define CM_EVIDENCE_TIMEFMT_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

/**
 * "YYYY-MM-DDTHH:MM:SSZ", years 1970 to 9999, UTC only, no leap second.
 * @retval CM_ERR_FORMAT anything else
 */
CM_MUST_USE enum cm_status cm_time_parse(struct cm_span text, uint64_t *out);

/** The content of a DER UTCTime ("YYMMDDHHMMSSZ", utc) or GeneralizedTime ("YYYYMMDDHHMMSSZ"). */
CM_MUST_USE enum cm_status cm_time_parse_der(struct cm_span text, bool utc, uint64_t *out);

/** The form of cm_time_parse(). */
void cm_time_text(uint64_t t, char out[24]);

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
uint64_t cm_days_from_date(uint64_t year, uint64_t month, uint64_t day);

#endif
