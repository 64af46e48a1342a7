/*
 * Claims against reference values; see corim.h and docs/evidence-corim.md. Reference values are
 * alternatives: several measurements of one name mean that each of them is good. What cannot be compared
 * does not match.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "corim/corim_rules.h"
#include "evidence/claims.h"

#define MAX_NAMES 512 /* of measurements that a submodule is compared with */
#define NAME_SIZE 96

/* A name of a submodule's measurements, and whether an alternative matched. */
struct named {
    size_t submod;
    char name[NAME_SIZE];
    const char *check;
    bool matched;
};

struct compare {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    struct named names[MAX_NAMES];
    size_t name_count;
    bool has_software[16]; /* submodules whose software components have references */
    bool found;            /* some environment is that of a submodule */
    enum cm_status first;
};

static void add_check(struct compare *c, size_t submod, const char *name, enum cm_status st,
                      const char *detail)
{
    cm_check_status(c->ev, submod, name, st, "%s", detail);
    if (c->first == CM_OK) {
        c->first = st;
    }
}

static bool bytes_equal(struct cm_span want, const struct cm_claim *claim)
{
    return claim != NULL && want.ptr != NULL && claim->bytes != NULL && want.len == claim->len &&
           memcmp(want.ptr, claim->bytes, want.len) == 0;
}

/* ---- whose environment it is */

static bool class_id_is(const struct cm_evidence *ev, size_t submod, struct cm_cbor_value id)
{
    static const char *const claims[] = {"cca.implementation_id", "psa.implementation_id"};
    struct cm_span want = cm_corim_tagged(id, TAG_BYTES);
    const struct cm_claim *m = NULL;

    if (want.ptr == NULL) {
        want = cm_corim_tagged(id, TAG_IMPL_ID);
    }
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        if (bytes_equal(want, cm_evidence_find(ev, submod, claims[i], 0))) {
            return true;
        }
    }
    /* a realm is named by its initial measurement */
    for (size_t n = 0; (m = cm_evidence_find(ev, submod, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
        if (m->text != NULL && strcmp(m->text, "rim") == 0 && bytes_equal(want, m)) {
            return true;
        }
    }
    return false;
}

static bool model_is(const struct cm_evidence *ev, size_t submod, struct cm_cbor_value model)
{
    static const char *const claims[] = {CM_CLAIM_HWMODEL, CM_CLAIM_TEE};

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        const struct cm_claim *claim = cm_evidence_find(ev, submod, claims[i], 0);

        if (claim != NULL && claim->text != NULL && cm_cbor_equal(model, claim->text)) {
            return true;
        }
    }
    return false;
}

/* Whether a triple's environment is a submodule's. By what it names: the class id, or else the model,
 * and the instance; the vendor, layer and index narrow nothing. */
static bool is_environment(const struct cm_evidence *ev, size_t submod, struct cm_cbor_value env)
{
    struct cm_cbor_value class = cm_cbor_get(env, ENV_CLASS);
    struct cm_cbor_value id = cm_cbor_get(class, CLASS_ID);
    struct cm_cbor_value model = cm_cbor_get(class, CLASS_MODEL);
    struct cm_cbor_value instance = cm_cbor_get(env, ENV_INSTANCE);
    struct cm_span ueid = cm_corim_tagged(instance, TAG_UEID);
    bool known = false;

    if (id.doc != NULL) {
        if (!class_id_is(ev, submod, id)) {
            return false;
        }
        known = true;
    } else if (model.doc != NULL) {
        if (!model_is(ev, submod, model)) {
            return false;
        }
        known = true;
    }
    if (instance.doc != NULL) {
        if (ueid.ptr == NULL) {
            ueid = cm_corim_tagged(instance, TAG_BYTES);
        }
        return bytes_equal(ueid, cm_evidence_find(ev, submod, CM_CLAIM_UEID, 0));
    }
    return known;
}

/* ---- single values */

static bool digest_in(struct cm_cbor_value digests, const struct cm_claim *claim)
{
    for (struct cm_cbor_value d = cm_cbor_first(digests); d.doc != NULL; d = cm_cbor_next(d)) {
        struct cm_cbor_value alg = cm_cbor_first(d);
        struct cm_span value = {NULL, 0};
        char name[32] = "";

        cm_corim_hash_name(alg, name);
        if (claim->alg != NULL && strcmp(name, claim->alg) == 0 &&
            cm_cbor_bytes(cm_cbor_next(alg), &value) == CM_OK && bytes_equal(value, claim)) {
            return true;
        }
    }
    return false;
}

