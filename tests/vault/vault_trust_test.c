/*
 * Whom the vault believes: other issuers, their keys pinned or fetched; its own retired keys; and that what
 * is released is for the attested key alone.
 */
#include "harness.h"

#include "store/audit.h"
#include "vault/vault_issuer.h"
#include "vault_issuer_kit.h"

#define OTHER "https://attest.elsewhere.test"

TEST(tokens_of_issuers_on_the_list)
{
    struct cm_privkey *ec = NULL;
    uint8_t out[64];
    char *tokens[3] = {NULL};

    start_vault();
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &ec) == CM_OK);
    tokens[0] = other_token(ec, CM_SIG_ES256, "\"kid\":\"e\"", good_claims(OTHER));
    tokens[1] = other_token(tee_key(3072), CM_SIG_PS256, "\"kid\":\"r\"", good_claims(OTHER "/"));
    tokens[2] = other_token(tee_key(3072), CM_SIG_RS256, NULL, good_claims(OTHER)); /* no kid */
    REQUIRE(
        put_json("/keys/k" API, "author", secret_import(policy_text(OTHER "/", NULL)))->status ==
        200);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(ask_release("/keys/k/release" API, tokens[i], NULL, NULL)->status, 403);
        CHECK_STR(kit_string("error.innererror.code"), "IssuerUnknown");
    }
    CHECK_EQ(kit_post_json("/vault/issuers", "author", json_pack("{s:s}", "issuer", OTHER))->status,
             403);
    CHECK_EQ(
        kit_post_json("/vault/issuers", "admin",
                      json_pack("{s:s, s:{s:[o,o]}}", "issuer", OTHER, "jwks", "keys",
                                issuer_jwk(ec, "e", "ES256"), issuer_jwk(tee_key(3072), "r", NULL)))
            ->status,
        200);
    CHECK_EQ(kit_get("/vault/issuers", "auditor")->status, 200);
    CHECK_STR(kit_string("items.0.issuer"), OTHER);
    CHECK(json_is_true(kit_json("items.0.pinned")));
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(ask_release("/keys/k/release" API, tokens[i], NULL, NULL)->status, 200);
        CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 32);
    }
    CHECK_EQ(kit_delete("/vault/issuers?issuer=" OTHER, "admin")->status, 200);
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[0], NULL, NULL)->status, 403);
    CHECK_EQ(kit_delete("/vault/issuers?issuer=" OTHER, "admin")->status, 404);
    for (size_t i = 0; i < 3; i++) {
        free(tokens[i]);
    }
    cm_privkey_free(ec);
}

TEST(issuers_that_do_not_get_on_the_list)
{
    static const char *const bodies[] = {
        "{}",
        "{\"issuer\":\"http://attest.test\"}",
        "{\"issuer\":\"attest.test\"}",
        "{\"issuer\":\"https://user@attest.test\"}",
        "{\"issuer\":\"https://attest.test?x=1\"}",
        "{\"issuer\":\"https://attest.test\",\"jwks\":{}}",
        "{\"issuer\":\"https://attest.test\",\"jwks\":{\"keys\":[]}}",
        "{\"issuer\":\"https://attest.test\",\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}}",
        "{\"issuer\":\"https://attest.test\",\"ca_file\":5}",
        /* slips of the pen, which would mean: not pinned, and any certificate that the system knows */
        "{\"issuer\":\"https://attest.test\",\"jwk\":{}}",
        "{\"issuer\":\"https://attest.test\",\"cafile\":\"/a\"}",
    };

    start_vault();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        CHECK_EQ(kit_post("/vault/issuers", "admin", bodies[i])->status, 400);
    }
    {
        json_t *jwk = issuer_jwk(tee_key(2048), "p", NULL);

        (void)json_object_set_new(jwk, "d", json_string("AQAB")); /* somebody's private key */
        CHECK_EQ(kit_post_json("/vault/issuers", "admin",
                               json_pack("{s:s, s:{s:[o]}}", "issuer", OTHER, "jwks", "keys", jwk))
                     ->status,
                 400);
    }
    CHECK_EQ(kit_get("/vault/issuers", "auditor")->status, 200);
    CHECK_EQ(json_array_size(kit_json("items")), 0);
}

