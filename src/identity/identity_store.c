/* Keys of the service at rest; see identity_store.h. The store is not trusted with more than bytes: a
 * row counts only when its private key unwraps under its own name and is the key of its certificate. */
#include "identity/identity_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "keep/keep.h"

enum { PEM_MAX = 8192 };

void cm_identity_row_free(struct cm_identity_row *row)
{
    if (row != NULL) {
        free(row->name);
        free(row->cert);
        free(row->wrapped);
        free(row);
    }
}

void cm_identity_rows_free(struct cm_identity_rows *rows)
{
    cm_identity_row_free(rows->ca);
    for (size_t i = 0; i < rows->count; i++) {
        cm_identity_row_free(rows->keys[i]);
    }
    free(rows->keys);
    memset(rows, 0, sizeof(*rows));
}

static bool copy_text(const struct cm_db_value *v, char *out, size_t cap)
{
    if (v->type != CM_DB_TEXT || v->bytes.len >= cap) {
        return false;
    }
    memcpy(out, v->bytes.ptr, v->bytes.len);
    out[v->bytes.len] = '\0';
    return true;
}

static struct cm_identity_row *row_of(const struct cm_db_value *cert,
                                      const struct cm_db_value *wrapped, enum cm_status *st)
{
    struct cm_identity_row *row = NULL;

    if (cert->type != CM_DB_TEXT || wrapped->type != CM_DB_BLOB || wrapped->bytes.len == 0) {
        *st = CM_ERR_FORMAT;
        return NULL;
    }
    row = calloc(1, sizeof(*row));
    if (row != NULL) {
        row->cert = strndup((const char *)cert->bytes.ptr, cert->bytes.len);
        row->wrapped = malloc(wrapped->bytes.len);
    }
    if (row == NULL || row->cert == NULL || row->wrapped == NULL) {
        *st = CM_ERR_NOMEM;
        cm_identity_row_free(row);
        return NULL;
    }
    memcpy(row->wrapped, wrapped->bytes.ptr, wrapped->bytes.len);
    row->wrapped_len = wrapped->bytes.len;
    return row;
}

static bool read_ca(void *arg, const struct cm_db_value *c, size_t count)
{
    struct cm_identity_rows *rows = arg;

    if (count != 2) {
        rows->st = CM_ERR_FORMAT;
    } else {
        rows->ca = row_of(&c[0], &c[1], &rows->st);
    }
    return false;
}

static bool read_key(void *arg, const struct cm_db_value *c, size_t count)
{
    struct cm_identity_rows *rows = arg;
    struct cm_identity_row *row = NULL;

    if (count != 7 || rows->count == CM_IDENTITY_MAX_ROWS) {
        rows->st = count != 7 ? CM_ERR_FORMAT : CM_ERR_LIMIT;
        return false;
    }
    row = row_of(&c[3], &c[4], &rows->st);
    if (row == NULL) {
        return false;
    }
    rows->keys[rows->count++] = row;
    if (!copy_text(&c[0], row->kid, sizeof(row->kid)) ||
        !copy_text(&c[1], row->signer, sizeof(row->signer)) || c[2].type != CM_DB_TEXT ||
        c[5].type != CM_DB_INT || (c[6].type != CM_DB_INT && c[6].type != CM_DB_NULL)) {
        rows->st = CM_ERR_FORMAT;
        return false;
    }
    row->name = strndup((const char *)c[2].bytes.ptr, c[2].bytes.len);
    row->made = c[5].number;
    row->retired = c[6].type == CM_DB_INT ? c[6].number : 0;
    rows->st = row->name == NULL ? CM_ERR_NOMEM : CM_OK;
    return rows->st == CM_OK;
}

static enum cm_status read_all(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cm_identity_rows *rows = arg;
    enum cm_status st = CM_OK;

    cm_identity_rows_free(rows);
    rows->keys = calloc(CM_IDENTITY_MAX_ROWS, sizeof(struct cm_identity_row *));
    if (rows->keys == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_db_run(db, "SELECT cert, wrapped FROM identity_ca", cm_db_none(),
                     cm_db_into(read_ca, rows), why));
    CM_TRY(rows->st);
    CM_TRY(cm_db_run(db,
                     "SELECT kid, signer, name, cert, wrapped, made, retired FROM identity_key"
                     " ORDER BY CASE WHEN retired IS NULL THEN 0 ELSE 1 END, made DESC, kid",
                     cm_db_none(), cm_db_into(read_key, rows), why));
    st = rows->st;
out:
    return st;
}

enum cm_status cm_identity_read(struct cm_service *s, struct cm_identity_rows *out,
                                struct cm_why *why)
{
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    st = cm_service_read(s, read_all, out, why);
    if (st != CM_OK) {
        cm_why_set(why, "the service's keys cannot be read from the store");
        cm_identity_rows_free(out);
    }
    return st;
}

