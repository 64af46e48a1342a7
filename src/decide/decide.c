/* The module: decisions and their records; see decide.h. */
#include "decide/decide.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/try.h"
#include "decide/decide_module.h"

#define RETIRE_EVERY 600   /* seconds */
#define MARK_EVERY   86400 /* collateral that was used */

struct cm_decide_module_state *cm_decide_state(struct cm_service *s)
{
    return cm_service_module(s, cm_decide_module.name);
}

static uint64_t now_ns(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---------------------------------------------------------------- decision */

enum cm_status cm_decide(struct cm_service *s, const struct cm_decide_job *job, bool may_wait,
                         struct cm_decision **out, struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    const struct cm_engine_ask ask = {cm_service_now(s), cm_service_config(s)->accept_emulated,
                                      may_wait};
    const uint64_t began = now_ns();
    enum cm_status st = CM_ERR_PARAM;

    *out = NULL;
    if (m == NULL || job == NULL || (job->materials == NULL && job->material_count != 0)) {
        return st;
    }
    st = cm_engine_decide(m->engine, job, &ask, out, why);
    if (st == CM_OK) {
        cm_decide_save_floors(m); /* before the record, in the same queue: it stands on them */
        ((struct cm_decision_own *)*out)->took_ns = now_ns() - began;
    }
    return st;
}

/* ------------------------------------------------------------------ record */

struct recording {
    struct cm_change change;
    struct cm_decide_module_state *m;
    struct cm_record record;
    struct cm_decision *d;
    void (*done)(void *arg, enum cm_status st, const struct cm_why *why);
    void *arg;
};

static enum cm_status record_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct recording *r = arg;

    return cm_record_write(db, &r->record, why);
}

static void record_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct recording *r = arg;
    struct cm_decide_module_state *m = r->m;
    bool flush = false;

    if (st == CM_OK) {
        cm_record_written(&r->record);
        flush = cm_stats_note(m->stats, &r->record.facts);
    }
    r->done(r->arg, st, why);
    cm_decision_free(r->d);
    cm_record_free(&r->record);
    free(r);
    if (flush) {
        cm_decide_flush(m);
    }
    cm_decide_end(m);
}

void cm_decision_record(struct cm_service *s, struct cm_decision *d,
                        const struct cm_decide_job *job,
                        void (*done)(void *arg, enum cm_status st, const struct cm_why *why),
                        void *arg)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    struct recording *r = calloc(1, sizeof(*r));
    struct cm_why why = {""};
    enum cm_status st = r == NULL ? CM_ERR_NOMEM : CM_OK;

    if (r != NULL) {
        st = cm_record_make(m->bases, d, job, cm_record_id(&m->ids, d->time), &r->record);
    }
    if (st != CM_OK) {
        cm_why_set(&why, "the record cannot be made: %s", cm_status_str(st));
        free(r);
        done(arg, st, &why);
        cm_decision_free(d);
        return;
    }
    r->m = m;
    r->d = d;
    r->done = done;
    r->arg = arg;
    cm_decide_begin(m);
    r->change = (struct cm_change){.run = record_run, .done = record_done, .arg = r};
    cm_service_write_later(s, &r->change);
}

/* ------------------------------------------------------------------ module */

static void tell(void *arg, const char *name, const char *what)
{
    struct cm_decide_module_state *m = arg;
    const char *const fields[] = {"collateral", name, "reason", what};

    cm_service_log(m->service, CM_LOG_WARNING, "collateral.failed", fields, 2);
}

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    const struct cm_decide_module_state *m = arg;

    return cm_rules_active(m->service, type, out);
}

enum cm_status cm_decide_defaults(struct cm_decide_config *out, struct cm_why *why)
{
    static struct cm_collateral_config intel; /* of the program's environment, which is one */
    struct cm_collateral_config own;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    memset(&own, 0, sizeof(own));
    CM_TRY(cm_collateral_configure(&own, why));
    intel = own;
    out->intel = &intel;
    out->kds_url = CM_DECIDE_KDS;
out:
    return st;
}

enum cm_status cm_decide_configure(struct cm_service *s, const struct cm_decide_config *config,
                                   struct cm_why *why)
{
    return cm_engine_configure(cm_decide_state(s)->engine, config, why);
}

static void stop(void *state)
{
    struct cm_decide_module_state *m = state;

    if (m == NULL) {
        return;
    }
    if (m->stats != NULL) {
        (void)!cm_decide_flush_now(m, NULL);
    }
    (void)pthread_mutex_lock(&m->lock);
    while (m->pending != 0) {
        (void)pthread_cond_wait(&m->idle, &m->lock);
    }
    (void)pthread_mutex_unlock(&m->lock);
    cm_engine_free(m->engine);
    cm_bases_free(m->bases);
    cm_stats_free(m->stats);
    (void)pthread_cond_destroy(&m->idle);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

/* One worker renews what grows old, another is for what needs no source. */
static unsigned waiters(const struct cm_service *s)
{
    const unsigned workers = cm_service_config(s)->workers;

    return workers > 3 ? workers - 2 : workers == 0 ? 2 : 1;
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct cm_decide_module_state *m = calloc(1, sizeof(*m));
    struct cm_decide_config config;
    enum cm_status st = CM_OK;

    if (m == NULL) {
        return CM_ERR_NOMEM;
    }
    m->service = s;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->idle, NULL);
    atomic_init(&m->floors_writing, false);
    if (getrandom(&m->ids.who, sizeof(m->ids.who), 0) != (ssize_t)sizeof(m->ids.who)) {
        st = CM_ERR_PLATFORM;
        goto out;
    }
    CM_TRY(cm_engine_create(
        &(struct cm_engine_ops){
            {active, cm_rules_release, m}, cm_decide_load, cm_decide_save, tell, m, waiters(s)},
        &m->engine));
    CM_TRY(cm_bases_create(&m->bases));
    CM_TRY(cm_stats_create(&m->stats));
    CM_TRY(cm_decide_defaults(&config, why));
    CM_TRY(cm_engine_configure(m->engine, &config, why));
    CM_TRY(cm_decide_load_floors(m, why));
    CM_TRY(cm_decide_load_all(m, why));
    CM_TRY(cm_decide_load_enrolled(m, why));
    *state = m;
    m = NULL;
out:
    stop(m);
    return st;
}

