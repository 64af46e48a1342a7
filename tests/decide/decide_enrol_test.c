/* Keys and reference values that an operator enrolled: they decide about evidence of their type, and no other. */
#include "decide_service_kit.h"

#include "arm_make.h"
#include "decide/decide_enrol.h"
#include "store/audit.h"

#define PERMIT "version=1.0; authorizationrules { => permit(); };"

/* Enrolling by calls. An answer's status is 200, or the number of the enum cm_status, plus 400. */
static void answer(struct cm_call *call, enum cm_status st, json_t *out, const struct cm_why *why)
{
    if (st == CM_OK) {
        cm_call_answer_json(call, 200, out == NULL ? json_object() : out);
    } else {
        cm_call_answer_json(call, 400 + (int)st, json_pack("{s:s}", "why", why->text));
    }
}

static void serve_add(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    json_t *out = NULL;
    enum cm_status st =
        cm_decide_enrol(call, cm_call_param(call, "name"), cm_call_param(call, "type"),
                        cm_web_body(call->req), &out, &why);

    (void)state;
    answer(call, st, out, &why);
}

static void serve_remove(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    enum cm_status st = cm_decide_unenrol(call, cm_call_param(call, "id"), &why);

    (void)state;
    answer(call, st, NULL, &why);
}

static void serve_one(struct cm_call *call, void *state)
{
    struct cm_why why = {""};
    json_t *out = NULL;
    enum cm_status st = cm_decide_enrolled_one(call->db, cm_call_param(call, "id"), &out, &why);

    (void)state;
    answer(call, st, out, &why);
}

static const struct cm_route routes[] = {
    {.methods = CM_WEB_POST, .path = "/enrol/{type}/{name}", .serve = serve_add},
    {.methods = CM_WEB_DELETE, .path = "/enrol/{id}", .serve = serve_remove},
    {.methods = CM_WEB_GET, .path = "/enrol/{id}", .serve = serve_one},
};
static const struct cm_module enrol_module = {
    .name = "enrol", .routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};

static int enrol_by(const char *who, const char *type, const char *name, struct cm_span content)
{
    char path[128] = "";

    (void)snprintf(path, sizeof(path), "/enrol/%s/%s", type, name);
    return kit_ask("POST", path, who, "application/octet-stream", content, NULL)->status;
}

static int enrol(const char *type, const char *name, struct cm_span content)
{
    return enrol_by("admin", type, name, content);
}

static void start(void)
{
    static const struct cm_module *const modules[] = {&cm_rules_module, &cm_decide_module,
                                                      &rules_call_module, &enrol_module, NULL};
    const struct kit_options options = {.modules = modules, .accept_emulated = true};

    memset(&source, 0, sizeof(source));
    kit_set_clock((uint64_t)time(NULL));
    (void)kit_start_with(&options);
    configure(0);
}

static enum cm_status decide_bytes(struct cm_span evidence, char reason[256])
{
    const struct cm_decide_job job = {.api = "test", .evidence = evidence};
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_decide(kit_service(), &job, true, &d, &why);

    (void)snprintf(reason, 256, "%s", st == CM_OK ? d->why.text : why.text);
    st = st == CM_OK ? d->st : st;
    cm_decision_free(d);
    return st;
}

TEST(an_enrolled_key_makes_a_token_genuine)
{
    static uint8_t token[16384];
    static uint8_t key[4096];
    struct make_psa m;
    struct cm_span evidence = {NULL, 0};
    struct cm_span keys = {NULL, 0};
    char id[64] = "";
    char path[128] = "";
    char reason[256] = "";

    make_psa_defaults(&m, 2);
    evidence = cm_span_make(token, make_psa(&m, token, sizeof(token)));
    keys =
        cm_span_make(key, make_enrolled(make_key(5), FORM_STORE, make_instance, key, sizeof(key)));
    start();
    CHECK_EQ(SET("admin", "Psa", PERMIT), CM_OK);
    CHECK_EQ(decide_bytes(evidence, reason), CM_ERR_NOTFOUND);
    CHECK_EQ(enrol("Cca", "other", keys), 200); /* is not for this evidence */
    CHECK_EQ(decide_bytes(evidence, reason), CM_ERR_NOTFOUND);
    CHECK_EQ(enrol("psa", "devices", keys), 200);
    CHECK_STR(kit_string("kind"), "key");
    CHECK_STR(kit_string("type"), "Psa");
    (void)snprintf(id, sizeof(id), "%s", kit_string("id"));
    CHECK_EQ(decide_bytes(evidence, reason), CM_OK);
    (void)kit_again();
    configure(0);
    CHECK_EQ(decide_bytes(evidence, reason), CM_OK);
    (void)snprintf(path, sizeof(path), "/enrol/%s", id);
    CHECK_EQ(kit_get(path, "admin")->status, 200);
    CHECK_EQ(kit_integer("size"), (int64_t)keys.len);
    REQUIRE(kit_string("content") != NULL);
    CHECK_EQ(strlen(kit_string("content")) / 4, (keys.len + 2) / 3);
    CHECK_EQ(kit_delete(path, "admin")->status, 200);
    CHECK_EQ(kit_delete(path, "admin")->status, 400 + CM_ERR_NOTFOUND);
    CHECK_EQ(decide_bytes(evidence, reason), CM_ERR_NOTFOUND);
    kit_stop();
}

