/*
 * Endorsements on a verifier's machine, which makes no quotes: nothing installed, an installation that
 * does not load, the provider library alone.
 */
#include "quoting_kit.h"

#include <openenclave/attestation/sgx/evidence.h>

#include "attest/attest_side.h"
#include "attest/attest_wire.h"

static void only_from(const char *collateral)
{
    (void)unsetenv("SGX_AESM_ADDR");
    (void)unsetenv("CASEMATE_PCCS_URL");
    (void)unsetenv("AZDCAP_BASE_CERT_URL");
    (void)setenv("QCNL_CONF_PATH", "/dev/null/no/place", 1); /* nobody else is asked */
    if (collateral != NULL) {
        (void)setenv("CASEMATE_COLLATERAL", collateral, 1);
    } else {
        (void)unsetenv("CASEMATE_COLLATERAL");
    }
}

/* The endorsements hold the platform's collateral and verify its quote. */
static void gives(const struct pki_bundle *b)
{
    struct cm_verify_input in = {.now = PKI_NOW, .roots = &b->root, .root_count = 1};
    struct cm_endorsements e;
    struct cm_evidence *ev = NULL;
    uint8_t *made = NULL;
    size_t size = 0;

    REQUIRE(cm_attest_fetch(b->quote, cm_span_make(NULL, 0), &made, &size) == OE_OK);
    REQUIRE(cm_endorsements_parse(cm_span_make(made, size), &e) == OE_OK);
    CHECK_EQ(cm_dcap_verify(b->quote, &e.collateral, &in, 0, NULL, &ev), CM_OK);
    cm_evidence_free(ev);
    free(made);
}

static void gives_nothing(const struct pki_bundle *b)
{
    uint8_t *made = NULL;
    size_t size = 0;

    CHECK_EQ(cm_attest_fetch(b->quote, cm_span_make(NULL, 0), &made, &size),
             OE_QUOTE_PROVIDER_CALL_ERROR);
    CHECK(made == NULL);
}

/* The user named a file; that nothing here makes quotes does not matter. */
static void from_file(unsigned version, unsigned body)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, version, body);
    b = kit_platform(&s);
    only_from(kit_dir);
    gives(b);
    (void)setenv("SGX_AESM_ADDR", "1", 1); /* asks for a maker that is not there */
    gives(b);
    only_from(NULL);
    gives_nothing(b);
    pki_free(b);
}

TEST(none_collateral_from_file)
{
    from_file(3, 1);
    from_file(4, 2);
}

/* A PCK chain that was fetched would be lost: endorsements have no place for it. */
TEST(none_chain_elsewhere_is_refused)
{
    for (unsigned type = 1; type < 6; type++) {
        struct cm_why why = {""};
        struct pki_spec s;
        struct pki_bundle *b = NULL;
        uint8_t *made = NULL;
        size_t size = 0;
        oe_result_t want = type == 5 ? OE_OK : OE_UNSUPPORTED;

        pki_defaults(&s, 3, 1);
        s.cert_type = type;
        s.give_chain = type != 5;
        b = kit_platform(&s);
        only_from(kit_dir);
        CHECK_EQ(cm_pck_chain_elsewhere(b->quote, &why), type != 5);
        CHECK(type == 5 || strstr(why.text, "casemate verify") != NULL);
        CHECK_EQ(oe_get_sgx_endorsements(b->quote.ptr, b->quote.len, NULL, 0, &made, &size), want);
        CHECK_EQ(made != NULL, type == 5);
        oe_free_sgx_endorsements(made);
        pki_free(b);
    }
    CHECK(!cm_pck_chain_elsewhere(cm_span_make("no quote", 8), NULL));
}

TEST(broken_collateral_from_file)
{
    from_file(3, 1);
}

TEST(provider_only_collateral_from_library)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;

    pki_defaults(&s, 3, 1);
    b = kit_platform(&s);
    only_from(NULL);
    gives(b);
    (void)setenv("FAKE_MODE", "fail:e019", 1);
    gives_nothing(b);
    pki_free(b);
}

TEST_MAIN
