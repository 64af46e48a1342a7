/* See decide_enrol.h. Untrusted: what is uploaded, in its form; whoever enrols it is trusted. */
#include "decide/decide_enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/hex.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "decide/decide_json.h"
#include "decide/decide_module.h"
#include "evidence/enrolled.h"
#include "token/base64.h"
#include "tpm/tpm.h"
#include "verify/material_kind.h"

#define NAME_MAX_LEN 64u

/* ------------------------------------------------------------------ memory */

void cm_enrolled_drop(struct cm_enrolled_set *set)
{
    if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        for (size_t i = 0; i < set->count; i++) {
            free(set->item[i].owned);
        }
        free(set);
    }
}

struct cm_enrolled_set *cm_enrolled_hold(struct cm_enrolled_set *set)
{
    if (set != NULL) {
        (void)atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    }
    return set;
}

struct reading {
    struct cm_enrolled_set *set;
    enum cm_status st;
};

static bool take_row(void *arg, const struct cm_db_value *c, size_t count)
{
    struct reading *r = arg;
    const char *type = count == 4 ? cm_rules_type(cm_json_text(&c[1])) : NULL;
    const char *name = cm_json_text(&c[0]);
    const size_t len = count == 4 ? c[3].bytes.len : 0;
    struct cm_enrolled *e = &r->set->item[r->set->count];

    if (type == NULL || r->set->count == CM_ENROL_MAX) {
        return true; /* of a program that knew more types */
    }
    e->owned = malloc(len + strlen(name) + 1);
    if (e->owned == NULL) {
        r->st = CM_ERR_NOMEM;
        return false;
    }
    if (len != 0) {
        memcpy(e->owned, c[3].bytes.ptr, len);
    }
    memcpy(e->owned + len, name, strlen(name) + 1);
    e->type = type;
    e->material.kind =
        strcmp(cm_json_text(&c[2]), "key") == 0 ? CM_MATERIAL_KEY : CM_MATERIAL_REFERENCE;
    e->material.name = (const char *)e->owned + len;
    e->material.bytes = cm_span_make(e->owned, len);
    r->set->count++;
    return true;
}

enum cm_status cm_enrolled_read(struct cm_db *db, struct cm_enrolled_set **out, struct cm_why *why)
{
    struct reading r = {calloc(1, sizeof(*r.set) + CM_ENROL_MAX * sizeof(r.set->item[0])), CM_OK};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (r.set == NULL) {
        return CM_ERR_NOMEM;
    }
    atomic_init(&r.set->refs, 1);
    CM_TRY(cm_db_run(db, "SELECT name, type, kind, content FROM enrolled ORDER BY name",
                     cm_db_none(), cm_db_into(take_row, &r), why));
    CM_TRY(r.st);
    *out = r.set;
    r.set = NULL;
out:
    cm_enrolled_drop(r.set);
    return st;
}

/* ------------------------------------------------------------------ change */

#define TRUSTED "enrolled keys and reference values"

struct enrolling {
    const struct cm_call *call;
    char id[33];
    const char *name;
    const char *type;
    const char *kind;
    struct cm_span content;
    char sha256[65];
    const char *author;
    uint64_t now;
};

static bool take_count(void *arg, const struct cm_db_value *c, size_t count)
{
    *(int64_t *)arg = count == 1 ? c[0].number : INT64_MAX;
    return false;
}

