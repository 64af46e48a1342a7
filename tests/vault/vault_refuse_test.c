/*
 * Who must get nothing: wrong attesters one by one, each with the right role. After each the secret is looked
 * for in every byte that the service answered, and at the end in its log and in the files of its store (rows
 * I1 to I7; what policies and chains refuse below this is tested in tests/policy and tests/identity).
 */
#include "harness.h"

#include "vault_kit.h"

#include <glob.h>
#include <openssl/hmac.h>

#include "store/audit.h"

#define LISTED "https://attest.listed.test"
#define WRONG  "https://attest.wrong.test"
#define PATH   "/keys/k/release" API

/* ------------------------------------------------------------------ searching */

/* The secret in all forms in which it could leave. */
static const char *const forms[] = {
    SECRET_BYTES,
    SECRET_B64,
    "casemate-secret",
    "636173656d6174652d7365637265742d6f662d33322d62797465732d68657265",
    "636173656D6174652D7365637265742D6F662D33322D62797465732D68657265",
    "Y2FzZW1hdGUt",
};

static bool has_secret(const void *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (memmem(bytes, len, forms[i], strlen(forms[i])) != NULL) {
            return true;
        }
    }
    return false;
}

static void check_answer(void)
{
    const struct kit_answer *a = kit_last();

    CHECK(a->body == NULL || !has_secret(a->body, a->len));
    CHECK(a->head == NULL || !has_secret(a->head, strlen(a->head)));
}

static void check_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    static char bytes[4 << 20];
    size_t n = 0;

    if (f != NULL) {
        n = fread(bytes, 1, sizeof(bytes), f);
        CHECK(n < sizeof(bytes));
        CHECK(!has_secret(bytes, n));
        (void)fclose(f);
    }
}

static void check_store(void)
{
    char pattern[300] = "";
    glob_t found;

    (void)snprintf(pattern, sizeof(pattern), "%s/*", kit_folder());
    CHECK(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc >= 2);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        check_file(found.gl_pathv[i]);
    }
    globfree(&found);
}

/* ------------------------------------------------------------------ attesters */

#define POLICY                                                     \
    "{\"claim\":\"x-ms-attestation-type\",\"equals\":\"sgx\"},"    \
    "{\"claim\":\"x-ms-sgx-mrenclave\",\"equals\":\"aa\"},"        \
    "{\"claim\":\"x-ms-sgx-mrsigner\",\"notEquals\":\"dd\"},"      \
    "{\"claim\":\"x-ms-sgx-svn\",\"greaterOrEquals\":3},"          \
    "{\"claim\":\"x-ms-sgx-is-debuggable\",\"equals\":\"false\"}," \
    "{\"claim\":\"nonce\",\"equals\":\"today\"}"

static struct cm_privkey *listed_key;

static json_t *right_claims(const char *issuer)
{
    json_t *c = good_claims(issuer);

    (void)json_object_set_new(c, "x-ms-sgx-mrsigner", json_string("ee"));
    (void)json_object_set_new(c, "x-ms-sgx-svn", json_integer(3));
    (void)json_object_set_new(c, "nonce", json_string("today"));
    return c;
}

/* The right claims with one member otherwise: JSON, or NULL to take it away. */
static char *with(const char *name, const char *value)
{
    json_t *c = right_claims(NULL);

    if (value == NULL) {
        (void)json_object_del(c, name);
    } else if (json_object_set_new(c, name, json_loads(value, JSON_DECODE_ANY, NULL)) != 0) {
        abort();
    }
    return own_token(c);
}

/* The right claims with another key to encrypt to. Takes the reference; NULL: none. */
static char *with_key(json_t *jwk)
{
    json_t *c = right_claims(NULL);

    (void)json_object_set_new(json_object_get(c, "x-ms-runtime"), "keys",
                              jwk == NULL ? json_array() : json_pack("[o]", jwk));
    return own_token(c);
}

