/*
 * The bytes of attestation: every truncation of evidence and endorsements is refused, and every
 * flipped bit where a signature covers it; custom claims, reports, signers of keys; no memory.
 */
#include "attest_kit.h"

#include <openssl/bn.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "attest/attest_report.h"

static struct kit kit;

static oe_result_t verify_sizes(const uint8_t *evidence, size_t evidence_size,
                                const uint8_t *endorsements, size_t endorsements_size)
{
    oe_datetime_t date = kit_date(PKI_NOW);
    oe_policy_t policy = {OE_POLICY_ENDORSEMENTS_TIME, &date, sizeof(date)};
    oe_claim_t *claims = NULL;
    size_t n = 0;
    oe_result_t result = oe_verify_evidence(NULL, evidence, evidence_size, endorsements,
                                            endorsements_size, &policy, 1, &claims, &n);

    CHECK(result == OE_OK || (claims == NULL && n == 0));
    (void)oe_free_claims(claims, n);
    return result;
}

static oe_result_t verify_kit(void)
{
    return verify_sizes(kit.evidence, kit.evidence_size, kit.endorsements, kit.endorsements_size);
}

TEST(set_up)
{
    struct pki_spec s;

    CHECK_EQ(setenv("OE_LOG_LEVEL", "NONE", 1), 0);
    kit_trust_tests_root();
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    pki_defaults(&s, 3, 1);
    kit = kit_make(&s, &kit_ecdsa, true);
    CHECK_EQ(kit_verify(&kit, NULL), OE_OK);
}

/* each in a block of its own length, so that reading one byte too far is seen by sanitisers */
TEST(H10_every_truncation_is_refused)
{
    for (size_t n = 0; n < kit.evidence_size; n++) {
        uint8_t *part = malloc(n == 0 ? 1 : n);

        REQUIRE(part != NULL);
        memcpy(part, kit.evidence, n);
        if (verify_sizes(part, n, kit.endorsements, kit.endorsements_size) == OE_OK) {
            TEST_FAIL("evidence of %zu bytes", n);
        }
        free(part);
    }
    for (size_t n = 0; n < kit.endorsements_size; n++) {
        uint8_t *part = malloc(n == 0 ? 1 : n);

        REQUIRE(part != NULL);
        memcpy(part, kit.endorsements, n);
        if (verify_sizes(kit.evidence, kit.evidence_size, part, n) == OE_OK) {
            TEST_FAIL("endorsements of %zu bytes", n);
        }
        free(part);
    }
}

/* the header's own size made to fit: the truncation is of what is inside */
TEST(H10_truncations_with_a_header_that_agrees)
{
    uint8_t *part = malloc(kit.evidence_size);

    REQUIRE(part != NULL);
    memcpy(part, kit.evidence, kit.evidence_size);
    for (uint64_t n = CM_ATTEST_HEADER_SIZE; n < kit.evidence_size; n++) {
        uint64_t inside = n - CM_ATTEST_HEADER_SIZE;

        memcpy(part + 24, &inside, 8);
        if (verify_sizes(part, n, kit.endorsements, kit.endorsements_size) == OE_OK) {
            TEST_FAIL("evidence of %zu bytes", (size_t)n);
        }
    }
    free(part);
}

/* all but the padding of the attestation header; of the PEM text every fifth byte, for time's sake */
TEST(bit_flips_of_evidence_are_refused)
{
    const size_t text = CM_ATTEST_HEADER_SIZE + 1100;

    for (size_t i = 0; i < kit.evidence_size; i++) {
        bool sampled = i > text && i + 64 < kit.evidence_size && i % 5 != 0;

        if ((i >= 20 && i < 24) || sampled) {
            continue;
        }
        kit.evidence[i] ^= (uint8_t)(1u << (i % 8));
        if (verify_kit() == OE_OK) {
            TEST_FAIL("byte %zu", i);
        }
        kit.evidence[i] ^= (uint8_t)(1u << (i % 8));
    }
    CHECK_EQ(verify_kit(), OE_OK);
}

