/*
 * A boot log's events as policies see them, and logs that were made to say something else: of Windows'
 * shape and of our own making. Each forgery keeps the register's value, as only such logs are believed.
 */
#include "harness.h"

#include "evidence/claims.h"
#include "policy/policy_kit.h"
#include "tpm/tcg_log.h"
#include "tpm_kit.h"

#define TRUSTBOUNDARY 0x40010001u
#define MODULES       0x40010003u
#define BITLOCKER     0x00020005u
#define BOOTDEBUGGING 0x00040001u
#define CODEINTEGRITY 0x00050002u
#define HVCI          0x000a0007u
#define FILEPATH      0x00070001u
#define VALIDATED     0x0007000au
#define UNKNOWN       0x000500eeu

static const uint16_t bank[] = {CM_TPM_ALG_SHA256};
static const uint8_t zeros[4];

/* tagged data: {type, size, data} one behind the other */
struct tagged {
    uint8_t bytes[16384];
    struct cm_wr w;
};

static void tag_begin(struct tagged *t)
{
    t->w = cm_wr_init(t->bytes, sizeof(t->bytes));
}

static void tag(struct tagged *t, uint32_t type, const void *data, size_t len)
{
    cm_wr_u32le(&t->w, type);
    cm_wr_u32le(&t->w, (uint32_t)len);
    cm_wr_bytes(&t->w, data, len);
}

static void tag_number(struct tagged *t, uint32_t type, uint64_t value, size_t len)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    tag(t, type, bytes, len);
}

static struct cm_span tagged_bytes(const struct tagged *t)
{
    kit_must(cm_wr_finish(&t->w) == CM_OK, "tagged data");
    return cm_span_make(t->bytes, t->w.used);
}

static void windows_event(struct kit_log *log, uint32_t pcr, uint32_t type, uint8_t integrity)
{
    static struct tagged inner;
    static struct tagged outer;
    static struct tagged module;
    static const uint8_t path[] = {'\\', 0, 'a', 0, 0xe9, 0, 0x3d, 0xd8, 0x00, 0xde, 0, 0};

    tag_begin(&module);
    tag(&module, FILEPATH, path, sizeof(path));
    tag_number(&module, VALIDATED, 1, 1);
    tag_begin(&inner);
    tag_number(&inner, CODEINTEGRITY, integrity, 1);
    tag_number(&inner, BOOTDEBUGGING, 0, 1);
    tag_number(&inner, BITLOCKER, 4, 4);
    tag_number(&inner, HVCI, 1, 8);
    tag(&inner, MODULES, module.bytes, module.w.used);
    tag_number(&inner, UNKNOWN, 7, 2);
    tag_begin(&outer);
    tag(&outer, TRUSTBOUNDARY, inner.bytes, inner.w.used);
    kit_log_data(log, pcr, type, tagged_bytes(&outer));
}

static void variable(struct kit_log *log, uint32_t type, const char *name, uint8_t value)
{
    uint8_t data[256];
    size_t len = kit_variable(name, value, data);

    kit_log_data(log, 7, type, cm_span_make(data, len));
}

static void separator(struct kit_log *log, uint32_t pcr)
{
    kit_log_data(log, pcr, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
}

static void begin(struct kit_log *log, uint32_t type, uint8_t secure_boot)
{
    kit_log_begin(log, bank, 1);
    variable(log, type, "SecureBoot", secure_boot);
    for (uint32_t i = 0; i < 8; i++) {
        separator(log, i);
    }
}

static void values_of(const struct kit_log *log, struct cm_tpm_pcrs *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < CM_TPM_PCRS; i++) {
        if ((log->mask >> i & 1) != 0) {
            kit_must(cm_tpm_pcrs_set(out, bank[0], i, cm_span_make(log->value[0][i], 32)) == CM_OK,
                     "values");
        }
    }
}

/* The claim of a log beside these registers, copied; "" when there is none. */
static const char *events_beside(const struct kit_log *log, const struct cm_tpm_pcrs *pcrs,
                                 enum cm_status want)
{
    static char out[65536];
    struct cm_evidence *ev = cm_evidence_new("tpm");
    const struct cm_tcg_want asked = {CM_AUTHORITY_HARDWARE, true};
    const struct cm_claim *c = NULL;

    kit_must(ev != NULL, "evidence");
    kit_must(cm_tcg_check(kit_log_bytes(log), pcrs, asked, ev, 0) == want, "the log's verdict");
    c = cm_evidence_find(ev, 0, "tpm.events", 0);
    (void)snprintf(out, sizeof(out), "%s", c == NULL ? "" : c->text);
    kit_must(c == NULL || c->authority == CM_AUTHORITY_HARDWARE || want != CM_OK, "authority");
    cm_evidence_free(ev);
    return out;
}