static json_t *changed_jwk(const char *name, const char *value)
{
    json_t *jwk = tee_jwk(tee_key(2048));

    if (value == NULL) {
        (void)json_object_del(jwk, name);
    } else {
        (void)json_object_set_new(jwk, name, json_loads(value, JSON_DECODE_ANY, NULL));
    }
    return jwk;
}

static json_t *small_jwk(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    BIGNUM *n = NULL;
    uint8_t bytes[128];
    json_t *jwk = tee_jwk(tee_key(2048));
    char *text = NULL;

    if (key == NULL || EVP_PKEY_get_bn_param(key, "n", &n) != 1) {
        abort();
    }
    text = b64(bytes, (size_t)BN_bn2bin(n, bytes));
    (void)json_object_set_new(jwk, "n", json_string(text));
    free(text);
    BN_free(n);
    EVP_PKEY_free(key);
    return jwk;
}

/* header.payload with any signature: the caller frees. */
static char *compact(const char *header, json_t *claims, const void *signature, size_t len)
{
    char *text = json_dumps(claims, JSON_COMPACT);
    char *h = b64(header, strlen(header));
    char *p = b64(text, strlen(text));
    char *s = b64(signature, len);
    size_t cap = strlen(h) + strlen(p) + strlen(s) + 3;
    char *out = malloc(cap);

    (void)snprintf(out, cap, "%s.%s.%s", h, p, s);
    json_decref(claims);
    free(text);
    free(h);
    free(p);
    free(s);
    return out;
}

/* HS256 under what everybody knows: the PEM of our public key. */
static char *hmac_token(void)
{
    json_t *jwks = cm_identity_jwks(kit_service(), CM_SIGNER_TOKEN);
    const char *public =
        json_string_value(json_object_get(json_array_get(json_object_get(jwks, "keys"), 0), "n"));
    char *unsigned_one = compact("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", right_claims(NULL), "", 0);
    size_t n = strlen(unsigned_one) - 1;
    uint8_t mac[32];
    unsigned len = 32;
    char *s = NULL;
    char *out = malloc(n + 64);

    (void)HMAC(EVP_sha256(), public, (int)strlen(public), (const uint8_t *)unsigned_one, n, mac,
               &len);
    s = b64(mac, sizeof(mac));
    (void)snprintf(out, n + 64, "%.*s.%s", (int)n, unsigned_one, s);
    free(unsigned_one);
    free(s);
    json_decref(jwks);
    return out;
}

/* A good token with other claims under the same signature, or with a bit of it changed. */
static char *tampered(bool payload)
{
    json_t *c = right_claims(NULL);
    char *good = NULL;
    char *out = NULL;
    char *last = NULL;

    (void)json_object_set_new(c, "x-ms-sgx-mrenclave", json_string(payload ? "bb" : "aa"));
    good = own_token(c);
    last = strrchr(good, '.');
    if (payload) {
        char *first = strchr(good, '.');
        json_t *right = right_claims(NULL);
        char *text = json_dumps(right, JSON_COMPACT);
        char *p = b64(text, strlen(text));
        size_t cap = strlen(good) + strlen(p) + 1;

        out = malloc(cap);
        (void)snprintf(out, cap, "%.*s.%s%s", (int)(first - good), good, p, last);
        json_decref(right);
        free(text);
        free(p);
    } else {
        out = strdup(good);
        out[last - good + 20] = out[last - good + 20] == 'A' ? 'B' : 'A';
    }
    free(good);
    return out;
}

/* Signed by the key that the token itself brings along. */
static char *own_key_in_header(const char *member)
{
    char header[2048] = "";
    char *n = modulus(tee_key(3072));

    (void)snprintf(header, sizeof(header),
                   "\"%s\":%s{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\",\"kid\":\"x\"}%s", member,
                   strcmp(member, "x5c") == 0 ? "[" : "", n, strcmp(member, "x5c") == 0 ? "]" : "");
    free(n);
    if (strcmp(member, "jku") == 0) {
        (void)snprintf(header, sizeof(header), "\"jku\":\"" LISTED "/certs\"");
    }
    return other_token(tee_key(3072), CM_SIG_RS256, header, right_claims(NULL));
}