/* all but the issuers of the PCK CA's list (the quote's own are used) and the creation date */
TEST(bit_flips_of_endorsements_are_refused)
{
    const struct cm_span inside = {kit.endorsements + CM_ATTEST_HEADER_SIZE,
                                   kit.endorsements_size - CM_ATTEST_HEADER_SIZE};
    struct cm_endorsements e;

    REQUIRE(cm_endorsements_parse(inside, &e) == OE_OK);
    for (size_t f = 0; f < OE_SGX_ENDORSEMENT_COUNT; f++) {
        uint8_t *p = kit.endorsements + (e.items[f].ptr - kit.endorsements);
        size_t len = e.items[f].len;

        if (f == OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT ||
            f == OE_SGX_ENDORSEMENT_FIELD_CREATION_DATETIME) {
            continue;
        }
        for (size_t i = 0; i<len; i += len> 100 ? 7 : 1) {
            p[i] ^= 1u;
            if (verify_kit() == OE_OK) {
                TEST_FAIL("element %zu, byte %zu", f, i);
            }
            p[i] ^= 1u;
        }
    }
    CHECK_EQ(verify_kit(), OE_OK);
}

TEST(endorsements_with_lists_in_all_forms)
{
    for (int form = 0; form < 3; form++) {
        struct pki_spec s;
        struct kit k;

        pki_defaults(&s, 3, 1);
        s.root_crl.form = form;
        s.pck_crl.form = 2 - form;
        k = kit_make(&s, &kit_ecdsa, true);
        CHECK_EQ(kit_verify(&k, NULL), OE_OK);
        kit_free(&k);
    }
}

/* header, offsets and version: each word made enormous */
TEST(H10_endorsements_with_wrong_words)
{
    static const uint32_t wrong[] = {0xffffffff, 0x80000000, 0x7fffffff};
    const struct cm_span in = {kit.endorsements + CM_ATTEST_HEADER_SIZE,
                               kit.endorsements_size - CM_ATTEST_HEADER_SIZE};
    struct cm_endorsements e;
    uint8_t *copy = malloc(in.len);

    REQUIRE(copy != NULL);
    for (size_t at = 0; at < 16 + 4 * OE_SGX_ENDORSEMENT_COUNT + 4; at += 4) {
        for (size_t v = 0; v < sizeof(wrong) / sizeof(wrong[0]); v++) {
            memcpy(copy, in.ptr, in.len);
            memcpy(copy + at, &wrong[v], 4);
            if (cm_endorsements_parse(cm_span_make(copy, in.len), &e) == OE_OK) {
                TEST_FAIL("word at %zu is %x", at, wrong[v]);
            }
        }
    }
    free(copy);
}

TEST(too_large_endorsements_are_refused)
{
    uint8_t *big = calloc(1, 300u * 1024);
    struct cm_dcap_collateral col = {.tcb_info = {big, 300u * 1024}};
    uint8_t *out = NULL;
    size_t size = 0;

    REQUIRE(big != NULL);
    CHECK_EQ(cm_endorsements_make(&col, cm_span_make(NULL, 0), PKI_NOW, &out, &size),
             OE_INVALID_ENDORSEMENT);
    free(big);
}

/* ------------------------------------------------------------- custom claims */

static oe_claim_t claim(char *name, void *value, size_t size)
{
    oe_claim_t c = {name, value, size};

    return c;
}

