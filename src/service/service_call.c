/* A call from the web server to its handler; see service_call.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/service_private.h"
#include "store/audit.h"

static struct service_call *of(struct cm_call *call)
{
    return (struct service_call *)(void *)call;
}

void cm_service_release(struct service_call *c)
{
    if (atomic_fetch_sub(&c->refs, 1) == 1) {
        struct cm_service *s = c->call.service;

        json_decref(c->call.body);
        free(c);
        atomic_fetch_sub(&s->calls, 1); /* last: the service may end behind it */
    }
}

/* ----------------------------------------------------------------- handlers */

/*
 * The caller's reference keeps the call although its handler has answered it. Whether it was kept is on this
 * stack: once it is, another thread may be in a handler of the same call.
 */
static void run_handler(struct service_call *c)
{
    bool kept = false;

    atomic_fetch_add(&c->refs, 1);
    /* cppcheck-suppress autoVariables ; nobody follows it when the handler has returned */
    c->kept = &kept;
    c->serve(&c->call, c->call.state);
    if (!kept && !atomic_load(&c->answered)) {
        cm_call_fail(&c->call, 500, "InternalError", "the request was not answered");
    }
    cm_service_release(c);
}

void cm_service_run_call(struct service_call *c, struct cm_db *db)
{
    c->call.db = db;
    run_handler(c);
}

void cm_call_keep(struct cm_call *call)
{
    struct service_call *c = of(call);

    call->db = NULL;
    *c->kept = true;
}

void cm_call_later(struct cm_call *call, void (*serve)(struct cm_call *call, void *state))
{
    struct service_call *c = of(call);
    const struct service_work work = {.call = c};

    c->serve = serve;
    if (c->kept != NULL) { /* within a handler */
        *c->kept = true;
    }
    if (cm_workers_add(call->service, &work, true) != CM_OK) {
        cm_service_busy(call, "too many requests wait; try again");
    }
}

/* ------------------------------------------------------------------ arrival */

static void answer_options(struct cm_call *call, unsigned methods, bool allowed, bool cors)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{CM_WEB_GET, "GET, HEAD"}, {CM_WEB_POST, "POST"},     {CM_WEB_PUT, "PUT"},
                 {CM_WEB_PATCH, "PATCH"},   {CM_WEB_DELETE, "DELETE"}, {0, "OPTIONS"}};
    char allow[80] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].bit == 0 || (methods & names[i].bit) != 0) {
            n += (size_t)snprintf(allow + n, sizeof(allow) - n, "%s%s", n == 0 ? "" : ", ",
                                  names[i].name);
        }
    }
    cm_call_header(call, "Allow", allow);
    if (!allowed) {
        cm_call_fail(call, 405, "MethodNotAllowed", "this path is for %s", allow);
        return;
    }
    if (cors) {
        cm_call_header(call, "Access-Control-Allow-Methods", allow);
        cm_call_header(call, "Access-Control-Allow-Headers", "Authorization, Content-Type");
        cm_call_header(call, "Access-Control-Max-Age", "600");
    }
    cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
}

/* An admin may do what others may, but for approving. */
static bool may(const struct cm_call *call)
{
    unsigned roles = call->who.roles;

    if ((roles & CM_ROLE_ADMIN) != 0) {
        roles |= CM_ROLE_AUTHOR | CM_ROLE_AUDITOR | CM_ROLE_CLIENT;
    }
    return call->route->roles == 0 || (call->route->roles & roles) != 0;
}

static void pass(struct service_call *c)
{
    struct cm_call *call = &c->call;
    struct cm_service *s = call->service;

    if (s->config.authenticate != NULL) {
        s->config.authenticate(s, call);
        if (atomic_load(&c->answered)) {
            return;
        }
    }
    if (s->config.admit != NULL && !s->config.admit(s, call)) {
        if (!atomic_load(&c->answered)) {
            cm_call_fail(call, 429, "TooManyRequests", "too many requests");
        }
        return;
    }
    if (!may(call)) {
        if (call->who.name[0] == '\0') {
            cm_call_challenge(call);
        } else {
            cm_call_fail(call, 403, "Forbidden", "%s has not the role that this needs",
                         call->who.name);
        }
        return;
    }
    if (call->route->at_once) {
        run_handler(c);
    } else {
        cm_call_later(call, call->route->serve);
    }
}

