/*
 * usage: serve_trouble_test PROGRAM [TEST]: what goes wrong around the service: its disk is full, somebody
 * locks the store, PostgreSQL is restarted. Errors are clear, nothing half-done stays, and it recovers by
 * itself.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "decide_kit.h"
#include "harness.h"
#include "serve_process.h"
#include "service_kit.h"

#include "store/audit.h"

static struct served served;

static bool on_postgres(void)
{
    return getenv("CM_TEST_STORE") != NULL;
}

static int put_token(const char *name)
{
    char body[128] = "";

    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"roles\":[\"client\"],\"days\":1}", name);
    (void)kit_post("/api/v1/tokens", served.token, body);
    if (kit_last()->status == 400) {
        TEST_FAIL("%s", kit_last()->body);
    }
    return kit_last()->status;
}

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check_log_of_changes(int64_t least)
{
    struct cm_audit_verdict verdict = {0};
    struct cm_db *db = NULL;

    REQUIRE(cm_db_open(served.store, &db, NULL) == CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK(verdict.records >= least);
    cm_db_close(db);
}

static bool becomes_ready(void)
{
    const struct timespec t = {0, 100000000};

    for (int i = 0; i < 600; i++) {
        if (kit_get("/ready", NULL)->status == 200) {
            return true;
        }
        (void)nanosleep(&t, NULL);
    }
    return false;
}

/* Balancers and people are told, whoever asks. */
static void check_told(const char *what)
{
    char text[128] = "";

    CHECK_EQ(kit_get("/ready", NULL)->status, 503);
    CHECK(kit_header("Retry-After") != NULL);
    CHECK_STR(kit_string("parts.store"), what);
    CHECK_EQ(kit_get("/api/v1/overview", served.token)->status, 200);
    (void)snprintf(text, sizeof(text), "store: %s", what);
    CHECK(json_is_false(kit_json("service.ready")));
    CHECK_STR(kit_string("alerts.0.code"), "service.not-ready");
    CHECK_STR(kit_string("alerts.0.text"), text);
}

/* ------------------------------------------------------------------- disk full */

static void limit_files(pid_t pid, rlim_t bytes)
{
    struct rlimit r;

    CHECK_EQ(prlimit(pid, RLIMIT_FSIZE, NULL, &r), 0);
    r.rlim_cur = bytes;
    CHECK_EQ(prlimit(pid, RLIMIT_FSIZE, &r, NULL), 0);
}

/* The store's log may not grow any more, as on a full disk. */
TEST(a_full_disk_is_an_error_and_no_end)
{
    struct stat s;
    char path[128] = "";
    char name[32] = "";
    int refused = 0;
    int acknowledged = 0;

    if (on_postgres()) {
        SKIP("the disk is the server's");
    }
    served_init(&served, served.program);
    REQUIRE(served_start(&served, NULL));
    (void)snprintf(path, sizeof(path), "%s/store.db-wal", served.state);
    CHECK_EQ(put_token("before"), 200);
    REQUIRE(stat(path, &s) == 0);
    limit_files(served.pid, (rlim_t)s.st_size + 40000);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof(name), "full.%d", i);
        if (put_token(name) == 200) {
            acknowledged++;
        } else {
            CHECK_EQ(kit_last()->status, 503);
            CHECK_STR(kit_string("error.message"), CM_DB_FULL "; try again");
            check_told(CM_DB_FULL);
            refused++;
        }
    }
    CHECK(refused > 0);
    CHECK(served_logs(&served, "\"event\":\"failed\""));
    CHECK_EQ(kit_get("/health", NULL)->status, 200);
    CHECK_EQ(kit_get("/api/v1/tokens", served.token)->status, 200); /* reading goes on */
    limit_files(served.pid, RLIM_INFINITY);
    CHECK(becomes_ready()); /* though nobody writes */
    CHECK_EQ(kit_get("/api/v1/overview", served.token)->status, 200);
    CHECK(json_is_true(kit_json("service.ready")));
    CHECK_EQ(put_token("after"), 200);
    CHECK_EQ(served_end(&served, SIGTERM), 0);
    check_log_of_changes(acknowledged + 2);
    served_free(&served);
}

/* ------------------------------------------------------------------ store locked */

struct locker {
    struct cm_db *db;
    unsigned ms;
};

