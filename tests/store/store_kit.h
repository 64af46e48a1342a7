/* What the tests of the store share: an empty store, of the kind that CM_TEST_STORE says. */
#ifndef CM_TESTS_STORE_KIT_H
#define CM_TESTS_STORE_KIT_H

#include <unistd.h>

#include "harness.h"

#include "common/span.h"
#include "store/audit.h"
#include "store/db.h"

static char file[64];
static char where[256];

static inline bool shared(void)
{
    return getenv("CM_TEST_STORE") != NULL;
}

static inline enum cm_status run(struct cm_db *db, const char *sql)
{
    return cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), NULL);
}

static inline struct cm_db *open_db(void)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(where, &db, &why) != CM_OK) {
        TEST_FAIL("open: %s", why.text);
        abort();
    }
    return db;
}

static inline void remove_file(void)
{
    char name[80] = "";

    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s%s", file, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
        (void)unlink(name);
    }
}

static inline void begin(void)
{
    (void)snprintf(file, sizeof(file), "store-test-%ld.db", (long)getpid());
    if (shared()) {
        struct cm_db *db = NULL;

        (void)snprintf(where, sizeof(where), "%s", getenv("CM_TEST_STORE"));
        db = open_db();
        (void)!run(db, "DROP SCHEMA public CASCADE");
        (void)!run(db, "CREATE SCHEMA public");
        cm_db_close(db);
    } else {
        remove_file();
        (void)snprintf(where, sizeof(where), "sqlite:%s", file);
    }
}

static inline bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count >= 1 && columns[0].type == CM_DB_INT ? columns[0].number : -1;
    return false;
}

static inline int64_t number(struct cm_db *db, const char *sql)
{
    int64_t out = -2;

    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_into(take_number, &out), NULL), CM_OK);
    return out;
}

static inline enum cm_status append(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cm_audit_record r = {.time = 1700000000,
                                .actor = "admin",
                                .action = "policy.set",
                                .object = "SgxEnclave",
                                .detail = "{}"};
    enum cm_status st = cm_audit_append(db, &r, why);

    if (arg != NULL) {
        *(struct cm_audit_record *)arg = r;
    }
    return st;
}

#endif
