/*
 * Appraisals and EAT Attestation Results: each rule of the vector, and every form read back by other
 * people's code (jansson, libcbor, OpenSSL) with the numbers of draft-ietf-rats-ear.
 */
#include "harness.h"

#include <casemate/appraisal.h>
#include <cbor.h>
#include <jansson.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#include "common/span.h"
#include "evidence/claims.h"

static uint8_t out[20000];

/* ---------------------------------------------------------------- the vector */

/* A submodule of a TEE whose one check has that status. */
static struct cm_evidence *evidence(const char *tee, const char *debug, const char *check,
                                    enum cm_status st)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    cm_claim_text(ev, 0, CM_CLAIM_TEE, tee);
    if (debug != NULL) {
        cm_claim_text(ev, 0, CM_CLAIM_DBGSTAT, debug);
    }
    cm_evidence_raise(ev, 0, 0, CM_AUTHORITY_HARDWARE);
    cm_check_status(ev, 0, "x.signature", CM_OK, "%s", "");
    if (check != NULL) {
        cm_check_status(ev, 0, check, st, "%s", "");
    }
    return ev;
}

/* The vector as text, such as "2 3 33 . 2 2 . ."; and the status. */
static void expect(int line, struct cm_evidence *ev, enum cm_trust_tier status, const char *want)
{
    struct cm_appraisal a;
    char text[64] = "";
    size_t at = 0;

    CHECK_EQ(cm_appraise(ev, 0, &a), CM_OK);
    for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
        at +=
            (size_t)(a.vector[i] == 0 ? sprintf(text + at, "%s.", i == 0 ? "" : " ")
                                      : sprintf(text + at, "%s%d", i == 0 ? "" : " ", a.vector[i]));
    }
    if (strcmp(text, want) != 0 || a.status != status) {
        TEST_FAIL("line %d: %s (%s), not %s (%s)", line, text, cm_trust_tier_name(a.status), want,
                  cm_trust_tier_name(status));
    }
    cm_evidence_free(ev);
}

#define EXPECT(ev, status, want) expect(__LINE__, ev, CM_TRUST_##status, want)

TEST(vector_of_genuine_evidence)
{
    EXPECT(evidence("snp", "disabled", NULL, CM_OK), WARNING, "2 3 33 . 2 2 . .");
    EXPECT(evidence("snp", "disabled", "reference.values", CM_OK), AFFIRMING, "2 3 3 . 2 2 . .");
    EXPECT(evidence("nitro", "disabled-permanently", "reference.values", CM_OK), WARNING,
           "2 3 3 . 2 32 . .");
    EXPECT(evidence("tpm", NULL, "reference.values", CM_OK), WARNING, "2 36 3 . 2 . . .");
}

TEST(vector_debug_is_contraindicated_even_if_allowed)
{
    EXPECT(evidence("tdx", "enabled", NULL, CM_OK), CONTRAINDICATED, "2 96 33 . 2 96 . .");
    EXPECT(evidence("tdx", "enabled", "debug", CM_ERR_POLICY), CONTRAINDICATED,
           "2 96 33 . 2 96 . .");
}

/* a key that was enrolled bare, and what its maker says of it: neither is hardware's word */
TEST(vector_without_hardware_says_nothing_of_it)
{
    static const enum cm_authority authorities[] = {CM_AUTHORITY_SELF, CM_AUTHORITY_KEY,
                                                    CM_AUTHORITY_ENDORSER};

    for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++) {
        struct cm_evidence *ev = evidence("tpm", NULL, NULL, CM_OK);

        cm_evidence_raise(ev, 0, 0, authorities[i]);
        EXPECT(ev, WARNING, "2 36 33 . . . . .");
    }
}

TEST(vector_a_broken_signature_speaks_of_everything)
{
    EXPECT(evidence("snp", "disabled", "snp.signature", CM_ERR_SIGNATURE), CONTRAINDICATED,
           "99 99 99 99 99 99 99 99");
    struct cm_evidence *ev = evidence("snp", "disabled", "snp.format", CM_ERR_FORMAT);

    cm_check_status(ev, 0, "snp.signature", CM_ERR_SIGNATURE, "%s", "");
    EXPECT(ev, CONTRAINDICATED, "99 99 99 99 99 99 99 99");
}

