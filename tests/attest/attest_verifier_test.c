/*
 * oe_verify_evidence() on the host, over quotes of the tests' own hierarchy: every format, every
 * status of the platform, what is refused and with which code, the claims.
 */
#include "attest_kit.h"

#include <time.h>

TEST(nothing_is_known_before_initialisation)
{
    oe_uuid_t *ids = NULL;
    uint8_t *settings = NULL;
    size_t n = 0;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(oe_verifier_get_formats(&ids, &n), OE_NOT_FOUND);
    CHECK_EQ(oe_verifier_get_format_settings(&kit_ecdsa, &settings, &n), OE_NOT_FOUND);
    CHECK_EQ(kit_verify(&k, NULL), OE_NOT_FOUND);
    kit_free(&k);
}

TEST(formats_of_the_host)
{
    oe_uuid_t *ids = NULL;
    uint8_t *settings = (uint8_t *)&ids;
    size_t n = 0;

    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    CHECK_EQ(oe_verifier_get_formats(NULL, &n), OE_INVALID_PARAMETER);
    REQUIRE(oe_verifier_get_formats(&ids, &n) == OE_OK);
    REQUIRE(n == 3);
    CHECK(cm_uuid_equal(&ids[0], &kit_ecdsa));
    CHECK(cm_uuid_equal(&ids[1], &kit_legacy));
    CHECK(cm_uuid_equal(&ids[2], &kit_raw));
    CHECK_EQ(oe_verifier_free_formats(ids), OE_OK);
    CHECK_EQ(oe_tdx_verifier_initialize(), OE_OK);
    REQUIRE(oe_verifier_get_formats(&ids, &n) == OE_OK);
    CHECK_EQ(n, 4);
    CHECK_EQ(oe_verifier_free_formats(ids), OE_OK);
    CHECK_EQ(oe_verifier_get_format_settings(NULL, &settings, &n), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verifier_get_format_settings(&kit_ecdsa, &settings, &n), OE_OK);
    CHECK(settings == NULL && n == 0);
    CHECK_EQ(oe_verifier_get_format_settings(&kit_local, &settings, &n), OE_NOT_FOUND);
    CHECK_EQ(oe_verifier_free_format_settings(settings), OE_OK);
}

TEST(an_unknown_root_is_refused)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK(k.claims == NULL && k.claim_count == 0);
    CHECK_EQ(cm_attest_trust_root(NULL, false), CM_ERR_PARAM);
    for (int i = 0; i < 20; i++) { /* known already: takes no room */
        kit_trust_tests_root();
    }
    CHECK_EQ(kit_verify(&k, NULL), OE_OK);
    kit_free(&k);
}

TEST(every_format_of_quotes)
{
    static const struct {
        const oe_uuid_t *id;
        unsigned version;
    } formats[] = {{&kit_ecdsa, 3}, {&kit_raw, 3},    {&kit_legacy, 3},
                   {&kit_ecdsa, 4}, {&kit_legacy, 4}, {&kit_raw, 5}};

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (int embed = 0; embed < 2; embed++) {
            struct pki_spec s;
            struct kit k;

            pki_defaults(&s, formats[i].version, 1);
            memset(s.body + 320, 0x5a, 64);
            k = kit_make(&s, formats[i].id, embed != 0);
            CHECK_EQ(kit_verify(&k, embed != 0 ? NULL : formats[i].id), OE_OK);
            claim_is(&k, OE_CLAIM_FORMAT_UUID, formats[i].id->b, 16);
            if (formats[i].id != &kit_ecdsa) {
                claim_is(&k, OE_CLAIM_SGX_REPORT_DATA, s.body + 320, 64);
                CHECK(kit_find(&k, OE_CLAIM_CUSTOM_CLAIMS_BUFFER) == NULL);
            }
            /* taken for the other kind it is refused */
            CHECK(kit_verify(&k, embed != 0 ? formats[i].id : NULL) != OE_OK);
            kit_free(&k);
        }
    }
}

/* quotes of one kind are not evidence of the other */
TEST(sgx_and_tdx_are_kept_apart)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 4, 2);
    k = kit_make(&s, &kit_tdx, false);
    CHECK_EQ(kit_verify(&k, &kit_raw), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_tdx_verifier_shutdown(), OE_OK);
    CHECK_EQ(kit_verify(&k, &kit_tdx), OE_NOT_FOUND);
    CHECK_EQ(oe_tdx_verifier_initialize(), OE_OK);
    kit_free(&k);
    pki_defaults(&s, 4, 1);
    k = kit_make(&s, &kit_raw, false);
    CHECK_EQ(kit_verify(&k, &kit_tdx), OE_INVALID_PARAMETER);
    kit_free(&k);
}

