/* Many threads decide at once, while settings change, collateral is renewed and sums are taken. */
#include "harness.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "decide/decide_engine.h"
#include "decide/decide_stats.h"
#include "decide_kit.h"

#define THREADS 6
#define ROUNDS  60

static const char permit_all[] = "version=1.0; authorizationrules { => permit(); };";
static struct cm_policy *policy;
static struct cm_rule_version in_force = {.type = "SgxEnclave", .version = 1, .text = permit_all};

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    (void)arg;
    (void)type;
    *out = &in_force;
    return CM_OK;
}

static void release(const struct cm_rule_version *v)
{
    (void)v;
}

static struct {
    struct cm_engine *engine;
    struct cm_bases *bases;
    struct cm_stats *stats;
    struct cm_record_ids ids;
    struct decide_source source;
    struct cm_trust_root root;
    struct cm_decide_config config;
    uint8_t quotes[2][DECIDE_QUOTE_MAX];
    size_t len[2];
    uint64_t now;
    atomic_uint permitted;
    atomic_bool over;
    pthread_mutex_t source_lock;
} all;

/* The kit's source counts without a lock. */
static enum cm_status parts(void *arg, uint64_t now, struct cm_collateral_key *key,
                            struct cm_collateral_parts **out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&all.source_lock);
    st = decide_source_parts(arg, now, key, out, why);
    (void)pthread_mutex_unlock(&all.source_lock);
    return st;
}

static void *decide_on(void *arg)
{
    const size_t which = *(const size_t *)arg % 2;
    const struct cm_decide_job job = {.api = "test",
                                      .evidence = cm_span_make(all.quotes[which], all.len[which])};

    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct cm_engine_ask ask = {all.now + i * 3600, true, true};
        struct cm_decision *d = NULL;
        struct cm_record r;

        if (cm_engine_decide(all.engine, &job, &ask, &d, NULL) != CM_OK) {
            continue;
        }
        if (d->st == CM_OK) {
            (void)atomic_fetch_add(&all.permitted, 1);
        }
        if (cm_record_make(all.bases, d, &job, cm_record_id(&all.ids, d->time), &r) == CM_OK) {
            cm_record_written(&r);
            (void)cm_stats_note(all.stats, &r.facts);
            cm_record_free(&r);
        }
        cm_decision_free(d);
    }
    return NULL;
}

static void *change_on(void *arg)
{
    (void)arg;
    for (unsigned i = 0; !atomic_load(&all.over); i++) {
        const struct timespec while_others = {0, 1000000};

        (void)!cm_engine_configure(all.engine, &all.config, NULL);
        cm_keeper_tick(cm_engine_keeper(all.engine), all.now + i * 7200);
        cm_deltas_free(cm_stats_take(all.stats, all.now));
        (void)cm_stats_latency(all.stats);
        (void)cm_keeper_fresh(cm_engine_keeper(all.engine), all.now, 0, NULL);
        if (i % 8 == 0) {
            cm_bases_clear(all.bases);
        }
        (void)nanosleep(&while_others, NULL);
    }
    return NULL;
}

TEST(decisions_do_not_meet)
{
    static const struct cm_engine_ops ops = {{active, release, NULL}, NULL, NULL, NULL, NULL, 0};
    struct decide_enclave e = decide_enclave();
    pthread_t threads[THREADS + 1];
    size_t numbers[THREADS];

    (void)pthread_mutex_init(&all.source_lock, NULL);
    in_force.policy = policy;
    all.now = (uint64_t)time(NULL);
    REQUIRE(cm_engine_create(&ops, &all.engine) == CM_OK);
    REQUIRE(cm_bases_create(&all.bases) == CM_OK && cm_stats_create(&all.stats) == CM_OK);
    all.config = decide_kit_config(&all.root, &all.source);
    all.config.parts = parts;
    REQUIRE(cm_engine_configure(all.engine, &all.config, NULL) == CM_OK);
    all.len[0] = decide_quote(&e, all.quotes[0]);
    e.mrenclave = 7;
    all.len[1] = decide_quote(&e, all.quotes[1]);
    REQUIRE(pthread_create(&threads[THREADS], NULL, change_on, NULL) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        REQUIRE(pthread_create(&threads[i], NULL, decide_on, &numbers[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    atomic_store(&all.over, true);
    (void)pthread_join(threads[THREADS], NULL);
    CHECK_EQ(atomic_load(&all.permitted), THREADS * ROUNDS);
    CHECK(cm_stats_latency(all.stats).count == THREADS * ROUNDS);
    cm_bases_free(all.bases);
    cm_stats_free(all.stats);
    cm_engine_free(all.engine);
}

int main(int argc, char **argv)
{
    int result = 0;

    decide_kit_platform();
    if (cm_policy_parse(cm_span_make(permit_all, strlen(permit_all)), &policy, NULL) != CM_OK) {
        return 1;
    }
    result = test_main(argc, argv);
    cm_policy_free(policy);
    decide_kit_platform_end();
    return result;
}
