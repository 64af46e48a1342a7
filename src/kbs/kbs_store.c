/* What lies in the store, private parts wrapped; see kbs_private.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "kbs/kbs_private.h"
#include "keep/keep.h"

#define SECRET_NAME "kbs/nonce"

/* A column's bytes, copied. */
struct blob {
    uint8_t *bytes;
    size_t len;
    bool found;
};

static bool take_blob(void *arg, const struct cm_db_value *c, size_t count)
{
    struct blob *b = arg;

    b->found = count >= 1 && c[0].bytes.ptr != NULL;
    if (b->found) {
        b->bytes = malloc(c[0].bytes.len + 1);
        b->len = c[0].bytes.len;
        if (b->bytes != NULL) {
            memcpy(b->bytes, c[0].bytes.ptr, b->len);
            b->bytes[b->len] = 0;
        }
    }
    return false;
}

/* --------------------------------------------------------------------- secret */

static enum cm_status read_secret(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_db_run(db, "SELECT wrapped FROM kbs_secret", cm_db_none(), cm_db_into(take_blob, arg),
                     why);
}

static enum cm_status put_secret(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct blob *b = arg;
    const struct cm_db_value v = cm_db_blob(cm_span_make(b->bytes, b->len));

    return cm_db_run(db,
                     "INSERT INTO kbs_secret (one, wrapped) VALUES (1, ?) ON CONFLICT DO NOTHING",
                     cm_db_with(&v, 1), cm_db_nowhere(), why);
}

static enum cm_status make_secret(struct cm_kbs *kbs, struct cm_why *why)
{
    uint8_t wrapped[sizeof(kbs->secret) + CM_KEEP_OVERHEAD] = {0};
    struct blob b = {wrapped, 0, true};
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(kbs->secret, sizeof(kbs->secret)));
    CM_TRY(cm_keep_wrap(cm_service_config(kbs->service)->keep, SECRET_NAME,
                        cm_span_make(kbs->secret, sizeof(kbs->secret)), wrapped, sizeof(wrapped),
                        &b.len));
    st = cm_service_write(kbs->service, put_secret, &b, why);
out:
    return st;
}

enum cm_status cm_kbs_secret_open(struct cm_kbs *kbs, struct cm_why *why)
{
    struct blob b = {NULL, 0, false};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_service_read(kbs->service, read_secret, &b, why));
    if (!b.found) {
        CM_TRY(make_secret(kbs, why));
        CM_TRY(cm_service_read(kbs->service, read_secret, &b, why)); /* perhaps another's */
    }
    st = b.bytes == NULL
             ? CM_ERR_NOMEM
             : cm_keep_unwrap(cm_service_config(kbs->service)->keep, SECRET_NAME,
                              cm_span_make(b.bytes, b.len), kbs->secret, sizeof(kbs->secret), &len);
    if (st == CM_OK && len != sizeof(kbs->secret)) {
        st = CM_ERR_FORMAT;
    }
    if (st != CM_OK) {
        cm_why_set(why, "the key broker's secret in the store does not open: %s",
                   cm_status_str(st));
    }
out:
    free(b.bytes);
    return st;
}

/* ------------------------------------------------------------------- sessions */

enum cm_status cm_kbs_session_token(struct cm_db *db, const char *row, uint64_t now, char **token,
                                    struct cm_why *why)
{
    const struct cm_db_value v[] = {cm_db_text(row), cm_db_int((int64_t)now)};
    struct blob b = {NULL, 0, false};
    enum cm_status st = cm_db_run(db, "SELECT token FROM kbs_session WHERE id = ? AND expires > ?",
                                  cm_db_with(v, 2), cm_db_into(take_blob, &b), why);

    *token = NULL;
    if (st == CM_OK && b.bytes == NULL) {
        st = b.found ? CM_ERR_NOMEM : CM_ERR_NOTFOUND;
    }
    if (st == CM_OK) {
        *token = (char *)b.bytes;
    } else {
        free(b.bytes);
    }
    return st;
}

enum cm_status cm_kbs_prune_run(struct cm_db *db, void *now, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_int((int64_t) * (const uint64_t *)now);

    return cm_db_run(db, "DELETE FROM kbs_session WHERE expires <= ?", cm_db_with(&v, 1),
                     cm_db_nowhere(), why);
}

/* ------------------------------------------------------------------ resources */

static bool is_segment(const char *text)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(text);
    size_t head = strspn(text, first);

    return len != 0 && len <= 128 && head != 0 &&
           head + strspn(text + head,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
               len;
}