TEST(zeros_behind_a_td_quote_only)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 4, 2);
    k = kit_make(&s, &kit_tdx, false);
    k.evidence = realloc(k.evidence, k.evidence_size + 70);
    REQUIRE(k.evidence != NULL);
    memset(k.evidence + k.evidence_size, 0, 70);
    k.evidence_size += 70;
    CHECK_EQ(kit_verify(&k, &kit_tdx), OE_OK);
    k.evidence[k.evidence_size - 1] = 1;
    CHECK_EQ(kit_verify(&k, &kit_tdx), OE_INVALID_PARAMETER);
    kit_free(&k);
    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_raw, false);
    k.evidence = realloc(k.evidence, k.evidence_size + 1);
    REQUIRE(k.evidence != NULL);
    k.evidence[k.evidence_size++] = 0;
    CHECK_EQ(kit_verify(&k, &kit_raw), OE_INVALID_PARAMETER);
    kit_free(&k);
}

TEST(H2_every_tcb_status)
{
    static const struct {
        const char *name;
        oe_sgx_tcb_status_t status;
        oe_result_t result;
    } all[] = {
        {"UpToDate", OE_SGX_TCB_STATUS_UP_TO_DATE, OE_OK},
        {"SWHardeningNeeded", OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED, OE_OK},
        {"ConfigurationNeeded", OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED, OE_TCB_LEVEL_INVALID},
        {"ConfigurationAndSWHardeningNeeded",
         OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED, OE_TCB_LEVEL_INVALID},
        {"OutOfDate", OE_SGX_TCB_STATUS_OUT_OF_DATE, OE_TCB_LEVEL_INVALID},
        {"OutOfDateConfigurationNeeded", OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED,
         OE_TCB_LEVEL_INVALID},
        {"Revoked", OE_SGX_TCB_STATUS_REVOKED, OE_TCB_LEVEL_INVALID},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct pki_spec s;
        struct kit k;

        pki_defaults(&s, 3, 1);
        s.levels[0].status = all[i].name;
        k = kit_make(&s, &kit_ecdsa, true);
        CHECK_EQ(kit_verify(&k, NULL), all[i].result);
        claim_is(&k, OE_CLAIM_TCB_STATUS, &all[i].status, 4);
        /* bound data are judged also of a platform that is refused */
        k.evidence[k.evidence_size - 1] ^= 1;
        CHECK_EQ(kit_verify(&k, NULL), OE_QUOTE_HASH_MISMATCH);
        CHECK(k.claims == NULL);
        kit_free(&k);
    }
}

/* the hash alone does not make report data: what stands behind it is signed too, and must be zeros */
TEST(G7_report_data_are_the_hash_and_zeros)
{
    static const size_t tails[] = {0, 352, 383}; /* none, the first byte, the last */

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        struct cm_span claims = {(const uint8_t *)kit_claims, sizeof(kit_claims)};
        struct cm_span parts[2] = {{NULL, 0}, claims};
        struct pki_spec s;
        struct kit k;

        pki_defaults(&s, 3, 1);
        memset(s.body + 320, 0, 64);
        REQUIRE(cm_sha256_of(claims, s.body + 320) == CM_OK);
        if (tails[i] != 0) {
            s.body[tails[i]] = 1;
        }
        k = kit_make(&s, &kit_raw, false); /* which leaves the report data as they are */
        free(k.evidence);
        parts[0] = k.bundle->quote;
        REQUIRE(cm_attest_join(NULL, parts, 2, &k.evidence, &k.evidence_size) == OE_OK);
        CHECK_EQ(kit_verify(&k, &kit_ecdsa), tails[i] == 0 ? OE_OK : OE_QUOTE_HASH_MISMATCH);
        kit_free(&k);
    }
}

TEST(H2_no_level_describes_the_platform)
{
    const oe_sgx_tcb_status_t none = OE_SGX_TCB_STATUS_INVALID;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    memset(s.ext.comp, 1, 16);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_TCB_LEVEL_INVALID);
    claim_is(&k, OE_CLAIM_TCB_STATUS, &none, 4);
    kit_free(&k);
}

TEST(H2_td_relaunch_is_a_status)
{
    const oe_sgx_tcb_status_t advised = OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 5, 3);
    s.body[0] = 4;   /* tee_tcb_svn: the module at launch is out of date */
    s.body[584] = 7; /* and was updated since */
    k = kit_make(&s, &kit_tdx, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_TCB_LEVEL_INVALID);
    claim_is(&k, OE_CLAIM_TCB_STATUS, &advised, 4);
    kit_free(&k);
}