TEST(custom_claims_there_and_back)
{
    /* clang-format off */
    static const uint8_t layout[] = {
        1, 0, 0, 0, 0, 0, 0, 0, /* version */
        2, 0, 0, 0, 0, 0, 0, 0, /* claims */
        2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 'a', 0, 1, 2, 3,
        3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'b', 'c', 0};
    /* clang-format on */
    char a[] = "a";
    char bc[] = "bc";
    uint8_t value[3] = {1, 2, 3};
    const oe_claim_t in[2] = {claim(a, value, 3), claim(bc, NULL, 0)};
    oe_claim_t *back = NULL;
    uint8_t *wire = NULL;
    size_t size = 0;
    size_t n = 0;

    REQUIRE(oe_serialize_custom_claims(in, 2, &wire, &size) == OE_OK);
    REQUIRE(size == sizeof(layout));
    CHECK_MEM(wire, layout, size);
    REQUIRE(oe_deserialize_custom_claims(wire, size, &back, &n) == OE_OK);
    REQUIRE(n == 2);
    CHECK_STR(back[0].name, "a");
    CHECK_EQ(back[0].value_size, 3);
    CHECK_MEM(back[0].value, value, 3);
    CHECK_STR(back[1].name, "bc");
    CHECK_EQ(back[1].value_size, 0);
    CHECK_EQ(oe_free_custom_claims(back, n), OE_OK);
    CHECK_EQ(oe_free_serialized_custom_claims(wire), OE_OK);
    REQUIRE(oe_serialize_custom_claims(NULL, 0, &wire, &size) == OE_OK);
    CHECK_EQ(size, 16);
    CHECK_EQ(oe_deserialize_custom_claims(wire, size, &back, &n), OE_OK);
    CHECK(back != NULL && n == 0);
    (void)oe_free_custom_claims(back, n);
    (void)oe_free_serialized_custom_claims(wire);
}

