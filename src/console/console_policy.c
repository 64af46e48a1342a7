/* Policies for the dashboard: the list, one with its history, checks, and changes. */
#include <string.h>

#include "common/try.h"
#include "console/console_private.h"
#include "rules/rules.h"

#define COMMENT_MAX 500 /* characters */

/* an upload that says "none", as Azure's clients reset an unsigned policy: {"alg":"none"} and nothing */
#define RESET_JWS "eyJhbGciOiJub25lIn0.."

static json_t *mode_json(struct cm_service *s)
{
    struct cm_rules_mode mode = {false, false};

    cm_rules_mode(s, &mode);
    return json_pack("{sb sb}", "approval", mode.two_people, "signed", mode.signed_only);
}

/* --------------------------------------------------------------------- list */

/* Who made the active version and the newest that waits. */
struct makers {
    json_t *author;
    json_t *time;
    json_t *waiting;
};

static bool on_maker(void *arg, const struct cm_db_value *c, size_t count)
{
    struct makers *m = arg;

    if (count == 4 && strcmp((const char *)c[1].bytes.ptr, "active") == 0) {
        m->author = json_string((const char *)c[2].bytes.ptr);
        m->time = json_integer(c[3].number);
    } else if (count == 4 && m->waiting == NULL) {
        m->waiting = json_pack("{sI ss sI}", "version", (json_int_t)c[0].number, "author",
                               (const char *)c[2].bytes.ptr, "time", (json_int_t)c[3].number);
    }
    return true;
}

static enum cm_status read_makers(struct cm_db *db, const char *type, struct makers *m,
                                  struct cm_why *why)
{
    const struct cm_db_value value = cm_db_text(type);

    return cm_db_run(db,
                     "SELECT version, state, author, time FROM policy WHERE type = ?"
                     " AND state IN ('active', 'waiting') ORDER BY version DESC",
                     cm_db_with(&value, 1), cm_db_into(on_maker, m), why);
}

static size_t lines_of(const char *text)
{
    size_t lines = text[0] == '\0' ? 0 : 1;

    for (; *text != '\0'; text++) {
        lines += text[0] == '\n' && text[1] != '\0' ? 1 : 0;
    }
    return lines;
}

static enum cm_status add_type(struct cm_call *call, const char *type, json_t *items,
                               struct cm_why *why)
{
    const struct cm_rule_version *v = NULL;
    struct makers m = {NULL, NULL, NULL};
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_active(call->service, type, &v));
    CM_TRY(read_makers(call->db, type, &m, why));
    if (json_array_append_new(
            items, json_pack("{ss so sI ss ss sO? sO? sb sI sO?}", "type", type, "tees",
                             cm_console_tees(type), "version", (json_int_t)v->version, "hash",
                             v->hash, "state", v->version == 0 ? "default" : "set", "author",
                             v->version == 0 ? NULL : m.author, "time",
                             v->version == 0 ? NULL : m.time, "signed", v->signer_jwk != NULL,
                             "lines", (json_int_t)lines_of(v->text), "waiting", m.waiting)) != 0) {
        st = CM_ERR_NOMEM;
    }
out:
    cm_rules_release(v);
    json_decref(m.author);
    json_decref(m.time);
    json_decref(m.waiting);
    return st;
}

void cm_console_policies(struct cm_call *call, void *state)
{
    json_t *items = json_array();
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    for (size_t i = 0; cm_rules_type_at(i) != NULL && st == CM_OK; i++) {
        st = add_type(call, cm_rules_type_at(i), items, &why);
    }
    cm_console_answer(
        call, st, json_pack("{so so sn}", "items", items, "mode", mode_json(call->service), "next"),
        &why);
}

/* ---------------------------------------------------------------------- one */

/* The type of the path, canonical; NULL: there is none, and the call has been answered. */
static const char *type_of(struct cm_call *call, bool or_mode)
{
    const char *given = cm_call_param(call, "type");
    const char *type = cm_rules_type(given);

    if (type == NULL && or_mode && strcasecmp(given, CM_RULES_MODE) == 0) {
        type = CM_RULES_MODE;
    }
    if (type == NULL) {
        cm_call_fail(call, 404, "NotFound", "there is no such type of policy");
    }
    return type;
}

