/* Decisions on quotes of the emulated platform: permitted, and each way to be refused (rows G5, H1, H11, I5). */
#include "harness.h"

#include <casemate/emuplat.h>
#include <time.h>

#include "decide/decide_engine.h"
#include "decide/decide_record.h"
#include "decide_kit.h"
#include "emuplat/emuplat_admin.h"

static const char permit_all[] = "version=1.0;\nauthorizationrules\n{\n    => permit();\n};\n";
static const char permit_signer[] =
    "version=1.0;\nauthorizationrules\n{\n"
    "    [type==\"x-ms-sgx-mrsigner\", value==\""
    "e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2\"]\n"
    "    && [type==\"x-ms-sgx-is-debuggable\", value==false] => permit();\n};\n"
    "issuancerules\n{\n    c:[type==\"x-ms-sgx-mrenclave\"] => issue(type=\"who\", "
    "value=c.value);\n};\n";

/* Policies in force, as src/rules gives them. */
static struct cm_rule_version in_force;
static int held;

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    (void)arg;
    if (in_force.policy == NULL || strcmp(type, "Tpm") == 0) {
        return CM_ERR_NOTFOUND;
    }
    held++;
    *out = &in_force;
    return CM_OK;
}

static void release(const struct cm_rule_version *v)
{
    held -= v == &in_force ? 1 : 1000;
}

static struct cm_policy *parsed;

static void use_policy(const char *text)
{
    cm_policy_free(parsed);
    parsed = NULL;
    if (text != NULL && cm_policy_parse(cm_span_make(text, strlen(text)), &parsed, NULL) != CM_OK) {
        abort();
    }
    in_force = (struct cm_rule_version){.type = "SgxEnclave", .version = 3, .text = text};
    in_force.policy = parsed;
    (void)!cm_policy_hash(cm_span_make(text, text == NULL ? 0 : strlen(text)), in_force.hash);
}

/* One engine over the emulated platform. */
struct scene {
    struct cm_engine *engine;
    struct decide_source source;
    struct cm_trust_root root;
    struct cm_decide_config config;
    struct cm_engine_ask ask;
    struct cm_decide_job job;
    uint8_t quote[DECIDE_QUOTE_MAX];
    struct cm_decision *d;
    struct cm_why why;
};

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    const struct cm_engine_ops ops = {{active, release, NULL}, NULL, NULL, NULL, NULL, 0};
    const struct decide_enclave e = decide_enclave();

    if (s == NULL || cm_engine_create(&ops, &s->engine) != CM_OK) {
        abort();
    }
    s->config = decide_kit_config(&s->root, &s->source);
    if (cm_engine_configure(s->engine, &s->config, NULL) != CM_OK) {
        abort();
    }
    s->ask = (struct cm_engine_ask){(uint64_t)time(NULL), true, true};
    s->job.api = "test";
    s->job.evidence = cm_span_make(s->quote, decide_quote(&e, s->quote));
    use_policy(permit_signer);
    return s;
}

static void scene_free(struct scene *s)
{
    cm_decision_free(s->d);
    cm_engine_free(s->engine);
    free(s);
    CHECK_EQ(held, 0);
}

static enum cm_status decide(struct scene *s)
{
    cm_decision_free(s->d);
    s->d = NULL;
    s->why.text[0] = '\0';
    return cm_engine_decide(s->engine, &s->job, &s->ask, &s->d, &s->why);
}

/* Decided, and refused so. */
#define CHECK_REFUSED(s, status, at, words)                                       \
    do {                                                                          \
        CHECK_EQ(decide(s), CM_OK);                                               \
        if ((s)->d == NULL) {                                                     \
            TEST_FAIL("no decision: %s", (s)->why.text);                          \
        } else {                                                                  \
            CHECK_EQ((s)->d->st, status);                                         \
            CHECK_STR((s)->d->stage, at);                                         \
            if (strstr((s)->d->why.text, words) == NULL) {                        \
                TEST_FAIL("\"%s\" does not say \"%s\"", (s)->d->why.text, words); \
            }                                                                     \
        }                                                                         \
    } while (0)