TEST(keys_of_issuers_are_fetched_by_their_metadata)
{
    const struct kit_options options = {.modules = issuer_modules, .tls = shared_tls};
    struct cm_privkey *first = NULL;
    struct cm_privkey *second = NULL;
    struct kit *issuer = NULL;
    struct kit *other = NULL;
    struct kit *vault = NULL;
    char elsewhere[160] = "";
    char ca[256] = "";
    char address[128] = "";
    char *tokens[2] = {NULL};

    start_vault();
    vault = kit_current();
    issuer = kit_open(&options);
    kit_use(issuer);
    (void)snprintf(address, sizeof(address), "%s", kit_url());
    (void)snprintf(metadata_says, sizeof(metadata_says), "%s/certs", address);
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &first) == CM_OK);
    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &second) == CM_OK);
    published = json_pack("{s:[o]}", "keys", issuer_jwk(first, "1", "ES256"));
    (void)snprintf(ca, sizeof(ca), "%s", kit_ca_file());
    other = kit_open(&options);
    kit_use(other);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/certs", kit_url());
    kit_use(vault);
    CHECK_EQ(kit_post_json("/vault/issuers", "admin",
                           json_pack("{s:s, s:s}", "issuer", address, "ca_file", ca))
                 ->status,
             200);
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(address, NULL)))->status ==
            200);
    tokens[0] = other_token(first, CM_SIG_ES256, "\"kid\":\"1\"", good_claims(address));
    tokens[1] = other_token(second, CM_SIG_ES256, "\"kid\":\"2\"", good_claims(address));
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[0], NULL, NULL)->status, 200);
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[0], NULL, NULL)->status, 200);
    CHECK_EQ(asked, 1); /* they are kept */
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[1], NULL, NULL)->status, 403);
    CHECK_EQ(asked, 1); /* nobody makes us ask more than once a minute */
    json_decref(published);
    published = json_pack("{s:[o,o]}", "keys", issuer_jwk(first, "1", "ES256"),
                          issuer_jwk(second, "2", "ES256"));
    kit_step_clock(61);
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[1], NULL, NULL)->status, 200);
    CHECK_EQ(asked, 2);
    json_decref(published);
    published = json_pack("{s:[o]}", "keys", issuer_jwk(second, "2", "ES256"));
    kit_step_clock(3601); /* a key that is withdrawn counts for an hour at most */
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[0], NULL, NULL)->status, 403);
    /* metadata that lead elsewhere lead nowhere, though there are good keys at that place */
    (void)snprintf(metadata_says, sizeof(metadata_says), "%s", elsewhere);
    kit_step_clock(3601);
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[1], NULL, NULL)->status, 403);
    CHECK_STR(kit_string("error.innererror.code"), "IssuerKeys");
    kit_close(other);
    kit_close(issuer);
    kit_use(vault);
    CHECK_EQ(ask_release("/keys/k/release" API, tokens[1], NULL, NULL)->status, 403);
    free(tokens[0]);
    free(tokens[1]);
    json_decref(published);
    published = NULL;
    cm_privkey_free(first);
    cm_privkey_free(second);
}

/* ----------------------------------------------------------------- meanwhile */

static const char *change_method;
static const char *change_path;
static const char *change_body;
static bool change_acknowledged;

