/*
 * AzureGuest: Trusted Launch machines, for which a virtual TPM stands alone, and what boot logs say of any machine.
 * The attacks: no TEE where one is asked for; another machine's certificate; a boot log without what was measured.
 */
#include "harness.h"

#include "maa_guest_kit.h"
#include "maa_tpm_kit.h"
#include "tpm/tcg_log.h"

/* --------------------------------------------------------- trusted launch */

static json_t *launched(const struct sealing *s, EVP_PKEY *certified)
{
    uint8_t certs[4096];
    size_t len = tpm_certificates(certified, 3, true, certs);
    json_t *what = guest_info_of(&guest_vm, s, json_pack("{s:s}", "Type", "TrustedLaunch"));

    (void)json_object_set_new(json_object_get(what, "TpmInfo"), "AikCert", guest_b64(certs, len));
    return what;
}

static void begin_launched(struct sealing *s)
{
    static struct sk_world trusted; /* only its root is looked at */

    guest_begin(s);
    trusted.root = (struct cm_trust_root){.family = "tpm", .label = "test"};
    ck_spki_sha256(ck_key("p256", 0), trusted.root.spki_sha256);
    maa_start_invented(NULL, &trusted);
    guest_sealing_make(s);
}

TEST(a_machine_without_a_tee_is_permitted_only_by_who_asks_for_no_isolation)
{
    struct sealing s;
    const json_t *claims = NULL;

    begin_launched(&s);
    CHECK(guest_refused(launched(&s, guest_vm.ak),
                        "authorization failed")); /* by what is in force unasked */
    CHECK_EQ(maa_policy("AzureGuest", ASKS("sevsnpvm")), 200);
    CHECK(guest_refused(launched(&s, guest_vm.ak), "authorization failed"));
    CHECK_EQ(maa_policy("AzureGuest", PERMIT), 200);
    claims = guest_opened(&s, launched(&s, guest_vm.ak));
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "azurevm");
    CHECK(json_object_get(claims, "x-ms-isolation-tee") == NULL);
    CHECK(json_object_get(claims, "x-ms-compliance-status") == NULL);
    CHECK_STR(maa_text(claims, "x-ms-azurevm-osdistro"), "Debian");
    CHECK_EQ(json_array_size(json_object_get(claims, "x-ms-azurevm-attested-pcrs")), 24);
}

TEST(a_machine_without_a_tee_needs_its_own_keys_certificate)
{
    struct sealing s;
    json_t *what = NULL;

    begin_launched(&s);
    CHECK_EQ(maa_policy("AzureGuest", PERMIT), 200);
    CHECK(guest_refused(launched(&s, ck_key("rsa2048", 7)), "signature")); /* another machine's */
    what = launched(&s, guest_vm.ak);
    (void)json_object_set_new(json_object_get(what, "TpmInfo"), "AikCert", json_string(""));
    CHECK(guest_refused(what, "certificate"));
    what = launched(&s, guest_vm.ak); /* evidence of a TEE that is not there */
    (void)json_object_set_new(json_object_get(what, "IsolationInfo"), "Type",
                              json_string("SevSnp"));
    CHECK(guest_refused(what, "report"));
    s.signer = ck_key("rsa2048", 7);
    guest_sealing_make(&s);
    CHECK(guest_refused(launched(&s, guest_vm.ak), "EncKeyCertifyInfo"));
    CHECK_EQ(maa_policy("AzureGuest", ISOLATED), 200);
}

/* ------------------------------------------------------------- boot's log */

#define BOOTDEBUGGING 0x00040001u
#define KERNELDEBUG   0x00050001u
#define TESTSIGNING   0x00050003u

