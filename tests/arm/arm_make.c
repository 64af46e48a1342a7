/* See arm_make.h. Written from the specifications, not with the code under test. */
#include "arm_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "token/base64.h"
#include "token/cose.h"

const uint8_t make_instance[33] = {1, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14};
const uint8_t make_implementation[32] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
const uint8_t make_nonce[64] = {0xab, 0xcd, 0xef};

static const uint8_t measurement[64] = {0x44, 0x55, 0x66};

const struct cm_privkey *make_key(int which)
{
    static struct cm_privkey *keys[9];

    if (keys[which] == NULL && cm_privkey_generate(which < 4 ? CM_CURVE_P384 : CM_CURVE_P256,
                                                   which == 8 ? 2048 : 0, &keys[which]) != CM_OK) {
        abort();
    }
    return keys[which];
}

/* A map under construction: pairs are counted so that the head fits what is in it. */
struct map {
    uint8_t buf[8192];
    struct cm_wr w;
    uint64_t pairs;
    const struct make_patch *patch;
};

static void map_init(struct map *m, const struct make_patch *patch)
{
    m->w = cm_wr_init(m->buf, sizeof(m->buf));
    m->pairs = 0;
    m->patch = patch;
}

/* The key of a claim; false when the claim is left out or was replaced. */
static bool put_key(struct map *m, int64_t label)
{
    bool patched = m->patch != NULL && m->patch->used && m->patch->label == label;

    if (patched && m->patch->cbor.len == 0) {
        return false;
    }
    m->pairs++;
    cm_cbor_wr_i64(&m->w, label);
    if (patched) {
        cm_wr_bytes(&m->w, m->patch->cbor.ptr, m->patch->cbor.len);
        return false;
    }
    return true;
}

static void put_bytes(struct map *m, int64_t label, const void *bytes, size_t len)
{
    if (put_key(m, label)) {
        cm_cbor_wr_bytes(&m->w, cm_span_make(bytes, len));
    }
}

static void put_text(struct map *m, int64_t label, const char *text)
{
    if (put_key(m, label)) {
        cm_cbor_wr_text(&m->w, text);
    }
}

static void put_uint(struct map *m, int64_t label, uint64_t v)
{
    if (put_key(m, label)) {
        cm_cbor_wr_u64(&m->w, v);
    }
}

static size_t map_finish(struct map *m, uint8_t *out, size_t cap)
{
    struct cm_wr w = cm_wr_init(out, cap);

    /* a claim that the token would not have is added by a patch */
    cm_cbor_wr_map(&w, m->pairs);
    cm_wr_bytes(&w, m->buf, m->w.used);
    if (w.bad || m->w.bad) {
        abort();
    }
    return w.used;
}

static void put_components(struct map *m, int64_t label, const char *alg)
{
    static const char *const types[] = {"BL", "SPE"};

    if (!put_key(m, label)) {
        return;
    }
    cm_cbor_wr_array(&m->w, 2);
    for (int i = 0; i < 2; i++) {
        uint8_t value[32] = {0};

        memcpy(value, measurement, sizeof(value));
        value[31] = (uint8_t)i;
        cm_cbor_wr_map(&m->w, 5);
        cm_cbor_wr_u64(&m->w, 1);
        cm_cbor_wr_text(&m->w, types[i]);
        cm_cbor_wr_u64(&m->w, 2);
        cm_cbor_wr_bytes(&m->w, cm_span_make(value, sizeof(value)));
        cm_cbor_wr_u64(&m->w, 4);
        cm_cbor_wr_text(&m->w, "3.4.2");
        cm_cbor_wr_u64(&m->w, 5);
        cm_cbor_wr_bytes(&m->w, cm_span_make(make_implementation, 32));
        cm_cbor_wr_u64(&m->w, 6);
        cm_cbor_wr_text(&m->w, alg);
    }
}

static size_t sign(const struct cm_privkey *key, enum cm_sig_alg alg, struct cm_span payload,
                   uint8_t *out, size_t cap)
{
    struct cm_wr w = cm_wr_init(out, cap);

    if (cm_cose_sign1_write(key, alg, payload, &w) != CM_OK) {
        abort();
    }
    return w.used;
}

static size_t coordinates(const struct cm_privkey *key, enum cm_curve *curve, uint8_t x[66],
                          uint8_t y[66])
{
    struct cm_pubkey *pub = NULL;
    size_t len = 0;

    if (cm_privkey_public(key, &pub) != CM_OK || cm_pubkey_ec(pub, curve, x, y, &len) != CM_OK) {
        abort();
    }
    cm_pubkey_free(pub);
    return len;
}