/* Raw: the kit's client keeps what a thread was answered, and this is one of the issuer's. */
static void change_the_key(void)
{
    char request[2048] = "";
    char answer[8192] = "";
    size_t n = 0;

    kit_step_clock(strstr(change_body, "tags") == NULL ? 0 : 1);
    (void)snprintf(request, sizeof(request),
                   "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   change_method, change_path, strlen(change_body), change_body);
    n = kit_raw(cm_span_make(request, strlen(request)), answer, sizeof(answer), 20);
    change_acknowledged = n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

static enum cm_status read_last(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct cm_vault_releases last = {.limit = 1};

    return cm_vault_releases_show(db, &last, arg, why);
}

static void check_last(const char *result, const char *reason)
{
    json_t *page = NULL;
    json_t *item = NULL;

    REQUIRE(cm_service_read(kit_service(), read_last, &page, NULL) == CM_OK);
    item = json_array_get(json_object_get(page, "items"), 0);
    REQUIRE(item != NULL);
    CHECK_STR(json_string_value(json_object_get(item, "result")), result);
    CHECK(strstr(json_string_value(json_object_get(item, "reason")), reason) != NULL);
    json_decref(page);
}

static bool count_withheld(void *arg, const struct cm_audit_record *r)
{
    *(int *)arg += strcmp(r->action, "key.withhold") == 0 && strstr(r->object, "key/k/") != NULL;
    return true;
}

static enum cm_status read_audit(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_audit_read(db, 0, count_withheld, arg, why);
}

/* I5: whoever was told that a key is given to nobody any more was told the truth. */
TEST(a_change_while_a_release_waits_for_keys)
{
    char policy[2048] = "";
    char listed[256] = "";
    char again[1024] = "";
    const struct {
        const char *method;
        const char *path;
        const char *body;
        int status;
    } changes[] = {
        {"POST", "/keys/k/rotate" API, "", 200}, /* which leaves this version as it is */
        {"PATCH", "/keys/k" API, "{\"attributes\":{\"enabled\":false}}", 409},
        {"PATCH", "/keys/k" API, "{\"attributes\":{\"exp\":4102444800}}", 409},
        {"PATCH", "/keys/k" API, "{\"attributes\":{\"nbf\":1}}", 409},
        {"PATCH", "/keys/k" API, policy, 409},
        {"DELETE", "/keys/k" API, "", 409},
        {"PATCH", "/keys/k" API, "{\"tags\":{\"a\":\"b\"}}", 409}, /* a second later */
        {"DELETE", listed, "", 409},
        {"POST", "/vault/issuers", again, 409}, /* with other keys */
    };
    struct cm_privkey *key = NULL;
    uint8_t out[64];

    REQUIRE(cm_privkey_generate(CM_CURVE_P256, 0, &key) == CM_OK);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct kit *issuer = NULL;
        char address[128] = "";
        char *token = NULL;
        json_t *other = NULL;
        char *text = NULL;

        start_vault();
        issuer = list_issuer(key, address);
        (void)snprintf(listed, sizeof(listed), "/vault/issuers?issuer=%s", address);
        REQUIRE(
            put_json("/keys/k" API, "author", secret_import(policy_text(address, NULL)))->status ==
            200);
        other = json_pack("{s:o}", "release_policy",
                          policy_json(policy_text("https://nobody.test", NULL), false));
        text = json_dumps(other, JSON_COMPACT);
        (void)snprintf(policy, sizeof(policy), "%s", text);
        free(text);
        json_decref(other);
        other = json_pack("{s:s, s:{s:[o]}}", "issuer", address, "jwks", "keys",
                          issuer_jwk(tee_key(2048), "1", NULL));
        again[json_dumpb(other, again, sizeof(again) - 1, 0)] = '\0';
        json_decref(other);
        change_method = changes[i].method;
        change_path = changes[i].path;
        change_body = changes[i].body;
        change_acknowledged = false;
        meanwhile = change_the_key;
        token = other_token(key, CM_SIG_ES256, "\"kid\":\"1\"", good_claims(address));
        CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, changes[i].status);
        meanwhile = NULL;
        CHECK(change_acknowledged);
        CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)),
                 changes[i].status == 200 ? 32 : 0);
        if (changes[i].status == 200) {
            check_last("released", "");
        } else {
            CHECK_STR(kit_string("error.innererror.code"), "Changed");
            check_last("withheld", "changed while its release was judged");
        }
        free(token);
        kit_close(issuer);
    }
    json_decref(published);
    published = NULL;
    cm_privkey_free(key);
}

/* ---------------------------------------------------------------- kept keys */

static struct cm_vault_jwks *kept_keys;
static struct cm_vault_issuer kept_issuer;
static uint64_t kept_time;
static enum cm_status seen_meanwhile[2];

static enum cm_status get_keys(const char *kid, uint64_t now)
{
    json_t *jwks = NULL;
    struct cm_why why = {""};
    enum cm_status st = cm_vault_jwks_get(kept_keys, &kept_issuer, kid, now, &jwks, &why);

    json_decref(jwks);
    return st;
}

static void get_meanwhile(void)
{
    meanwhile = NULL;
    seen_meanwhile[0] = get_keys("1", kept_time);
    seen_meanwhile[1] = get_keys("other", kept_time);
}

