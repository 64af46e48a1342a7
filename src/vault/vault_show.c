/* Keys and secrets as the dashboard shows them, and release policies in words; see vault.h. */
#include <casemate/release.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/release_node.h"
#include "vault/vault.h"
#include "vault/vault_form.h"

#define SENTENCE_MAX 4096
#define HISTORY_MAX  1000

/* --------------------------------------------------------------------- words */

struct words {
    char text[SENTENCE_MAX];
    size_t len;
};

static void say(struct words *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len && w->len + 1 < sizeof(w->text); i++) {
        unsigned char c = (unsigned char)text[i];

        w->text[w->len++] = (char)(c < 0x20 || c > 0x7e ? '?' : c); /* policies may say anything */
    }
    w->text[w->len] = '\0';
}

static void say_text(struct words *w, const char *text)
{
    say(w, text, strlen(text));
}

static void say_value(struct words *w, const struct cm_pj *v)
{
    char number[32] = "";

    if (v->type == CM_PJ_TEXT) {
        say_text(w, "\"");
        say(w, (const char *)v->text.ptr, v->text.len);
        say_text(w, "\"");
    } else if (v->type == CM_PJ_BOOL) {
        say_text(w, v->number != 0 ? "true" : "false");
    } else {
        (void)snprintf(number, sizeof(number), "%lld", (long long)v->number);
        say_text(w, number);
    }
}

static void say_claim(struct words *w, const struct cm_release_node *n)
{
    static const char *const verbs[] = {
        [CM_RELEASE_EQUALS] = " is ",
        [CM_RELEASE_NOT_EQUALS] = " is there and is not ",
        [CM_RELEASE_LESS] = " is less than ",
        [CM_RELEASE_LESS_OR_EQUALS] = " is at most ",
        [CM_RELEASE_GREATER] = " is more than ",
        [CM_RELEASE_GREATER_OR_EQUALS] = " is at least ",
    };

    say(w, (const char *)n->claim.ptr, n->claim.len);
    if (n->op == CM_RELEASE_EXISTS) {
        say_text(w, n->value->number != 0 ? " is there" : " is absent");
    } else {
        say_text(w, verbs[n->op]);
        say_value(w, n->value);
    }
}

/* Recursion: groups, whose nesting the parser bounds. */
static void say_node(struct words *w, const struct cm_release_node *n, bool outer)
{
    const char *between = n->kind == CM_RELEASE_ALL ? " and " : " or ";

    if (n->kind == CM_RELEASE_CLAIM) {
        say_claim(w, n);
        return;
    }
    if (!outer && n->count > 1) {
        say_text(w, "(");
    }
    for (size_t i = 0; i < n->count; i++) {
        say_text(w, i == 0 ? "" : between);
        say_node(w, &n->items[i], false);
    }
    if (!outer && n->count > 1) {
        say_text(w, ")");
    }
}

