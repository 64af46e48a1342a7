/* Keys, secrets, resources and releases for the dashboard. Nothing here has key material or a secret's value. */
#include <string.h>

#include "common/try.h"
#include "console/console_private.h"
#include "vault/vault.h"

#define NEWEST 8

/* ------------------------------------------------------------ keys, secrets */

static void list(struct cm_call *call, enum cm_vault_kind kind)
{
    const char *after = cm_web_query(call->req, "cursor");
    json_t *out = NULL;
    struct cm_why why = {""};
    unsigned limit = 0;
    enum cm_status st = CM_OK;

    if (cm_access_limit(call, &limit)) {
        st = cm_vault_show_list(call->db, kind, after == NULL ? "" : after, limit, &out, &why);
        cm_console_answer(call, st, out, &why);
    }
}

static void show(struct cm_call *call, enum cm_vault_kind kind)
{
    json_t *out = NULL;
    struct cm_why why = {""};
    const enum cm_status st =
        cm_vault_show(call->db, kind, cm_call_param(call, "name"), &out, &why);

    cm_console_answer(call, st, out, &why);
}

void cm_console_keys(struct cm_call *call, void *state)
{
    (void)state;
    list(call, CM_VAULT_KEY);
}

void cm_console_key(struct cm_call *call, void *state)
{
    (void)state;
    show(call, CM_VAULT_KEY);
}

void cm_console_secrets(struct cm_call *call, void *state)
{
    (void)state;
    list(call, CM_VAULT_SECRET);
}

void cm_console_secret(struct cm_call *call, void *state)
{
    (void)state;
    show(call, CM_VAULT_SECRET);
}

static void after_change(struct cm_call *call, enum cm_status st, const struct cm_why *why)
{
    if (st == CM_OK) {
        show(call, CM_VAULT_KEY);
    } else {
        cm_call_fail_status(call, st, why);
    }
}

void cm_console_key_rotate(struct cm_call *call, void *state)
{
    struct cm_why why = {""};

    (void)state;
    after_change(call, cm_vault_rotate(call, cm_call_param(call, "name"), &why), &why);
}

static void enable(struct cm_call *call, bool enabled)
{
    struct cm_why why = {""};

    after_change(call,
                 cm_vault_enable(call, CM_VAULT_KEY, cm_call_param(call, "name"), enabled, &why),
                 &why);
}

void cm_console_key_enable(struct cm_call *call, void *state)
{
    (void)state;
    enable(call, true);
}

void cm_console_key_disable(struct cm_call *call, void *state)
{
    (void)state;
    enable(call, false);
}

/* ----------------------------------------------------------------- releases */

void cm_console_releases(struct cm_call *call, void *state)
{
    struct cm_vault_releases which = {
        .kind = cm_web_query(call->req, "kind"),
        .name = cm_web_query(call->req, "name"),
        .result = cm_web_query(call->req, "result"),
        .client = cm_web_query(call->req, "client"),
        .cursor = cm_web_query(call->req, "cursor"),
    };
    uint64_t from = 0;
    uint64_t to = 0;
    json_t *out = NULL;
    struct cm_why why = {""};
    unsigned limit = 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_access_limit(call, &limit) || !cm_access_number(call, "from", &from) ||
        !cm_access_number(call, "to", &to)) {
        return;
    }
    which.from = (int64_t)from;
    which.to = (int64_t)to;
    which.limit = limit;
    st = cm_vault_releases_show(call->db, &which, &out, &why);
    cm_console_answer(call, st, out, &why);
}

struct totals {
    int64_t withheld;
    int64_t released;
};

static bool on_total(void *arg, const struct cm_db_value *c, size_t count)
{
    struct totals *t = arg;

    if (count == 2) {
        *(c[0].number != 0 ? &t->released : &t->withheld) = c[1].number;
    }
    return true;
}

enum cm_status cm_console_add_releases(struct cm_call *call, json_t *overview, unsigned minutes,
                                       struct cm_why *why)
{
    const struct cm_vault_releases which = {.limit = NEWEST};
    const struct cm_db_value since = cm_db_int((int64_t)call->now - (int64_t)minutes * 60);
    json_t *totals = json_object_get(overview, "totals");
    struct totals t = {0, 0};
    json_t *page = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(call->db,
                     "SELECT released, COUNT(*) FROM vault_release WHERE time >= ?"
                     " GROUP BY released",
                     cm_db_with(&since, 1), cm_db_into(on_total, &t), why));
    CM_TRY(cm_vault_releases_show(call->db, &which, &page, why));
    if (json_object_set_new(totals, "released", json_integer(t.released)) != 0 ||
        json_object_set_new(totals, "withheld", json_integer(t.withheld)) != 0 ||
        json_object_set(overview, "releases", json_object_get(page, "items")) != 0) {
        st = CM_ERR_NOMEM;
    }
out:
    json_decref(page);
    return st;
}
