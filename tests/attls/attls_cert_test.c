/*
 * Attested certificates between enclave and host, both ways and in all forms (rows I1, I3, H1): made
 * inside, verified inside and outside; another key, another time, changed bytes, wrong callers.
 */
#include "harness.h"

#include <openssl/pem.h>

#include "attest/attls_cert.h"
#include "attest/attls_make.h"
#include "attls_kit.h"

static oe_enclave_t *enclave;
static struct message evidence;
static struct message report;

struct seen {
    oe_result_t answer;
    int asked;
    uint8_t unique_id[32];
};

static oe_result_t see_claims(oe_claim_t *claims, size_t count, void *arg)
{
    struct seen *s = arg;

    s->asked++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_UNIQUE_ID) == 0 && claims[i].value_size == 32) {
            memcpy(s->unique_id, claims[i].value, 32);
        }
    }
    return s->answer;
}

static oe_result_t see_identity(oe_identity_t *identity, void *arg)
{
    struct seen *s = arg;

    s->asked++;
    memcpy(s->unique_id, identity->unique_id, 32);
    return s->answer;
}

static oe_result_t verify(const struct message *m)
{
    return oe_verify_attestation_certificate_with_evidence(m->bytes, m->size, NULL, NULL);
}

TEST(H1_emulated_certificates_are_refused_by_default)
{
    oe_result_t r = OE_UNEXPECTED;
    uint8_t id[32];
    int asked = -1;

    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    enclave = kit_enclave(false);
    REQUIRE(enclave != NULL);
    REQUIRE(kit_certificate(enclave, 0, false, &evidence) == OE_OK);
    CHECK_EQ(verify(&evidence), OE_VERIFY_FAILED);
    for (int how = 0; how < 3; how += 2) {
        CHECK_EQ(enc_verify(enclave, &r, how, evidence.bytes, evidence.size, OE_OK, id, &asked),
                 OE_OK);
        CHECK_EQ(r, OE_VERIFY_FAILED);
        CHECK_EQ(asked, 0);
    }
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
    cm_attest_accept_emulated();
    enclave = kit_enclave(true);
    REQUIRE(enclave != NULL);
}

TEST(every_form_verifies_on_both_sides)
{
    uint8_t first[32] = {0};

    REQUIRE(enclave != NULL);
    for (int form = 0; form < 3; form++) {
        for (int rsa = 0; rsa < 2; rsa++) {
            struct message *m = form == 0 ? &evidence : &report;
            struct seen s = {.answer = OE_OK};
            uint8_t id[32] = {0};
            oe_result_t r = OE_UNEXPECTED;
            int asked = 0;

            REQUIRE(kit_certificate(enclave, form, rsa != 0, m) == OE_OK);
            CHECK_EQ(
                oe_verify_attestation_certificate_with_evidence(m->bytes, m->size, see_claims, &s),
                OE_OK);
            CHECK_EQ(s.asked, 1);
            if (first[0] == 0) {
                memcpy(first, s.unique_id, sizeof(first));
            }
            CHECK_MEM(s.unique_id, first, sizeof(first));
            CHECK_EQ(oe_verify_attestation_certificate(m->bytes, m->size, see_identity, &s),
                     form == 0 ? OE_NOT_FOUND : OE_OK);
            CHECK_EQ(s.asked, form == 0 ? 1 : 2);
            CHECK_MEM(s.unique_id, first, sizeof(first));
            for (int how = 0; how < 3; how++) {
                CHECK_EQ(enc_verify(enclave, &r, how, m->bytes, m->size, OE_OK, id, &asked), OE_OK);
                CHECK_EQ(r, how == 1 && form == 0 ? OE_NOT_FOUND : OE_OK);
                CHECK_EQ(asked, how == 1 && form == 0 ? 0 : 1);
                CHECK(asked == 0 || memcmp(id, first, sizeof(id)) == 0);
            }
        }
    }
    REQUIRE(kit_certificate(enclave, 0, false, &evidence) == OE_OK);
    REQUIRE(kit_certificate(enclave, 1, false, &report) == OE_OK);
}

TEST(the_callback_decides)
{
    struct seen s = {.answer = OE_CONSTRAINT_FAILED};
    oe_result_t r = OE_UNEXPECTED;
    uint8_t id[32];
    int asked = 0;

    REQUIRE(enclave != NULL);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence(evidence.bytes, evidence.size,
                                                             see_claims, &s),
             OE_CONSTRAINT_FAILED);
    CHECK_EQ(oe_verify_attestation_certificate(report.bytes, report.size, see_identity, &s),
             OE_CONSTRAINT_FAILED);
    CHECK_EQ(s.asked, 2);
    CHECK_EQ(enc_verify(enclave, &r, 0, evidence.bytes, evidence.size, OE_BUSY, id, &asked), OE_OK);
    CHECK_EQ(r, OE_BUSY);
    CHECK_EQ(oe_verify_attestation_certificate(report.bytes, report.size, NULL, NULL), OE_OK);
}

