/* The log of attestations for the dashboard: searching, explaining, asking another policy. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "console/console_private.h"
#include "decide/decide_log.h"

#define WHAT_IF_MOST 1000

/* ---------------------------------------------------------------- policies */

struct text {
    char *text;
    bool found;
};

static bool take_text(void *arg, const struct cm_db_value *c, size_t count)
{
    struct text *t = arg;

    t->found = count == 1 && c[0].type == CM_DB_TEXT;
    t->text = t->found ? strdup((const char *)c[0].bytes.ptr) : NULL;
    return false;
}

/* The text of a version of the history; the caller frees it. @retval CM_ERR_NOTFOUND */
static enum cm_status text_of(struct cm_db *db, const char *type, int64_t version, char **out,
                              struct cm_why *why)
{
    const struct cm_db_value values[] = {cm_db_text(type), cm_db_int(version)};
    struct text t = {NULL, version == 0};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (version != 0) {
        CM_TRY(cm_db_run(db, "SELECT text FROM policy WHERE type = ? AND version = ?",
                         cm_db_with(values, 2), cm_db_into(take_text, &t), why));
    }
    if (!t.found) {
        cm_why_set(why, "%s has no version %lld", type, (long long)version);
        return CM_ERR_NOTFOUND;
    }
    if (t.text == NULL || t.text[0] == '\0') { /* back to the default */
        free(t.text);
        t.text = strdup(cm_rules_default(type));
    }
    *out = t.text;
    st = t.text == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    return st;
}

/* Which policy is asked: of the body's type, by text or version. NULL: the call has been answered. */
static const struct cm_rule_version *asked(struct cm_call *call, const json_t *body)
{
    const char *named = cm_access_text(body, "type");
    const char *type = named == NULL ? NULL : cm_rules_type(named);
    const char *text = cm_access_text(body, "text");
    const json_t *version = json_object_get(body, "version");
    const struct cm_rule_version *draft = NULL;
    struct cm_why why = {""};
    char *old = NULL;
    enum cm_status st = CM_OK;

    if (type == NULL || (text == NULL) == !json_is_integer(version)) {
        cm_call_fail(call, 400, "InvalidParameter", "a type, and either a version or a text");
        return NULL;
    }
    if (text == NULL) {
        st = text_of(call->db, type, json_integer_value(version), &old, &why);
        if (st != CM_OK) {
            cm_call_fail_status(call, st, &why);
            return NULL;
        }
        text = old;
    }
    draft = cm_console_draft(call, type, text);
    free(old);
    return draft;
}

/* -------------------------------------------------------------------- list */

void cm_console_attestations(struct cm_call *call, void *state)
{
    struct cm_log_query q = {
        .tee = cm_web_query(call->req, "tee"),
        .result = cm_web_query(call->req, "result"),
        .api = cm_web_query(call->req, "api"),
        .policy_type = cm_web_query(call->req, "policy_type"),
        .measurement = cm_web_query(call->req, "measurement"),
        .client = cm_web_query(call->req, "client"),
        .text = cm_web_query(call->req, "q"),
        .cursor = cm_web_query(call->req, "cursor"),
    };
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &q.limit) || !cm_access_number(call, "from", &q.from) ||
        !cm_access_number(call, "to", &q.to)) {
        return;
    }
    st = cm_decide_log(call->db, &q, &out, &why);
    cm_console_answer(call, st, out, &why);
}

/* The text of the policy that was asked, as far as the history has it. */
static enum cm_status add_text(struct cm_db *db, json_t *entry)
{
    json_t *policy = json_object_get(entry, "policy");
    const char *type = json_string_value(json_object_get(policy, "type"));
    const json_t *version = json_object_get(policy, "version");
    char *text = NULL;
    enum cm_status st = CM_OK;

    if (type == NULL || cm_rules_type(type) == NULL || !json_is_integer(version)) {
        return CM_OK;
    }
    st = text_of(db, cm_rules_type(type), json_integer_value(version), &text, NULL);
    if (st == CM_OK && json_object_set_new(policy, "text", json_string(text)) != 0) {
        st = CM_ERR_NOMEM;
    }
    free(text);
    return st == CM_ERR_NOTFOUND ? CM_OK : st;
}

void cm_console_attestation(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_decide_explain(call->db, cm_call_param(call, "id"), &out, &why);

    (void)state;
    if (st == CM_OK) {
        st = add_text(call->db, out);
    }
    cm_console_answer(call, st, out, &why);
}

/* ------------------------------------------------------------ other policies */

void cm_console_replay(struct cm_call *call, void *state)
{
    static const char *const names[] = {"type", "version", "text", NULL};
    json_t *body = cm_access_body(call, names);
    const struct cm_rule_version *draft = body == NULL ? NULL : asked(call, body);
    struct cm_decide_try with = {NULL, cm_service_config(call->service)->accept_emulated};
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (draft == NULL) {
        return;
    }
    with.policy = draft->policy;
    st = cm_decide_replay(call->db, cm_call_param(call, "id"), &with, &out, &why);
    cm_rules_release(draft);
    cm_console_answer(call, st, out, &why);
}

void cm_console_what_if(struct cm_call *call, void *state)
{
    static const char *const names[] = {"text", "count", NULL};
    const char *type = cm_rules_type(cm_call_param(call, "type"));
    json_t *body = cm_access_body(call, names);
    const char *text = cm_access_text(body, "text");
    const json_t *count = json_object_get(body, "count");
    const json_int_t n = count == NULL ? 200 : json_integer_value(count);
    const struct cm_rule_version *draft = NULL;
    struct cm_decide_try with = {NULL, cm_service_config(call->service)->accept_emulated};
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if (type == NULL) {
        cm_call_fail(call, 404, "NotFound", "there is no such type of policy");
        return;
    }
    if (text == NULL || n < 1 || n > WHAT_IF_MOST) {
        cm_call_fail(call, 400, "InvalidParameter", "a text, and a count from 1 to %d",
                     WHAT_IF_MOST);
        return;
    }
    /* "": a return to the default */
    draft = cm_console_draft(call, type, text[0] == '\0' ? cm_rules_default(type) : text);
    if (draft == NULL) {
        return;
    }
    with.policy = draft->policy;
    st = cm_decide_what_if(call->db, type, (unsigned)n, &with, &out, &why);
    cm_rules_release(draft);
    cm_console_answer(call, st, out, &why);
}