#define REFUSED(code, change)                 \
    do {                                      \
        struct pki_spec s;                    \
        struct kit k;                         \
        pki_defaults(&s, 3, 1);               \
        change;                               \
        k = kit_make(&s, &kit_ecdsa, true);   \
        CHECK_EQ(kit_verify(&k, NULL), code); \
        CHECK(k.claims == NULL);              \
        kit_free(&k);                         \
    } while (0)

TEST(what_is_refused_and_how)
{
    REFUSED(OE_VERIFY_FAILED, s.quote_signer = PKI_OTHER);
    REFUSED(OE_VERIFY_FAILED, s.qe_report_signer = PKI_OTHER);
    REFUSED(OE_VERIFY_FAILED, s.pck.signer = PKI_OTHER);
    REFUSED(OE_VERIFY_FAILED, s.tcb_signer = PKI_OTHER);
    REFUSED(OE_VERIFY_FAILED, s.qe_signer = PKI_OTHER);
    REFUSED(OE_VERIFY_FAILED, s.tcb_fmspc[0] ^= 1);
    REFUSED(OE_JSON_INFO_PARSE_ERROR, s.levels[0].status = "Fine");
    REFUSED(OE_INVALID_QE_IDENTITY_INFO, s.qe_version = 1);
    REFUSED(OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED, s.qe_isvprodid ^= 1);
    REFUSED(OE_INVALID_REVOCATION_INFO, s.pck_crl.signer = PKI_OTHER);
    REFUSED(OE_INVALID_REVOCATION_INFO, s.root_crl.number = -1);
    REFUSED(OE_VERIFY_REVOKED, s.pck_crl.revoked = s.pck.serial);
    REFUSED(OE_VERIFY_REVOKED, s.root_crl.revoked = s.ca.serial);
    REFUSED(OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD, s.pck.not_after = PKI_NOW - 1);
    REFUSED(OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD, s.tcb_next = PKI_NOW - 1);
    REFUSED(OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD, s.pck_crl.next_update = PKI_NOW - 1);
    REFUSED(OE_UNSUPPORTED, s.header[0] = 9);
    REFUSED(OE_VERIFY_FAILED, s.body[48] |= 2); /* H1: debug */
}

TEST(H1_debug_is_accepted_by_name_only)
{
    const uint64_t flags = OE_EVIDENCE_ATTRIBUTES_SGX_REMOTE | OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    s.body[48] |= 2;
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_DEBUG", "yes", 1), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_DEBUG", "1", 1), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_OK);
    claim_is(&k, OE_CLAIM_ATTRIBUTES, &flags, 8);
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_DEBUG"), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    kit_free(&k);
}

TEST(G5_emulated_is_accepted_by_name_only)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    kit_under_root(&s, "Casemate EMULATED SGX Root CA");
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "0", 1), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_OK);
    claim_is(&k, CM_OE_CLAIM_EMULATED, "EMULATED", 9);
    k.evidence[100] ^= 1; /* it must still be genuine */
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_EMULATED"), 0);
    kit_free(&k);
}

/* what calls itself otherwise is not taken for an emulator, whatever the user accepts */
TEST(G5_a_stranger_is_no_emulator)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    kit_under_root(&s, "Casemate EMULATED SGX Root CA 2");
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(setenv("CASEMATE_ACCEPT_EMULATED", "1", 1), 0);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    CHECK_EQ(unsetenv("CASEMATE_ACCEPT_EMULATED"), 0);
    kit_free(&k);
}

TEST(G5_the_root_named_as_emulated)
{
    uint8_t spki[32];
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    kit_under_root(&s, "Casemate EMULATED SGX Root CA");
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&k, NULL), OE_VERIFY_FAILED);
    pki_spki(PKI_OTHER, spki);
    CHECK_EQ(cm_attest_trust_root(spki, true), CM_OK);
    CHECK_EQ(kit_verify(&k, NULL), OE_OK);
    claim_is(&k, CM_OE_CLAIM_EMULATED, "EMULATED", 9);
    kit_free(&k);
}

