/*
 * Guests of other TEEs than SGX, from the challenge to the resource. What is bound to another key, changed, or of
 * another TEE gets nothing.
 */
#include "harness.h"

#include "common/hex.h"
#include "kbs/kbs.h"
#include "kbs_made.h"

#define SECRET KBS_SECRET

TEST(guests_of_every_tee_get_their_resource)
{
    made_start();
    for (size_t i = 0; i < MADE_TEES; i++) {
        struct kbs_guest *g = made_guest(i);
        json_t *claims = NULL;
        const json_t *known = NULL;

        CHECK_EQ(kbs_resource_policy(cm_kbs_policy("default")), 200);
        CHECK_EQ(made_attest(i, g), 200);
        if (kit_last()->status != 200) {
            TEST_FAIL("%s: %s", made_tees[i].name, kit_last()->body);
            kbs_guest_free(g);
            continue;
        }
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
        CHECK_STR(kbs_open(g), SECRET);
        claims = kbs_claims(g);
        known = json_object_get(json_object_get(kbs_cpu(claims), "ear.trustworthiness-vector"),
                                "hardware");
        /* what hardware vouches for is affirmed; a key that was enrolled does not say where it is */
        CHECK_EQ(json_integer_value(known), strcmp(made_tees[i].name, "tpm") == 0 ? 0 : 2);
        /* genuine is not known: nobody has said yet which code is good */
        CHECK_EQ(kbs_resource_policy(cm_kbs_policy("affirming")), 200);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 403);
        json_decref(claims);
        kbs_guest_free(g);
    }
}

/* Reference values by what the token calls it. */
TEST(guests_whose_code_is_known_are_affirmed)
{
    static const struct {
        size_t tee;
        const char *name;
        uint8_t byte; /* every byte of the value */
    } known[] = {{MADE_TDX, "mrtd", 0xb2},
                 {MADE_MILAN, "measurement", 0x22},
                 {MADE_TURIN, "measurement", 0x22}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct kbs_guest *g = made_guest(known[i].tee);
        uint8_t value[48];
        char hex[97] = "";
        char path[64] = "";
        json_t *claims = NULL;

        memset(value, known[i].byte, sizeof(value));
        cm_hex_encode(cm_span_make(value, sizeof(value)), CM_HEX_LOWER, hex);
        CHECK_EQ(kit_post_json("/kbs/v0/reference-value", "author",
                               json_pack("{s:s, s:[s]}", "name", known[i].name, "value", hex))
                     ->status,
                 200);
        CHECK_EQ(kbs_resource_policy(cm_kbs_policy("affirming")), 200);
        CHECK_EQ(made_attest(known[i].tee, g), 200);
        claims = kbs_claims(g);
        CHECK_STR(json_string_value(json_object_get(kbs_cpu(claims), "ear.status")), "affirming");
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
        CHECK_STR(kbs_open(g), SECRET);
        json_decref(claims);
        (void)snprintf(path, sizeof(path), "/kbs/v0/reference-value/%s", known[i].name);
        CHECK_EQ(kit_delete(path, "author")->status, 200);
        kbs_guest_free(g);
    }
}

TEST(init_data_is_held_against_the_field_of_each_tee)
{
    static const struct {
        size_t tee;
        const char *hash;
    } all[] = {{MADE_TDX, "sha384"},
               {MADE_MILAN, "sha256"},
               {MADE_TURIN, "sha256"},
               {MADE_AZ_SNP, "sha256"},
               {MADE_AZ_TDX, "sha256"}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct kbs_guest *g = made_guest(all[i].tee);
        char toml[128] = "";
        char *text = NULL;
        json_t *init = NULL;

        (void)snprintf(toml, sizeof(toml), "algorithm = \"%s\"\nversion = \"0.1.0\"\n",
                       all[i].hash);
        init = json_pack("{s:s, s:s}", "format", "toml", "body", toml);
        text = json_dumps(init, JSON_COMPACT);
        (void)snprintf(g->init_data, sizeof(g->init_data), "%s", text);
        kbs_digest(all[i].hash, toml, made_launched);
        CHECK_EQ(made_attest(all[i].tee, g), 200);
        made_launched[5] ^= 1; /* the host gave the guest another document */
        if (made_attest(all[i].tee, g) != 401 ||
            strstr(kit_string("detail"), "init-data") == NULL) {
            TEST_FAIL("%s: %d %s", made_tees[all[i].tee].name, kit_last()->status,
                      kit_last()->body);
        }
        memset(made_launched, 0, sizeof(made_launched));
        free(text);
        json_decref(init);
        kbs_guest_free(g);
    }
}

