/* JWS, JWK, COSE_Sign1 and base64: each header trick is refused (I4), each bit counts. */
#include "harness.h"

#include "token/base64.h"
#include "token/cose.h"
#include "token/jws.h"

static struct cm_privkey *key;
static struct cm_pubkey *pub;
static struct cm_jws jws;

static bool keys(void)
{
    return key != NULL || (cm_privkey_generate(CM_CURVE_P256, 0, &key) == CM_OK &&
                           cm_privkey_public(key, &pub) == CM_OK);
}

static enum cm_status parse(const char *token)
{
    return cm_jws_parse(cm_span_make(token, strlen(token)), &jws, NULL);
}

/* a token with any header, whose signature is right for its bytes */
static void forge(const char *header, char *out, size_t cap)
{
    uint8_t sig[64] = {0};
    struct cm_span part = {NULL, 0};
    size_t at = 0;
    size_t n = 0;

    if (cm_base64url_encode(cm_span_make(header, strlen(header)), out, cap, &at) != CM_OK) {
        return;
    }
    at += (size_t)snprintf(out + at, cap - at, ".e30");
    part = cm_span_make(out, at);
    if (cm_privkey_sign(key, CM_SIG_ES256, &part, 1, sig, sizeof(sig), &n) != CM_OK) {
        return;
    }
    out[at++] = '.';
    if (cm_base64url_encode(cm_span_make(sig, n), out + at, cap - at - 1, &n) == CM_OK) {
        out[at + n] = '\0';
    }
}

TEST(base64_is_canonical)
{
    static const struct {
        const char *text;
        bool url;
        bool ok;
    } cases[] = {
        {"", true, true},       {"AA", true, true},     {"AB", true, false},
        {"A", true, false},     {"AAA", true, true},    {"AAB", true, false},
        {"AA==", true, false},  {"A+AA", true, false},  {"A-AA", true, true},
        {"AA AA", true, false}, {"AA==", false, true},  {"AA=", false, false},
        {"AA", false, false},   {"A===", false, false}, {"====", false, false},
        {"A/+A", false, true},  {"A_AA", false, false},
    };
    uint8_t out[8] = {0};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cm_span s = cm_span_make(cases[i].text, strlen(cases[i].text));
        enum cm_status st = cases[i].url ? cm_base64url_decode(s, out, sizeof(out), &len)
                                         : cm_base64_decode(s, out, sizeof(out), &len);

        if ((st == CM_OK) != cases[i].ok) {
            TEST_FAIL("\"%s\" gives %d", cases[i].text, (int)st);
        }
    }
    CHECK_EQ(cm_base64url_decode(cm_span_make("AAAA", 4), out, 2, &len), CM_ERR_SPACE);
}

TEST(base64_of_any_dress_is_strict)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused, whether mixed or not */
        bool mixed;        /* taken only where alphabets may be mixed */
    } cases[] = {
        {"", "", false},
        {"QUI", "AB", false},
        {"QUI=", "AB", false},
        {"QQ", "A", false},
        {"QQ==", "A", false},
        {"QUJD", "ABC", false},
        {"PDw/Pz4+", "<<?\?>>", false},
        {"PDw_Pz4-", "<<?\?>>", false},
        {"Pz8_Pg", "??\?>", false},
        {"Pz8/Pg==", "??\?>", false},
        {"Pz8_Pg==", "??\?>", false},
        {"PDw/Pz4-", "<<?\?>>", true},
        {"PDw_Pz4+", "<<?\?>>", true},
        {"Pz8_Pz8/Pg==", "?????\?>", true},
        {"Pz8/Pz8_Pg", "?????\?>", true},
        {"QUI==", NULL, false}, /* padding that is too much, */
        {"QUJD=", NULL, false}, /* of a text that needs none, */
        {"QUJD==", NULL, false},
        {"QUJD====", NULL, false}, /* a group of it */
        {"QQ=", NULL, false},      /* and too little */
        {"Q", NULL, false},        /* six bits are no byte */
        {"Q===", NULL, false},
        {"=", NULL, false},
        {"====", NULL, false},
        {"Q=Q=", NULL, false}, /* padding within */
        {"QQ==QQ==", NULL, false},
        {"QR", NULL, false}, /* bits behind the last byte */
        {"QR==", NULL, false},
        {"QUJ", NULL, false},
        {"QUJ=", NULL, false},
        {"QU I", NULL, false},
        {"QUI=\n", NULL, false},
        {"QUJD\nQUJD", NULL, false},
        {"QUJ\xc3", NULL, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int mixed = 0; mixed <= 1; mixed++) {
            const bool good = cases[i].bytes != NULL && (mixed == 1 || !cases[i].mixed);
            uint8_t room[16] = {0}; /* the text's own: what it says goes where it stood */
            const size_t n = strlen(cases[i].text);
            size_t len = 0;
            enum cm_status st = CM_OK;

            memcpy(room, cases[i].text, n);
            st = cm_base64_any_decode(cm_span_make(room, n), mixed == 1, room, n, &len);
            if (st != (good ? CM_OK : CM_ERR_FORMAT)) {
                TEST_FAIL("\"%s\" (%d) gives %d", cases[i].text, mixed, (int)st);
            } else if (good) {
                CHECK_EQ(len, strlen(cases[i].bytes));
                CHECK(memcmp(room, cases[i].bytes, len) == 0);
            }
        }
    }
}