size_t make_cose_key(const struct cm_privkey *key, bool with_kid, uint8_t *out, size_t cap)
{
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = coordinates(key, &curve, x, y);
    struct cm_wr w = cm_wr_init(out, cap);

    cm_cbor_wr_map(&w, with_kid ? 5 : 4);
    cm_cbor_wr_u64(&w, 1);
    cm_cbor_wr_u64(&w, 2);
    if (with_kid) {
        cm_cbor_wr_u64(&w, 2);
        cm_cbor_wr_bytes(&w, cm_span_make("kid", 3));
    }
    cm_cbor_wr_i64(&w, -1);
    cm_cbor_wr_u64(&w, curve == CM_CURVE_P256 ? 1 : 2);
    cm_cbor_wr_i64(&w, -2);
    cm_cbor_wr_bytes(&w, cm_span_make(x, len));
    cm_cbor_wr_i64(&w, -3);
    cm_cbor_wr_bytes(&w, cm_span_make(y, len));
    return w.used;
}

/* The realm's key as the generation writes it. */
static size_t rak_bytes(const struct make_cca *m, bool other, uint8_t *out, size_t cap)
{
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = 0;

    if (m->generation != MAKE_LEGACY) {
        return make_cose_key(m->rak, other, out, cap);
    }
    len = coordinates(m->rak, &curve, x, y);
    out[0] = 4;
    memcpy(out + 1, x, len);
    memcpy(out + 1 + len, y, len);
    return 1 + 2 * len;
}

void make_cca_defaults(struct make_cca *m, int generation)
{
    memset(m, 0, sizeof(*m));
    m->generation = generation;
    m->cpak = make_key(generation == MAKE_2023 ? 4 : 0);
    m->cpak_alg = generation == MAKE_2023 ? CM_SIG_ES256 : CM_SIG_ES384;
    m->rak = make_key(1);
    m->rak_signing = m->rak;
    m->lifecycle = 0x3003;
    m->device_type = "cxl-type-3";
    m->device_vca = true;
    m->rak_alg = CM_SIG_ES384;
    m->cmw = generation == MAKE_2024;
    m->key_hash = generation == MAKE_LEGACY ? "sha-256" : "sha-512";
}

/* One device with all that its type asks for. */
static void put_extension(struct map *c, const char *type, bool vca)
{
    bool cxl = strcmp(type, "cxl-type-3") == 0;

    if (!put_key(c, 2404)) {
        return;
    }
    cm_cbor_wr_array(&c->w, 1);
    cm_cbor_wr_map(&c->w, 5u + (vca ? 1 : 0) + (cxl ? 1 : 0));
    cm_cbor_wr_u64(&c->w, 2);
    cm_cbor_wr_bytes(&c->w, cm_span_make(measurement, 32));
    cm_cbor_wr_u64(&c->w, 3);
    cm_cbor_wr_bytes(&c->w, cm_span_make(measurement, 48));
    cm_cbor_wr_u64(&c->w, 4);
    cm_cbor_wr_bool(&c->w, true);
    cm_cbor_wr_u64(&c->w, 5);
    cm_cbor_wr_text(&c->w, "spdm-1.2.0");
    if (vca) {
        cm_cbor_wr_u64(&c->w, 6);
        cm_cbor_wr_bytes(&c->w, cm_span_make(measurement, 64));
    }
    cm_cbor_wr_u64(&c->w, 7);
    cm_cbor_wr_text(&c->w, type);
    if (cxl) {
        cm_cbor_wr_u64(&c->w, 8);
        cm_cbor_wr_u64(&c->w, 2);
    }
}

static void put_boot_keys(struct map *c)
{
    if (!put_key(c, 2405)) {
        return;
    }
    cm_cbor_wr_array(&c->w, 1);
    cm_cbor_wr_map(&c->w, 4);
    cm_cbor_wr_u64(&c->w, 1);
    cm_cbor_wr_text(&c->w, "DM");
    cm_cbor_wr_u64(&c->w, 2);
    cm_cbor_wr_u64(&c->w, 0);
    cm_cbor_wr_u64(&c->w, 3);
    cm_cbor_wr_u64(&c->w, 1);
    cm_cbor_wr_u64(&c->w, 4);
    cm_cbor_wr_bytes(&c->w, cm_span_make(measurement, 32));
}

