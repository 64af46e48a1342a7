/*
 * The store over each kind of database: CM_TEST_STORE names a PostgreSQL server, else it is a SQLite file
 * in the current folder. Every test begins with an empty store.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "common/span.h"
#include "store/audit.h"
#include "store/db.h"
#include "store/schema.h"
#include "store/store_writer.h"

static char file[64];
static char where[256];

static bool shared(void)
{
    return getenv("CM_TEST_STORE") != NULL;
}

static enum cm_status run(struct cm_db *db, const char *sql)
{
    return cm_db_run(db, sql, cm_db_none(), cm_db_nowhere(), NULL);
}

static struct cm_db *open_db(void)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(where, &db, &why) != CM_OK) {
        TEST_FAIL("open: %s", why.text);
        abort();
    }
    return db;
}

static void remove_file(void)
{
    char name[80] = "";

    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "%s%s", file, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
        (void)unlink(name);
    }
}

static void begin(void)
{
    (void)snprintf(file, sizeof(file), "store-test-%ld.db", (long)getpid());
    if (shared()) {
        struct cm_db *db = NULL;

        (void)snprintf(where, sizeof(where), "%s", getenv("CM_TEST_STORE"));
        db = open_db();
        (void)!run(db, "DROP TABLE IF EXISTS setting, audit, audit_head, schema_version, t");
        cm_db_close(db);
    } else {
        remove_file();
        (void)snprintf(where, sizeof(where), "sqlite:%s", file);
    }
}

static bool take_number(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count >= 1 && columns[0].type == CM_DB_INT ? columns[0].number : -1;
    return false;
}

static int64_t number(struct cm_db *db, const char *sql)
{
    int64_t out = -2;

    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_into(take_number, &out), NULL), CM_OK);
    return out;
}

/* ----------------------------------------------------------------- database */

static bool check_types(void *arg, const struct cm_db_value *c, size_t count)
{
    (*(int *)arg)++;
    CHECK_EQ(count, 5);
    CHECK_EQ(c[0].type, CM_DB_INT);
    CHECK_EQ(c[0].number, INT64_MIN);
    CHECK_EQ(c[1].type, CM_DB_TEXT);
    CHECK_STR((const char *)c[1].bytes.ptr, "it's \"text\" \xc3\xa9 $1 ?");
    CHECK_EQ(c[2].type, CM_DB_BLOB);
    CHECK_EQ(c[2].bytes.len, 5);
    CHECK_MEM(c[2].bytes.ptr, "a\0b\0c", 5);
    CHECK_EQ(c[3].type, CM_DB_NULL);
    CHECK_EQ(c[4].type, CM_DB_BLOB);
    CHECK_EQ(c[4].bytes.len, 0);
    return true;
}

TEST(values_come_back_as_they_were)
{
    const struct cm_db_value values[] = {cm_db_int(INT64_MIN),
                                         cm_db_text("it's \"text\" \xc3\xa9 $1 ?"),
                                         cm_db_blob(cm_span_make("a\0b\0c", 5)), cm_db_text(NULL),
                                         cm_db_blob(cm_span_make(NULL, 0))};
    struct cm_db *db = NULL;
    int rows = 0;

    begin();
    db = open_db();
    CHECK_EQ(cm_db_shared(db), shared());
    CHECK_EQ(run(db, "CREATE TABLE t (a BIGINT, b TEXT, c %B, d TEXT, e %B)"), CM_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(cm_db_run(db, "INSERT INTO t (a, b, c, d, e) VALUES (?, ?, ?, ?, ?)",
                           cm_db_with(values, 5), cm_db_nowhere(), NULL),
                 CM_OK);
        CHECK_EQ(cm_db_changed(db), 1);
    }
    CHECK_EQ(cm_db_run(db, "SELECT a, b, c, d, e FROM t WHERE b = ?", cm_db_with(&values[1], 1),
                       cm_db_into(check_types, &rows), NULL),
             CM_OK);
    CHECK_EQ(rows, 3);
    CHECK_EQ(run(db, "DELETE FROM t"), CM_OK);
    CHECK_EQ(cm_db_changed(db), 3);
    cm_db_close(db);
}