TEST(reference_values_are_for_their_type)
{
    static const char other[] = "{\"measurements\":[{\"label\":\"mrenclave\",\"alg\":\"sha-256\","
                                "\"values\":[\"0101010101010101010101010101010101010101010101010101"
                                "010101010101\"]}]}";
    const struct decide_enclave e = decide_enclave();
    char reason[256] = "";
    struct cm_span evidence = {NULL, 0};

    start();
    evidence = cm_span_make(quote, decide_quote(&e, quote));
    CHECK_EQ(decide_bytes(evidence, reason), CM_OK);
    CHECK_EQ(enrol("TdxVm", "tdx", cm_span_make(other, strlen(other))), 200);
    CHECK_STR(kit_string("kind"), "json");
    CHECK_EQ(decide_bytes(evidence, reason), CM_OK);
    CHECK_EQ(enrol("SgxEnclave", "sgx", cm_span_make(other, strlen(other))), 200);
    CHECK_EQ(decide_bytes(evidence, reason), CM_ERR_MISMATCH);
    CHECK(strstr(reason, "reference.values") != NULL);
    kit_stop();
}

TEST(where_two_people_are_asked_for_an_author_enrols_nothing_and_removes_nothing)
{
    static const char text[] = "{\"measurements\":[]}";
    const struct cm_span content = cm_span_make(text, strlen(text));
    char path[64] = "";

    start();
    CHECK_EQ(enrol_by("author", "Nitro", "one", content), 200);
    (void)snprintf(path, sizeof(path), "/enrol/%s", kit_string("id"));
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    REQUIRE(enrol_by("author", "Nitro", "two", content) == 400 + (int)CM_ERR_DENIED);
    CHECK(strstr(kit_string("why"), "only an admin changes enrolled keys") != NULL);
    CHECK_EQ(kit_delete(path, "author")->status, 400 + CM_ERR_DENIED);
    CHECK_EQ(kit_get(path, "author")->status, 200);
    CHECK_EQ(enrol_by("admin", "Nitro", "two", content), 200);
    CHECK_EQ(kit_delete(path, "admin")->status, 200);
    kit_stop();
}

static bool count_audit(void *arg, const struct cm_audit_record *r)
{
    *(int *)arg += strncmp(r->action, "reference.", 10) == 0 ? 1 : 0;
    return true;
}

TEST(what_is_no_such_thing_is_refused)
{
    static const char text[] = "{\"measurements\":[]}";
    struct cm_db *db = NULL;
    int audited = 0;

    start();
    CHECK_EQ(enrol("SgxEnclave", "x", cm_span_make("hello", 5)), 400 + CM_ERR_FORMAT);
    CHECK_EQ(enrol("Nothing", "x", cm_span_make(text, strlen(text))), 400 + CM_ERR_PARAM);
    CHECK_EQ(enrol("Nitro", "one", cm_span_make(text, strlen(text))), 200);
    CHECK_EQ(enrol("Nitro", "one", cm_span_make(text, strlen(text))), 400 + CM_ERR_EXISTS);
    CHECK_EQ(kit_delete("/enrol/zz", "admin")->status, 400 + CM_ERR_NOTFOUND);
    db = reader();
    CHECK_EQ(cm_audit_read(db, 0, count_audit, &audited, NULL), CM_OK);
    CHECK_EQ(audited, 1);
    cm_db_close(db);
    kit_stop();
}

int main(int argc, char **argv)
{
    int result = 0;

    decide_kit_platform();
    result = test_main(argc, argv);
    decide_kit_platform_end();
    return result;
}
