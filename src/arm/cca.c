/*
 * CCA tokens; see arm.h. The platform token is signed by the CPU's attestation key, and the hash of the
 * realm's attestation key (RAK) is its challenge; the RAK signs the realm token. Untrusted: all of it.
 */
#include <string.h>

#include "arm/arm.h"
#include "arm/arm_token.h"
#include "arm/cca_2024.h"
#include "common/try.h"
#include "common/wipe.h"
#include "token/cose_key.h"

#define TAG_COLLECTION        399 /* {44234: platform, 44241: realm}, each a byte string */
#define TAG_CMW               907 /* the same with [content format, byte string] */
#define FORMAT_EAT_CWT        263 /* CoAP content format of application/eat+cwt */
#define KEY_PLATFORM          44234
#define KEY_REALM             44241

#define PLATFORM_CONFIG       2401
#define PLATFORM_HASH_ALG     2402

#define REALM_PERSONALIZATION 44235
#define REALM_HASH_ALG        44236
#define REALM_KEY             44237
#define REALM_RIM             44238
#define REALM_REM             44239
#define REALM_KEY_HASH_ALG    44240
#define REALM_FIELD_SIZE      64 /* of challenge and personalization value */
#define REALM_REM_COUNT       4

enum generation {
    GENERATION_LEGACY, /* RMM 1.0 */
    GENERATION_2023,   /* draft-ffm-rats-cca-token-00 */
    GENERATION_2024,   /* draft-ffm-rats-cca-token-03 */
};

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t platform; /* submodules */
    size_t realm;
    struct cm_span platform_bytes;
    struct cm_span realm_bytes;
    struct cm_arm_token p;
    struct cm_arm_token r;
    struct cm_span challenge; /* of the platform */
    struct cm_span instance_id;
    struct cm_span implementation_id;
    struct cm_span realm_key; /* exactly as it stands in the token */
    const char *key_alg;      /* hash of the realm key */
    struct cm_span nonce;
    uint64_t lifecycle;
    enum generation generation;       /* of the platform token */
    enum generation realm_generation; /* says how the key is written */
    struct cm_why why;
    enum cm_status first; /* the first failed required check */
};

static enum cm_status step(struct run *r, size_t submod, const char *name, enum cm_status st)
{
    cm_check_status(r->ev, submod, name, st, "%s", st == CM_OK ? "" : r->why.text);
    if (r->first == CM_OK) {
        r->first = st;
    }
    r->why.text[0] = '\0';
    return st;
}

static enum cm_status malformed(struct run *r, const char *what)
{
    cm_why_set(&r->why, "%s is missing or malformed", what);
    return CM_ERR_FORMAT;
}

bool cm_cca_recognise(struct cm_span bytes)
{
    /* the tag, then a map */
    return bytes.len >= 4 && bytes.ptr[0] == 0xd9 &&
           ((bytes.ptr[1] == TAG_COLLECTION >> 8 && bytes.ptr[2] == (TAG_COLLECTION & 0xff)) ||
            (bytes.ptr[1] == TAG_CMW >> 8 && bytes.ptr[2] == (TAG_CMW & 0xff))) &&
           bytes.ptr[3] >> 5 == 5;
}

static enum cm_status collected(struct cm_cbor_value v, uint64_t tag, struct cm_span *out)
{
    uint64_t format = 0;

    if (tag == TAG_CMW) {
        if (!cm_cbor_is(v, CM_CBOR_ARRAY) || cm_cbor_count(v) != 2 ||
            cm_cbor_u64(cm_cbor_first(v), &format) != CM_OK || format != FORMAT_EAT_CWT) {
            return CM_ERR_FORMAT;
        }
        v = cm_cbor_next(cm_cbor_first(v));
    }
    return cm_cbor_bytes(v, out) == CM_OK && out->len != 0 ? CM_OK : CM_ERR_FORMAT;
}

