/* The form of a CoMID and the rules of profiles; see corim_rules.h. */
#include "corim/corim_rules.h"

#include <stdio.h>
#include <string.h>

#include "common/try.h"

#define UUID_SIZE    16
#define IMPL_ID_SIZE 32
#define UEID_SIZE    33
#define UEID_RAND    1

struct cm_cbor_value cm_corim_untag(struct cm_cbor_value v, uint64_t tag)
{
    const struct cm_cbor_value absent = {NULL, 0};
    uint64_t number = 0;

    return cm_cbor_tag(v, &number) == CM_OK && number == tag ? cm_cbor_first(v) : absent;
}

struct cm_span cm_corim_tagged(struct cm_cbor_value v, uint64_t tag)
{
    struct cm_span s = {NULL, 0};

    return cm_cbor_bytes(cm_corim_untag(v, tag), &s) == CM_OK ? s : cm_span_make(NULL, 0);
}

static const struct {
    uint64_t number;
    const char *name;
    size_t size;
} hashes[] = {
    {1, "sha-256", 32},   {2, "sha-256-128", 16}, {3, "sha-256-120", 15}, {4, "sha-256-96", 12},
    {5, "sha-256-64", 8}, {6, "sha-256-32", 4},   {7, "sha-384", 48},     {8, "sha-512", 64},
};
#define HASH_COUNT (sizeof(hashes) / sizeof(hashes[0]))

size_t cm_corim_hash_size(uint64_t alg)
{
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (hashes[i].number == alg) {
            return hashes[i].size;
        }
    }
    return 0;
}

void cm_corim_hash_name(struct cm_cbor_value alg, char out[32])
{
    uint64_t number = 0;

    out[0] = '\0';
    for (size_t i = 0; i < HASH_COUNT; i++) {
        if (cm_cbor_equal(alg, hashes[i].name) ||
            (cm_cbor_u64(alg, &number) == CM_OK && number == hashes[i].number)) {
            (void)snprintf(out, 32, "%s", hashes[i].name);
        }
    }
}

static enum cm_status bad(struct cm_why *why, const char *what)
{
    cm_why_set(why, "CoMID: %s", what);
    return CM_ERR_FORMAT;
}

static bool any_tag(struct cm_cbor_value v)
{
    uint64_t tag = 0;

    return cm_cbor_tag(v, &tag) == CM_OK;
}

/* A non-empty array. */
static bool list(struct cm_cbor_value v)
{
    return cm_cbor_is(v, CM_CBOR_ARRAY) && cm_cbor_count(v) != 0;
}

static enum cm_status check_digests(struct cm_cbor_value v, struct cm_why *why)
{
    if (!list(v)) {
        return bad(why, "digests that are no list, or an empty one");
    }
    for (struct cm_cbor_value d = cm_cbor_first(v); d.doc != NULL; d = cm_cbor_next(d)) {
        struct cm_cbor_value alg = cm_cbor_first(d);
        struct cm_span value = {NULL, 0};
        uint64_t number = 0;
        size_t size = 0;

        if (!cm_cbor_is(d, CM_CBOR_ARRAY) || cm_cbor_count(d) != 2 ||
            cm_cbor_bytes(cm_cbor_next(alg), &value) != CM_OK || value.len == 0) {
            return bad(why, "a digest that is not [algorithm, bytes]");
        }
        if (cm_cbor_u64(alg, &number) == CM_OK) {
            size = cm_corim_hash_size(number);
            if (size != 0 && size != value.len) {
                return bad(why, "a digest of another size than its algorithm makes");
            }
        } else if (!cm_cbor_is(alg, CM_CBOR_TEXT) && !cm_cbor_is(alg, CM_CBOR_NINT)) {
            return bad(why, "a digest whose algorithm is neither number nor text");
        }
    }
    return CM_OK;
}

static enum cm_status check_svn(struct cm_cbor_value v, struct cm_why *why)
{
    struct cm_cbor_value inner = v;
    uint64_t n = 0;