static void forget_meanwhile(void)
{
    cm_vault_jwks_forget(kept_keys);
}

static struct kit *keep_issuer(struct cm_privkey **key)
{
    char address[128] = "";
    struct kit *issuer = NULL;
    struct kit *vault = NULL;

    start_vault();
    CHECK_EQ(cm_privkey_generate(CM_CURVE_P256, 0, key), CM_OK);
    issuer = list_issuer(*key, address);
    vault = kit_current();
    kit_use(issuer);
    (void)snprintf(kept_issuer.issuer, sizeof(kept_issuer.issuer), "%s", address);
    (void)snprintf(kept_issuer.ca_file, sizeof(kept_issuer.ca_file), "%s", kit_ca_file());
    kit_use(vault);
    kept_keys = cm_vault_jwks_create();
    kept_time = kit_now();
    return issuer;
}

static void end_issuer(struct kit *issuer, struct cm_privkey *key)
{
    cm_vault_jwks_free(kept_keys);
    kept_keys = NULL;
    kit_close(issuer);
    json_decref(published);
    published = NULL;
    cm_privkey_free(key);
}

TEST(keys_that_are_kept_do_not_wait_for_others)
{
    struct cm_privkey *key = NULL;
    struct kit *issuer = keep_issuer(&key);

    CHECK_EQ(get_keys("1", kept_time), CM_OK);
    CHECK_EQ(asked, 1);
    kept_time += 61;
    seen_meanwhile[0] = CM_ERR_FORMAT;
    meanwhile = get_meanwhile;
    CHECK_EQ(get_keys("bogus", kept_time), CM_OK); /* the keys as they are: none is of this name */
    CHECK_EQ(asked, 2);
    CHECK_EQ(seen_meanwhile[0], CM_OK);
    CHECK_EQ(seen_meanwhile[1], CM_ERR_BUSY);
    /* an issuer that leaves the list while it is asked: what it says then is not kept */
    kept_time += 61;
    meanwhile = forget_meanwhile;
    CHECK_EQ(get_keys("bogus", kept_time), CM_OK);
    meanwhile = NULL;
    CHECK_EQ(asked, 3);
    CHECK_EQ(get_keys("1", kept_time), CM_OK);
    CHECK_EQ(asked, 4);
    end_issuer(issuer, key);
}

TEST(a_dead_issuer_is_left_alone_for_a_while)
{
    struct cm_privkey *key = NULL;
    struct kit *issuer = keep_issuer(&key);
    char good[sizeof(metadata_says)] = "";

    (void)snprintf(good, sizeof(good), "%s", metadata_says);
    metadata_says[0] = '\0';
    CHECK(get_keys("1", kept_time) != CM_OK);
    CHECK(get_keys("1", kept_time + 29) != CM_OK);
    CHECK_EQ(asked, 1);
    CHECK(get_keys("1", kept_time + 30) != CM_OK);
    CHECK_EQ(asked, 2);
    cm_vault_jwks_forget(kept_keys); /* the operator corrected the list */
    (void)snprintf(metadata_says, sizeof(metadata_says), "%s", good);
    CHECK_EQ(get_keys("1", kept_time + 31), CM_OK);
    CHECK_EQ(asked, 3);
    /* dead again: the keys of before count, and names that nobody has do not make us ask */
    metadata_says[0] = '\0';
    kept_time += 31 + 60;
    CHECK(get_keys("bogus", kept_time) != CM_OK);
    CHECK_EQ(asked, 4);
    CHECK_EQ(get_keys("bogus", kept_time + 29), CM_OK);
    CHECK_EQ(get_keys("1", kept_time + 40), CM_OK);
    CHECK_EQ(asked, 4);
    CHECK(get_keys("1", kept_time + 3600) != CM_OK); /* for an hour at most */
    end_issuer(issuer, key);
}

TEST(issuers_of_the_past_leave_room)
{
    struct cm_privkey *key = NULL;
    struct kit *issuer = keep_issuer(&key);
    const size_t n = strlen(kept_issuer.issuer);

    for (int i = 0; i < 40; i++) { /* they are there, and are no issuers */
        (void)snprintf(kept_issuer.issuer + n, sizeof(kept_issuer.issuer) - n, "/%d", i);
        CHECK(get_keys("1", kept_time) != CM_OK);
    }
    kept_issuer.issuer[n] = '\0';
    CHECK_EQ(get_keys("1", kept_time), CM_OK);
    CHECK_EQ(get_keys("1", kept_time), CM_OK);
    CHECK_EQ(asked, 1);
    end_issuer(issuer, key);
}