/* Signed by another key of this service, which does not sign attestations. */
static char *release_signer(void)
{
    const struct cm_token_form form = {.type = "JWT"};
    json_t *claims = right_claims(NULL);
    char *text = json_dumps(claims, JSON_COMPACT);
    char *out = NULL;

    if (cm_identity_sign(kit_service(), CM_SIGNER_RELEASE, &form, cm_span_make(text, strlen(text)),
                         &out, NULL) != CM_OK) {
        abort();
    }
    json_decref(claims);
    free(text);
    return out;
}

static char *number_text(int64_t n)
{
    static char text[2][32];
    static int which;

    which = 1 - which;
    (void)snprintf(text[which], sizeof(text[0]), "%lld", (long long)n);
    return text[which];
}

static char *at(const char *name, int64_t seconds_from_now)
{
    return with(name, number_text((int64_t)kit_now() + seconds_from_now));
}

/* A claim twice: readers differ in which they see. */
static char *claim_twice(void)
{
    json_t *c = right_claims(LISTED);
    char *text = json_dumps(c, JSON_COMPACT);
    char twice[8192] = "";
    char *out = malloc(65536);

    (void)snprintf(twice, sizeof(twice), "{\"x-ms-sgx-mrenclave\":\"bb\",%s", text + 1);
    if (cm_jws_sign(listed_key, CM_SIG_ES256, "\"kid\":\"l\"", cm_span_make(twice, strlen(twice)),
                    out, 65536) != CM_OK) {
        abort();
    }
    json_decref(c);
    free(text);
    return out;
}

static char *listed(enum cm_sig_alg alg, const char *kid, const char *issuer)
{
    char header[64] = "";

    (void)snprintf(header, sizeof(header), "\"kid\":\"%s\"", kid);
    return other_token(alg == CM_SIG_ES256 ? listed_key : tee_key(3072), alg, header,
                       right_claims(issuer));
}

/* -------------------------------------------------------------------- the matrix */

static int refused;

/* One attester. Takes the token. */
static void nothing_for(const char *who, char *token, const char *code)
{
    ask_release(PATH, token, NULL, "nonce");
    if (kit_last()->status != 403 || kit_string("error.innererror.code") == NULL ||
        strcmp(kit_string("error.innererror.code"), code) != 0) {
        TEST_FAIL("%s: %d %s", who, kit_last()->status, kit_last()->body);
    }
    check_answer();
    refused++;
    free(token);
}

static void start_matrix(FILE *log)
{
    struct kit_options options = vault_options();

    options.log = log;
    options.log_level = CM_LOG_DEBUG;
    kit_set_clock((uint64_t)time(NULL));
    (void)kit_start_with(&options);
    if (cm_privkey_generate(CM_CURVE_P256, 0, &listed_key) != CM_OK) {
        abort();
    }
}

static json_t *listed_jwks(void)
{
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66];
    uint8_t y[66];
    size_t n = 0;
    char *x64 = NULL;
    char *y64 = NULL;
    json_t *out = NULL;

    if (cm_privkey_public(listed_key, &pub) != CM_OK ||
        cm_pubkey_ec(pub, &curve, x, y, &n) != CM_OK) {
        abort();
    }
    x64 = b64(x, n);
    y64 = b64(y, n);
    out = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s}]}", "keys", "kty", "EC", "crv", "P-256", "kid",
                    "l", "x", x64, "y", y64);
    free(x64);
    free(y64);
    cm_pubkey_free(pub);
    return out;
}

static void right_ones_get_it(int line)
{
    uint8_t out[64];
    char *token = own_token(right_claims(NULL));

    if (ask_release(PATH, token, NULL, NULL)->status != 200 ||
        open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)) != 32 ||
        memcmp(out, SECRET_BYTES, 32) != 0) {
        TEST_FAIL("line %d: the right attester gets nothing: %s", line, kit_last()->body);
    }
    check_answer(); /* wrapped */
    free(token);
}