    if (any_tag(v)) {
        inner = cm_corim_untag(v, TAG_SVN);
        inner = inner.doc != NULL ? inner : cm_corim_untag(v, TAG_MIN_SVN);
    }
    return cm_cbor_u64(inner, &n) == CM_OK ? CM_OK : bad(why, "a malformed security version");
}

static enum cm_status check_flags(struct cm_cbor_value v, struct cm_why *why)
{
    if (!cm_cbor_is(v, CM_CBOR_MAP) || cm_cbor_count(v) == 0) {
        return bad(why, "malformed flags");
    }
    for (struct cm_cbor_value k = cm_cbor_first(v); k.doc != NULL;) {
        struct cm_cbor_value flag = cm_cbor_next(k);
        bool set = false;

        if (cm_cbor_bool(flag, &set) != CM_OK) {
            return bad(why, "a flag that is neither true nor false");
        }
        k = cm_cbor_next(flag);
    }
    return CM_OK;
}

static enum cm_status check_raw(struct cm_cbor_value raw, struct cm_cbor_value mask,
                                struct cm_why *why)
{
    struct cm_cbor_value pair = cm_corim_untag(raw, TAG_MASKED_RAW);
    struct cm_span value = cm_corim_tagged(raw, TAG_BYTES);
    struct cm_span m = {NULL, 0};

    if (pair.doc != NULL) {
        if (!cm_cbor_is(pair, CM_CBOR_ARRAY) || cm_cbor_count(pair) != 2 || mask.doc != NULL ||
            cm_cbor_bytes(cm_cbor_first(pair), &value) != CM_OK) {
            return bad(why, "a malformed raw value with mask");
        }
        mask = cm_cbor_next(cm_cbor_first(pair));
    } else if (value.ptr == NULL) {
        return bad(why, "a malformed raw value");
    }
    if (mask.doc != NULL && (cm_cbor_bytes(mask, &m) != CM_OK || m.len != value.len)) {
        return bad(why, "a mask that is not as long as its raw value");
    }
    return CM_OK;
}

static enum cm_status check_registers(struct cm_cbor_value v, struct cm_why *why)
{
    if (!cm_cbor_is(v, CM_CBOR_MAP) || cm_cbor_count(v) == 0) {
        return bad(why, "malformed integrity registers");
    }
    for (struct cm_cbor_value k = cm_cbor_first(v); k.doc != NULL;) {
        struct cm_cbor_value digests = cm_cbor_next(k);
        enum cm_status st = check_digests(digests, why);

        if (st != CM_OK) {
            return st;
        }
        k = cm_cbor_next(digests);
    }
    return CM_OK;
}

static enum cm_status check_values(struct cm_cbor_value v, struct cm_why *why)
{
    struct cm_cbor_value version = cm_cbor_get(v, VAL_VERSION);
    struct cm_cbor_value raw = cm_cbor_get(v, VAL_RAW);
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(v, CM_CBOR_MAP) || cm_cbor_count(v) == 0) {
        return bad(why, "a measurement without values");
    }
    if (version.doc != NULL && !cm_cbor_is(cm_cbor_get(version, VERSION_TEXT), CM_CBOR_TEXT)) {
        return bad(why, "a malformed version");
    }
    if (cm_cbor_get(v, VAL_SVN).doc != NULL) {
        CM_TRY(check_svn(cm_cbor_get(v, VAL_SVN), why));
    }
    if (cm_cbor_get(v, VAL_DIGESTS).doc != NULL) {
        CM_TRY(check_digests(cm_cbor_get(v, VAL_DIGESTS), why));
    }
    if (cm_cbor_get(v, VAL_FLAGS).doc != NULL) {
        CM_TRY(check_flags(cm_cbor_get(v, VAL_FLAGS), why));
    }
    if (raw.doc != NULL) {
        CM_TRY(check_raw(raw, cm_cbor_get(v, VAL_RAW_MASK), why));
    }
    if (cm_cbor_get(v, VAL_REGISTERS).doc != NULL) {
        st = check_registers(cm_cbor_get(v, VAL_REGISTERS), why);
    }
out:
    return st;
}

