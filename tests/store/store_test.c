/*
 * The store over each kind of database: CM_TEST_STORE names a PostgreSQL server, else it is a SQLite file
 * in the current folder. Every test begins with an empty store.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_kit.h"

#include "store/schema.h"

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

TEST(no_more_values_than_there_is_room_for)
{
    struct cm_db_value many[33];
    char select[80] = "SELECT ?";
    struct cm_db *db = NULL;

    begin();
    db = open_db();
    many[0] = cm_db_int(0);
    for (size_t i = 1; i < 33; i++) {
        many[i] = cm_db_int((int64_t)i);
        (void)snprintf(select + strlen(select), sizeof(select) - strlen(select), ",?");
    }
    CHECK_EQ(cm_db_run(db, select, cm_db_with(many, 33), cm_db_nowhere(), NULL), CM_ERR_PARAM);
    cm_db_close(db);
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
    (void)unlink("store-test-new.db");
    CHECK(symlink("store-test-new.db", "store-test-link.db") == 0);
    CHECK_EQ(cm_db_open("sqlite:store-test-link.db", &db, NULL), CM_ERR_DENIED);
    CHECK(access("store-test-new.db", F_OK) != 0);
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

/* Another process: it opens the store, counts, and closes it, each time that it is asked. */
struct elsewhere {
    pid_t child;
    int ask;
    int answer;
};

static void count_when_asked(int asked, int answer)
{
    uint8_t n = 0;

    while (read(asked, &n, 1) == 1) {
        struct cm_db *db = open_db();

        n = (uint8_t)number(db, "SELECT COUNT(*) FROM t");
        cm_db_close(db);
        (void)!write(answer, &n, 1);
    }
    _exit(0);
}

/* Begun before this process has a connection: SQLite's do not outlive fork(). */
static struct elsewhere elsewhere_begin(void)
{
    struct elsewhere e = {-1, -1, -1};
    int ask[2] = {-1, -1};
    int answer[2] = {-1, -1};

    if (pipe(ask) == 0 && pipe(answer) == 0) {
        e = (struct elsewhere){fork(), ask[1], answer[0]};
    }
    if (e.child == 0) {
        (void)close(ask[1]);
        count_when_asked(ask[0], answer[1]);
    }
    (void)close(ask[0]);
    (void)close(answer[1]);
    return e;
}

static int counted(const struct elsewhere *e)
{
    uint8_t n = 0;

    return write(e->ask, &n, 1) == 1 && read(e->answer, &n, 1) == 1 ? n : -1;
}

/* A connection that is opened beside others, or closed, takes no locks of theirs with it. */
TEST(another_process_that_closes_the_store_takes_nothing_away)
{
    struct cm_db *db = NULL;
    struct elsewhere e = {0};

    if (shared()) {
        SKIP("of SQLite");
    }
    begin();
    e = elsewhere_begin();
    REQUIRE(e.child > 0);
    db = open_db();
    CHECK_EQ(run(db, "CREATE TABLE t (n BIGINT)"), CM_OK);
    for (int i = 1; i <= 3; i++) {
        cm_db_close(open_db());
        CHECK_EQ(counted(&e), i - 1);
        CHECK_EQ(run(db, "INSERT INTO t (n) VALUES (1)"), CM_OK);
        CHECK_EQ(counted(&e), i);
    }
    cm_db_close(db);
    CHECK_EQ(counted(&e), 3);
    (void)close(e.ask);
    (void)close(e.answer);
    (void)waitpid(e.child, NULL, 0);
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
    CHECK_EQ(run(db, "UPDATE schema_version SET version = -1"), CM_OK);
    CHECK_EQ(cm_schema_apply(db, NULL), CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_db_begin(db, NULL), CM_OK); /* the refusal left no transaction behind */
    cm_db_close(db);
}

/* -------------------------------------------------------------------- audit */

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
        {"UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 4)", 5},
        {"UPDATE audit_head SET hash = ''", 0},
        {"UPDATE audit_head SET hash = 'short'", 0},
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

/* A number left out, with hashes that fit. */
TEST(audit_gaps_are_found)
{
    struct cm_audit_verdict verdict;
    struct cm_db *db = with_log(5);

    CHECK_EQ(run(db, "UPDATE audit_head SET seq = 6"), CM_OK);
    CHECK_EQ(append(db, NULL, NULL), CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_ERR_SIGNATURE);
    CHECK_EQ(verdict.records, 5);
    cm_db_close(db);
}

static bool count_record(void *arg, const struct cm_audit_record *r)
{
    (void)r;
    (*(int *)arg)++;
    return true;
}

TEST(audit_records_are_whole)
{
    struct cm_db *db = with_log(5);
    int records = 0;

    CHECK_EQ(run(db, "UPDATE audit SET hash = 'short' WHERE seq = 3"), CM_OK);
    CHECK_EQ(cm_audit_read(db, 0, count_record, &records, NULL), CM_ERR_SIGNATURE);
    CHECK_EQ(records, 2);
    cm_db_close(db);
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
    remove_file();
}