static bool is_active(const json_t *version, int64_t in_force)
{
    const char *state = json_string_value(json_object_get(version, "state"));

    return state != NULL && strcmp(state, "active") == 0 &&
           json_integer_value(json_object_get(version, "version")) == in_force;
}

static json_t *default_json(const struct cm_rule_version *v)
{
    return json_pack("{sI ss sn sn sn sn ss ss sb ss}", "version", (json_int_t)v->version, "state",
                     "default", "author", "time", "approver", "decided_at", "comment", "", "hash",
                     v->hash, "signed", v->signer_jwk != NULL, "text", v->text);
}

static enum cm_status one(struct cm_call *call, const char *type, json_t **out, struct cm_why *why)
{
    const struct cm_rule_version *v = NULL;
    json_t *versions = NULL;
    json_t *active = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_history(call, type, &versions, why));
    CM_TRY(cm_rules_active(call->service, type, &v));
    for (size_t i = 0; i < json_array_size(versions); i++) {
        json_t *version = json_array_get(versions, i);

        if (active == NULL && is_active(version, v->version)) {
            active = json_incref(version);
        }
    }
    if (active == NULL) {
        active = default_json(v);
    }
    *out = json_pack("{ss so so so sO}", "type", type, "tees", cm_console_tees(type), "mode",
                     mode_json(call->service), "active", active, "versions", versions);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    cm_rules_release(v);
    json_decref(versions);
    return st;
}

void cm_console_policy(struct cm_call *call, void *state)
{
    const char *type = type_of(call, false);
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (type != NULL) {
        st = one(call, type, &out, &why);
        cm_console_answer(call, st, out, &why);
    }
}

/* -------------------------------------------------------------------- check */

static json_t *warnings_of(const struct cm_policy *policy)
{
    json_t *out = json_array();
    struct cm_policy_error w;

    for (size_t i = 0; cm_policy_warning(policy, i, &w) == CM_OK; i++) {
        (void)json_array_append_new(out,
                                    json_pack("{sI sI ss}", "line", (json_int_t)w.line, "column",
                                              (json_int_t)w.column, "message", w.text));
    }
    return out;
}

static json_t *check(struct cm_span text, enum cm_status *st)
{
    struct cm_policy *policy = NULL;
    struct cm_policy_error error = {0};
    char hash[CM_POLICY_HASH_CAP] = "";
    json_t *out = NULL;

    *st = cm_policy_parse(text, &policy, &error);
    if (*st == CM_OK) {
        *st = cm_policy_hash(text, hash);
    }
    if (*st == CM_OK) {
        out = json_pack("{sb sn so ss ss sI}", "valid", 1, "error", "warnings", warnings_of(policy),
                        "hash", hash, "version", cm_policy_version(policy), "rules",
                        (json_int_t)cm_policy_rules(policy));
    } else if (*st != CM_ERR_NOMEM) {
        out = json_pack("{sb s{sI sI ss} s[] sn sn si}", "valid", 0, "error", "line",
                        (json_int_t)error.line, "column", (json_int_t)error.column, "message",
                        error.text[0] != '\0' ? error.text : cm_status_str(*st), "warnings", "hash",
                        "version", "rules", 0);
    }
    cm_policy_free(policy);
    *st = out == NULL ? CM_ERR_NOMEM : CM_OK;
    return out;
}

void cm_console_policy_check(struct cm_call *call, void *state)
{
    static const char *const names[] = {"text", NULL};
    const char *type = type_of(call, false);
    json_t *body = type == NULL ? NULL : cm_access_body(call, names);
    const char *text = cm_access_text(body, "text");
    json_t *out = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if (text == NULL || strlen(text) > CM_POLICY_MAX_TEXT) {
        cm_call_fail(call, 400, "InvalidParameter", "text is a policy of at most 64 KiB");
        return;
    }
    out = check(cm_span_make(text, strlen(text)), &st);
    cm_console_answer(call, st, out, NULL);
}

