/* The overview: what was decided lately, how fast, and why not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_json.h"
#include "decide/decide_module.h"

#define REASONS 5

struct series {
    json_t *list;    /* of {"tee", "accepted", "refused"} */
    int64_t first;   /* minute */
    int64_t minutes; /* in one place */
    size_t places;
    int64_t accepted;
    int64_t refused;
    bool failed;
};

static json_t *zeros(size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; out != NULL && i < n; i++) {
        (void)json_array_append_new(out, json_integer(0));
    }
    return out;
}

/* The series of a TEE, made when it is the first of it: rows come by TEE. */
static json_t *series_of(struct series *s, const char *tee)
{
    json_t *last = json_array_get(s->list, json_array_size(s->list) - 1);

    if (last == NULL || strcmp(json_string_value(json_object_get(last, "tee")), tee) != 0) {
        last = json_pack("{s:s, s:o, s:o}", "tee", tee, "accepted", zeros(s->places), "refused",
                         zeros(s->places));
        if (last == NULL || json_array_append_new(s->list, last) != 0) {
            return NULL;
        }
    }
    return last;
}

static bool take_minute(void *arg, const struct cm_db_value *c, size_t count)
{
    struct series *s = arg;
    const size_t place = (size_t)((c[0].number - s->first) / s->minutes);
    json_t *one = count == 4 ? series_of(s, cm_json_text(&c[1])) : NULL;
    json_t *array = json_object_get(one, c[2].number != 0 ? "accepted" : "refused");
    json_t *at = json_array_get(array, place);

    if (c[2].number != 0) {
        s->accepted += c[3].number;
    } else {
        s->refused += c[3].number;
    }
    s->failed = at == NULL || json_integer_set(at, json_integer_value(at) + c[3].number) != 0;
    return !s->failed;
}

static json_t *ms_or_null(uint64_t count, double seconds)
{
    return count == 0 ? json_null() : json_real(seconds * 1000);
}

/* The two latencies of each place. */
static enum cm_status add_times(struct cm_decide_module_state *m, const struct series *s,
                                json_t *rate)
{
    json_t *p50 = json_array();
    json_t *p99 = json_array();
    bool good = p50 != NULL && p99 != NULL;

    for (size_t i = 0; good && i < s->places; i++) {
        const struct cm_latency l =
            cm_stats_latency_at(m->stats, s->first + (int64_t)i * s->minutes, s->minutes);

        good = json_array_append_new(p50, ms_or_null(l.count, l.p50)) == 0 &&
               json_array_append_new(p99, ms_or_null(l.count, l.p99)) == 0;
    }
    good = good && json_object_set(rate, "p50_ms", p50) == 0 &&
           json_object_set(rate, "p99_ms", p99) == 0;
    json_decref(p50);
    json_decref(p99);
    return good ? CM_OK : CM_ERR_NOMEM;
}

static bool take_reason(void *arg, const struct cm_db_value *c, size_t count)
{
    return count == 5 &&
           json_array_append_new(
               arg, json_pack("{s:s, s:s, s:I, s:s, s:I}", "reason", cm_json_text(&c[0]), "stage",
                              cm_json_text(&c[1]), "count", (json_int_t)c[2].number, "last_id",
                              cm_json_text(&c[3]), "last_at", (json_int_t)c[4].number)) == 0;
}

static enum cm_status add_reasons(struct cm_db *db, int64_t first, json_t *to, struct cm_why *why)
{
    const struct cm_db_value v[] = {cm_db_int(first), cm_db_int(REASONS)};
    json_t *list = json_array();
    enum cm_status st = CM_OK;

    CM_TRY(list == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(cm_db_run(db,
                     "SELECT cause, MAX(stage), CAST(SUM(count) AS BIGINT),"
                     " MAX(last_token), MAX(last_seen) FROM attestation_denial WHERE minute >= ?"
                     " GROUP BY cause ORDER BY SUM(count) DESC, cause LIMIT ?",
                     cm_db_with(v, 2), cm_db_into(take_reason, list), why));
    st = json_object_set(to, "reasons", list) == 0 ? CM_OK : CM_ERR_NOMEM;
out:
    json_decref(list);
    return st;
}

static enum cm_status add_rate(struct cm_decide_module_state *m, struct cm_db *db, struct series *s,
                               json_t *to, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_int(s->first);
    json_t *rate = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "SELECT minute, tee, ok, count FROM attestation_minute WHERE minute >= ?"
                     " ORDER BY tee, minute",
                     cm_db_with(&v, 1), cm_db_into(take_minute, s), why));
    CM_TRY(s->failed ? CM_ERR_NOMEM : CM_OK);
    rate = json_pack("{s:I, s:I, s:O}", "start", (json_int_t)s->first * 60, "step_s",
                     (json_int_t)s->minutes * 60, "series", s->list);
    CM_TRY(rate == NULL ? CM_ERR_NOMEM : CM_OK);
    CM_TRY(add_times(m, s, rate));
    st = json_object_set(to, "rate", rate) == 0 ? CM_OK : CM_ERR_NOMEM;
out:
    json_decref(rate);
    return st;
}

enum cm_status cm_decide_settle(struct cm_service *s, struct cm_why *why)
{
    return cm_decide_flush_now(cm_decide_state(s), why);
}

enum cm_status cm_decide_overview(struct cm_service *service, struct cm_db *db, unsigned minutes,
                                  json_t **out, struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(service);
    const int64_t now = (int64_t)cm_service_now(service) / 60;
    struct series s = {.list = json_array(), .minutes = minutes > 240 ? 10 : 1};
    struct cm_latency l = {0, 0, 0};
    json_t *collateral = NULL;
    json_t *all = json_object();
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(s.list == NULL || all == NULL ? CM_ERR_NOMEM : CM_OK);
    if (minutes < 15 || minutes > 1440) {
        cm_why_set(why, "minutes is a number from 15 to 1440");
        st = CM_ERR_PARAM;
        goto out;
    }
    s.places = minutes / (unsigned)s.minutes;
    s.first = now / s.minutes * s.minutes - ((int64_t)s.places - 1) * s.minutes;
    CM_TRY(add_rate(m, db, &s, all, why));
    CM_TRY(add_reasons(db, s.first, all, why));
    CM_TRY(cm_decide_collateral(service, &collateral, why));
    l = cm_stats_latency_at(m->stats, s.first, (int64_t)s.places * s.minutes);
    st =
        json_object_set(all, "collateral", collateral) == 0 &&
                json_object_set_new(
                    all, "totals",
                    json_pack("{s:I, s:I, s:o, s:o}", "accepted", (json_int_t)s.accepted, "refused",
                              (json_int_t)s.refused, "p50_ms", ms_or_null(l.count, l.p50), "p99_ms",
                              ms_or_null(l.count, l.p99))) == 0
            ? CM_OK
            : CM_ERR_NOMEM;
    if (st == CM_OK) {
        *out = json_incref(all);
    }
out:
    json_decref(s.list);
    json_decref(collateral);
    json_decref(all);
    return st;
}