/* Whether any measurement of that label ("": any that was loaded) has one of the digests. */
static bool digests_match(const struct cm_evidence *ev, size_t submod, const char *label,
                          struct cm_cbor_value digests)
{
    const struct cm_claim *m = NULL;

    for (size_t n = 0; (m = cm_evidence_find(ev, submod, CM_CLAIM_MEASUREMENTS, n)) != NULL; n++) {
        bool meant = label[0] == '\0' ? m->role == CM_ROLE_LAUNCH
                                      : m->text != NULL && strcmp(m->text, label) == 0;

        if (meant && digest_in(digests, m)) {
            return true;
        }
    }
    return false;
}

static bool svn_matches(const struct cm_claim *claim, struct cm_cbor_value svn)
{
    struct cm_cbor_value least = cm_corim_untag(svn, TAG_MIN_SVN);
    struct cm_cbor_value exact = cm_corim_untag(svn, TAG_SVN);
    uint64_t want = 0;

    if (claim == NULL || claim->type != CM_CLAIM_TYPE_UINT) {
        return false;
    }
    if (least.doc != NULL) {
        return cm_cbor_u64(least, &want) == CM_OK && claim->number >= want;
    }
    return cm_cbor_u64(exact.doc != NULL ? exact : svn, &want) == CM_OK && claim->number == want;
}

static bool raw_matches(const struct cm_claim *claim, struct cm_cbor_value values)
{
    struct cm_cbor_value raw = cm_cbor_get(values, VAL_RAW);
    struct cm_cbor_value mask_item = cm_cbor_get(values, VAL_RAW_MASK);
    struct cm_cbor_value pair = cm_corim_untag(raw, TAG_MASKED_RAW);
    struct cm_span want = cm_corim_tagged(raw, TAG_BYTES);
    struct cm_span mask = {NULL, 0};

    if (pair.doc != NULL) {
        mask_item = cm_cbor_next(cm_cbor_first(pair));
        if (cm_cbor_bytes(cm_cbor_first(pair), &want) != CM_OK) {
            return false;
        }
    }
    if (claim == NULL || claim->bytes == NULL || want.ptr == NULL || want.len != claim->len ||
        (mask_item.doc != NULL &&
         (cm_cbor_bytes(mask_item, &mask) != CM_OK || mask.len != want.len))) {
        return false;
    }
    for (size_t i = 0; i < want.len; i++) {
        uint8_t m = mask.ptr == NULL ? 0xff : mask.ptr[i];

        if (((want.ptr[i] ^ claim->bytes[i]) & m) != 0) {
            return false;
        }
    }
    return true;
}

/* Only "is-debug" has a claim that every format makes. */
static bool flags_match(const struct cm_evidence *ev, size_t submod, struct cm_cbor_value flags)
{
    const int64_t is_debug = 3;
    const struct cm_claim *dbg = cm_evidence_find(ev, submod, CM_CLAIM_DBGSTAT, 0);
    bool want = false;

    return cm_cbor_count(flags) == 1 &&
           cm_cbor_bool(cm_cbor_get(flags, is_debug), &want) == CM_OK && dbg != NULL &&
           dbg->text != NULL && (strncmp(dbg->text, "disabled", 8) != 0) == want;
}

static bool text_matches(const struct cm_claim *claim, struct cm_cbor_value want)
{
    return claim != NULL && claim->text != NULL && cm_cbor_equal(want, claim->text);
}

/* All values of a measurement, and none that we do not know. */
static bool values_match(const struct cm_evidence *ev, size_t submod, const char *name,
                         struct cm_cbor_value values)
{
    const struct cm_claim *claim = name[0] == '\0' ? NULL : cm_evidence_find(ev, submod, name, 0);