static void wrong_tokens(void)
{
    nothing_for("a debug enclave", with("x-ms-sgx-is-debuggable", "true"), "PolicyNotMet");
    nothing_for("another measurement", with("x-ms-sgx-mrenclave", "\"ab\""), "PolicyNotMet");
    nothing_for("the signer that is excluded", with("x-ms-sgx-mrsigner", "\"dd\""), "PolicyNotMet");
    nothing_for("no signer, though only one is excluded", with("x-ms-sgx-mrsigner", NULL),
                "PolicyNotMet");
    nothing_for("an old version", with("x-ms-sgx-svn", "2"), "PolicyNotMet");
    nothing_for("no version", with("x-ms-sgx-svn", NULL), "PolicyNotMet");
    nothing_for("another kind of enclave", with("x-ms-attestation-type", "\"sevsnpvm\""),
                "PolicyNotMet");
    nothing_for("a stale nonce", with("nonce", "\"yesterday\""), "PolicyNotMet");
    nothing_for("an expired token", at("exp", 0), "TokenExpired");
    nothing_for("a token of tomorrow", at("nbf", 3600), "TokenNotYetValid");
    nothing_for("a token without end", with("exp", NULL), "TokenInvalid");
    nothing_for("an end that is text", with("exp", "\"9999999999\""), "TokenInvalid");
    nothing_for("a negative end", with("exp", "-1"), "TokenInvalid");
    nothing_for("an emulator", with("casemate.emulated", "true"), "Emulated");
    nothing_for("an emulator further down", with("submods", "{\"sgx\":{\"emulated\":true}}"),
                "Emulated");
    nothing_for("no issuer", with("iss", NULL), "TokenInvalid");
    nothing_for("an issuer nobody knows", with("iss", "\"" WRONG "\""), "IssuerUnknown");
    nothing_for("our own address with more behind it", with("iss", "\"https://localhost/x\""),
                "IssuerUnknown");
}

static void wrong_signatures(void)
{
    nothing_for("alg none", compact("{\"alg\":\"none\"}", right_claims(NULL), "", 0),
                "TokenInvalid");
    nothing_for("HS256 under our public key", hmac_token(), "TokenInvalid");
    nothing_for("claims changed under a signature", tampered(true), "TokenSignature");
    nothing_for("a signature changed", tampered(false), "TokenSignature");
    nothing_for("another key in our name",
                other_token(tee_key(3072), CM_SIG_RS256, NULL, right_claims(NULL)),
                "TokenSignature");
    nothing_for("RS384", other_token(tee_key(3072), CM_SIG_RS384, NULL, right_claims(NULL)),
                "TokenInvalid");
    nothing_for("a key in the header (jwk)", own_key_in_header("jwk"), "TokenSignature");
    nothing_for("a key in the header (x5c)", own_key_in_header("x5c"), "TokenSignature");
    nothing_for("keys from an address in the header", own_key_in_header("jku"), "TokenSignature");
    nothing_for("the key that signs releases", release_signer(), "TokenSignature");
    nothing_for("no token", strdup("hello"), "TokenInvalid");
    nothing_for("an empty payload", strdup("eyJhbGciOiJSUzI1NiJ9..AAAA"), "TokenInvalid");
    /* LISTED is on the list; the key's policy does not name it */
    nothing_for("a listed issuer that is no authority", listed(CM_SIG_ES256, "l", LISTED),
                "PolicyNotMet");
    nothing_for("a claim twice", claim_twice(), "TokenInvalid");
    nothing_for("a listed issuer's key in our name", listed(CM_SIG_ES256, "l", kit_url()),
                "TokenSignature");
    nothing_for("another key of a listed issuer", listed(CM_SIG_RS256, "l", LISTED),
                "TokenSignature");
    nothing_for("a kid nobody has", listed(CM_SIG_ES256, "m", LISTED), "TokenSignature");
}

