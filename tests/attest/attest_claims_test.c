/* What verified evidence claims: each claim of SGX and TDX quotes, its bytes and its place. */
#include "attest_kit.h"

TEST(set_up)
{
    kit_trust_tests_root();
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    CHECK_EQ(oe_tdx_verifier_initialize(), OE_OK);
}

/* the names in the order in which Open Enclave gives them: applications index by it */
static void claims_in_order(const struct kit *k)
{
    size_t at = 0;

    REQUIRE(k->claim_count >= 7 + 10 + 6 + 8);
    for (size_t i = 0; i < OE_REQUIRED_CLAIMS_COUNT; i++, at++) {
        CHECK_STR(k->claims[at].name, OE_REQUIRED_CLAIMS[i]);
    }
    for (size_t i = 0; i < OE_SGX_REQUIRED_CLAIMS_COUNT; i++, at++) {
        CHECK_STR(k->claims[at].name, OE_SGX_REQUIRED_CLAIMS[i]);
    }
    for (size_t i = 0; i < OE_OPTIONAL_CLAIMS_COUNT; i++, at++) {
        CHECK_STR(k->claims[at].name, OE_OPTIONAL_CLAIMS[i]);
    }
    for (size_t i = 0; i < OE_SGX_OPTIONAL_CLAIMS_COUNT; i++, at++) {
        CHECK_STR(k->claims[at].name, OE_SGX_OPTIONAL_CLAIMS[i]);
    }
}

static void sgx_spec(struct pki_spec *s)
{
    pki_defaults(s, 3, 1);
    for (size_t i = 0; i < 384; i++) {
        s->body[i] = (uint8_t)(i * 7);
    }
    memset(s->body + 20, 0, 12);
    memset(s->body + 48, 0, 8);
    s->body[48] = 0x85; /* INIT, MODE64, KSS */
    s->body[16] = 1;
    s->body[256] = 0x34;
    s->body[257] = 0x12;
    s->body[258] = 0x08;
    s->body[259] = 0x07;
    s->body[260] = 0x09;
    s->body[261] = 0x0a;
    s->header[10] = 13;
}

