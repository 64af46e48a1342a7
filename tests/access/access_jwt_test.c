/*
 * Tokens of a provider: what is forged, old, for others or signed in another way is nobody's,
 * and nothing that a token says chooses its key.
 */
#include "access_jwt_kit.h"

#define NOW 1782864000U
#define GOOD                                                                              \
    "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"sub\":\"ci\",\"exp\":1782864300," \
    "\"roles\":[\"ops\"]}"
#define WITH(members) "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE "\",\"sub\":\"ci\"," members "}"

static struct signer rs;
static struct signer es;
static struct signer stranger; /* an RSA key that is not in the set */
static struct cm_jwks set;

static struct cm_oidc oidc_of(void)
{
    struct cm_oidc o = {.issuer = ISSUER,
                        .audience = AUDIENCE,
                        .roles_claim = "roles",
                        .name_claim = "sub",
                        .map_count = 2};

    (void)snprintf(o.maps[0].value, sizeof(o.maps[0].value), "ops");
    o.maps[0].roles = CM_ROLE_ADMIN;
    (void)snprintf(o.maps[1].value, sizeof(o.maps[1].value), "readers");
    o.maps[1].roles = CM_ROLE_AUDITOR;
    return o;
}

static void provider(void)
{
    char a[1200];
    char b[1200];
    char text[2600];
    struct cm_why why = {""};

    if (rs.key != NULL) {
        return;
    }
    rs = signer_make(CM_SIG_RS256, CM_CURVE_P256, "rsa-1");
    es = signer_make(CM_SIG_ES256, CM_CURVE_P256, "ec-1");
    stranger = signer_make(CM_SIG_RS256, CM_CURVE_P256, "rsa-1");
    jwk_of(&rs, ",\"use\":\"sig\",\"alg\":\"RS256\"", a, sizeof(a));
    jwk_of(&es, "", b, sizeof(b));
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s,%s]}", a, b);
    if (cm_jwks_parse(cm_span_make(text, strlen(text)), &set, &why) != CM_OK) {
        (void)printf("key set: %s\n", why.text);
        abort();
    }
}

static enum cm_status verify(const char *token, struct cm_who *who)
{
    const struct cm_oidc oidc = oidc_of();
    struct cm_who unused;

    return cm_jwt_verify(cm_span_make(token, strlen(token)), &oidc, &set, NOW,
                         who != NULL ? who : &unused, NULL);
}

TEST(genuine_tokens_say_who_calls)
{
    struct cm_who who = {"", 0, true};

    provider();
    REQUIRE(verify(token_of(&rs, NULL, GOOD), &who) == CM_OK);
    CHECK_STR(who.name, "oidc:ci");
    CHECK_EQ(who.roles, CM_ROLE_ADMIN);
    CHECK(!who.session);
    CHECK_EQ(verify(token_of(&es, "\"typ\":\"at+jwt\"", GOOD), &who), CM_OK);
    CHECK_EQ(verify(token_of(&es, NULL,
                             WITH("\"exp\":1782864300.75,\"nbf\":1782864000,\"iat\":1782863000,"
                                  "\"roles\":\"readers ops\"")),
                    &who),
             CM_OK);
    CHECK_EQ(who.roles, CM_ROLE_ADMIN | CM_ROLE_AUDITOR);
    /* genuine, but of no group of ours: nobody's rights */
    CHECK_EQ(verify(token_of(&es, NULL, WITH("\"exp\":1782864300")), &who), CM_OK);
    CHECK_EQ(who.roles, 0);
    CHECK_EQ(verify(token_of(&es, NULL, WITH("\"exp\":1782864300,\"roles\":{\"ops\":1}")), &who),
             CM_OK);
    CHECK_EQ(who.roles, 0);
}

TEST(I4_audiences_may_be_several)
{
    static const struct {
        const char *aud;
        enum cm_status st;
    } cases[] = {
        {"[\"other\",\"casemate\"]", CM_OK},
        {"[\"other\"]", CM_ERR_MISMATCH},
        {"[]", CM_ERR_MISMATCH},
        {"\"casemate2\"", CM_ERR_MISMATCH},
        {"null", CM_ERR_MISMATCH},
        {"{\"casemate\":1}", CM_ERR_MISMATCH},
        {"[[\"casemate\"]]", CM_ERR_MISMATCH},
        {"\"CASEMATE\"", CM_ERR_MISMATCH},
        {"\"casemate \"", CM_ERR_MISMATCH},
    };
    char claims[256];

    provider();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(claims, sizeof(claims),
                       "{\"iss\":\"" ISSUER "\",\"sub\":\"ci\",\"exp\":1782864300,\"aud\":%s}",
                       cases[i].aud);
        CHECK_EQ(verify(token_of(&rs, NULL, claims), NULL), cases[i].st);
    }
}

