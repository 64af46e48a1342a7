/*
 * Signed policies and the certificates under which they are signed. The attacks: no signature where one is
 * demanded, somebody else's, a replaced payload, an expired or weak certificate, a signer that is no CA's,
 * and a token that was recorded when a signer, who has been removed since, once came in.
 */
#include "harness.h"

#include "rules_call_kit.h"
#include "rules_signer_kit.h"
#include "service_kit.h"
#include "token/base64.h"

#define PERMIT "version=1.0; authorizationrules { => permit(); };"
#define DENY   "version=1.0; authorizationrules { => deny(); };"

static const struct cm_module *const modules[] = {&cm_rules_module, &rules_call_module, NULL};

static struct signer *alice;   /* RSA, registered */
static struct signer *mallory; /* RSA, not */

static void begin(bool isolated)
{
    if (alice == NULL) {
        alice = signer_ca(2048);
        mallory = signer_ca(2048);
    }
    (void)kit_start(modules);
    if (isolated) {
        CHECK_EQ(FIRST("admin", alice->pem), CM_OK);
        CHECK_EQ(MODE("admin", "signed"), CM_OK);
    }
}

/* The status of an upload of a type; the token is freed. */
static enum cm_status upload(char *jws)
{
    enum cm_status st = UPLOAD("author", "SgxEnclave", jws);

    free(jws);
    return st;
}

static enum cm_status add(const char *who, char *jws)
{
    enum cm_status st = ADD(who, jws);

    free(jws);
    return st;
}

TEST(what_is_trusted_and_cannot_be_signed_is_an_admins_to_change)
{
    begin(false);
    CHECK_EQ(TRUST("author"), CM_OK);
    kit_stop();
    begin(true);
    CHECK_EQ(TRUST("author"), CM_ERR_DENIED);
    CHECK(strstr(kit_string("why"), "signed") != NULL);
    CHECK_EQ(TRUST("admin"), CM_OK);
    kit_stop();
}

TEST(where_anyone_may_sign_the_signer_is_named)
{
    static const enum cm_sig_alg algs[] = {CM_SIG_RS256, CM_SIG_PS256};
    struct signer *ec = signer_ca(0);
    const struct cm_rule_version *v = NULL;

    begin(false);
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(upload(signer_policy(mallory, algs[i], PERMIT)), CM_OK);
        REQUIRE(cm_rules_active(kit_service(), "SgxEnclave", &v) == CM_OK);
        REQUIRE(v->signer_jwk != NULL);
        CHECK(strstr(v->signer_jwk, "\"kty\":\"RSA\"") != NULL);
        CHECK(strstr(v->signer_jwk, mallory->b64) != NULL);
        cm_rules_release(v);
    }
    CHECK_EQ(upload(signer_policy(ec, CM_SIG_ES256, DENY)), CM_OK);
    REQUIRE(cm_rules_active(kit_service(), "SgxEnclave", &v) == CM_OK);
    CHECK(strstr(v->signer_jwk, "\"kty\":\"EC\"") != NULL);
    cm_rules_release(v);
    CHECK_EQ(upload(unsigned_policy(PERMIT)), CM_OK);
    kit_stop();
    signer_free(ec);
}

/* A character of a token's part replaced by another one of the alphabet. */
static char *spoil(char *jws, int part)
{
    char *at = jws;

    for (int i = 0; i < part; i++) {
        at = strchr(at, '.') + 1;
    }
    at += 20;
    *at = *at == 'A' ? 'B' : 'A';
    return jws;
}

TEST(a_signature_that_does_not_verify_is_refused_in_any_mode)
{
    char *a = NULL;
    char *b = NULL;
    char *mixed = NULL;

    begin(false);
    CHECK_EQ(upload(spoil(signer_policy(mallory, CM_SIG_RS256, PERMIT), 2)), CM_ERR_SIGNATURE);
    /* alice's header and signature around another payload */
    a = signer_policy(alice, CM_SIG_RS256, PERMIT);
    b = signer_policy(alice, CM_SIG_RS256, DENY);
    mixed = malloc(strlen(a) + strlen(b) + 2);
    REQUIRE(mixed != NULL);
    (void)sprintf(mixed, "%.*s.%.*s.%s", (int)strcspn(a, "."), a,
                  (int)strcspn(strchr(b, '.') + 1, "."), strchr(b, '.') + 1, strrchr(a, '.') + 1);
    CHECK_EQ(upload(mixed), CM_ERR_SIGNATURE);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    kit_stop();
    free(a);
    free(b);
}