/* Where either strict decoder takes a text, so does this one, with the same bytes in the same room. */
TEST(base64_of_any_dress_is_that_of_each)
{
    static const char signs[] = "AQ8+/-_= \xff";

    for (unsigned k = 0; k < 100000; k++) {
        uint8_t text[5];
        uint8_t want[4];
        uint8_t out[4] = {1, 2, 3, 4};
        size_t len = 0;
        size_t got = 0;
        unsigned rest = k;

        for (size_t i = 0; i < sizeof(text); i++, rest /= 10) {
            text[i] = (uint8_t)signs[rest % 10];
        }
        for (size_t n = 0; n <= sizeof(text); n++) {
            const struct cm_span s = cm_span_make(text, n);
            const bool one = cm_base64url_decode(s, want, sizeof(want), &len) == CM_OK ||
                             cm_base64_decode(s, want, sizeof(want), &len) == CM_OK;

            if (one && (cm_base64_any_decode(s, false, out, len, &got) != CM_OK || got != len ||
                        memcmp(out, want, len) != 0)) {
                TEST_FAIL("%u of %zu", k, n);
            }
            if (one && len != 0) {
                CHECK_EQ(cm_base64_any_decode(s, k % 2 == 0, out, len - 1, &got), CM_ERR_SPACE);
            }
        }
    }
}

/* Of each place, also those in front of the last group: 64 characters of 256 and no other are taken. */
TEST(base64_takes_its_alphabet_only)
{
    for (size_t len = 2; len <= 11; len++) {
        for (size_t place = 0; len % 4 != 1 && place < len; place++) {
            unsigned taken[2] = {0, 0};

            for (unsigned c = 0; c < 256; c++) {
                char text[12] = "AAAAAAAAAAA";
                uint8_t out[12];
                size_t n = 0;

                text[place] = (char)c;
                taken[0] += cm_base64url_decode(cm_span_make(text, len), out, 12, &n) == CM_OK;
                taken[1] += len % 4 == 0 && c != '=' &&
                            cm_base64_decode(cm_span_make(text, len), out, 12, &n) == CM_OK;
            }
            /* of the last character only those without spare bits */
            CHECK_EQ(taken[0], place + 1 != len || len % 4 == 0 ? 64 : len % 4 == 2 ? 4 : 16);
            CHECK_EQ(taken[1], len % 4 == 0 ? 64 : 0);
        }
    }
}

TEST(base64_never_writes_beyond_its_room)
{
    for (size_t n = 1; n <= 12; n++) {
        uint8_t data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        char text[20] = "";
        uint8_t out[13];
        size_t len = 0;
        size_t got = 0;

        REQUIRE(cm_base64url_encode(cm_span_make(data, n), text, sizeof(text), &len) == CM_OK);
        for (size_t cap = 0; cap <= n; cap++) {
            memset(out, 0xee, sizeof(out));
            CHECK_EQ(cm_base64url_decode(cm_span_make(text, len), out, cap, &got),
                     cap == n ? CM_OK : CM_ERR_SPACE);
            CHECK_EQ(out[cap], 0xee);
        }
        CHECK_MEM(out, data, n);
    }
}

TEST(base64_round_trip)
{
    uint8_t data[64];
    uint8_t back[80];
    char text[100] = "";

    for (size_t n = 0; n <= sizeof(data); n++) {
        size_t len = 0;
        size_t got = 0;

        for (size_t i = 0; i < n; i++) {
            data[i] = (uint8_t)(i * 37 + n);
        }
        CHECK_EQ(cm_base64url_encode(cm_span_make(data, n), text, sizeof(text), &len), CM_OK);
        CHECK_EQ(cm_base64url_decode(cm_span_make(text, len), back, sizeof(back), &got), CM_OK);
        CHECK_EQ(got, n);
        CHECK_MEM(data, back, n);
        CHECK_EQ(cm_base64_encode(cm_span_make(data, n), text, sizeof(text), &len), CM_OK);
        CHECK_EQ(len % 4, 0);
        CHECK_EQ(cm_base64_decode(cm_span_make(text, len), back, sizeof(back), &got), CM_OK);
        CHECK_EQ(got, n);
        if (len != 0) {
            CHECK_EQ(cm_base64_encode(cm_span_make(data, n), text, len - 1, &got), CM_ERR_SPACE);
        }
    }
}

