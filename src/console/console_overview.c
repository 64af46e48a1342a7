/* The overview: how the service does, and what wants somebody's attention. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "console/console_private.h"
#include "decide/decide_log.h"
#include "identity/identity.h"

#define MINUTES_LEAST 15
#define MINUTES_MOST  1440
#define DAY           86400

struct alerts {
    json_t *list;
    uint64_t now;
};

/* Worst first: they are added in that order. */
static void alert(struct alerts *a, const char *severity, const char *code, const char *page,
                  const char *object, const char *text)
{
    (void)json_array_append_new(a->list, json_pack("{ss ss ss ss ss? sI}", "severity", severity,
                                                   "code", code, "text", text, "page", page,
                                                   "object", object, "since", (json_int_t)a->now));
}

/* ------------------------------------------------------------------ service */

/* Whether the store and every module can serve, and the first that cannot. */
static bool ready(struct cm_service *s, char *why_text, size_t cap)
{
    const struct cm_module *const *modules = cm_service_config(s)->modules;
    struct cm_why store = {""};
    bool good = cm_service_store_ready(s, &store);

    (void)snprintf(why_text, cap, "%s%s", good ? "" : "store: ", store.text);
    for (size_t i = 0; modules[i] != NULL && good; i++) {
        struct cm_why why = {""};

        if (modules[i]->ready != NULL) {
            good = modules[i]->ready(cm_service_module(s, modules[i]->name), &why);
            if (!good) {
                (void)snprintf(why_text, cap, "%s: %s", modules[i]->name, why.text);
            }
        }
    }
    return good;
}

static json_t *evidence_of(const char *state, const struct cm_decision *d, const char *detail)
{
    const struct cm_claim *tcb = d == NULL || d->evidence == NULL
                                     ? NULL
                                     : cm_evidence_find(d->evidence, 0, CM_CLAIM_TCB_STATUS, 0);
    char text[400] = "";

    (void)snprintf(text, sizeof(text), "%s%s", d != NULL && d->emulated ? "EMULATED: " : "",
                   detail);
    return json_pack("{ss ss? ss? ss}", "state", state, "tee",
                     strcmp(state, "none") == 0 ? NULL : "sgx", "tcb_status",
                     tcb != NULL && tcb->type == CM_CLAIM_TYPE_TEXT ? tcb->text : NULL, "detail",
                     text);
}

/* What stands in the certificate of the key that signs tokens, held to what any evidence is held to. */
static json_t *evidence_json(struct cm_service *s)
{
    uint8_t hash[32] = {0};
    uint8_t *quote = NULL;
    size_t len = 0;
    struct cm_decide_job job = {
        .api = "self", .policy_type = "SgxEnclave", .format = CM_FORMAT_DCAP};
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    json_t *out = NULL;
    enum cm_status st = cm_identity_evidence(s, &quote, &len, hash);

    if (st != CM_OK) {
        return st != CM_ERR_NOTFOUND
                   ? evidence_of("failed", NULL, cm_status_str(st))
                   : evidence_of("none", NULL,
                                 "the service does not run in an enclave, and none "
                                 "keeps its root key");
    }
    job.evidence = cm_span_make(quote, len);
    job.report_data = cm_span_make(hash, sizeof(hash));
    st = cm_decide(s, &job, true, &d, &why);
    if (st == CM_OK && d->claims != NULL) {
        out = evidence_of("ok", d,
                          "the enclave that keeps the root key vouches for the key that signs "
                          "tokens; that key is used outside of it");
    } else {
        out = evidence_of("failed", d, st == CM_OK ? d->why.text : why.text);
    }
    cm_decision_free(d);
    free(quote);
    return out;
}