TEST(custom_claims_refused)
{
    char name[] = "n";
    uint8_t value[2] = {1, 2};
    oe_claim_t in = claim(name, value, 2);
    oe_claim_t *back = NULL;
    uint8_t *wire = NULL;
    size_t size = 0;
    size_t n = 0;

    CHECK_EQ(oe_serialize_custom_claims(&in, 1, NULL, &size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_serialize_custom_claims(NULL, 1, &wire, &size), OE_INVALID_PARAMETER);
    in.name = NULL;
    CHECK_EQ(oe_serialize_custom_claims(&in, 1, &wire, &size), OE_INVALID_PARAMETER);
    in = claim(name, NULL, 2);
    CHECK_EQ(oe_serialize_custom_claims(&in, 1, &wire, &size), OE_INVALID_PARAMETER);
    in = claim(name, value, SIZE_MAX - 8);
    CHECK_EQ(oe_serialize_custom_claims(&in, 1, &wire, &size), OE_INTEGER_OVERFLOW);
    in = claim(name, value, 2);
    REQUIRE(oe_serialize_custom_claims(&in, 1, &wire, &size) == OE_OK);
    for (size_t len = 0; len < size; len++) {
        CHECK_EQ(oe_deserialize_custom_claims(wire, len, &back, &n), OE_INVALID_PARAMETER);
    }
    for (size_t i = 0; i < 32; i++) { /* version, count, both sizes */
        wire[i] ^= 0x80;
        CHECK_EQ(oe_deserialize_custom_claims(wire, size, &back, &n), OE_INVALID_PARAMETER);
        wire[i] ^= 0x80;
    }
    wire[33] = 'x'; /* no terminator */
    CHECK_EQ(oe_deserialize_custom_claims(wire, size, &back, &n), OE_INVALID_PARAMETER);
    wire[32] = 0; /* one inside */
    wire[33] = 0;
    CHECK_EQ(oe_deserialize_custom_claims(wire, size, &back, &n), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_deserialize_custom_claims(NULL, 0, &back, &n), OE_INVALID_PARAMETER);
    (void)oe_free_serialized_custom_claims(wire);
    CHECK_EQ(oe_free_serialized_custom_claims(NULL), OE_OK);
    CHECK_EQ(oe_free_custom_claims(NULL, 0), OE_OK);
}

/* ------------------------------------------------------------------- reports */

TEST(local_reports_taken_apart)
{
    uint8_t body[432];
    uint8_t *report = NULL;
    size_t size = 0;
    void *target = NULL;
    size_t target_size = 0;
    oe_report_t r;

    for (size_t i = 0; i < sizeof(body); i++) {
        body[i] = (uint8_t)(i * 3);
    }
    body[48] = 7; /* INIT, DEBUG, MODE64 */
    REQUIRE(cm_report_wrap(CM_REPORT_LOCAL, cm_span_make(body, 432), &report, &size) == OE_OK);
    CHECK_EQ(size, 16 + 432);
    CHECK_EQ(oe_parse_report(NULL, size, &r), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_parse_report(report, size, NULL), OE_INVALID_PARAMETER);
    for (size_t n = 0; n < size; n++) {
        CHECK_EQ(oe_parse_report(report, n, &r), OE_INVALID_PARAMETER);
    }
    REQUIRE(oe_parse_report(report, size, &r) == OE_OK);
    CHECK_EQ(r.size, sizeof(r));
    CHECK_EQ(r.type, OE_ENCLAVE_TYPE_SGX);
    CHECK_EQ(r.report_data_size, 64);
    CHECK_EQ(r.enclave_report_size, 432);
    CHECK(r.report_data == report + 16 + 320 && r.enclave_report == report + 16);
    CHECK_EQ(r.identity.attributes, OE_REPORT_ATTRIBUTES_DEBUG);
    CHECK_MEM(r.identity.unique_id, body + 64, 32);
    CHECK_MEM(r.identity.signer_id, body + 128, 32);
    CHECK(r.identity.product_id[0] == body[256] && r.identity.product_id[1] == body[257] &&
          r.identity.product_id[2] == 0);
    CHECK_EQ(oe_verify_remote_report(report, size, NULL, 0, &r), OE_UNSUPPORTED);
    REQUIRE(oe_get_target_info_v2(report, size, &target, &target_size) == OE_OK);
    REQUIRE(target_size == 512);
    CHECK_MEM(target, body + 64, 32);
    CHECK_MEM((uint8_t *)target + 32, body + 48, 16);
    CHECK_MEM((uint8_t *)target + 50, body + 260, 2);
    CHECK_MEM((uint8_t *)target + 52, body + 16, 4);
    CHECK_MEM((uint8_t *)target + 64, body + 192, 64);
    oe_free_target_info(target);
    CHECK_EQ(oe_get_target_info_v2(report, size - 1, &target, &target_size), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_target_info_v2(report, size, NULL, &target_size), OE_INVALID_PARAMETER);
    report[8] ^= 1;
    CHECK_EQ(oe_parse_report(report, size, &r), OE_INVALID_PARAMETER);
    oe_free_report(report);
}

TEST(remote_reports_taken_apart)
{
    oe_report_t r;
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 3, 1);
    k = kit_make(&s, &kit_legacy, false);
    REQUIRE(oe_parse_report(k.evidence, k.evidence_size, &r) == OE_OK);
    CHECK_EQ(r.identity.attributes, OE_REPORT_ATTRIBUTES_REMOTE);
    CHECK_EQ(r.enclave_report_size, k.evidence_size - 16);
    k.evidence[16] ^= 8;
    CHECK_EQ(oe_parse_report(k.evidence, k.evidence_size, &r), OE_REPORT_PARSE_ERROR);
    kit_free(&k);
}

TEST(fmspc_of_td_quotes)
{
    uint8_t fmspc[6] = {0};
    struct pki_spec s;
    struct kit k;

    pki_defaults(&s, 4, 2);
    k = kit_make(&s, &kit_tdx, false);
    CHECK_EQ(oe_get_tdx_fmspc_from_quote(k.evidence, (uint32_t)k.evidence_size, fmspc, 6), OE_OK);
    CHECK_MEM(fmspc, s.ext.fmspc, 6);
    CHECK_EQ(oe_get_tdx_fmspc_from_quote(k.evidence, (uint32_t)k.evidence_size, fmspc, 5),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_get_tdx_fmspc_from_quote(k.evidence, (uint32_t)k.evidence_size - 1, fmspc, 6),
             OE_INVALID_PARAMETER);
    kit_free(&k);
    pki_defaults(&s, 4, 2);
    s.cert_type = 4;
    k = kit_make(&s, &kit_tdx, false);
    CHECK_EQ(oe_get_tdx_fmspc_from_quote(k.evidence, (uint32_t)k.evidence_size, fmspc, 6),
             OE_MISSING_CERTIFICATE_CHAIN);
    kit_free(&k);
    pki_defaults(&s, 4, 1);
    k = kit_make(&s, &kit_raw, false);
    CHECK_EQ(oe_get_tdx_fmspc_from_quote(k.evidence, (uint32_t)k.evidence_size, fmspc, 6),
             OE_INVALID_PARAMETER);
    kit_free(&k);
}