TEST(vector_of_refusals)
{
    EXPECT(evidence("snp", "disabled", "reference.values", CM_ERR_MISMATCH), WARNING,
           "2 3 33 . 2 2 . .");
    EXPECT(evidence("snp", "disabled", "nonce", CM_ERR_MISMATCH), CONTRAINDICATED,
           "97 3 33 . 2 2 . .");
    EXPECT(evidence("snp", "disabled", "snp.tcb_floor", CM_ERR_POLICY), WARNING,
           "2 3 33 . 32 2 . .");
    EXPECT(evidence("snp", "disabled", "snp.chain_crl", CM_ERR_REVOKED), CONTRAINDICATED,
           "96 . . . 96 . . .");
    EXPECT(evidence("snp", "disabled", "snp.root", CM_ERR_POLICY), CONTRAINDICATED,
           "97 . . . 97 . . .");
    EXPECT(evidence("snp", "disabled", "snp.chain_validity", CM_ERR_EXPIRED), CONTRAINDICATED,
           "97 . . . 97 . . .");
    EXPECT(evidence("snp", "disabled", "bound", CM_ERR_MISMATCH), CONTRAINDICATED,
           "97 . . . 97 . . .");
    EXPECT(evidence("snp", "disabled", "snp.chain", CM_ERR_NOTFOUND), NONE, ". . . . . . . .");
    EXPECT(evidence("snp", "disabled", "snp.format", CM_ERR_UNSUPPORTED), NONE, "1 1 1 1 1 1 1 1");
}

TEST(vector_of_tcb_statuses)
{
    static const struct {
        const char *status;
        enum cm_trust_tier tier;
        const char *want;
    } cases[] = {
        {"UpToDate", CM_TRUST_WARNING, "2 3 33 . 2 2 . ."},
        {"SWHardeningNeeded", CM_TRUST_WARNING, "2 3 33 . 32 2 . ."},
        {"ConfigurationNeeded", CM_TRUST_WARNING, "2 32 33 . 2 2 . ."},
        {"OutOfDateConfigurationNeeded", CM_TRUST_WARNING, "2 32 33 . 32 2 . ."},
        {"TDRelaunchAdvised", CM_TRUST_WARNING, "2 3 33 . 32 2 . ."},
        {"Revoked", CM_TRUST_CONTRAINDICATED, "2 3 33 . 96 2 . ."},
        {"NotSupported", CM_TRUST_CONTRAINDICATED, "2 3 33 . 97 2 . ."},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_evidence *ev = evidence("tdx", "disabled", NULL, CM_OK);

        cm_claim_text(ev, 0, CM_CLAIM_TCB_STATUS, cases[i].status);
        expect(__LINE__, ev, cases[i].tier, cases[i].want);
    }
}

TEST(vector_an_emulator_is_contraindicated)
{
    struct cm_evidence *ev = evidence("sgx", "disabled", NULL, CM_OK);

    cm_claim_bool(ev, 0, CM_CLAIM_EMULATED, true);
    EXPECT(ev, CONTRAINDICATED, "2 3 33 . 97 96 . .");
}

TEST(vector_nothing_is_known_of_what_was_not_checked)
{
    struct cm_evidence *ev = cm_evidence_new("cpu");

    cm_claim_text(ev, 0, CM_CLAIM_TEE, "snp");
    cm_claim_text(ev, 0, CM_CLAIM_DBGSTAT, "disabled");
    EXPECT(ev, NONE, ". . . . . . . .");
}

TEST(vector_of_a_part_that_nothing_vouches_for)
{
    for (int how = 0; how < 3; how++) {
        struct cm_evidence *ev = evidence("snp", "disabled", NULL, CM_OK);
        size_t gpu = cm_evidence_add_submod(ev, "gpu");
        struct cm_appraisal a;

        cm_claim_text(ev, gpu, CM_CLAIM_DBGSTAT, "disabled");
        cm_check_status(ev, gpu, "x.signature", CM_OK, "%s", "");
        cm_check_status(ev, gpu, "reference.values", CM_OK, "%s", "");
        if (how != 0) {
            cm_evidence_bind(ev, "x", how == 1 ? gpu : 0, gpu, CM_CHECK_PASS);
        }
        CHECK_EQ(cm_appraise(ev, gpu, &a), CM_OK);
        CHECK_EQ(a.status, how == 2 ? CM_TRUST_AFFIRMING : CM_TRUST_CONTRAINDICATED);
        CHECK_EQ(a.vector[CM_TRUST_INSTANCE_IDENTITY], how == 2 ? 2 : 97);
        cm_evidence_free(ev);
    }
}

