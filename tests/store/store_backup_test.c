/* A store as one file, and back: over each kind of database. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store_kit.h"

#include "common/hex.h"
#include "store/schema.h"
#include "store/store_backup.h"
#include "store/store_writer.h"

static char backup[80];
static char second[96];

static enum cm_status put(struct cm_db *db, const char *name, const char *value, size_t len)
{
    const struct cm_db_value values[2] = {cm_db_text(name), cm_db_blob(cm_span_make(value, len))};

    return cm_db_run(db, "INSERT INTO setting (name, value) VALUES (?, ?)", cm_db_with(values, 2),
                     cm_db_nowhere(), NULL);
}

static void remove_all(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".part"};
    char name[160] = "";

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

/* A store with a log and rows of every kind, whose address is in `where`. */
static void filled(int records)
{
    struct cm_db *db = NULL;

    begin();
    (void)snprintf(backup, sizeof(backup), "%s.backup", file);
    (void)snprintf(second, sizeof(second), "sqlite:%s.second", file);
    remove_all(backup);
    remove_all(second + 7);
    db = open_db();
    CHECK_EQ(cm_schema_apply(db, NULL), CM_OK);
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
    for (int i = 0; i < records; i++) {
        CHECK_EQ(append(db, NULL, NULL), CM_OK);
    }
    CHECK_EQ(put(db, "empty", "", 0), CM_OK);
    CHECK_EQ(put(db, "bytes", "a\0b\xff", 4), CM_OK);
    CHECK_EQ(put(db, "\xc3\xa9 '\"", "text", 4), CM_OK);
    CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
    cm_db_close(db);
}

static void same_settings(const char *address)
{
    struct cm_db *db = NULL;

    REQUIRE(cm_db_open(address, &db, NULL) == CM_OK);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM setting"), 3);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM setting WHERE name = '\xc3\xa9 ''\"'"), 1);
    CHECK_EQ(number(db, "SELECT CAST(LENGTH(value) AS BIGINT) FROM setting WHERE name = 'bytes'"),
             4);
    CHECK_EQ(number(db, "SELECT CAST(LENGTH(value) AS BIGINT) FROM setting WHERE name = 'empty'"),
             0);
    cm_db_close(db);
}

TEST(a_store_goes_into_a_file_and_back)
{
    struct cm_backup made;
    struct cm_backup restored;
    struct cm_audit_verdict verdict;
    struct cm_why why = {""};
    struct cm_db *db = NULL;
    struct stat s;

    filled(1200);
    CHECK_EQ(cm_store_backup(where, backup, &made, &why), CM_OK);
    CHECK_STR(why.text, "");
    CHECK_EQ(made.audit.records, 1200);
    CHECK(made.rows >= 1204);
    CHECK(stat(backup, &s) == 0 && (s.st_mode & 0777) == 0600);
    CHECK_EQ(cm_store_restore(backup, second, 1750000000, &restored, &why), CM_OK);
    CHECK_EQ(restored.audit.records, 1200);
    CHECK_MEM(restored.audit.last, made.audit.last, CM_AUDIT_HASH);
    same_settings(second);
    REQUIRE(cm_db_open(second, &db, NULL) == CM_OK);
    CHECK_EQ(cm_audit_verify(db, made.audit.last, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 1201);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM audit WHERE action = 'store.restore' AND time ="
                        " 1750000000"),
             1);
    cm_db_close(db);
    if (shared()) { /* and back into PostgreSQL */
        db = open_db();
        CHECK_EQ(run(db, "DROP SCHEMA public CASCADE"), CM_OK);
        CHECK_EQ(run(db, "CREATE SCHEMA public"), CM_OK);
        cm_db_close(db);
        CHECK_EQ(cm_store_restore(backup, where, 1750000000, &restored, &why), CM_OK);
        same_settings(where);
    }
    remove_all(backup);
    remove_all(second + 7);
}

TEST(restoring_overwrites_nothing)
{
    struct cm_backup out;
    struct cm_why why = {""};

    filled(3);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_OK);
    CHECK_EQ(cm_store_restore(backup, where, 1, &out, &why), CM_ERR_EXISTS);
    CHECK(strstr(why.text, "already") != NULL);
    same_settings(where);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_OK);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_ERR_EXISTS);
    /* no file is replaced: it could be the store itself, or the root key */
    why.text[0] = '\0';
    CHECK_EQ(cm_store_backup(where, backup, &out, &why), CM_ERR_EXISTS);
    CHECK(strstr(why.text, "is there") != NULL);
    if (strncmp(where, "sqlite:", 7) == 0) {
        CHECK_EQ(cm_store_backup(where, where + 7, &out, &why), CM_ERR_EXISTS);
        same_settings(where);
    }
    remove_all(backup);
    remove_all(second + 7);
}

