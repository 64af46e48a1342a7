/* Confidential Space tokens of our own issuer: both ways to the key, every check, every forgery. */
#include "verdict.h"

#include <casemate/verify.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "certkit.h"
#include "common/writer.h"
#include "crypto/pubkey.h"
#include "evidence/claims.h"
#include "os/os.h"
#include "token/base64.h"
#include "token/jws.h"

#define ISSUED  "1699999000"
#define EXPIRES "1700002600"
#define CLAIMS  "../shared/vectors/evidence/gcp-oidc/oak/"

static const char good_claims[] =
    "{\"aud\":\"a bank\",\"exp\":" EXPIRES ",\"iat\":" ISSUED ",\"nbf\":" ISSUED
    ",\"iss\":\"https://confidentialcomputing.googleapis.com\",\"sub\":\"instance\","
    "\"eat_nonce\":[\"another nonce\",\"the nonce of this bank\"],\"secboot\":true,\"oemid\":11129,"
    "\"hwmodel\":\"GCP_INTEL_TDX\",\"swname\":\"CONFIDENTIAL_SPACE\",\"swversion\":[\"250301\"],"
    "\"dbgstat\":\"disabled-since-boot\",\"submods\":{\"confidential_space\":{\"support_"
    "attributes\":"
    "[\"LATEST\",\"STABLE\"]},\"container\":{\"image_digest\":\"sha256:"
    "313b8a83d3c8bfc9abcffee4f538424473e2705383a7e46f16d159faf0e5ef34\",\"args\":[\"/app\",\"-x\"],"
    "\"env\":{\"HOME\":\"/\"}},\"gce\":{\"zone\":\"us-west1-b\"}},"
    "\"google_service_accounts\":[\"a@b.example\"]}";

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "gcp_token_test: %s failed\n", what);
        abort();
    }
}

/* The issuer's signing key, whose certificate ck_key("rsa2048", 1) is. */
static const struct cm_privkey *issuer_key(void)
{
    static struct cm_privkey *key;
    char pem[4096] = "";

    if (key == NULL) {
        BIO *bio = BIO_new(BIO_s_mem());
        int len = 0;

        must(bio != NULL && PEM_write_bio_PrivateKey(bio, ck_key("rsa2048", 1), NULL, NULL, 0, NULL,
                                                     NULL) == 1,
             "PEM");
        len = BIO_read(bio, pem, sizeof(pem) - 1);
        BIO_free(bio);
        must(len > 0 && cm_privkey_from_pem(cm_span_make(pem, (size_t)len), &key) == CM_OK, "key");
    }
    return key;
}

static size_t make_cert(unsigned place, uint8_t der[4096])
{
    /* 0 leaf, 1 intermediate, 2 root */
    static const char *const names[] = {"Leaf", "Confidential Space CA", "Confidential Space Root"};
    static const char *const kinds[] = {"rsa2048", "rsa2048", "rsa3072"};
    struct ck_cert c = {.subject = names[place],
                        .issuer = names[place == 2 ? 2 : place + 1],
                        .key = ck_key(kinds[place], place == 2 ? 0 : place + 1),
                        .signer = place == 0 ? ck_key("rsa2048", 2) : ck_key("rsa3072", 0),
                        .serial = place + 1,
                        .ca = place != 0,
                        .usage = place == 0 ? "critical,digitalSignature"
                                            : "critical,keyCertSign,cRLSign"};

    return ck_cert(&c, der, 4096);
}

/* "x5c":[...] of these certificates; "" for none */
static void make_x5c(const char *places, char *out, size_t cap)
{
    struct cm_wr w = cm_wr_init(out, cap - 1);

    cm_wr_bytes(&w, "\"x5c\":[", 7);
    for (size_t i = 0; places[i] != '\0'; i++) {
        uint8_t der[4096];
        char text[6000];
        size_t len = make_cert((unsigned)(places[i] - '0'), der);
        size_t n = 0;

        must(cm_base64_encode(cm_span_make(der, len), text, sizeof(text), &n) == CM_OK, "base64");
        cm_wr_bytes(&w, i == 0 ? "\"" : ",\"", i == 0 ? 1 : 2);
        cm_wr_bytes(&w, text, n);
        cm_wr_u8(&w, '"');
    }
    cm_wr_u8(&w, ']');
    must(cm_wr_finish(&w) == CM_OK, "x5c");
    out[w.used] = '\0';
}