static void changed(void *state, const char *topic)
{
    struct cm_decide_module_state *m = state;
    const bool all = strcmp(topic, "*") == 0;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (all) {
        cm_bases_clear(m->bases);
    }
    if (all || strcmp(topic, CM_TOPIC_FLOORS) == 0) {
        st = cm_decide_load_floors(m, &why);
    }
    if (st == CM_OK && (all || strcmp(topic, CM_TOPIC_COLLATERAL) == 0)) {
        st = cm_decide_load_all(m, &why);
    }
    if (st == CM_OK && (all || strcmp(topic, CM_TOPIC_ENROLLED) == 0)) {
        st = cm_decide_load_enrolled(m, &why);
    }
    if (st != CM_OK) {
        tell(m, "store", why.text);
    }
}

struct retiring {
    const struct cm_service_config *config;
    uint64_t now;
    bool more;
};

static enum cm_status retire_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct retiring *r = arg;
    const unsigned days = r->config->attestation_days;
    const unsigned rows =
        r->config->attestation_rows != 0 ? r->config->attestation_rows : CM_RETENTION_ROWS;
    const unsigned tenth = rows / CM_RETENTION_REFUSED != 0 ? rows / CM_RETENTION_REFUSED : 1;
    const struct cm_retention keep = {
        .days = days != 0 ? days : CM_RETENTION_DAYS,
        .rows = rows,
        .denied_rows = tenth,
        .refused_rows = tenth,
    };

    return cm_record_retire(db, r->now, &keep, &r->more, why);
}

static void tick(void *state, uint64_t now)
{
    struct cm_decide_module_state *m = state;
    struct retiring r = {cm_service_config(m->service), now, true};
    struct cm_why why = {""};

    cm_decide_save_floors(m);
    cm_decide_flush(m);
    cm_keeper_tick(cm_engine_keeper(m->engine), now);
    if (now < m->retired || now - m->retired >= RETIRE_EVERY) {
        m->retired = now;
        while (r.more) {
            if (cm_service_write(m->service, retire_run, &r, &why) != CM_OK) {
                tell(m, "retention", why.text);
                break;
            }
        }
    }
    if (now < m->marked || now - m->marked >= MARK_EVERY) {
        const uint64_t since = m->marked < now ? m->marked : 0;

        m->marked = now;
        if (cm_decide_mark_used(m, since, now, &why) != CM_OK) {
            tell(m, "store", why.text);
        }
    }
}

struct left {
    FILE *out;
    uint64_t now;
};

static void print_left(void *arg, const struct cm_keeper_state *state)
{
    const struct left *l = arg;
    const struct cm_kept *k = state->kept;

    if (k != NULL && k->want.kind != CM_KEPT_SNP_KEY && k->facts.not_after != CM_KEPT_NEVER) {
        (void)fprintf(l->out, "casemate_collateral_days_left{name=\"%s\"} %.3f\n", state->name,
                      ((double)k->facts.not_after - (double)l->now) / 86400.0);
    }
}

static void metrics(void *state, FILE *out)
{
    struct cm_decide_module_state *m = state;
    const struct cm_keeper_counts c = cm_keeper_counts(cm_engine_keeper(m->engine));
    struct left l = {out, cm_service_now(m->service)};

    cm_stats_metrics(m->stats, out);
    (void)fprintf(out,
                  "# HELP casemate_collateral_fetches_total What was asked of sources.\n"
                  "# TYPE casemate_collateral_fetches_total counter\n"
                  "casemate_collateral_fetches_total{result=\"ok\"} %" PRIu64 "\n"
                  "casemate_collateral_fetches_total{result=\"failed\"} %" PRIu64 "\n"
                  "casemate_collateral_fetches_total{result=\"rolled_back\"} %" PRIu64 "\n"
                  "# HELP casemate_collateral_days_left Until the next update is due.\n"
                  "# TYPE casemate_collateral_days_left gauge\n",
                  c.fetched, c.failed, c.rolled_back);
    cm_keeper_each(cm_engine_keeper(m->engine), print_left, &l);
}

static bool ready(void *state, struct cm_why *why)
{
    struct cm_decide_module_state *m = state;

    return cm_keeper_fresh(cm_engine_keeper(m->engine), cm_service_now(m->service),
                           cm_engine_grace(m->engine), why);
}

const struct cm_module cm_decide_module = {
    .name = "decide",
    .start = start,
    .stop = stop,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
    .ready = ready,
};