/* What Windows measures into a register: three findings. */
static void windows_event(struct kit_log *log, uint32_t pcr, const uint8_t value[3])
{
    static const uint32_t types[3] = {BOOTDEBUGGING, KERNELDEBUG, TESTSIGNING};
    uint8_t bytes[64];
    struct cm_wr w = cm_wr_init(bytes, sizeof(bytes));

    cm_wr_u32le(&w, 0x40010001u); /* trust boundary */
    cm_wr_u32le(&w, 27);
    for (size_t i = 0; i < 3; i++) {
        cm_wr_u32le(&w, types[i]);
        cm_wr_u32le(&w, 1);
        cm_wr_u8(&w, value[i]);
    }
    kit_log_data(log, pcr, CM_TCG_EVENT_TAG, cm_span_make(bytes, w.used));
}

/* A Windows machine's registers and log. */
static void boot_windows(struct kit_log *log, const uint8_t value[3])
{
    static const uint16_t banks[] = {CM_TPM_ALG_SHA256};
    static const uint8_t zeros[4];
    uint8_t variable[256];

    vm_init(&guest_vm);
    kit_log_begin(log, banks, 1);
    kit_log_data(log, 7, CM_TCG_EFI_VARIABLE_CONFIG,
                 cm_span_make(variable, kit_variable("SecureBoot", 0, variable)));
    for (uint32_t i = 0; i < 8; i++) {
        kit_log_data(log, i, CM_TCG_SEPARATOR, cm_span_make(zeros, 4));
    }
    windows_event(log, 12, value);
    windows_event(log, 13, value);
    for (size_t i = 0; i < 24; i++) {
        if ((log->mask >> i & 1) != 0) {
            memcpy(guest_vm.pcrs + 32 * i, log->value[0][i], 32);
        }
    }
    vm_build(&guest_vm);
    guest_log = log;
}

TEST(what_windows_measured_stands_in_token_and_policy)
{
    static const uint8_t good[3] = {0, 0, 0};
    static const uint8_t debug[3] = {1, 0, 0};
    static struct kit_log log;
    struct sealing s;
    const json_t *claims = NULL;
    json_t *what = NULL;

    guest_begin(&s);
    boot_windows(&log, good);
    maa_start_invented(NULL, &guest_vm.snp);
    guest_sealing_make(&s);
    CHECK_EQ(maa_policy("AzureGuest", NO_DEBUGGER), 200);
    claims = guest_opened(&s, guest_info(&s));
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-bootdebug-enabled")));
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-kerneldebug-enabled")));
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-testsigning-enabled")));
    CHECK(json_is_true(json_object_get(claims, "x-ms-azurevm-debuggersdisabled")));
    CHECK(json_is_true(json_object_get(claims, "x-ms-azurevm-signingdisabled")));
    CHECK(json_is_true(json_object_get(claims, "x-ms-azurevm-is-windows"))); /* not its own word */
    CHECK(json_is_false(json_object_get(claims, "secureboot"))); /* the log's, not the host's */
    CHECK(json_object_get(claims, "x-ms-azurevm-dbvalidated") == NULL); /* nobody named them */
    boot_windows(&log, debug);
    CHECK(guest_refused(guest_info(&s), "authorization failed"));
    what = guest_info(&s); /* a log that leaves out what was measured */
    (void)json_object_set_new(what, "TcgLogs", json_string(""));
    CHECK(guest_refused(what, "authorization failed"));
    CHECK_EQ(maa_policy("AzureGuest", PERMIT), 200);
    claims = guest_opened(&s, guest_info(&s));
    CHECK(json_is_true(json_object_get(claims, "x-ms-azurevm-bootdebug-enabled")));
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-debuggersdisabled")));
    CHECK_EQ(maa_policy("AzureGuest", EVENTS), 200); /* policies of version 1.2 ask the log */
    CHECK(guest_opened(&s, guest_info(&s)) != NULL);
    guest_log = NULL;
    CHECK(guest_refused(guest_info(&s), "authorization failed"));
}

TEST(the_end)
{
    struct sealing s;

    guest_begin(&s);
    guest_end();
    CHECK(true);
}

TEST_MAIN
