/* The parts of access without a service: limits, passwords, codes, names and roles, settings. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "harness.h"

#include "access/access_limit.h"
#include "access/access_password.h"
#include "access/access_roles.h"
#include "access/access_settings.h"
#include "access/access_setup.h"

static const struct cm_password_cost cheap = {CM_PASSWORD_MEMORY_MIN, CM_PASSWORD_PASSES_MIN};

/* -------------------------------------------------------------------- limits */

TEST(bucket_gives_what_it_holds_and_fills_up_again)
{
    struct cm_limit *l = NULL;

    REQUIRE(cm_limit_create(8, &l) == CM_OK);
    for (int i = 0; i < 5; i++) {
        CHECK(cm_limit_take(l, "a", 1000, 2, 5));
    }
    CHECK(!cm_limit_take(l, "a", 1000, 2, 5));
    CHECK(cm_limit_take(l, "b", 1000, 2, 5)); /* another peer's is another's */
    CHECK(!cm_limit_take(l, "a", 1499, 2, 5));
    CHECK(cm_limit_take(l, "a", 1500, 2, 5));
    CHECK(!cm_limit_take(l, "a", 1500, 2, 5));
    for (int i = 0; i < 5; i++) { /* however long: no more than it holds */
        CHECK(cm_limit_take(l, "a", 1000000000, 2, 5));
    }
    CHECK(!cm_limit_take(l, "a", 1000000000, 2, 5));
    CHECK(!cm_limit_take(l, "a", 1, 2, 5)); /* a clock that goes back gives nothing */
    CHECK(cm_limit_take(l, "a", 1, 0, 5));  /* no limit */
    cm_limit_free(l);
}

TEST(full_table_stays_as_small_as_it_is_and_forgets_the_oldest)
{
    struct cm_limit *l = NULL;
    char key[32] = "";
    int refused = 0;

    REQUIRE(cm_limit_create(1, &l) == CM_OK); /* one row of eight */
    CHECK(cm_limit_take(l, "busy", 1, 1, 1));
    for (int i = 0; i < 7; i++) {
        (void)snprintf(key, sizeof(key), "other %d", i);
        CHECK(cm_limit_take(l, key, (uint64_t)i + 2, 1, 1));
    }
    CHECK(!cm_limit_take(l, "busy", 20, 1, 1)); /* seen last: another goes */
    CHECK(cm_limit_take(l, "ninth", 21, 1, 1));
    CHECK(!cm_limit_take(l, "busy", 22, 1, 1));
    CHECK(cm_limit_take(l, "other 0", 23, 1, 1));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof(key), "flood %d", i);
        refused += cm_limit_take(l, key, 30, 1, 1) ? 0 : 1;
    }
    CHECK_EQ(refused, 0);
    cm_limit_free(l);
}

TEST(failures_delay_twice_as_long_each_time)
{
    const struct cm_limit_delay d = {2, 30, 60};
    static const unsigned delays[] = {0, 0, 1, 2, 4, 8, 16, 30, 30, 30};
    struct cm_limit *l = NULL;
    uint64_t now = 5000;

    REQUIRE(cm_limit_create(8, &l) == CM_OK);
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        CHECK_EQ(cm_limit_wait(l, "a", now, &d), 0);
        cm_limit_failed(l, "a", now, &d);
        CHECK_EQ(cm_limit_wait(l, "a", now, &d), delays[i]);
        CHECK_EQ(cm_limit_wait(l, "b", now, &d), 0);
        now += 1000 * (uint64_t)delays[i];
    }
    for (int i = 0; i < 100; i++) { /* no shift beyond a number's size */
        cm_limit_failed(l, "a", now, &d);
    }
    CHECK_EQ(cm_limit_wait(l, "a", now, &d), 30);
    cm_limit_reset(l, "a");
    CHECK_EQ(cm_limit_wait(l, "a", now, &d), 0);
    for (int i = 0; i < 5; i++) {
        cm_limit_failed(l, "a", now, &d);
    }
    now += 61001; /* forgotten */
    cm_limit_failed(l, "a", now, &d);
    CHECK_EQ(cm_limit_wait(l, "a", now, &d), 0);
    cm_limit_failed(l, "a", now, &d);
    cm_limit_failed(l, "a", now, &d);
    CHECK_EQ(cm_limit_wait(l, "a", now, &d), 1);
    cm_limit_forgive(l, "a");
    CHECK_EQ(cm_limit_wait(l, "a", now, &d), 0);
    CHECK(!cm_limit_remembers(l, "known a"));
    cm_limit_remember(l, "known a", now);
    CHECK(cm_limit_remembers(l, "known a"));
    cm_limit_free(l);
}