static enum cm_status enrol_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct enrolling *e = arg;
    const struct cm_db_value v[] = {cm_db_text(e->id),          cm_db_text(e->name),
                                    cm_db_text(e->type),        cm_db_text(e->kind),
                                    cm_db_blob(e->content),     cm_db_text(e->sha256),
                                    cm_db_int((int64_t)e->now), cm_db_text(e->author)};
    int64_t there = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_may_trust(e->call, db, TRUSTED, why));
    CM_TRY(cm_db_run(db, "SELECT COUNT(*) FROM enrolled", cm_db_none(),
                     cm_db_into(take_count, &there), why));
    if (there >= CM_ENROL_MAX) {
        cm_why_set(why, "no more than %u can be enrolled", CM_ENROL_MAX);
        st = CM_ERR_LIMIT;
        goto out;
    }
    CM_TRY(cm_db_run(db,
                     "INSERT INTO enrolled (id, name, type, kind, content, sha256, added_at,"
                     " author) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                     cm_db_with(v, 8), cm_db_nowhere(), why));
    if (cm_db_changed(db) != 1) {
        cm_why_set(why, "there is something enrolled under this name already");
        st = CM_ERR_EXISTS;
        goto out;
    }
    CM_TRY(cm_service_touch(e->call->service, db, CM_TOPIC_ENROLLED, why));
out:
    return st;
}

static enum cm_status try_none(void *ctx, const struct cm_pubkey *key)
{
    (void)ctx;
    (void)key;
    return CM_ERR_MISMATCH; /* that it is a key is all there is to know */
}

/* Whether a file holds keys in one of the forms that verifiers take. */
static enum cm_status check_keys(struct cm_span content, struct cm_why *why)
{
    const struct cm_enrolled_query anybody = {.instance_id = {NULL, 0}};
    enum cm_status st = cm_enrolled_find_in(content, &anybody, try_none, NULL, why);

    /* keys that were tried, or that all name a device */
    return st == CM_ERR_MISMATCH || st == CM_ERR_NOTFOUND ? CM_OK : st;
}

/* What it is, by its content. */
static enum cm_status kind_of(struct cm_span content, const char **out, struct cm_why *why)
{
    enum cm_material_kind kind = CM_MATERIAL_CERTS;
    struct cm_tpm_public pub;
    struct cm_why inner = {""};
    enum cm_status st = CM_OK;

    if (content.len == 0 || content.len > CM_ENROL_CONTENT) {
        cm_why_set(why, "what is enrolled has 1 byte to %u KiB", CM_ENROL_CONTENT >> 10);
        return CM_ERR_LIMIT;
    }
    if (cm_material_recognise(content, &kind) && kind == CM_MATERIAL_REFERENCE) {
        *out = content.ptr[0] == '{' ? "json" : "corim";
        return CM_OK;
    }
    *out = "key";
    if (cm_tpm_public_recognise(content) && cm_tpm_public_parse(content, &pub, NULL) == CM_OK) {
        return CM_OK;
    }
    st = check_keys(content, &inner);
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "this is neither a public key nor reference values (JSON or CoRIM)");
        st = CM_ERR_FORMAT;
    }
    return st;
}

static json_t *item_of(const char *id, const struct enrolling *e)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:s}", "id", id, "name", e->name, "type",
                     e->type, "kind", e->kind, "added_at", (json_int_t)e->now, "author", e->author,
                     "size", (json_int_t)e->content.len, "sha256", e->sha256);
}

enum cm_status cm_decide_enrol(struct cm_call *call, const char *name, const char *type,
                               struct cm_span content, json_t **out, struct cm_why *why)
{
    struct enrolling e = {.call = call,
                          .name = name,
                          .type = cm_rules_type(type),
                          .content = content,
                          .author = call->who.name,
                          .now = call->now};
    uint8_t digest[CM_SHA256_SIZE] = {0};
    uint8_t bytes[16];
    char detail[160] = "";
    enum cm_status st = CM_OK;

    *out = NULL;
    if (e.type == NULL || name == NULL || name[0] == '\0' || strlen(name) > NAME_MAX_LEN ||
        !cm_json_is_text(name)) {
        cm_why_set(why, e.type == NULL ? "there is no such type of policies"
                                       : "a name has 1 to 64 printable characters");
        return CM_ERR_PARAM;
    }
    CM_TRY(kind_of(content, &e.kind, why));
    CM_TRY(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) ? CM_OK : CM_ERR_PLATFORM);
    CM_TRY(cm_sha256_of(content, digest));
    cm_hex_encode(cm_span_make(bytes, sizeof(bytes)), CM_HEX_LOWER, e.id);
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, e.sha256);
    (void)snprintf(detail, sizeof(detail), "{\"type\":\"%s\",\"kind\":\"%s\",\"sha256\":\"%s\"}",
                   e.type, e.kind, e.sha256);
    CM_TRY(cm_call_write(call, enrol_run, &e, "reference.add", name, detail, why));
    *out = item_of(e.id, &e);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    return st;
}

