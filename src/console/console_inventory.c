/* The inventory for the dashboard: what attested, on what, and drafts that trust it. */
#include <string.h>

#include "console/console_private.h"
#include "decide/decide_log.h"

/* Sums of the last seconds are this instance's, until they are in the store. */
static bool settled(struct cm_call *call)
{
    struct cm_why why = {""};
    const enum cm_status st = cm_decide_settle(call->service, &why);

    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    }
    return st == CM_OK;
}

void cm_console_inventory(struct cm_call *call, void *state)
{
    struct cm_inventory_query q = {
        .tee = cm_web_query(call->req, "tee"),
        .text = cm_web_query(call->req, "q"),
        .cursor = cm_web_query(call->req, "cursor"),
    };
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &q.limit) || !settled(call)) {
        return;
    }
    st = cm_decide_inventory(call->service, call->db, &q, &out, &why);
    cm_console_answer(call, st, out, &why);
}

void cm_console_inventory_one(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (settled(call)) {
        st =
            cm_decide_inventory_one(call->service, call->db, cm_call_param(call, "id"), &out, &why);
        cm_console_answer(call, st, out, &why);
    }
}

void cm_console_platforms(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (settled(call)) {
        st = cm_decide_platforms(call->db, &out, &why);
        cm_console_answer(call, st, out, &why);
    }
}

void cm_console_trust(struct cm_call *call, void *state)
{
    static const char *const names[] = {"type", "fresh", NULL};
    json_t *body = cm_access_body(call, names);
    const json_t *named = json_object_get(body, "type");
    const char *type = cm_access_text(body, "type");
    struct cm_trust_ask ask = {NULL, NULL, false};
    json_t *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    if (named != NULL && !json_is_null(named) && (type == NULL || cm_rules_type(type) == NULL)) {
        cm_call_fail(call, 400, "InvalidParameter", "there is no such type of policy");
        return;
    }
    ask.id = cm_call_param(call, "id");
    ask.type = type == NULL ? NULL : cm_rules_type(type);
    ask.fresh = json_is_true(json_object_get(body, "fresh"));
    st = cm_decide_trust(call->service, call->db, &ask, &out, &why);
    cm_console_answer(call, st, out, &why);
}

/* ---------------------------------------------------------------- collateral */

void cm_console_collateral(struct cm_call *call, void *state)
{
    json_t *list = NULL;
    struct cm_why why = {""};
    const enum cm_status st = cm_decide_collateral(call->service, &list, &why);

    (void)state;
    cm_console_answer(call, st, st == CM_OK ? json_pack("{so sn}", "items", list, "next") : NULL,
                      &why);
}

void cm_console_collateral_export(struct cm_call *call, void *state)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    const enum cm_status st = cm_decide_export(call->service, &out, &why);

    (void)state;
    if (st == CM_OK) {
        cm_call_header(call, "Content-Disposition",
                       "attachment; filename=\"casemate-collateral.json\"");
    }
    cm_console_answer(call, st, out, &why);
}

void cm_console_collateral_import(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    size_t count = 0;
    enum cm_status st = cm_decide_import(call->service, cm_web_body(call->req), &count, &why);

    (void)state;
    if (st == CM_ERR_NOTFOUND) { /* something is missing from the text, not here */
        st = CM_ERR_FORMAT;
    }
    if (st == CM_OK) {
        st = cm_call_write(call, NULL, NULL, "collateral.import", "collateral", NULL, &why);
    }
    cm_console_answer(call, st, json_pack("{sI}", "taken", (json_int_t)count), &why);
}