void cm_identity_wrap_name(const char *signer, const char *kid, char out[CM_IDENTITY_WRAP_CAP])
{
    (void)snprintf(out, CM_IDENTITY_WRAP_CAP, "identity/%s/%s", signer[0] == '\0' ? "ca" : signer,
                   kid);
}

enum cm_status cm_identity_wrap(const struct cm_keep *keep, const struct cm_privkey *key,
                                struct cm_identity_row *row, struct cm_why *why)
{
    char name[CM_IDENTITY_WRAP_CAP] = "";
    char pem[PEM_MAX] = "";
    uint8_t wrapped[PEM_MAX + CM_KEEP_OVERHEAD] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    cm_identity_wrap_name(row->signer, row->kid, name);
    CM_TRY(cm_privkey_pem(key, pem, sizeof(pem)));
    CM_TRY(
        cm_keep_wrap(keep, name, cm_span_make(pem, strlen(pem)), wrapped, sizeof(wrapped), &len));
    row->wrapped = malloc(len);
    if (row->wrapped == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    memcpy(row->wrapped, wrapped, len);
    row->wrapped_len = len;
out:
    cm_wipe(pem, sizeof(pem));
    if (st != CM_OK) {
        cm_why_set(why, "a private key of the service cannot be wrapped");
    }
    return st;
}

enum cm_status cm_identity_unwrap(const struct cm_keep *keep, const struct cm_identity_row *row,
                                  struct cm_privkey **out, struct cm_why *why)
{
    char name[CM_IDENTITY_WRAP_CAP] = "";
    uint8_t pem[PEM_MAX] = {0};
    struct cm_privkey *key = NULL;
    uint64_t not_after = 0;
    size_t len = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    cm_identity_wrap_name(row->signer, row->kid, name);
    CM_TRY(cm_keep_unwrap(keep, name, cm_span_make(row->wrapped, row->wrapped_len), pem,
                          sizeof(pem), &len));
    CM_TRY(cm_privkey_from_pem(cm_span_make(pem, len), &key));
    CM_TRY(cm_cert_fits(row->cert, key, &not_after));
    *out = key;
    key = NULL;
out:
    cm_privkey_free(key);
    cm_wipe(pem, sizeof(pem));
    if (st == CM_ERR_MISMATCH || st == CM_ERR_FORMAT) {
        st = CM_ERR_SIGNATURE;
    }
    if (st != CM_OK) {
        cm_why_set(
            why,
            "%s: the private key in the store is not the certificate's, or was wrapped under "
            "another root key",
            name);
    }
    return st;
}

enum cm_status cm_identity_put_ca(struct cm_db *db, void *row, struct cm_why *why)
{
    const struct cm_identity_row *ca = row;
    const struct cm_db_value v[] = {cm_db_text(ca->cert),
                                    cm_db_blob(cm_span_make(ca->wrapped, ca->wrapped_len))};

    return cm_db_run(db,
                     "INSERT INTO identity_ca (one, cert, wrapped) VALUES (1, ?, ?)"
                     " ON CONFLICT DO NOTHING",
                     cm_db_with(v, 2), cm_db_nowhere(), why);
}

enum cm_status cm_identity_change_run(struct cm_db *db, void *change, struct cm_why *why)
{
    const struct cm_identity_change *c = change;
    const struct cm_identity_row *row = c->row;
    const struct cm_db_value seen[] = {cm_db_int(row->made), cm_db_text(row->signer),
                                       cm_db_text(c->seen)};
    const struct cm_db_value v[] = {cm_db_text(row->kid),
                                    cm_db_text(row->signer),
                                    cm_db_text(row->name),
                                    cm_db_text(row->cert),
                                    cm_db_blob(cm_span_make(row->wrapped, row->wrapped_len)),
                                    cm_db_int(row->made)};
    enum cm_status st = CM_OK;

    if (c->seen != NULL) {
        CM_TRY(cm_db_run(db,
                         "UPDATE identity_key SET retired = ? WHERE signer = ? AND kid = ?"
                         " AND retired IS NULL",
                         cm_db_with(seen, 3), cm_db_nowhere(), why));
    }
    /* where another instance was faster, its key is as new as this one, and stays (the unique index) */
    CM_TRY(cm_db_run(db,
                     "INSERT INTO identity_key (kid, signer, name, cert, wrapped, made)"
                     " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                     cm_db_with(v, 6), cm_db_nowhere(), why));
    st = cm_service_touch(c->service, db, CM_IDENTITY_TOPIC, why);
out:
    return st;
}

enum cm_status cm_identity_prune_run(struct cm_db *db, void *prune, struct cm_why *why)
{
    const struct cm_identity_prune *p = prune;
    const struct cm_db_value before = cm_db_int(p->before);
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM identity_key WHERE retired < ?", cm_db_with(&before, 1),
                     cm_db_nowhere(), why));
    if (cm_db_changed(db) != 0) {
        st = cm_service_touch(p->service, db, CM_IDENTITY_TOPIC, why);
    }
out:
    return st;
}