/* The two tokens of a collection. A CMW collection may hold more, of which nothing is taken. */
static enum cm_status take_apart(struct run *r, struct cm_cbor_own *d)
{
    struct cm_cbor_value root = {NULL, 0};
    struct cm_cbor_value map = {NULL, 0};
    uint64_t tag = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_arm_parse(r->job->evidence, d, &r->why));
    root = cm_cbor_root(&d->doc);
    map = cm_cbor_first(root);
    if (cm_cbor_tag(root, &tag) != CM_OK || (tag != TAG_COLLECTION && tag != TAG_CMW) ||
        !cm_cbor_is(map, CM_CBOR_MAP) || (tag == TAG_COLLECTION && cm_cbor_count(map) != 2) ||
        collected(cm_cbor_get(map, KEY_PLATFORM), tag, &r->platform_bytes) != CM_OK ||
        collected(cm_cbor_get(map, KEY_REALM), tag, &r->realm_bytes) != CM_OK) {
        cm_why_set(&r->why, "not a collection of a platform and a realm token");
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

/* A hash algorithm's name; every profile makes it mandatory. */
static enum cm_status hash_alg(struct cm_cbor_value v, const char **name)
{
    char text[CM_ARM_MAX_TEXT + 1] = "";

    if (cm_arm_text(v, text) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    *name = cm_arm_hash_name(text);
    return *name == NULL ? CM_ERR_UNSUPPORTED : CM_OK;
}

static enum cm_status platform_config(struct run *r)
{
    struct cm_span s = {NULL, 0};

    if (cm_cbor_bytes(cm_cbor_get(r->p.claims, PLATFORM_CONFIG), &s) != CM_OK || s.len == 0) {
        return malformed(r, "the platform's configuration");
    }
    cm_claim_bytes(r->ev, r->platform, "cca.platform_config", s);
    return CM_OK;
}

static enum cm_status platform_profile(struct run *r)
{
    static const char *const profiles[] = {"http://arm.com/CCA-SSD/1.0.0",
                                           "tag:arm.com,2023:cca_platform#1.0.0",
                                           "tag:arm.com,2024:cca_platform#2.0.0"};
    char text[CM_ARM_MAX_TEXT + 1] = "";

    if (cm_arm_text(cm_cbor_get(r->p.claims, CM_ARM_PROFILE), text) != CM_OK) {
        return malformed(r, "the platform's profile");
    }
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (strcmp(text, profiles[i]) == 0) {
            r->generation = (enum generation)i;
            cm_claim_text(r->ev, r->platform, "cca.profile", text);
            return CM_OK;
        }
    }
    cm_why_set(&r->why, "another profile of platform tokens");
    return CM_ERR_UNSUPPORTED;
}

static enum cm_status platform_identity(struct run *r)
{
    struct cm_cbor_value c = r->p.claims;

    if (cm_arm_hash_value(cm_cbor_get(c, CM_ARM_NONCE), &r->challenge) != CM_OK) {
        return malformed(r, "the platform's challenge");
    }
    if (cm_arm_bytes(cm_cbor_get(c, CM_ARM_IMPL_ID), CM_ARM_IMPL_ID_SIZE, &r->implementation_id) !=
        CM_OK) {
        return malformed(r, "the implementation id");
    }
    if (cm_arm_bytes(cm_cbor_get(c, CM_ARM_UEID), CM_ARM_UEID_SIZE, &r->instance_id) != CM_OK ||
        r->instance_id.ptr[0] != CM_ARM_UEID_RAND) {
        return malformed(r, "the instance id");
    }
    if (cm_cbor_u64(cm_cbor_get(c, CM_ARM_LIFECYCLE), &r->lifecycle) != CM_OK ||
        !cm_arm_lifecycle_known(r->lifecycle)) {
        return malformed(r, "the lifecycle");
    }
    cm_claim_bytes(r->ev, r->platform, "cca.platform_challenge", r->challenge);
    cm_claim_bytes(r->ev, r->platform, "cca.implementation_id", r->implementation_id);
    cm_claim_bytes(r->ev, r->platform, CM_CLAIM_UEID, r->instance_id);
    return CM_OK;
}

static enum cm_status platform_claims(struct run *r)
{
    static const struct cm_arm_component_names names = {"cca.sw_version", "cca.sw_components"};
    struct cm_cbor_value c = r->p.claims;
    struct cm_cbor_value service = cm_cbor_get(c, CM_ARM_SERVICE);
    char text[CM_ARM_MAX_TEXT + 1] = "";
    const char *alg = NULL;
    enum cm_status st = CM_OK;

    cm_claim_text(r->ev, r->platform, CM_CLAIM_TEE, "cca");
    cm_claim_text(r->ev, r->platform, CM_CLAIM_HWMODEL, "cca");
    CM_TRY(platform_profile(r));
    CM_TRY(platform_identity(r));
    CM_TRY(platform_config(r));
    st = hash_alg(cm_cbor_get(c, PLATFORM_HASH_ALG), &alg);
    if (st != CM_OK) {
        return malformed(r, "the platform's hash algorithm");
    }
    cm_claim_text(r->ev, r->platform, "cca.platform_hash_alg", alg);
    if (service.doc != NULL) {
        if (cm_arm_text(service, text) != CM_OK) {
            return malformed(r, "the verification service");
        }
        cm_claim_text(r->ev, r->platform, "cca.verification_service", text);
    }
    if (r->generation == GENERATION_2024) {
        CM_TRY(cm_cca_2024_platform(c, r->ev, r->platform, &r->why));
    }
    st = cm_arm_components(cm_cbor_get(c, CM_ARM_SW_COMPONENTS), alg, &names, r->ev, r->platform,
                           &r->why);
out:
    return st;
}

static enum cm_status realm_profile(struct run *r)
{
    struct cm_cbor_value v = cm_cbor_get(r->r.claims, CM_ARM_PROFILE);
    char text[CM_ARM_MAX_TEXT + 1] = "";

    r->realm_generation = GENERATION_LEGACY;
    if (v.doc == NULL) {
        return CM_OK;
    }
    if (cm_arm_text(v, text) != CM_OK) {
        return malformed(r, "the realm's profile");
    }
    if (strcmp(text, "tag:arm.com,2023:realm#1.0.0") == 0) {
        r->realm_generation = GENERATION_2023;
    } else if (strcmp(text, "tag:arm.com,2024:realm#2.0.0") == 0) {
        r->realm_generation = GENERATION_2024;
    } else {
        cm_why_set(&r->why, "another profile of realm tokens");
        return CM_ERR_UNSUPPORTED;
    }
    cm_claim_text(r->ev, r->realm, "cca.realm_profile", text);
    return CM_OK;
}

static enum cm_status realm_measurements(struct run *r, const char *alg)
{
    static const char *const labels[REALM_REM_COUNT] = {"rem0", "rem1", "rem2", "rem3"};
    struct cm_cbor_value rem = cm_cbor_get(r->r.claims, REALM_REM);
    struct cm_digest d = {"rim", alg, CM_ROLE_LAUNCH, {NULL, 0}};
    size_t i = 0;

    if (cm_arm_hash_value(cm_cbor_get(r->r.claims, REALM_RIM), &d.value) != CM_OK) {
        return malformed(r, "the realm's initial measurement");
    }
    cm_claim_digest(r->ev, r->realm, &d);
    if (!cm_cbor_is(rem, CM_CBOR_ARRAY) || cm_cbor_count(rem) != REALM_REM_COUNT) {
        return malformed(r, "the realm's extensible measurements");
    }
    d.role = CM_ROLE_RUNTIME;
    for (struct cm_cbor_value v = cm_cbor_first(rem); v.doc != NULL; v = cm_cbor_next(v), i++) {
        d.label = labels[i];
        if (cm_arm_hash_value(v, &d.value) != CM_OK) {
            return malformed(r, "an extensible measurement");
        }
        cm_claim_digest(r->ev, r->realm, &d);
    }
    return CM_OK;
}

static enum cm_status realm_claims(struct run *r)
{
    struct cm_cbor_value c = r->r.claims;
    struct cm_span personalization = {NULL, 0};
    const char *alg = NULL;
    enum cm_status st = CM_OK;

    cm_claim_text(r->ev, r->realm, CM_CLAIM_TEE, "cca");
    CM_TRY(realm_profile(r));
    if (cm_arm_bytes(cm_cbor_get(c, CM_ARM_NONCE), REALM_FIELD_SIZE, &r->nonce) != CM_OK) {
        return malformed(r, "the realm's challenge");
    }
    if (cm_arm_bytes(cm_cbor_get(c, REALM_PERSONALIZATION), REALM_FIELD_SIZE, &personalization) !=
        CM_OK) {
        return malformed(r, "the personalization value");
    }
    if (hash_alg(cm_cbor_get(c, REALM_HASH_ALG), &alg) != CM_OK) {
        return malformed(r, "the realm's hash algorithm");
    }
    if (hash_alg(cm_cbor_get(c, REALM_KEY_HASH_ALG), &r->key_alg) != CM_OK) {
        return malformed(r, "the hash algorithm of the realm's key");
    }
    if (cm_cbor_bytes(cm_cbor_get(c, REALM_KEY), &r->realm_key) != CM_OK) {
        return malformed(r, "the realm's key");
    }
    cm_claim_bytes(r->ev, r->realm, CM_CLAIM_NONCE, r->nonce);
    cm_claim_bytes(r->ev, r->realm, "cca.personalization_value", personalization);
    cm_claim_text(r->ev, r->realm, "cca.realm_hash_alg", alg);
    cm_claim_bytes(r->ev, r->realm, "cca.realm_key", r->realm_key);
    cm_claim_text(r->ev, r->realm, "cca.realm_key_hash_alg", r->key_alg);
    CM_TRY(realm_measurements(r, alg));
    if (r->realm_generation == GENERATION_2024) {
        st = cm_cca_2024_realm(c, r->ev, r->realm, &r->why);
    }
out:
    return st;
}

/* The signature over the platform token, by the key that was enrolled for this device. */
static void judge_platform(struct run *r, size_t mark)
{
    static const struct cm_arm_lifecycle_names names = {"cca.lifecycle", "cca.lifecycle_state",
                                                        "cca.lifecycle"};
    uint8_t key[32] = {0};
    enum cm_status life =
        cm_arm_lifecycle(r->lifecycle, r->job->in->flags, &names, r->ev, r->platform);
    enum cm_status st =
        cm_arm_verify_enrolled(r->job, &r->p, r->instance_id, r->implementation_id, key, &r->why);

    (void)step(r, r->platform, "cca.signature", st);
    if (st == CM_OK) {
        cm_claim_bytes(r->ev, r->platform, CM_CLAIM_SIGNER_ROOT, cm_span_make(key, sizeof(key)));
        cm_evidence_raise(r->ev, r->platform, mark, CM_AUTHORITY_HARDWARE);
    }
    if (r->first == CM_OK) {
        r->first = life;
    }
}

/* The realm's key must be the one whose hash the platform signed: over its exact bytes, since a key can
 * be written in more than one way. */
static void judge_binding(struct run *r)
{
    uint8_t want[64] = {0};
    enum cm_status st = cm_arm_hash(r->key_alg, r->realm_key, want);

    if (st == CM_OK && (r->challenge.len != cm_arm_hash_size(r->key_alg) ||
                        !cm_ct_equal(want, r->challenge.ptr, r->challenge.len))) {
        cm_why_set(&r->why, "the platform vouches for another realm key");
        st = CM_ERR_MISMATCH;
    }
    (void)step(r, r->realm, "cca.binding", st);
    cm_evidence_bind(r->ev, "hash of the realm's key in the platform's challenge", r->platform,
                     r->realm, st == CM_OK ? CM_CHECK_PASS : CM_CHECK_FAIL);
}

/* The key, and the one algorithm that its curve leaves. Before 2024 the curve is P-384. */
static enum cm_status parse_realm_key(struct run *r, struct cm_pubkey **key, enum cm_sig_alg *alg)
{
    static const enum cm_sig_alg algs[] = {[CM_CURVE_P256] = CM_SIG_ES256,
                                           [CM_CURVE_P384] = CM_SIG_ES384,
                                           [CM_CURVE_P521] = CM_SIG_ES512};
    struct cm_cbor_own d = {0};
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (r->realm_generation == GENERATION_LEGACY) {
        st = cm_sec1_point_parse(r->realm_key, key);
    } else {
        CM_TRY(cm_arm_parse(r->realm_key, &d, &r->why));
        st = cm_cose_key_parse(cm_cbor_root(&d.doc), key);
    }
    CM_TRY(st);
    if (cm_pubkey_ec(*key, &curve, x, y, &len) != CM_OK ||
        (curve != CM_CURVE_P384 && r->realm_generation != GENERATION_2024)) {
        st = CM_ERR_UNSUPPORTED;
    }
    *alg = algs[curve];
out:
    if (st != CM_OK) {
        cm_why_set(&r->why, "the realm's key is not a key on a curve that its profile has");
    }
    cm_cbor_own_free(&d);
    return st;
}

static void judge_realm(struct run *r, size_t mark)
{
    const struct cm_span none = {NULL, 0};
    struct cm_pubkey *key = NULL;
    enum cm_sig_alg alg = CM_SIG_ES384;
    enum cm_status st = parse_realm_key(r, &key, &alg);

    (void)step(r, r->realm, "cca.realm_key", st);
    if (st == CM_OK) {
        st = cm_cose_sign1_verify(&r->r.sign1, key, alg, none, none);
    }
    (void)step(r, r->realm, "cca.realm_signature", st);
    cm_pubkey_free(key);
    /* everything from the enrolled key to the realm's claims holds */
    if (r->first == CM_OK) {
        cm_evidence_raise(r->ev, r->realm, mark, CM_AUTHORITY_KEY);
    }
    st = cm_check_nonce(r->job->in, r->ev, r->realm, r->nonce, false);
    if (r->first == CM_OK) {
        r->first = st;
    }
}

enum cm_status cm_cca_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod)
{
    struct cm_cbor_own collection = {0};
    struct run r = {.job = job, .ev = ev, .platform = submod};
    size_t platform_mark = cm_evidence_mark(ev, submod);
    size_t realm_mark = 0;
    enum cm_status st = CM_OK;

    r.realm = cm_evidence_add_submod(ev, "realm");
    realm_mark = cm_evidence_mark(ev, r.realm);
    CM_TRY(take_apart(&r, &collection));
    CM_TRY(cm_arm_token_open(r.platform_bytes, &r.p, &r.why));
    CM_TRY(cm_arm_token_open(r.realm_bytes, &r.r, &r.why));
    CM_TRY(platform_claims(&r));
    CM_TRY(realm_claims(&r));
    (void)step(&r, submod, "cca.format", CM_OK);
    judge_platform(&r, platform_mark);
    judge_binding(&r);
    judge_realm(&r, realm_mark);
out:
    if (st != CM_OK) {
        (void)step(&r, submod, "cca.format", st);
    }
    cm_arm_token_free(&r.p);
    cm_arm_token_free(&r.r);
    cm_cbor_own_free(&collection);
    return r.first;
}