TEST(tiers_of_all_values)
{
    for (int v = -128; v <= 127; v++) {
        enum cm_trust_tier want = CM_TRUST_NONE;

        if ((v >= 2 && v <= 31) || (v >= -32 && v <= -2)) {
            want = CM_TRUST_AFFIRMING;
        } else if ((v >= 32 && v <= 95) || (v >= -96 && v <= -33)) {
            want = CM_TRUST_WARNING;
        } else if (v >= 96 || v <= -97) {
            want = CM_TRUST_CONTRAINDICATED;
        }
        CHECK_EQ(cm_trust_tier_of((int8_t)v), want);
    }
    CHECK(cm_trust_claim_name((enum cm_trust_claim)8) == NULL);
}

/* ---------------------------------------------------------------- the result */

static const char nonce[] = "0123456789abcdef";

static struct cm_evidence *composite(void)
{
    struct cm_evidence *ev = evidence("snp", "disabled", "reference.values", CM_OK);
    size_t vtpm = cm_evidence_add_submod(ev, "vtpm");
    size_t log = cm_evidence_add_submod(ev, "log");

    cm_claim_text(ev, vtpm, CM_CLAIM_TEE, "tpm");
    cm_check_status(ev, vtpm, "tpm.signature", CM_ERR_SIGNATURE, "%s", "");
    cm_check_status(ev, log, "log.format", CM_ERR_NOTFOUND, "%s", "");
    return ev;
}

static struct cm_ear options(enum cm_ear_profile profile, enum cm_ear_form form)
{
    struct cm_ear ear = {.profile = profile,
                         .form = form,
                         .iat = UINT64_C(1790000000),
                         .developer = "https://casemate.example",
                         .build = "test 1",
                         .policy_id = "policy:1",
                         .nonce = {(const uint8_t *)nonce, 16},
                         .raw_evidence = {(const uint8_t *)"\xff\xfe raw", 6}};

    return ear;
}

static void check_json(const void *text, size_t len, enum cm_ear_profile profile)
{
    const bool ietf = profile == CM_EAR_IETF;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *verifier = json_object_get(root, ietf ? "ear_verifier_id" : "ear.verifier-id");
    json_t *submods = json_object_get(root, "submods");
    json_t *cpu = json_object_get(submods, "cpu");
    json_t *vector =
        json_object_get(cpu, ietf ? "ear_trustworthiness_vector" : "ear.trustworthiness-vector");
    json_t *policy =
        json_object_get(cpu, ietf ? "ear_appraisal_policy_ids" : "ear.appraisal-policy-id");
    const char *status = ietf ? "ear_status" : "ear.status";

    REQUIRE(root != NULL);
    CHECK_STR(json_string_value(json_object_get(root, "eat_profile")),
              ietf ? "tag:ietf.org,2026:rats/ear#04" : "tag:github.com,2023:veraison/ear");
    CHECK_EQ(json_integer_value(json_object_get(root, "iat")), 1790000000);
    CHECK_STR(json_string_value(json_object_get(verifier, "developer")),
              "https://casemate.example");
    CHECK_STR(json_string_value(json_object_get(verifier, "build")), "test 1");
    CHECK_STR(json_string_value(json_object_get(root, "eat_nonce")), "MDEyMzQ1Njc4OWFiY2RlZg");
    CHECK_STR(
        json_string_value(json_object_get(root, ietf ? "ear_raw_evidence" : "ear.raw-evidence")),
        "__4gcmF3");
    CHECK_EQ(json_object_size(submods), 3);
    CHECK_STR(json_string_value(json_object_get(cpu, status)), "affirming");
    CHECK_EQ(json_object_size(vector), 8);
    CHECK_EQ(json_integer_value(json_object_get(vector, "instance-identity")), 2);
    CHECK_EQ(json_integer_value(json_object_get(vector, "configuration")), 3);
    CHECK_EQ(json_integer_value(json_object_get(vector, "executables")), 3);
    CHECK_EQ(json_integer_value(json_object_get(vector, "file-system")), 0);
    CHECK_EQ(json_integer_value(json_object_get(vector, "hardware")), 2);
    CHECK_EQ(json_integer_value(json_object_get(vector, "runtime-opaque")), 2);
    CHECK_STR(json_string_value(ietf ? json_array_get(policy, 0) : policy), "policy:1");
    CHECK_STR(json_string_value(json_object_get(json_object_get(submods, "vtpm"), status)),
              "contraindicated");
    CHECK_STR(json_string_value(json_object_get(json_object_get(submods, "log"), status)), "none");
    json_decref(root);
}

