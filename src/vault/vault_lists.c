/* Lists, and what is deleted: softly first, for good when it is purged or its time has come. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "vault/vault_call.h"

#define PAGE_MAX 25 /* as Key Vault has it */

/* --------------------------------------------------------------------- lists */

enum list_of { LIST_OBJECTS, LIST_VERSIONS, LIST_DELETED };

struct page {
    const char *base;
    enum list_of of;
    json_t *value;
    int64_t limit;
    int64_t count;
    bool more;
    bool bad;
    char last[CM_VAULT_NAME_MAX + 1];
    int64_t last_number;
};

static bool take_line(void *arg, struct cm_vault_item *item)
{
    struct page *p = arg;

    if (p->count == p->limit) { /* one more than asked for was read */
        p->more = true;
        return false;
    }
    p->bad =
        json_array_append_new(p->value, cm_vault_line(p->base, item, p->of == LIST_VERSIONS)) != 0;
    p->count++;
    (void)snprintf(p->last, sizeof(p->last), "%s", item->name);
    p->last_number = item->number;
    return !p->bad;
}

/* A number of the query. @return false: it is none */
static bool query_number(const struct cm_call *call, const char *name, int64_t low, int64_t high,
                         int64_t *value)
{
    const char *text = cm_web_query(call->req, name);
    char *end = NULL;
    long long n = 0;

    if (text == NULL) {
        return true;
    }
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18) {
        return false;
    }
    n = strtoll(text, &end, 10);
    *value = n;
    return *end == '\0' && n >= low && n <= high;
}

static json_t *next_link(const struct cm_call *call, const struct page *p,
                         const struct cm_vault_path *path)
{
    static const char *const names[2][2] = {{"keys", "deletedkeys"}, {"secrets", "deletedsecrets"}};
    const char *collection = names[path->kind][p->of == LIST_DELETED ? 1 : 0];
    const char *api = cm_web_query(call->req, "api-version");
    char url[1024] = "";

    if (!p->more) {
        return json_null();
    }
    if (p->of == LIST_VERSIONS) {
        (void)snprintf(url, sizeof(url),
                       "%s/%s/%s/versions?api-version=%s&%%24skiptoken=%" PRId64
                       "&maxresults=%" PRId64,
                       p->base, collection, path->name, api, p->last_number, p->limit);
    } else {
        (void)snprintf(url, sizeof(url),
                       "%s/%s?api-version=%s&%%24skiptoken=%s&maxresults=%" PRId64, p->base,
                       collection, api, p->last, p->limit);
    }
    return json_string(url);
}

/* Where the page begins. @return false: the token is none of ours */
static bool read_token(const struct cm_call *call, enum list_of of, struct cm_vault_range *range,
                       char after[CM_VAULT_NAME_MAX + 1])
{
    const char *token = cm_web_query(call->req, "$skiptoken");

    after[0] = '\0';
    if (of == LIST_VERSIONS) {
        return query_number(call, "$skiptoken", 0, INT64_MAX, &range->number);
    }
    range->name = after;
    return token == NULL || token[0] == '\0' || cm_vault_name(token, after);
}

static enum cm_status read_page(struct cm_call *call, struct cm_vault_range *range, struct page *p,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;

    range->limit = p->limit + 1;
    st = p->of == LIST_VERSIONS
             ? cm_vault_versions(call->db, range, take_line, p, why)
             : cm_vault_list(call->db, range,
                             p->of == LIST_DELETED ? CM_VAULT_DELETED : CM_VAULT_LIVE, take_line, p,
                             why);
    return st == CM_OK && p->bad ? CM_ERR_NOMEM : st;
}

static void list(struct cm_call *call, enum cm_vault_kind kind, enum list_of of)
{
    struct cm_vault_path path;
    struct cm_vault_range range = {.kind = kind, .name = ""};
    struct page p = {.base = cm_call_base(call), .of = of, .limit = PAGE_MAX};
    char after[CM_VAULT_NAME_MAX + 1] = "";
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (!cm_vault_begin(call, kind, &path)) {
        return;
    }
    if (!query_number(call, "maxresults", 1, PAGE_MAX, &p.limit)) {
        cm_call_fail(call, 400, "BadParameter", "maxresults is a number from 1 to %d", PAGE_MAX);
        return;
    }
    if (!read_token(call, of, &range, after)) {
        cm_call_fail(call, 400, "BadParameter", "$skiptoken is not from an answer");
        return;
    }
    range.name = of == LIST_VERSIONS ? path.name : after;
    p.value = json_array();
    st = p.value == NULL ? CM_ERR_NOMEM : read_page(call, &range, &p, &why);
    if (st == CM_OK) {
        cm_call_answer_json(
            call, 200,
            json_pack("{s:o, s:o}", "value", p.value, "nextLink", next_link(call, &p, &path)));
    } else {
        json_decref(p.value);
        cm_vault_fail(call, kind, st, &why);
    }
}