/* ------------------------------------------------------------------- signers */

/* A public key in PEM, as openssl writes it. */
static void public_pem(const struct cm_rsa_pub *pub, unsigned exponent, char *out, size_t cap)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(pub->modulus, sizeof(pub->modulus), NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    int len = 0;

    kit_must(ctx != NULL && bld != NULL && n != NULL && bio != NULL &&
                 OSSL_PARAM_BLD_push_BN(bld, "n", n) == 1 &&
                 OSSL_PARAM_BLD_push_uint(bld, "e", exponent) == 1,
             "parameters");
    params = OSSL_PARAM_BLD_to_param(bld);
    kit_must(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                 EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
                 PEM_write_bio_PUBKEY(bio, key) == 1,
             "PEM");
    len = BIO_read(bio, out, (int)cap - 1);
    kit_must(len > 0, "PEM");
    out[len] = '\0';
    EVP_PKEY_free(key);
    OSSL_PARAM_free(params);
    BIO_free(bio);
    BN_free(n);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
}

TEST(signer_of_a_key)
{
    struct cm_rsa_key *key = NULL;
    struct cm_rsa_pub pub;
    uint8_t little[CM_RSA3072_SIZE];
    uint8_t want[32];
    uint8_t got[33] = {0};
    size_t size = sizeof(got);
    char pem[1024];

    REQUIRE(cm_rsa_key_generate(&key) == CM_OK && cm_rsa_key_pub(key, &pub) == CM_OK);
    for (size_t i = 0; i < sizeof(little); i++) {
        little[i] = pub.modulus[sizeof(little) - 1 - i];
    }
    CHECK_EQ(cm_sha256_of(cm_span_make(little, sizeof(little)), want), CM_OK);
    public_pem(&pub, 65537, pem, sizeof(pem));
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(pem, strlen(pem) + 1, got, &size),
             OE_INVALID_PARAMETER);
    public_pem(&pub, 3, pem, sizeof(pem));
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(pem, strlen(pem) + 1, got, &size), OE_OK);
    CHECK_EQ(size, 32);
    CHECK_MEM(got, want, 32);
    size = 31;
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(pem, strlen(pem) + 1, got, &size),
             OE_BUFFER_TOO_SMALL);
    CHECK_EQ(size, 32);
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(pem, strlen(pem), got, &size),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(NULL, 5, got, &size), OE_INVALID_PARAMETER);
    pem[40] ^= 1;
    CHECK_EQ(oe_sgx_get_signer_id_from_public_key(pem, strlen(pem) + 1, got, &size),
             OE_INVALID_PARAMETER);
    cm_rsa_key_free(key);
}

/* ---------------------------------------------------------------- no memory */

TEST(without_memory_nothing_is_believed)
{
    for (long at = 1; at < 5000; at++) {
        oe_result_t result = OE_OK;

        fail_alloc_at(at);
        result = verify_kit();
        if (!fail_alloc_hit()) {
            CHECK_EQ(result, OE_OK);
            break;
        }
        /* OE_OK: the cache went without */
        if (result != OE_OUT_OF_MEMORY && result != OE_CRYPTO_ERROR && result != OE_OK) {
            TEST_FAIL("allocation %ld: %d", at, (int)result);
        }
    }
    fail_alloc_at(-1);
    kit_free(&kit);
}

TEST_MAIN