TEST(ear_in_json)
{
    struct cm_evidence *ev = composite();

    for (int p = CM_EAR_VERAISON; p <= CM_EAR_IETF; p++) {
        struct cm_ear ear = options((enum cm_ear_profile)p, CM_EAR_JSON);
        size_t len = 0;

        CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_OK);
        check_json(out, len, (enum cm_ear_profile)p);
    }
    cm_evidence_free(ev);
}

/* The value under an integer, or under a text, of a map; NULL when absent. */
static cbor_item_t *at(const cbor_item_t *map, uint64_t key, const char *text)
{
    struct cbor_pair *pairs = map != NULL && cbor_isa_map(map) ? cbor_map_handle(map) : NULL;

    for (size_t i = 0; pairs != NULL && i < cbor_map_size(map); i++) {
        cbor_item_t *k = pairs[i].key;

        if (text == NULL ? cbor_isa_uint(k) && cbor_get_int(k) == key
                         : cbor_isa_string(k) && cbor_string_length(k) == strlen(text) &&
                               memcmp(cbor_string_handle(k), text, strlen(text)) == 0) {
            return pairs[i].value;
        }
    }
    return NULL;
}

static void check_text(const cbor_item_t *v, const char *want)
{
    CHECK(v != NULL && cbor_isa_string(v) && cbor_string_length(v) == strlen(want) &&
          memcmp(cbor_string_handle(v), want, strlen(want)) == 0);
}

static uint64_t number(const cbor_item_t *v)
{
    return v != NULL && cbor_isa_uint(v) ? cbor_get_int(v) : UINT64_MAX;
}

static void check_cbor(const void *bytes, size_t len, enum cm_ear_profile profile)
{
    struct cbor_load_result r;
    cbor_item_t *root = cbor_load(bytes, len, &r);

    REQUIRE(root != NULL && r.read == len);
    cbor_item_t *cpu = at(at(root, 266, NULL), 0, "cpu");
    cbor_item_t *vector = at(cpu, 1001, NULL);
    cbor_item_t *policy = at(cpu, 1003, NULL);
    cbor_item_t *n = at(root, 10, NULL);

    CHECK_EQ(cbor_map_size(root), 6);
    CHECK_EQ(number(at(root, 6, NULL)), 1790000000);
    CHECK(n != NULL && cbor_isa_bytestring(n) && cbor_bytestring_length(n) == 16 &&
          memcmp(cbor_bytestring_handle(n), nonce, 16) == 0);
    check_text(at(root, 265, NULL), profile == CM_EAR_IETF ? "tag:ietf.org,2026:rats/ear#04"
                                                           : "tag:github.com,2023:veraison/ear");
    check_text(at(at(root, 1004, NULL), 0, NULL), "https://casemate.example");
    check_text(at(at(root, 1004, NULL), 1, NULL), "test 1");
    CHECK(at(root, 1002, NULL) != NULL && cbor_bytestring_length(at(root, 1002, NULL)) == 6);
    CHECK_EQ(number(at(cpu, 1000, NULL)), 2);
    CHECK_EQ(cbor_map_size(vector), 5);
    CHECK_EQ(number(at(vector, 0, NULL)), 2);
    CHECK_EQ(number(at(vector, 1, NULL)), 3);
    CHECK_EQ(number(at(vector, 2, NULL)), 3);
    CHECK_EQ(number(at(vector, 4, NULL)), 2);
    CHECK_EQ(number(at(vector, 5, NULL)), 2);
    check_text(profile == CM_EAR_IETF ? cbor_array_handle(policy)[0] : policy, "policy:1");
    CHECK_EQ(number(at(at(at(root, 266, NULL), 0, "vtpm"), 1000, NULL)), 96);
    CHECK_EQ(number(at(at(at(at(root, 266, NULL), 0, "vtpm"), 1001, NULL), 7, NULL)), 99);
    CHECK_EQ(number(at(at(at(root, 266, NULL), 0, "log"), 1000, NULL)), 0);
    CHECK(at(at(at(root, 266, NULL), 0, "log"), 1001, NULL) == NULL); /* no claim: no vector */
    cbor_decref(&root);
}

