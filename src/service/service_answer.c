/*
 * Answers: the headers that all have, errors and challenges in the form of each API, and the line of the
 * log about it. No answer and no line quotes what a request carried as a secret.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/wipe.h"
#include "service/service_private.h"

#define KBS_ERRORS "https://github.com/confidential-containers/kbs/errors/"

static struct service_call *of(struct cm_call *call)
{
    return (struct service_call *)(void *)call;
}

enum cm_api cm_service_api_of(const struct cm_call *call)
{
    const struct service_call *c = (const struct service_call *)(const void *)call;

    return c->to == NULL ? CM_API_NATIVE : c->to->route->api;
}

void cm_call_header(struct cm_call *call, const char *name, const char *value)
{
    struct service_call *c = of(call);

    c->own_cache = c->own_cache || strcasecmp(name, "Cache-Control") == 0;
    c->own_policy = c->own_policy || strcasecmp(name, "Content-Security-Policy") == 0;
    cm_web_add_header(call->req, name, value);
}

static void add_headers(struct service_call *c)
{
    struct cm_web_request *req = c->call.req;

    cm_web_add_header(req, "X-Content-Type-Options", "nosniff");
    cm_web_add_header(req, "Referrer-Policy", "no-referrer");
    cm_web_add_header(req, "x-ms-request-id", c->call.id);
    if (!c->own_cache) {
        cm_web_add_header(req, "Cache-Control", "no-store");
    }
    if (!c->own_policy) {
        cm_web_add_header(req, "Content-Security-Policy",
                          "default-src 'none'; frame-ancestors 'none'");
    }
    if (!c->call.service->config.accept_emulated) { /* a browser would keep to it for a year */
        cm_web_add_header(req, "Strict-Transport-Security", "max-age=31536000");
    }
    if (c->cors) {
        cm_web_add_header(req, "Access-Control-Allow-Origin", "*");
    }
}

static void log_answer(const struct service_call *c, int status, uint64_t nanoseconds)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    const unsigned method = (unsigned)cm_web_method(c->call.req);
    char number[16] = "";
    char micros[24] = "";
    char more[24] = "";
    const char *fields[] = {
        "id",     c->call.id,
        "peer",   cm_web_peer(c->call.req),
        "method", methods[__builtin_ctz(method)],
        "route",  c->call.route == NULL ? "" : c->call.route->path,
        "status", number,
        "us",     micros,
        "who",    c->call.who.name,
        "more",   more,
    };
    size_t count = sizeof(fields) / sizeof(fields[0]) / 2 - 1;
    unsigned long long others = 0;

    if (status == 429 || status == 503) { /* of a flood, say, which shall not fill the disk */
        if (!cm_service_gate(&c->call.service->refused, &others)) {
            return;
        }
        if (others != 0) {
            (void)snprintf(more, sizeof(more), "%llu", others);
            count++;
        }
    }
    (void)snprintf(number, sizeof(number), "%d", status);
    (void)snprintf(micros, sizeof(micros), "%" PRIu64, nanoseconds / 1000);
    cm_service_log(c->call.service, CM_LOG_INFO, "request", fields, count);
}

void cm_service_unserved(void *app, const char *peer, int status)
{
    struct cm_service *s = app;
    unsigned long long others = 0;
    char number[16] = "";
    char more[24] = "";

    cm_service_count(&s->unrouted, status, 0);
    if (cm_service_gate(&s->refused, &others)) {
        (void)snprintf(number, sizeof(number), "%d", status);
        (void)snprintf(more, sizeof(more), "%llu", others);
        cm_service_log(
            s, CM_LOG_INFO, "request",
            (const char *const[]){"peer", peer, "route", "", "status", number, "more", more},
            others == 0 ? 3 : 4);
    }
}

void cm_call_answer(struct cm_call *call, int status, const char *type, struct cm_span body)
{
    struct service_call *c = of(call);
    const uint64_t took = cm_service_ns() - call->began_ns;

    if (atomic_exchange(&c->answered, true)) {
        cm_service_log(call->service, CM_LOG_ERROR, "answered twice",
                       (const char *const[]){"id", call->id}, 1);
        return;
    }
    add_headers(c);
    cm_service_count(call->route == NULL ? &call->service->unrouted : &c->to->counted, status,
                     took);
    log_answer(c, status, took);
    cm_web_answer(call->req, status, type, body);
    call->req = NULL;
    cm_service_release(c);
}

void cm_call_answer_json(struct cm_call *call, int status, json_t *value)
{
    char *text = value == NULL ? NULL : cm_call_text(value);

    json_decref(value);
    if (text == NULL) {
        cm_call_fail(call, 503, "OutOfMemory", "out of memory");
        return;
    }
    cm_call_answer(call, status, "application/json", cm_span_make(text, strlen(text)));
    cm_wipe(text, strlen(text));
    free(text);
}

/* ------------------------------------------------------------------- errors */