struct run {
    const char *claims;
    const char *header; /* members */
    enum cm_sig_alg alg;
    struct cm_material with[2];
    size_t with_count;
    const char *nonce;
    uint64_t now;
    unsigned flags;
    const char *family;
};

static const char *standard_header(void)
{
    static char x5c[16384] = "";

    if (x5c[0] == '\0') {
        make_x5c("012", x5c, sizeof(x5c));
    }
    return x5c;
}

static void begin(struct run *r)
{
    memset(r, 0, sizeof(*r));
    r->claims = good_claims;
    r->header = standard_header();
    r->alg = CM_SIG_RS256;
    r->now = CK_NOW;
    r->family = "gcp-token";
}

static enum cm_status verify_text(const struct run *r, struct cm_span token,
                                  struct cm_evidence **ev)
{
    struct cm_trust_root root = {.family = r->family, .label = "ours"};
    struct cm_verify_input in = {.now = r->now, .roots = &root, .root_count = 1, .flags = r->flags};
    struct cm_verify_job job = {
        .evidence = token, .materials = r->with, .material_count = r->with_count, .in = &in};

    ck_spki_sha256(ck_key("rsa3072", 0), root.spki_sha256);
    if (r->nonce != NULL) {
        in.report_data = cm_span_make(r->nonce, strlen(r->nonce));
    }
    return cm_verify(&job, ev);
}

static char *sign(const struct run *r)
{
    static char token[65536];

    must(cm_jws_sign(issuer_key(), r->alg, r->header, cm_span_make(r->claims, strlen(r->claims)),
                     token, sizeof(token)) == CM_OK,
         "signing");
    return token;
}

static void expect_at(int line, const struct run *r, enum cm_status want, const char *check)
{
    char *token = sign(r);
    struct cm_evidence *ev = NULL;
    enum cm_status st = verify_text(r, cm_span_make(token, strlen(token)), &ev);

    expect_verdict(line, st, ev, want, check);
    cm_evidence_free(ev);
}

#define EXPECT(change, want, check)             \
    do {                                        \
        struct run r;                           \
        begin(&r);                              \
        change;                                 \
        expect_at(__LINE__, &r, (want), check); \
    } while (0)

/* The good claims with one piece of text replaced. */
static const char *with_claim(const char *from, const char *to)
{
    static char text[4096];
    const char *at = strstr(good_claims, from);

    must(at != NULL, from);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good_claims), good_claims, to,
                   at + strlen(from));
    return text;
}

TEST(a_token_with_certificates_is_accepted)
{
    struct run r;
    struct cm_evidence *ev = NULL;
    const struct cm_claim *c = NULL;
    char *token = NULL;

    begin(&r);
    r.nonce = "the nonce of this bank";
    token = sign(&r);
    CHECK_EQ(cm_verify_recognise(cm_span_make(token, strlen(token))), CM_FORMAT_GCP_TOKEN);
    CHECK_EQ(verify_text(&r, cm_span_make(token, strlen(token)), &ev), CM_OK);
    REQUIRE(ev != NULL);
    CHECK_EQ(cm_evidence_result(ev, 0, "nonce"), CM_CHECK_PASS);
    c = cm_evidence_find(ev, 0, CM_CLAIM_HWMODEL, 0);
    CHECK_STR(c->text, "GCP_INTEL_TDX");
    CHECK_EQ(c->authority, CM_AUTHORITY_ENDORSER);
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.container.args", 1)->text, "-x");
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.container.env", 0)->text, "HOME=/");
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.support_attributes", 1)->text, "STABLE");
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.aud", 0)->text, "a bank");
    CHECK_STR(cm_evidence_find(ev, 0, "swname", 0)->text, "CONFIDENTIAL_SPACE");
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.eat_nonce", 0)->text, "another nonce");
    CHECK_STR(cm_evidence_find(ev, 0, "gcp.eat_nonce", 1)->text, "the nonce of this bank");
    CHECK(cm_evidence_find(ev, 0, "gcp.eat_nonce", 2) == NULL);
    CHECK_EQ(cm_evidence_find(ev, 0, "gcp.eat_nonce", 1)->authority, CM_AUTHORITY_ENDORSER);
    CHECK_EQ(cm_evidence_find(ev, 0, CM_CLAIM_NONCE, 1)->len, 22);
    c = cm_evidence_find(ev, 0, CM_CLAIM_MEASUREMENTS, 0);
    CHECK_STR(c->text, "container-image");
    CHECK_EQ(c->bytes[0], 0x31);
    cm_evidence_free(ev);
}