TEST(I4_header_tricks_are_refused)
{
    static const struct {
        const char *header;
        enum cm_status want;
    } tricks[] = {
        {"{\"alg\":\"none\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"None\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"HS256\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"es256\"}", CM_ERR_UNSUPPORTED},
        {"{}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":7}", CM_ERR_UNSUPPORTED},
        {"[]", CM_ERR_FORMAT},
        {"{\"alg\":\"none\",\"alg\":\"ES256\"}", CM_ERR_FORMAT},
        {"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ES256\",\"b64\":false}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ES256\",\"zip\":\"DEF\"}", CM_ERR_UNSUPPORTED},
        {"{\"alg\":\"ES256\"", CM_ERR_FORMAT},
    };
    char token[512] = "";

    REQUIRE(keys());
    for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
        forge(tricks[i].header, token, sizeof(token));
        if (parse(token) != tricks[i].want) {
            TEST_FAIL("%s gives %d", tricks[i].header, (int)parse(token));
        }
    }
    /* a key in the header changes nothing: only the caller's key verifies */
    forge("{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"},\"jku\":\"https://x\",\"x5c\":[]}", token,
          sizeof(token));
    REQUIRE(parse(token) == CM_OK);
    CHECK_EQ(cm_jws_verify(&jws, pub, CM_SIG_ES256), CM_OK);
}

TEST(malformed_tokens_are_refused)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "e30",
        "eyJhbGciOiJFUzI1NiJ9.e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.A",
        "eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA",
        "eyJhbGciOiJFUzI1NiJ9 .e30.AAAA",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i]) == CM_OK) {
            TEST_FAIL("\"%s\" was accepted", bad[i]);
        }
    }
}

TEST(sign_verify_and_every_changed_character)
{
    char token[1024] = "";
    uint8_t payload[64] = {0};
    size_t len = 0;

    REQUIRE(keys());
    CHECK_EQ(
        cm_jws_sign(key, CM_SIG_ES256, "\"kid\":\"k\"", cm_span_make("{\"a\":1}", 7), token, 40),
        CM_ERR_SPACE);
    REQUIRE(cm_jws_sign(key, CM_SIG_ES256, "\"kid\":\"k\"", cm_span_make("{\"a\":1}", 7), token,
                        sizeof(token)) == CM_OK);
    REQUIRE(parse(token) == CM_OK);
    CHECK_EQ(cm_jws_verify(&jws, pub, CM_SIG_ES256), CM_OK);
    CHECK_EQ(cm_jws_verify(&jws, pub, CM_SIG_ES384), CM_ERR_MISMATCH);
    CHECK_EQ(cm_jws_verify(&jws, pub, CM_SIG_RS256), CM_ERR_MISMATCH);
    CHECK_EQ(cm_jws_payload(&jws, payload, sizeof(payload), &len), CM_OK);
    CHECK_EQ(len, 7);
    CHECK_MEM(payload, "{\"a\":1}", 7);
    for (size_t i = 0; i < strlen(token); i++) {
        char was = token[i];

        token[i] = was == 'A' ? 'B' : 'A';
        CHECK(parse(token) != CM_OK || cm_jws_verify(&jws, pub, CM_SIG_ES256) != CM_OK);
        token[i] = was;
    }
}

TEST(jwk_private_or_wrong_keys_are_refused)
{
    static const char *const bad[] = {
        "{}",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
    };
    struct cm_json_node nodes[64];
    struct cm_json doc;
    struct cm_pubkey *out = NULL;
    uint8_t xy[2][66] = {{0}};
    char text[2][100] = {""};
    char jwk[400] = "";
    enum cm_curve curve = CM_CURVE_P256;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        REQUIRE(cm_json_parse(cm_span_make(bad[i], strlen(bad[i])), nodes, 64, &doc, NULL) ==
                CM_OK);
        CHECK(cm_jwk_parse(cm_json_root(&doc), &out) != CM_OK);
        CHECK(out == NULL);
    }
    REQUIRE(keys() && cm_pubkey_ec(pub, &curve, xy[0], xy[1], &n) == CM_OK);
    for (int i = 0; i < 2; i++) {
        size_t len = 0;

        REQUIRE(cm_base64url_encode(cm_span_make(xy[i], n), text[i], 99, &len) == CM_OK);
        text[i][len] = '\0';
    }
    for (int with_d = 0; with_d < 2; with_d++) {
        (void)snprintf(jwk, sizeof(jwk),
                       "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s}", text[0],
                       text[1], with_d ? ",\"d\":\"AA\"" : "");
        REQUIRE(cm_json_parse(cm_span_make(jwk, strlen(jwk)), nodes, 64, &doc, NULL) == CM_OK);
        CHECK_EQ(cm_jwk_parse(cm_json_root(&doc), &out), with_d ? CM_ERR_FORMAT : CM_OK);
        cm_pubkey_free(out);
        out = NULL;
    }
}

