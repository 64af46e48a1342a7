/* See schema.h. A version is never changed once it is released: what comes later is another one. */
#include "store/schema.h"

#include <inttypes.h>

#include "common/try.h"
#include "store/schema_parts.h"

/* 1: settings and the audit log */
static const char *const version_1[] = {
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value %B NOT NULL)",
    "CREATE TABLE audit_head (one BIGINT PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL,"
    " hash %B NOT NULL)",
    "INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '')",
    "CREATE TABLE audit (seq BIGINT PRIMARY KEY, time BIGINT NOT NULL, actor TEXT NOT NULL,"
    " action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, hash %B NOT NULL)",
    NULL,
};

static const char *const *const parts_1[] = {version_1, NULL};

/* 2: the attestation and key release service, each part's tables in a file of its own */
static const char *const *const parts_2[] = {
    cm_schema_access_2,
    cm_schema_identity_2,
    cm_schema_rules_2,
    cm_schema_decide_2,
    cm_schema_vault_2,
    cm_schema_kbs_2,
    NULL,
};

/* 3: bounds of what is kept; where the audit log begins, when it was cut */
static const char *const version_3[] = {
    "CREATE TABLE audit_cut (one BIGINT PRIMARY KEY CHECK (one = 1), seq BIGINT NOT NULL,"
    " hash %B NOT NULL)",
    NULL,
};

static const char *const *const parts_3[] = {version_3, cm_schema_decide_3, cm_schema_vault_3,
                                             NULL};

/* 4: challenges to TPMs count once */
static const char *const *const parts_4[] = {cm_schema_maa_4, NULL};

static const char *const *const *const versions[] = {parts_1, parts_2, parts_3, parts_4};
#define NEWEST ((int64_t)(sizeof(versions) / sizeof(versions[0])))

int64_t cm_schema_version(void)
{
    return NEWEST;
}

static bool read_version(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 && columns[0].type == CM_DB_INT ? columns[0].number : -1;
    return false;
}

static enum cm_status apply_one(struct cm_db *db, const char *const *statements, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; statements[i] != NULL && st == CM_OK; i++) {
        st = cm_db_run(db, statements[i], cm_db_none(), cm_db_nowhere(), why);
    }
    return st;
}

static enum cm_status apply_from(struct cm_db *db, int64_t from, struct cm_why *why)
{
    const struct cm_db_value newest = cm_db_int(NEWEST);
    enum cm_status st = CM_OK;

    for (int64_t v = from; v < NEWEST && st == CM_OK; v++) {
        for (size_t p = 0; versions[v][p] != NULL && st == CM_OK; p++) {
            st = apply_one(db, versions[v][p], why);
        }
    }
    if (st == CM_OK && from < NEWEST) {
        st = cm_db_run(db, "UPDATE schema_version SET version = ?", cm_db_with(&newest, 1),
                       cm_db_nowhere(), why);
    }
    return st;
}

enum cm_status cm_schema_apply(struct cm_db *db, struct cm_why *why)
{
    int64_t version = -1;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_begin(db, why));
    CM_TRY(cm_db_run(db,
                     "CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY"
                     " CHECK (one = 1), version BIGINT NOT NULL)",
                     cm_db_none(), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO schema_version (one, version) VALUES (1, 0)"
                     " ON CONFLICT (one) DO NOTHING",
                     cm_db_none(), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db, "SELECT version FROM schema_version", cm_db_none(),
                     cm_db_into(read_version, &version), why));
    if (version < 0 || version > NEWEST) {
        cm_why_set(why, "the store is of version %" PRId64 ", this program knows %" PRId64, version,
                   NEWEST);
        st = CM_ERR_UNSUPPORTED;
        goto out;
    }
    CM_TRY(apply_from(db, version, why));
    CM_TRY(cm_db_commit(db, why));
out:
    cm_db_rollback(db);
    return st;
}