TEST(errors_have_their_kinds)
{
    const struct cm_db_value one = cm_db_int(1);
    struct cm_why why = {""};
    struct cm_db *db = NULL;

    begin();
    db = open_db();
    CHECK_EQ(run(db, "CREATE TABLE t (a BIGINT PRIMARY KEY CHECK (a < 5))"), CM_OK);
    CHECK_EQ(
        cm_db_run(db, "INSERT INTO t (a) VALUES (?)", cm_db_with(&one, 1), cm_db_nowhere(), NULL),
        CM_OK);
    CHECK_EQ(
        cm_db_run(db, "INSERT INTO t (a) VALUES (?)", cm_db_with(&one, 1), cm_db_nowhere(), &why),
        CM_ERR_EXISTS);
    CHECK(strncmp(why.text, "store: ", 7) == 0);
    CHECK_EQ(run(db, "INSERT INTO t (a) VALUES (5)"), CM_ERR_EXISTS);
    CHECK_EQ(run(db, "SELEKT"), CM_ERR_PARAM);
    CHECK_EQ(run(db, "SELECT x FROM nowhere"), CM_ERR_PARAM);
    CHECK_EQ(cm_db_run(db, "SELECT a FROM t", cm_db_with(&one, 1), cm_db_nowhere(), NULL),
             CM_ERR_PARAM);
    cm_db_close(db);
    CHECK_EQ(cm_db_open("mysql://x", &db, &why), CM_ERR_PARAM);
    CHECK_EQ(cm_db_open("sqlite:", &db, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_db_open("postgresql://nobody@127.0.0.1:1/x", &db, NULL), CM_ERR_BUSY);
    CHECK(db == NULL);
}

TEST(transactions_and_their_parts)
{
    struct cm_db *db = NULL;
    struct cm_db *other = NULL;

    begin();
    db = open_db();
    other = open_db();
    CHECK_EQ(run(db, "CREATE TABLE t (a BIGINT PRIMARY KEY)"), CM_OK);
    CHECK_EQ(cm_db_commit(db, NULL), CM_ERR_STATE);
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
    CHECK_EQ(cm_db_begin(db, NULL), CM_ERR_STATE);
    CHECK_EQ(run(db, "INSERT INTO t (a) VALUES (1)"), CM_OK);
    CHECK_EQ(cm_db_part(db, NULL), CM_OK);
    CHECK_EQ(run(db, "INSERT INTO t (a) VALUES (1)"), CM_ERR_EXISTS);
    CHECK_EQ(cm_db_part_undo(db, NULL), CM_OK);
    CHECK_EQ(cm_db_part(db, NULL), CM_OK);
    CHECK_EQ(run(db, "INSERT INTO t (a) VALUES (2)"), CM_OK);
    CHECK_EQ(cm_db_part_keep(db, NULL), CM_OK);
    CHECK_EQ(number(other, "SELECT COUNT(*) FROM t"), 0);
    CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
    CHECK_EQ(number(other, "SELECT COUNT(*) FROM t"), 2);
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
    CHECK_EQ(run(db, "DELETE FROM t"), CM_OK);
    cm_db_close(db); /* without a commit */
    CHECK_EQ(number(other, "SELECT COUNT(*) FROM t"), 2);
    cm_db_close(other);
}

TEST(sqlite_files)
{
    struct cm_why why = {""};
    struct cm_db *db = NULL;
    struct stat s;
    FILE *f = NULL;

    if (shared()) {
        SKIP("of SQLite");
    }
    begin();
    db = open_db();
    CHECK(stat(file, &s) == 0 && (s.st_mode & 0777) == 0600);
    CHECK_EQ(cm_schema_apply(db, NULL), CM_OK);
    cm_db_close(db);
    CHECK_EQ(cm_db_open("sqlite:/nowhere/at/all.db", &db, &why), CM_ERR_IO);
    CHECK(strstr(why.text, "/nowhere") != NULL);
    CHECK(symlink(file, "store-test-link.db") == 0);
    CHECK_EQ(cm_db_open("sqlite:store-test-link.db", &db, NULL), CM_ERR_DENIED);
    (void)unlink("store-test-link.db");
    begin();
    f = fopen(file, "w");
    REQUIRE(f != NULL);
    for (int i = 0; i < 1000; i++) {
        (void)fputs("this is no database\n", f);
    }
    (void)fclose(f);
    CHECK_EQ(cm_db_open(where, &db, NULL), CM_ERR_FORMAT);
    remove_file();
}

/* ------------------------------------------------------------------- schema */

TEST(schema_only_goes_up)
{
    struct cm_why why = {""};
    struct cm_db *db = NULL;

    begin();
    db = open_db();
    CHECK_EQ(cm_schema_apply(db, NULL), CM_OK);
    CHECK_EQ(number(db, "SELECT version FROM schema_version"), cm_schema_version());
    CHECK_EQ(cm_schema_apply(db, NULL), CM_OK);
    CHECK_EQ(run(db, "UPDATE schema_version SET version = version + 1"), CM_OK);
    CHECK_EQ(cm_schema_apply(db, &why), CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "version") != NULL);
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK); /* the refusal left no transaction behind */
    cm_db_close(db);
}