TEST(H7_validity_is_judged_at_the_policys_time_or_now)
{
    struct pki_spec s;
    struct kit k;
    oe_datetime_t bad = {2026, 13, 1, 0, 0, 0};
    oe_policy_t policies[2] = {{OE_POLICY_ENDORSEMENTS_TIME, &bad, sizeof(bad)},
                               {OE_POLICY_ENDORSEMENTS_TIME, &bad, sizeof(bad)}};

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify_at(&k, NULL, PKI_NOW - PKI_DAY), OE_OK);
    CHECK_EQ(kit_verify_at(&k, NULL, PKI_NOW - PKI_DAY - 1),
             OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD);
    CHECK_EQ(kit_verify_at(&k, NULL, PKI_NOW + 29 * PKI_DAY), OE_OK);
    CHECK_EQ(kit_verify_at(&k, NULL, PKI_NOW + 29 * PKI_DAY + 1),
             OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD);
    /* without a policy: the clock, and not the creation date that stands in the endorsements */
    REQUIRE(time(NULL) > (time_t)(PKI_NOW + 30 * PKI_DAY));
    CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, k.endorsements,
                                k.endorsements_size, NULL, 0, NULL, NULL),
             OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD);
    for (size_t n = 1; n <= 2; n++) {
        CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, k.endorsements,
                                    k.endorsements_size, policies, n, NULL, NULL),
                 OE_INVALID_PARAMETER);
        bad = kit_date(PKI_NOW); /* right, but twice */
    }
    kit_free(&k);
}

static oe_result_t verify_policy(struct kit *k, oe_policy_type_t type, void *value, size_t size)
{
    oe_datetime_t date = kit_date(PKI_NOW);
    oe_policy_t policies[2] = {{OE_POLICY_ENDORSEMENTS_TIME, &date, sizeof(date)},
                               {type, value, size}};

    (void)oe_free_claims(k->claims, k->claim_count);
    k->claims = NULL;
    k->claim_count = 0;
    return oe_verify_evidence(NULL, k->evidence, k->evidence_size, k->endorsements,
                              k->endorsements_size, policies, 2, &k->claims, &k->claim_count);
}

TEST(policies)
{
    const oe_sgx_tcb_status_t statuses[2] = {OE_SGX_TCB_STATUS_UP_TO_DATE,
                                             OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED};
    static const char *const names[2] = {"OutOfDate", "OutOfDateConfigurationNeeded"};
    int64_t date = 0;
    char text[] = "17";

    for (size_t i = 0; i < 2; i++) {
        struct pki_spec s;
        struct kit k;

        pki_defaults(&s, 3, 1);
        s.levels[0].status = names[i];
        k = kit_make(&s, &kit_ecdsa, true);
        CHECK_EQ(kit_verify(&k, NULL), OE_TCB_LEVEL_INVALID);
        date = 0;
        CHECK_EQ(verify_policy(&k, OE_POLICY_TCB_BASELINE_DATE, &date, sizeof(date)),
                 i == 0 ? OE_OK : OE_TCB_LEVEL_INVALID);
        claim_is(&k, OE_CLAIM_TCB_STATUS, &statuses[i], 4);
        date = (int64_t)PKI_NOW + 1000 * (int64_t)PKI_DAY; /* later than the level */
        CHECK_EQ(verify_policy(&k, OE_POLICY_TCB_BASELINE_DATE, &date, sizeof(date)),
                 OE_TCB_LEVEL_INVALID);
        CHECK_EQ(verify_policy(&k, OE_POLICY_TCB_BASELINE_DATE, &date, 4), OE_INVALID_PARAMETER);
        CHECK_EQ(verify_policy(&k, OE_POLICY_TCB_BASELINE_DATE, NULL, 8), OE_INVALID_PARAMETER);
        CHECK_EQ(verify_policy(&k, OE_POLICY_ENDORSEMENTS_BASELINE, text, 2), OE_TCB_LEVEL_INVALID);
        CHECK_EQ(verify_policy(&k, (oe_policy_type_t)77, text, 2), OE_INVALID_PARAMETER);
        CHECK_EQ(verify_policy(&k, OE_POLICY_ENDORSEMENTS_BASELINE, NULL, 2), OE_INVALID_PARAMETER);
        CHECK_EQ(verify_policy(&k, OE_POLICY_ENDORSEMENTS_BASELINE, text, 0), OE_INVALID_PARAMETER);
        {
            const oe_policy_t twice[2] = {{OE_POLICY_ENDORSEMENTS_BASELINE, text, 2},
                                          {OE_POLICY_ENDORSEMENTS_BASELINE, text, 2}};
            oe_claim_t *claims = NULL;
            size_t n = 0;

            CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, k.endorsements,
                                        k.endorsements_size, twice, 2, &claims, &n),
                     OE_INVALID_PARAMETER);
        }
        kit_free(&k);
    }
}