    for (struct cm_cbor_value k = cm_cbor_first(values); k.doc != NULL;) {
        struct cm_cbor_value v = cm_cbor_next(k);
        int64_t key = 0;
        bool ok = false;

        if (cm_cbor_i64(k, &key) != CM_OK) {
            return false;
        }
        switch (key) {
        case VAL_VERSION:
            ok = text_matches(claim, cm_cbor_get(v, VERSION_TEXT));
            break;
        case VAL_SVN:
            ok = svn_matches(claim, v);
            break;
        case VAL_DIGESTS:
            ok = digests_match(ev, submod, name, v);
            break;
        case VAL_FLAGS:
            ok = flags_match(ev, submod, v);
            break;
        case VAL_RAW:
            ok = raw_matches(claim, values);
            break;
        case VAL_RAW_MASK: /* goes with the raw value */
            ok = cm_cbor_get(values, VAL_RAW).doc != NULL;
            break;
        case VAL_NAME: /* the measurement's own name, for people */
            ok = true;
            break;
        default: /* integrity registers are compared one by one; else: unknown */
            ok = key == VAL_REGISTERS && cm_cbor_count(values) == 1;
            break;
        }
        if (!ok) {
            return false;
        }
        k = cm_cbor_next(v);
    }
    return true;
}

/* ---- names */

/* What a key calls a measurement: our claims' names, and the profiles' own names for them. */
static void name_of(struct cm_cbor_value key, struct cm_cbor_value values, char out[NAME_SIZE])
{
    static const struct {
        const char *corim;
        const char *ours;
    } names[] = {
        {"cca.rim", "rim"},
        {"cca.rem0", "rem0"},
        {"cca.rem1", "rem1"},
        {"cca.rem2", "rem2"},
        {"cca.rem3", "rem3"},
        {"cca.rpv", "cca.personalization_value"},
        {"cca.platform-config", "cca.platform_config"},
    };
    struct cm_span text = {NULL, 0};
    uint64_t number = 0;

    out[0] = '\0';
    if (cm_corim_untag(key, TAG_CONFIG_NAME).doc != NULL) {
        (void)snprintf(out, NAME_SIZE, "%s", "cca.platform_config");
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cm_cbor_equal(key, names[i].corim)) {
            (void)snprintf(out, NAME_SIZE, "%s", names[i].ours);
            return;
        }
    }
    if (cm_cbor_u64(key, &number) == CM_OK) {
        (void)snprintf(out, NAME_SIZE, "pcr%llu", (unsigned long long)number);
    } else if ((cm_cbor_text(key, &text) == CM_OK ||
                (key.doc == NULL && cm_cbor_text(cm_cbor_get(values, VAL_NAME), &text) == CM_OK)) &&
               text.len < NAME_SIZE) {
        (void)snprintf(out, NAME_SIZE, "%.*s", (int)text.len, (const char *)text.ptr);
    }
}

/* An alternative for a name: found there or added; *matched* stays once it is. */
static void alternative(struct compare *c, size_t submod, const char *name, const char *check,
                        bool matched)
{
    size_t i = 0;

    while (i < c->name_count && (c->names[i].submod != submod || c->names[i].check != check ||
                                 strcmp(c->names[i].name, name) != 0)) {
        i++;
    }
    if (i == MAX_NAMES) {
        if (c->first == CM_OK) {
            add_check(c, submod, check, CM_ERR_LIMIT, "more names than can be compared");
        }
        return;
    }
    if (i == c->name_count) {
        c->name_count++;
        c->names[i].submod = submod;
        c->names[i].check = check;
        (void)snprintf(c->names[i].name, NAME_SIZE, "%s", name);
    }
    c->names[i].matched = c->names[i].matched || matched;
}

static void registers(struct compare *c, size_t submod, struct cm_cbor_value regs)
{
    const struct cm_cbor_value absent = {NULL, 0};

    for (struct cm_cbor_value k = cm_cbor_first(regs); k.doc != NULL;) {
        struct cm_cbor_value digests = cm_cbor_next(k);
        char name[NAME_SIZE] = "";

        name_of(k, absent, name);
        alternative(c, submod, name, "reference.register",
                    name[0] != '\0' && digests_match(c->ev, submod, name, digests));
        k = cm_cbor_next(digests);
    }
}

/* ---- software components of Arm's tokens */

static bool is_software(struct cm_cbor_value key)
{
    return cm_cbor_equal(key, "cca.software-component") ||
           cm_cbor_equal(key, "psa.software-component") ||
           cm_corim_untag(key, TAG_REFVAL_ID).doc != NULL;
}

