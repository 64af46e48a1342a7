/* The store under a service: reading, writing, topics, settings, ticks, and several instances of one store. */
#include <stdatomic.h>
#include <time.h>

#include "harness.h"
#include "service_kit.h"

#include "store/audit.h"

/* ------------------------------------------------------- a module with a copy */

struct copy {
    struct cm_service *service;
    char value[64]; /* what the store holds, as far as it was told */
    atomic_int changes;
    atomic_int any; /* "*" */
    uint64_t ticked;
};

static struct copy copies[4];
static atomic_int made;

static enum cm_status read_value(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct copy *c = arg;
    const enum cm_status st = cm_setting_get(db, "test", c->value, sizeof(c->value), why);

    return st == CM_ERR_NOTFOUND ? CM_OK : st;
}

static enum cm_status start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct copy *c = &copies[atomic_fetch_add(&made, 1) % 4];

    memset(c, 0, sizeof(*c));
    c->service = s;
    *state = c;
    return cm_service_read(s, read_value, c, why);
}

static void changed(void *state, const char *topic)
{
    struct copy *c = state;

    if (strcmp(topic, "test") == 0 || strcmp(topic, "*") == 0) {
        (void)!cm_service_read(c->service, read_value, c, NULL);
        atomic_fetch_add(strcmp(topic, "*") == 0 ? &c->any : &c->changes, 1);
    }
}

static void tick(void *state, uint64_t now)
{
    ((struct copy *)state)->ticked = now;
}

static void metrics(void *state, FILE *out)
{
    (void)fprintf(out, "test_changes %d\n", atomic_load(&((struct copy *)state)->changes));
}

static bool ready(void *state, struct cm_why *why)
{
    cm_why_set(why, "the value is not there");
    return ((struct copy *)state)->value[0] != '\0';
}

static enum cm_status put_value(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct cm_call *call = arg;
    enum cm_status st = cm_setting_put(db, "test", cm_call_param(call, "value"), why);

    if (st == CM_OK) {
        st = cm_service_touch(call->service, db, "test", why);
    }
    if (st == CM_OK && strcmp(cm_call_param(call, "value"), "refused") == 0) {
        cm_why_set(why, "this value is not for the store");
        st = CM_ERR_POLICY;
    }
    return st;
}

static void serve_put(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    const enum cm_status st =
        cm_call_write(call, put_value, call, "test.put", cm_call_param(call, "value"), NULL, &why);
    struct copy *c = state;

    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else { /* this instance knows it before it answers */
        cm_call_answer_json(call, 200, json_pack("{s:s}", "value", c->value));
    }
}

static void serve_get(struct cm_call *call, void *state)
{
    cm_call_answer_json(call, 200, json_pack("{s:s}", "value", ((struct copy *)state)->value));
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_PUT, .path = "/value/{value}", .serve = serve_put, .roles = CM_ROLE_WRITERS},
    {.methods = CM_WEB_GET, .path = "/value", .serve = serve_get, .at_once = true},
};
static const struct cm_module module = {
    .name = "copy",
    .routes = routes,
    .route_count = 2,
    .start = start,
    .changed = changed,
    .tick = tick,
    .metrics = metrics,
    .ready = ready,
};
static const struct cm_module *const modules[] = {&module, NULL};

static bool shared(void)
{
    return getenv("CM_TEST_STORE") != NULL;
}

