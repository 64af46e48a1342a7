/*
 * usage: serve_kill_test PROGRAM [TIMES]: killed at any moment under load, the service loses nothing that it
 * has acknowledged: policies, keys, bearer tokens, attestations are there behind the next start, and the audit log
 * verifies and has a record of each change.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "decide_kit.h"
#include "harness.h"
#include "serve_process.h"
#include "service_kit.h"

#include "store/audit.h"
#include "token/base64.h"

#define WRITERS 5
#define NAME    48

static struct served served;
static int times = 3;
static atomic_bool stop;
static atomic_long changes; /* acknowledged, that the audit log must know */
static char quote_body[DECIDE_QUOTE_MAX * 2];

/* What one writer has been told is done. */
struct writer {
    int number;
    long done;
    char last[NAME];
    char token[128]; /* the last that was given out */
};

/* -------------------------------------------------------------------- writers */

/* Names grow with each round, so that none is used twice. */
static long next_number(void)
{
    static atomic_long number;

    return atomic_fetch_add(&number, 1);
}

static bool write_token(struct writer *w)
{
    char body[128] = "";
    char name[NAME] = "";

    (void)snprintf(name, sizeof(name), "kill.%d.%ld", w->number, next_number());
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"roles\":[\"auditor\"],\"days\":2}",
                   name);
    if (kit_post("/api/v1/tokens", served.token, body)->status != 200) {
        return false;
    }
    (void)snprintf(w->last, sizeof(w->last), "%s", name);
    (void)snprintf(w->token, sizeof(w->token), "%s", kit_string("token"));
    atomic_fetch_add(&changes, 1);
    return true;
}

/* base64url with a NUL behind it. */
static void encode(struct cm_span bytes, char *out, size_t cap)
{
    size_t len = 0;

    if (cm_base64url_encode(bytes, out, cap - 1, &len) != CM_OK) {
        abort();
    }
    out[len] = '\0';
}

/* An upload that is not signed: {"AttestationPolicy": base64url of the text} behind {"alg":"none"}. */
static size_t unsigned_policy(const char *text, char *out, size_t cap)
{
    char inner[512] = "";
    char payload[640] = "";
    char outer[1024] = "";

    encode(cm_span_make(text, strlen(text)), inner, sizeof(inner));
    (void)snprintf(payload, sizeof(payload), "{\"AttestationPolicy\":\"%s\"}", inner);
    encode(cm_span_make(payload, strlen(payload)), outer, sizeof(outer));
    return (size_t)snprintf(out, cap, "eyJhbGciOiJub25lIn0.%s.", outer);
}

static bool write_policy(struct writer *w)
{
    char text[256] = "";
    char name[NAME] = "";
    char body[1200] = "";
    size_t len = 0;

    (void)snprintf(name, sizeof(name), "kill-%ld-", next_number());
    (void)snprintf(text, sizeof(text),
                   "version=1.0; authorizationrules{=>permit();}; issuancerules{=>issue("
                   "type=\"mark\", value=\"%s\");};",
                   name);
    len = unsigned_policy(text, body, sizeof(body));
    if (kit_ask("PUT", "/policies/SgxEnclave?api-version=2022-08-01", served.token, "text/plain",
                cm_span_make(body, len), NULL)
            ->status != 200) {
        return false;
    }
    (void)snprintf(w->last, sizeof(w->last), "%s", name);
    atomic_fetch_add(&changes, 1);
    return true;
}

static bool write_key(struct writer *w)
{
    char path[NAME + 64] = "";
    char name[NAME] = "";

    (void)snprintf(name, sizeof(name), "kill-key-%ld", next_number());
    (void)snprintf(path, sizeof(path), "/keys/%s/create?api-version=7.4", name);
    if (kit_post(path, served.token, "{\"kty\":\"EC\",\"crv\":\"P-256\"}")->status != 200) {
        if (kit_last()->status != 0) {
            TEST_FAIL("key: %s", kit_last()->body);
        }
        return false;
    }
    (void)snprintf(w->last, sizeof(w->last), "%s", name);
    atomic_fetch_add(&changes, 1);
    return true;
}

/* The token's second part holds the attestation's id (jti). */
static bool attest(struct writer *w)
{
    char payload[8192] = "";
    const char *token = NULL;
    const char *first = NULL;
    const char *second = NULL;
    size_t len = 0;
    json_t *claims = NULL;

    if (kit_post("/attest/SgxEnclave?api-version=2022-08-01", NULL, quote_body)->status != 200) {
        return false;
    }
    token = kit_string("token");
    first = strchr(token, '.');
    second = first == NULL ? NULL : strchr(first + 1, '.');
    if (second == NULL ||
        cm_base64url_decode(cm_span_make(first + 1, (size_t)(second - first) - 1),
                            (uint8_t *)payload, sizeof(payload) - 1, &len) != CM_OK) {
        return false;
    }
    claims = json_loadb(payload, len, 0, NULL);
    (void)snprintf(w->last, sizeof(w->last), "%.40s",
                   json_string_value(json_object_get(claims, "jti")));
    json_decref(claims);
    return true;
}