TEST(a_genuine_enclave_of_the_wanted_signer_is_permitted)
{
    struct scene *s = scene_new();
    struct cm_policy_claim issued;

    CHECK_EQ(decide(s), CM_OK);
    REQUIRE(s->d != NULL);
    CHECK_EQ(s->d->st, CM_OK);
    CHECK_STR(s->d->stage, "");
    CHECK_STR(s->d->policy_type, "SgxEnclave");
    CHECK(s->d->emulated);
    CHECK_EQ(strlen(s->d->id), 64);
    CHECK_EQ(s->d->time, s->ask.now);
    CHECK(cm_policy_outcome_claim(s->d->outcome, 0, &issued));
    CHECK_EQ(issued.text.len, 64);
    CHECK_EQ(strlen(json_string_value(json_object_get(s->d->collateral, "quotehash"))), 64);
    CHECK_EQ(json_object_size(s->d->collateral), 7);
    CHECK(s->d->rule == &in_force);
    CHECK_EQ(s->source.asked, 1);
    CHECK_EQ(decide(s), CM_OK); /* and again: nobody is asked */
    CHECK_EQ(s->d->st, CM_OK);
    CHECK_EQ(s->source.asked, 1);
    scene_free(s);
}

/* They begin with the time in milliseconds, and of what is behind it nothing is alike. */
TEST(nobody_guesses_the_identity_of_a_decision)
{
    char id[4][65] = {""};
    char first[13] = "";
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)snprintf(first, sizeof(first), "%012llx",
                   (unsigned long long)t.tv_sec * 1000 + (unsigned long long)(t.tv_nsec / 1000000));
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(cm_decision_id(id[i]), CM_OK);
        CHECK_EQ(strspn(id[i], "0123456789abcdef"), 64);
        CHECK(memcmp(first, id[i], 12) <= 0);
        for (size_t k = 0; k < i; k++) {
            for (size_t at = 12; at < 64; at += 13) {
                CHECK(memcmp(id[i] + at, id[k] + at, 13) != 0);
            }
        }
    }
}

TEST(what_policy_does_not_permit_is_refused)
{
    struct scene *s = scene_new();
    struct decide_enclave e = decide_enclave();

    e.mrsigner = 0x11;
    s->job.evidence.len = decide_quote(&e, s->quote);
    CHECK_REFUSED(s, CM_ERR_POLICY, "policy", "permit");
    CHECK(s->d->claims != NULL);
    use_policy(NULL);
    CHECK_REFUSED(s, CM_ERR_POLICY, "policy", "no policy of the type SgxEnclave");
    scene_free(s);
}

TEST(emulated_evidence_counts_only_where_the_service_says_so)
{
    struct scene *s = scene_new();

    use_policy(permit_all);
    s->ask.accept_emulated = false;
    CHECK_REFUSED(s, CM_ERR_POLICY, "evidence", "EMULATED");
    CHECK(s->d->claims == NULL);
    s->ask.accept_emulated = true;
    s->config.root_count = 0; /* nor without its root */
    CHECK_EQ(cm_engine_configure(s->engine, &s->config, NULL), CM_OK);
    CHECK_EQ(decide(s), CM_OK);
    CHECK(s->d->st != CM_OK);
    s->config.flags = CM_VERIFY_ALLOW_EMULATED; /* nor by a setting of collateral */
    CHECK_EQ(cm_engine_configure(s->engine, &s->config, NULL), CM_ERR_PARAM);
    scene_free(s);
}

TEST(a_debug_enclave_is_refused)
{
    struct scene *s = scene_new();
    struct decide_enclave e = decide_enclave();

    use_policy(permit_all);
    e.debug = true;
    s->job.evidence.len = decide_quote(&e, s->quote);
    CHECK_REFUSED(s, CM_ERR_POLICY, "evidence", "debug");
    s->config.flags = CM_VERIFY_ALLOW_DEBUG; /* and no setting changes that */
    CHECK_EQ(cm_engine_configure(s->engine, &s->config, NULL), CM_ERR_PARAM);
    scene_free(s);
}

