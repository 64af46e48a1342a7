/* Opening Arm's tokens and the claims that they share; see arm_token.h. */
#include "arm/arm_token.h"

#include <stdio.h>
#include <string.h>

#include "common/try.h"
#include "corim/corim.h"
#include "crypto/crypto.h"
#include "crypto/hash.h"
#include "evidence/enrolled.h"

#define TAG_CWT          61

#define COMPONENT_TYPE   1
#define COMPONENT_VALUE  2
#define COMPONENT_VER    4
#define COMPONENT_SIGNER 5
#define COMPONENT_ALG    6

enum cm_status cm_arm_parse(struct cm_span bytes, struct cm_cbor_own *out, struct cm_why *why)
{
    const struct cm_cbor_limits limits = {CM_ARM_MAX_TOKEN, CM_ARM_MAX_NODES};

    return cm_cbor_own_parse(bytes, limits, out, why);
}

enum cm_status cm_arm_token_open(struct cm_span bytes, struct cm_arm_token *out, struct cm_why *why)
{
    struct cm_cbor_value root = {NULL, 0};
    uint64_t tag = 0;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_arm_parse(bytes, &out->message, why));
    root = cm_cbor_root(&out->message.doc);
    if (cm_cbor_tag(root, &tag) == CM_OK && tag == TAG_CWT) {
        root = cm_cbor_first(root);
    }
    CM_TRY(cm_cose_sign1_parse(root, &out->sign1, why));
    if (out->sign1.detached) {
        cm_why_set(why, "the token has no payload");
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_arm_parse(out->sign1.payload, &out->payload, why));
    out->claims = cm_cbor_root(&out->payload.doc);
    if (!cm_cbor_is(out->claims, CM_CBOR_MAP)) {
        cm_why_set(why, "the token's payload is not a map of claims");
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

void cm_arm_token_free(struct cm_arm_token *t)
{
    cm_cbor_own_free(&t->message);
    cm_cbor_own_free(&t->payload);
}

struct attempt {
    const struct cm_cose_sign1 *sign1;
    uint8_t key_sha256[32]; /* of the key that verified */
};

static enum cm_status attempt(void *ctx, const struct cm_pubkey *key)
{
    struct attempt *a = ctx;
    const struct cm_span none = {NULL, 0};
    uint8_t spki[2048] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    /* the curve of an enrolled key leaves one algorithm only, so the header chooses nothing */
    CM_TRY(cm_cose_sign1_verify(a->sign1, key, a->sign1->alg, none, none));
    CM_TRY(cm_pubkey_spki(key, spki, sizeof(spki), &len));
    st = cm_sha256_of(cm_span_make(spki, len), a->key_sha256);
out:
    return st;
}

enum cm_status cm_arm_verify_enrolled(const struct cm_verify_job *job, const struct cm_arm_token *t,
                                      struct cm_span instance_id, struct cm_span implementation_id,
                                      uint8_t key_sha256[32], struct cm_why *why)
{
    const struct cm_enrolled_query q = {instance_id, implementation_id, job->cert_cache};
    struct attempt a = {&t->sign1, {0}};
    struct cm_why other = {""};
    enum cm_status in_files = CM_OK;
    enum cm_status st = CM_OK;

    /* an enrolled key may be there for the signature of a CoRIM file, so both places are tried */
    st = cm_enrolled_find(job->materials, job->material_count, &q, attempt, &a, why);
    if (st != CM_OK) {
        in_files = cm_corim_find_key(job, &q, attempt, &a, &other);
    }
    if (st == CM_OK || in_files == CM_OK) {
        memcpy(key_sha256, a.key_sha256, sizeof(a.key_sha256));
        return CM_OK;
    }
    if (st == CM_ERR_NOTFOUND && in_files != CM_ERR_NOTFOUND) {
        st = in_files;
        why->text[0] = '\0';
        cm_why_set(why, "%s", other.text);
    }
    return st;
}

enum cm_status cm_arm_hash_value(struct cm_cbor_value v, struct cm_span *out)
{
    struct cm_span s = {NULL, 0};

    if (cm_cbor_bytes(v, &s) != CM_OK || (s.len != 32 && s.len != 48 && s.len != 64)) {
        return CM_ERR_FORMAT;
    }
    *out = s;
    return CM_OK;
}

enum cm_status cm_arm_bytes(struct cm_cbor_value v, size_t size, struct cm_span *out)
{
    struct cm_span s = {NULL, 0};

    if (cm_cbor_bytes(v, &s) != CM_OK || s.len != size) {
        return CM_ERR_FORMAT;
    }
    *out = s;
    return CM_OK;
}

enum cm_status cm_arm_text(struct cm_cbor_value v, char out[CM_ARM_MAX_TEXT + 1])
{
    struct cm_span s = {NULL, 0};

    out[0] = '\0';
    if (cm_cbor_text(v, &s) != CM_OK || s.len > CM_ARM_MAX_TEXT ||
        (s.len != 0 && memchr(s.ptr, 0, s.len) != NULL)) {
        return CM_ERR_FORMAT;
    }
    if (s.len != 0) {
        memcpy(out, s.ptr, s.len);
    }
    out[s.len] = '\0';
    return CM_OK;
}

static const struct {
    const char *spelling;
    const char *name;
    size_t size;
    enum cm_hash_alg alg;
} hashes[] = {
    {"sha-256", "sha-256", 32, CM_HASH_SHA256}, {"sha-384", "sha-384", 48, CM_HASH_SHA384},
    {"sha-512", "sha-512", 64, CM_HASH_SHA512}, {"SHA256", "sha-256", 32, CM_HASH_SHA256},
    {"SHA384", "sha-384", 48, CM_HASH_SHA384},  {"SHA512", "sha-512", 64, CM_HASH_SHA512},
    {"SHA-256", "sha-256", 32, CM_HASH_SHA256}, {"SHA-384", "sha-384", 48, CM_HASH_SHA384},
    {"SHA-512", "sha-512", 64, CM_HASH_SHA512}, {"sha256", "sha-256", 32, CM_HASH_SHA256},
    {"sha384", "sha-384", 48, CM_HASH_SHA384},  {"sha512", "sha-512", 64, CM_HASH_SHA512},
};
#define HASH_COUNT (sizeof(hashes) / sizeof(hashes[0]))

static size_t hash_index(const char *text)
{
    size_t i = 0;

    while (i < HASH_COUNT && strcmp(hashes[i].spelling, text) != 0) {
        i++;
    }
    return i;
}

const char *cm_arm_hash_name(const char *text)
{
    const size_t i = hash_index(text);

    return i == HASH_COUNT ? NULL : hashes[i].name;
}

size_t cm_arm_hash_size(const char *name)
{
    const size_t i = hash_index(name);

    return i == HASH_COUNT ? 0 : hashes[i].size;
}

enum cm_status cm_arm_hash(const char *name, struct cm_span data, uint8_t out[64])
{
    const size_t i = hash_index(name);

    return i == HASH_COUNT ? CM_ERR_UNSUPPORTED : cm_hash(hashes[i].alg, data, out);
}

static const char *alg_by_size(size_t size)
{
    return size == 32 ? "sha-256" : (size == 48 ? "sha-384" : "sha-512");
}

/* One component; what it holds is checked before anything of it becomes a claim. */
static enum cm_status component(struct cm_cbor_value c, const char *token_alg,
                                const struct cm_arm_component_names *names, struct cm_evidence *ev,
                                size_t submod)
{
    char type[CM_ARM_MAX_TEXT + 1] = "";
    char version[CM_ARM_MAX_TEXT + 1] = "";
    char alg_text[CM_ARM_MAX_TEXT + 1] = "";
    char line[2 * CM_ARM_MAX_TEXT + 2] = "";
    struct cm_digest value = {.label = type, .role = CM_ROLE_LAUNCH};
    struct cm_digest signer = {.label = type, .role = CM_ROLE_SIGNER};
    struct cm_cbor_value v_type = cm_cbor_get(c, COMPONENT_TYPE);
    struct cm_cbor_value v_version = cm_cbor_get(c, COMPONENT_VER);
    struct cm_cbor_value v_alg = cm_cbor_get(c, COMPONENT_ALG);
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(c, CM_CBOR_MAP)) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_arm_hash_value(cm_cbor_get(c, COMPONENT_VALUE), &value.value));
    CM_TRY(cm_arm_hash_value(cm_cbor_get(c, COMPONENT_SIGNER), &signer.value));
    CM_TRY(v_type.doc == NULL ? CM_OK : cm_arm_text(v_type, type));
    CM_TRY(v_version.doc == NULL ? CM_OK : cm_arm_text(v_version, version));
    CM_TRY(v_alg.doc == NULL ? CM_OK : cm_arm_text(v_alg, alg_text));
    /* some tokens name an algorithm that the value is too long for: then its length speaks */
    value.alg = v_alg.doc == NULL ? token_alg : cm_arm_hash_name(alg_text);
    if (value.alg == NULL || cm_arm_hash_size(value.alg) != value.value.len) {
        value.alg = alg_by_size(value.value.len);
    }
    signer.alg = alg_by_size(signer.value.len);
    cm_claim_digest(ev, submod, &value);
    cm_claim_digest(ev, submod, &signer);
    if (v_version.doc != NULL) {
        (void)snprintf(line, sizeof(line), "%s%s%s", type, type[0] != '\0' ? " " : "", version);
        cm_claim_text(ev, submod, names->version, line);
    }