TEST(claims_of_sgx_evidence)
{
    static const uint8_t product[16] = {0x34, 0x12};
    const uint32_t zero = 0;
    const uint32_t isvsvn = 0x0708;
    const uint16_t configsvn = 0x0a09;
    const uint16_t pcesvn = 13;
    const uint64_t remote = OE_EVIDENCE_ATTRIBUTES_SGX_REMOTE;
    const oe_sgx_tcb_status_t status = OE_SGX_TCB_STATUS_UP_TO_DATE;
    oe_datetime_t date;
    uint8_t ueid[21] = {1};
    struct pki_spec s;
    struct kit k;

    sgx_spec(&s);
    k = kit_make(&s, &kit_ecdsa, false);
    CHECK_EQ(kit_verify(&k, &kit_ecdsa), OE_OK);
    claims_in_order(&k);
    claim_is(&k, OE_CLAIM_ID_VERSION, &zero, 4);
    claim_is(&k, OE_CLAIM_SECURITY_VERSION, &isvsvn, 4);
    claim_is(&k, OE_CLAIM_ATTRIBUTES, &remote, 8);
    claim_is(&k, OE_CLAIM_UNIQUE_ID, s.body + 64, 32);
    claim_is(&k, OE_CLAIM_SIGNER_ID, s.body + 128, 32);
    claim_is(&k, OE_CLAIM_PRODUCT_ID, product, 16);
    claim_is(&k, OE_CLAIM_FORMAT_UUID, kit_ecdsa.b, 16);
    claim_flag(&k, OE_CLAIM_SGX_PF_GP_EXINFO_ENABLED, true);
    claim_is(&k, OE_CLAIM_SGX_ISV_EXTENDED_PRODUCT_ID, s.body + 32, 16);
    claim_flag(&k, OE_CLAIM_SGX_IS_MODE64BIT, true);
    claim_flag(&k, OE_CLAIM_SGX_HAS_PROVISION_KEY, false);
    claim_flag(&k, OE_CLAIM_SGX_HAS_EINITTOKEN_KEY, false);
    claim_flag(&k, OE_CLAIM_SGX_USES_KSS, true);
    claim_is(&k, OE_CLAIM_SGX_CONFIG_ID, s.body + 192, 64);
    claim_is(&k, OE_CLAIM_SGX_CONFIG_SVN, &configsvn, 2);
    claim_is(&k, OE_CLAIM_SGX_ISV_FAMILY_ID, s.body + 304, 16);
    claim_is(&k, OE_CLAIM_SGX_CPU_SVN, s.body, 16);
    claim_is(&k, OE_CLAIM_TCB_STATUS, &status, 4);
    memcpy(ueid + 1, s.header + 28, 20);
    claim_is(&k, OE_CLAIM_UEID, ueid, sizeof(ueid));
    claim_is(&k, OE_CLAIM_HARDWARE_MODEL, s.ext.fmspc, 6);
    date = kit_date(PKI_NOW - PKI_DAY);
    claim_is(&k, OE_CLAIM_VALIDITY_FROM, &date, sizeof(date));
    date = kit_date(PKI_NOW + 29 * PKI_DAY);
    claim_is(&k, OE_CLAIM_VALIDITY_UNTIL, &date, sizeof(date));
    CHECK(kit_find(&k, OE_CLAIM_TCB_DATE) != NULL);
    claim_is(&k, OE_CLAIM_SGX_PCE_SVN, &pcesvn, 2);
    claim_is(&k, OE_CLAIM_CUSTOM_CLAIMS_BUFFER, kit_claims, sizeof(kit_claims));
    CHECK(kit_find(&k, OE_CLAIM_SGX_REPORT_DATA) == NULL);
    CHECK(kit_find(&k, CM_OE_CLAIM_EMULATED) == NULL);
    kit_free(&k);
}

/* the certificate of a letter of pki_order in a chain of that order */
static struct cm_span block_of(struct cm_span chain, const char *order, char letter)
{
    static const char end[] = "-----END CERTIFICATE-----\n";
    const char *at = (const char *)chain.ptr;
    const char *next = at;

    for (const char *o = order; *o != '\0'; o++) {
        at = next;
        next = strstr(at, end); /* the bundle ends its texts with a NUL */
        kit_must(next != NULL, "a chain of three");
        next += sizeof(end) - 1;
        if (*o == letter) {
            break;
        }
    }
    return cm_span_make(at, (size_t)(next - at));
}

/* what stands in the endorsements as the issuers of the PCK CA's list, and what the claim says */
static void issuers_are(struct kit *k, const uint8_t *want, size_t size)
{
    struct cm_endorsements e;
    size_t bogus = OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT;
    uint8_t *item = NULL;

    REQUIRE(cm_endorsements_parse(cm_span_make(k->endorsements, k->endorsements_size), &e) ==
            OE_OK);
    REQUIRE(e.items[bogus].len == size);
    CHECK_MEM(e.items[bogus].ptr, want, size);
    item = k->endorsements + (e.items[bogus].ptr - k->endorsements);
    CHECK_EQ(kit_verify(k, &kit_ecdsa), OE_OK);
    claim_is(k, OE_CLAIM_SGX_CRL_ISSUER_CHAIN, want, size);
    claim_is(k, OE_CLAIM_SGX_TCB_INFO, e.items[OE_SGX_ENDORSEMENT_FIELD_TCB_INFO].ptr,
             e.items[OE_SGX_ENDORSEMENT_FIELD_TCB_INFO].len);
    for (size_t i = 0; i <= k->bundle->pck_chain.len;
         i++) { /* nobody signs the quote's text either */
        uint8_t *at = k->evidence + k->bundle->quote.len - 1 - i;

        *at = *at == '\n' ? 0 : *at;
    }
    CHECK_EQ(kit_verify(k, &kit_ecdsa), OE_OK);
    claim_is(k, OE_CLAIM_SGX_CRL_ISSUER_CHAIN, want, size);
    memset(item, 'A', size); /* nor this */
    CHECK_EQ(kit_verify(k, &kit_ecdsa), OE_OK);
    claim_is(k, OE_CLAIM_SGX_CRL_ISSUER_CHAIN, want, size);
}