static json_t *service_json(const struct console *c, struct alerts *a)
{
    const struct cm_service_config *config = cm_service_config(c->service);
    char why[300] = "";
    const bool is_ready = ready(c->service, why, sizeof(why));
    json_t *out = json_pack(
        "{ss ss sb sI ss sb ss so}", "version", CM_VERSION, "public_url", config->public_url,
        "emulated", config->accept_emulated, "started_at", (json_int_t)c->started, "store",
        strncmp(config->store, "sqlite:", 7) == 0 ? "sqlite" : "postgresql", "ready", is_ready,
        "ready_why", why, "evidence", evidence_json(c->service));
    json_t *identity = cm_identity_show(c->service);

    if (out == NULL || identity == NULL || json_object_update(out, identity) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(identity);
    if (!is_ready) {
        alert(a, "critical", "service.not-ready", "overview", NULL, why);
    }
    return out;
}

/* ------------------------------------------------------------------- alerts */

static void collateral_alerts(struct alerts *a, const json_t *list, const char *state,
                              const char *severity)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        const char *is = json_string_value(json_object_get(e, "state"));
        const char *name = json_string_value(json_object_get(e, "name"));
        const char *subject = json_string_value(json_object_get(e, "subject"));
        const json_int_t next = json_integer_value(json_object_get(e, "next_update"));
        char code[48] = "";
        char text[300] = "";

        if (is == NULL || strcmp(is, state) != 0) {
            continue;
        }
        (void)snprintf(code, sizeof(code), "collateral.%s", state);
        (void)snprintf(text, sizeof(text), "%s %s: %s", name == NULL ? "" : name,
                       subject == NULL ? "" : subject,
                       strcmp(state, "expiring") != 0 ? state : "its next update is due soon");
        if (strcmp(state, "expiring") == 0 && next > (json_int_t)a->now) {
            (void)snprintf(text, sizeof(text), "%s %s: its next update is due in %lld days",
                           name == NULL ? "" : name, subject == NULL ? "" : subject,
                           (long long)((next - (json_int_t)a->now) / DAY));
        }
        alert(a, severity, code, "overview", NULL, text);
    }
}

static bool on_waiting(void *arg, const struct cm_db_value *c, size_t count)
{
    struct alerts *a = arg;
    char text[160] = "";

    if (count == 1 && c[0].type == CM_DB_TEXT) {
        (void)snprintf(text, sizeof(text), "A version of %s waits for a second person's approval.",
                       (const char *)c[0].bytes.ptr);
        alert(a, "info", "policy.waiting", "policies", (const char *)c[0].bytes.ptr, text);
    }
    return true;
}

static enum cm_status all_alerts(struct cm_call *call, struct alerts *a, const json_t *collateral,
                                 struct cm_why *why)
{
    collateral_alerts(a, collateral, "stale", "critical");
    collateral_alerts(a, collateral, "missing", "warning");
    collateral_alerts(a, collateral, "expiring", "warning");
    return cm_db_run(call->db,
                     "SELECT DISTINCT type FROM policy WHERE state = 'waiting' ORDER BY type",
                     cm_db_none(), cm_db_into(on_waiting, a), why);
}

/* ------------------------------------------------------------------- answer */

/* A store that cannot be written is what the overview tells of: the sums of the last seconds wait. */
static enum cm_status settle(struct cm_service *s, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (cm_service_store_ready(s, why)) {
        st = cm_decide_settle(s, why);
    }
    return st == CM_ERR_IO || st == CM_ERR_BUSY ? CM_OK : st;
}

static enum cm_status overview(struct cm_call *call, const struct console *c, unsigned minutes,
                               json_t **out, struct cm_why *why)
{
    struct alerts a = {json_array(), call->now};
    json_t *whole = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(settle(call->service, why));
    CM_TRY(cm_decide_overview(call->service, call->db, minutes, &whole, why));
    if (json_object_set_new(whole, "now", json_integer((json_int_t)call->now)) != 0 ||
        json_object_set_new(whole, "service", service_json(c, &a)) != 0) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_console_add_releases(call, whole, minutes, why));
    CM_TRY(all_alerts(call, &a, json_object_get(whole, "collateral"), why));
    if (json_object_set(whole, "alerts", a.list) != 0) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    *out = whole;
    whole = NULL;
out:
    json_decref(whole);
    json_decref(a.list);
    return st;
}

void cm_console_overview(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    uint64_t minutes = 60;
    enum cm_status st = CM_OK;

    if (!cm_access_number(call, "minutes", &minutes)) {
        return;
    }
    if (minutes < MINUTES_LEAST || minutes > MINUTES_MOST) {
        cm_call_fail(call, 400, "InvalidParameter", "minutes is a number from %d to %d",
                     MINUTES_LEAST, MINUTES_MOST);
        return;
    }
    st = overview(call, state, (unsigned)minutes, &out, &why);
    cm_console_answer(call, st, out, &why);
}