TEST(the_chain_of_x5c_is_verified)
{
    static char x5c[16384];

    EXPECT((make_x5c("01", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_NOTFOUND, "gcp.signature");
    EXPECT((make_x5c("02", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_NOTFOUND, "gcp.signature");
    EXPECT((make_x5c("0", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_NOTFOUND, "gcp.signature");
    EXPECT((make_x5c("", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_FORMAT, "gcp.signature");
    EXPECT((make_x5c("0222222", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_FORMAT, "gcp.signature");
    EXPECT(r.header = "\"x5c\":[\"AAAA\"]", CM_ERR_FORMAT, "gcp.signature");
    EXPECT(r.header = "\"x5c\":\"AAAA\"", CM_ERR_FORMAT, "gcp.signature");
    EXPECT(r.header = NULL, CM_ERR_NOTFOUND, "gcp.signature");
    EXPECT(r.family = "gce", CM_ERR_POLICY, "gcp.signature");
    EXPECT(r.now = CK_NOW + 2 * CK_DAY, CM_ERR_EXPIRED, "gcp.signature");
    /* a good chain, but another's signature: the intermediate's certificate for a leaf */
    EXPECT((make_x5c("12", x5c, sizeof(x5c)), r.header = x5c), CM_ERR_MISMATCH, "gcp.signature");
}

TEST(a_key_set_of_the_callers_decides_alone)
{
    uint8_t spki[2][2048];
    size_t len[2];
    struct cm_pubkey *own = NULL;
    struct cm_pubkey *other = NULL;

    REQUIRE(cm_privkey_public(issuer_key(), &own) == CM_OK);
    REQUIRE(cm_pubkey_from_evp(ck_key("rsa2048", 3), &other) == CM_OK);
    REQUIRE(cm_pubkey_spki(own, spki[0], 2048, &len[0]) == CM_OK);
    REQUIRE(cm_pubkey_spki(other, spki[1], 2048, &len[1]) == CM_OK);
    EXPECT((r.header = "\"kid\":\"a\"", r.with_count = 1,
            r.with[0] = (struct cm_material){CM_MATERIAL_KEY, "k", {spki[0], len[0]}}),
           CM_OK, "");
    EXPECT((r.header = "\"kid\":\"a\"", r.with_count = 1,
            r.with[0] = (struct cm_material){CM_MATERIAL_KEY, "k", {spki[1], len[1]}}),
           CM_ERR_SIGNATURE, "gcp.signature");
    /* a good x5c does not help where the caller has named keys */
    EXPECT((r.with_count = 1,
            r.with[0] = (struct cm_material){CM_MATERIAL_KEY, "k", {spki[1], len[1]}}),
           CM_ERR_SIGNATURE, "gcp.signature");
    cm_pubkey_free(own);
    cm_pubkey_free(other);
}

TEST(the_algorithm_is_pinned)
{
    EXPECT(r.alg = CM_SIG_PS256, CM_ERR_UNSUPPORTED, "gcp.signature");
    EXPECT(r.alg = CM_SIG_RS512, CM_ERR_UNSUPPORTED, "gcp.signature");
}

TEST(every_claim_that_must_hold)
{
    EXPECT(r.claims = with_claim("\"exp\":" EXPIRES, "\"exp\":1699999999"), CM_ERR_EXPIRED,
           "gcp.period");
    EXPECT(r.claims = with_claim("\"exp\":" EXPIRES, "\"exp\":1700000000"), CM_ERR_EXPIRED,
           "gcp.period");
    EXPECT(r.claims = with_claim("\"nbf\":" ISSUED, "\"nbf\":1700000001"), CM_ERR_EXPIRED,
           "gcp.period");
    EXPECT(r.claims = with_claim("\"iat\":" ISSUED, "\"iat\":1700000001"), CM_ERR_EXPIRED,
           "gcp.period");
    EXPECT(r.claims = with_claim("\"exp\":" EXPIRES ",", ""), CM_ERR_FORMAT, "gcp.period");
    EXPECT(r.claims = with_claim("\"secboot\":true", "\"secboot\":false"), CM_ERR_POLICY,
           "gcp.secboot");
    EXPECT(r.claims = with_claim("\"secboot\":true", "\"secboot\":\"true\""), CM_ERR_POLICY,
           "gcp.secboot");
    EXPECT(r.claims = with_claim("\"oemid\":11129", "\"oemid\":11128"), CM_ERR_MISMATCH,
           "gcp.oemid");
    EXPECT(r.claims = with_claim("GCP_INTEL_TDX", "GCP_SHIELDED_VM"), CM_ERR_POLICY, "gcp.hwmodel");
    EXPECT(r.claims = with_claim("GCP_INTEL_TDX", "GCP_NOTHING"), CM_ERR_POLICY, "gcp.hwmodel");
    EXPECT(r.claims = with_claim("disabled-since-boot", "enabled"), CM_ERR_POLICY, "gcp.debug");
    EXPECT(
        (r.claims = with_claim("disabled-since-boot", "enabled"), r.flags = CM_VERIFY_ALLOW_DEBUG),
        CM_OK, "");
    EXPECT((r.claims = with_claim("\"dbgstat\":\"disabled-since-boot\",", ""),
            r.flags = CM_VERIFY_ALLOW_DEBUG),
           CM_ERR_POLICY, "gcp.debug");
}

TEST(nonces_are_whole_and_one_of_them)
{
    EXPECT(r.nonce = "another nonce", CM_OK, "");
    EXPECT(r.nonce = "another", CM_ERR_MISMATCH, "nonce");
    EXPECT(r.nonce = "another nonce ", CM_ERR_MISMATCH, "nonce");
    EXPECT((r.nonce = "another nonce",
            r.claims =
                with_claim("[\"another nonce\",\"the nonce of this bank\"]", "\"another nonce\"")),
           CM_OK, "");
    EXPECT((r.nonce = "another nonce",
            r.claims =
                with_claim("\"eat_nonce\":[\"another nonce\",\"the nonce of this bank\"],", "")),
           CM_ERR_MISMATCH, "nonce");
    EXPECT((r.nonce = "seven",
            r.claims =
                with_claim("[\"another nonce\"", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"seven\"")),
           CM_ERR_MISMATCH, "nonce");
}

TEST(another_issuer_is_not_recognised_and_refused)
{
    struct run r;
    struct cm_evidence *ev = NULL;
    struct cm_trust_root root = {.family = "gcp-token"};
    struct cm_verify_input in = {.now = CK_NOW, .roots = &root, .root_count = 1};
    struct cm_verify_job job = {.format = CM_FORMAT_GCP_TOKEN, .in = &in};
    char *token = NULL;

    begin(&r);
    r.claims = with_claim("confidentialcomputing", "confidentialcomputinh");
    token = sign(&r);
    job.evidence = cm_span_make(token, strlen(token));
    ck_spki_sha256(ck_key("rsa3072", 0), root.spki_sha256);
    CHECK_EQ(cm_verify_recognise(job.evidence), CM_FORMAT_ANY);
    CHECK_EQ(cm_verify(&job, &ev), CM_ERR_MISMATCH);
    CHECK_EQ(cm_evidence_result(ev, 0, "gcp.iss"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
}

TEST(every_truncation_and_flipped_bits)
{
    struct run r;
    struct cm_evidence *ev = NULL;
    char *token = NULL;
    size_t len = 0;

    begin(&r);
    token = sign(&r);
    len = strlen(token);
    for (size_t n = 0; n<len; n += n> 700 && n + 700 < len ? 53 : 1) {
        if (verify_text(&r, cm_span_make(token, n), &ev) == CM_OK) {
            TEST_FAIL("%zu of %zu characters are accepted", n, len);
        }
        cm_evidence_free(ev);
    }
    for (size_t i = 0; i < len; i += 41) {
        token[i] ^= 1;
        if (verify_text(&r, cm_span_make(token, len), &ev) == CM_OK) {
            TEST_FAIL("character %zu changed", i);
        }
        cm_evidence_free(ev);
        token[i] ^= 1;
    }
}

/* A file of the vectors in a token of our issuer, at a time. */
static enum cm_status published(const char *name, uint64_t now, unsigned flags,
                                struct cm_evidence **ev)
{
    static char token[65536];
    char path[256] = "";
    uint8_t *bytes = NULL;
    size_t len = 0;
    uint8_t spki[2048];
    size_t spki_len = 0;
    struct cm_pubkey *key = NULL;
    struct cm_verify_input in = {.now = now, .flags = flags};
    struct cm_material with = {CM_MATERIAL_KEY, "ours", {NULL, 0}};
    struct cm_verify_job job = {.materials = &with, .material_count = 1, .in = &in};
    enum cm_status st = CM_OK;

    (void)snprintf(path, sizeof(path), CLAIMS "%s", name);
    must(cm_file_read(path, 65536, &bytes, &len, NULL) == CM_OK, path);
    must(cm_jws_sign(issuer_key(), CM_SIG_RS256, NULL, cm_span_make(bytes, len), token,
                     sizeof(token)) == CM_OK,
         "signing");
    must(cm_privkey_public(issuer_key(), &key) == CM_OK &&
             cm_pubkey_spki(key, spki, sizeof(spki), &spki_len) == CM_OK,
         "key");
    with.bytes = cm_span_make(spki, spki_len);
    job.evidence = cm_span_make(token, strlen(token));
    st = cm_verify(&job, ev);
    cm_pubkey_free(key);
    free(bytes);
    return st;
}

TEST(claims_that_google_published)
{
    struct stat sb;
    struct cm_evidence *ev = NULL;
    const uint64_t now = 1751391100;

    if (stat(CLAIMS "claims.json", &sb) != 0) {
        SKIP(CLAIMS " is not here");
    }
    CHECK_EQ(published("claims.json", now, 0, &ev), CM_OK);
    CHECK_STR(cm_evidence_find(ev, 0, CM_CLAIM_HWMODEL, 0)->text, "GCP_AMD_SEV");
    cm_evidence_free(ev);
    CHECK_EQ(published("claims.json", now + 86400, 0, &ev), CM_ERR_EXPIRED);
    cm_evidence_free(ev);
    CHECK_EQ(published("policy_claims.json", 1750688600, 0, &ev), CM_OK);
    cm_evidence_free(ev);
    CHECK_EQ(published("debug_claims.json", now, 0, &ev), CM_ERR_POLICY);
    CHECK_EQ(cm_evidence_result(ev, 0, "gcp.debug"), CM_CHECK_FAIL);
    cm_evidence_free(ev);
    CHECK_EQ(published("debug_claims.json", now, CM_VERIFY_ALLOW_DEBUG, &ev), CM_OK);
    cm_evidence_free(ev);
    CHECK_EQ(published("expired_claims.json", 1893456000, 0, &ev), CM_ERR_EXPIRED);
    cm_evidence_free(ev);
}

TEST_MAIN