/* ------------------------------------------------------------------ changes */

static void answer_outcome(struct cm_call *call, enum cm_rules_outcome outcome, int64_t version)
{
    cm_console_answer(call, CM_OK,
                      json_pack("{ss sI}", "outcome",
                                outcome == CM_RULES_WAITING ? "waiting" : "active", "version",
                                (json_int_t)version),
                      NULL);
}

/* The version that the author saw in force; false: the call has been answered. */
static bool base_of(struct cm_call *call, const json_t *base, int64_t *out)
{
    if (!json_is_integer(base) || json_integer_value(base) < 0) {
        cm_call_fail(call, 400, "InvalidParameter", "base is the version that was in force");
        return false;
    }
    *out = (int64_t)json_integer_value(base);
    return true;
}

/* Characters, as far as it is UTF-8: jansson has seen to that. */
static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return n;
}

/* What became of a change. */
struct done {
    enum cm_rules_outcome outcome;
    int64_t version;
};

static enum cm_status set(struct cm_call *call, const char *type, const json_t *body,
                          struct done *done, struct cm_policy_error *error, struct cm_why *why)
{
    const char *text = cm_access_text(body, "text");
    const char *jws = cm_access_text(body, "jws");
    const char *comment = cm_access_text(body, "comment");
    const int64_t base = (int64_t)json_integer_value(json_object_get(body, "base"));

    if (jws != NULL) {
        return cm_rules_set(call, type, base, cm_span_make(jws, strlen(jws)), &done->outcome,
                            &done->version, error, why);
    }
    if (text[0] == '\0') {
        return cm_rules_reset(call, type, base, cm_span_make(RESET_JWS, strlen(RESET_JWS)), comment,
                              &done->outcome, &done->version, why);
    }
    return cm_rules_set_text(call, type, base, cm_span_make(text, strlen(text)),
                             comment == NULL ? "" : comment, &done->outcome, &done->version, error,
                             why);
}

void cm_console_policy_put(struct cm_call *call, void *state)
{
    static const char *const names[] = {"base", "text", "jws", "comment", NULL};
    const char *type = type_of(call, false);
    json_t *body = type == NULL ? NULL : cm_access_body(call, names);
    const char *text = cm_access_text(body, "text");
    const char *comment = cm_access_text(body, "comment");
    struct done done = {CM_RULES_ACTIVE, 0};
    struct cm_policy_error error = {0};
    struct cm_why why = {""};
    int64_t base = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if ((text == NULL) == (cm_access_text(body, "jws") == NULL) ||
        (json_object_get(body, "comment") != NULL && comment == NULL) ||
        (comment != NULL && characters(comment) > COMMENT_MAX)) {
        cm_call_fail(call, 400, "InvalidParameter",
                     "a policy is text or jws, with a comment of at most %d characters",
                     COMMENT_MAX);
        return;
    }
    if (text == NULL && comment != NULL) { /* rather than take it and lose it */
        cm_call_fail(call, 400, "InvalidParameter", "a comment goes with text");
        return;
    }
    if (!base_of(call, json_object_get(body, "base"), &base)) {
        return;
    }
    st = set(call, type, body, &done, &error, &why);
    if (st == CM_OK) {
        answer_outcome(call, done.outcome, done.version);
    } else if (error.text[0] != '\0' && error.line != 0) {
        cm_console_bad_policy(call, &error);
    } else {
        if (why.text[0] == '\0' && error.text[0] != '\0') {
            cm_why_set(&why, "%s", error.text);
        }
        cm_call_fail_status(call, st, &why);
    }
}

/* The number of the path; false: the call has been answered. */
static bool version_of(struct cm_call *call, int64_t *out)
{
    const char *text = cm_call_param(call, "version");
    int64_t n = 0;
    size_t i = 0;

    for (; i < 15 && text[i] >= '0' && text[i] <= '9'; i++) {
        n = n * 10 + (text[i] - '0');
    }
    if (i == 0 || text[i] != '\0') {
        cm_call_fail(call, 404, "NotFound", "there is no such version");
        return false;
    }
    *out = n;
    return true;
}