TEST(ear_in_cbor)
{
    struct cm_evidence *ev = composite();

    for (int p = CM_EAR_VERAISON; p <= CM_EAR_IETF; p++) {
        struct cm_ear ear = options((enum cm_ear_profile)p, CM_EAR_CBOR);
        size_t len = 0;

        CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_OK);
        check_cbor(out, len, (enum cm_ear_profile)p);
    }
    cm_evidence_free(ev);
}

static EVP_PKEY *signing_key(char pem[1000], const char *curve)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    BIO *bio = BIO_new(BIO_s_mem());
    int n = 0;

    (void)PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    n = BIO_read(bio, pem, 999);
    pem[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
    return key;
}

/* ES256 by OpenSSL alone: 64 bytes of r and s over SHA-256. */
static bool es256(EVP_PKEY *key, const void *data, size_t len, const uint8_t signature[64])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *der = NULL;
    int n = 0;
    bool good = false;

    (void)ECDSA_SIG_set0(sig, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
    n = i2d_ECDSA_SIG(sig, &der);
    good = n > 0 && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
           EVP_DigestVerify(ctx, der, (size_t)n, data, len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    return good;
}

/* base64url without padding, by OpenSSL's base64. */
static size_t unbase64url(const char *text, size_t len, uint8_t *bytes)
{
    static char std[20000];
    size_t pad = (4 - len % 4) % 4;
    int n = 0;

    for (size_t i = 0; i < len + pad; i++) {
        char c = i < len ? text[i] : '=';

        std[i] = c == '-' ? '+' : (c == '_' ? '/' : c);
    }
    n = EVP_DecodeBlock(bytes, (const unsigned char *)std, (int)(len + pad));
    return n < 0 ? 0 : (size_t)n - pad;
}

TEST(ear_as_jwt)
{
    static uint8_t payload[20000];
    uint8_t signature[100];
    char pem[1000];
    EVP_PKEY *key = signing_key(pem, "P-256");
    struct cm_evidence *ev = composite();
    struct cm_ear ear = options(CM_EAR_VERAISON, CM_EAR_JWT);
    char *text = (char *)out;
    char *dots[2];
    size_t len = 0;

    ear.key = cm_span_make(pem, strlen(pem));
    REQUIRE(cm_ear_write(ev, &ear, out, sizeof(out), &len) == CM_OK);
    dots[0] = memchr(text, '.', len);
    REQUIRE(dots[0] != NULL);
    dots[1] = memchr(dots[0] + 1, '.', len - (size_t)(dots[0] + 1 - text));
    REQUIRE(dots[1] != NULL);
    size_t n = unbase64url(text, (size_t)(dots[0] - text), payload);
    json_t *header = json_loadb((char *)payload, n, 0, NULL);

    CHECK_STR(json_string_value(json_object_get(header, "alg")), "ES256");
    json_decref(header);
    CHECK_EQ(unbase64url(dots[1] + 1, len - (size_t)(dots[1] + 1 - text), signature), 64);
    CHECK(es256(key, text, (size_t)(dots[1] - text), signature));
    signature[5] ^= 1;
    CHECK(!es256(key, text, (size_t)(dots[1] - text), signature));
    n = unbase64url(dots[0] + 1, (size_t)(dots[1] - dots[0] - 1), payload);
    check_json(payload, n, CM_EAR_VERAISON);
    cm_evidence_free(ev);
    EVP_PKEY_free(key);
}

TEST(ear_as_cwt)
{
    char pem[1000];
    EVP_PKEY *key = signing_key(pem, "P-256");
    struct cm_evidence *ev = composite();
    struct cm_ear ear = options(CM_EAR_IETF, CM_EAR_CBOR);
    struct cbor_load_result r;
    size_t len = 0;

    ear.key = cm_span_make(pem, strlen(pem));
    REQUIRE(cm_ear_write(ev, &ear, out, sizeof(out), &len) == CM_OK);
    CHECK_EQ(out[0], 0xd2); /* tag 18, which libcbor does not take */
    cbor_item_t *array = cbor_load(out + 1, len - 1, &r);

    REQUIRE(array != NULL && r.read == len - 1 && cbor_isa_array(array));
    cbor_item_t **items = cbor_array_handle(array);

    REQUIRE(cbor_array_size(array) == 4);
    CHECK_EQ(cbor_bytestring_length(items[0]), 3);
    CHECK_MEM(cbor_bytestring_handle(items[0]), "\xa1\x01\x26", 3); /* {1: -7}: ES256 */
    check_cbor(cbor_bytestring_handle(items[2]), cbor_bytestring_length(items[2]), CM_EAR_IETF);
    /* Sig_structure, RFC 9052 4.4 */
    cbor_item_t *tbs = cbor_new_definite_array(4);
    unsigned char *bytes = NULL;
    size_t size = 0;

    (void)cbor_array_push(tbs, cbor_move(cbor_build_string("Signature1")));
    (void)cbor_array_push(tbs, items[0]);
    (void)cbor_array_push(tbs, cbor_move(cbor_build_bytestring((const unsigned char *)"", 0)));
    (void)cbor_array_push(tbs, items[2]);
    len = cbor_serialize_alloc(tbs, &bytes, &size);
    CHECK_EQ(cbor_bytestring_length(items[3]), 64);
    CHECK(es256(key, bytes, len, cbor_bytestring_handle(items[3])));
    free(bytes);
    cbor_decref(&tbs);
    cbor_decref(&array);
    cm_evidence_free(ev);
    EVP_PKEY_free(key);
}

TEST(ear_says_that_a_policy_refused)
{
    struct cm_evidence *ev = evidence("snp", "disabled", "reference.values", CM_OK);
    struct cm_ear ear = options(CM_EAR_VERAISON, CM_EAR_JSON);
    size_t len = 0;

    ear.policy_refused = true;
    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out) - 1, &len), CM_OK);
    out[len] = '\0';
    CHECK(strstr((char *)out, "\"ear.status\":\"contraindicated\"") != NULL);
    CHECK(strstr((char *)out, "\"hardware\":2") != NULL); /* the vector is the evidence's */
    CHECK(strstr((char *)out, "\"ear.appraisal-policy-id\":\"policy:1\"") != NULL);
    cm_evidence_free(ev);
}