out:
    return st;
}

enum cm_status cm_arm_components(struct cm_cbor_value array, const char *alg,
                                 const struct cm_arm_component_names *names, struct cm_evidence *ev,
                                 size_t submod, struct cm_why *why)
{
    const size_t count = cm_cbor_count(array);
    size_t i = 0;

    if (!cm_cbor_is(array, CM_CBOR_ARRAY) || count == 0) {
        cm_why_set(why, "no software components");
        return CM_ERR_FORMAT;
    }
    if (count > CM_ARM_MAX_COMPONENTS) {
        cm_why_set(why, "more than %d software components", CM_ARM_MAX_COMPONENTS);
        return CM_ERR_LIMIT;
    }
    for (struct cm_cbor_value v = cm_cbor_first(array); v.doc != NULL; v = cm_cbor_next(v), i++) {
        enum cm_status st = component(v, alg, names, ev, submod);

        if (st != CM_OK) {
            cm_why_set(why, "software component %zu is malformed", i);
            return st;
        }
    }
    cm_claim_bytes(ev, submod, names->raw, cm_cbor_encoding(array));
    return CM_OK;
}

/* RFC 9783 section 4.3.1; the CCA platform token has the same ranges. */
static const struct {
    const char *word;
    const char *dbgstat; /* RFC 9711 4.2.9; NULL: it does not say */
    bool with_debug;     /* let through where debug evidence is */
} lifecycles[] = {
    {"unknown", NULL, true},
    {"assembly-and-test", "enabled", true},
    {"rot-provisioning", "enabled", true},
    {"secured", "disabled", true},
    {"non-rot-debug", "enabled", true},
    {"recoverable-rot-debug", "enabled", true},
    {"decommissioned", NULL, false},
};
#define SECURED 3

