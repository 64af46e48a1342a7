/* The store's writer: changes that commit together, over each kind of database. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "store_kit.h"

#include "store/store_writer.h"

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

/* The first time something else was faster. */
static enum cm_status busy_once(struct cm_db *db, void *arg, struct cm_why *why)
{
    const enum cm_status st = append(db, NULL, why);

    return st == CM_OK && (*(int *)arg)++ == 0 ? CM_ERR_BUSY : st;
}

/* Nothing is wrong with it until its commit. */
static enum cm_status orphan(struct cm_db *db, void *arg, struct cm_why *why)
{
    (void)arg;
    return cm_db_run(db, "INSERT INTO child (a) VALUES (7)", cm_db_none(), cm_db_nowhere(), why);
}

TEST(writers_try_again_and_go_on)
{
    struct cm_writer *w = NULL;
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    int runs = 0;

    begin();
    db = open_db();
    (void)!run(db, "DROP TABLE IF EXISTS child");
    (void)!run(db, "DROP TABLE IF EXISTS parent");
    CHECK_EQ(run(db, "CREATE TABLE parent (a BIGINT PRIMARY KEY)"), CM_OK);
    CHECK_EQ(run(db, "CREATE TABLE child (a BIGINT REFERENCES parent (a)"
                     " DEFERRABLE INITIALLY DEFERRED)"),
             CM_OK);
    REQUIRE(cm_writer_start(where, &w, NULL) == CM_OK);
    CHECK_EQ(cm_writer_do(w, busy_once, &runs, NULL), CM_OK);
    CHECK_EQ(runs, 2);
    CHECK_EQ(cm_writer_do(w, orphan, NULL, &why), CM_ERR_EXISTS);
    CHECK(why.text[0] != '\0');
    CHECK_EQ(cm_writer_do(w, append, NULL, NULL), CM_OK);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM audit"), 2);
    CHECK_EQ(number(db, "SELECT COUNT(*) FROM child"), 0);
    cm_writer_stop(w);
    cm_db_close(db);
}

struct late {
    struct cm_writer *w;
    struct cm_change second;
    atomic_bool runs;
    enum cm_status first_st;
    enum cm_status second_st;
};

static enum cm_status late_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct timespec nap = {0, 200000000};
    struct late *l = arg;

    (void)db;
    (void)why;
    atomic_store(&l->runs, true);
    (void)nanosleep(&nap, NULL);
    return CM_OK;
}

static void second_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    (void)why;
    ((struct late *)arg)->second_st = st;
}

static void first_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct late *l = arg;

    (void)why;
    l->first_st = st;
    cm_writer_add(l->w, &l->second);
}

/* What is under way when a writer is stopped is committed; what comes behind it is told so. */
TEST(a_writer_that_ends_takes_no_more)
{
    struct late l = {.second = {.run = late_run, .done = second_done}, .first_st = CM_ERR_LIMIT};
    struct cm_change first = {.run = late_run, .done = first_done, .arg = &l};

    begin();
    l.second.arg = &l;
    REQUIRE(cm_writer_start(where, &l.w, NULL) == CM_OK);
    cm_writer_add(l.w, &first);
    while (!atomic_load(&l.runs)) {
        (void)sched_yield();
    }
    cm_writer_stop(l.w);
    CHECK_EQ(l.first_st, CM_OK);
    CHECK_EQ(l.second_st, CM_ERR_STATE);
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

static enum cm_status append_alone(struct cm_db *db, void *arg, struct cm_why *why)
{
    (void)arg;
    return append(db, NULL, why);
}

/* The writer says that it is over when there is room again, though nobody writes. */
TEST(a_full_disk_is_noticed_and_its_end_too)
{
    const struct timespec between = {0, 50000000};
    struct cm_writer *w = NULL;
    struct cm_why why = {""};
    struct rlimit r;
    enum cm_status st = CM_OK;

    if (shared()) {
        SKIP("the disk is the server's");
    }
    begin();
    REQUIRE(cm_writer_start(where, &w, NULL) == CM_OK);
    CHECK(!cm_writer_trouble(w, &why));
    CHECK_EQ(cm_writer_do(w, append_alone, NULL, NULL), CM_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &r) == 0);
    r.rlim_cur = 8192;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &r) == 0);
    st = cm_writer_do(w, append_alone, NULL, &why);
    CHECK_EQ(st, CM_ERR_IO);
    CHECK_STR(why.text, CM_DB_FULL);
    why.text[0] = '\0';
    CHECK(cm_writer_trouble(w, &why)); /* already, and still after a while */
    CHECK_STR(why.text, CM_DB_FULL);
    (void)nanosleep(&between, NULL);
    CHECK(cm_writer_trouble(w, NULL));
    r.rlim_cur = r.rlim_max;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &r) == 0);
    for (int i = 0; i < 1200 && cm_writer_trouble(w, NULL); i++) {
        (void)nanosleep(&between, NULL);
    }
    CHECK(!cm_writer_trouble(w, NULL));
    CHECK_EQ(cm_writer_do(w, append_alone, NULL, NULL), CM_OK);
    cm_writer_stop(w);
    remove_file();
}

TEST_MAIN