static void wrong_keys(void)
{
    nothing_for("no runtime data", with("x-ms-runtime", NULL), "TargetKeyUnusable");
    nothing_for("runtime data that are text", with("x-ms-runtime", "\"x\""), "TargetKeyUnusable");
    nothing_for("no keys", with_key(NULL), "TargetKeyUnusable");
    nothing_for("RSA of 1024 bits", with_key(small_jwk()), "TargetKeyUnusable");
    nothing_for("a key for nothing", with_key(changed_jwk("key_ops", NULL)), "TargetKeyUnusable");
    nothing_for("a key that signs", with_key(changed_jwk("key_ops", "[\"sign\"]")),
                "TargetKeyUnusable");
    nothing_for("a key whose use is to sign", with_key(changed_jwk("key_use", "\"sig\"")),
                "TargetKeyUnusable");
    nothing_for("a key whose use is sig", with_key(changed_jwk("use", "\"sig\"")),
                "TargetKeyUnusable");
    {
        json_t *jwks = listed_jwks(); /* a whole EC key, that looks like RSA, too */
        json_t *jwk = json_deep_copy(json_array_get(json_object_get(jwks, "keys"), 0));

        (void)json_object_set_new(jwk, "n", json_string("AAAA"));
        (void)json_object_set_new(jwk, "key_use", json_string("enc"));
        nothing_for("an EC key with a modulus", with_key(jwk), "TargetKeyUnusable");
        json_decref(jwks);
    }
    nothing_for("a key without a name", with_key(changed_jwk("kid", NULL)), "TargetKeyUnusable");
    nothing_for("an EC key", with_key(changed_jwk("kty", "\"EC\"")), "TargetKeyUnusable");
    nothing_for("a modulus of zeros", with_key(changed_jwk("n", "\"AAAA\"")), "TargetKeyUnusable");
    nothing_for("an exponent of 1", with_key(changed_jwk("e", "\"AQ\"")), "TargetKeyUnusable");
    nothing_for("held data that are none", with("x-ms-runtime", NULL), "TargetKeyUnusable");
}

static void patch_key(const char *json)
{
    CHECK_EQ(kit_patch("/keys/k" API, "author", json)->status, 200);
    check_answer();
}

static void wrong_times_for_the_key(void)
{
    char text[128] = "";

    patch_key("{\"attributes\":{\"enabled\":false}}");
    nothing_for("a disabled key", own_token(right_claims(NULL)), "Disabled");
    (void)snprintf(text, sizeof(text), "{\"attributes\":{\"enabled\":true,\"nbf\":%lld}}",
                   (long long)kit_now() + 10);
    patch_key(text);
    nothing_for("a key of tomorrow", own_token(right_claims(NULL)), "NotYetValid");
    (void)snprintf(text, sizeof(text), "{\"attributes\":{\"nbf\":0,\"exp\":%lld}}",
                   (long long)kit_now());
    patch_key(text);
    nothing_for("a key of yesterday", own_token(right_claims(NULL)), "Expired");
    patch_key("{\"attributes\":{\"exp\":0}}");
    right_ones_get_it(__LINE__);
    CHECK_EQ(kit_delete("/keys/k" API, "author")->status, 200);
    check_answer();
    {
        char *token = own_token(right_claims(NULL));

        CHECK_EQ(ask_release(PATH, token, NULL, NULL)->status, 404);
        check_answer();
        free(token);
    }
    CHECK_EQ(kit_post("/deletedkeys/k/recover" API, "author", "")->status, 200);
    check_answer();
}

