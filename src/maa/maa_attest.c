/*
 * One attestation on its way: decided at once on the loop when everything needed is at hand, else on a
 * worker; recorded; answered only when the record is on the disk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "maa/maa_private.h"

/* From the decision to the end of its record. */
struct pending {
    struct cm_call *call;
    struct cm_maa_request *request;
    struct cm_decide_job job;
    struct cm_maa_finish finish;
    json_t *answer;    /* permitted */
    enum cm_status st; /* refused */
    struct cm_why why;
    bool by_policy;
    char id[65];
};

static void pending_free(struct pending *p)
{
    if (p->finish.free_arg != NULL) {
        p->finish.free_arg(p->finish.arg);
    }
    json_decref(p->answer);
    cm_maa_request_free(p->request);
    free(p);
}

static void refuse(struct cm_call *call, const struct pending *p)
{
    const char *why = p->why.text[0] == '\0' ? cm_status_str(p->st) : p->why.text;
    bool native = call->route->api == CM_API_NATIVE;
    char record[96] = "by a draft, without a record";

    if (p->job.draft == NULL) {
        (void)snprintf(record, sizeof(record), "attestation %s", p->id);
    }
    if (p->by_policy) {
        cm_call_fail(call, native ? 403 : 400, native ? "PolicyRefused" : "PolicyEvaluationError",
                     "%s%s (%s)",
                     native ? "" : "A Deny claim was issued, authorization failed: ", why, record);
    } else {
        cm_call_fail(call, native ? 403 : 400, native ? "EvidenceRefused" : "InvalidParameter",
                     "the evidence is refused: %s (%s)", why, record);
    }
}

/* Whether the service has failed, and the evidence has not. */
static bool is_ours(enum cm_status st)
{
    return st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO || st == CM_ERR_STATE || st == CM_ERR_IO ||
           st == CM_ERR_SPACE || st == CM_ERR_BUSY;
}

/* On the writer's thread, which must not wait. */
static void recorded(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct pending *p = arg;
    json_t *answer = p->answer;

    p->answer = NULL;
    if (st != CM_OK) {
        json_decref(answer);
        cm_call_fail_status(p->call, st == CM_ERR_IO ? CM_ERR_BUSY : st, why);
    } else if (is_ours(p->st)) {
        cm_call_fail_status(p->call, p->st, &p->why);
    } else if (answer != NULL) {
        cm_call_answer_json(p->call, 200, answer);
    } else {
        refuse(p->call, p);
    }
    pending_free(p);
}

static void overrule(struct cm_decision *d, enum cm_status st, const char *stage,
                     const struct cm_why *why)
{
    if (st != CM_OK) {
        d->st = st;
        d->why = *why;
        d->stage = stage;
    }
}

/* What the decision comes to, with what only this API knows: bindings beyond the evidence's own. */
static void conclude(struct pending *p, struct cm_decision *d)
{
    struct cm_why why = {""};

    if (d->st == CM_OK) {
        overrule(d, cm_maa_init_check(p->request, d->evidence, &why), "evidence", &why);
    }
    if (d->st == CM_OK) {
        overrule(d, cm_maa_baseline_check(d, &why), "policy", &why);
    }
    if (d->st == CM_OK) {
        overrule(d, p->finish.make(p->call, p->request, d, p->finish.arg, &p->answer, &why),
                 "evidence", &why);
    }
    p->st = d->unavailable ? CM_ERR_BUSY : d->st; /* whose addresses are nobody's business */
    p->why = d->why;
    p->by_policy = d->stage != NULL && strcmp(d->stage, "policy") == 0;
    (void)snprintf(p->id, sizeof(p->id), "%s", d->id);
}

static enum cm_status take_draft(struct pending *p, const struct cm_rule_version **draft,
                                 bool *answered)
{
    struct cm_policy_error error = {0, 0, ""};
    enum cm_status st = CM_OK;

    if (p->request->draft.ptr == NULL) {
        return CM_OK;
    }
    st = cm_rules_draft(p->call->service, p->request->policy_type, cm_maa_span(&p->request->draft),
                        draft, &error);
    if (st == CM_ERR_NOMEM) {
        return st;
    }
    if (st != CM_OK) {
        *answered = true;
        cm_call_fail(p->call, 400, "PolicyParsingError", "Line: '%zu', Column: '%zu': %s",
                     error.line, error.column, error.text);
    }
    return st;
}

static void finish_draft(struct pending *p, struct cm_decision *d)
{
    conclude(p, d);
    cm_decision_free(d);
    if (p->answer != NULL) {
        json_t *answer = p->answer;

        p->answer = NULL;
        cm_call_answer_json(p->call, 200, answer);
    } else if (is_ours(p->st)) {
        cm_call_fail_status(p->call, p->st, &p->why);
    } else {
        refuse(p->call, p);
    }
    pending_free(p);
}