static void attack(const char *sql)
{
    struct cm_backup out;
    struct cm_why why = {""};
    struct cm_db *db = NULL;
    char address[96] = "";

    filled(5);
    REQUIRE(cm_store_backup(where, backup, &out, NULL) == CM_OK);
    (void)snprintf(address, sizeof(address), "sqlite:%s", backup);
    REQUIRE(cm_db_open(address, &db, NULL) == CM_OK);
    CHECK_EQ(run(db, sql), CM_OK);
    cm_db_close(db);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, &why), CM_ERR_SIGNATURE);
    CHECK(access(second + 7, F_OK) != 0);
    remove_all(backup);
}

/* Whoever changed the log of a backup gets no store made of it. */
TEST(a_backup_with_a_broken_log_is_refused)
{
    attack("UPDATE audit SET actor = 'other' WHERE seq = 3");
    attack("DELETE FROM audit WHERE seq = 5");
    attack("DELETE FROM audit_head");
}

TEST(what_is_no_backup_is_refused)
{
    struct cm_backup out;
    struct cm_why why = {""};
    FILE *f = NULL;
    struct cm_db *db = NULL;
    char address[96] = "";

    filled(1);
    CHECK_EQ(cm_store_restore("does-not-exist", second, 1, &out, &why), CM_ERR_NOTFOUND);
    for (int i = 0; i < 2; i++) {
        f = fopen(backup, "w");
        REQUIRE(f != NULL);
        if (i == 1) {
            (void)fprintf(f, "%0200d", 0);
        }
        (void)fclose(f);
        CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_ERR_FORMAT);
    }
    CHECK_EQ(unlink(backup), 0);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_OK);
    CHECK_EQ(truncate(backup, 5000), 0);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_ERR_FORMAT);
    CHECK_EQ(unlink(backup), 0);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_OK);
    (void)snprintf(address, sizeof(address), "sqlite:%s", backup);
    REQUIRE(cm_db_open(address, &db, NULL) == CM_OK);
    CHECK_EQ(run(db, "CREATE TABLE \"x (a) VALUES (1); DROP TABLE audit; --\" (a BIGINT)"), CM_OK);
    CHECK_EQ(run(db, "INSERT INTO \"x (a) VALUES (1); DROP TABLE audit; --\" VALUES (1)"), CM_OK);
    cm_db_close(db);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_ERR_FORMAT);
    CHECK_EQ(unlink(backup), 0);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_OK);
    REQUIRE(cm_db_open(address, &db, NULL) == CM_OK);
    CHECK_EQ(run(db, "UPDATE schema_version SET version = 9999"), CM_OK);
    cm_db_close(db);
    CHECK_EQ(cm_store_restore(backup, second, 1, &out, NULL), CM_ERR_UNSUPPORTED);
    CHECK(access(second + 7, F_OK) != 0);
    remove_all(backup);
}

TEST(what_is_no_store_has_no_backup)
{
    struct cm_backup out;
    struct cm_db *db = NULL;

    filled(1);
    CHECK_EQ(cm_store_backup("sqlite:does-not-exist", backup, &out, NULL), CM_ERR_NOTFOUND);
    CHECK(access("does-not-exist", F_OK) != 0);
    db = open_db();
    CHECK_EQ(run(db, "UPDATE schema_version SET version = 9999"), CM_OK);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_ERR_UNSUPPORTED);
    CHECK_EQ(run(db, "DROP TABLE schema_version"), CM_OK);
    CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_ERR_NOTFOUND);
    cm_db_close(db);
    CHECK(access(backup, F_OK) != 0);
    CHECK_EQ(cm_store_backup(where, "/nonexistent/folder/file", &out, NULL), CM_ERR_NOTFOUND);
}

static atomic_bool stop;

static void *append_on(void *arg)
{
    while (!atomic_load(&stop)) {
        CHECK_EQ(cm_writer_do(arg, append, NULL, NULL), CM_OK);
    }
    return NULL;
}

/* A backup of a store in use is one state of it. */
TEST(a_store_in_use_is_backed_up)
{
    struct cm_writer *w = NULL;
    struct cm_backup out;
    pthread_t thread;

    filled(10);
    atomic_store(&stop, false);
    REQUIRE(cm_writer_start(where, &w, NULL) == CM_OK);
    REQUIRE(pthread_create(&thread, NULL, append_on, w) == 0);
    for (int i = 0; i < 5; i++) {
        remove_all(backup);
        CHECK_EQ(cm_store_backup(where, backup, &out, NULL), CM_OK);
        CHECK(out.audit.records >= 10);
    }
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
    cm_writer_stop(w);
    remove_all(backup);
    remove_file();
}

TEST_MAIN