static enum cm_status unenrol_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct enrolling *e = arg;
    const struct cm_db_value v = cm_db_text(e->id);
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_may_trust(e->call, db, TRUSTED, why));
    CM_TRY(cm_db_run(db, "DELETE FROM enrolled WHERE id = ?", cm_db_with(&v, 1), cm_db_nowhere(),
                     why));
    if (cm_db_changed(db) != 1) {
        cm_why_set(why, "nothing is enrolled under this id");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(cm_service_touch(e->call->service, db, CM_TOPIC_ENROLLED, why));
out:
    return st;
}

static bool is_id(const char *id)
{
    return id != NULL && strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

enum cm_status cm_decide_unenrol(struct cm_call *call, const char *id, struct cm_why *why)
{
    struct enrolling e = {.call = call};

    if (!is_id(id)) {
        cm_why_set(why, "nothing is enrolled under this id");
        return CM_ERR_NOTFOUND;
    }
    memcpy(e.id, id, sizeof(e.id));
    return cm_call_write(call, unenrol_run, &e, "reference.remove", id, NULL, why);
}

/* -------------------------------------------------------------------- list */

static bool take_item(void *arg, const struct cm_db_value *c, size_t count)
{
    return count == 8 &&
           json_array_append_new(
               arg, json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:s}", "id", cm_json_text(&c[0]),
                              "name", cm_json_text(&c[1]), "type", cm_json_text(&c[2]), "kind",
                              cm_json_text(&c[3]), "added_at", (json_int_t)c[4].number, "author",
                              cm_json_text(&c[5]), "size", (json_int_t)c[6].number, "sha256",
                              cm_json_text(&c[7]))) == 0;
}

enum cm_status cm_decide_enrolled(struct cm_db *db, json_t **out, struct cm_why *why)
{
    json_t *list = json_array();
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(list == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_db_run(db,
                     "SELECT id, name, type, kind, added_at, author,"
                     " CAST(length(content) AS BIGINT), sha256 FROM enrolled ORDER BY name",
                     cm_db_none(), cm_db_into(take_item, list), why));
    *out = json_incref(list);
out:
    json_decref(list);
    return st;
}

struct one {
    json_t *item;
    bool failed;
};

static bool take_content(void *arg, const struct cm_db_value *c, size_t count)
{
    struct one *o = arg;
    const size_t cap = CM_BASE64_ENCODED(c[0].bytes.len) + 1;
    char *text = malloc(cap);
    size_t len = 0;

    o->failed = count != 1 || text == NULL ||
                cm_base64_encode(c[0].bytes, text, cap, &len) != CM_OK ||
                json_object_set_new(o->item, "content", json_stringn(text, len)) != 0;
    free(text);
    return false;
}

enum cm_status cm_decide_enrolled_one(struct cm_db *db, const char *id, json_t **out,
                                      struct cm_why *why)
{
    const struct cm_db_value v = cm_db_text(is_id(id) ? id : "");
    struct one o = {NULL, false};
    json_t *list = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_decide_enrolled(db, &list, why));
    for (size_t i = 0; o.item == NULL && i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);

        if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0) {
            o.item = item;
        }
    }
    if (o.item == NULL) {
        cm_why_set(why, "nothing is enrolled under this id");
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(cm_db_run(db, "SELECT content FROM enrolled WHERE id = ?", cm_db_with(&v, 1),
                     cm_db_into(take_content, &o), why));
    CM_TRY(o.failed ? CM_ERR_NOMEM : CM_OK);
    *out = json_incref(o.item);
out:
    json_decref(list);
    return st;
}