static void decide_on(struct cm_call *call, bool approve)
{
    const char *type = type_of(call, true);
    struct cm_why why = {""};
    int64_t version = 0;
    enum cm_status st = CM_OK;

    if (type == NULL || !version_of(call, &version)) {
        return;
    }
    st = cm_rules_approve(call, type, version, approve, &why);
    if (st == CM_ERR_DENIED) {
        cm_call_fail(call, 403, "NotYourOwn", "%s", why.text);
        return;
    }
    cm_console_answer(call, st, json_pack("{ss}", "state", approve ? "active" : "rejected"), &why);
}

void cm_console_policy_approve(struct cm_call *call, void *state)
{
    (void)state;
    decide_on(call, true);
}

void cm_console_policy_reject(struct cm_call *call, void *state)
{
    (void)state;
    decide_on(call, false);
}

void cm_console_policy_restore(struct cm_call *call, void *state)
{
    static const char *const names[] = {"base", NULL};
    const char *type = type_of(call, false);
    json_t *body = type == NULL ? NULL : cm_access_body(call, names);
    enum cm_rules_outcome outcome = CM_RULES_ACTIVE;
    struct cm_why why = {""};
    int64_t again = 0;
    int64_t version = 0;
    int64_t base = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL || !version_of(call, &again) ||
        !base_of(call, json_object_get(body, "base"), &base)) {
        return;
    }
    st = cm_rules_restore(call, type, base, again, &outcome, &version, &why);
    if (st == CM_OK) {
        answer_outcome(call, outcome, version);
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

/* --------------------------------------------------------------------- mode */

void cm_console_mode(struct cm_call *call, void *state)
{
    struct makers m = {NULL, NULL, NULL};
    struct cm_why why = {""};
    enum cm_status st = read_makers(call->db, CM_RULES_MODE, &m, &why);
    json_t *signers = cm_rules_certificates(call->service);
    json_t *out = st == CM_OK ? mode_json(call->service) : NULL;

    (void)state;
    if (st == CM_OK &&
        (json_object_set(out, "waiting", m.waiting == NULL ? json_null() : m.waiting) != 0 ||
         json_object_set_new(
             out, "certificates",
             json_integer((json_int_t)json_array_size(json_object_get(signers, "keys")))) != 0)) {
        st = CM_ERR_NOMEM;
    }
    cm_console_answer(call, st, out, &why);
    json_decref(signers);
    json_decref(m.author);
    json_decref(m.time);
    json_decref(m.waiting);
}

void cm_console_mode_put(struct cm_call *call, void *state)
{
    static const char *const names[] = {"approval", "signed", NULL};
    json_t *body = cm_access_body(call, names);
    const json_t *approval = json_object_get(body, "approval");
    const json_t *is_signed = json_object_get(body, "signed");
    struct cm_rules_mode mode = {json_is_true(is_signed), json_is_true(approval)};
    enum cm_rules_outcome outcome = CM_RULES_ACTIVE;
    int64_t version = 0;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if (!json_is_boolean(approval) || !json_is_boolean(is_signed)) {
        cm_call_fail(call, 400, "InvalidParameter", "approval and signed are true or false");
        return;
    }
    st = cm_rules_mode_set(call, &mode, &outcome, &version, &why);
    if (st == CM_OK) {
        answer_outcome(call, outcome, version);
    } else {
        cm_call_fail_status(call, st, &why);
    }
}

void cm_console_certificate_post(struct cm_call *call, void *state)
{
    static const char *const names[] = {"certificate", NULL};
    char thumbprint[CM_RULES_THUMBPRINT_CAP] = "";
    json_t *body = cm_access_body(call, names);
    const char *pem = cm_access_text(body, "certificate");
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if (pem == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "certificate is a CA's, as PEM");
        return;
    }
    st = cm_rules_certificate_first(call, cm_span_make(pem, strlen(pem)), thumbprint, &why);
    cm_console_answer(call, st, json_pack("{ss}", "thumbprint", thumbprint), &why);
}
