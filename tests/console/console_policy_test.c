/* Policies by the dashboard's API: the list, history, checks, changes by one and by two people. */
#include "harness.h"

#include "console_kit.h"

#define PERMIT "version=1.0;\\nauthorizationrules\\n{\\n  => permit();\\n};\\nissuancerules {};"
#define SGX    "/api/v1/policies/SgxEnclave"

TEST(every_type_is_in_the_list)
{
    console_start();
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/policies", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 14);
    CHECK_STR(kit_string("items.0.type"), "SgxEnclave");
    CHECK_STR(kit_string("items.0.tees.0"), "sgx");
    CHECK_STR(kit_string("items.0.state"), "default");
    CHECK_EQ(kit_integer("items.0.version"), 0);
    CHECK(json_is_null(kit_json("items.0.author")));
    CHECK(json_is_null(kit_json("items.0.waiting")));
    CHECK(json_is_false(kit_json("mode.approval")));
    CHECK(json_is_false(kit_json("mode.signed")));
    CHECK(json_is_null(kit_json("next")));
    CHECK_EQ(console_ask("auditor", "GET", SGX, NULL), 200);
    CHECK_STR(kit_string("active.state"), "default");
    CHECK_EQ(json_array_size(kit_json("versions")), 0);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/policies/Nothing", NULL), 404);
    console_stop();
}

TEST(policies_are_set_replaced_restored_and_reset)
{
    console_start();
    CHECK_EQ(console_ask("author", "PUT", SGX,
                         "{\"base\":0,\"text\":\"" PERMIT "\",\"comment\":\"first\"}"),
             200);
    CHECK_STR(kit_string("outcome"), "active");
    CHECK_EQ(kit_integer("version"), 1);
    /* who did not see what is in force looks again */
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"" PERMIT "\"}"), 409);
    CHECK_STR(kit_string("error.code"), "Conflict");
    CHECK_EQ(console_ask("author", "PUT", "/api/v1/policies/sgxenclave",
                         "{\"base\":1,\"text\":\"" PERMIT " \"}"),
             200);
    CHECK_EQ(kit_integer("version"), 2);
    CHECK_EQ(console_ask("auditor", "GET", SGX, NULL), 200);
    CHECK_EQ(kit_integer("active.version"), 2);
    CHECK_STR(kit_string("active.state"), "active");
    CHECK_EQ(json_array_size(kit_json("versions")), 2);
    CHECK_STR(kit_string("versions.1.state"), "replaced");
    CHECK_STR(kit_string("versions.1.comment"), "first");
    CHECK_STR(kit_string("versions.1.author"), "author");
    CHECK(json_object_get(kit_json("versions.1"), "decided_at") != NULL);
    CHECK(json_object_get(kit_json("versions.1"), "decided") == NULL);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/policies", NULL), 200);
    CHECK_STR(kit_string("items.0.state"), "set");
    CHECK_STR(kit_string("items.0.author"), "author");
    CHECK_EQ(kit_integer("items.0.lines"), 6);
    CHECK_EQ(console_ask("author", "POST", SGX "/versions/1/restore", "{\"base\":2}"), 200);
    CHECK_EQ(kit_integer("version"), 3);
    CHECK_EQ(console_ask("author", "POST", SGX "/versions/9/restore", "{\"base\":3}"), 404);
    CHECK_EQ(console_ask("author", "POST", SGX "/versions/x/restore", "{\"base\":3}"), 404);
    /* back to the default, which is version 0 everywhere: what one saw in force is what one goes on from */
    CHECK_EQ(
        console_ask("author", "PUT", SGX, "{\"base\":3,\"text\":\"\",\"comment\":\"too wide\"}"),
        200);
    CHECK_EQ(kit_integer("version"), 0);
    CHECK_EQ(console_ask("auditor", "GET", SGX, NULL), 200);
    CHECK_EQ(kit_integer("active.version"), 0);
    CHECK_STR(kit_string("active.state"), "default");
    CHECK(strlen(kit_string("active.text")) > 0);
    CHECK_EQ(kit_integer("versions.0.version"), 4);
    CHECK_STR(kit_string("versions.0.state"), "reset");
    CHECK_STR(kit_string("versions.0.comment"), "too wide");
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"" PERMIT "\"}"), 200);
    CHECK_EQ(kit_integer("version"), 5);
    CHECK_EQ(console_ask("auditor", "GET", SGX, NULL), 200);
    CHECK_EQ(kit_integer("active.version"), 5);
    CHECK_STR(kit_string("versions.1.state"), "replaced");
    console_stop();
}