TEST(wrong_report_data_is_refused)
{
    struct scene *s = scene_new();
    uint8_t want[32];

    memset(want, 0xda, sizeof(want));
    s->job.report_data = cm_span_make(want, sizeof(want));
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    want[31] ^= 1;
    CHECK_REFUSED(s, CM_ERR_MISMATCH, "evidence", "report_data");
    scene_free(s);
}

TEST(a_client_enrols_no_keys)
{
    static const enum cm_material_kind kinds[] = {CM_MATERIAL_KEY, CM_MATERIAL_REFERENCE,
                                                  CM_MATERIAL_FIRMWARE, (enum cm_material_kind)77};
    struct scene *s = scene_new();
    struct cm_material m = {.name = "mine", .bytes = {(const uint8_t *)"x", 1}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        m.kind = kinds[i];
        s->job.materials = &m;
        s->job.material_count = 1;
        CHECK_REFUSED(s, CM_ERR_DENIED, "evidence", "only the operator");
        CHECK(s->d->evidence == NULL);
    }
    scene_free(s);
}

TEST(a_changed_quote_is_refused)
{
    struct scene *s = scene_new();

    s->quote[100] ^= 1;
    CHECK_REFUSED(s, CM_ERR_SIGNATURE, "evidence", "quote.signature");
    s->job.evidence.len = 200;
    CHECK_REFUSED(s, CM_ERR_FORMAT, "evidence", "quote.format");
    s->job.evidence = cm_span_make("hello", 5);
    CHECK_REFUSED(s, CM_ERR_UNSUPPORTED, "evidence", "no evidence of any kind");
    scene_free(s);
}

TEST(a_policy_judges_its_own_kind_only)
{
    struct scene *s = scene_new();

    s->job.policy_type = "sgxenclave";
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    s->job.policy_type = "OpenEnclave";
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    CHECK_STR(s->d->policy_type, "OpenEnclave");
    s->job.policy_type = "TdxVm";
    CHECK_REFUSED(s, CM_ERR_MISMATCH, "evidence", "TdxVm");
    s->job.policy_type = "Kbs-Resource"; /* I5: whoever may choose would choose what asks least */
    CHECK_REFUSED(s, CM_ERR_MISMATCH, "evidence", "Kbs-Resource");
    s->job.policy_type = "nothing";
    CHECK_REFUSED(s, CM_ERR_MISMATCH, "evidence", "sgx");
    scene_free(s);
}

TEST(a_draft_stands_in_for_what_is_in_force)
{
    struct scene *s = scene_new();
    struct cm_rule_version draft = {.type = "SgxEnclave", .version = 9};
    struct cm_policy *p = NULL;

    REQUIRE(cm_policy_parse(cm_span_make(permit_all, strlen(permit_all)), &p, NULL) == CM_OK);
    use_policy(NULL);
    draft.policy = p;
    s->job.draft = &draft;
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    CHECK(s->d->rule == &draft);
    scene_free(s);
    cm_policy_free(p);
}

TEST(custom_claims_are_the_clients_word_and_no_more)
{
    static const char by_word[] =
        "version=1.0;\nauthorizationrules\n{\n"
        "    [type==\"x-ms-sgx-mrsigner\", value==\"me\"] => permit();\n};\n";
    static const char by_name[] =
        "version=1.0;\nauthorizationrules\n{\n    [type==\"name\", value==\"me\", "
        "issuer==\"CustomClaim\"] => permit();\n};\n";
    struct scene *s = scene_new();

    s->job.custom_claims = json_pack("{s:s, s:s}", "x-ms-sgx-mrsigner", "me", "name", "me");
    use_policy(by_word);
    CHECK_REFUSED(s, CM_ERR_POLICY, "policy", "");
    use_policy(by_name);
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    json_decref(s->job.custom_claims);
    s->job.custom_claims = json_pack("[s]", "no object");
    CHECK_REFUSED(s, CM_ERR_SYNTAX, "evidence", "the client's claims");
    json_decref(s->job.custom_claims);
    scene_free(s);
}