static enum cm_status check_class(struct cm_cbor_value c, struct cm_why *why)
{
    struct cm_cbor_value id = cm_cbor_get(c, CLASS_ID);
    bool something = id.doc != NULL;
    struct cm_span s = {NULL, 0};

    for (int64_t i = CLASS_VENDOR; i <= CLASS_LAST; i++) {
        something = something || cm_cbor_get(c, i).doc != NULL;
    }
    if (!cm_cbor_is(c, CM_CBOR_MAP) || !something) {
        return bad(why, "a class that names nothing");
    }
    if (id.doc != NULL &&
        (!any_tag(id) || cm_cbor_bytes(cm_cbor_first(id), &s) != CM_OK || s.len == 0)) {
        return bad(why, "a malformed class id");
    }
    s = cm_corim_tagged(id, TAG_UUID);
    if (s.ptr != NULL && s.len != UUID_SIZE) {
        return bad(why, "a UUID that is not 16 bytes long");
    }
    return CM_OK;
}

static enum cm_status check_environment(struct cm_cbor_value env, struct cm_why *why)
{
    struct cm_cbor_value c = cm_cbor_get(env, ENV_CLASS);
    struct cm_cbor_value instance = cm_cbor_get(env, ENV_INSTANCE);

    if (!cm_cbor_is(env, CM_CBOR_MAP) ||
        (c.doc == NULL && instance.doc == NULL && cm_cbor_get(env, ENV_GROUP).doc == NULL)) {
        return bad(why, "an environment that names nothing");
    }
    if (instance.doc != NULL && !any_tag(instance)) {
        return bad(why, "a malformed instance");
    }
    return c.doc == NULL ? CM_OK : check_class(c, why);
}

/* The environment and the list of a triple; further parts (conditions) may follow. */
static enum cm_status check_triple(struct cm_cbor_value t, struct cm_cbor_value *env,
                                   struct cm_cbor_value *items, struct cm_why *why)
{
    *env = cm_cbor_first(t);
    *items = cm_cbor_next(*env);
    if (!cm_cbor_is(t, CM_CBOR_ARRAY) || cm_cbor_count(t) < 2 || cm_cbor_count(t) > 3 ||
        !list(*items)) {
        return bad(why, "a malformed triple");
    }
    return check_environment(*env, why);
}

/* ---- profiles: draft-ydb-rats-cca-endorsements, draft-fdb-rats-psa-endorsements */

static bool hash_sized(size_t n)
{
    return n == 32 || n == 48 || n == 64;
}

static enum cm_status arm_implementation(struct cm_cbor_value env, struct cm_why *why)
{
    struct cm_span id =
        cm_corim_tagged(cm_cbor_get(cm_cbor_get(env, ENV_CLASS), CLASS_ID), TAG_BYTES);

    return id.len == IMPL_ID_SIZE ? CM_OK : bad(why, "no implementation id of 32 bytes");
}

static enum cm_status arm_component(struct cm_cbor_value v, bool digests, struct cm_why *why)
{
    struct cm_cbor_value keys = cm_cbor_get(v, VAL_CRYPTOKEYS);
    struct cm_cbor_value d = cm_cbor_get(v, VAL_DIGESTS);

    if (!cm_cbor_is(keys, CM_CBOR_ARRAY) || cm_cbor_count(keys) != 1 ||
        !hash_sized(cm_corim_tagged(cm_cbor_first(keys), TAG_BYTES).len)) {
        return bad(why, "a software component without one signer id");
    }
    if (digests && d.doc == NULL) {
        return bad(why, "a software component without digests");
    }
    for (d = cm_cbor_first(d); d.doc != NULL; d = cm_cbor_next(d)) {
        struct cm_span s = {NULL, 0};

        if (cm_cbor_bytes(cm_cbor_next(cm_cbor_first(d)), &s) != CM_OK || !hash_sized(s.len)) {
            return bad(why, "a digest that no SHA-2 hash makes");
        }
    }
    return CM_OK;
}