/* The same evidence in a certificate of another key: what a thief of a certificate can make. */
static bool resigned(const struct message *from, bool rsa, const uint8_t *oid, struct message *to)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    BIO *a = BIO_new(BIO_s_mem());
    BIO *b = BIO_new(BIO_s_mem());
    struct cm_attls_cert cert;
    struct cm_attls_wanted want = {
        .not_before = CM_ATTLS_NOT_BEFORE, .not_after = CM_ATTLS_NOT_AFTER, .oid = oid};
    struct cm_attls_keys *keys = NULL;
    char *private_pem = NULL;
    char *public_pem = NULL;
    uint8_t *der = NULL;
    bool ok = cm_attls_cert_read(cm_span_make(from->bytes, from->size), &cert, NULL) == CM_OK;

    ok = ok && PEM_write_bio_PrivateKey(a, key, NULL, NULL, 0, NULL, NULL) == 1 &&
         PEM_write_bio_PUBKEY(b, key) == 1;
    if (ok) {
        long n = BIO_get_mem_data(a, &private_pem);
        long m = BIO_get_mem_data(b, &public_pem);

        want.statement = cert.statement;
        ok = cm_attls_keys_read(cm_span_make(private_pem, (size_t)n),
                                cm_span_make(public_pem, (size_t)m), &keys) == OE_OK &&
             cm_attls_cert_make(keys, &want, &der, &to->size) == OE_OK;
    }
    if (ok) {
        memcpy(to->bytes, der, to->size);
    }
    free(der);
    cm_attls_keys_free(keys);
    BIO_free(a);
    BIO_free(b);
    EVP_PKEY_free(key);
    return ok;
}

TEST(I3_evidence_of_another_key_is_refused)
{
    static struct message stolen;
    oe_result_t r = OE_UNEXPECTED;
    uint8_t id[32];
    int asked = 0;

    REQUIRE(enclave != NULL);
    for (int rsa = 0; rsa < 2; rsa++) {
        REQUIRE(resigned(&evidence, rsa != 0, cm_attls_oid_evidence, &stolen));
        CHECK_EQ(verify(&stolen), OE_QUOTE_HASH_MISMATCH);
        CHECK_EQ(enc_verify(enclave, &r, 0, stolen.bytes, stolen.size, OE_OK, id, &asked), OE_OK);
        CHECK_EQ(r, OE_QUOTE_HASH_MISMATCH);
        CHECK_EQ(asked, 0);
        REQUIRE(resigned(&report, rsa != 0, cm_attls_oid_report, &stolen));
        CHECK_EQ(verify(&stolen), OE_QUOTE_HASH_MISMATCH);
        CHECK_EQ(oe_verify_attestation_certificate(stolen.bytes, stolen.size, NULL, NULL),
                 OE_QUOTE_HASH_MISMATCH);
        CHECK_EQ(enc_verify(enclave, &r, 1, stolen.bytes, stolen.size, OE_OK, id, &asked), OE_OK);
        CHECK_EQ(r, OE_QUOTE_HASH_MISMATCH);
    }
    /* evidence where a report belongs, and the other way round */
    REQUIRE(resigned(&evidence, false, cm_attls_oid_report, &stolen));
    CHECK(verify(&stolen) != OE_OK);
    CHECK(oe_verify_attestation_certificate(stolen.bytes, stolen.size, NULL, NULL) != OE_OK);
    REQUIRE(resigned(&report, false, cm_attls_oid_evidence, &stolen));
    CHECK(verify(&stolen) != OE_OK);
}

TEST(periods)
{
    static struct message m;
    oe_result_t r = OE_UNEXPECTED;
    oe_datetime_t late = {2050, 6, 1, 0, 0, 0};
    oe_policy_t at = {OE_POLICY_ENDORSEMENTS_TIME, &late, sizeof(late)};
    static const struct {
        const char *from;
        const char *until;
    } bad[] = {{"20200101000000", "20210101000000"}, {"20480101000000", "20490101000000"}};

    REQUIRE(enclave != NULL);
    for (size_t i = 0; i < 2; i++) {
        CHECK(enc_certificate(enclave, &r, 2, false, bad[i].from, bad[i].until, m.bytes,
                              sizeof(m.bytes), &m.size) == OE_OK &&
              r == OE_OK);
        CHECK_EQ(verify(&m), OE_VERIFY_FAILED);
        CHECK_EQ(oe_verify_attestation_certificate(m.bytes, m.size, NULL, NULL), OE_VERIFY_FAILED);
    }
    CHECK(enc_certificate(enclave, &r, 2, false, "20200101000000", "20490101000000", m.bytes,
                          sizeof(m.bytes), &m.size) == OE_OK &&
          r == OE_OK);
    CHECK_EQ(verify(&m), OE_OK);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence_v2(m.bytes, m.size, NULL, 0, &at, 1,
                                                                NULL, NULL),
             OE_VERIFY_FAILED);
    /* the enclave has a new key now */
    REQUIRE(kit_certificate(enclave, 0, false, &evidence) == OE_OK);
}

TEST(arguments)
{
    oe_claim_t *claims = NULL;
    size_t count = 0;
    uint8_t outside[4096] = {0};
    int failed = -1;

    REQUIRE(enclave != NULL);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence(NULL, 5, NULL, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_attestation_certificate(NULL, 5, NULL, NULL), OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence_v2(evidence.bytes, evidence.size, NULL,
                                                                0, NULL, 0, &claims, NULL),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence_v2(evidence.bytes, evidence.size, NULL,
                                                                0, NULL, 0, NULL, &count),
             OE_INVALID_PARAMETER);
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence_v2(evidence.bytes, evidence.size, NULL,
                                                                0, NULL, 1, &claims, &count),
             OE_INVALID_PARAMETER);
    CHECK(claims == NULL && count == 0);
    for (size_t n = 0; n < evidence.size; n += 97) {
        CHECK_EQ(oe_verify_attestation_certificate_with_evidence(evidence.bytes, n, NULL, NULL),
                 OE_INVALID_PARAMETER);
    }
    CHECK_EQ(enc_make_misuse(enclave, &failed, outside), OE_OK);
    CHECK_EQ(failed, 0);
    CHECK_EQ(oe_verifier_shutdown(), OE_OK);
    CHECK_EQ(verify(&evidence), OE_NOT_FOUND);
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    CHECK_EQ(verify(&evidence), OE_OK);
    CHECK_EQ(oe_terminate_enclave(enclave), OE_OK);
}

TEST_MAIN