/* -------------------------------------------------------------------- audit */

static enum cm_status append(struct cm_db *db, void *arg, struct cm_why *why)
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

static struct cm_db *with_log(int records)
{
    struct cm_db *db = NULL;

    begin();
    db = open_db();
    CHECK_EQ(cm_schema_apply(db, NULL), CM_OK);
    for (int i = 0; i < records; i++) {
        CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
        CHECK_EQ(append(db, NULL, NULL), CM_OK);
        CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
    }
    return db;
}

TEST(audit_chain_holds)
{
    struct cm_audit_verdict verdict;
    struct cm_db *db = with_log(0);
    uint8_t third[CM_AUDIT_HASH];

    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 0);
    cm_db_close(db);
    db = with_log(3);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 3);
    memcpy(third, verdict.last, sizeof(third));
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
    CHECK_EQ(append(db, NULL, NULL), CM_OK);
    CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
    CHECK_EQ(cm_audit_verify(db, third, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 4);
    third[0] ^= 1;
    CHECK_EQ(cm_audit_verify(db, third, &verdict, NULL), CM_ERR_MISMATCH);
    cm_db_close(db);
}

/* Each field changed, a record gone, two in each other's place, one put in, the end cut off. */
TEST(audit_tampering_is_found)
{
    static const struct {
        const char *sql;
        int64_t good; /* records before it */
    } attacks[] = {
        {"UPDATE audit SET time = time + 1 WHERE seq = 3", 2},
        {"UPDATE audit SET actor = 'other' WHERE seq = 3", 2},
        {"UPDATE audit SET action = 'policy.get' WHERE seq = 3", 2},
        {"UPDATE audit SET object = 'TdxVm' WHERE seq = 3", 2},
        {"UPDATE audit SET detail = '' WHERE seq = 1", 0},
        {"UPDATE audit SET actor = 'adminp', action = 'olicy.set' WHERE seq = 5", 4},
        {"UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 2) WHERE seq = 4", 3},
        {"DELETE FROM audit WHERE seq = 2", 1},
        {"DELETE FROM audit WHERE seq = 5", 4},
        {"DELETE FROM audit", 0},
        {"UPDATE audit SET seq = 6 WHERE seq = 5", 4},
        {"INSERT INTO audit SELECT 6, time, actor, action, object, detail, hash FROM audit WHERE"
         " seq = 5",
         5},
        {"UPDATE audit_head SET seq = 4", 5},
        {"DELETE FROM audit_head", 0},
    };

    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        struct cm_audit_verdict verdict;
        struct cm_db *db = with_log(5);

        CHECK_EQ(run(db, attacks[i].sql), CM_OK);
        CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_ERR_SIGNATURE);
        if (verdict.records != attacks[i].good) {
            TEST_FAIL("%s: %lld good records", attacks[i].sql, (long long)verdict.records);
        }
        cm_db_close(db);
    }
}

/* Whoever holds the store can write all of it anew: a hash that is kept elsewhere finds that. */
TEST(audit_rewriting_is_found_by_a_known_hash)
{
    struct cm_audit_verdict verdict;
    struct cm_db *db = with_log(5);
    uint8_t last[CM_AUDIT_HASH];

    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    memcpy(last, verdict.last, sizeof(last));
    cm_db_close(db);
    db = with_log(4);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(cm_audit_verify(db, last, &verdict, NULL), CM_ERR_MISMATCH);
    cm_db_close(db);
}