TEST(ear_parameters)
{
    char pem[1000];
    EVP_PKEY *key = signing_key(pem, "P-384");
    struct cm_evidence *ev = composite();
    struct cm_ear ear = options(CM_EAR_VERAISON, CM_EAR_JWT);
    struct cm_appraisal a;
    size_t len = 0;
    size_t need = 0;

    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_ERR_PARAM); /* no key */
    ear.key = cm_span_make(pem, strlen(pem));
    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_ERR_MISMATCH); /* not on P-256 */
    ear.key = cm_span_make("no key", 6);
    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_ERR_FORMAT);
    ear.form = CM_EAR_JSON;
    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_ERR_PARAM);
    ear.key.ptr = NULL;
    ear.nonce.len = 7;
    CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &len), CM_ERR_PARAM);
    ear.nonce.len = 16;
    CHECK_EQ(cm_ear_write(NULL, &ear, out, sizeof(out), &len), CM_ERR_PARAM);
    CHECK_EQ(cm_appraise(ev, 3, &a), CM_ERR_PARAM);
    for (int f = CM_EAR_JSON; f <= CM_EAR_CBOR; f++) { /* every shorter room */
        ear.form = (enum cm_ear_form)f;
        CHECK_EQ(cm_ear_write(ev, &ear, out, sizeof(out), &need), CM_OK);
        for (size_t cap = 0; cap < need; cap++) {
            CHECK_EQ(cm_ear_write(ev, &ear, out, cap, &len), CM_ERR_SPACE);
        }
        CHECK_EQ(cm_ear_write(ev, &ear, out, need, &len), CM_OK);
    }
    cm_evidence_free(ev);
    EVP_PKEY_free(key);
}

TEST_MAIN