TEST(H7_minimum_issue_date)
{
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(2023, 2, 29, 0, 0, 0),
             OE_INVALID_UTC_DATE_TIME);
    CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(2023, 11, 13, 22, 13, 20), OE_OK);
    CHECK_EQ(kit_verify(&k, NULL), OE_OK); /* issued in this very second */
    CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(2023, 11, 13, 22, 13, 21), OE_OK);
    CHECK_EQ(kit_verify(&k, NULL), OE_INVALID_REVOCATION_INFO);
    CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(1970, 1, 1, 0, 0, 0), OE_OK);
    CHECK_EQ(kit_verify(&k, NULL), OE_OK);
    kit_free(&k);
}

/* one that is a second too old among three that are not: each is looked at for itself */
TEST(H7_each_issue_date_has_the_minimum)
{
    for (int td = 0; td < 2; td++) {
        const oe_uuid_t *format = td != 0 ? &kit_tdx : &kit_ecdsa;

        for (size_t old = 0; old < 5; old++) {
            struct pki_spec s;
            uint64_t *const dates[4] = {&s.tcb_issued, &s.qe_issued, &s.root_crl.this_update,
                                        &s.pck_crl.this_update};
            struct kit k;

            pki_defaults(&s, 4, td != 0 ? 2 : 1);
            for (size_t i = 0; i < 4; i++) {
                *dates[i] = PKI_NOW - PKI_DAY + (i == old ? 0 : 1);
            }
            k = kit_make(&s, format, true);
            CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(2023, 11, 13, 22, 13, 21), OE_OK);
            CHECK_EQ(kit_verify(&k, NULL), old == 4 ? OE_OK : OE_INVALID_REVOCATION_INFO);
            CHECK_EQ(__oe_sgx_set_minimum_crl_tcb_issue_date(1970, 1, 1, 0, 0, 0), OE_OK);
            CHECK_EQ(kit_verify(&k, NULL), OE_OK); /* nothing else is wrong with it */
            kit_free(&k);
        }
    }
}

TEST(parameters)
{
    oe_claim_t *claims = NULL;
    size_t n = 0;
    struct pki_spec s;
    struct kit k;
    struct kit other;

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(oe_verify_evidence(NULL, NULL, 0, NULL, 0, NULL, 0, &claims, &n),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, NULL, 4, NULL, 0, &claims, &n),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, NULL, 0, NULL, 1, &claims, &n),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, NULL, 0, NULL, 0, NULL, &n),
             OE_INVALID_PARAMETER);
    CHECK_EQ(
        oe_verify_evidence(&kit_local, k.evidence, k.evidence_size, NULL, 0, NULL, 0, &claims, &n),
        OE_NOT_FOUND);
    pki_defaults(&s, 3, 1);
    other = kit_make(&s, &kit_raw, true);
    CHECK_EQ(oe_verify_evidence(NULL, k.evidence, k.evidence_size, other.endorsements,
                                other.endorsements_size, NULL, 0, &claims, &n),
             OE_CONSTRAINT_FAILED);
    kit_free(&other);
    kit_free(&k);
    CHECK_EQ(oe_free_claims(NULL, 0), OE_OK);
}

TEST(H7_legacy_reports_know_no_other_time_than_now)
{
    oe_report_t r;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    memset(s.body + 320, 0x77, 64);
    k = kit_make(&s, &kit_legacy, false);
    CHECK_EQ(oe_verify_remote_report(NULL, 1, NULL, 0, &r), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_remote_report(k.evidence, k.evidence_size, k.endorsements,
                                     k.endorsements_size, &r),
             OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD);
    kit_free(&k);
}

TEST(roots_have_a_limit)
{
    uint8_t spki[32] = {0};
    enum cm_status st = CM_OK;

    for (uint8_t i = 1; i < 20 && st == CM_OK; i++) {
        spki[0] = i;
        st = cm_attest_trust_root(spki, false);
    }
    CHECK_EQ(st, CM_ERR_LIMIT);
}

TEST(shutdown)
{
    oe_uuid_t *ids = NULL;
    size_t n = 0;

    CHECK_EQ(oe_verifier_shutdown(), OE_OK);
    CHECK_EQ(oe_verifier_shutdown(), OE_OK);
    CHECK_EQ(oe_tdx_verifier_shutdown(), OE_OK);
    CHECK_EQ(oe_verifier_get_formats(&ids, &n), OE_NOT_FOUND);
}

TEST_MAIN
