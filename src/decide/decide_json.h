/* Rows of the log as JSON, and other small things that the files behind decide_log.h share. Private. */
#ifndef CM_DECIDE_DECIDE_JSON_H
#define CM_DECIDE_DECIDE_JSON_H

#include "decide/decide_log.h"

#define CM_LOG_COLUMNS                                                                       \
    "id, time, token, api, tee, ok, stage, reason, client, measurement, label, policy_type," \
    " policy_version, emulated, took_us"
#define CM_LOG_COLUMN_COUNT 15u

/** A row (at least CM_LOG_COLUMNS) as an entry of a list. NULL: out of memory. */
json_t *cm_log_item(const struct cm_db_value *columns, size_t count);

/** {"items", "next"}; items is taken over. next: 0 is the end. NULL: out of memory. */
json_t *cm_log_page(json_t *items, int64_t next);

/** A cursor's number; *out stays when there is none. @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_log_cursor(const char *text, int64_t *out, struct cm_why *why);
/** 50 for 0, and at most 200. */
unsigned cm_log_limit(unsigned limit);

/** An explanation from a row's difference and its base's text; NULL: it cannot be had. */
json_t *cm_log_explanation(const struct cm_db_value *delta, const struct cm_db_value *base);

/**
 * Ask a policy about an explanation's claims. Both are the caller's to free, outcome first.
 * @retval CM_ERR_STATE  there are no claims
 */
CM_MUST_USE enum cm_status cm_log_judge(const json_t *explanation, const struct cm_decide_try *with,
                                        struct cm_policy_outcome **out,
                                        struct cm_policy_claims **claims);

/** An outcome as cm_policy_outcome_json() writes it. NULL: out of memory. */
json_t *cm_json_of_outcome(const struct cm_policy_outcome *outcome);

/** Strict UTF-8 without control characters. */
bool cm_json_is_text(const char *text);

/** A column's text; "" for SQL's NULL. */
const char *cm_json_text(const struct cm_db_value *column);
/** A column's text as JSON, null when it is empty. */
json_t *cm_json_text_or_null(const struct cm_db_value *column);

#endif
