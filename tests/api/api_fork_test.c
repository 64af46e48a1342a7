/* Threads log while the process forks: every child can log, whatever the others were at. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openenclave/trace.h>

#include "host/hostlog.h"

enum { THREADS = 3, FORKS = 150, PATIENCE = 20 };

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

TEST(children_log_while_threads_of_the_parent_do)
{
    pthread_t threads[THREADS];

    CHECK_EQ(oe_log_set_callback(NULL, slow), OE_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, chatter, NULL), 0);
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