TEST(peers_of_one_network_are_one)
{
    static const struct {
        const char *address;
        const char *peer;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2:ffff::1", "2001:db8:1:2::"},
        {"2001:db8:1:3::1", "2001:db8:1:3::"},
        {"", ""},
    };
    char out[CM_LIMIT_PEER];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cm_limit_peer(cases[i].address, out);
        CHECK_STR(out, cases[i].peer);
    }
}

/* ----------------------------------------------------------------- passwords */

TEST(password_fits_its_hash_only)
{
    char hash[CM_PASSWORD_HASH_CAP];
    char again[CM_PASSWORD_HASH_CAP];

    REQUIRE(cm_password_hash("correct horse battery", &cheap, hash) == CM_OK);
    CHECK(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    CHECK_EQ(cm_password_verify("correct horse battery", hash, &cheap), CM_OK);
    CHECK_EQ(cm_password_verify("correct horse batterz", hash, &cheap), CM_ERR_MISMATCH);
    CHECK_EQ(cm_password_verify("", hash, &cheap), CM_ERR_MISMATCH);
    REQUIRE(cm_password_hash("correct horse battery", &cheap, again) == CM_OK);
    CHECK(strcmp(hash, again) != 0); /* a salt */
    CHECK_EQ(cm_password_verify("correct horse battery", NULL, &cheap), CM_ERR_MISMATCH);
    CHECK_EQ(cm_password_verify("correct horse battery", "$argon2id$nonsense", &cheap),
             CM_ERR_CRYPTO);
    CHECK(!cm_password_outdated(hash, &cheap));
    CHECK(cm_password_outdated(hash, &CM_PASSWORD_COST));
}

static double seconds(const char *hash)
{
    struct timespec begin;
    struct timespec end;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    CHECK_EQ(cm_password_verify("a wrong password", hash, &cheap), CM_ERR_MISMATCH);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

TEST(account_that_is_not_there_takes_as_long)
{
    char hash[CM_PASSWORD_HASH_CAP];
    double with = 1e9;
    double without = 1e9;

    REQUIRE(cm_password_hash("correct horse battery", &cheap, hash) == CM_OK);
    for (int i = 0; i < 5; i++) {
        const double x = seconds(hash);
        const double y = seconds(NULL);

        with = x < with ? x : with;
        without = y < without ? y : without;
    }
    /* an answer without a hash would take a thousandth */
    CHECK(without > with / 2 && without < with * 2);
}

static pthread_barrier_t all_there;
static atomic_int busy;
static atomic_int tried;

static void *try_at_once(void *unused)
{
    enum cm_status st = CM_OK;

    (void)unused;
    (void)pthread_barrier_wait(&all_there);
    st = cm_password_verify("a wrong password", NULL, &CM_PASSWORD_COST);
    (void)atomic_fetch_add(st == CM_ERR_BUSY ? &busy : &tried, 1);
    return NULL;
}

/* Each takes 64 MiB: as many as strangers like would be all the memory there is. */
TEST(few_passwords_are_tried_at_once)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];

    REQUIRE(pthread_barrier_init(&all_there, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++) {
        REQUIRE(pthread_create(&threads[i], NULL, try_at_once, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)pthread_barrier_destroy(&all_there);
    CHECK(atomic_load(&tried) >= CM_PASSWORD_AT_ONCE);
    CHECK(atomic_load(&busy) >= 1);
    CHECK_EQ(cm_password_verify("a wrong password", NULL, &cheap), CM_ERR_MISMATCH); /* and again */
}

TEST(passwords_have_twelve_characters_of_any_script)
{
    char longest[4 * CM_PASSWORD_MAX + 5];
    struct cm_why why = {""};

    CHECK_EQ(cm_password_check("twelve chars", NULL), CM_OK);
    CHECK_EQ(cm_password_check("eleven char", &why), CM_ERR_PARAM);
    CHECK(strstr(why.text, "12") != NULL);
    CHECK_EQ(cm_password_check("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", NULL),
             CM_ERR_PARAM); /* twelve bytes, six letters */
    CHECK_EQ(cm_password_check("not UTF-8 at all: \xff", NULL), CM_ERR_PARAM);
    for (size_t i = 0; i < CM_PASSWORD_MAX + 1; i++) {
        memcpy(longest + 4 * i, "\xf0\x9f\x94\x91", 4);
    }
    longest[4 * CM_PASSWORD_MAX] = '\0';
    CHECK_EQ(cm_password_check(longest, NULL), CM_OK);
    memset(longest, 'a', sizeof(longest));
    longest[CM_PASSWORD_MAX + 1] = '\0';
    CHECK_EQ(cm_password_check(longest, NULL), CM_ERR_PARAM);
    longest[CM_PASSWORD_MAX + 1] = 'a';
    longest[sizeof(longest) - 1] = '\0';
    CHECK_EQ(cm_password_check(longest, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_password_verify(longest, NULL, &cheap), CM_ERR_MISMATCH);
}

/* ------------------------------------------------------------ codes and names */

TEST(codes_are_read_as_people_type_them)
{
    static const uint8_t code[CM_SETUP_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    static const char *const bad[] = {
        "",
        "0123",
        "0123-4567-89ab-cdef-fedc-ba98-7654-321",
        "0123-4567-89ab-cdef-fedc-ba98-7654-32100",
        "0123-4567-89ab-cdef-fedc-ba98-7654-321g",
        "0123_4567_89ab_cdef_fedc_ba98_7654_3210",
    };
    char text[CM_SETUP_CAP];
    uint8_t out[CM_SETUP_BYTES];

    cm_setup_text(code, text);
    CHECK_STR(text, "0123-4567-89ab-cdef-fedc-ba98-7654-3210");
    REQUIRE(cm_setup_parse(text, out) == CM_OK);
    CHECK_MEM(out, code, sizeof(code));
    REQUIRE(cm_setup_parse(" 01234567 89ABCDEF-fedcba98--76543210 ", out) == CM_OK);
    CHECK_MEM(out, code, sizeof(code));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(cm_setup_parse(bad[i], out), CM_ERR_FORMAT);
    }
}

TEST(names_cannot_be_mistaken_for_one_another)
{
    char out[CM_ACCESS_NAME_MAX + 1];
    char name[CM_ACCESS_NAME_MAX + 2];

    CHECK(cm_access_name_good("ada.lovelace@example.net"));
    CHECK(!cm_access_name_good(""));
    CHECK(!cm_access_name_good("a b"));
    CHECK(!cm_access_name_good("token:a"));
    CHECK(!cm_access_name_good("\xc3\xa4"));
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK(!cm_access_name_good(name));
    name[CM_ACCESS_NAME_MAX] = '\0';
    CHECK(cm_access_name_good(name));
    cm_access_name_fold("Ada@X", out);
    CHECK_STR(out, "ada@x");
}

static unsigned roles_of(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    const unsigned roles = cm_access_roles_from(v);

    json_decref(v);
    return roles;
}

TEST(roles_are_named_or_there_are_none)
{
    char text[80];
    json_t *json = cm_access_roles_json(CM_ACCESS_ROLES_ALL);

    CHECK_EQ(cm_access_roles_from(json), CM_ACCESS_ROLES_ALL);
    json_decref(json);
    CHECK_EQ(roles_of("[\"admin\",\"client\"]"), CM_ROLE_ADMIN | CM_ROLE_CLIENT);
    CHECK_EQ(roles_of("[]"), 0);
    CHECK_EQ(roles_of("[\"admin\",\"root\"]"), 0);
    CHECK_EQ(roles_of("[\"admin\",1]"), 0);
    CHECK_EQ(roles_of("[\"admin\",\"admin\"]"), 0);
    CHECK_EQ(roles_of("\"admin\""), 0);
    CHECK_EQ(cm_access_roles_from(NULL), 0);
    cm_access_roles_text(CM_ROLE_AUTHOR | CM_ROLE_APPROVER, text, sizeof(text));
    CHECK_STR(text, "author, approver");
}

/* ------------------------------------------------------------------ settings */

static enum cm_status parse(const char *text, struct cm_access_settings *out, struct cm_why *why)
{
    json_t *v = json_loads(text, 0, NULL);
    const enum cm_status st = cm_access_settings_parse(v, out, why);

    json_decref(v);
    return st;
}

#define OIDC_GOOD                                                  \
    "\"issuer\":\"https://id.example\",\"audience\":\"casemate\"," \
    "\"jwks_uri\":\"https://id.example/keys\",\"roles\":{\"ops\":[\"admin\",\"author\"]}"

TEST(settings_are_whole_and_read_strictly)
{
    static const char *const bad[] = {
        "{\"sessions\":{}}",
        "{\"session\":{\"idle\":60}}",
        "{\"session\":{\"idle_s\":59}}",
        "{\"session\":{\"idle_s\":\"60\"}}",
        "{\"session\":{\"max_s\":99999999}}",
        "{\"rate\":{\"burst\":0}}",
        "{\"rate\":[]}",
        "{\"password\":{\"memory_kib\":8}}",
        "{\"password\":{\"passes\":1}}",
        "{\"oidc\":{}}",
        "{\"oidc\":{" OIDC_GOOD ",\"jwks\":\"x\"}}",
        "{\"oidc\":{\"issuer\":\"i\",\"audience\":\"\",\"jwks_uri\":\"https://a\",\"roles\":{}}}",
        "{\"oidc\":{\"issuer\":\"i\",\"audience\":\"a\",\"jwks_uri\":\"file:///etc/"
        "passwd\",\"roles\":"
        "{\"x\":[\"admin\"]}}}",
        "{\"oidc\":{\"issuer\":\"i\",\"audience\":\"a\",\"jwks_uri\":\"http://id.example/"
        "k\",\"roles\":"
        "{\"x\":[\"admin\"]}}}",
        "{\"oidc\":{\"issuer\":\"i\",\"audience\":\"a\",\"jwks_uri\":\"https://a/"
        "k\",\"roles\":{}}}",
        "{\"oidc\":{\"issuer\":\"i\",\"audience\":\"a\",\"jwks_uri\":\"https://a/"
        "k\",\"roles\":{\"x\":[]}}}",
        "[]",
    };
    struct cm_access_settings s;
    struct cm_access_settings again;
    struct cm_why why = {""};
    json_t *json = NULL;

    REQUIRE(parse("{}", &s, &why) == CM_OK);
    CHECK_EQ(s.session_idle, 3600);
    CHECK_EQ(s.session_max, 43200);
    CHECK_EQ(s.cost.memory_kib, 65536);
    CHECK_EQ(s.cost.passes, 3);
    CHECK_STR(s.oidc.issuer, "");
    REQUIRE(parse("{\"rate\":{\"per_second\":7,\"burst\":9},\"oidc\":{" OIDC_GOOD "}}", &s, &why) ==
            CM_OK);
    CHECK_EQ(s.rate, 7);
    CHECK_STR(s.oidc.roles_claim, "roles");
    CHECK_STR(s.oidc.name_claim, "sub");
    CHECK_EQ(s.oidc.maps[0].roles, CM_ROLE_ADMIN | CM_ROLE_AUTHOR);
    json = cm_access_settings_json(&s);
    REQUIRE(json != NULL);
    CHECK_EQ(cm_access_settings_parse(json, &again, &why), CM_OK);
    CHECK_MEM(&again, &s, sizeof(s));
    json_decref(json);
    again = s;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why.text[0] = '\0';
        if (parse(bad[i], &s, &why) != CM_ERR_PARAM) {
            TEST_FAIL("taken: %s", bad[i]);
        }
        CHECK(why.text[0] != '\0');
    }
    CHECK_MEM(&again, &s, sizeof(s)); /* unchanged by failures */
}

TEST_MAIN