bool cm_arm_lifecycle_known(uint64_t value)
{
    return value <= 0xffff && (value & 0x0f00) == 0 &&
           (value >> 12) < sizeof(lifecycles) / sizeof(lifecycles[0]);
}

enum cm_status cm_arm_lifecycle(uint64_t value, unsigned flags,
                                const struct cm_arm_lifecycle_names *names, struct cm_evidence *ev,
                                size_t submod)
{
    const size_t i = (size_t)(value >> 12);
    enum cm_status st = CM_OK;

    cm_claim_uint(ev, submod, names->number, value);
    if (!cm_arm_lifecycle_known(value)) {
        cm_check_status(ev, submod, names->check, CM_ERR_FORMAT, "%s", "no lifecycle that exists");
        return CM_ERR_FORMAT;
    }
    cm_claim_text(ev, submod, names->word, lifecycles[i].word);
    if (lifecycles[i].dbgstat != NULL) {
        cm_claim_text(ev, submod, CM_CLAIM_DBGSTAT, lifecycles[i].dbgstat);
    }
    if (i != SECURED && ((flags & CM_VERIFY_ALLOW_DEBUG) == 0 || !lifecycles[i].with_debug)) {
        st = CM_ERR_POLICY;
    }
    cm_check_status(ev, submod, names->check, st, "%s", lifecycles[i].word);
    return st;
}