static void dispatch(struct service_call *c)
{
    struct cm_call *call = &c->call;
    struct cm_service *s = call->service;
    const enum cm_web_method method = cm_web_method(call->req);
    struct service_match match;

    (void)snprintf(c->path, sizeof(c->path), "%s", cm_web_path(call->req));
    cm_route_match(s->routes, s->route_count, method, c->path, &match);
    c->to = match.near;
    c->cors = match.cors;
    if (match.found == NULL) {
        if (match.methods == 0) {
            cm_call_fail(call, 404, "NotFound", "there is nothing at this path");
        } else {
            answer_options(call, match.methods, method == CM_WEB_OPTIONS, match.cors);
        }
        return;
    }
    call->param_count = cm_route_params(match.found, c->path, call->params);
    call->route = match.found->route;
    call->state = match.found->state;
    c->serve = call->route->serve;
    c->cors = call->route->cors;
    pass(c);
}

void cm_service_web(void *app, struct cm_web_request *req)
{
    struct cm_service *s = app;
    struct service_call *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        cm_web_answer(req, 503, NULL, cm_span_make(NULL, 0));
        return;
    }
    atomic_fetch_add(&s->calls, 1);
    atomic_store(&c->refs, 2); /* the answer's, and ours */
    c->call.service = s;
    c->call.req = req;
    c->call.now = cm_service_now(s);
    c->call.began_ns = cm_service_ns();
    (void)snprintf(c->call.id, sizeof(c->call.id), "%s%016llx", s->instance,
                   atomic_fetch_add(&s->ids, 1));
    dispatch(c);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes the answer's reference for ours */
    cm_service_release(c);
}

/* ----------------------------------------------------------------- contents */

const char *cm_call_param(const struct cm_call *call, const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < call->param_count; i++) {
        const struct cm_call_param *p = &call->params[i];

        if (p->name_len == len && memcmp(p->name, name, len) == 0) {
            return p->value;
        }
    }
    return "";
}

json_t *cm_call_json(struct cm_call *call)
{
    struct cm_why why = {""};

    if (call->body == NULL) {
        call->body = cm_service_json(cm_web_body(call->req), &why);
        if (call->body == NULL) {
            cm_call_fail_status(call, CM_ERR_SYNTAX, &why);
        }
    }
    return call->body;
}

const char *cm_call_base(const struct cm_call *call)
{
    const struct cm_service *s = call->service;
    const char *host = cm_web_header(call->req, "Host");

    for (size_t i = 0; host != NULL && s->hosts[i] != NULL; i++) {
        if (strcasecmp(host, s->hosts[i]) == 0) {
            return s->bases[i];
        }
    }
    return s->config.public_url;
}

/* -------------------------------------------------------------------- write */

struct audited {
    enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why);
    void *arg;
    struct cm_audit_record record;
};

static enum cm_status audited_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct audited *a = arg;
    enum cm_status st = a->run == NULL ? CM_OK : a->run(db, a->arg, why);

    return st == CM_OK ? cm_audit_append(db, &a->record, why) : st;
}

/* NOLINTNEXTLINE(readability-function-size): its callers would only put the same seven into a struct */
enum cm_status cm_call_write(struct cm_call *call,
                             enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why),
                             void *arg, const char *action, const char *object, const char *detail,
                             struct cm_why *why)
{
    struct audited a = {
        .run = run,
        .arg = arg,
        .record = {.time = (int64_t)cm_service_now(call->service),
                   .actor = call->who.name[0] == '\0' ? "nobody" : call->who.name,
                   .action = action,
                   .object = object,
                   .detail = detail == NULL ? "" : detail},
    };

    return cm_service_write(call->service, audited_run, &a, why);
}