static enum cm_status realm_value(struct cm_cbor_value key, struct cm_cbor_value v, bool *has_rim,
                                  struct cm_why *why)
{
    static const char *const registers[] = {"cca.rim", "cca.rem0", "cca.rem1", "cca.rem2",
                                            "cca.rem3"};
    struct cm_cbor_value d = cm_cbor_get(v, VAL_DIGESTS);
    struct cm_span s = {NULL, 0};

    if (cm_cbor_equal(key, "cca.rpv")) {
        return cm_corim_tagged(cm_cbor_get(v, VAL_RAW), TAG_BYTES).ptr != NULL
                   ? CM_OK
                   : bad(why, "a personalization value without a raw value");
    }
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (!cm_cbor_equal(key, registers[i])) {
            continue;
        }
        if (cm_cbor_count(d) != 1 ||
            cm_cbor_bytes(cm_cbor_next(cm_cbor_first(cm_cbor_first(d))), &s) != CM_OK ||
            !hash_sized(s.len)) {
            return bad(why, "a realm measurement without one digest");
        }
        *has_rim = *has_rim || i == 0;
        return CM_OK;
    }
    return bad(why, "a measurement that the realm profile does not have");
}

static enum cm_status platform_value(struct cm_cbor_value key, struct cm_cbor_value v,
                                     struct cm_why *why)
{
    if (cm_cbor_equal(key, "cca.software-component")) {
        return arm_component(v, true, why);
    }
    if (cm_cbor_equal(key, "cca.platform-config")) {
        return cm_cbor_get(v, VAL_RAW).doc != NULL ? CM_OK
                                                   : bad(why, "a configuration without raw value");
    }
    return bad(why, "a measurement that the CCA platform profile does not have");
}

static enum cm_status profile_reference(enum cm_corim_profile profile, struct cm_cbor_value env,
                                        struct cm_cbor_value items, struct cm_why *why)
{
    struct cm_span id =
        cm_corim_tagged(cm_cbor_get(cm_cbor_get(env, ENV_CLASS), CLASS_ID), TAG_BYTES);
    bool has_rim = false;
    enum cm_status st = CM_OK;

    if (profile == CM_CORIM_PROFILE_NONE) {
        return CM_OK;
    }
    if (profile == CM_CORIM_PROFILE_CCA_REALM) {
        st = hash_sized(id.len) ? CM_OK : bad(why, "a realm's class id is not its measurement");
    } else {
        st = arm_implementation(env, why);
    }
    for (struct cm_cbor_value m = cm_cbor_first(items); st == CM_OK && m.doc != NULL;
         m = cm_cbor_next(m)) {
        struct cm_cbor_value key = cm_cbor_get(m, MEAS_KEY);
        struct cm_cbor_value v = cm_cbor_get(m, MEAS_VALUES);

        if (profile == CM_CORIM_PROFILE_CCA_REALM) {
            st = realm_value(key, v, &has_rim, why);
        } else if (profile == CM_CORIM_PROFILE_CCA_PLATFORM) {
            st = platform_value(key, v, why);
        } else if (!cm_cbor_equal(key, "psa.software-component")) {
            st = bad(why, "a measurement that the PSA profile does not have");
        } else {
            st = arm_component(v, false, why);
        }
    }
    if (st == CM_OK && profile == CM_CORIM_PROFILE_CCA_REALM && !has_rim) {
        st = bad(why, "no initial measurement of the realm");
    }
    return st;
}

static enum cm_status profile_keys(enum cm_corim_profile profile, struct cm_cbor_value env,
                                   struct cm_cbor_value keys, struct cm_why *why)
{
    struct cm_span instance = cm_corim_tagged(cm_cbor_get(env, ENV_INSTANCE), TAG_UEID);
    enum cm_status st = CM_OK;

    if (profile != CM_CORIM_PROFILE_CCA_PLATFORM && profile != CM_CORIM_PROFILE_PSA) {
        return CM_OK;
    }
    CM_TRY(arm_implementation(env, why));
    if (instance.len != UEID_SIZE || instance.ptr[0] != UEID_RAND) {
        return bad(why, "an attestation key without its instance id");
    }
    if (cm_cbor_count(keys) != 1 || cm_corim_untag(cm_cbor_first(keys), TAG_PKIX_KEY).doc == NULL) {
        return bad(why, "not one attestation key in PEM");
    }
out:
    return st;
}

