/* What guests may have written down, and texts that were cut in the midst of a character. */
#include "harness.h"

#include "identity/identity.h"
#include "kbs/kbs.h"
#include "kbs/kbs_private.h"
#include "kbs_kit.h"
#include "store/db.h"

static bool take(void *arg, const struct cm_db_value *c, size_t count)
{
    *(int64_t *)arg = count == 1 ? c[0].number : -1;
    return false;
}

static int64_t number(const char *sql)
{
    struct cm_db *db = NULL;
    int64_t n = -1;

    if (cm_db_open(kit_store(), &db, NULL) != CM_OK ||
        cm_db_run(db, sql, cm_db_none(), cm_db_into(take, &n), NULL) != CM_OK) {
        TEST_FAIL("%s", sql);
    }
    cm_db_close(db);
    return n;
}

#define ROWS  "SELECT COUNT(*) FROM vault_release WHERE released = 0"
#define AUDIT "SELECT COUNT(*) FROM audit WHERE action = 'resource.withhold'"

/* The attack: an attested guest that the policy refuses invents paths, each a row of the history and a record. */
TEST(paths_that_guests_invent_are_written_down_now_and_then)
{
    struct kbs_guest *g = NULL;

    kbs_ready();
    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("deny-all")), 200);
    kit_set_clock((kit_now() / 3600 + 1) * 3600 + 10); /* the whole of it is within one hour */
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    for (unsigned i = 0; i < 2 * CM_KBS_UNKNOWN; i++) {
        char path[64] = "";

        (void)snprintf(path, sizeof(path), "invented/path/n%u", i);
        CHECK_EQ(kbs_get(g, path, false), 403);
    }
    CHECK_EQ(number(ROWS), CM_KBS_UNKNOWN);
    CHECK_EQ(number(AUDIT), CM_KBS_UNKNOWN);
    for (int i = 0; i < 2; i++) { /* of what there is, every time */
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    }
    CHECK_EQ(number(ROWS), CM_KBS_UNKNOWN + 2);
    CHECK_EQ(kit_get("/metrics", "auditor")->status, 200);
    CHECK(strstr(kit_last()->body, "\ncasemate_kbs_unnoted_total 20\n") != NULL);
    kbs_guest_free(g);
}

/* A reason quotes the policy, whatever that is written in: cut at a byte it is no text, and cannot be recorded. */
TEST(reasons_are_cut_at_characters)
{
    struct kbs_guest *g = NULL;

    kbs_stop();
    kbs_ready();
    g = kbs_guest(KBS_P256);
    CHECK_EQ(kbs_attest(g), 200);
    for (int pad = 0; pad < 2; pad++) {
        char text[1024] = "";
        size_t n = (size_t)snprintf(text, sizeof(text),
                                    "version= 1.2;\nauthorizationrules\n{\n    [type==\"kbs.tag\","
                                    " value==\"%s",
                                    pad == 0 ? "" : "x");

        for (int i = 0; i < 150; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "\xc3\xb6");
        }
        (void)snprintf(text + n, sizeof(text) - n, "\"] => permit();\n};\nissuancerules\n{\n};\n");
        CHECK_EQ(kbs_resource_policy(text), 200);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
    }
    CHECK_EQ(number(ROWS), 2);
    kbs_guest_free(g);
}

/* The same of what a guest says of itself. */
TEST(what_a_guest_says_is_cut_at_characters)
{
    kbs_ready();
    for (size_t i = 0; i < 2; i++) {
        for (int pad = 0; pad < 2; pad++) {
            char name[64] = "";
            char body[256] = "";

            if (pad != 0) {
                name[0] = 'x';
            }
            for (int k = 0; k < 20; k++) {
                (void)strncat(name, "\xc3\xb6", sizeof(name) - strlen(name) - 1);
            }
            (void)snprintf(body, sizeof(body),
                           "{\"version\":\"%s\",\"tee\":\"%s\",\"extra-params\":\"\"}",
                           i == 0 ? name : "0.4.0", i == 0 ? "sgx" : name);
            CHECK_EQ(kit_post("/kbs/v0/auth", NULL, body)->status, 401);
            CHECK(kit_string("detail") != NULL &&
                  strstr(kit_string("detail"), "\xc3\xb6\"") != NULL);
        }
    }
    kbs_stop();
}

TEST_MAIN