TEST(where_policies_must_be_signed_only_registered_certificates_sign)
{
    begin(true);
    CHECK_EQ(upload(unsigned_policy(PERMIT)), CM_ERR_DENIED);
    CHECK_EQ(upload(signer_policy(mallory, CM_SIG_RS256, PERMIT)), CM_ERR_DENIED);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_ERR_DENIED);
    CHECK_EQ(SET("admin", "SgxEnclave", PERMIT), CM_ERR_DENIED);
    CHECK_EQ(RESET("author", "SgxEnclave", "eyJhbGciOiJub25lIn0.."), CM_ERR_DENIED);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(upload(signer_policy(alice, CM_SIG_RS256, DENY)), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    (void)kit_again();
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    kit_stop();
}

TEST(a_signed_reset_needs_the_same_signature)
{
    char *reset = NULL;

    begin(true);
    CHECK_EQ(upload(signer_policy(alice, CM_SIG_RS256, DENY)), CM_OK);
    reset = signer_jws(mallory, CM_SIG_RS256, "");
    CHECK_EQ(RESET("author", "SgxEnclave", reset), CM_ERR_DENIED);
    free(reset);
    reset = signer_jws(alice, CM_SIG_RS256, "");
    CHECK_EQ(RESET("author", "SgxEnclave", reset), CM_OK);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    kit_stop();
    free(reset);
}

/* What `signer_policy` signs says nothing of the type; this does. */
static char *typed(const char *type)
{
    char *plain = unsigned_policy(PERMIT);
    const char *payload = strchr(plain, '.') + 1;
    char text[4096] = "";
    size_t len = 0;

    if (cm_base64url_decode(cm_span_make(payload, strcspn(payload, ".")), (uint8_t *)text,
                            sizeof(text) - 64, &len) != CM_OK) {
        abort();
    }
    (void)snprintf(text + len - 1, 64, ",\"PolicyType\":%s}", type);
    free(plain);
    return signer_jws(alice, CM_SIG_RS256, text);
}

/* The attack: what was signed for one type, which permits much there, is set as another type's policy. */
TEST(what_was_signed_for_one_type_is_not_set_for_another)
{
    begin(true);
    CHECK_EQ(upload(typed("\"TdxVm\"")), CM_ERR_DENIED);
    CHECK(strstr(kit_string("why"), "another type") != NULL);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    CHECK_EQ(upload(typed("\"SgxEnclaveX\"")), CM_ERR_DENIED);
    CHECK_EQ(upload(typed("\"\"")), CM_ERR_DENIED);
    CHECK_EQ(upload(typed("5")), CM_ERR_SYNTAX);
    CHECK_EQ(upload(typed("\"sgxenclave\"")), CM_OK);
    CHECK_EQ(upload(signer_policy(alice, CM_SIG_RS256, PERMIT)),
             CM_OK); /* Azure's clients name none */
    CHECK_EQ(rules_version("SgxEnclave"), 2);
    kit_stop();
}

TEST(a_certificate_under_a_registered_one_signs_too)
{
    struct signer_form under = {.rsa_bits = 2048, .name = "author"};
    struct signer_form old = {.rsa_bits = 2048, .name = "author", .from = -7200, .to = -3600};
    struct signer *author = NULL;
    struct signer *expired = NULL;

    begin(true);
    under.issuer = alice;
    old.issuer = alice;
    author = signer_make(&under);
    expired = signer_make(&old);
    CHECK_EQ(upload(signer_policy(author, CM_SIG_PS256, DENY)), CM_OK);
    CHECK_EQ(upload(signer_policy(expired, CM_SIG_PS256, PERMIT)), CM_ERR_EXPIRED);
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    kit_stop();
    signer_free(author);
    signer_free(expired);
}

TEST(a_registered_certificate_that_has_expired_signs_no_more)
{
    const struct signer_form form = {.rsa_bits = 2048, .ca = true, .from = -60, .to = 3600};
    struct signer *brief = NULL;

    begin(false);
    brief = signer_make(&form);
    CHECK_EQ(FIRST("admin", brief->pem), CM_OK);
    CHECK_EQ(MODE("admin", "signed"), CM_OK);
    CHECK_EQ(upload(signer_policy(brief, CM_SIG_RS256, DENY)), CM_OK);
    kit_step_clock(7200);
    CHECK_EQ(upload(signer_policy(brief, CM_SIG_RS256, PERMIT)), CM_ERR_EXPIRED);
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    kit_step_clock(-7200);
    kit_stop();
    signer_free(brief);
}

TEST(weak_keys_sign_nothing)
{
    begin(false);
    CHECK_EQ(upload(signer_weak_policy(PERMIT)), CM_ERR_UNSUPPORTED);
    CHECK_EQ(rules_version("SgxEnclave"), 0);
    kit_stop();
}

TEST(a_header_without_the_signers_certificate_is_refused)
{
    char *jws = NULL;
    char *bare = NULL;

    begin(false);
    jws = signer_policy(alice, CM_SIG_RS256, PERMIT);
    bare = malloc(strlen(jws) + 64);
    REQUIRE(bare != NULL);
    (void)sprintf(bare, "eyJhbGciOiJSUzI1NiJ9%s", strchr(jws, '.')); /* {"alg":"RS256"} */
    CHECK_EQ(upload(bare), CM_ERR_FORMAT);
    kit_stop();
    free(jws);
}

