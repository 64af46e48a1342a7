/*
 * One request on its way through the service: who calls, what is asked, and the answer. It must be
 * answered exactly once. Untrusted: everything of it.
 */
#ifndef CM_SERVICE_SERVICE_CALL_H
#define CM_SERVICE_SERVICE_CALL_H

#include <jansson.h>

#include "service/service.h"

#define CM_WHO_MAX 128

/** Who calls. Nobody: name "" and no roles. */
struct cm_who {
    char name[CM_WHO_MAX];
    unsigned roles;
    bool session; /* by the browser's cookie: changes need its CSRF token, too */
};

struct cm_call {
    struct cm_service *service;
    struct cm_web_request *req;
    const struct cm_route *route;
    struct cm_who who;
    uint64_t now;     /* when it came in */
    struct cm_db *db; /* a worker's connection, for reading; NULL on a loop */
    /* private to src/service */
    void *state;
    json_t *body;
    struct cm_call_param {
        const char *name;
        size_t name_len;
        char *value;
    } params[4];
    size_t param_count;
    char id[33]; /* of the request, in the log and in x-ms-request-id */
    uint64_t began_ns;
    const char *challenge_error; /* set by authenticate: what was wrong with what was presented */
};

/** A segment of the path by the route's name for it, decoded; never NULL. */
const char *cm_call_param(const struct cm_call *call, const char *name);

/**
 * The body as a JSON object, strictly read: no duplicate names, UTF-8, depth 32, at most 65,536 values and
 * names, 1,024 members of an object.
 * It belongs to the call.
 * @return NULL: it was none, and the call HAS BEEN ANSWERED with 400.
 */
json_t *cm_call_json(struct cm_call *call);
/**
 * Refuse members that nobody reads: a slip of the pen must not mean a default. why names the first.
 * @param where  for why: "the request"
 * @param names  ended by NULL   @retval CM_ERR_PARAM  also: no object
 */
CM_MUST_USE enum cm_status cm_json_only(json_t *object, const char *where, const char *const *names,
                                        struct cm_why *why);

/**
 * As json_dumps(value, JSON_COMPACT), which it leaves to jansson where the text is long or has what our writer has
 * not (fractions): else in a third of the time. The caller frees it. NULL: no memory, or no array and no object.
 */
char *cm_call_text(json_t *value);

/** Bytes as base64url without padding, as a JSON string; NULL: no memory. */
json_t *cm_call_base64url(struct cm_span bytes);

/**
 * The address that the client used: the public URL, or one of the further hosts when its Host header
 * names that. Without a slash at the end. It lives as long as the service.
 */
const char *cm_call_base(const struct cm_call *call);

/** Answer with JSON; the reference to value is taken. */
void cm_call_answer_json(struct cm_call *call, int status, json_t *value);
/** Answer with what is ready-made; the bytes are copied. */
void cm_call_answer(struct cm_call *call, int status, const char *type, struct cm_span body);

/**
 * A header of the answer. Of those that every answer has, Cache-Control ("no-store") and
 * Content-Security-Policy (nothing may be loaded) are replaced by what is given here.
 */
void cm_call_header(struct cm_call *call, const char *name, const char *value);

/**
 * Refuse, in the form of the route's API. The message is for a person and names no secret.
 * @param code  the API's, such as "InvalidParameter".
 */
void cm_call_fail(struct cm_call *call, int status, const char *code, const char *format, ...)
    CM_PRINTF(4, 5);
/**
 * The same from a status: PARAM, FORMAT, SYNTAX, LIMIT, OVERFLOW, UNSUPPORTED 400; DENIED, POLICY, SIGNATURE,
 * MISMATCH, EXPIRED, REVOKED 403; NOTFOUND 404; EXISTS, STATE 409; BUSY, NOMEM, and whatever failed while the store
 * cannot be written, 503 with Retry-After; anything else 500 without details (which go to the log).
 */
void cm_call_fail_status(struct cm_call *call, enum cm_status st, const struct cm_why *why);
/** 401 with the challenge of the route's API. */
void cm_call_challenge(struct cm_call *call);

/**
 * Go on with the call on a worker, from a loop. The call is answered with 503 when workers have too
 * much to do.
 */
void cm_call_later(struct cm_call *call, void (*serve)(struct cm_call *call, void *state));

/**
 * Keep the call beyond its handler: whoever keeps it answers it later, from any thread, by one of the
 * functions above, which free it. (A handler that returns without either has its call answered 500.)
 */
void cm_call_keep(struct cm_call *call);

/** Write, with an audit record in the same transaction, and wait. On a worker.
 * @param object, detail  as of struct cm_audit_record; detail may be NULL. */
CM_MUST_USE enum cm_status
cm_call_write(struct cm_call *call,
              enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why), void *arg,
              const char *action, const char *object, const char *detail, struct cm_why *why);

#endif