static size_t platform_token(const struct make_cca *m, struct cm_span challenge, uint8_t *out,
                             size_t cap)
{
    static const char *const profiles[] = {"http://arm.com/CCA-SSD/1.0.0",
                                           "tag:arm.com,2023:cca_platform#1.0.0",
                                           "tag:arm.com,2024:cca_platform#2.0.0"};
    static struct map c;
    static uint8_t payload[8192];
    size_t len = 0;

    map_init(&c, &m->platform);
    put_text(&c, 265, profiles[m->generation]);
    put_bytes(&c, 10, challenge.ptr, challenge.len);
    put_bytes(&c, 2396, make_implementation, 32);
    put_bytes(&c, 256, make_instance, 33);
    put_bytes(&c, 2401, "\xcf\xcf\xcf\xcf", 4);
    put_uint(&c, 2395, m->lifecycle);
    put_components(&c, 2399, "sha-256");
    put_text(&c, 2400, "https://verifier.example");
    put_text(&c, 2402, "sha-256");
    if (m->generation == MAKE_2024) {
        put_uint(&c, 2394, 1);
        put_bytes(&c, 2403, "\x12\x34", 2);
        put_bytes(&c, 2406, "\x12\x34", 2);
        put_extension(&c, m->device_type, m->device_vca);
        put_boot_keys(&c);
    }
    len = map_finish(&c, payload, sizeof(payload));
    return sign(m->cpak, m->cpak_alg, cm_span_make(payload, len), out, cap);
}

static size_t realm_token(const struct make_cca *m, struct cm_span key, uint8_t *out, size_t cap)
{
    static const char *const profiles[] = {NULL, "tag:arm.com,2023:realm#1.0.0",
                                           "tag:arm.com,2024:realm#2.0.0"};
    static const uint8_t perso[64] = "The quick brown fox";
    static struct map c;
    static uint8_t payload[8192];
    size_t len = 0;

    map_init(&c, &m->realm);
    if (m->generation != MAKE_LEGACY) {
        put_text(&c, 265, profiles[m->generation]);
    }
    put_bytes(&c, 10, make_nonce, 64);
    put_bytes(&c, 44235, perso, 64);
    put_bytes(&c, 44238, measurement, 32);
    if (put_key(&c, 44239)) {
        cm_cbor_wr_array(&c.w, 4);
        for (int i = 0; i < 4; i++) {
            uint8_t rem[32] = {0};

            rem[0] = (uint8_t)(0xa0 + i);
            cm_cbor_wr_bytes(&c.w, cm_span_make(rem, 32));
        }
    }
    put_text(&c, 44236, "sha-256");
    put_bytes(&c, 44237, key.ptr, key.len);
    put_text(&c, 44240, m->key_hash);
    if (m->generation == MAKE_2024) {
        put_uint(&c, 44243, 1);
        put_bytes(&c, 256, make_instance, 33);
        put_uint(&c, 44244, 0);
        put_bytes(&c, 44257, measurement, 32);
    }
    len = map_finish(&c, payload, sizeof(payload));
    return sign(m->rak_signing, m->rak_alg, cm_span_make(payload, len), out, cap);
}

size_t make_cca(const struct make_cca *m, uint8_t *out, size_t cap)
{
    static uint8_t platform[12000];
    static uint8_t realm[12000];
    uint8_t key[256] = {0};
    uint8_t vouched[256] = {0};
    uint8_t challenge[64] = {0};
    size_t key_len = rak_bytes(m, false, key, sizeof(key));
    size_t vouched_len = rak_bytes(m, m->other_bytes, vouched, sizeof(vouched));
    bool big = strcmp(m->key_hash, "sha-512") == 0;
    size_t platform_len = 0;
    size_t realm_len = 0;
    struct cm_wr w = cm_wr_init(out, cap);

    if (cm_hash(big ? CM_HASH_SHA512 : CM_HASH_SHA256, cm_span_make(vouched, vouched_len),
                challenge) != CM_OK) {
        abort();
    }
    platform_len = platform_token(
        m, cm_span_make(challenge, m->challenge_len != 0 ? m->challenge_len : (big ? 64 : 32)),
        platform, sizeof(platform));
    realm_len = realm_token(m, cm_span_make(key, key_len), realm, sizeof(realm));
    cm_cbor_wr_tag(&w, m->cmw ? 907 : 399);
    cm_cbor_wr_map(&w, m->third_part ? 3 : 2);
    if (m->third_part) {
        cm_cbor_wr_u64(&w, 1);
        cm_cbor_wr_null(&w);
    }
    for (int i = 0; i < 2; i++) {
        cm_cbor_wr_u64(&w, i == 0 ? 44234 : 44241);
        if (m->cmw) {
            cm_cbor_wr_array(&w, 2);
            cm_cbor_wr_u64(&w, 263);
        }
        cm_cbor_wr_bytes(&w, i == 0 ? cm_span_make(platform, platform_len)
                                    : cm_span_make(realm, realm_len));
    }
    return w.used;
}