TEST(approving_and_restoring_ask_for_the_signature_again)
{
    begin(false);
    CHECK_EQ(SET("author", "SgxEnclave", PERMIT), CM_OK);                  /* 1 */
    CHECK_EQ(upload(signer_policy(alice, CM_SIG_RS256, DENY)), CM_OK);     /* 2 */
    CHECK_EQ(upload(signer_policy(mallory, CM_SIG_RS256, PERMIT)), CM_OK); /* 3 */
    CHECK_EQ(FIRST("admin", alice->pem), CM_OK);
    CHECK_EQ(MODE("admin", "people"), CM_OK);
    CHECK_EQ(SET("author", "TdxVm", PERMIT), CM_OK); /* waits, unsigned */
    CHECK_EQ(MODE("admin", "signed people"), CM_OK);
    CHECK_EQ(APPROVE("approver", "TdxVm", 1), CM_ERR_DENIED);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 1), CM_ERR_DENIED);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 2), CM_OK);
    CHECK_EQ(APPROVE("approver", "SgxEnclave", 4), CM_OK);
    CHECK_STR(rules_text("SgxEnclave"), DENY);
    CHECK_EQ(RESTORE("author", "SgxEnclave", 3), CM_ERR_DENIED);
    kit_stop();
}

/* ---------------------------------------------------------------- certificates */

TEST(the_first_certificate_is_an_admins_and_only_the_first)
{
    const struct signer_form leaf = {.rsa_bits = 2048};
    const struct signer_form old = {.rsa_bits = 2048, .ca = true, .from = -7200, .to = -3600};
    struct signer *no_ca = NULL;
    struct signer *expired = NULL;

    begin(false);
    no_ca = signer_make(&leaf);
    expired = signer_make(&old);
    CHECK_EQ(MODE("admin", "signed"), CM_ERR_STATE); /* nobody could sign */
    CHECK_EQ(add("author", signer_certificate(alice, CM_SIG_RS256, alice)), CM_ERR_DENIED);
    CHECK_EQ(add("admin", signer_certificate(mallory, CM_SIG_RS256, alice)), CM_ERR_DENIED);
    CHECK_EQ(add("admin", signer_certificate(no_ca, CM_SIG_RS256, no_ca)), CM_ERR_MISMATCH);
    CHECK_EQ(FIRST("author", alice->pem), CM_ERR_DENIED);
    CHECK_EQ(FIRST("admin", no_ca->pem), CM_ERR_MISMATCH);
    CHECK_EQ(FIRST("admin", expired->pem), CM_ERR_EXPIRED);
    CHECK_EQ(FIRST("admin", "nonsense"), CM_ERR_FORMAT);
    CHECK_EQ(FIRST("admin", alice->pem), CM_OK);
    CHECK_EQ(FIRST("admin", mallory->pem), CM_ERR_STATE);
    kit_stop();
    signer_free(no_ca);
    signer_free(expired);
}

/* As Azure's clients do it, who know no other way. */
TEST(an_admin_signs_for_the_first_certificate_with_its_own_key)
{
    begin(false);
    CHECK_EQ(add("admin", signer_certificate(alice, CM_SIG_RS256, alice)), CM_OK);
    CHECK_EQ(add("admin", signer_certificate(mallory, CM_SIG_RS256, mallory)), CM_ERR_DENIED);
    CHECK_EQ(MODE("admin", "signed"), CM_OK);
    kit_stop();
}

static size_t registered(void)
{
    json_t *set = cm_rules_certificates(kit_service());
    size_t count = json_array_size(json_object_get(set, "keys"));

    json_decref(set);
    return count;
}

/* One admin alone does not open what two people have closed. */
TEST(where_two_people_are_asked_for_it_takes_two_to_ask_for_no_signature)
{
    struct cm_rules_mode mode = {false, false};
    bool waits = false;

    begin(true);
    CHECK_EQ(rules_do("admin", "mode", "-", 0, "signed people", &waits), CM_OK);
    CHECK(!waits);
    CHECK_EQ(rules_do("admin", "mode", "-", 0, "people", &waits), CM_OK);
    CHECK(waits);
    cm_rules_mode(kit_service(), &mode);
    CHECK(mode.signed_only && mode.two_people);
    CHECK_EQ(APPROVE("admin", CM_RULES_MODE, 3), CM_ERR_DENIED);
    CHECK_EQ(APPROVE("approver", CM_RULES_MODE, 3), CM_OK);
    cm_rules_mode(kit_service(), &mode);
    CHECK(!mode.signed_only && mode.two_people);
    CHECK_EQ(rules_do("admin", "mode", "-", 0, "signed people", &waits),
             CM_OK); /* more is no less */
    CHECK(!waits);
    kit_stop();
}