/* ------------------------------------------------------------------- writer */

#define THREADS 8
#define EACH    50

static atomic_int good;
static atomic_int refused;

static enum cm_status append_or_fail(struct cm_db *db, void *arg, struct cm_why *why)
{
    enum cm_status st = append(db, NULL, why);

    return st == CM_OK && *(const int *)arg % 5 == 0 ? CM_ERR_POLICY : st;
}

static void *add_many(void *arg)
{
    struct cm_writer *w = arg;

    for (int i = 0; i < EACH; i++) {
        const enum cm_status st = cm_writer_do(w, append_or_fail, &i, NULL);

        atomic_fetch_add(st == CM_OK ? &good : &refused, 1);
        CHECK(st == CM_OK || st == CM_ERR_POLICY);
    }
    return NULL;
}

/* A change that fails takes no other with it, and nothing of it stays. */
TEST(writers_commit_together)
{
    struct cm_audit_verdict verdict;
    pthread_t threads[THREADS];
    struct cm_writer *w = NULL;
    struct cm_db *db = NULL;

    begin();
    REQUIRE(cm_writer_start(where, &w, NULL) == CM_OK);
    for (size_t i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, add_many, w) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK_EQ(atomic_load(&good), THREADS * EACH * 4 / 5);
    CHECK_EQ(atomic_load(&refused), THREADS * EACH / 5);
    db = open_db();
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, THREADS * EACH * 4 / 5);
    cm_db_close(db);
    cm_writer_stop(w);
    cm_writer_stop(NULL);
}

/* Two programs on one server: their records form one chain. */
TEST(instances_share_one_chain)
{
    struct cm_audit_verdict verdict;
    pthread_t threads[2];
    struct cm_writer *w[2] = {NULL, NULL};
    struct cm_db *db = NULL;

    begin();
    atomic_store(&good, 0);
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(cm_writer_start(where, &w[i], NULL) == CM_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, add_many, w[i]) == 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        cm_writer_stop(w[i]);
    }
    db = open_db();
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, atomic_load(&good));
    cm_db_close(db);
}

/* What is verified is one state of the log, though it grows meanwhile. */
TEST(a_log_that_grows_is_verified)
{
    struct cm_audit_verdict verdict;
    struct cm_writer *w = NULL;
    struct cm_db *db = NULL;
    pthread_t threads[4];

    begin();
    atomic_store(&good, 0);
    atomic_store(&refused, 0);
    REQUIRE(cm_writer_start(where, &w, NULL) == CM_OK);
    db = open_db();
    for (size_t i = 0; i < 4; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, add_many, w) == 0);
    }
    while (atomic_load(&good) + atomic_load(&refused) < 4 * EACH) {
        CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    cm_db_close(db);
    cm_writer_stop(w);
}

/* What has been acknowledged to a program that is then killed is there, and the chain holds. */
TEST(kill_loses_nothing_acknowledged)
{
    for (int round = 0; round < 3; round++) {
        struct cm_audit_verdict verdict;
        struct cm_db *db = NULL;
        int64_t acknowledged = 0;
        int64_t seq = 0;
        int ends[2];
        pid_t child = 0;

        begin();
        REQUIRE(pipe(ends) == 0);
        child = fork();
        if (child == 0) {
            struct cm_writer *w = NULL;

            if (cm_writer_start(where, &w, NULL) != CM_OK) {
                _exit(1);
            }
            for (;;) {
                struct cm_audit_record r;

                if (cm_writer_do(w, append, &r, NULL) != CM_OK ||
                    write(ends[1], &r.seq, sizeof(r.seq)) != sizeof(r.seq)) {
                    _exit(1);
                }
            }
        }
        (void)close(ends[1]);
        while (acknowledged < 40 + 17 * round && read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
            acknowledged = seq;
        }
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
            acknowledged = seq;
        }
        (void)close(ends[0]);
        db = open_db();
        CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
        CHECK(acknowledged >= 40 && verdict.records >= acknowledged);
        cm_db_close(db);
    }
    remove_file();
}

TEST_MAIN
