/*
 * PCK chains that were seen: which collateral they need, and that they lead to a trusted root; so that
 * nothing of them is parsed for every quote. Private to src/decide.
 */
#ifndef CM_DECIDE_DECIDE_SEEN_H
#define CM_DECIDE_DECIDE_SEEN_H

#include "decide/decide_kept.h"

struct cm_seen;

CM_MUST_USE enum cm_status cm_seen_create(struct cm_seen **out);
/** Accepts NULL. */
void cm_seen_free(struct cm_seen *s);

/** @param chain  UNTRUSTED: any bytes. Thread-safe. */
bool cm_seen_find(struct cm_seen *s, struct cm_span chain, bool tdx, struct cm_want *out);

/** Remember one; only of chains that lead to a trusted root, so that strangers push none out. */
void cm_seen_keep(struct cm_seen *s, struct cm_span chain, const struct cm_want *want);

/** Forget all: other roots are trusted now. */
void cm_seen_clear(struct cm_seen *s);

#endif