/* Until something is so, at most 10 s. */
static bool comes(atomic_int *value, int wanted)
{
    const struct timespec nap = {0, 5000000};

    for (int i = 0; i < 2000; i++) {
        if (atomic_load(value) >= wanted) {
            return true;
        }
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

/* ---------------------------------------------------------------------- tests */

TEST(what_is_written_is_known_before_its_answer)
{
    struct copy *c = cm_service_module(kit_start(modules), "copy");

    CHECK_EQ(kit_get("/ready", NULL)->status, 503);
    CHECK_STR(kit_string("parts.copy"), "the value is not there");
    CHECK_STR(kit_string("parts.store"), "ok");
    CHECK(kit_header("Retry-After") != NULL);
    CHECK_EQ(kit_put("/value/one", "admin", "{}")->status, 200);
    CHECK_STR(kit_string("value"), "one");
    CHECK_EQ(kit_get("/ready", NULL)->status, 200);
    CHECK_EQ(atomic_load(&c->changes), 1);
    CHECK_EQ(kit_get("/metrics", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body, "test_changes 1\n") != NULL);
    (void)kit_again();
    CHECK_EQ(kit_get("/value", NULL)->status, 200);
    CHECK_STR(kit_string("value"), "one");
    kit_stop();
}

/* Nothing of a change that fails stays, its audit record neither, and nobody is told. */
TEST(what_is_refused_leaves_nothing)
{
    struct copy *c = cm_service_module(kit_start(modules), "copy");
    struct cm_audit_verdict verdict;
    struct cm_db *db = NULL;

    CHECK_EQ(kit_put("/value/one", "admin", "{}")->status, 200);
    CHECK_EQ(kit_put("/value/refused", "admin", "{}")->status, 403);
    CHECK_STR(kit_string("error.message"), "this value is not for the store");
    CHECK_STR(c->value, "one");
    CHECK_EQ(atomic_load(&c->changes), 1);
    REQUIRE(cm_db_open(kit_store(), &db, NULL) == CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, NULL), CM_OK);
    CHECK_EQ(verdict.records, 1);
    cm_db_close(db);
    kit_stop();
}

TEST(ticks_have_the_time_and_renew_copies)
{
    struct cm_service *s = kit_start(modules);
    struct copy *c = cm_service_module(s, "copy");

    kit_set_clock(1800000000);
    cm_service_tick(s);
    CHECK_EQ(c->ticked, 1800000000);
    CHECK_EQ(atomic_load(&c->any), 1);
    CHECK_EQ(cm_service_now(s), 1800000000);
    CHECK(cm_service_module(s, "other") == NULL);
    kit_stop();
}

static enum cm_status touch_outside(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_service_touch(arg, db, "a topic whose name is far too long for a topic", why);
}

static enum cm_status touch_many(struct cm_db *db, void *arg, struct cm_why *why)
{
    char topic[16] = "";
    enum cm_status st = CM_OK;

    for (int i = 0; i < 20 && st == CM_OK; i++) {
        (void)snprintf(topic, sizeof(topic), "topic%d", i);
        st = cm_service_touch(arg, db, topic, why);
    }
    return st;
}

TEST(topics_are_short_and_many_of_them_are_all)
{
    struct cm_service *s = kit_start(modules);
    struct copy *c = cm_service_module(s, "copy");

    CHECK_EQ(cm_service_write(s, touch_outside, s, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_service_write(s, touch_many, s, NULL), CM_OK);
    CHECK(atomic_load(&c->any) >= 1);
    kit_stop();
}

struct later {
    struct cm_change change;
    struct cm_service *service;
    struct copy *copy;
    enum cm_status st;
    int seen;
    atomic_int over;
};

static enum cm_status later_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct later *l = arg;
    enum cm_status st = cm_setting_put(db, "test", "later", why);

    return st == CM_OK ? cm_service_touch(l->service, db, "test", why) : st;
}

static void later_done(void *arg, enum cm_status st, const struct cm_why *why)
{
    struct later *l = arg;

    (void)why;
    l->st = st;
    l->seen = atomic_load(&l->copy->changes);
    atomic_store(&l->over, 1);
}

TEST(writing_later_ends_behind_its_topics)
{
    struct later l = {.change = {.run = later_run, .done = later_done}};

    l.service = kit_start(modules);
    l.copy = cm_service_module(l.service, "copy");
    l.change.arg = &l;
    cm_service_write_later(l.service, &l.change);
    CHECK(comes(&l.over, 1));
    CHECK_EQ(l.st, CM_OK);
    CHECK_EQ(l.seen, 1);
    CHECK_STR(l.copy->value, "later");
    kit_stop();
}

/* Two instances over one PostgreSQL: the other hears of it without being asked. */
TEST(instances_hear_of_each_other)
{
    struct kit_options options = {.modules = modules};
    struct kit *first = NULL;
    struct kit *second = NULL;
    struct copy *mine = NULL;
    struct copy *others = NULL;

    if (!shared()) {
        SKIP("SQLite is one program's");
    }
    first = kit_open(&options);
    mine = cm_service_module(kit_service(), "copy");
    options.store = kit_store();
    second = kit_open(&options);
    kit_use(second);
    others = cm_service_module(kit_service(), "copy");
    kit_use(first);
    CHECK_EQ(kit_put("/value/told", "admin", "{}")->status, 200);
    CHECK(comes(&others->changes, 1));
    CHECK_STR(others->value, "told");
    kit_use(second);
    CHECK_EQ(kit_put("/value/back", "admin", "{}")->status, 200);
    CHECK(comes(&mine->changes, 2));
    CHECK_STR(mine->value, "back");
    CHECK_EQ(kit_put("/value/refused", "admin", "{}")->status, 403);
    kit_close(second);
    kit_use(first);
    CHECK_EQ(kit_put("/value/last", "admin", "{}")->status, 200);
    CHECK_EQ(atomic_load(&mine->changes), 3); /* its own is told once */
    kit_close(first);
}

TEST_MAIN