json_t *cm_vault_words(const char *policy)
{
    struct cm_release *release = NULL;
    struct words *w = calloc(1, sizeof(*w));
    json_t *out = json_array();
    bool bad = w == NULL || out == NULL;

    if (!bad && policy != NULL &&
        cm_release_parse(cm_span_make(policy, strlen(policy)), &release, NULL) == CM_OK) {
        for (size_t i = 0; i < release->count && !bad; i++) {
            const struct cm_release_entry *e = &release->entries[i];

            w->len = 0;
            say_text(w, "tokens of ");
            say(w, (const char *)e->authority.ptr, e->authority.len);
            say_text(w, " whose ");
            say_node(w, &e->conditions, true);
            bad = json_array_append_new(out, json_string(w->text)) != 0;
        }
    }
    cm_release_free(release);
    free(w);
    if (bad) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

/* --------------------------------------------------------------------- items */

static json_t *time_or_null(int64_t t)
{
    return t == 0 ? json_null() : json_integer(t);
}

static json_t *member_or(const struct cm_vault_item *item, const char *name, json_t *otherwise)
{
    json_t *v = json_object_get(item->detail, name);

    if (v != NULL) {
        json_decref(otherwise);
        return json_incref(v);
    }
    return otherwise;
}

/* Bits of an RSA or symmetric key. */
static json_t *size_of(const struct cm_vault_item *item)
{
    const size_t n = json_string_length(json_object_get(item->detail, "n"));

    if (n != 0) {
        return json_integer((json_int_t)n * 6 / 8 * 8);
    }
    return member_or(item, "key_size", json_null());
}

/* What keys and secrets have in common. */
static json_t *show_item(const struct cm_vault_item *item)
{
    json_t *o =
        json_pack("{s:s, s:s, s:b, s:I, s:I, s:o, s:o}", "name", item->shown, "current",
                  item->version, "enabled", item->enabled, "created_at", (json_int_t)item->created,
                  "updated_at", (json_int_t)item->updated, "expires_at",
                  time_or_null(item->expires), "deleted_at", time_or_null(item->deleted));
    int bad = o == NULL ? -1 : 0;

    if (item->kind == CM_VAULT_KEY) {
        bad |= json_object_set_new(o, "kty", member_or(item, "kty", json_null()));
        bad |= json_object_set_new(o, "size", size_of(item));
        bad |= json_object_set_new(o, "crv", member_or(item, "crv", json_null()));
        bad |= json_object_set_new(o, "ops", member_or(item, "key_ops", json_array()));
        bad |= json_object_set_new(o, "exportable", json_boolean(item->exportable));
        bad |= json_object_set_new(o, "immutable", json_boolean(item->immutable));
        bad |= json_object_set_new(o, "not_before", time_or_null(item->nbf));
    } else {
        bad |= json_object_set_new(o, "content_type", member_or(item, "contentType", json_null()));
    }
    if (bad != 0) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

/* ------------------------------------------------------------------- numbers */

struct numbers {
    int64_t n[5];
};

static bool take_numbers(void *arg, const struct cm_db_value *c, size_t count)
{
    struct numbers *out = arg;

    for (size_t i = 0; i < count && i < 5; i++) {
        out->n[i] = c[i].type == CM_DB_INT ? c[i].number : 0;
    }
    return false;
}

/* How many versions, and what became of it. The history has names as they were given. */
static enum cm_status add_numbers(struct cm_db *db, enum cm_vault_kind kind, json_t *o,
                                  struct cm_why *why)
{
    const char *shown = json_string_value(json_object_get(o, "name"));
    char name[CM_VAULT_NAME_MAX + 1] = "";
    struct numbers versions = {{0}};
    struct numbers releases = {{0}};
    struct cm_db_value values[2] = {cm_db_int(kind), cm_db_text(name)};
    int bad = 0;
    enum cm_status st = CM_OK;

    (void)cm_vault_name(shown, name);
    values[1] = cm_db_text(name);
    CM_TRY(cm_db_run(db,
                     "SELECT COUNT(*), MIN(created) FROM vault_version WHERE kind = ? AND name = ?",
                     cm_db_with(values, 2), cm_db_into(take_numbers, &versions), why));
    values[1] = cm_db_text(shown);
    CM_TRY(cm_db_run(db,
                     "SELECT COUNT(CASE WHEN released = 1 THEN 1 END),"
                     " COUNT(CASE WHEN released = 0 THEN 1 END),"
                     " MAX(CASE WHEN released = 1 THEN time END)"
                     " FROM vault_release WHERE kind = ? AND name = ?",
                     cm_db_with(values, 2), cm_db_into(take_numbers, &releases), why));
    bad |= json_object_set_new(o, "versions", json_integer(versions.n[0]));
    bad |= json_object_set_new(o, "created_at", json_integer(versions.n[1]));
    bad |= json_object_set_new(o, "released", json_integer(releases.n[0]));
    bad |= json_object_set_new(o, "withheld", json_integer(releases.n[1]));
    bad |= json_object_set_new(o, "last_release", time_or_null(releases.n[2]));
    st = bad == 0 ? CM_OK : CM_ERR_NOMEM;
out:
    return st;
}

/* ---------------------------------------------------------------------- list */

struct listing {
    json_t *items;
    int64_t limit;
    bool more;
    bool bad;
    char last[CM_VAULT_NAME_MAX + 1];
};

static bool take_item(void *arg, struct cm_vault_item *item)
{
    struct listing *l = arg;

    if ((int64_t)json_array_size(l->items) == l->limit) {
        l->more = true;
        return false;
    }
    l->bad = json_array_append_new(l->items, show_item(item)) != 0;
    (void)snprintf(l->last, sizeof(l->last), "%s", item->name);
    return !l->bad;
}

enum cm_status cm_vault_show_list(struct cm_db *db, enum cm_vault_kind kind, const char *after,
                                  int64_t limit, json_t **out, struct cm_why *why)
{
    struct listing l = {.items = json_array(), .limit = limit < 1 || limit > 200 ? 50 : limit};
    const struct cm_vault_range range = {.kind = kind, .name = after, .limit = l.limit + 1};
    size_t i = 0;
    json_t *item = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(l.items == NULL ? CM_ERR_NOMEM
                           : cm_vault_list(db, &range, CM_VAULT_ALL, take_item, &l, why));
    CM_TRY(l.bad ? CM_ERR_NOMEM : CM_OK);
    json_array_foreach(l.items, i, item)
    {
        CM_TRY(add_numbers(db, kind, item, why));
    }
    *out = json_pack("{s:O, s:s?}", "items", l.items, "next", l.more ? l.last : NULL);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(l.items);
    return st;
}

/* ----------------------------------------------------------------------- one */

static json_t *policy_json(const char *policy)
{
    return policy == NULL ? json_null() : json_loads(policy, JSON_REJECT_DUPLICATES, NULL);
}

struct history {
    json_t *items;
    bool bad;
};

static bool take_version(void *arg, struct cm_vault_item *item)
{
    struct history *h = arg;
    json_t *o = json_pack("{s:s, s:I, s:b, s:b, s:o}", "version", item->version, "created_at",
                          (json_int_t)item->created, "enabled", item->enabled, "immutable",
                          item->immutable, "release_policy", policy_json(item->policy));

    h->bad = json_array_insert_new(h->items, 0, o) != 0; /* the newest first */
    return !h->bad;
}

static enum cm_status add_history(struct cm_db *db, const struct cm_vault_item *item, json_t *o,
                                  struct cm_why *why)
{
    const struct cm_vault_range range = {
        .kind = item->kind, .name = item->name, .number = 0, .limit = HISTORY_MAX};
    struct history h = {json_array(), false};
    size_t i = 0;
    json_t *line = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(h.items == NULL ? CM_ERR_NOMEM : cm_vault_versions(db, &range, take_version, &h, why));
    CM_TRY(h.bad ? CM_ERR_NOMEM : CM_OK);
    json_array_foreach(h.items, i, line)
    {
        const struct cm_db_value values[] = {
            cm_db_int(item->kind), cm_db_text(item->shown),
            cm_db_text(json_string_value(json_object_get(line, "version")))};
        struct numbers n = {{0}};

        CM_TRY(cm_db_run(db,
                         "SELECT COUNT(*) FROM vault_release WHERE kind = ? AND name = ?"
                         " AND version = ? AND released = 1",
                         cm_db_with(values, 3), cm_db_into(take_numbers, &n), why));
        CM_TRY(json_object_set_new(line, "released", json_integer(n.n[0])) != 0 ? CM_ERR_NOMEM
                                                                                : CM_OK);
    }
    st = json_object_set(o, "history", h.items) != 0 ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(h.items);
    return st;
}

enum cm_status cm_vault_show(struct cm_db *db, enum cm_vault_kind kind, const char *name,
                             json_t **out, struct cm_why *why)
{
    struct cm_vault_item item = {.kind = kind};
    char small[CM_VAULT_NAME_MAX + 1] = "";
    json_t *o = NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    *out = NULL;
    if (!cm_vault_name(name, small)) {
        return st;
    }
    CM_TRY(cm_vault_load(db, kind, small, "", &item, why));
    o = show_item(&item);
    CM_TRY(o == NULL ? CM_ERR_NOMEM : add_numbers(db, kind, o, why));
    if (json_object_set_new(o, "release_policy", policy_json(item.policy)) != 0 ||
        json_object_set_new(o, "release_to", cm_vault_words(item.policy)) != 0) {
        CM_TRY(CM_ERR_NOMEM);
    }
    CM_TRY(add_history(db, &item, o, why));
    *out = json_incref(o);
out:
    json_decref(o);
    cm_vault_item_clear(&item);
    return st;
}
