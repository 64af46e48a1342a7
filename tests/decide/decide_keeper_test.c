/* How many threads a source that does not answer may hold, and what becomes of the others. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "decide/decide_keeper.h"

enum { ASKERS = 6, WAITERS = 2 };

static struct {
    struct cm_keeper *keeper;
    atomic_uint fetching;
    atomic_uint fetched;
    atomic_bool answered;
    atomic_uint busy;
    atomic_uint failed;
} all;

static void nap(void)
{
    const struct timespec t = {0, 5000000};

    (void)nanosleep(&t, NULL);
}

/* A source that takes its time, and then has nothing. */
static enum cm_status fetch(void *arg, uint64_t now, const struct cm_want *want,
                            struct cm_span issuers, struct cm_kept **out, struct cm_why *why)
{
    (void)arg;
    (void)now;
    (void)want;
    (void)issuers;
    *out = NULL;
    (void)atomic_fetch_add(&all.fetching, 1);
    for (int i = 0; i < 4000 && !atomic_load(&all.answered); i++) {
        nap();
    }
    (void)atomic_fetch_add(&all.fetched, 1);
    cm_why_set(why, "the source is down");
    return CM_ERR_IO;
}

static enum cm_status load(void *arg, const char *name, struct cm_kept **out, struct cm_why *why)
{
    (void)arg;
    (void)name;
    (void)why;
    *out = NULL;
    return CM_ERR_NOTFOUND;
}

static void tell(void *arg, const char *name, const char *what)
{
    (void)arg;
    (void)name;
    (void)what;
}

static enum cm_status ask_for(const char *line, bool vouched)
{
    const struct cm_keeper_ask ask = {1000, true, vouched, {NULL, 0}, "a"};
    struct cm_want want;
    struct cm_kept *out = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_want_snp_ca(line, false, &want);

    return st == CM_OK ? cm_keeper_get(all.keeper, &want, &ask, &out, &why) : st;
}

static void *ask_on(void *unused)
{
    const enum cm_status st = ask_for("Milan", true);

    (void)unused;
    (void)atomic_fetch_add(st == CM_ERR_BUSY ? &all.busy : &all.failed, 1);
    return NULL;
}

/* One asks the source, another waits for that; no more threads are lost to a source that is slow. */
TEST(a_slow_source_holds_no_more_threads_than_may_wait)
{
    const struct cm_keeper_ops ops = {
        .fetch = fetch, .load = load, .tell = tell, .waiters = WAITERS};
    pthread_t threads[ASKERS];

    REQUIRE(cm_keeper_create(&ops, &all.keeper) == CM_OK);
    for (size_t i = 0; i < ASKERS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, ask_on, NULL) == 0);
    }
    for (int i = 0; i < 4000 && atomic_load(&all.busy) < ASKERS - WAITERS; i++) {
        nap();
    }
    CHECK_EQ(atomic_load(&all.busy), ASKERS - WAITERS);
    CHECK_EQ(atomic_load(&all.fetching), 1); /* one fetch of one thing */
    CHECK_EQ(ask_for("Genoa", true), CM_ERR_BUSY);
    CHECK_EQ(ask_for("Genoa", false), CM_ERR_BUSY);
    atomic_store(&all.answered, true);
    for (size_t i = 0; i < ASKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK_EQ(atomic_load(&all.failed), WAITERS);
    CHECK_EQ(atomic_load(&all.fetched), 1);
    CHECK_EQ(ask_for("Genoa", true), CM_ERR_IO); /* there is room again: it was asked for */
    CHECK_EQ(atomic_load(&all.fetched), 2);
    cm_keeper_free(all.keeper);
}

static void *ask_later(void *unused)
{
    while (atomic_load(&all.fetching) == 0) {
        nap();
    }
    return ask_on(unused);
}

/* A source that answers soon is waited for by all, so that nobody is sent away when a platform is new. */
TEST(a_source_that_answers_soon_is_waited_for)
{
    const struct cm_keeper_ops ops = {
        .fetch = fetch, .load = load, .tell = tell, .waiters = 1, .patience_ms = 20000};
    pthread_t threads[ASKERS];

    memset(&all, 0, sizeof(all));
    REQUIRE(cm_keeper_create(&ops, &all.keeper) == CM_OK);
    for (size_t i = 0; i < ASKERS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, i == 0 ? ask_on : ask_later, NULL) == 0);
    }
    for (int i = 0; i < 20; i++) { /* they come meanwhile */
        nap();
    }
    atomic_store(&all.answered, true);
    for (size_t i = 0; i < ASKERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK_EQ(atomic_load(&all.failed), ASKERS);
    CHECK_EQ(atomic_load(&all.fetched), 1);
    cm_keeper_free(all.keeper);
}

TEST_MAIN