bool cm_kbs_path(const struct cm_call *call, char out[CM_KBS_PATH_CAP])
{
    const char *repository = cm_call_param(call, "repository");
    const char *type = cm_call_param(call, "type");
    const char *tag = cm_call_param(call, "tag");

    (void)snprintf(out, CM_KBS_PATH_CAP, "%s/%s/%s", repository, type, tag);
    return is_segment(repository) && is_segment(type) && is_segment(tag);
}

static void wrap_name(const char *path, char *out, size_t cap)
{
    (void)snprintf(out, cap, "kbs/resource/%s", path);
}

enum cm_status cm_kbs_resource_get(struct cm_kbs *kbs, struct cm_db *db, const char *path,
                                   uint8_t **out, size_t *len, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_text(path);
    char name[CM_KBS_PATH_CAP + 16] = "";
    struct blob b = {NULL, 0, false};
    enum cm_status st = CM_OK;

    *out = NULL;
    wrap_name(path, name, sizeof(name));
    CM_TRY(cm_db_run(db, "SELECT wrapped FROM kbs_resource WHERE path = ?", cm_db_with(&v, 1),
                     cm_db_into(take_blob, &b), why));
    if (b.bytes == NULL) {
        st = b.found ? CM_ERR_NOMEM : CM_ERR_NOTFOUND;
        goto out;
    }
    *out = malloc(b.len + 1);
    if (*out == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    st = cm_keep_unwrap(cm_service_config(kbs->service)->keep, name, cm_span_make(b.bytes, b.len),
                        *out, b.len, len);
    if (st != CM_OK) {
        cm_why_set(why, "%s does not open under the root key", name);
        free(*out);
        *out = NULL;
    }
out:
    free(b.bytes);
    return st;
}

enum cm_status cm_kbs_resource_wrap(struct cm_kbs *kbs, const char *path, struct cm_span plain,
                                    uint8_t **out, size_t *len)
{
    char name[CM_KBS_PATH_CAP + 16] = "";
    size_t cap = plain.len + CM_KEEP_OVERHEAD;
    enum cm_status st = CM_OK;

    wrap_name(path, name, sizeof(name));
    *out = malloc(cap);
    if (*out == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_keep_wrap(cm_service_config(kbs->service)->keep, name, plain, *out, cap, len);
    if (st != CM_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}

/* ----------------------------------------------------------------- references */

struct references {
    json_t *all;
    enum cm_status st;
};

static bool take_reference(void *arg, const struct cm_db_value *c, size_t count)
{
    struct references *r = arg;
    json_t *values = NULL;

    if (count != 2 || c[0].type != CM_DB_TEXT || c[1].type != CM_DB_TEXT) {
        r->st = CM_ERR_FORMAT;
        return false;
    }
    values = json_loadb((const char *)c[1].bytes.ptr, c[1].bytes.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(values) ||
        json_object_set_new(r->all, (const char *)c[0].bytes.ptr, values) != 0) {
        json_decref(values);
        r->st = CM_ERR_FORMAT;
        return false;
    }
    return true;
}

static enum cm_status read_references(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct references *r = arg;
    enum cm_status st = CM_OK;

    r->st = json_object_clear(r->all) == 0 ? CM_OK : CM_ERR_NOMEM;
    CM_TRY(cm_db_run(db, "SELECT name, accepted FROM kbs_reference ORDER BY name", cm_db_none(),
                     cm_db_into(take_reference, r), why));
    st = r->st;
out:
    return st;
}

enum cm_status cm_kbs_references_load(struct cm_kbs *kbs, struct cm_why *why)
{
    struct references r = {json_object(), CM_OK};
    enum cm_status st =
        r.all == NULL ? CM_ERR_NOMEM : cm_service_read(kbs->service, read_references, &r, why);

    if (st == CM_OK) {
        json_t *old = NULL;

        (void)pthread_mutex_lock(&kbs->lock);
        old = kbs->references;
        kbs->references = r.all;
        (void)pthread_mutex_unlock(&kbs->lock);
        r.all = old;
    }
    json_decref(r.all);
    return st;
}

json_t *cm_kbs_references(struct cm_kbs *kbs)
{
    json_t *out = NULL;

    (void)pthread_mutex_lock(&kbs->lock);
    out = json_incref(kbs->references);
    (void)pthread_mutex_unlock(&kbs->lock);
    return out;
}