void make_psa_defaults(struct make_psa *m, int profile)
{
    memset(m, 0, sizeof(*m));
    m->profile = profile;
    m->iak = make_key(5);
    m->alg = CM_SIG_ES256;
    m->lifecycle = 0x3000;
    m->nonce_len = profile == 2 ? 64 : 32;
}

size_t make_psa(const struct make_psa *m, uint8_t *out, size_t cap)
{
    static const char *const profiles[] = {NULL, "PSA_IOT_PROFILE_1", "http://arm.com/psa/2.0.0",
                                           "tag:psacertified.org,2023:psa#tfm"};
    static struct map c;
    static uint8_t payload[8192];
    uint8_t seed[32] = {0xa0, 0xa1};
    bool first = m->profile == 1;
    struct cm_wr w = cm_wr_init(out, cap);
    size_t len = 0;

    map_init(&c, &m->patch);
    put_text(&c, first ? -75000 : 265, profiles[m->profile]);
    put_bytes(&c, first ? -75008 : 10, make_nonce, m->nonce_len);
    put_bytes(&c, first ? -75004 : (m->profile == 3 ? 268 : 2397), seed, 32);
    put_bytes(&c, first ? -75009 : 256, make_instance, 33);
    put_bytes(&c, first ? -75003 : 2396, make_implementation, 32);
    put_uint(&c, first ? -75001 : 2394, 3002);
    put_uint(&c, first ? -75002 : 2395, m->lifecycle);
    put_components(&c, first ? -75006 : 2399, "SHA256");
    put_text(&c, first ? -75010 : 2400, "www.trustedfirmware.org");
    put_text(&c, first ? -75005 : 2398, "0604565272829-10010");
    len = map_finish(&c, payload, sizeof(payload));
    if (m->cwt) {
        cm_cbor_wr_tag(&w, 61);
    }
    if (!m->mac) {
        return w.used +
               sign(m->iak, m->alg, cm_span_make(payload, len), out + w.used, cap - w.used);
    }
    cm_cbor_wr_tag(&w, 17);
    cm_cbor_wr_array(&w, 4);
    cm_cbor_wr_bytes(&w, cm_span_make("\xa1\x01\x05", 3));
    cm_cbor_wr_map(&w, 0);
    cm_cbor_wr_bytes(&w, cm_span_make(payload, len));
    cm_cbor_wr_bytes(&w, cm_span_make(seed, 32));
    return w.used;
}

static size_t jwk(const struct cm_privkey *key, char *out, size_t cap)
{
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = coordinates(key, &curve, x, y);
    char tx[100] = "";
    char ty[100] = "";
    size_t nx = 0;
    size_t ny = 0;

    if (cm_base64url_encode(cm_span_make(x, len), tx, sizeof(tx), &nx) != CM_OK ||
        cm_base64url_encode(cm_span_make(y, len), ty, sizeof(ty), &ny) != CM_OK) {
        abort();
    }
    return (size_t)snprintf(out, cap,
                            "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                            curve == CM_CURVE_P256 ? "P-256" : "P-384", (int)nx, tx, (int)ny, ty);
}

size_t make_enrolled(const struct cm_privkey *key, int form, const uint8_t instance[33],
                     uint8_t *out, size_t cap)
{
    struct cm_pubkey *pub = NULL;
    char text[512] = "";
    char id[67] = "";
    char *o = (char *)out;
    size_t len = 0;

    if (cm_privkey_public(key, &pub) != CM_OK) {
        abort();
    }
    if (form == FORM_PEM) {
        if (cm_pubkey_pem(pub, o, cap) != CM_OK) {
            abort();
        }
        len = strlen(o);
    } else if (form == FORM_DER) {
        if (cm_pubkey_spki(pub, out, cap, &len) != CM_OK) {
            abort();
        }
    } else if (form == FORM_COSE) {
        len = make_cose_key(key, false, out, cap);
    } else if (form == FORM_COSE_SET) {
        out[0] = 0x81;
        len = 1 + make_cose_key(key, true, out + 1, cap - 1);
    } else {
        (void)jwk(key, text, sizeof(text));
        for (size_t i = 0; i < 33; i++) {
            (void)snprintf(id + 2 * i, 3, "%02X", instance[i]);
        }
        len = (size_t)snprintf(o, cap,
                               form == FORM_JWK    ? "%s"
                               : form == FORM_JWKS ? "{\"keys\":[%s]}"
                                                   : "[{\"pkey\":%s,\"instance-id\":\"%s\"}]",
                               text, id);
    }
    cm_pubkey_free(pub);
    return len;
}