TEST(I4_claims_that_do_not_fit_are_refused)
{
    static const struct {
        const char *claims;
        enum cm_status st;
    } cases[] = {
        {"{\"aud\":\"casemate\",\"sub\":\"ci\",\"exp\":1782864300}", CM_ERR_MISMATCH},
        {"{\"iss\":\"https://evil\",\"aud\":\"casemate\",\"sub\":\"ci\",\"exp\":1782864300}",
         CM_ERR_MISMATCH},
        {"{\"iss\":\"" ISSUER "/\",\"aud\":\"casemate\",\"sub\":\"ci\",\"exp\":1782864300}",
         CM_ERR_MISMATCH},
        {"{\"iss\":\"" ISSUER "\",\"sub\":\"ci\",\"exp\":1782864300}", CM_ERR_MISMATCH},
        {WITH("\"exp\":1782863940"), CM_ERR_EXPIRED}, /* with the leeway over */
        {WITH("\"exp\":0"), CM_ERR_EXPIRED},
        {WITH("\"x\":1"), CM_ERR_FORMAT}, /* no end */
        {WITH("\"exp\":\"1782864300\""), CM_ERR_FORMAT},
        {WITH("\"exp\":-1"), CM_ERR_FORMAT},
        {WITH("\"exp\":1e300"), CM_ERR_FORMAT},
        {WITH("\"exp\":17828643000000000000000"), CM_ERR_FORMAT},
        {WITH("\"exp\":1782864300,\"nbf\":1782864061"), CM_ERR_EXPIRED},
        {WITH("\"exp\":1782864300,\"iat\":1782864061"), CM_ERR_EXPIRED},
        {WITH("\"exp\":1782864300,\"nbf\":\"now\""), CM_ERR_FORMAT},
        {"{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"exp\":1782864300}", CM_ERR_FORMAT},
        {"{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"sub\":\"\",\"exp\":1782864300}",
         CM_ERR_FORMAT},
        {"{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"sub\":\"a\\nb\",\"exp\":1782864300}",
         CM_ERR_FORMAT}, /* it goes into logs */
        {"{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"sub\":7,\"exp\":1782864300}",
         CM_ERR_FORMAT},
        {"{\"iss\":\"x\",\"iss\":\"" ISSUER
         "\",\"aud\":\"casemate\",\"sub\":\"ci\",\"exp\":1782864300}",
         CM_ERR_FORMAT},
        {"[]", CM_ERR_MISMATCH},
        {"nonsense", CM_ERR_SYNTAX},
    };
    char claims[400];
    char name[200];

    provider();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const enum cm_status st = verify(token_of(&rs, NULL, cases[i].claims), NULL);

        if (st != cases[i].st) {
            TEST_FAIL("%s: %d, not %d", cases[i].claims, st, cases[i].st);
        }
    }
    memset(name, 'n', sizeof(name));
    name[CM_WHO_MAX - 5] = '\0';
    (void)snprintf(
        claims, sizeof(claims),
        "{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"sub\":\"%s\",\"exp\":1782864300}", name);
    CHECK_EQ(verify(token_of(&rs, NULL, claims), NULL), CM_ERR_FORMAT);
    name[CM_WHO_MAX - 6] = '\0';
    (void)snprintf(
        claims, sizeof(claims),
        "{\"iss\":\"" ISSUER "\",\"aud\":\"casemate\",\"sub\":\"%s\",\"exp\":1782864300}", name);
    CHECK_EQ(verify(token_of(&rs, NULL, claims), NULL), CM_OK);
}

/* The signature of one token behind the claims of another. */
static const char *spliced(const struct signer *s, const char *header, const char *claims)
{
    static char out[4096];
    char h[1024];
    char c[2048];

    b64((const uint8_t *)header, strlen(header), h, sizeof(h));
    b64((const uint8_t *)claims, strlen(claims), c, sizeof(c));
    (void)snprintf(out, sizeof(out), "%s.%s.%s", h, c, strrchr(token_of(s, NULL, GOOD), '.') + 1);
    return out;
}

