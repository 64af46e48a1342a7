/* Reference values by the dashboard's API, and that evidence is held to them; the key broker's resources. */
#include "harness.h"

#include "console_kit.h"
#include "os/os.h"
#include "token/base64.h"

#define REFERENCES "/api/v1/references"

/* Post content under a name; its status. */
static int post(const char *caller, const char *name, const char *type, struct cm_span content)
{
    char *text = calloc(1, CM_BASE64_ENCODED(content.len) + 1);
    size_t len = 0;
    int status = 0;

    if (text == NULL ||
        cm_base64_encode(content, text, CM_BASE64_ENCODED(content.len), &len) != CM_OK) {
        abort();
    }
    status = kit_post_json(REFERENCES, caller,
                           json_pack("{ss ss* ss}", "name", name, "type", type, "content", text))
                 ->status;
    free(text);
    return status;
}

static int post_text(const char *name, const char *type, const char *text)
{
    return post("author", name, type, cm_span_make(text, strlen(text)));
}

#define VALUES(digest)                                                                             \
    "{\"measurements\":[{\"label\":\"mrenclave\",\"alg\":\"sha-256\",\"values\":[\"" digest "\"]}" \
    "]}"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

TEST(values_are_enrolled_shown_and_taken_away)
{
    char path[128] = "";

    console_start();
    CHECK_EQ(post_text("enclaves", "SgxEnclave", VALUES(ONES)), 200);
    CHECK_STR(kit_string("kind"), "json");
    CHECK_STR(kit_string("type"), "SgxEnclave");
    CHECK_STR(kit_string("author"), "author");
    CHECK_EQ(kit_integer("values"), 1);
    CHECK_EQ(kit_integer("keys"), 0);
    CHECK_STR(kit_string("state"), "valid");
    CHECK_STR(kit_string("entries.0.label"), "mrenclave");
    CHECK_STR(kit_string("entries.0.value"), ONES);
    CHECK_STR(kit_string("entries.0.alg"), "sha-256");
    CHECK(json_is_null(kit_json("entries.0.svn")));
    CHECK(kit_json("content") == NULL);
    (void)snprintf(path, sizeof(path), REFERENCES "/%s", kit_string("id"));
    CHECK_EQ(post_text("another", "TdxVm", VALUES(ONES)), 200);
    CHECK_EQ(console_ask("auditor", "GET", REFERENCES, NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_STR(kit_string("items.0.name"), "another");
    CHECK(kit_json("items.0.entries") == NULL);
    CHECK_EQ(console_ask("auditor", "GET", REFERENCES "?limit=1", NULL), 200);
    CHECK_STR(kit_string("next"), "another");
    CHECK_EQ(console_ask("auditor", "GET", REFERENCES "?limit=1&cursor=another", NULL), 200);
    CHECK_STR(kit_string("items.0.name"), "enclaves");
    CHECK(json_is_null(kit_json("next")));
    CHECK_EQ(console_ask("auditor", "GET", path, NULL), 200);
    CHECK_STR(kit_string("name"), "enclaves");
    /* what is enrolled decides */
    CHECK_EQ(console_attest(0x11), 200);
    CHECK(console_attest(0x22) != 200);
    CHECK_EQ(console_ask("auditor", "DELETE", path, NULL), 403);
    CHECK_EQ(console_ask("author", "DELETE", path, NULL), 204);
    CHECK_EQ(console_ask("author", "DELETE", path, NULL), 404);
    CHECK_EQ(console_attest(0x22), 200);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/audit?action=reference", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 3);
    console_stop();
}

/* An unsigned manifest around a CoMID that stands in a file; the caller frees it. */
static uint8_t *manifest_of(const char *path, size_t *total)
{
    static const uint8_t head[] = {0xd9, 0x01, 0xf5, 0xa2, 0x00, 0x62, 'i',
                                   'd',  0x01, 0x81, 0xd9, 0x01, 0xfa, 0x59};
    uint8_t *mid = NULL;
    uint8_t *out = NULL;
    size_t len = 0;

    if (cm_file_read(path, 60000, &mid, &len, NULL) != CM_OK ||
        (out = malloc(sizeof(head) + 2 + len)) == NULL) {
        abort();
    }
    memcpy(out, head, sizeof(head));
    out[sizeof(head)] = (uint8_t)(len >> 8);
    out[sizeof(head) + 1] = (uint8_t)len;
    memcpy(out + sizeof(head) + 2, mid, len);
    free(mid);
    *total = sizeof(head) + 2 + len;
    return out;
}

TEST(manifests_are_taken_apart_for_people)
{
    size_t total = 0;
    uint8_t *m = manifest_of("fuzz/corpus/fuzz_corim_file/mid.cbor", &total);
    uint8_t *broken = NULL;
    size_t len = 0;

    console_start();
    CHECK_EQ(post("author", "platform", "Cca", cm_span_make(m, total)), 200);
    CHECK_STR(kit_string("kind"), "corim");
    CHECK(kit_integer("values") > 0);
    CHECK(json_array_size(kit_json("entries")) == (size_t)kit_integer("values"));
    CHECK(kit_string("entries.0.value") != NULL);
    CHECK(json_is_false(kit_json("signed")));
    CHECK_STR(kit_string("tag_id"), "00000000000000000000000000000000");
    CHECK_STR(kit_string("state"), "valid");
    /* every cut of it is refused */
    for (size_t n = 1; n < total; n += 7) {
        CHECK_EQ(post("author", "cut", "Cca", cm_span_make(m, n)), 400);
    }
    /* it says that it is of a profile, and breaks its rules */
    REQUIRE(cm_file_read("fuzz/corpus/fuzz_corim_file/manifest.cbor", 1 << 20, &broken, &len,
                         NULL) == CM_OK);
    CHECK_EQ(post("author", "broken", "Psa", cm_span_make(broken, len)), 400);
    CHECK_STR(kit_string("error.code"), "EvidenceFormat");
    CHECK(strstr(kit_string("error.message"), "PSA profile") != NULL);
    free(broken);
    free(m);
    console_stop();
}

TEST(what_is_none_is_refused)
{
    console_start();
    CHECK_EQ(post_text("x", "SgxEnclave", "nothing known"), 400);
    CHECK_STR(kit_string("error.code"), "EvidenceFormat");
    CHECK_EQ(post_text("x", "Nothing", VALUES(ONES)), 400);
    CHECK_EQ(post_text("x", NULL, VALUES(ONES)), 400); /* of whose evidence? */
    CHECK_EQ(post_text("", "SgxEnclave", VALUES(ONES)), 400);
    CHECK_EQ(console_ask("author", "POST", REFERENCES, "{\"name\":\"x\",\"content\":\"!\"}"), 400);
    CHECK_EQ(console_ask("author", "POST", REFERENCES, "{\"name\":\"x\"}"), 400);
    CHECK_EQ(
        console_ask("author", "POST", REFERENCES, "{\"name\":\"x\",\"content\":\"AA==\",\"y\":1}"),
        400);
    CHECK_EQ(post_text("x", "SgxEnclave", VALUES(ONES)), 200);
    CHECK_EQ(post_text("x", "SgxEnclave", VALUES(ONES)), 409);
    CHECK_EQ(console_ask("auditor", "GET", REFERENCES "/none", NULL), 404);
    console_stop();
}

TEST(I6_resources_are_listed_without_what_they_hold)
{
    static const char secret[] = "what a resource holds is for guests";

    console_start();
    CHECK_EQ(kit_ask("POST", "/kbs/v0/resource/default/key/2", "author", "application/octet-stream",
                     cm_span_make(secret, sizeof(secret) - 1), NULL)
                     ->status /
                 100,
             2);
    CHECK_EQ(kit_ask("POST", "/kbs/v0/resource/default/key/1", "author", "application/octet-stream",
                     cm_span_make("abc", 3), NULL)
                     ->status /
                 100,
             2);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/resources", NULL), 200);
    CHECK_EQ(json_array_size(kit_json("items")), 2);
    CHECK_STR(kit_string("items.0.path"), "default/key/1");
    CHECK_EQ(kit_integer("items.0.bytes"), 3);
    CHECK_EQ(kit_integer("items.0.released"), 0);
    CHECK(json_is_null(kit_json("items.0.last_release")));
    CHECK(strstr(kit_last()->body, secret) == NULL);
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/resources?limit=1", NULL), 200);
    CHECK_STR(kit_string("next"), "default/key/1");
    CHECK_EQ(console_ask("auditor", "GET", "/api/v1/resources?cursor=default/key/1", NULL), 200);
    CHECK_STR(kit_string("items.0.path"), "default/key/2");
    CHECK_EQ(kit_integer("items.0.bytes"), sizeof(secret) - 1);
    console_stop();
}

TEST_MAIN
