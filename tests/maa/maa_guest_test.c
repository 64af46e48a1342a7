/*
 * AzureGuest: evidence of invented virtual machines with a TEE inside (SEV-SNP, TDX), and the sealed token. The
 * attacks: a key for the token that the machine's TPM did not certify, or that may leave it; another machine's
 * quote, registers or runtime data; another TEE than a policy asks for.
 */
#include "harness.h"

#include "maa_guest_kit.h"

TEST(a_machine_gets_a_token_that_it_alone_can_read)
{
    static const char *const claims_of_snp[] = {"x-ms-sevsnpvm-launchmeasurement",
                                                "x-ms-sevsnpvm-idkeydigest", "x-ms-runtime",
                                                "x-ms-compliance-status"};
    struct sealing s;
    const json_t *claims = NULL;
    const json_t *tee = NULL;
    char *token = NULL;

    guest_begin(&s);
    guest_sealing_make(&s);
    CHECK_EQ(guest_ask(guest_info(&s))->status, 200);
    CHECK(guest_unseal(ck_key("rsa2048", 7)) == NULL); /* another machine */
    token = guest_unseal(s.key);
    if (token == NULL) {
        TEST_FAIL("no token: %s", kit_last()->body);
    }
    claims = token == NULL ? NULL : maa_claims_of(token);
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "azurevm");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-attestation-protocol-ver"), "2.0");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-ostype"), "Linux");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-osdistro"), "Debian");
    CHECK_EQ(json_integer_value(json_object_get(claims, "x-ms-azurevm-osversion-major")), 12);
    CHECK(json_is_false(json_object_get(claims, "x-ms-azurevm-is-windows")));
    CHECK(json_is_true(json_object_get(claims, "secureboot")));
    CHECK_STR(maa_text(claims, "x-ms-azurevm-vmid"), "1-2-3");
    CHECK_EQ(json_array_size(json_object_get(claims, "x-ms-azurevm-attested-pcrs")), 24);
    tee = json_object_get(claims, "x-ms-isolation-tee");
    CHECK_STR(maa_text(tee, "x-ms-attestation-type"), "sevsnpvm");
    for (size_t i = 0; i < sizeof(claims_of_snp) / sizeof(claims_of_snp[0]); i++) {
        CHECK(json_object_get(tee, claims_of_snp[i]) != NULL);
    }
    CHECK(json_object_get(claims, "x-ms-sevsnpvm-launchmeasurement") == NULL);
    /* Constellation reads the nonce there */
    CHECK_STR(maa_text(json_object_get(json_object_get(claims, "x-ms-runtime"), "client-payload"),
                       "nonce"),
              "bm9uY2U=");
    CHECK_STR(maa_text(json_array_get(
                           json_object_get(json_object_get(claims, "x-ms-runtime"), "keys"), 0),
                       "kid"),
              "TpmEphemeralEncryptionKey");
    free(token);
}

TEST(the_token_is_sealed_to_no_key_but_one_of_the_machines_own)
{
    struct sealing s;

    guest_begin(&s);
    s.signer = ck_key("rsa2048", 7); /* not the machine's attestation key */
    guest_sealing_make(&s);
    CHECK(guest_refused(guest_info(&s), "EncKeyCertifyInfo"));
    guest_sealing_init(&s);
    s.other_name = true; /* the word is about another key */
    guest_sealing_make(&s);
    CHECK(guest_refused(guest_info(&s), "EncKeyPub"));
    guest_sealing_init(&s);
    s.attributes = GUEST_ATTRIBUTES & ~0x2u; /* it may leave its TPM */
    guest_sealing_make(&s);
    CHECK(guest_refused(guest_info(&s), "EncKeyPub"));
    guest_sealing_init(&s);
    s.attributes = GUEST_ATTRIBUTES & ~0x20u; /* somebody else made it */
    guest_sealing_make(&s);
    CHECK(guest_refused(guest_info(&s), "EncKeyPub"));
    guest_sealing_init(&s);
    s.type = 0x8018; /* a quote is no word about a key */
    guest_sealing_make(&s);
    CHECK(guest_refused(guest_info(&s), "EncKey"));
}

TEST(evidence_of_two_machines_is_refused)
{
    struct sealing s;
    json_t *what = NULL;
    char *runtime = NULL;

    guest_begin(&s);
    guest_sealing_make(&s);
    guest_vm.pcrs[0] ^= 1;
    CHECK(guest_refused(guest_info(&s), "refused"));
    guest_vm.pcrs[0] ^= 1;
    guest_vm.quote[guest_vm.quote_len - 1] ^= 1;
    CHECK(guest_refused(guest_info(&s), "refused"));
    guest_vm.quote[guest_vm.quote_len - 1] ^= 1;
    guest_vm.snp.report[0x90] ^= 1; /* the measurement */
    CHECK(guest_refused(guest_info(&s), "refused"));
    guest_vm.snp.report[0x90] ^= 1;
    runtime = strstr(guest_vm.runtime, "1-2-3");
    REQUIRE(runtime != NULL);
    runtime[0] = '9';
    CHECK(guest_refused(guest_info(&s), "refused"));
    runtime[0] = '1';
    what = guest_info(&s);
    (void)json_object_del(json_object_get(what, "TpmInfo"), "PCRs");
    CHECK(guest_refused(what, "PCRs"));
    CHECK_EQ(guest_ask(guest_info(&s))->status, 200);
}