/* It says that it signed itself, and somebody else did: nobody knows whose key that is. */
TEST(a_certificate_that_lies_about_its_signer_is_not_registered)
{
    struct signer_form form = {.rsa_bits = 2048, .ca = true};
    struct signer *liar = NULL;

    begin(false);
    form.issuer = mallory; /* of the same name */
    liar = signer_make(&form);
    CHECK_EQ(FIRST("admin", liar->pem), CM_ERR_SIGNATURE);
    CHECK(strstr(kit_string("why"), "own signature") != NULL);
    CHECK_EQ(FIRST("admin", alice->pem), CM_OK);
    CHECK_EQ(add("author", signer_certificate(alice, CM_SIG_RS256, liar)), CM_ERR_SIGNATURE);
    signer_free(liar);
    kit_stop();
}

TEST(further_certificates_are_signed_for_by_one_that_is_registered)
{
    struct signer *bob = signer_ca(0);
    const struct signer_form leaf = {.rsa_bits = 2048};
    struct signer *no_ca = NULL;

    begin(true);
    no_ca = signer_make(&leaf);
    CHECK_EQ(add("author", signer_certificate(mallory, CM_SIG_RS256, mallory)), CM_ERR_DENIED);
    CHECK_EQ(add("author", signer_certificate(alice, CM_SIG_RS256, no_ca)), CM_ERR_MISMATCH);
    CHECK_EQ(add(NULL, signer_certificate(alice, CM_SIG_RS256, bob)), CM_ERR_DENIED);
    CHECK_EQ(ADD("author", "nonsense"), CM_ERR_FORMAT);
    CHECK_EQ(registered(), 1);
    CHECK_EQ(add("author", signer_certificate(alice, CM_SIG_RS256, bob)), CM_OK);
    CHECK_EQ(registered(), 2);
    CHECK_EQ(add("author", signer_certificate(alice, CM_SIG_PS256, bob)), CM_OK); /* is present */
    CHECK_EQ(registered(), 2);
    CHECK_EQ(upload(signer_policy(bob, CM_SIG_ES256, DENY)), CM_OK);
    kit_stop();
    signer_free(bob);
    signer_free(no_ca);
}

TEST(a_removed_signer_is_not_brought_back_by_an_old_token)
{
    struct signer *bob = signer_ca(0);
    char *in = NULL;
    char *out = NULL;

    begin(true);
    in = signer_certificate(alice, CM_SIG_RS256, bob);
    out = signer_certificate(alice, CM_SIG_PS256, bob); /* another token of the same meaning */
    CHECK_EQ(ADD("author", in), CM_OK);
    CHECK_EQ(ADD("author", in), CM_OK); /* it is so already */
    CHECK_EQ(REMOVE("author", out), CM_OK);
    CHECK_EQ(registered(), 1);
    CHECK_EQ(upload(signer_policy(bob, CM_SIG_ES256, DENY)), CM_ERR_DENIED);
    CHECK_EQ(ADD("author", in), CM_ERR_DENIED);
    CHECK_EQ(ADD("author", out), CM_ERR_DENIED);
    CHECK_EQ(registered(), 1);
    CHECK_EQ(REMOVE("author", out), CM_OK); /* is absent */
    kit_stop();
    free(in);
    free(out);
    signer_free(bob);
}

TEST(the_same_bytes_add_and_remove_once)
{
    struct signer *bob = signer_ca(0);
    char *token = NULL;

    begin(true);
    token =
        signer_certificate(alice, CM_SIG_RS256, bob); /* as the JavaScript client signs for both */
    CHECK_EQ(ADD("author", token), CM_OK);
    CHECK_EQ(REMOVE("author", token), CM_OK);
    CHECK_EQ(registered(), 1);
    CHECK_EQ(ADD("author", token), CM_ERR_DENIED);
    CHECK_EQ(registered(), 1);
    kit_stop();
    free(token);
    signer_free(bob);
}

TEST(the_last_certificate_stays_where_policies_must_be_signed)
{
    char *out = NULL;

    begin(true);
    out = signer_certificate(alice, CM_SIG_RS256, alice);
    CHECK_EQ(REMOVE("author", out), CM_ERR_STATE);
    CHECK_EQ(registered(), 1);
    CHECK_EQ(MODE("admin", ""), CM_OK);
    CHECK_EQ(REMOVE("author", out), CM_OK); /* the refused token was not used up */
    CHECK_EQ(registered(), 0);
    kit_stop();
    free(out);
}

TEST(the_end)
{
    signer_free(alice);
    signer_free(mallory);
    CHECK(true);
}

TEST_MAIN