static void *write_on(void *arg)
{
    static bool (*const kinds[WRITERS])(struct writer *) = {write_token, write_policy, write_key,
                                                            attest, attest};
    struct writer *w = arg;

    while (!atomic_load(&stop) && kinds[w->number](w)) {
        w->done++;
    }
    return NULL;
}

/* --------------------------------------------------------------------- checks */

static bool take(void *arg, const struct cm_db_value *columns, size_t count)
{
    *(int64_t *)arg = count == 1 ? columns[0].number : -1;
    return false;
}

static int64_t count_of(struct cm_db *db, const char *sql, const char *like)
{
    const struct cm_db_value value = cm_db_text(like);
    int64_t out = -1;

    CHECK_EQ(cm_db_run(db, sql, cm_db_with(&value, 1), cm_db_into(take, &out), NULL), CM_OK);
    return out;
}

static void check_all(const struct writer w[WRITERS])
{
    struct cm_audit_verdict verdict = {0};
    struct cm_why why = {""};
    struct cm_db *db = NULL;
    char like[NAME + 8] = "";

    REQUIRE(cm_db_open(served.store, &db, &why) == CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, &why), CM_OK);
    CHECK(verdict.records >= atomic_load(&changes));
    if (w[0].done != 0) {
        CHECK_EQ(count_of(db, "SELECT COUNT(*) FROM access_token WHERE name = ?", w[0].last), 1);
    }
    if (w[1].done != 0) {
        (void)snprintf(like, sizeof(like), "%%%s%%", w[1].last);
        CHECK_EQ(count_of(db, "SELECT COUNT(*) FROM policy WHERE text LIKE ?", like), 1);
    }
    for (int i = 3; i < WRITERS; i++) {
        if (w[i].done != 0) {
            (void)snprintf(like, sizeof(like), "%s%%", w[i].last);
            CHECK_EQ(count_of(db, "SELECT COUNT(*) FROM attestation WHERE token LIKE ?", like), 1);
        }
    }
    cm_db_close(db);
}

/* As a client sees it. */
static void check_served(const struct writer w[WRITERS])
{
    char path[NAME + 64] = "";

    CHECK_EQ(kit_get("/ready", NULL)->status, 200);
    if (w[0].done != 0) {
        CHECK_EQ(kit_get("/metrics", w[0].token)->status, 200);
    }
    if (w[2].done != 0) { /* it opens under the root key, too */
        (void)snprintf(path, sizeof(path), "/keys/%s?api-version=7.4", w[2].last);
        CHECK_EQ(kit_get(path, served.token)->status, 200);
    }
    CHECK_EQ(kit_post("/attest/SgxEnclave?api-version=2022-08-01", NULL, quote_body)->status, 200);
}

/* The last moment moves from round to round. */
static void kill_in_the_midst(int round, struct writer w[WRITERS])
{
    const struct timespec load = {0, 120000000 + (round * 37 % 20) * 10000000};
    pthread_t threads[WRITERS];

    atomic_store(&stop, false);
    for (int i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){.number = i};
        REQUIRE(pthread_create(&threads[i], NULL, write_on, &w[i]) == 0);
    }
    (void)nanosleep(&load, NULL);
    (void)kill(served.pid, SIGKILL);
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)served_end(&served, SIGKILL);
}

static void make_quote(void)
{
    static uint8_t quote[DECIDE_QUOTE_MAX];
    static char text[DECIDE_QUOTE_MAX * 2 - 64];
    const struct decide_enclave e = decide_enclave();
    const size_t len = decide_quote(&e, quote);

    encode(cm_span_make(quote, len), text, sizeof(text));
    (void)snprintf(quote_body, sizeof(quote_body), "{\"quote\":\"%s\"}", text);
}

TEST(kill_loses_nothing_acknowledged)
{
    static const char rates[] = "{\"rate\":{\"per_second\":1000000,\"burst\":1000000}}";
    long done[WRITERS] = {0};

    make_quote();
    REQUIRE(served_start(&served, NULL));
    CHECK_EQ(kit_put("/api/v1/settings/access", served.token, rates)->status, 200);
    for (int round = 0; round < times; round++) {
        struct writer w[WRITERS];

        kill_in_the_midst(round, w);
        check_all(w);
        REQUIRE(served_start(&served, NULL));
        check_served(w);
        for (int i = 0; i < WRITERS; i++) {
            done[i] += w[i].done;
        }
    }
    (void)printf("  killed %d times: %ld tokens, %ld policies, %ld keys, %ld attestations"
                 " acknowledged\n",
                 times, done[0], done[1], done[2], done[3] + done[4]);
    CHECK(done[0] > 0 && done[1] > 0 && done[2] > 0 && done[3] + done[4] > 0);
    CHECK_EQ(served_end(&served, SIGTERM), 0);
}

int main(int argc, char **argv)
{
    int code = 0;

    if (argc < 2) {
        return 2;
    }
    times = argc > 2 ? (int)strtol(argv[2], NULL, 10) : times;
    decide_kit_platform();
    served_init(&served, argv[1]);
    code = test_main(1, argv);
    served_free(&served);
    decide_kit_platform_end();
    return code;
}