/* Whether the token says that its component has this version. */
static bool has_version(const struct cm_evidence *ev, size_t submod, const char *type,
                        struct cm_cbor_value version)
{
    static const char *const claims[] = {"cca.sw_version", "psa.sw_version"};
    char line[2 * NAME_SIZE] = "";
    struct cm_span text = {NULL, 0};
    const struct cm_claim *claim = NULL;

    if (cm_cbor_text(version, &text) != CM_OK || text.len >= NAME_SIZE) {
        return false;
    }
    (void)snprintf(line, sizeof(line), "%s%s%.*s", type, type[0] != '\0' ? " " : "", (int)text.len,
                   (const char *)text.ptr);
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        for (size_t n = 0; (claim = cm_evidence_find(ev, submod, claims[i], n)) != NULL; n++) {
            if (strcmp(claim->text, line) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether a reference is this component's: digest and signer, and type and version where it says. */
static bool component_matches(const struct compare *c, size_t submod, const struct cm_claim *value,
                              const struct cm_claim *signer, struct cm_cbor_value meas)
{
    struct cm_cbor_value values = cm_cbor_get(meas, MEAS_VALUES);
    struct cm_cbor_value legacy = cm_corim_untag(cm_cbor_get(meas, MEAS_KEY), TAG_REFVAL_ID);
    struct cm_cbor_value type = cm_cbor_get(values, VAL_NAME);
    struct cm_cbor_value version = cm_cbor_get(cm_cbor_get(values, VAL_VERSION), VERSION_TEXT);
    struct cm_span by =
        cm_corim_tagged(cm_cbor_first(cm_cbor_get(values, VAL_CRYPTOKEYS)), TAG_BYTES);

    if (legacy.doc != NULL) {
        type = cm_cbor_get(legacy, 1);
        version = cm_cbor_get(legacy, 4);
        if (cm_cbor_bytes(cm_cbor_get(legacy, 5), &by) != CM_OK) {
            return false;
        }
    }
    return digest_in(cm_cbor_get(values, VAL_DIGESTS), value) && bytes_equal(by, signer) &&
           (type.doc == NULL || cm_cbor_equal(type, value->text)) &&
           (version.doc == NULL || has_version(c->ev, submod, value->text, version));
}

/* ---- walks over files */

/* Called for every measurement whose environment is a submodule's; false: no more. */
typedef bool (*visit)(struct compare *c, size_t submod, struct cm_cbor_value meas, void *ctx);

static void walk_mid(struct compare *c, struct cm_cbor_value root, size_t submod, visit fn,
                     void *ctx)
{
    struct cm_cbor_value inner = cm_corim_untag(root, 506);
    struct cm_cbor_value triples =
        cm_cbor_get(cm_cbor_get(inner.doc != NULL ? inner : root, MID_TRIPLES), TRIPLES_REFERENCE);

    for (struct cm_cbor_value t = cm_cbor_first(triples); t.doc != NULL; t = cm_cbor_next(t)) {
        struct cm_cbor_value env = cm_cbor_first(t);

        if (!is_environment(c->ev, submod, env)) {
            continue;
        }
        c->found = true;
        for (struct cm_cbor_value m = cm_cbor_first(cm_cbor_next(env)); m.doc != NULL;
             m = cm_cbor_next(m)) {
            if (!fn(c, submod, m, ctx)) {
                return;
            }
        }
    }
}

static bool one_measurement(struct compare *c, size_t submod, struct cm_cbor_value meas, void *ctx)
{
    struct cm_cbor_value key = cm_cbor_get(meas, MEAS_KEY);
    struct cm_cbor_value values = cm_cbor_get(meas, MEAS_VALUES);
    char name[NAME_SIZE] = "";

    (void)ctx;
    if (is_software(key)) {
        c->has_software[submod] = true;
        return true;
    }
    name_of(key, values, name);
    registers(c, submod, cm_cbor_get(values, VAL_REGISTERS));
    alternative(c, submod, name, "reference.measurement",
                (key.doc == NULL || name[0] != '\0') && values_match(c->ev, submod, name, values));
    return true;
}

struct component {
    const struct cm_claim *value;
    const struct cm_claim *signer;
    bool matched;
};

static bool one_component(struct compare *c, size_t submod, struct cm_cbor_value meas, void *ctx)
{
    struct component *component = ctx;

    component->matched = is_software(cm_cbor_get(meas, MEAS_KEY)) &&
                         component_matches(c, submod, component->value, component->signer, meas);
    return !component->matched;
}

/* Every component of the evidence must be one of the references. */
static void software(struct compare *c, const struct cm_corim *files, size_t file_count,
                     size_t submod)
{
    const struct cm_claim *m = NULL;
    size_t count = 0;

    for (size_t n = 0; (m = cm_evidence_find(c->ev, submod, CM_CLAIM_MEASUREMENTS, n)) != NULL;
         n++) {
        struct component component = {m, NULL, false};

        /* a component is a measurement with its signer behind it */
        component.signer = cm_evidence_find(c->ev, submod, CM_CLAIM_MEASUREMENTS, n + 1);
        if (m->role != CM_ROLE_LAUNCH || component.signer == NULL ||
            component.signer->role != CM_ROLE_SIGNER) {
            continue;
        }
        count++;
        for (size_t f = 0; f < file_count && !component.matched; f++) {
            for (size_t i = 0; i < files[f].tag_count && !component.matched; i++) {
                walk_mid(c, cm_cbor_root(&files[f].tags[i].doc), submod, one_component, &component);
            }
        }
        if (!component.matched) {
            add_check(c, submod, "reference.software", CM_ERR_MISMATCH, m->text);
            return;
        }
    }
    add_check(c, submod, "reference.software", count != 0 ? CM_OK : CM_ERR_MISMATCH,
              count != 0 ? "" : "no software component to compare");
}

static void compare_all(struct compare *c, const struct cm_corim *files, size_t file_count)
{
    const size_t submods = cm_evidence_submods(c->ev);

    for (size_t s = 0; s < submods; s++) {
        for (size_t f = 0; f < file_count; f++) {
            for (size_t i = 0; i < files[f].tag_count; i++) {
                walk_mid(c, cm_cbor_root(&files[f].tags[i].doc), s, one_measurement, NULL);
            }
        }
        if (c->has_software[s]) {
            software(c, files, file_count, s);
        }
    }
    for (size_t i = 0; i < c->name_count; i++) {
        const struct named *n = &c->names[i];

        add_check(c, n->submod, n->check, n->matched ? CM_OK : CM_ERR_MISMATCH, n->name);
    }
    add_check(c, 0, "reference.environment", c->found ? CM_OK : CM_ERR_NOTFOUND,
              c->found ? "" : "no reference value is about this evidence");
}

static size_t count_files(const struct cm_verify_job *job)
{
    size_t count = 0;

    for (size_t i = 0; i < job->material_count; i++) {
        count += job->materials[i].kind == CM_MATERIAL_REFERENCE &&
                         cm_corim_recognise(job->materials[i].bytes)
                     ? 1
                     : 0;
    }
    return count;
}

enum cm_status cm_reference_check(const struct cm_verify_job *job, struct cm_evidence *ev)
{
    const size_t file_count = count_files(job);
    struct compare *c = NULL;
    struct cm_corim *files = NULL;
    struct cm_why why = {""};
    size_t parsed = 0;
    enum cm_status st = CM_OK;

    if (file_count == 0) {
        return CM_OK;
    }
    c = calloc(1, sizeof(*c));
    files = calloc(file_count, sizeof(*files));
    if (c == NULL || files == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    c->job = job;
    c->ev = ev;
    for (size_t i = 0; i < job->material_count && st == CM_OK; i++) {
        const struct cm_material *m = &job->materials[i];

        if (m->kind != CM_MATERIAL_REFERENCE || !cm_corim_recognise(m->bytes)) {
            continue;
        }
        st = cm_corim_parse(m->bytes, &files[parsed], &why);
        parsed++;
        if (st == CM_OK) {
            st = cm_corim_trusted(&files[parsed - 1], job, &why);
        }
    }
    cm_check_status(ev, 0, "reference.file", st, "%s", why.text);
    if (st == CM_OK) {
        compare_all(c, files, parsed);
        st = c->first;
    }
out:
    for (size_t i = 0; i < parsed; i++) {
        cm_corim_free(&files[i]);
    }
    free(files);
    free(c);
    return st;
}
