/* A service with rules and decide over the emulated platform: what its tests share. */
#ifndef CM_TESTS_DECIDE_SERVICE_KIT_H
#define CM_TESTS_DECIDE_SERVICE_KIT_H

#include "harness.h"

#include <pthread.h>
#include <time.h>

#include "decide/decide_log.h"
#include "decide_kit.h"
#include "rules_call_kit.h"
#include "service_kit.h"
#include "store/db.h"

#define SIGNER "e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2"
#define PERMIT_SIGNER                                                             \
    "version=1.0;\nauthorizationrules\n{\n"                                       \
    "    [type==\"x-ms-sgx-mrsigner\", value==\"" SIGNER "\"] => permit();\n};\n" \
    "issuancerules\n{\n};\n"

static struct decide_source source;
static struct cm_trust_root source_root;
static uint8_t quote[DECIDE_QUOTE_MAX];

static inline void configure(uint64_t grace)
{
    struct cm_decide_config config = decide_kit_config(&source_root, &source);

    config.grace = grace;
    if (cm_decide_configure(kit_service(), &config, NULL) != CM_OK) {
        abort();
    }
}

/* The modules, now, and evidence of the emulator counts. */
static inline void begin(void)
{
    static const struct cm_module *const modules[] = {&cm_rules_module, &cm_decide_module,
                                                      &rules_call_module, NULL};
    const struct kit_options options = {.modules = modules, .accept_emulated = true};

    memset(&source, 0, sizeof(source));
    kit_set_clock((uint64_t)time(NULL));
    (void)kit_start_with(&options);
    configure(0);
}

static inline void again(void)
{
    (void)kit_again();
    configure(0);
}

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool is_over;
    enum cm_status st;
};

static inline void recorded(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct waiting *w = arg;

    (void)why;
    (void)pthread_mutex_lock(&w->lock);
    w->st = st;
    w->is_over = true;
    (void)pthread_cond_signal(&w->over);
    (void)pthread_mutex_unlock(&w->lock);
}

/* Decide about a quote of an enclave and record it; the id is in id[65]. */
static inline enum cm_status attest(const struct decide_enclave *e, const char *client, char *id)
{
    struct cm_decide_job job = {.api = "test", .client = client};
    struct waiting w = {.is_over = false};
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    enum cm_status verdict = CM_OK;

    job.evidence = cm_span_make(quote, decide_quote(e, quote));
    if (cm_decide(kit_service(), &job, true, &d, &why) != CM_OK) {
        TEST_FAIL("no decision: %s", why.text);
        return CM_ERR_STATE;
    }
    verdict = d->st;
    if (id != NULL) {
        (void)snprintf(id, 65, "%s", d->id);
    }
    if (verdict == CM_OK && asprintf(&d->token, "{\"jti\":\"%s\"}", d->id) < 0) {
        TEST_FAIL("no memory");
    }
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.over, NULL);
    cm_decision_record(kit_service(), d, &job, recorded, &w);
    (void)pthread_mutex_lock(&w.lock);
    while (!w.is_over) {
        (void)pthread_cond_wait(&w.over, &w.lock);
    }
    (void)pthread_mutex_unlock(&w.lock);
    CHECK_EQ(w.st, CM_OK);
    return verdict;
}

/* A connection of the test's own, and what is asked with it. */
static inline struct cm_db *reader(void)
{
    struct cm_db *db = NULL;

    if (cm_db_open(kit_store(), &db, NULL) != CM_OK) {
        abort();
    }
    return db;
}

static inline bool take_count(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

static inline int64_t kit_count(struct cm_db *db, const char *sql)
{
    int64_t n = -1;

    CHECK_EQ(cm_db_run(db, sql, cm_db_none(), cm_db_into(take_count, &n), NULL), CM_OK);
    return n;
}

static inline const char *text_at(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s == NULL ? "(none)" : s;
}

static inline json_int_t int_at(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);

    return json_is_integer(v) ? json_integer_value(v) : -99;
}

static inline json_t *log_of(const struct cm_log_query *q)
{
    struct cm_db *db = reader();
    struct cm_why why = {""};
    json_t *out = NULL;

    if (cm_decide_log(db, q, &out, &why) != CM_OK) {
        TEST_FAIL("log: %s", why.text);
    }
    cm_db_close(db);
    return out;
}

static inline size_t found(const struct cm_log_query *q)
{
    json_t *out = log_of(q);
    size_t n = json_array_size(json_object_get(out, "items"));

    json_decref(out);
    return n;
}

#endif