static void send_error(struct cm_call *call, int status, const char *code, const char *message)
{
    const enum cm_api api = cm_service_api_of(call);
    char quoted_code[160] = "";
    char quoted[1300] = "";
    char name[140] = "";
    char body[1600] = "";

    if (api == CM_API_KBS) {
        (void)snprintf(name, sizeof(name), "%s%s", strchr(code, ':') == NULL ? KBS_ERRORS : "",
                       code);
        (void)cm_service_quote(quoted_code, sizeof(quoted_code), name);
        (void)cm_service_quote(quoted, sizeof(quoted), message);
        (void)snprintf(body, sizeof(body), "{\"type\":%s,\"detail\":%s}", quoted_code, quoted);
    } else {
        (void)cm_service_quote(quoted_code, sizeof(quoted_code), code);
        (void)cm_service_quote(quoted, sizeof(quoted), message);
        (void)snprintf(body, sizeof(body), "{\"error\":{\"code\":%s,\"message\":%s}}", quoted_code,
                       quoted);
    }
    if (api == CM_API_MAA) {
        cm_call_header(call, "x-ms-error-code", code);
    }
    cm_call_answer(call, status, "application/json", cm_span_make(body, strlen(body)));
}

void cm_call_fail(struct cm_call *call, int status, const char *code, const char *format, ...)
{
    char message[600] = "";
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    send_error(call, status, code, message);
}

/* The name of a status in each API. */
static const char *code_of(enum cm_api api, int status)
{
    static const struct {
        int status;
        const char *codes[4]; /* by enum cm_api */
    } table[] = {
        {400, {"InvalidParameter", "InvalidParameter", "BadParameter", "InvalidRequest"}},
        {403, {"Forbidden", "PolicyEvaluationError", "Forbidden", "PolicyDeny"}},
        {404, {"NotFound", "NotFound", "NotFound", "ResourceNotFound"}},
        {409, {"Conflict", "InvalidOperation", "Conflict", "Conflict"}},
        {503, {"ServerBusy", "ServerBusy", "ServerBusy", "ServerBusy"}},
        {500, {"InternalError", "InternalError", "InternalError", "InternalError"}},
    };
    size_t i = 0;

    while (table[i].status != status && table[i].status != 500) {
        i++;
    }
    return table[i].codes[api];
}

static int status_of(enum cm_status st)
{
    switch (st) {
    case CM_ERR_PARAM:
    case CM_ERR_FORMAT:
    case CM_ERR_SYNTAX:
    case CM_ERR_LIMIT:
    case CM_ERR_OVERFLOW:
    case CM_ERR_UNSUPPORTED:
        return 400;
    case CM_ERR_DENIED:
    case CM_ERR_POLICY:
    case CM_ERR_SIGNATURE:
    case CM_ERR_MISMATCH:
    case CM_ERR_EXPIRED:
    case CM_ERR_REVOKED:
        return 403;
    case CM_ERR_NOTFOUND:
        return 404;
    case CM_ERR_EXISTS:
    case CM_ERR_STATE:
        return 409;
    case CM_ERR_BUSY:
    case CM_ERR_NOMEM:
        return 503;
    case CM_OK:
    case CM_ERR_SPACE:
    case CM_ERR_IO:
    case CM_ERR_CRYPTO:
    case CM_ERR_PLATFORM:
        break;
    }
    return 500;
}

/* A line for each failure of ours; one a second for what cannot be done for now, which may be a flood's doing. */
static void log_failure(const struct cm_call *call, int status, const char *text)
{
    unsigned long long others = 0;
    char more[24] = "";

    if (status == 503 && !cm_service_gate(&call->service->overload, &others)) {
        return;
    }
    (void)snprintf(more, sizeof(more), "%llu", others);
    cm_service_log(call->service, CM_LOG_ERROR, "failed",
                   (const char *const[]){"id", call->id, "why", text, "more", more},
                   others == 0 ? 2 : 3);
}

void cm_call_fail_status(struct cm_call *call, enum cm_status st, const struct cm_why *why)
{
    const bool told = (st == CM_ERR_IO || st == CM_ERR_BUSY) && cm_service_told(why);
    const int status = told ? 503 : status_of(st);
    const char *code = code_of(cm_service_api_of(call), status);
    const char *text = why == NULL || why->text[0] == '\0' ? cm_status_str(st) : why->text;
    char seconds[16] = "";

    if (status >= 500) {
        log_failure(call, status, text);
    }
    if (status == 503) {
        (void)snprintf(seconds, sizeof(seconds), "%u", cm_workers_wait(call->service));
        cm_call_header(call, "Retry-After", seconds);
        cm_call_fail(call, status, code, "%s; try again",
                     told ? text : "the service cannot do this now");
    } else if (status == 500) {
        cm_call_fail(call, status, code, "the service has failed; its log says why at id %s",
                     call->id);
    } else {
        cm_call_fail(call, status, code, "%s", text);
    }
}

void cm_call_challenge(struct cm_call *call)
{
    const struct cm_service_config *config = &call->service->config;
    const char *what = call->challenge_error;
    char text[1024] = "";

    switch (cm_service_api_of(call)) {
    case CM_API_MAA:
        (void)snprintf(text, sizeof(text),
                       "Bearer authorization_uri=\"%s/tenant\", resource=\"%s\"%s",
                       config->public_url, config->public_url,
                       what == NULL ? "" : ", error=\"invalid_token\"");
        break;
    case CM_API_VAULT:
        (void)snprintf(text, sizeof(text),
                       "Bearer authorization=\"%s/tenant\", resource=\"https://%s\"",
                       config->public_url, config->vault_domain);
        break;
    case CM_API_NATIVE:
    case CM_API_KBS:
        (void)snprintf(text, sizeof(text), "Bearer realm=\"casemate\"%s",
                       what == NULL ? "" : ", error=\"invalid_token\"");
        break;
    }
    cm_call_header(call, "WWW-Authenticate", text);
    cm_call_fail(call, 401, "Unauthorized", "%s", what == NULL ? "who calls is not known" : what);
}