TEST(I4_signatures_that_are_none_are_refused)
{
    struct signer other = {NULL, CM_SIG_RS256, "rsa-1"};
    char text[40000];
    char jwk[1200];
    char header[1400];

    provider();
    /* I4: alg none, in every way of writing it */
    CHECK_EQ(verify(spliced(&rs, "{\"alg\":\"none\",\"kid\":\"rsa-1\"}", GOOD), NULL),
             CM_ERR_UNSUPPORTED);
    CHECK_EQ(verify(spliced(&rs, "{\"alg\":\"NoNe\",\"kid\":\"rsa-1\"}", GOOD), NULL),
             CM_ERR_UNSUPPORTED);
    (void)snprintf(text, sizeof(text), "%s", spliced(&rs, "{\"alg\":\"none\"}", GOOD));
    *(strrchr(text, '.') + 1) = '\0';
    CHECK(verify(text, NULL) != CM_OK);
    /* HS256 with the public key as its secret cannot even be asked for */
    CHECK_EQ(verify(spliced(&rs, "{\"alg\":\"HS256\",\"kid\":\"rsa-1\"}", GOOD), NULL),
             CM_ERR_UNSUPPORTED);
    /* another algorithm with the right key */
    other.key = rs.key;
    other.alg = CM_SIG_PS256;
    CHECK_EQ(verify(token_of(&other, NULL, GOOD), NULL), CM_ERR_MISMATCH);
    other.alg = CM_SIG_RS512;
    CHECK_EQ(verify(token_of(&other, NULL, GOOD), NULL), CM_ERR_MISMATCH);
    /* a stranger's key under our kid; other claims under our signature */
    CHECK_EQ(verify(token_of(&stranger, NULL, GOOD), NULL), CM_ERR_SIGNATURE);
    CHECK_EQ(verify(spliced(&rs, "{\"alg\":\"RS256\",\"kid\":\"rsa-1\"}",
                            WITH("\"exp\":1782864300,\"roles\":\"ops\"")),
                    NULL),
             CM_ERR_SIGNATURE);
    /* the stranger brings his key along, or says where it is */
    jwk_of(&stranger, "", jwk, sizeof(jwk));
    (void)snprintf(header, sizeof(header), "\"jwk\":%s", jwk);
    CHECK_EQ(verify(token_of(&stranger, "\"jku\":\"https://evil.example/keys\"", GOOD), NULL),
             CM_ERR_SIGNATURE);
    CHECK_EQ(verify(token_of(&stranger, "\"x5u\":\"https://evil.example/c\"", GOOD), NULL),
             CM_ERR_SIGNATURE);
    CHECK_EQ(verify(token_of(&rs, "\"crit\":[\"exp\"]", GOOD), NULL), CM_ERR_UNSUPPORTED);
    /* a key that is not there: perhaps there is a newer set */
    other = stranger;
    other.kid = "rsa-2";
    CHECK_EQ(verify(token_of(&other, NULL, GOOD), NULL), CM_ERR_NOTFOUND);
    /* of another issuer, whose tokens other APIs have: no reason to look for a newer one */
    CHECK_EQ(verify(token_of(&other, NULL, "{\"iss\":\"https://other.example\"}"), NULL),
             CM_ERR_MISMATCH);
    other.kid = NULL;
    CHECK_EQ(verify(token_of(&other, NULL, GOOD), NULL), CM_ERR_NOTFOUND);
    CHECK_EQ(verify(token_of(&rs, "\"typ\":\"secevent+jwt\"", GOOD), NULL), CM_ERR_FORMAT);
}

TEST(I4_every_cut_and_every_flipped_letter_is_refused)
{
    char text[40000];
    size_t len = 0;

    provider();
    (void)snprintf(text, sizeof(text), "%s", token_of(&es, NULL, GOOD));
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        const char was = text[i];

        text[i] = '\0';
        CHECK(verify(text, NULL) != CM_OK);
        text[i] = (char)(was == 'A' ? 'B' : 'A');
        CHECK(verify(text, NULL) != CM_OK);
        text[i] = was;
    }
    CHECK_EQ(verify(text, NULL), CM_OK);
    CHECK_EQ(verify("", NULL), CM_ERR_FORMAT);
}

TEST(token_that_is_too_long_is_not_read)
{
    static char claims[22000];
    size_t n = 0;

    provider();
    n = (size_t)snprintf(claims, sizeof(claims), "%s", GOOD);
    memset(claims + n, ' ', sizeof(claims) - n - 1);
    CHECK_EQ(verify(token_of(&rs, NULL, claims), NULL), CM_ERR_LIMIT);
}

