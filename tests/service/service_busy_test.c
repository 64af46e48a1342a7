/* Too much at once: what is refused, for how long, and how little of it the log gets; what bodies leave behind. */
#include <time.h>

#include "harness.h"
#include "memory_search.h"
#include "service_kit.h"

#include "service/service_private.h"

static atomic_bool slow;

static void nap(long milliseconds)
{
    const struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

static void busy(struct cm_call *call, void *state)
{
    const struct cm_why why = {"no room"};

    (void)state;
    cm_call_fail_status(call, CM_ERR_BUSY, &why);
}

static void take(struct cm_call *call, void *state)
{
    (void)state;
    cm_call_answer(call, 200, "text/plain", cm_span_make("taken", 5));
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_GET, .path = "/busy", .serve = busy, .at_once = true},
    {.methods = CM_WEB_POST, .path = "/take", .serve = take},
};
static const struct cm_module module = {
    .name = "test", .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};
static const struct cm_module *const modules[] = {&module, NULL};

/* Lines with a text in them, and what they say of others. */
static void count_lines(const char *log, const char *what, unsigned *lines, unsigned *others)
{
    *lines = 0;
    *others = 0;
    for (const char *at = log; *at != '\0'; at = strchr(at, '\n') + 1) {
        json_t *line = json_loadb(at, strcspn(at, "\n"), 0, NULL);
        const char *event = json_string_value(json_object_get(line, "event"));
        const char *more = json_string_value(json_object_get(line, "more"));

        if (event != NULL && strcmp(event, what) == 0) {
            *lines += json_object_get(line, "id") != NULL;
            *others += more == NULL ? 0 : (unsigned)strtoul(more, NULL, 10);
        }
        json_decref(line);
    }
}

/* A flood of what cannot be done now must not fill the disk with lines about it; none is uncounted. */
TEST(a_flood_is_a_line_a_second)
{
    enum { ASKED = 300 };
    char *log = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&log, &len);
    const struct kit_options options = {.modules = modules, .log = f, .log_level = CM_LOG_INFO};
    const uint64_t from = cm_service_ns();
    unsigned lines = 0;
    unsigned others = 0;
    unsigned seconds = 0;

    REQUIRE(f != NULL);
    (void)kit_start_with(&options);
    for (int i = 0; i < ASKED; i++) {
        CHECK_EQ(kit_get("/busy", NULL)->status, 503);
    }
    cm_service_tick(kit_service());
    seconds = (unsigned)((cm_service_ns() - from) / 1000000000) + 2;
    kit_stop();
    (void)fclose(f);
    count_lines(log, "failed", &lines, &others);
    CHECK_EQ(lines + others, ASKED);
    CHECK(lines >= 1 && lines <= seconds && lines < ASKED);
    count_lines(log, "request", &lines, &others);
    CHECK_EQ(lines + others, ASKED);
    CHECK(lines >= 1 && lines <= seconds && lines < ASKED);
    free(log);
}

static void slow_work(void *unused)
{
    (void)unused;
    if (atomic_load(&slow)) {
        nap(100);
    }
}

/* Who is sent away is told to wait for as long as what waits will take. */
TEST(the_wait_is_what_the_queue_needs)
{
    const struct kit_options options = {.modules = modules, .workers = 2};
    struct cm_service *s = kit_start_with(&options);
    unsigned wait = 0;

    CHECK_EQ(kit_get("/busy", NULL)->status, 503);
    CHECK_STR(kit_header("Retry-After"), "1");
    atomic_store(&slow, true);
    for (int i = 0; i < 400; i++) { /* 20 seconds of two workers */
        REQUIRE(cm_service_work(s, slow_work, NULL) == CM_OK);
    }
    for (int i = 0; i < 1000 && wait < 5; i++) {
        wait = cm_workers_wait(s);
        nap(5);
    }
    CHECK(wait >= 5 && wait <= 60);
    CHECK_EQ(kit_get("/busy", NULL)->status, 503);
    CHECK(kit_header("Retry-After") != NULL && strtoul(kit_header("Retry-After"), NULL, 10) >= 3);
    atomic_store(&slow, false);
    kit_stop();
}

static void small_memory(struct cm_service_config *config)
{
    config->max_held = 100000;
}

/* The bounds of web.h are those of the configuration, and /metrics tells of them. */
TEST(memory_for_bodies_is_configured)
{
    const struct kit_options options = {.modules = modules, .prepare = small_memory};
    char *body = calloc(1, 200001);

    REQUIRE(body != NULL);
    memset(body, ' ', 200000);
    (void)kit_start_with(&options);
    CHECK_EQ(kit_post("/take", NULL, "{}")->status, 200);
    CHECK_EQ(kit_post("/take", NULL, body)->status, 503);
    CHECK_STR(kit_header("Retry-After"), "10");
    CHECK_EQ(kit_post("/take", NULL, "{}")->status, 200);
    CHECK_EQ(kit_get("/metrics", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body, "casemate_requests_without_memory_total 1\n") != NULL);
    kit_stop();
    free(body);
}

/* Masked, so that there is no other copy than the one that is looked for. */
static const uint8_t masked_text[] = {
    's' ^ MEMORY_MASK, 'n' ^ MEMORY_MASK, 'o' ^ MEMORY_MASK, 'w' ^ MEMORY_MASK, '-' ^ MEMORY_MASK,
    'd' ^ MEMORY_MASK, 'r' ^ MEMORY_MASK, 'i' ^ MEMORY_MASK, 'f' ^ MEMORY_MASK, 't' ^ MEMORY_MASK,
};

/* A password or a key comes as JSON, and goes as JSON: with the values its copies go. */
TEST(I6_json_leaves_nothing_in_memory)
{
    static char body[512];
    char *text = NULL;
    json_t *value = NULL;
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"plain\":\"............................");

    if (!MEMORY_SEARCHABLE) {
        SKIP("a sanitiser's memory is not searched");
    }
    cm_service_json_memory();
    for (int escaped = 0; escaped < 2; escaped++) {
        n += escaped == 0 ? 0
                          : (size_t)snprintf(body + n, sizeof(body) - n,
                                             "\",\"escaped\":\"\\n.....................");
        for (size_t i = 0; i < sizeof(masked_text); i++) {
            body[n++] = (char)(masked_text[i] ^ MEMORY_MASK);
        }
    }
    (void)snprintf(body + n, sizeof(body) - n, "\"}");
    value = cm_service_json(cm_span_make(body, strlen(body)), NULL);
    REQUIRE(value != NULL);
    memset(body, 0, sizeof(body));
    __asm__ volatile("" : : "r"(body) : "memory");
    CHECK(memory_holds(masked_text, sizeof(masked_text)));
    text = json_dumps(value, JSON_COMPACT);
    REQUIRE(text != NULL);
    json_decref(value);
    memset(text, 0, strlen(text));
    __asm__ volatile("" : : "r"(text) : "memory");
    free(text);
    CHECK(!memory_holds(masked_text, sizeof(masked_text)));
}

TEST_MAIN