TEST(what_is_not_a_machines_evidence_is_refused)
{
    struct sealing s;
    json_t *what = NULL;

    guest_begin(&s);
    guest_sealing_make(&s);
    what = guest_info(&s);
    (void)json_object_set_new(json_object_get(what, "IsolationInfo"), "Type", json_string("Sgx"));
    CHECK(guest_refused(what, "SevSnp"));
    what = guest_info(&s);
    (void)json_object_del(what, "TpmInfo");
    CHECK(guest_refused(what, "PcrQuote"));
    what = guest_info(&s);
    (void)json_array_append_new(json_object_get(json_object_get(what, "TpmInfo"), "PCRs"),
                                json_pack("{s:i, s:s}", "Index", 0, "Digest", "AAAA"));
    CHECK(guest_refused(what, "PCRs"));
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "!"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{}"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "e30"))->status, 400);
    CHECK_EQ(maa_attest("AzureGuest", json_pack("{s:s}", "attestationInfo", "eyJhIjox"))->status,
             400);
}

/* ------------------------------------------------------------------ TDX */

static void begin_td(struct sealing *s)
{
    guest_begin(s);
    vm_free(&guest_td);
    vm_init(&guest_td);
    guest_td.kind = 4;
    vm_build(&guest_td);
    maa_start_invented(guest_td.td, NULL);
    s->signer = guest_td.ak;
    guest_sealing_make(s);
}

TEST(a_machine_of_tdx_gets_a_token_with_its_claims)
{
    static const char *const claims_of_td[] = {
        "tdx_mrtd", "tdx_rtmr0",    "tdx_td_attributes_debug", "attester_tcb_status",
        "dbgstat",  "x-ms-runtime", "x-ms-compliance-status"};
    struct sealing s;
    const json_t *claims = NULL;
    const json_t *tee = NULL;

    begin_td(&s);
    claims = guest_opened(&s, guest_info_of(&guest_td, &s, guest_tdx_isolation()));
    REQUIRE(claims != NULL);
    CHECK_STR(maa_text(claims, "x-ms-attestation-type"), "azurevm");
    CHECK_STR(maa_text(claims, "x-ms-azurevm-vmid"), "1-2-3");
    tee = json_object_get(claims, "x-ms-isolation-tee");
    CHECK_STR(maa_text(tee, "x-ms-attestation-type"), "tdxvm");
    CHECK_STR(maa_text(tee, "eat_profile"), "https://aka.ms/maa-eat-profile-tdxvm");
    for (size_t i = 0; i < sizeof(claims_of_td) / sizeof(claims_of_td[0]); i++) {
        if (json_object_get(tee, claims_of_td[i]) == NULL) {
            TEST_FAIL("%s is missing", claims_of_td[i]);
        }
    }
    CHECK(json_object_get(claims, "tdx_mrtd") == NULL);
}

TEST(runtime_data_that_the_td_quote_has_not_is_refused)
{
    struct sealing s;
    char *id = NULL;

    begin_td(&s);
    id = strstr(guest_td.runtime, "1-2-3");
    REQUIRE(id != NULL);
    id[0] = '9';
    CHECK(guest_refused(guest_info_of(&guest_td, &s, guest_tdx_isolation()), "azure.binding"));
    id[0] = '1';
    guest_td.td_quote[600] ^= 1;
    CHECK(guest_refused(guest_info_of(&guest_td, &s, guest_tdx_isolation()), "refused"));
    guest_td.td_quote[600] ^= 1;
    guest_td.td_quote_len = 100;
    CHECK(guest_refused(guest_info_of(&guest_td, &s, guest_tdx_isolation()), "refused"));
    guest_td.td_quote[0] = 'x';
    CHECK(guest_refused(guest_info_of(&guest_td, &s, guest_tdx_isolation()), "TD quote"));
}

TEST(a_policy_sees_which_tee_isolates_a_machine)
{
    struct sealing s;

    begin_td(&s);
    CHECK_EQ(maa_policy("AzureGuest", ASKS("sevsnpvm")), 200);
    CHECK(
        guest_refused(guest_info_of(&guest_td, &s, guest_tdx_isolation()), "authorization failed"));
    CHECK_EQ(maa_policy("AzureGuest", ASKS("tdxvm")), 200);
    CHECK(guest_opened(&s, guest_info_of(&guest_td, &s, guest_tdx_isolation())) != NULL);
    CHECK_EQ(maa_policy("AzureGuest", ISOLATED), 200);
}

TEST(the_end)
{
    struct sealing s;

    guest_begin(&s);
    guest_end();
    CHECK(true);
}

TEST_MAIN
