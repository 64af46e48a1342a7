/*
 * An explanation as a list of items: small JSON arrays, each one check, claim, rule or binding. Most items
 * of two attestations of one program on one machine are equal, so the store has such a list once (a base)
 * and for each attestation what differs. Private to src/decide.
 *
 *   ["m", submodule, genuine]
 *   ["k", check, result, required, status, detail]          of the submodule before it
 *   ["b", binding, from, to, result]
 *   ["e", claim, value, authority]                          of evidence that is not genuine
 *   ["c", type, issuer, value]  ["j", type, issuer, JSON]   of a policy's incoming claims
 *   ["s", section, line, fired, failed, rule, details]      of a policy's rules
 *   ["i", type, value]  ["p", type, value]                  issued claims and properties
 *   ["x", what]                                             left out: it was too large
 */
#ifndef CM_DECIDE_DECIDE_ITEMS_H
#define CM_DECIDE_DECIDE_ITEMS_H

#include <jansson.h>

#include "decide/decide_engine.h"

#define CM_ITEMS_MAX       65536u
#define CM_ITEMS_MAX_BYTES (8u << 20)
#define CM_ITEM_MAX        (1u << 20)

struct cm_items {
    uint8_t *text;
    size_t len;
    size_t cap;
    struct cm_item {
        uint32_t off;
        uint32_t len;
    } * item;
    size_t count;
    size_t item_cap;
};

/** @param out  empty; freed in any case with cm_items_free(). @retval CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_of(const struct cm_decision *d, struct cm_items *out);
void cm_items_free(struct cm_items *items);
struct cm_span cm_items_at(const struct cm_items *items, size_t index);

/** All items as bytes, for a base. @param out  malloced */
CM_MUST_USE enum cm_status cm_items_write(const struct cm_items *items, uint8_t **out, size_t *len);
/** @param bytes  UNTRUSTED. @retval CM_ERR_FORMAT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_read(struct cm_span bytes, struct cm_items *out);

/** What differs from a base, as bytes. @param out  malloced */
CM_MUST_USE enum cm_status cm_items_diff(const struct cm_items *base, const struct cm_items *items,
                                         uint8_t **out, size_t *len);
/** @param diff  UNTRUSTED. @retval CM_ERR_FORMAT, CM_ERR_NOMEM */
CM_MUST_USE enum cm_status cm_items_patch(const struct cm_items *base, struct cm_span diff,
                                          struct cm_items *out);

/** As JSON: an array of the items. NULL: out of memory, or not JSON. */
json_t *cm_items_json(const struct cm_items *items);

/** The incoming claims again. @retval CM_ERR_NOTFOUND  it has none: it was not genuine */
CM_MUST_USE enum cm_status cm_items_claims(const struct cm_items *items,
                                           struct cm_policy_claims **out);

#endif