static bool ask_another(void *arg, const struct cm_db_value *columns, size_t count)
{
    static char texts[140][40];
    int64_t found = -1;

    (void)columns;
    (void)count;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "SELECT CAST(%zu AS BIGINT)", i);
        CHECK_EQ(cm_db_run(arg, texts[i], cm_db_none(), cm_db_into(take_number, &found), NULL),
                 CM_OK);
        CHECK_EQ(found, i);
    }
    return true;
}

static int64_t cut_before(struct cm_db *db, int64_t before)
{
    struct cm_why why = {""};
    int64_t cut = -1;

    CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
    if (cm_audit_cut(db, 5000, before, &cut, &why) != CM_OK) {
        TEST_FAIL("cut: %s", why.text);
    }
    CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
    return cut;
}

/* Five records of the seconds 1000, 2000, ...; those before 3500 cut off, which is record 6. */
static struct cm_db *with_cut_log(uint8_t third[CM_AUDIT_HASH])
{
    struct cm_audit_verdict verdict;
    struct cm_db *db = with_log(0);

    for (int64_t i = 1; i <= 5; i++) {
        struct cm_audit_record r = {
            .time = i * 1000, .actor = "a", .action = "b", .object = "c", .detail = ""};

        CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
        CHECK_EQ(cm_audit_append(db, &r, NULL), CM_OK);
        CHECK_EQ(cm_db_commit(db, NULL), CM_OK);
        if (i == 3) {
            memcpy(third, r.hash, CM_AUDIT_HASH);
        }
    }
    CHECK_EQ(cut_before(db, 1000), 0);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 5);
    CHECK_EQ(cut_before(db, 3500), 3);
    return db;
}

/* What is old goes; what is left is a chain that begins where the record of the cut says. */
TEST(audit_is_cut_and_verifies)
{
    struct cm_audit_verdict verdict;
    uint8_t third[CM_AUDIT_HASH];
    struct cm_db *db = with_cut_log(third);

    CHECK_EQ(number(db, "SELECT COUNT(*) FROM audit"), 3);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 6);
    CHECK_EQ(verdict.cut, 3);
    CHECK_EQ(cm_audit_verify(db, third, &verdict, NULL),
             CM_OK); /* known elsewhere: the cut's own */
    CHECK_EQ(cut_before(db, 4500), 1);
    CHECK_EQ(cm_audit_verify(db, third, &verdict, NULL), CM_ERR_MISMATCH);
    CHECK_EQ(cut_before(db, INT64_MAX), 2); /* the newest stays, whatever its age */
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.cut, 6);
    CHECK_EQ(verdict.records, 8);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM audit"), 2);
    cm_db_close(db);
    db = with_log(2);
    CHECK_EQ(run(db, "UPDATE audit SET hash = 'short' WHERE seq = 1"), CM_OK);
    {
        int64_t cut = -1;

        CHECK_EQ(cm_db_begin(db, NULL), CM_OK);
        CHECK_EQ(cm_audit_cut(db, 5000, INT64_MAX, &cut, NULL), CM_ERR_SIGNATURE);
        cm_db_rollback(db);
    }
    cm_db_close(db);
}

/* Nobody else cuts the log, says that it was cut elsewhere, or hides that it was. */
TEST(audit_cuts_are_not_forged)
{
    static const char *const attacks[] = {
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit_cut",
        "UPDATE audit_cut SET seq = 4",
        "UPDATE audit_cut SET hash = (SELECT hash FROM audit WHERE seq = 4)",
        "UPDATE audit_cut SET hash = 'short'",
        "UPDATE audit SET detail = '' WHERE seq = 6",
    };
    struct cm_audit_verdict verdict;
    struct cm_why why = {""};
    uint8_t third[CM_AUDIT_HASH];
    struct cm_db *db = NULL;

    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        db = with_cut_log(third);
        CHECK_EQ(run(db, attacks[i]), CM_OK);
        if (cm_audit_verify(db, NULL, &verdict, NULL) != CM_ERR_SIGNATURE) {
            TEST_FAIL("%s was not noticed", attacks[i]);
        }
        cm_db_close(db);
    }
    db = with_cut_log(
        third); /* a cut that fits the chain, of which no record of the chain says anything */
    CHECK_EQ(run(db, "UPDATE audit_cut SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"),
             CM_OK);
    CHECK_EQ(run(db, "DELETE FROM audit WHERE seq = 4"), CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, &why), CM_ERR_SIGNATURE);
    CHECK(strstr(why.text, "no record of it") != NULL);
    cm_db_close(db);
    remove_file();
}

/* More statements than a connection remembers, also while one of them is under way. */
TEST(statements_make_room_for_each_other)
{
    struct cm_db *db = NULL;

    begin();
    db = open_db();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(cm_db_run(db, "SELECT CAST(1 AS BIGINT) UNION SELECT CAST(2 AS BIGINT)",
                           cm_db_none(), cm_db_into(ask_another, db), NULL),
                 CM_OK);
    }
    cm_db_close(db);
}

TEST_MAIN