/* ------------------------------------------------------------------- deleted */

enum change_to { TO_DELETED, TO_LIVE, TO_NOTHING };

struct marking {
    const struct cm_vault_path *path;
    enum change_to to;
    int64_t now;
    struct cm_vault_item item;
};

static enum cm_status run_mark(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct marking *m = arg;
    enum cm_status st = CM_OK;

    cm_vault_item_clear(&m->item);
    CM_TRY(cm_vault_load(db, m->path->kind, m->path->name, "", &m->item, why));
    if ((m->item.deleted == 0) != (m->to == TO_DELETED)) {
        cm_why_set(why, "%s is %s", m->item.shown, m->to == TO_DELETED ? "deleted" : "not deleted");
        CM_TRY(CM_ERR_NOTFOUND);
    }
    if (m->to == TO_NOTHING) {
        CM_TRY(cm_vault_purge(db, m->path->kind, m->path->name, why));
        goto out;
    }
    m->item.deleted = m->to == TO_DELETED ? m->now : 0;
    m->item.purge = m->to == TO_DELETED ? m->now + (int64_t)CM_VAULT_KEEP_DAYS * 86400 : 0;
    CM_TRY(cm_vault_mark(db, &m->item, why));
out:
    return st;
}

static void mark(struct cm_call *call, enum cm_vault_kind kind, enum change_to to)
{
    static const char *const actions[2][3] = {{"key.delete", "key.recover", "key.purge"},
                                              {"secret.delete", "secret.recover", "secret.purge"}};
    struct cm_vault_path path;
    struct marking m = {.path = &path, .to = to};
    char object[CM_VAULT_OBJECT_CAP] = "";
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (!cm_vault_begin(call, kind, &path)) {
        return;
    }
    m.now = (int64_t)cm_service_now(call->service);
    (void)snprintf(object, sizeof(object), "%s/%s", kind == CM_VAULT_KEY ? "key" : "secret",
                   path.name);
    st = cm_call_write(call, run_mark, &m, actions[kind][to], object, "", &why);
    if (st != CM_OK) {
        cm_vault_fail(call, kind, st, &why);
    } else if (to == TO_NOTHING) {
        cm_call_answer(call, 204, NULL, cm_span_make(NULL, 0));
    } else {
        cm_vault_answer(call, &m.item);
    }
    cm_vault_item_clear(&m.item);
}

static void get_deleted(struct cm_call *call, enum cm_vault_kind kind)
{
    struct cm_vault_path path;
    struct cm_vault_item item = {.number = 0};

    if (cm_vault_begin(call, kind, &path) && cm_vault_find(call, &path, true, &item)) {
        cm_vault_answer(call, &item);
        cm_vault_item_clear(&item);
    }
}

/* ------------------------------------------------------------------ handlers */

#define HANDLER(name, call_of)                   \
    void name(struct cm_call *call, void *state) \
    {                                            \
        (void)state;                             \
        call_of;                                 \
    }

HANDLER(cm_vault_key_list, list(call, CM_VAULT_KEY, LIST_OBJECTS))
HANDLER(cm_vault_key_versions, list(call, CM_VAULT_KEY, LIST_VERSIONS))
HANDLER(cm_vault_key_list_deleted, list(call, CM_VAULT_KEY, LIST_DELETED))
HANDLER(cm_vault_key_delete, mark(call, CM_VAULT_KEY, TO_DELETED))
HANDLER(cm_vault_key_recover, mark(call, CM_VAULT_KEY, TO_LIVE))
HANDLER(cm_vault_key_purge, mark(call, CM_VAULT_KEY, TO_NOTHING))
HANDLER(cm_vault_key_get_deleted, get_deleted(call, CM_VAULT_KEY))
HANDLER(cm_vault_secret_list, list(call, CM_VAULT_SECRET, LIST_OBJECTS))
HANDLER(cm_vault_secret_versions, list(call, CM_VAULT_SECRET, LIST_VERSIONS))
HANDLER(cm_vault_secret_list_deleted, list(call, CM_VAULT_SECRET, LIST_DELETED))
HANDLER(cm_vault_secret_delete, mark(call, CM_VAULT_SECRET, TO_DELETED))
HANDLER(cm_vault_secret_recover, mark(call, CM_VAULT_SECRET, TO_LIVE))
HANDLER(cm_vault_secret_purge, mark(call, CM_VAULT_SECRET, TO_NOTHING))
HANDLER(cm_vault_secret_get_deleted, get_deleted(call, CM_VAULT_SECRET))
