/* Threads log while the process forks: every child can log, whatever the others were at. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openenclave/trace.h>

#include "host/hostlog.h"
#include "host/hostlog_line.h"

enum { THREADS = 3, FORKS = 150, PATIENCE = 60 };

static atomic_bool over;
static atomic_ulong heard;
static int fork_in_callback;
static int fork_status = -1;

/* takes its time, so that a fork meets it */
static void slow(void *context, bool is_enclave, const struct tm *when, long usecs,
                 oe_log_level_t level, uint64_t thread, const char *message)
{
    (void)context;
    (void)is_enclave;
    (void)when;
    (void)usecs;
    (void)level;
    (void)thread;
    (void)message;
    atomic_fetch_add(&heard, 1);
    (void)usleep(200);
}

static void *chatter(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        cm_host_log(CM_LOG_ERROR, "a line");
    }
    return NULL;
}

/* holds the C library's lock about times, most of the time */
static void *look_at_times(void *unused)
{
    const time_t now = time(NULL);
    struct tm when;

    (void)unused;
    while (!atomic_load(&over)) {
        (void)gmtime_r(&now, &when);
    }
    return NULL;
}

/* One child, which logs; false when it does not end by itself. */
static bool child_logs(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        (void)alarm(PATIENCE); /* a child that waits for the lock is killed */
        cm_host_log(CM_LOG_ERROR, "a line of the child");
        (void)oe_log_set_callback(NULL, NULL);
        _exit(7);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 7;
}

/* the C library has a lock about times, too: the log does without it, and says the same */
TEST(times_are_those_of_the_c_library)
{
    static const time_t at[] = {0,          86399,      86400,      951782399,  951782400,
                                1078012800, 1709164800, 4107542399, 4107542400, 13569465600};
    time_t t = 1;

    for (size_t i = 0; i < 20000; i++) {
        struct tm want = {0};
        struct tm got;

        t = i < sizeof(at) / sizeof(at[0]) ? at[i] : (t * 69069 + 12345) % 300000000000;
        CHECK(gmtime_r(&t, &want) != NULL);
        cm_log_utc(t, &got);
        CHECK(got.tm_year == want.tm_year && got.tm_mon == want.tm_mon &&
              got.tm_mday == want.tm_mday && got.tm_hour == want.tm_hour &&
              got.tm_min == want.tm_min && got.tm_sec == want.tm_sec &&
              got.tm_wday == want.tm_wday && got.tm_yday == want.tm_yday &&
              got.tm_isdst == want.tm_isdst);
    }
}

TEST(children_log_while_threads_of_the_parent_do)
{
    pthread_t threads[THREADS];

    CHECK_EQ(oe_log_set_callback(NULL, slow), OE_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, i == 0 ? look_at_times : chatter, NULL), 0);
    }
    for (unsigned i = 0; i < FORKS && test_failed_checks == 0; i++) {
        CHECK(child_logs());
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
    }
    CHECK(atomic_load(&heard) > FORKS / 10);
    CHECK_EQ(oe_log_set_callback(NULL, NULL), OE_OK);
}

static void forks(void *context, bool is_enclave, const struct tm *when, long usecs,
                  oe_log_level_t level, uint64_t thread, const char *message)
{
    slow(context, is_enclave, when, usecs, level, thread, message);
    if (fork_in_callback != 0) {
        fork_in_callback = 0;
        fork_status = child_logs() ? 0 : 1;
    }
}

/* who forks within the callback has the lock already, and its child too */
TEST(a_callback_may_fork)
{
    CHECK_EQ(oe_log_set_callback(NULL, forks), OE_OK);
    fork_in_callback = 1;
    cm_host_log(CM_LOG_ERROR, "a line");
    CHECK_EQ(fork_status, 0);
    cm_host_log(CM_LOG_ERROR, "a line after it");
    CHECK_EQ(oe_log_set_callback(NULL, NULL), OE_OK);
    CHECK(child_logs());
}

TEST_MAIN
