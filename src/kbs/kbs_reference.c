/*
 * Reference values: what a measurement may be, by its name; see kbs_private.h and kbs_token.c for what becomes
 * of them. Taken as Trustee's tools send them, in an envelope, or plainly as {"name", "value"}.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "kbs/kbs_private.h"
#include "token/base64.h"

#define MAX_NAME   128u
#define MAX_VALUES 256u

/* {"name": [values]}: the caller owns it; NULL: it is none. */
static json_t *values_of(json_t *body)
{
    const char *payload = json_string_value(json_object_get(body, "payload"));
    const char *name = json_string_value(json_object_get(body, "name"));
    uint8_t *text = NULL;
    size_t len = 0;
    json_t *out = NULL;

    if (name != NULL) {
        return json_pack("{s:O}", name, json_object_get(body, "value"));
    }
    text = payload == NULL ? NULL : malloc(strlen(payload) + 1);
    if (text != NULL && (cm_base64_decode(cm_span_make(payload, strlen(payload)), text,
                                          strlen(payload), &len) == CM_OK ||
                         cm_base64url_decode(cm_span_make(payload, strlen(payload)), text,
                                             strlen(payload), &len) == CM_OK)) {
        out = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
    }
    free(text);
    return out;
}

/* A list of texts, numbers and booleans; one alone counts as a list. As texts, as they are compared. */
static json_t *plain_list(json_t *value)
{
    json_t *list = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
    json_t *out = json_array();
    json_t *one = NULL;
    size_t i = 0;
    bool good = out != NULL && json_array_size(list) <= MAX_VALUES;

    json_array_foreach(list, i, one)
    {
        json_t *text = json_is_string(one) ? json_incref(one)
                       : json_is_integer(one)
                           ? json_sprintf("%lld", (long long)json_integer_value(one))
                       : json_is_boolean(one) ? json_string(json_is_true(one) ? "true" : "false")
                                              : NULL;

        good = good && text != NULL && json_array_append(out, text) == 0;
        json_decref(text);
    }
    json_decref(list);
    if (!good) {
        json_decref(out);
        return NULL;
    }
    return out;
}

struct reference_change {
    struct cm_call *call;
    json_t *all; /* name: [texts] */
    const char *name;
};

static enum cm_status put_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct reference_change *c = arg;
    const char *name = NULL;
    json_t *list = NULL;
    enum cm_status st = cm_rules_may_trust(c->call, db, "reference values", why);

    if (st != CM_OK) {
        return st;
    }
    json_object_foreach(c->all, name, list)
    {
        char *text = json_dumps(list, JSON_COMPACT);
        const struct cm_db_value v[] = {cm_db_text(name), cm_db_text(text),
                                        cm_db_text(c->call->who.name),
                                        cm_db_int((int64_t)c->call->now)};

        st = text == NULL ? CM_ERR_NOMEM
                          : cm_db_run(db,
                                      "INSERT INTO kbs_reference (name, accepted, author, time)"
                                      " VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                                      " accepted = excluded.accepted, author = excluded.author,"
                                      " time = excluded.time",
                                      cm_db_with(v, 4), cm_db_nowhere(), why);
        free(text);
        if (st != CM_OK) {
            return st;
        }
    }
    return cm_service_touch(c->call->service, db, CM_KBS_TOPIC, why);
}

static enum cm_status delete_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct reference_change *c = arg;
    const struct cm_db_value v = cm_db_text(c->name);
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_may_trust(c->call, db, "reference values", why));
    CM_TRY(cm_db_run(db, "DELETE FROM kbs_reference WHERE name = ?", cm_db_with(&v, 1),
                     cm_db_nowhere(), why));
    if (cm_db_changed(db) == 0) {
        return CM_ERR_NOTFOUND;
    }
    st = cm_service_touch(c->call->service, db, CM_KBS_TOPIC, why);
out:
    return st;
}

void cm_kbs_serve_reference_put(struct cm_call *call, void *state)
{
    json_t *body = cm_call_json(call);
    json_t *given = body == NULL ? NULL : values_of(body);
    struct reference_change c = {.call = call, .all = json_object()};
    const char *name = NULL;
    json_t *value = NULL;
    struct cm_why why = {""};
    bool good = json_is_object(given) && json_object_size(given) != 0;
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        json_decref(c.all);
        return;
    }
    json_object_foreach(given, name, value)
    {
        good = good && name[0] != '\0' && strlen(name) <= MAX_NAME &&
               json_object_set_new(c.all, name, plain_list(value)) == 0;
    }
    if (!good) {
        cm_call_fail(call, 400, "InvalidParameter",
                     "a reference value is {\"name\", \"value\"} or {\"payload\": base64 of "
                     "{\"name\": [values]}}; values are texts, integers and booleans");
    } else {
        st = cm_call_write(call, put_run, &c, "reference.set",
                           json_object_iter_key(json_object_iter(c.all)), NULL, &why);
        if (st != CM_OK) {
            cm_call_fail_status(call, st, &why);
        } else {
            cm_call_answer_json(call, 200, json_object());
        }
    }
    json_decref(c.all);
    json_decref(given);
}

void cm_kbs_serve_reference_delete(struct cm_call *call, void *state)
{
    struct reference_change c = {.call = call, .name = cm_call_param(call, "name")};
    struct cm_why why = {""};
    enum cm_status st = cm_call_write(call, delete_run, &c, "reference.delete", c.name, NULL, &why);

    (void)state;
    if (st == CM_ERR_NOTFOUND) {
        cm_call_fail(call, 404, "ReferenceValueNotFound", "there is no such reference value");
    } else if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else {
        cm_call_answer_json(call, 200, json_object());
    }
}

void cm_kbs_serve_reference_list(struct cm_call *call, void *state)
{
    cm_call_answer_json(call, 200, cm_kbs_references(state));
}

void cm_kbs_serve_reference(struct cm_call *call, void *state)
{
    json_t *all = cm_kbs_references(state);
    json_t *values = json_object_get(all, cm_call_param(call, "name"));

    if (values == NULL) {
        cm_call_fail(call, 404, "ReferenceValueNotFound", "there is no such reference value");
    } else {
        cm_call_answer_json(call, 200, json_incref(values));
    }
    json_decref(all);
}