static void *unlock_later(void *arg)
{
    const struct locker *l = arg;
    const struct timespec t = {l->ms / 1000, (long)(l->ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
    cm_db_rollback(l->db);
    return NULL;
}

/* Somebody else writes to the store for a while: whoever waits gets through. */
TEST(a_store_that_is_locked_for_a_while_is_waited_for)
{
    struct locker l = {.ms = 700};
    pthread_t thread;
    double began = 0;

    if (on_postgres()) {
        SKIP("PostgreSQL locks rows");
    }
    served_init(&served, served.program);
    REQUIRE(served_start(&served, NULL));
    REQUIRE(cm_db_open(served.store, &l.db, NULL) == CM_OK);
    REQUIRE(cm_db_begin(l.db, NULL) == CM_OK);
    REQUIRE(pthread_create(&thread, NULL, unlock_later, &l) == 0);
    began = seconds();
    CHECK_EQ(put_token("waited"), 200);
    CHECK(seconds() - began > 0.4);
    (void)pthread_join(thread, NULL);
    cm_db_close(l.db);
    served_free(&served);
}

/* And for long: it says so within what a client waits, and goes on when the lock is gone. */
TEST(slow_a_store_that_stays_locked_is_busy)
{
    struct locker l = {NULL, 0};
    double began = 0;

    if (on_postgres()) {
        SKIP("PostgreSQL locks rows");
    }
    served_init(&served, served.program);
    REQUIRE(served_start(&served, NULL));
    REQUIRE(cm_db_open(served.store, &l.db, NULL) == CM_OK);
    REQUIRE(cm_db_begin(l.db, NULL) == CM_OK);
    began = seconds();
    CHECK_EQ(put_token("busy"), 503);
    CHECK(kit_header("Retry-After") != NULL);
    CHECK(seconds() - began < 20);
    CHECK_STR(kit_string("error.message"), CM_DB_LOCKED "; try again");
    CHECK_EQ(kit_get("/api/v1/tokens", served.token)->status, 200); /* reading needs no lock */
    check_told(CM_DB_LOCKED);
    cm_db_rollback(l.db);
    cm_db_close(l.db);
    CHECK(becomes_ready());
    CHECK_EQ(put_token("busy"), 200);
    served_free(&served);
}

/* ------------------------------------------------------------ PostgreSQL restarted */

/* The test's server, as its script runs it: CM_TEST_POSTGRES is "PROGRAMS FOLDER". */
static void postgres(const char *what)
{
    char programs[128] = "";
    char folder[64] = "";
    char command[512] = "";

    REQUIRE(sscanf(getenv("CM_TEST_POSTGRES"), "%127s %63s", programs, folder) == 2);
    (void)snprintf(command, sizeof(command),
                   "cd / && %s %s/pg_ctl -D %s/data -w -l %s/log %s > /dev/null 2>&1",
                   geteuid() == 0 ? "runuser -u postgres --" : "", programs, folder, folder, what);
    CHECK_EQ(system(command), 0);
}

TEST(postgresql_may_be_restarted)
{
    char start[160] = "";
    char folder[64] = "";

    if (!on_postgres()) {
        SKIP("this is SQLite");
    }
    REQUIRE(sscanf(getenv("CM_TEST_POSTGRES"), "%*s %63s", folder) == 1);
    (void)snprintf(start, sizeof(start), "-o \"-k %s -c listen_addresses='' -c fsync=off\" start",
                   folder);
    served_init(&served, served.program);
    REQUIRE(served_start(&served, NULL));
    CHECK_EQ(put_token("before"), 200);
    postgres("-m immediate stop");
    CHECK_EQ(kit_get("/ready", NULL)->status, 503);
    CHECK_STR(kit_string("parts.store"), "not reachable");
    CHECK_EQ(kit_get("/health", NULL)->status, 200);
    postgres(start);
    CHECK(becomes_ready());
    CHECK_EQ(put_token("after"), 200);
    /* killed in the midst of a restart of both, it starts again */
    postgres("-m fast stop");
    (void)served_end(&served, SIGKILL);
    CHECK(!served_start(&served, NULL)); /* without its store it does not start, and says so */
    CHECK(served_logs(&served, "store:"));
    postgres(start);
    REQUIRE(served_start(&served, NULL));
    CHECK_EQ(put_token("before"), 409);
    CHECK_EQ(put_token("after"), 409);
    CHECK_EQ(served_end(&served, SIGTERM), 0);
    check_log_of_changes(2);
    served_free(&served);
}

/* What was acknowledged while the server went down in the midst of writing is there. */
struct writing {
    int done;
    bool stop;
};

static void *write_on(void *arg)
{
    struct writing *w = arg;
    char name[32] = "";

    for (int i = 0; !__atomic_load_n(&w->stop, __ATOMIC_SEQ_CST); i++) {
        (void)snprintf(name, sizeof(name), "down.%d", i);
        w->done += put_token(name) == 200;
    }
    return NULL;
}

TEST(postgresql_may_go_down_under_load)
{
    const struct timespec load = {0, 300000000};
    struct writing w = {0, false};
    char start[160] = "";
    char folder[64] = "";
    pthread_t thread;

    if (!on_postgres()) {
        SKIP("this is SQLite");
    }
    REQUIRE(sscanf(getenv("CM_TEST_POSTGRES"), "%*s %63s", folder) == 1);
    (void)snprintf(start, sizeof(start), "-o \"-k %s -c listen_addresses='' -c fsync=off\" start",
                   folder);
    served_init(&served, served.program);
    REQUIRE(served_start(&served, NULL));
    REQUIRE(pthread_create(&thread, NULL, write_on, &w) == 0);
    (void)nanosleep(&load, NULL);
    postgres("-m immediate stop");
    postgres(start);
    (void)nanosleep(&load, NULL);
    __atomic_store_n(&w.stop, true, __ATOMIC_SEQ_CST);
    (void)pthread_join(thread, NULL);
    CHECK(becomes_ready());
    CHECK(w.done > 0);
    CHECK_EQ(served_end(&served, SIGTERM), 0);
    check_log_of_changes(w.done);
    served_free(&served);
}

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2) {
        return 2;
    }
    served.program = argv[1];
    decide_kit_platform();
    code = test_main(argc - 1, argv + 1);
    decide_kit_platform_end();
    return code;
}