TEST(claims_are_found_by_path)
{
    struct cm_oidc oidc = oidc_of();
    struct cm_who who;
    const char *token = NULL;

    provider();
    (void)snprintf(oidc.roles_claim, sizeof(oidc.roles_claim), "realm_access.roles");
    (void)snprintf(oidc.name_claim, sizeof(oidc.name_claim), "preferred.name");
    token = token_of(&rs, NULL,
                     WITH("\"exp\":1782864300,\"realm_access\":{\"roles\":[\"readers\"]},"
                          "\"preferred\":{\"name\":\"ada\"},\"roles\":[\"ops\"]"));
    REQUIRE(cm_jwt_verify(cm_span_make(token, strlen(token)), &oidc, &set, NOW, &who, NULL) ==
            CM_OK);
    CHECK_STR(who.name, "oidc:ada");
    CHECK_EQ(who.roles, CM_ROLE_AUDITOR);
    /* a claim whose own name has the dot goes before */
    token =
        token_of(&rs, NULL,
                 WITH("\"exp\":1782864300,\"realm_access.roles\":[\"ops\"],"
                      "\"realm_access\":{\"roles\":[\"readers\"]},\"preferred\":{\"name\":\"a\"}"));
    REQUIRE(cm_jwt_verify(cm_span_make(token, strlen(token)), &oidc, &set, NOW, &who, NULL) ==
            CM_OK);
    CHECK_EQ(who.roles, CM_ROLE_ADMIN);
}

/* ------------------------------------------------------------------ key sets */

static enum cm_status parse_set(const char *text, size_t *count)
{
    struct cm_jwks out;
    const enum cm_status st = cm_jwks_parse(cm_span_make(text, strlen(text)), &out, NULL);

    *count = out.count;
    cm_jwks_free(&out);
    return st;
}

TEST(key_sets_hold_keys_for_us_and_for_others)
{
    char rsa[1200];
    char ec[1200];
    char p384[1200];
    char text[40000];
    struct signer big = signer_make(CM_SIG_ES384, CM_CURVE_P384, "big");
    size_t count = 0;

    provider();
    jwk_of(&rs, "", rsa, sizeof(rsa));
    jwk_of(&es, "", ec, sizeof(ec));
    jwk_of(&big, "", p384, sizeof(p384));
    (void)snprintf(
        text, sizeof(text),
        "{\"keys\":[%s,%s,{\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kty\":\"OKP\"},{}],\"x\":1}", rsa,
        p384);
    CHECK_EQ(parse_set(text, &count), CM_OK);
    CHECK_EQ(count, 1);
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", p384);
    CHECK_EQ(parse_set(text, &count), CM_ERR_NOTFOUND);
    jwk_of(&es, ",\"use\":\"enc\"", p384, sizeof(p384));
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", p384);
    CHECK_EQ(parse_set(text, &count), CM_ERR_NOTFOUND);
    jwk_of(&rs, ",\"alg\":\"PS256\"", p384, sizeof(p384));
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", p384);
    CHECK_EQ(parse_set(text, &count), CM_ERR_NOTFOUND);
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s,%s]}", rsa, rsa);
    CHECK_EQ(parse_set(text, &count), CM_ERR_FORMAT); /* one kid twice */
    CHECK_EQ(parse_set("{\"keys\":[]}", &count), CM_ERR_NOTFOUND);
    CHECK_EQ(parse_set("{\"keys\":{}}", &count), CM_ERR_FORMAT);
    CHECK_EQ(parse_set("{\"keys\":[1]}", &count), CM_ERR_FORMAT);
    CHECK_EQ(parse_set("{}", &count), CM_ERR_FORMAT);
    CHECK_EQ(parse_set("", &count), CM_ERR_SYNTAX);
    CHECK_EQ(parse_set("<html>", &count), CM_ERR_SYNTAX);
    cm_privkey_free(big.key);
}

TEST(too_many_keys_are_refused)
{
    char text[40000];
    size_t n = 0;
    size_t count = 0;
    char jwk[1200];

    provider();
    n = (size_t)snprintf(text, sizeof(text), "{\"keys\":[");
    for (int i = 0; i < CM_JWKS_MAX + 1; i++) {
        struct signer s = es;
        char kid[16];

        (void)snprintf(kid, sizeof(kid), "k%d", i);
        s.kid = kid;
        jwk_of(&s, "", jwk, sizeof(jwk));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i == 0 ? "" : ",", jwk);
    }
    (void)snprintf(text + n, sizeof(text) - n, "]}");
    CHECK_EQ(parse_set(text, &count), CM_ERR_LIMIT);
}

TEST(memory_that_is_not_there_is_said)
{
    struct cm_who who;
    const struct cm_oidc oidc = oidc_of();
    char text[40000];
    bool done = false;

    provider();
    (void)snprintf(text, sizeof(text), "%s", token_of(&es, NULL, GOOD));
    for (long k = 1; k < 200 && !done; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_jwt_verify(cm_span_make(text, strlen(text)), &oidc, &set, NOW, &who, NULL);
        done = !fail_alloc_hit();
        CHECK(st == CM_OK || !done);
        fail_alloc_at(-1);
    }
    CHECK(done);
}

TEST_MAIN