TEST(nothing_waits_on_a_loop)
{
    struct scene *s = scene_new();

    s->ask.may_wait = false;
    CHECK_EQ(decide(s), CM_ERR_BUSY);
    CHECK(s->d == NULL);
    CHECK_EQ(s->source.asked, 0);
    s->ask.may_wait = true;
    CHECK_EQ(decide(s), CM_OK);
    s->ask.may_wait = false;
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->d->st, CM_OK);
    scene_free(s);
}

/* The usual platform's collateral as it is now, as it is kept. */
static struct cm_kept *kept_now(uint64_t fetched)
{
    struct cm_collateral_parts *parts = decide_kit_parts();
    struct cm_collateral_key key = {.platform_ca = true}; /* of whatever platform */
    struct cm_span part[CM_PART_COUNT];
    struct cm_kept *kept = NULL;
    struct cm_want want;

    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        part[i] = cm_parts_get(parts, (enum cm_collateral_part)i);
    }
    if (cm_want_dcap(&key, &want) != CM_OK ||
        cm_kept_make(&want, part, fetched, &kept, NULL) != CM_OK) {
        abort();
    }
    cm_parts_free(parts);
    return kept;
}

TEST(the_keeper_takes_nothing_older)
{
    struct scene *s = scene_new();
    struct cm_keeper *keeper = cm_engine_keeper(s->engine);
    struct cm_kept *old = kept_now(1);
    struct cm_kept *new = NULL;
    struct cm_kept *there = NULL;

    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_SW_HARDENING_NEEDED, NULL), CM_OK);
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_UP_TO_DATE, NULL), CM_OK);
    new = kept_now(2);
    CHECK_EQ(cm_keeper_put(keeper, old, 1, NULL), CM_OK);
    CHECK_EQ(cm_keeper_put(keeper, new, 1, NULL), CM_OK);
    CHECK_EQ(cm_keeper_put(keeper, old, 1, NULL), CM_ERR_POLICY); /* as another instance might */
    there = cm_keeper_peek(keeper, new->want.name);
    CHECK(there == new);
    CHECK_EQ(cm_keeper_counts(keeper).rolled_back, 1);
    cm_kept_drop(there);
    cm_kept_drop(new);
    cm_kept_drop(old);
    scene_free(s);
}

TEST(without_memory_there_is_no_record)
{
    struct scene *s = scene_new();
    struct cm_bases *bases = NULL;
    struct cm_record r;
    long k = 1;

    REQUIRE(cm_bases_create(&bases) == CM_OK);
    CHECK_EQ(decide(s), CM_OK);
    for (bool over = false; !over && k < 2000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_record_make(bases, s->d, &s->job, k, &r);
        over = !fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(st == CM_OK || st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO);
        if (st == CM_OK) {
            CHECK(over);
            CHECK(r.base != NULL && r.delta != NULL);
            cm_record_free(&r);
        }
    }
    CHECK(k > 4);
    cm_bases_free(bases);
    scene_free(s);
}

TEST(without_memory_there_is_no_decision)
{
    struct scene *s = scene_new();
    long k = 1;

    fail_alloc_sticky = false;
    for (bool over = false; !over && k < 20000; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = decide(s);
        over = !fail_alloc_hit();
        fail_alloc_at(-1);
        /* what is only kept for the next time may be missing; a verdict is never a wrong one */
        if (st != CM_ERR_NOMEM && !(st == CM_OK && s->d->st == CM_OK)) {
            TEST_FAIL("allocation %ld: %s (%s)", k, cm_status_str(st),
                      st == CM_OK ? s->d->why.text : s->why.text);
        }
    }
    CHECK(k > 30);
    CHECK_EQ(decide(s), CM_OK);
    scene_free(s);
}

int main(int argc, char **argv)
{
    int result = 0;

    decide_kit_platform();
    result = test_main(argc, argv);
    cm_policy_free(parsed);
    decide_kit_platform_end();
    return result;
}
