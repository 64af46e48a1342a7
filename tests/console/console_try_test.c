/* Evidence and tokens that somebody pastes; and who may ask what of the dashboard's API. */
#include "harness.h"

#include "console_kit.h"

static char *body_of(const char *quote, const char *more)
{
    const size_t cap = strlen(quote) + strlen(more) + 32;
    char *out = malloc(cap);

    if (out != NULL) {
        (void)snprintf(out, cap, "{\"evidence\":\"%s\"%s}", quote, more);
    }
    return out;
}

static int try_with(const char *quote, const char *more)
{
    char *body = body_of(quote, more);
    const int status = console_ask("auditor", "POST", "/api/v1/try/evidence", body);

    free(body);
    return status;
}

static int64_t recorded(void)
{
    struct cm_db *db = NULL;
    struct cm_why why = {""};
    int64_t n = -1;

    CHECK_EQ(cm_db_open(kit_store(), &db, &why), CM_OK);
    CHECK_EQ(cm_db_run(db, "SELECT COUNT(*) FROM attestation", cm_db_none(),
                       cm_db_into(console_take_number, &n), &why),
             CM_OK);
    cm_db_close(db);
    return n;
}

TEST(evidence_is_decoded_verified_and_not_recorded)
{
    char *quote = NULL;

    console_start();
    quote = console_quote(0x11);
    CHECK_EQ(try_with(quote, ""), 200);
    CHECK_STR(kit_string("format"), "dcap");
    CHECK_STR(kit_string("tee"), "sgx");
    CHECK_STR(kit_string("result"), "accepted");
    CHECK_STR(kit_string("stage"), "");
    CHECK(json_is_true(kit_json("emulated")));
    CHECK(json_is_object(kit_json("evidence")));
    CHECK(json_array_size(kit_json("evidence.submods.0.checks")) > 3);
    CHECK_STR(kit_string("policy.type"), "SgxEnclave");
    CHECK_EQ(kit_integer("policy.version"), 0);
    CHECK(json_is_true(kit_json("outcome.permitted")));
    CHECK_EQ(try_with(quote, ",\"policy\":{\"type\":\"SgxEnclave\",\"text\":\"version=1.0;"
                             "authorizationrules { [type==\\\"x-ms-sgx-svn\\\", value>=99] => "
                             "permit(); }; issuancerules {};\"}"),
             200);
    CHECK_STR(kit_string("result"), "refused");
    CHECK_STR(kit_string("stage"), "policy");
    CHECK(json_is_false(kit_json("outcome.permitted")));
    CHECK_EQ(try_with(quote, ",\"materials\":[{\"kind\":\"event-log\",\"content\":\"AAAA\"}]"),
             200);
    CHECK_EQ(try_with(quote, ",\"materials\":[{\"kind\":\"eventlog\",\"content\":\"AAAA\"}]"), 200);
    CHECK_EQ(try_with(quote, ",\"report_data\":\"aa55\""), 200);
    CHECK_STR(kit_string("result"), "refused");
    CHECK_STR(kit_string("stage"), "evidence");
    CHECK(json_is_null(kit_json("outcome")));
    CHECK_EQ(recorded(), 0);
    free(quote);
    console_stop();
}

TEST(what_is_no_evidence_is_said)
{
    static const struct {
        const char *evidence;
        const char *more;
    } cases[] = {
        {"", ""},
        {"AAA", ""},
        {"!!!!", ""},
        {"bm90aGluZyBrbm93bg==", ""},
        {"AAAA", ",\"report_data\":\"abc\""},
        {"AAAA", ",\"report_data\":\"\""},
        {"AAAA", ",\"materials\":{}"},
        {"AAAA", ",\"materials\":[{\"kind\":\"reference\",\"content\":\"AAAA\"}]"},
        {"AAAA", ",\"materials\":[{\"kind\":\"key\",\"content\":\"AAAA\"}]"},
        {"AAAA", ",\"materials\":[{\"kind\":\"firmware\",\"content\":\"AAAA\"}]"},
        {"AAAA", ",\"materials\":[{\"kind\":5,\"content\":\"AAAA\"}]"},
        {"AAAA", ",\"materials\":[{\"kind\":\"certs\",\"content\":5}]"},
        {"AAAA", ",\"policy\":{\"type\":\"Nothing\"}"},
        {"AAAA", ",\"policy\":{\"type\":\"SgxEnclave\",\"text\":\"nonsense\"}"},
        {"AAAA", ",\"policy\":\"SgxEnclave\""},
        {"AAAA", ",\"unknown\":1"},
    };

    console_start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int status = try_with(cases[i].evidence, cases[i].more);

        if (status != 400) {
            TEST_FAIL("%s %s: %d", cases[i].evidence, cases[i].more, status);
        }
    }
    CHECK_EQ(try_with("bm90aGluZyBrbm93bg==", ""), 400);
    CHECK_STR(kit_string("error.code"), "EvidenceFormat");
    console_stop();
}

static int token_of(const char *token)
{
    return kit_post_json("/api/v1/try/token", "auditor", json_pack("{ss}", "token", token))->status;
}

