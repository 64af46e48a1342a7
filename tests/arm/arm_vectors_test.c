/* The CCA and PSA vectors of ../shared/vectors/evidence, where they exist, with their verdicts. */
#include "arm_expect.h"

#include <unistd.h>

#include "os/os.h"
#include "token/cbor.h"
#include "token/cose.h"

#define ROOT "../shared/vectors/evidence/"
#define CCA  ROOT "cca/rust-ccatoken/"
#define TF   ROOT "cca/ccatoken-tf-rmm/"
#define PSA  ROOT "psa/psatoken-tf-m/"

static uint8_t *load(const char *path, struct cm_span *out)
{
    uint8_t *bytes = NULL;
    size_t len = 0;

    if (cm_file_read(path, 1 << 20, &bytes, &len, NULL) != CM_OK) {
        TEST_FAIL("%s is missing", path);
    }
    *out = cm_span_make(bytes, len);
    return bytes;
}

static void expect_file(int line, verifier verify, const char *token, const char *key,
                        enum cm_status want, const char *check)
{
    struct cm_span evidence = {NULL, 0};
    struct cm_material m = {CM_MATERIAL_KEY, key, {NULL, 0}};
    struct cm_verify_input in = {.now = 1700000000};
    uint8_t *a = load(token, &evidence);
    uint8_t *b = load(key, &m.bytes);

    expect_outcome(line, run_verifier(verify, evidence, &m, 1, &in), want, check);
    free(a);
    free(b);
}

static bool absent(void)
{
    return access(ROOT "cca", F_OK) != 0;
}

TEST(cca_vectors)
{
    if (absent()) {
        SKIP("no vectors");
    }
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-01.cbor", CCA "ta-tfa.json", CM_OK, NULL);
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-01.cbor", CCA "cpak.json", CM_OK, NULL);
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-02.cbor", CCA "ta-02-ok.json", CM_OK, NULL);
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-draft-ffm-00.cbor", CCA "ta-tfa.json",
                CM_OK, NULL);
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-draft-ffm-00.cbor", CCA "cpak.json", CM_OK,
                NULL);
    expect_file(__LINE__, cm_cca_verify, TF "cca_token.cbor", TF "cca_platform.pub", CM_OK, NULL);
}

/* a store that does not know the device; one whose key is not on its curve; signatures that verify
 * while the platform vouches for another realm key; and another platform's key */
TEST(cca_negative_vectors_are_refused_for_the_right_reason)
{
    if (absent()) {
        SKIP("no vectors");
    }
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-01.cbor", CCA "ta.json", CM_ERR_NOTFOUND,
                "cca.signature");
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-01.cbor", CCA "pkey.json", CM_ERR_MISMATCH,
                "cca.signature");
    expect_file(__LINE__, cm_cca_verify, CCA "cca-token-02.cbor", CCA "ta-02-bad.json",
                CM_ERR_FORMAT, "cca.signature");
    expect_file(__LINE__, cm_cca_verify, CCA "bug-33-repro.cbor", CCA "ta-tfa.json",
                CM_ERR_MISMATCH, "cca.binding");
}

TEST(psa_vectors)
{
    if (absent()) {
        SKIP("no vectors");
    }
    expect_file(__LINE__, cm_psa_verify, PSA "psa-2_0_0_sign1.bin", PSA "public.pem", CM_OK, NULL);
    expect_file(__LINE__, cm_psa_verify, PSA "psa-iot-1_sign1.bin", PSA "public.pem", CM_OK, NULL);
    expect_file(__LINE__, cm_psa_verify, PSA "psa-2_0_0_mac0.bin", PSA "public.pem",
                CM_ERR_UNSUPPORTED, "psa.signature");
    expect_file(__LINE__, cm_psa_verify, PSA "psa-iot-1_mac0.bin", PSA "public.pem",
                CM_ERR_UNSUPPORTED, "psa.signature");
    expect_file(__LINE__, cm_psa_verify, PSA "psa-2_0_0_sign1.bin", CCA "pkey.json",
                CM_ERR_SIGNATURE, "psa.signature");
}

/* claims alone, as the decoders' own vectors have them: put under a signature of ours */
static void expect_claims(int line, const char *platform, const char *realm, enum cm_status want)
{
    static uint8_t out[8192];
    static uint8_t parts[2][4096];
    struct cm_span claims[2] = {{NULL, 0}, {NULL, 0}};
    uint8_t *owned[2] = {load(platform, &claims[0]), load(realm, &claims[1])};
    struct cm_wr w = cm_wr_init(out, sizeof(out));
    struct cm_verify_input in = {.now = 1700000000};
    struct outcome o;

    cm_cbor_wr_tag(&w, 399);
    cm_cbor_wr_map(&w, 2);
    for (int i = 0; i < 2; i++) {
        struct cm_wr t = cm_wr_init(parts[i], sizeof(parts[i]));

        REQUIRE(cm_cose_sign1_write(make_key(i), CM_SIG_ES384, claims[i], &t) == CM_OK);
        cm_cbor_wr_u64(&w, i == 0 ? 44234 : 44241);
        cm_cbor_wr_bytes(&w, cm_span_make(parts[i], t.used));
    }
    o = run_verifier(cm_cca_verify, cm_span_make(out, w.used), NULL, 0, &in);
    if (o.st != want) {
        TEST_FAIL("line %d: %s", line, cm_status_str(o.st));
    }
    cm_evidence_free(o.ev);
    free(owned[0]);
    free(owned[1]);
}

TEST(cca_claims_vectors)
{
    if (absent()) {
        SKIP("no vectors");
    }
    /* no key is given: well-formed claims get as far as asking for one */
    expect_claims(__LINE__, CCA "platform-claims.cbor", CCA "realm-claims.cbor", CM_ERR_NOTFOUND);
    expect_claims(__LINE__, CCA "platform-claims.cbor",
                  CCA "realm-claims+spurious-numeric-key.cbor", CM_ERR_NOTFOUND);
    expect_claims(__LINE__, CCA "platform-claims.cbor", CCA "realm-claims+spurious-text-key.cbor",
                  CM_ERR_NOTFOUND);
    expect_claims(__LINE__, CCA "platform-claims.cbor", CCA "realm-claims-missing-challenge.cbor",
                  CM_ERR_FORMAT);
}

TEST_MAIN