/* The right attester, but something else is wrong. */
static void wrong_requests(void)
{
    static const char *const callers[] = {NULL, "nothing", "author", "auditor", "approver"};
    char *token = own_token(right_claims(NULL));
    char *body = NULL;

    for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        json_t *o = json_pack("{s:s}", "target", token);

        body = json_dumps(o, 0);
        CHECK_EQ(kit_post(PATH, callers[i], body)->status, callers[i] == NULL ? 401 : 403);
        check_answer();
        json_decref(o);
        free(body);
    }
    CHECK_EQ(ask_release(PATH, token, "RSA-OAEP", NULL)->status, 400);
    CHECK_EQ(ask_release(PATH, token, "", NULL)->status, 400);
    CHECK_EQ(kit_post(PATH, "client", "{}")->status, 400);
    CHECK_EQ(kit_post(PATH, "client", "{\"target\":7}")->status, 400);
    CHECK_EQ(kit_post(PATH, "client", "{\"target\":\"a\\u0000b\"}")->status, 400);
    CHECK_EQ(kit_post(PATH, "client", "{\"target\":\"x\",\"nonce\":7}")->status, 400);
    CHECK_EQ(kit_post(PATH, "client", "{\"target\":\"x\",\"target\":\"y\"}")->status, 400);
    CHECK_EQ(ask_release("/keys/other/release" API, token, NULL, NULL)->status, 404);
    CHECK_EQ(ask_release("/secrets/k/release" API, token, NULL, NULL)->status, 404);
    free(token);
}

static bool count_audit(void *arg, const struct cm_audit_record *r)
{
    int *n = arg;

    n[0] += strcmp(r->action, "key.withhold") == 0;
    n[1] += strcmp(r->action, "key.release") == 0;
    CHECK(!has_secret(r->detail, strlen(r->detail)));
    if (strcmp(r->action, "key.withhold") == 0) {
        CHECK(strstr(r->object, "key/k/") == r->object && strstr(r->detail, "\"code\":") != NULL &&
              strstr(r->detail, "\"reason\":") != NULL);
    } else if (strcmp(r->action, "key.release") == 0) {
        CHECK(strstr(r->detail, "\"x-ms-sgx-mrenclave\":\"aa\"") != NULL);
        CHECK(strstr(r->detail, "\"attestation\":\"0123456789abcdef") != NULL);
        CHECK_STR(r->actor, "client");
    }
    return true;
}

static void read_audit(int counts[2])
{
    struct cm_audit_verdict verdict;
    struct cm_why why = {""};
    struct cm_db *db = NULL;

    CHECK_EQ(cm_db_open(kit_store(), &db, &why), CM_OK);
    CHECK_EQ(cm_audit_verify(db, NULL, &verdict, &why), CM_OK);
    CHECK_EQ(cm_audit_read(db, 0, count_audit, counts, &why), CM_OK);
    cm_db_close(db);
}

TEST(nobody_else_gets_anything) /* I4, I5, I6 */
{
    char log_path[300] = "";
    char counted[64] = "";
    FILE *log = NULL;
    int audit[2] = {0, 0};

    (void)snprintf(log_path, sizeof(log_path), "vault-refuse-%ld.log", (long)getpid());
    log = fopen(log_path, "w");
    start_matrix(log);
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, POLICY)))->status ==
            200);
    check_answer();
    CHECK_EQ(kit_post_json("/vault/issuers", "admin",
                           json_pack("{s:s, s:o}", "issuer", LISTED, "jwks", listed_jwks()))
                 ->status,
             200);
    right_ones_get_it(__LINE__);
    wrong_tokens();
    wrong_signatures();
    wrong_keys();
    wrong_times_for_the_key();
    wrong_requests();
    right_ones_get_it(__LINE__);
    CHECK(refused >= 20);
    read_audit(audit);
    CHECK_EQ(audit[0], refused);
    CHECK_EQ(audit[1], 3);
    (void)snprintf(counted, sizeof(counted), "releases_total{result=\"withheld\"} %d\n", refused);
    CHECK(strstr(kit_get("/metrics", "auditor")->body, counted) != NULL);
    CHECK(strstr(kit_last()->body, "releases_total{result=\"released\"} 3\n") != NULL);
    (void)printf("  %d wrong attesters got nothing\n", refused);
    check_store();
    end_vault();
    (void)fclose(log);
    check_file(log_path);
    (void)unlink(log_path);
    cm_privkey_free(listed_key);
}

TEST_MAIN