TEST(a_report_as_text_is_one_too)
{
    struct kbs_guest *g = made_guest(MADE_MILAN);

    CHECK_EQ(kbs_resource_policy(cm_kbs_policy("default")), 200);
    CHECK_EQ(kbs_auth(g), 200);
    (void)made_for(MADE_MILAN, g);
    made_len = 0;
    made_put("{");
    made_put_base64("attestation_report", cm_span_make(made_report(), 1184));
    made_put(",\"cert_chain\":{\"vcek\":");
    for (size_t i = 3; i-- > 0;) {
        static const char *const names[] = {"", ",\"ark\":", ",\"ask\":"};

        made_put("[");
        for (size_t k = 0; k < made_certificate(i).len; k++) {
            made_put("%s%u", k == 0 ? "" : ",", made_certificate(i).ptr[k]);
        }
        made_put("]%s", i == 0 ? "" : names[i]);
    }
    made_put("}}");
    CHECK_EQ(kbs_post_attest(g, kbs_body_of(g, made_json)), 200);
    CHECK_EQ(kbs_get(g, "bank/key/one", false), 200);
    CHECK_STR(kbs_open(g), SECRET);
    kbs_guest_free(g);
}

/* Whoever listens has the evidence of another: the key that it binds is not his. */
TEST(evidence_that_binds_another_key_is_refused)
{
    for (size_t i = 0; i < MADE_TEES; i++) {
        struct kbs_guest *honest = made_guest(i);
        struct kbs_guest *thief = made_guest(i);

        CHECK_EQ(kbs_auth(honest), 200);
        memcpy(thief->cookie, honest->cookie, sizeof(thief->cookie));
        memcpy(thief->nonce, honest->nonce, sizeof(thief->nonce));
        memcpy(thief->hash, honest->hash, sizeof(thief->hash));
        if (kbs_post_attest(thief, kbs_body_of(thief, made_for(i, honest))) != 401) {
            TEST_FAIL("%s: %d", made_tees[i].name, kit_last()->status);
        }
        CHECK_EQ(kbs_get(thief, "bank/key/one", false), 401);
        kbs_guest_free(honest);
        kbs_guest_free(thief);
    }
}

TEST(evidence_of_an_earlier_challenge_is_refused)
{
    for (size_t i = 0; i < MADE_TEES; i++) {
        struct kbs_guest *g = made_guest(i);
        static char before[sizeof(made_json)];

        CHECK_EQ(kbs_auth(g), 200);
        memcpy(before, made_for(i, g), made_len + 1);
        CHECK_EQ(kbs_auth(g), 200); /* another one */
        CHECK_EQ(kbs_post_attest(g, kbs_body_of(g, before)), 401);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 401);
        kbs_guest_free(g);
    }
}

/*
 * From here to there in the JSON stands what is signed. Certificates do not: one that is spoilt can be had elsewhere;
 * nor does what is said beside the quote of a TPM (report_data, ak_public).
 */
static void signed_part(size_t *from, size_t *to)
{
    const char *certs = strstr(made_json, "\"cert_chain\"");
    const char *quote = strstr(made_json, "\"tpm_quote\"");
    const char *beside = strstr(made_json, "\"ak_public\"");

    *from = quote == NULL ? 20 : (size_t)(quote - made_json) + 20;
    *to = made_len;
    if (certs != NULL || beside != NULL) {
        *to = (size_t)((certs != NULL ? certs : beside) - made_json);
    }
}

/* One digit in so many is made another, here and there in all that is signed. */
TEST(evidence_that_somebody_has_changed_is_refused)
{
    for (size_t i = 0; i < MADE_TEES; i++) {
        struct kbs_guest *g = made_guest(i);
        static char changed[sizeof(made_json)];
        size_t tried = 0;
        size_t from = 0;
        size_t to = 0;

        CHECK_EQ(kbs_auth(g), 200);
        (void)made_for(i, g);
        signed_part(&from, &to);
        for (size_t at = from; at < to; at += (to - from) / 24) {
            size_t k = at;

            memcpy(changed, made_json, made_len + 1);
            while (k < to && (changed[k] < '1' || changed[k] > '8')) {
                k++;
            }
            if (k == to) {
                break;
            }
            changed[k]++;
            tried++;
            if (kbs_post_attest(g, kbs_body_of(g, changed)) == 200) {
                TEST_FAIL("%s: byte %zu of %zu: %.40s", made_tees[i].name, k, to, changed + k - 20);
                break; /* from now on this session has its token */
            }
        }
        CHECK(tried >= 20);
        CHECK_EQ(kbs_get(g, "bank/key/one", false), 401);
        CHECK_EQ(kbs_post_attest(g, kbs_body_of(g, made_json)), 200); /* it was good before */
        kbs_guest_free(g);
    }
}

TEST(one_tee_under_the_name_of_another_is_refused)
{
    for (size_t i = 0; i < MADE_TEES; i++) {
        for (size_t k = 0; k < MADE_TEES; k++) {
            struct kbs_guest *g = made_guest(k);

            if (strcmp(made_tees[i].name, made_tees[k].name) != 0) {
                CHECK_EQ(kbs_auth(g), 200);
                if (kbs_post_attest(g, kbs_body_of(g, made_for(i, g))) != 401) {
                    TEST_FAIL("%s as %s", made_tees[i].name, made_tees[k].name);
                }
            }
            kbs_guest_free(g);
        }
    }
}

TEST(end)
{
    made_stop();
}

TEST_MAIN