TEST(H12_the_claimed_issuers_are_those_of_the_verified_chain)
{
    static const char *const orders[] = {"lcr", "rcl", "clr"};

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct pki_spec s;
        struct kit k;
        struct cm_span ca = {NULL, 0};
        struct cm_span root = {NULL, 0};
        uint8_t want[8192] = {0};

        pki_defaults(&s, 3, 1);
        s.pck_order = orders[i];
        s.trailing_nul = true;
        k = kit_make(&s, &kit_ecdsa, false);
        ca = block_of(k.bundle->pck_chain, orders[i], 'c');
        root = block_of(k.bundle->pck_chain, orders[i], 'r');
        REQUIRE(ca.len + root.len < sizeof(want));
        memcpy(want, ca.ptr, ca.len);
        memcpy(want + ca.len, root.ptr, root.len);
        issuers_are(&k, want, ca.len + root.len + 1);
        kit_free(&k);
    }
}

TEST(claims_of_td_quotes)
{
    static const unsigned versions[][2] = {{4, 2}, {5, 2}, {5, 3}, {5, 4}};

    for (size_t i = 0; i < 4; i++) {
        struct pki_spec s;
        struct kit k;
        const oe_claim_t *c = NULL;

        pki_defaults(&s, versions[i][0], versions[i][1]);
        s.body[120 + 2] = 2;    /* SERVTD_EXT */
        s.body[120 + 3] = 0x10; /* SEPT_VE_DISABLE */
        s.body[120 + 7] = 0x80; /* PERFMON */
        k = kit_make(&s, &kit_tdx, true);
        CHECK_EQ(kit_verify(&k, NULL), OE_OK);
        REQUIRE(k.claim_count >= 7 + 29 + 6 + 2);
        for (size_t n = 0; n < OE_TDX_REQUIRED_CLAIMS_COUNT; n++) {
            CHECK_STR(k.claims[7 + n].name, OE_TDX_REQUIRED_CLAIMS[n]);
        }
        claim_is(&k, OE_CLAIM_UNIQUE_ID, s.body + 136, 48);
        claim_is(&k, OE_CLAIM_TDX_MRTD, s.body + 136, 48);
        claim_is(&k, OE_CLAIM_TDX_RTMR3, s.body + 472, 48);
        claim_is(&k, OE_CLAIM_TDX_REPORT_DATA, s.body + 520, 64);
        claim_flag(&k, OE_CLAIM_TDX_TD_ATTRIBUTES_DEBUG, false);
        claim_flag(&k, OE_CLAIM_TDX_TD_ATTRIBUTES_SERVTD_EXT, true);
        claim_flag(&k, OE_CLAIM_TDX_TD_ATTRIBUTES_SEPT_VE_DISABLE, true);
        claim_flag(&k, OE_CLAIM_TDX_TD_ATTRIBUTES_MIGRATABLE, false);
        claim_flag(&k, OE_CLAIM_TDX_TD_ATTRIBUTES_PERFMON, true);
        c = kit_find(&k, OE_CLAIM_TDX_SA_LIST);
        CHECK(c != NULL && c->value_size == 1 && c->value[0] == 0);
        CHECK(kit_find(&k, OE_CLAIM_TDX_PCE_SVN) != NULL);
        CHECK_EQ(kit_find(&k, OE_CLAIM_TDX_VMID) != NULL, versions[i][1] == 4);
        if (versions[i][1] == 4) {
            claim_is(&k, OE_CLAIM_TDX_CURR_SERVER_TD_ATTR, s.body + 877, 8);
        }
        kit_free(&k);
    }
}

TEST_MAIN