/* Texts that are cut for the record within a character: whoever is refused stays in the record. */
TEST(whoever_is_refused_is_recorded_whatever_his_token_says)
{
    int before = 0;
    int after = 0;

    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, NULL)))->status ==
            200);
    REQUIRE(cm_service_read(kit_service(), read_audit, &before, NULL) == CM_OK);
    for (int n = 100; n < 260; n++) {
        char text[300] = "";
        json_t *claims[2] = {good_claims(NULL), good_claims(NULL)};

        (void)snprintf(text, sizeof(text), "%0*d\xc3\xa9", n, 0);
        (void)json_object_set_new(claims[0], "iss", json_string(text));
        (void)json_object_set_new(claims[1], "jti", json_string(text));
        (void)json_object_set_new(claims[1], "x-ms-sgx-mrenclave", json_string("bb"));
        for (int i = 0; i < 2; i++) {
            char *token = own_token(claims[i]);

            CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 403);
            CHECK_STR(kit_string("error.innererror.code"),
                      i == 0 ? "IssuerUnknown" : "PolicyNotMet");
            free(token);
        }
    }
    REQUIRE(cm_service_read(kit_service(), read_audit, &after, NULL) == CM_OK);
    CHECK_EQ(after - before, 320);
}

/* I1, I3: what is released is for the attested key, whoever brings the token. */
TEST(a_stolen_token_gives_its_thief_nothing)
{
    uint8_t out[64];
    char *token = NULL;

    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, NULL)))->status ==
            200);
    token = own_token(good_claims(NULL));
    CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 200);
    CHECK_EQ(open_released(tee_key(3072), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 0);
    CHECK_EQ(open_released(tee_key(2048), "CKM_RSA_AES_KEY_WRAP", out, sizeof(out)), 32);
    free(token);
}

/* I5: what is for one key is not for another; without a policy, or exportable, for none. */
TEST(keys_that_are_for_nobody)
{
    char *token = NULL;

    start_vault();
    token = own_token(good_claims(NULL));
    REQUIRE(put_json("/keys/other" API, "author",
                     secret_import(policy_text(NULL, "{\"claim\":\"x-ms-sgx-mrenclave\",\"equals\":"
                                                     "\"cc\"}")))
                ->status == 200);
    CHECK_EQ(ask_release("/keys/other/release" API, token, NULL, NULL)->status, 403);
    CHECK_STR(kit_string("error.innererror.code"), "PolicyNotMet");
    CHECK(strstr(kit_string("error.message"), "x-ms-sgx-mrenclave") != NULL); /* which condition */
    CHECK_EQ(
        kit_put("/keys/plain" API, "author", "{\"key\":{\"kty\":\"oct\",\"k\":\"" SECRET_B64 "\"}}")
            ->status,
        200);
    CHECK_EQ(ask_release("/keys/plain/release" API, token, NULL, NULL)->status, 403);
    CHECK_STR(kit_string("error.innererror.code"), "NotExportable");
    free(token);
}

/* Keys that this service has retired count while tokens may live, and no longer. */
TEST(a_key_of_ours_that_was_retired)
{
    json_t *claims = NULL;
    char *token = NULL;
    struct cm_why why = {""};

    start_vault();
    REQUIRE(put_json("/keys/k" API, "author", secret_import(policy_text(NULL, NULL)))->status ==
            200);
    claims = good_claims(NULL);
    (void)json_object_set_new(claims, "exp", json_integer((json_int_t)kit_now() + 1000000));
    token = own_token(claims);
    CHECK_EQ(cm_identity_rotate(kit_service(), CM_SIGNER_TOKEN, &why), CM_OK);
    CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 200);
    kit_step_clock(200000);
    CHECK_EQ(ask_release("/keys/k/release" API, token, NULL, NULL)->status, 403);
    CHECK_STR(kit_string("error.innererror.code"), "TokenSignature");
    free(token);
}

TEST_MAIN