TEST(texts_that_are_none_have_their_place)
{
    console_start();
    CHECK_EQ(console_ask("auditor", "POST", SGX "/check", "{\"text\":\"" PERMIT "\"}"), 200);
    CHECK(json_is_true(kit_json("valid")));
    CHECK(json_is_null(kit_json("error")));
    CHECK_STR(kit_string("version"), "1.0");
    CHECK_EQ(kit_integer("rules"), 1);
    CHECK_EQ(strlen(kit_string("hash")), 43);
    CHECK_EQ(console_ask("auditor", "POST", SGX "/check",
                         "{\"text\":\"version=1.0;\\nauthorizationrules { => nonsense };\"}"),
             200);
    CHECK(json_is_false(kit_json("valid")));
    CHECK_EQ(kit_integer("error.line"), 2);
    CHECK(kit_integer("error.column") > 1);
    CHECK(kit_string("error.message") != NULL);
    CHECK(json_is_null(kit_json("hash")));
    CHECK_EQ(
        console_ask("author", "PUT", SGX,
                    "{\"base\":0,\"text\":\"version=1.0;\\nauthorizationrules { => nonsense };\"}"),
        400);
    CHECK_STR(kit_string("error.code"), "PolicySyntax");
    CHECK_EQ(kit_integer("error.line"), 2);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"jws\":\"no.jws\"}"), 400);
    CHECK_EQ(console_ask("author", "PUT", SGX,
                         "{\"base\":0,\"jws\":\"eyJhbGciOiJub25lIn0.e30.\",\"comment\":\"lost\"}"),
             400);
    CHECK_STR(kit_string("error.message"), "a comment goes with text");
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0}"), 400);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":\"0\",\"text\":\"\"}"), 400);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"\",\"jws\":\"\"}"), 400);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"\",\"comment\":1}"), 400);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"\",\"more\":1}"), 400);
    CHECK_EQ(console_ask("auditor", "POST", SGX "/check", "{}"), 400);
    /* what a return to the default would mean can be asked, too */
    CHECK_EQ(console_ask("auditor", "POST", SGX "/what-if", "{\"text\":\"\"}"), 200);
    console_stop();
}

/* Somebody else who proposes right behind each change: so the newest version is never the one that was asked for. */
static enum cm_status add_rival(struct cm_db *db, void *arg, struct cm_why *why)
{
    (void)arg;
    return cm_db_run(db,
                     "CREATE TRIGGER rival AFTER INSERT ON policy WHEN NEW.author <> 'rival' BEGIN"
                     " INSERT INTO policy (type, version, state, author, time, comment, text, jws,"
                     " signer, hash) VALUES (NEW.type, NEW.version + 1, 'rejected', 'rival',"
                     " NEW.time, '', 'x', '', NULL, ''); END",
                     cm_db_none(), cm_db_nowhere(), why);
}

TEST(an_author_is_told_his_own_version_not_the_newest)
{
    console_start();
    REQUIRE(cm_service_write(kit_service(), add_rival, NULL, NULL) == CM_OK);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"" PERMIT "\"}"), 200);
    CHECK_EQ(kit_integer("version"), 1);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":1,\"text\":\"\"}"), 200);
    CHECK_EQ(kit_integer("version"), 0);
    CHECK_EQ(console_ask("author", "POST", SGX "/versions/1/restore", "{\"base\":0}"), 200);
    CHECK_EQ(kit_integer("version"), 5);
    CHECK_EQ(console_ask("admin", "PUT", "/api/v1/settings/policies",
                         "{\"approval\":true,\"signed\":false}"),
             200);
    CHECK_EQ(kit_integer("version"), 1);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":5,\"text\":\"\"}"), 200);
    CHECK_STR(kit_string("outcome"), "waiting");
    CHECK_EQ(kit_integer("version"), 7);
    console_stop();
}

TEST(two_people_where_it_takes_two)
{
    console_start();
    CHECK_EQ(console_ask("admin", "PUT", "/api/v1/settings/policies",
                         "{\"approval\":true,\"signed\":false}"),
             200);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/settings/policies", NULL), 200);
    CHECK(json_is_true(kit_json("approval")));
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":0,\"text\":\"" PERMIT "\"}"), 200);
    CHECK_STR(kit_string("outcome"), "waiting");
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/policies", NULL), 200);
    CHECK_STR(kit_string("items.0.state"), "default");
    CHECK_EQ(kit_integer("items.0.waiting.version"), 1);
    CHECK_STR(kit_string("items.0.waiting.author"), "author");
    CHECK_EQ(console_ask("author", "POST", SGX "/versions/1/approve", "{}"), 403);
    CHECK_EQ(console_ask("admin", "POST", SGX "/versions/1/approve", "{}"), 403);
    CHECK_EQ(console_ask("approver", "POST", SGX "/versions/7/approve", "{}"), 404);
    CHECK_EQ(console_ask("approver", "POST", SGX "/versions/1/approve", "{}"), 200);
    CHECK_STR(kit_string("state"), "active");
    CHECK_EQ(console_ask("approver", "POST", SGX "/versions/1/reject", "{}"), 409);
    CHECK_EQ(console_ask("author", "PUT", SGX, "{\"base\":1,\"text\":\"" PERMIT " \"}"), 200);
    CHECK_EQ(console_ask("approver", "POST", SGX "/versions/2/reject", "{}"), 200);
    CHECK_STR(kit_string("state"), "rejected");
    CHECK_EQ(console_ask("auditor", "GET", SGX, NULL), 200);
    CHECK_EQ(kit_integer("active.version"), 1);
    CHECK_STR(kit_string("active.approver"), "approver");
    /* and less is a change, too */
    CHECK_EQ(console_ask("admin", "PUT", "/api/v1/settings/policies",
                         "{\"approval\":false,\"signed\":false}"),
             200);
    CHECK_STR(kit_string("outcome"), "waiting");
    CHECK_EQ(console_ask("admin", "PUT", "/api/v1/settings/policies", "{\"approval\":1}"), 400);
    CHECK_EQ(console_ask("approver", "GET", "/api/v1/settings/policies", NULL), 200);
    CHECK(json_is_true(kit_json("approval")));
    CHECK_STR(kit_string("waiting.author"), "admin");
    CHECK_EQ(kit_integer("waiting.version"), 2);
    console_stop();
}

TEST_MAIN
