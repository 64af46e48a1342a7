/*
 * An explanation: one JSON text with everything that was checked, claimed and judged. Two explanations of
 * one program on one machine are nearly equal, so the store has one such text whole (a base), and of others
 * what differs from it. They are compared piece by piece; a piece ends before a comma that begins a member
 * or an element. Private to src/decide.
 *
 *   {"format": "dcap", "evidence_size": 4734, "materials": [{"kind", "size"}],
 *    "evidence": cm_evidence_json()'s or null, "outcome": cm_policy_outcome_json()'s or null,
 *    "token": the payload that was issued, or null,
 *    "incoming": [["type", issuer, value], ["type", issuer, value, 1 for JSON], ...] or null}
 */
#ifndef CM_DECIDE_DECIDE_ITEMS_H
#define CM_DECIDE_DECIDE_ITEMS_H

#include "decide/decide_engine.h"

#define CM_EXPLANATION_MAX \
    (4u << 20) /* bytes; beyond it evidence and incoming claims are left out */

/** A text and its pieces. */
struct cm_items {
    char *text;
    size_t len;
    uint32_t *start; /* of each piece; one more: the end */
    size_t count;
};

/** @param out  freed in any case with cm_items_free(). @retval CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_of(const struct cm_decision *d, const struct cm_decide_job *job,
                                       struct cm_items *out);
/** Of a text, which is copied. @retval CM_ERR_LIMIT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_read(struct cm_span text, struct cm_items *out);
void cm_items_free(struct cm_items *items);

/** What differs from a base, as bytes. @param out  malloced */
CM_MUST_USE enum cm_status cm_items_diff(const struct cm_items *base, const struct cm_items *items,
                                         uint8_t **out, size_t *len);
/**
 * The text again. @param diff  UNTRUSTED. @param out  malloced, not ended by NUL
 * @retval CM_ERR_FORMAT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_items_patch(const struct cm_items *base, struct cm_span diff,
                                          char **out, size_t *len);

/** The incoming claims of an explanation. @retval CM_ERR_NOTFOUND  none were kept
 * @retval CM_ERR_FORMAT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_claims(const json_t *explanation,
                                           struct cm_policy_claims **out);

#endif