static const char *events_of(const struct kit_log *log)
{
    static struct cm_tpm_pcrs pcrs;

    values_of(log, &pcrs);
    return events_beside(log, &pcrs, CM_OK);
}

static bool says(const char *json, const char *part)
{
    return strstr(json, part) != NULL;
}

/* What a rule of a policy makes of a log: "name=value ..." of what is issued. */
static const char *judged(const char *json, const char *rules)
{
    static char issued[1024];
    static char text[4096];
    static char claims[70000];

    (void)snprintf(text, sizeof(text),
                   "version=1.2; authorizationrules { => permit(); }; issuancerules { %s };",
                   rules);
    (void)snprintf(claims, sizeof(claims), "{\"events\":%s}", json);
    if (kit_decide(text, claims, issued, sizeof(issued)) != CM_OK) {
        TEST_FAIL("the policy: %s", issued);
    }
    return issued;
}

static const char secure_boot_rule[] =
    "c:[type==\"events\", issuer==\"AttestationService\"] => add(type=\"v\", "
    "value=JmesPath(c.value, "
    "\"Events[?EventTypeString == 'EV_EFI_VARIABLE_DRIVER_CONFIG' && ProcessedData.VariableGuid == "
    "'8BE4DF61-93CA-11D2-AA0D-00E098032B8C']\"));"
    "c:[type==\"v\", issuer==\"AttestationPolicy\"] => issue(type=\"on\", value=JsonToClaimValue("
    "JmesPath(c.value, \"[?ProcessedData.UnicodeName == 'SecureBoot'] | length(@) == `1` && "
    "@[0].ProcessedData.VariableData == 'AQ'\")));"
    "![type==\"on\", issuer==\"AttestationPolicy\"] => issue(type=\"on\", value=false);";

static const char integrity_rule[] =
    "c:[type==\"events\", issuer==\"AttestationService\"] => add(type=\"b\", "
    "value=JmesPath(c.value, "
    "\"Events[? EventTypeString == 'EV_EVENT_TAG' && PcrIndex == `13`]"
    ".ProcessedData.EVENT_TRUSTBOUNDARY\"));"
    "c:[type==\"b\", issuer==\"AttestationPolicy\"] => add(type=\"set\", value=JsonToClaimValue("
    "JmesPath(c.value, \"[*].EVENT_CODEINTEGRITY\")));"
    "c:[type==\"set\", issuer==\"AttestationPolicy\"] => issue(type=\"ok\", "
    "value=ContainsOnlyValue(c.value, true));"
    "![type==\"ok\", issuer==\"AttestationPolicy\"] => issue(type=\"ok\", value=false);";

TEST(a_boot_of_windows_in_the_form_that_policies_query)
{
    static struct kit_log log;
    const char *json = NULL;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 1);
    separator(&log, 13);
    json = events_of(&log);
    CHECK(says(json, "{\"EventSeq\":0,\"PcrIndex\":7,\"EventType\":2147483649,"
                     "\"EventTypeString\":\"EV_EFI_VARIABLE_DRIVER_CONFIG\","));
    CHECK(says(json, "\"ProcessedData\":{\"VariableGuid\":\"8BE4DF61-93CA-11D2-AA0D-00E098032B8C\","
                     "\"UnicodeName\":\"SecureBoot\",\"VariableData\":\"AQ\"}"));
    CHECK(says(json, "{\"EVENT_TRUSTBOUNDARY\":{\"EVENT_CODEINTEGRITY\":true,"
                     "\"EVENT_BOOTDEBUGGING\":false,\"EVENT_BITLOCKER_UNLOCK\":{\"Value\":4},"
                     "\"EVENT_VBS_HVCI_POLICY\":{\"Value\":1,"
                     "\"String\":\"HypervisorEnforcedCodeIntegrityEnable\"},"
                     "\"EVENT_LOADEDMODULE_AGGREGATION\":[{\"EVENT_FILEPATH\":\"\\\\a\xc3\xa9"
                     "\xf0\x9f\x98\x80\",\"EVENT_IMAGEVALIDATED\":true}],"
                     "\"EVENT_000500EE\":{\"RawData\":\"BwA\"}}}"));
    CHECK(says(json, "\"PcrIndex\":13,\"EventType\":4,\"EventTypeString\":\"EV_SEPARATOR\""));
    CHECK_STR(judged(json, secure_boot_rule), "on=true");
    CHECK_STR(judged(json, integrity_rule), "ok=true");
}