TEST(tokens_are_taken_apart)
{
    static const char *const bad[] = {"", "a.b", "a.b.c", "..", "e30.e30", "e30.W10.x", "{}.{}.x"};
    char token[16384] = "";
    char *dot = NULL;

    console_start();
    CHECK_EQ(console_attest(0x22), 200);
    (void)snprintf(token, sizeof(token), "%s", kit_string("token"));
    CHECK_EQ(token_of(token), 200);
    CHECK_STR(kit_string("signature"), "valid");
    CHECK_STR(kit_string("signer"), "token");
    CHECK_STR(kit_string("state"), "current");
    CHECK_STR(kit_string("header.alg"), "RS256");
    CHECK_STR(kit_string("kid"), kit_string("header.kid"));
    CHECK_STR(kit_string("attestation"), kit_string("payload.jti"));
    kit_step_clock(10 * 86400);
    CHECK_EQ(token_of(token), 200);
    CHECK_STR(kit_string("state"), "expired");
    kit_step_clock(-11 * 86400);
    CHECK_EQ(token_of(token), 200);
    CHECK_STR(kit_string("state"), "not-yet");
    kit_step_clock(86400);
    dot = strrchr(token, '.');
    dot[5] = (char)(dot[5] == 'A' ? 'B' : 'A');
    CHECK_EQ(token_of(token), 200);
    CHECK_STR(kit_string("signature"), "invalid");
    CHECK(json_is_null(kit_json("attestation")));
    CHECK_EQ(token_of("eyJhbGciOiJub25lIn0.e30."), 200);
    CHECK_STR(kit_string("signature"), "none");
    CHECK_EQ(token_of("eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA"), 200);
    CHECK_STR(kit_string("signature"), "unknown-key");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(token_of(bad[i]), 400);
    }
    console_stop();
}

/* -------------------------------------------------------------- who may what */

#define READERS "admin author approver auditor"

TEST(each_role_may_what_it_may)
{
    static const char *const callers[] = {"admin",   "author", "approver",
                                          "auditor", "client", "nothing"};
    static const struct {
        const char *method;
        const char *path;
        const char *may;
    } cases[] = {
        {"GET", "/api/v1/overview", READERS},
        {"GET", "/api/v1/attestations", READERS},
        {"GET", "/api/v1/attestations/00", READERS},
        {"POST", "/api/v1/attestations/00/replay", READERS},
        {"GET", "/api/v1/inventory", READERS},
        {"GET", "/api/v1/inventory/00", READERS},
        {"POST", "/api/v1/inventory/00/trust", "admin author"},
        {"GET", "/api/v1/platforms", READERS},
        {"GET", "/api/v1/collateral", READERS},
        {"GET", "/api/v1/collateral/export", READERS},
        {"POST", "/api/v1/collateral/import", "admin"},
        {"POST", "/api/v1/policies/Tpm/what-if", READERS},
        {"GET", "/api/v1/policies", READERS},
        {"GET", "/api/v1/policies/Tpm", READERS},
        {"POST", "/api/v1/policies/Tpm/check", READERS},
        {"PUT", "/api/v1/policies/Tpm", "admin author"},
        {"POST", "/api/v1/policies/Tpm/versions/9/approve", "approver"},
        {"POST", "/api/v1/policies/Tpm/versions/9/reject", "approver"},
        {"POST", "/api/v1/policies/Tpm/versions/9/restore", "admin author"},
        {"GET", "/api/v1/settings/policies", READERS},
        {"PUT", "/api/v1/settings/policies", "admin"},
        {"GET", "/api/v1/keys", READERS},
        {"GET", "/api/v1/keys/none", READERS},
        {"POST", "/api/v1/keys/none/rotate", "admin author"},
        {"POST", "/api/v1/keys/none/enable", "admin author"},
        {"POST", "/api/v1/keys/none/disable", "admin author"},
        {"GET", "/api/v1/secrets", READERS},
        {"GET", "/api/v1/secrets/none", READERS},
        {"GET", "/api/v1/releases", READERS},
        {"GET", "/api/v1/resources", READERS},
        {"GET", "/api/v1/references", READERS},
        {"GET", "/api/v1/references/00", READERS},
        {"POST", "/api/v1/references", "admin author"},
        {"DELETE", "/api/v1/references/00", "admin author"},
        {"POST", "/api/v1/try/evidence", READERS},
        {"POST", "/api/v1/try/token", READERS},
    };

    console_start();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *json = cases[i].method[0] == 'G' ? NULL : "{}";

        CHECK_EQ(console_ask(NULL, cases[i].method, cases[i].path, json), 401);
        for (size_t c = 0; c < sizeof(callers) / sizeof(callers[0]); c++) {
            const bool may = strstr(cases[i].may, callers[c]) != NULL;
            const int status = console_ask(callers[c], cases[i].method, cases[i].path, json);

            if ((status != 403) != may || status == 401 || status >= 500) {
                TEST_FAIL("%s %s by %s: %d", cases[i].method, cases[i].path, callers[c], status);
            }
        }
    }
    console_stop();
}

TEST_MAIN