static enum cm_status check_reference(struct cm_cbor_value triple, enum cm_corim_profile profile,
                                      struct cm_why *why)
{
    struct cm_cbor_value env = {NULL, 0};
    struct cm_cbor_value items = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(check_triple(triple, &env, &items, why));
    for (struct cm_cbor_value m = cm_cbor_first(items); m.doc != NULL; m = cm_cbor_next(m)) {
        CM_TRY(check_values(cm_cbor_get(m, MEAS_VALUES), why));
    }
    st = profile_reference(profile, env, items, why);
out:
    return st;
}

static enum cm_status check_references(struct cm_cbor_value triples, enum cm_corim_profile profile,
                                       struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!list(triples)) {
        return bad(why, "an empty list of triples");
    }
    for (struct cm_cbor_value t = cm_cbor_first(triples); t.doc != NULL; t = cm_cbor_next(t)) {
        CM_TRY(check_reference(t, profile, why));
    }
out:
    return st;
}

static enum cm_status check_keys(struct cm_cbor_value triples, enum cm_corim_profile profile,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (!list(triples)) {
        return bad(why, "an empty list of triples");
    }
    for (struct cm_cbor_value t = cm_cbor_first(triples); t.doc != NULL; t = cm_cbor_next(t)) {
        struct cm_cbor_value env = {NULL, 0};
        struct cm_cbor_value keys = {NULL, 0};

        CM_TRY(check_triple(t, &env, &keys, why));
        for (struct cm_cbor_value k = cm_cbor_first(keys); k.doc != NULL; k = cm_cbor_next(k)) {
            /* earlier drafts had {0: key in base64, 1: its certificates} */
            if (!any_tag(k) && !cm_cbor_is(cm_cbor_get(k, KEY_TEXT), CM_CBOR_TEXT)) {
                return bad(why, "a key that does not say what it is");
            }
        }
        CM_TRY(profile_keys(profile, env, keys, why));
    }
out:
    return st;
}

enum cm_status cm_corim_check_mid(struct cm_cbor_value mid, enum cm_corim_profile profile,
                                  struct cm_why *why)
{
    struct cm_cbor_value id = cm_cbor_get(cm_cbor_get(mid, MID_TAG_IDENTITY), 0);
    struct cm_cbor_value triples = cm_cbor_get(mid, MID_TRIPLES);
    const struct cm_cbor_value reference = cm_cbor_get(triples, TRIPLES_REFERENCE);
    const struct cm_cbor_value endorsed = cm_cbor_get(triples, TRIPLES_ENDORSED);
    const struct cm_cbor_value keys = cm_cbor_get(triples, TRIPLES_ATTEST_KEY);
    const struct cm_cbor_value identity = cm_cbor_get(triples, TRIPLES_IDENTITY);
    struct cm_span s = {NULL, 0};
    enum cm_status st = CM_OK;

    if (!cm_cbor_is(mid, CM_CBOR_MAP) || !((cm_cbor_bytes(id, &s) == CM_OK && s.len == UUID_SIZE) ||
                                           (cm_cbor_text(id, &s) == CM_OK && s.len != 0))) {
        return bad(why, "no identity");
    }
    if (!cm_cbor_is(triples, CM_CBOR_MAP) || cm_cbor_count(triples) == 0) {
        return bad(why, "no triples");
    }
    if (reference.doc != NULL) {
        CM_TRY(check_references(reference, profile, why));
    }
    if (endorsed.doc != NULL) {
        CM_TRY(check_references(endorsed, CM_CORIM_PROFILE_NONE, why));
    }
    if (identity.doc != NULL) {
        CM_TRY(check_keys(identity, CM_CORIM_PROFILE_NONE, why));
    }
    if (keys.doc != NULL) {
        st = check_keys(keys, profile, why);
    }
out:
    return st;
}
