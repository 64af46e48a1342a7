/* What handlers of JSON APIs take out of requests: bodies and queries, read strictly. */
#ifndef CM_ACCESS_ACCESS_BODY_H
#define CM_ACCESS_ACCESS_BODY_H

#include "service/service_call.h"

/** A member that is a text without NUL; NULL: it is none. body may be NULL. */
const char *cm_access_text(const json_t *body, const char *name);
/** Erase a text of a request's body, which was a secret. */
void cm_access_wipe_text(const json_t *body, const char *name);
/** The body, of these members only; NULL: the call has been answered. @param names  ended by NULL */
json_t *cm_access_body(struct cm_call *call, const char *const *names);
/** The query's limit: 1 to 200, 50 without it. false: it is none, and the call has been answered. */
bool cm_access_limit(struct cm_call *call, unsigned *out);
/** A number of the query that may be absent (then *out stays). As above. */
bool cm_access_number(struct cm_call *call, const char *name, uint64_t *out);

#endif