static struct cm_cbor_node cose_nodes[256];

static enum cm_status cose(const uint8_t *bytes, size_t len, struct cm_cose_sign1 *msg)
{
    static struct cm_cbor doc;
    enum cm_status st = cm_cbor_parse(cm_span_make(bytes, len), cose_nodes, 256, 0, &doc, NULL);

    return st != CM_OK ? st : cm_cose_sign1_parse(cm_cbor_root(&doc), msg, NULL);
}

TEST(cose_sign1_round_trip_and_bit_flips)
{
    uint8_t buf[256] = {0};
    struct cm_wr w = cm_wr_init(buf, sizeof(buf));
    struct cm_span none = {NULL, 0};
    struct cm_cose_sign1 msg;

    REQUIRE(keys());
    REQUIRE(cm_cose_sign1_write(key, CM_SIG_ES256, cm_span_make("payload", 7), &w) == CM_OK);
    REQUIRE(cose(buf, w.used, &msg) == CM_OK);
    CHECK_EQ(cm_cose_sign1_verify(&msg, pub, CM_SIG_ES256, none, none), CM_OK);
    CHECK_EQ(cm_cose_sign1_verify(&msg, pub, CM_SIG_ES384, none, none), CM_ERR_MISMATCH);
    CHECK_EQ(cm_cose_sign1_verify(&msg, pub, CM_SIG_ES256, cm_span_make("x", 1), none),
             CM_ERR_SIGNATURE);
    CHECK_EQ(cm_cose_sign1_verify(&msg, pub, CM_SIG_ES256, none, cm_span_make("payload", 7)),
             CM_ERR_MISMATCH);
    /* the tag itself is not signed, so start behind it */
    for (size_t i = 1; i < w.used; i++) {
        for (int bit = 0; bit < 8; bit++) {
            buf[i] ^= (uint8_t)(1 << bit);
            CHECK(cose(buf, w.used, &msg) != CM_OK ||
                  cm_cose_sign1_verify(&msg, pub, CM_SIG_ES256, none, none) != CM_OK);
            buf[i] ^= (uint8_t)(1 << bit);
        }
    }
}

TEST(cose_wrong_shapes_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum cm_status want;
    } bad[] = {
        {"\x80", 1, CM_ERR_FORMAT},
        {"\xd1\x84\x43\xa1\x01\x26\xa0\x40\x40", 9, CM_ERR_FORMAT},  /* COSE_Mac0's tag */
        {"\x84\x43\xa1\x01\x26\xa0\x40", 7, CM_ERR_FORMAT},          /* not closed */
        {"\x84\x40\xa0\x40\x40", 5, CM_ERR_FORMAT},                  /* no protected header */
        {"\x84\x41\xa0\xa0\x40\x40", 6, CM_ERR_UNSUPPORTED},         /* no algorithm */
        {"\x84\x43\xa1\x01\x05\xa0\x40\x40", 8, CM_ERR_UNSUPPORTED}, /* HMAC */
        {"\x84\x43\xa1\x01\x26\x80\x40\x40", 8, CM_ERR_FORMAT},      /* unprotected not a map */
        {"\x84\x43\xa1\x01\x26\xa0\x01\x40", 8, CM_ERR_FORMAT},      /* payload an integer */
        {"\x84\x46\xa2\x01\x26\x02\x81\x04\xa0\x40\x40", 11, CM_ERR_UNSUPPORTED}, /* crit */
        {"\x84\x43\x81\x01\x26\xa0\x40\x40", 8, CM_ERR_FORMAT}, /* bytes after the header */
    };
    struct cm_cose_sign1 msg;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum cm_status st = cose((const uint8_t *)bad[i].bytes, bad[i].len, &msg);

        if (st != bad[i].want) {
            TEST_FAIL("case %zu gives %d", i, (int)st);
        }
    }
}

TEST_MAIN