/* What is not needed any more of a request whose call goes on elsewhere. */
static void drop_request(struct cm_maa_request *r, const struct cm_maa_finish *finish)
{
    if (finish->free_arg != NULL) {
        finish->free_arg(finish->arg);
    }
    cm_maa_request_free(r);
}

void cm_maa_decide(struct cm_call *call, const char *api, struct cm_maa_request *r,
                   const struct cm_maa_finish *finish,
                   void (*again)(struct cm_call *call, void *state))
{
    struct pending *p = NULL;
    const struct cm_rule_version *draft = NULL;
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    bool answered = false;
    bool may_wait = call->db != NULL;
    enum cm_status st = CM_OK;

    if (r->draft.ptr != NULL && !may_wait) { /* anybody's policy, of any cost: not on the loop */
        drop_request(r, finish);
        cm_call_later(call, again);
        return;
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        drop_request(r, finish);
        cm_call_fail_status(call, CM_ERR_NOMEM, NULL);
        return;
    }
    p->call = call;
    p->request = r;
    p->finish = *finish;
    p->job = (struct cm_decide_job){
        .api = api,
        .policy_type = r->policy_type,
        .evidence = cm_maa_span(&r->evidence),
        .format = r->format,
        .materials = r->materials,
        .material_count = r->material_count,
        .report_data = r->runtime.given ? cm_span_make(r->expected, sizeof(r->expected))
                                        : cm_span_make(NULL, 0),
        .custom_claims = r->custom,
        .natural = r->natural,
        .activated = cm_maa_span(&r->activated),
        .endorsement = r->endorsement[0] == '\0' ? NULL : r->endorsement,
        .client = call->who.name[0] != '\0' ? call->who.name : cm_web_peer(call->req),
    };
    CM_TRY(take_draft(p, &draft, &answered));
    p->job.draft = draft;
    CM_TRY(cm_decide(call->service, &p->job, may_wait, &d, &why));
    if (draft != NULL) {
        finish_draft(p, d);
        cm_rules_release(draft);
        return;
    }
    conclude(p, d);
    cm_call_keep(call);
    cm_decision_record(call->service, d, &p->job, recorded, p);
    return;
out:
    cm_rules_release(draft);
    pending_free(p);
    if (st == CM_ERR_BUSY && !may_wait) {
        cm_call_later(call, again);
    } else if (!answered) {
        cm_call_fail_status(call, st, &why);
    }
}

/* ------------------------------------------------------------------ handlers */

/* The token of a permitted attestation; of a draft one that nobody may trust. */
static enum cm_status make_token(struct cm_call *call, const struct cm_maa_request *r,
                                 struct cm_decision *d, void *arg, json_t **out, struct cm_why *why)
{
    const struct cm_maa_issue issue = {cm_call_base(call), d->time, d->id};
    json_t *claims = NULL;
    char *token = NULL;
    enum cm_status st = CM_OK;

    (void)arg;
    CM_TRY(cm_maa_claims(&issue, r, d, &claims));
    if (r->draft.ptr != NULL) {
        token = cm_maa_unsigned(claims);
    } else {
        /* for the record, too: never of a draft */
        CM_TRY(cm_maa_sign(call->service, issue.base, claims, &token, &d->token, why));
    }
    *out = cm_maa_token_body(token);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(claims);
    free(token);
    return st;
}

static void attest(struct cm_call *call, enum cm_maa_tee tee,
                   void (*again)(struct cm_call *call, void *state))
{
    const struct cm_maa_finish finish = {make_token, NULL, NULL};
    struct cm_maa_request *r = NULL;
    struct cm_why why = {""};
    json_t *body = NULL;
    enum cm_status st = CM_OK;

    if (!cm_maa_versioned(call)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    r = calloc(1, sizeof(*r));
    if (r == NULL) {
        cm_call_fail_status(call, CM_ERR_NOMEM, NULL);
        return;
    }
    r->tee = tee;
    st = cm_maa_request_read(body, r, &why);
    if (st != CM_OK) {
        cm_maa_request_free(r);
        cm_maa_fail_input(call, st, &why);
        return;
    }
    cm_maa_decide(call, "maa", r, &finish, again);
}

void cm_maa_attest_sgx(struct cm_call *call, void *state)
{
    (void)state;
    attest(call, CM_MAA_SGX, cm_maa_attest_sgx);
}

void cm_maa_attest_oe(struct cm_call *call, void *state)
{
    (void)state;
    attest(call, CM_MAA_OE, cm_maa_attest_oe);
}

void cm_maa_attest_snp(struct cm_call *call, void *state)
{
    (void)state;
    attest(call, CM_MAA_SNP, cm_maa_attest_snp);
}

void cm_maa_attest_tdx(struct cm_call *call, void *state)
{
    (void)state;
    attest(call, CM_MAA_TDX, cm_maa_attest_tdx);
}