TEST(nothing_that_came_after_the_firmware_speaks_for_it)
{
    static struct kit_log log;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 0);
    variable(&log, CM_TCG_EFI_VARIABLE_CONFIG, "SecureBoot", 1);
    CHECK_STR(judged(events_of(&log), secure_boot_rule), "on=false");
    /* nor when the true one is called something else, so that only the false one is found */
    begin(&log, CM_TCG_IPL, 0);
    variable(&log, CM_TCG_EFI_VARIABLE_CONFIG, "SecureBoot", 1);
    CHECK_STR(judged(events_of(&log), secure_boot_rule), "on=false");
    CHECK(says(events_of(&log), "\"VariableData\":\"AA\""));
    CHECK(!says(events_of(&log), "\"VariableData\":\"AQ\""));
    begin(&log, CM_TCG_IPL, 1);
    CHECK_STR(judged(events_of(&log), secure_boot_rule), "on=true");
}

TEST(an_event_of_the_firmware_without_its_data_hides_none)
{
    static struct kit_log log;
    uint8_t data[256];
    size_t len = kit_variable("SecureBoot", 0, data);

    kit_log_begin(&log, bank, 1);
    kit_log_event(&log, 7, CM_TCG_EFI_VARIABLE_CONFIG, cm_span_make(data, len), kit_text("x"));
    variable(&log, CM_TCG_EFI_VARIABLE_CONFIG, "SecureBoot", 1);
    separator(&log, 7);
    CHECK_STR(judged(events_of(&log), secure_boot_rule), "on=false");
    CHECK(!says(events_of(&log), "VariableData"));
    /* where others may stand without their data: only what is hashed is believed */
    kit_log_begin(&log, bank, 1);
    kit_log_event(&log, 1, CM_TCG_EFI_VARIABLE_BOOT, kit_text("x"), cm_span_make(data, len));
    CHECK(!says(events_of(&log), "VariableData"));
    kit_log_data(&log, 1, CM_TCG_EFI_VARIABLE_BOOT, cm_span_make(data, len));
    CHECK(says(events_of(&log), "VariableData"));
}

TEST(an_event_of_the_system_without_its_data_hides_none)
{
    static struct kit_log log;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 1);
    kit_log_event(&log, 13, CM_TCG_EVENT_TAG, kit_text("code integrity off"), kit_text("nothing"));
    CHECK_STR(judged(events_of(&log), integrity_rule), "ok=false");
    CHECK(!says(events_of(&log), "EVENT_TRUSTBOUNDARY"));
}

TEST(an_event_under_another_type_is_what_its_data_say)
{
    static struct kit_log log;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 1);
    windows_event(&log, 13, CM_TCG_IPL, 0);
    CHECK_STR(judged(events_of(&log), integrity_rule), "ok=false");
    /* and what is no separator is not called one, whatever is asked to stand before it */
    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    kit_log_data(&log, 12, CM_TCG_SEPARATOR, kit_text("none"));
    CHECK(!says(events_of(&log), "\"PcrIndex\":12,\"EventType\":4,"));
    kit_log_data(&log, 13, CM_TCG_IPL, cm_span_make(zeros, 4));
    CHECK(says(events_of(&log), "\"PcrIndex\":13,\"EventType\":4,"));
}

TEST(registers_that_were_not_quoted_say_nothing)
{
    static struct kit_log log;
    static struct cm_tpm_pcrs pcrs;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    values_of(&log, &pcrs);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 1);
    CHECK(says(events_beside(&log, &pcrs, CM_OK), "\"PcrIndex\":7,"));
    CHECK(!says(events_beside(&log, &pcrs, CM_OK), "\"PcrIndex\":13,"));
    /* a register that the log does not lead to */
    values_of(&log, &pcrs);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 1);
    CHECK(!says(events_beside(&log, &pcrs, CM_OK), "\"PcrIndex\":13,"));
    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    values_of(&log, &pcrs);
    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 0);
    CHECK(!says(events_beside(&log, &pcrs, CM_ERR_MISMATCH), "PcrIndex"));
}

