/* See rules_call_kit.h. */
#include "rules_call_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service_kit.h"

static void answer(struct cm_call *call, enum cm_status st, bool waits, const struct cm_why *why)
{
    cm_call_answer_json(call, st == CM_OK ? 200 : 400 + (int)st,
                        json_pack("{s:b, s:s}", "waits", waits, "why", why->text));
}

static enum cm_status change_mode(struct cm_call *call, const char *text,
                                  enum cm_rules_outcome *outcome, struct cm_why *why)
{
    const struct cm_rules_mode mode = {strstr(text, "signed") != NULL,
                                       strstr(text, "people") != NULL};

    return cm_rules_mode_set(call, &mode, outcome, NULL, why);
}

static enum cm_status trust(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_rules_may_trust(arg, db, "what the test trusts", why);
}

static enum cm_status run(struct cm_call *call, const char *what, const char *type,
                          enum cm_rules_outcome *outcome, struct cm_why *why)
{
    struct cm_span body = cm_web_body(call->req);
    int64_t version = strtoll(cm_call_param(call, "version"), NULL, 10);
    const char *asked = cm_web_query(call->req, "base");
    int64_t base = asked == NULL ? CM_RULES_ANY_BASE : strtoll(asked, NULL, 10);
    char thumbprint[CM_RULES_THUMBPRINT_CAP];
    char text[64] = "";

    if (strcmp(what, "text") == 0) {
        return cm_rules_set_text(call, type, base, body, "by a test", outcome, NULL, NULL, why);
    }
    if (strcmp(what, "jws") == 0) {
        return cm_rules_set(call, type, base, body, outcome, NULL, NULL, why);
    }
    if (strcmp(what, "reset") == 0) {
        return cm_rules_reset(call, type, base, body, NULL, outcome, NULL, why);
    }
    if (strcmp(what, "approve") == 0 || strcmp(what, "reject") == 0) {
        return cm_rules_approve(call, type, version, what[0] == 'a', why);
    }
    if (strcmp(what, "restore") == 0) {
        return cm_rules_restore(call, type, base, version, outcome, NULL, why);
    }
    if (strcmp(what, "mode") == 0) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)body.len, (const char *)body.ptr);
        return change_mode(call, text, outcome, why);
    }
    if (strcmp(what, "trust") == 0) {
        return cm_call_write(call, trust, call, "test.trust", "a test", NULL, why);
    }
    if (strcmp(what, "first") == 0) {
        return cm_rules_certificate_first(call, body, thumbprint, why);
    }
    return cm_rules_certificate_change(call, body, what[0] == 'a', thumbprint, why);
}

static void serve(struct cm_call *call, void *state)
{
    enum cm_rules_outcome outcome = CM_RULES_ACTIVE;
    struct cm_why why = {""};
    enum cm_status st =
        run(call, cm_call_param(call, "what"), cm_call_param(call, "type"), &outcome, &why);

    (void)state;
    answer(call, st, outcome == CM_RULES_WAITING, &why);
}

static void past(struct cm_call *call, void *state)
{
    json_t *list = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_rules_history(call, cm_call_param(call, "type"), &list, &why);

    (void)state;
    if (st != CM_OK) {
        answer(call, st, false, &why);
        return;
    }
    cm_call_answer_json(call, 200, list);
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_POST, .path = "/rules/{what}/{type}/{version}", .serve = serve},
    {.methods = CM_WEB_GET, .path = "/rules/{type}", .serve = past},
};

const struct cm_module rules_call_module = {
    .name = "rules-call", .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};

enum cm_status rules_do(const char *who, const char *what, const char *type, int64_t version,
                        const char *body, bool *waits)
{
    char path[128] = "";
    struct kit_answer *a = NULL;

    (void)snprintf(path, sizeof(path), "/rules/%s/%s/%lld", what, type, (long long)version);
    body = body == NULL ? "" : body;
    a = kit_ask("POST", path, who, "text/plain", cm_span_make(body, strlen(body)), NULL);
    if (waits != NULL) {
        *waits = json_is_true(kit_json("waits"));
    }
    return a->status == 200 ? CM_OK : (enum cm_status)(a->status - 400);
}

enum cm_status rules_past(const char *type)
{
    char path[128] = "";

    (void)snprintf(path, sizeof(path), "/rules/%s", type);
    return kit_get(path, "admin")->status == 200 ? CM_OK : CM_ERR_NOTFOUND;
}

static char text[65537];

const char *rules_text(const char *type)
{
    const struct cm_rule_version *v = NULL;

    text[0] = '\0';
    if (cm_rules_active(kit_service(), type, &v) == CM_OK) {
        (void)snprintf(text, sizeof(text), "%s", v->text);
        cm_rules_release(v);
    }
    return text;
}

int64_t rules_version(const char *type)
{
    const struct cm_rule_version *v = NULL;
    int64_t out = -1;

    if (cm_rules_active(kit_service(), type, &v) == CM_OK) {
        out = v->version;
        cm_rules_release(v);
    }
    return out;
}