TEST(actions_that_are_not_measured_are_not_there)
{
    static struct kit_log log;
    static struct tagged t;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    windows_event(&log, 13, CM_TCG_EVENT_TAG, 0);
    tag_begin(&t);
    tag_number(&t, CODEINTEGRITY, 1, 1);
    cm_wr_u32le(&log.out, 13);
    cm_wr_u32le(&log.out, CM_TCG_NO_ACTION);
    cm_wr_u32le(&log.out, 1);
    cm_wr_u16le(&log.out, CM_TPM_ALG_SHA256);
    cm_wr_fill(&log.out, 0, 32);
    cm_wr_u32le(&log.out, (uint32_t)t.w.used);
    cm_wr_bytes(&log.out, t.bytes, t.w.used);
    CHECK_STR(judged(events_of(&log), integrity_rule), "ok=false");
    CHECK(!says(events_of(&log), "\"EVENT_CODEINTEGRITY\":true"));
    CHECK(says(events_of(&log), "\"EVENT_CODEINTEGRITY\":false"));
}

static const char *one_event(const void *data, size_t len)
{
    static struct kit_log log;

    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    kit_log_data(&log, 12, CM_TCG_EVENT_TAG, cm_span_make(data, len));
    return events_of(&log);
}

TEST(malformed_groups_have_no_data)
{
    static struct tagged t;
    static struct tagged deep;

    tag_begin(&t);
    tag_number(&t, CODEINTEGRITY, 1, 1);
    CHECK(says(one_event(t.bytes, t.w.used), "\"ProcessedData\":{\"EVENT_CODEINTEGRITY\":true}"));
    for (size_t cut = 1; cut < t.w.used; cut++) {
        CHECK(!says(one_event(t.bytes, cut), "EVENT_CODEINTEGRITY"));
    }
    CHECK(!says(one_event("", 0), "\"PcrIndex\":12,\"EventType\":6,\"ProcessedData\""));
    tag_begin(&deep);
    tag(&deep, TRUSTBOUNDARY, "", 0);
    CHECK(!says(one_event(deep.bytes, deep.w.used), "ProcessedData\":{\"EVENT"));
    /* groups in groups, as deep as is read and deeper */
    for (unsigned depth = 1; depth <= 4; depth++) {
        const bool read = depth < 4;

        tag_begin(&deep);
        tag(&deep, TRUSTBOUNDARY, t.bytes, t.w.used);
        memcpy(t.bytes, deep.bytes, deep.w.used);
        t.w.used = deep.w.used;
        CHECK_EQ(says(one_event(t.bytes, t.w.used), "EVENT_CODEINTEGRITY"), read);
    }
    /* as many parts as are read, and one more */
    tag_begin(&t);
    for (unsigned i = 0; i < 256; i++) {
        tag_number(&t, CODEINTEGRITY, 1, 1);
    }
    CHECK(says(one_event(t.bytes, t.w.used), "EVENT_CODEINTEGRITY\":[true,true,"));
    tag_number(&t, CODEINTEGRITY, 1, 1);
    CHECK(!says(one_event(t.bytes, t.w.used), "EVENT_CODEINTEGRITY"));
}

TEST(values_of_a_wrong_size_are_null)
{
    static struct tagged t;
    static const uint8_t odd[] = {'a', 0, 'b'};
    static const uint8_t lone[] = {0x00, 0xd8, 'b', 0};
    static const uint8_t late[] = {'b', 0, 0x00, 0xdc};

    tag_begin(&t);
    tag_number(&t, CODEINTEGRITY, 2, 1);
    tag_number(&t, BOOTDEBUGGING, 1, 4);
    tag(&t, BITLOCKER, "123456789", 9);
    CHECK(says(one_event(t.bytes, t.w.used),
               "\"ProcessedData\":{\"EVENT_CODEINTEGRITY\":null,\"EVENT_BOOTDEBUGGING\":null,"
               "\"EVENT_BITLOCKER_UNLOCK\":{\"Value\":null}}"));
    tag_begin(&t);
    tag(&t, FILEPATH, odd, sizeof(odd));
    tag(&t, FILEPATH, lone, sizeof(lone));
    tag(&t, FILEPATH, late, sizeof(late));
    CHECK(says(one_event(t.bytes, t.w.used), "{\"EVENT_FILEPATH\":[null,null,null]}"));
}

TEST(the_claim_is_made_only_when_asked_for)
{
    static struct kit_log log;
    static struct cm_tpm_pcrs pcrs;
    const struct cm_tcg_want want = {CM_AUTHORITY_HARDWARE, false};
    struct cm_evidence *ev = cm_evidence_new("tpm");

    REQUIRE(ev != NULL);
    begin(&log, CM_TCG_EFI_VARIABLE_CONFIG, 1);
    values_of(&log, &pcrs);
    CHECK_EQ(cm_tcg_check(kit_log_bytes(&log), &pcrs, want, ev, 0), CM_OK);
    CHECK(cm_evidence_find(ev, 0, "tpm.events", 0) == NULL);
    cm_evidence_free(ev);
}

TEST_MAIN
