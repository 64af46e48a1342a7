/* PSA tokens; see arm.h. Untrusted: all of it. */
#include "arm/arm.h"
#include "arm/arm_token.h"
#include "common/try.h"

#define TAG_CWT      61
#define TAG_MAC0     17
#define MAX_OUTER    16  /* nodes of a message without its payload */
#define RECOGNISE_AT 128 /* nodes of the claims that are looked at */

/* Where a profile keeps what. */
struct labels {
    int64_t profile;
    int64_t client_id;
    int64_t lifecycle;
    int64_t implementation_id;
    int64_t boot_seed;
    int64_t boot_seed_eat; /* the same claim where the profile took over EAT's; or the same label */
    int64_t certification;
    int64_t components;
    int64_t no_components; /* 0: there is no such claim */
    int64_t nonce;
    int64_t instance_id;
    int64_t service;
};

static const struct labels labels_1 = {-75000, -75001, -75002, -75003, -75004, -75004,
                                       -75005, -75006, -75007, -75008, -75009, -75010};
static const struct labels labels_2 = {265,  2394, 2395, 2396, 2397, 268,
                                       2398, 2399, 0,    10,   256,  2400};

static const struct {
    const char *name;
    const struct labels *labels;
} profiles[] = {
    {"PSA_IOT_PROFILE_1", &labels_1},
    {"http://arm.com/psa/2.0.0", &labels_2},
    {"tag:psacertified.org,2023:psa#tfm", &labels_2},
    {"tag:psacertified.org,2019:psa#legacy", &labels_1},
};

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t submod;
    const struct labels *at;
    struct cm_cbor_value claims;
    struct cm_span instance_id;
    struct cm_span implementation_id;
    struct cm_span nonce;
    uint64_t lifecycle;
    struct cm_why why;
    enum cm_status first;
};

static void step(struct run *r, const char *name, enum cm_status st)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", st == CM_OK ? "" : r->why.text);
    if (r->first == CM_OK) {
        r->first = st;
    }
    r->why.text[0] = '\0';
}

static enum cm_status malformed(struct run *r, const char *what)
{
    cm_why_set(&r->why, "%s is missing or malformed", what);
    return CM_ERR_FORMAT;
}

/* The array inside the tags, whether it is a COSE_Mac0, and its payload. */
static enum cm_status outer(struct cm_cbor_value root, bool *mac, struct cm_span *payload)
{
    uint64_t tag = 0;

    if (cm_cbor_tag(root, &tag) == CM_OK && tag == TAG_CWT) {
        root = cm_cbor_first(root);
    }
    *mac = false;
    if (cm_cbor_tag(root, &tag) == CM_OK) {
        if (tag != TAG_MAC0 && tag != CM_COSE_TAG_SIGN1) {
            return CM_ERR_FORMAT;
        }
        *mac = tag == TAG_MAC0;
        root = cm_cbor_first(root);
    }
    if (!cm_cbor_is(root, CM_CBOR_ARRAY) || cm_cbor_count(root) != 4) {
        return CM_ERR_FORMAT;
    }
    return cm_cbor_bytes(cm_cbor_next(cm_cbor_next(cm_cbor_first(root))), payload);
}

static const struct labels *find_profile(struct cm_cbor_value claims, const char **name)
{
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (cm_cbor_equal(cm_cbor_get(claims, profiles[i].labels->profile), profiles[i].name)) {
            *name = profiles[i].name;
            return profiles[i].labels;
        }
    }
    /* the first profile need not be named: its labels are its own */
    if (cm_cbor_get(claims, labels_1.profile).doc == NULL &&
        cm_cbor_get(claims, labels_2.profile).doc == NULL &&
        cm_cbor_get(claims, labels_1.implementation_id).doc != NULL) {
        return &labels_1;
    }
    return NULL;
}

bool cm_psa_recognise(struct cm_span bytes)
{
    struct cm_cbor_node nodes[MAX_OUTER + RECOGNISE_AT];
    struct cm_cbor_value claims = {NULL, 0};
    struct cm_cbor doc;
    struct cm_span payload = {NULL, 0};
    const char *name = NULL;
    bool mac = false;

    if (bytes.len < 4 || bytes.len > CM_ARM_MAX_TOKEN ||
        (bytes.ptr[0] != 0xd8 && (bytes.ptr[0] & 0xfe) != 0xd0 && (bytes.ptr[0] & 0xfe) != 0xd2 &&
         bytes.ptr[0] != 0x84) ||
        cm_cbor_parse(bytes, nodes, MAX_OUTER, 0, &doc, NULL) != CM_OK ||
        outer(cm_cbor_root(&doc), &mac, &payload) != CM_OK ||
        cm_cbor_parse(payload, nodes, sizeof(nodes) / sizeof(nodes[0]), 0, &doc, NULL) != CM_OK) {
        return false;
    }
    claims = cm_cbor_root(&doc);
    /* a known profile, or the identity that only Arm's tokens have: those get a verdict, too */
    return find_profile(claims, &name) != NULL ||
           cm_cbor_get(claims, labels_1.implementation_id).doc != NULL ||
           cm_cbor_get(claims, labels_2.implementation_id).doc != NULL;
}

static enum cm_status identity(struct run *r)
{
    const struct labels *at = r->at;

    if (cm_arm_hash_value(cm_cbor_get(r->claims, at->nonce), &r->nonce) != CM_OK) {
        return malformed(r, "the nonce");
    }
    if (cm_arm_bytes(cm_cbor_get(r->claims, at->instance_id), CM_ARM_UEID_SIZE, &r->instance_id) !=
            CM_OK ||
        r->instance_id.ptr[0] != CM_ARM_UEID_RAND) {
        return malformed(r, "the instance id");
    }
    if (cm_arm_bytes(cm_cbor_get(r->claims, at->implementation_id), CM_ARM_IMPL_ID_SIZE,
                     &r->implementation_id) != CM_OK) {
        return malformed(r, "the implementation id");
    }
    if (cm_cbor_u64(cm_cbor_get(r->claims, at->lifecycle), &r->lifecycle) != CM_OK ||
        !cm_arm_lifecycle_known(r->lifecycle)) {
        return malformed(r, "the lifecycle");
    }
    cm_claim_bytes(r->ev, r->submod, CM_CLAIM_NONCE, r->nonce);
    cm_claim_bytes(r->ev, r->submod, CM_CLAIM_UEID, r->instance_id);
    cm_claim_bytes(r->ev, r->submod, "psa.implementation_id", r->implementation_id);
    return CM_OK;
}

/* A caller's number: negative ones are callers from the non-secure side. */
static enum cm_status client(struct run *r)
{
    int64_t id = 0;

    if (cm_cbor_i64(cm_cbor_get(r->claims, r->at->client_id), &id) != CM_OK || id < INT32_MIN ||
        id > INT32_MAX || id == 0) {
        return malformed(r, "the client id");
    }
    cm_claim_uint(r->ev, r->submod, "psa.client_id", (uint32_t)(int32_t)id);
    cm_claim_bool(r->ev, r->submod, "psa.client_secure", id > 0);
    return CM_OK;
}

static enum cm_status optional_claims(struct run *r)
{
    const struct {
        struct cm_cbor_value v;
        const char *name;
    } texts[] = {{cm_cbor_get(r->claims, r->at->certification), "psa.certification_reference"},
                 {cm_cbor_get(r->claims, r->at->service), "psa.verification_service"}};
    struct cm_cbor_value seed = cm_cbor_get(r->claims, r->at->boot_seed);
    char text[CM_ARM_MAX_TEXT + 1] = "";
    struct cm_span s = {NULL, 0};

    if (seed.doc == NULL) {
        seed = cm_cbor_get(r->claims, r->at->boot_seed_eat);
    }
    if (seed.doc != NULL) {
        if (cm_cbor_bytes(seed, &s) != CM_OK || s.len < 8 || s.len > 32) {
            return malformed(r, "the boot seed");
        }
        cm_claim_bytes(r->ev, r->submod, "psa.boot_seed", s);
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].v.doc == NULL) {
            continue;
        }
        if (cm_arm_text(texts[i].v, text) != CM_OK) {
            return malformed(r, texts[i].name);
        }
        cm_claim_text(r->ev, r->submod, texts[i].name, text);
    }
    return CM_OK;
}

static enum cm_status software(struct run *r)
{
    static const struct cm_arm_component_names names = {"psa.sw_version", "psa.sw_components"};
    struct cm_cbor_value components = cm_cbor_get(r->claims, r->at->components);
    uint64_t none = 0;

    /* the first profile may say in so many words that nothing was measured */
    if (r->at->no_components != 0 && components.doc == NULL &&
        cm_cbor_u64(cm_cbor_get(r->claims, r->at->no_components), &none) == CM_OK && none == 1) {
        cm_claim_bool(r->ev, r->submod, "psa.no_sw_measurements", true);
        return CM_OK;
    }
    return cm_arm_components(components, NULL, &names, r->ev, r->submod, &r->why);
}

static enum cm_status read_claims(struct run *r)
{
    const char *profile = NULL;
    enum cm_status st = CM_OK;

    cm_claim_text(r->ev, r->submod, CM_CLAIM_TEE, "psa");
    cm_claim_text(r->ev, r->submod, CM_CLAIM_HWMODEL, "psa");
    r->at = find_profile(r->claims, &profile);
    if (r->at == NULL) {
        cm_why_set(&r->why, "no profile of PSA tokens that is known");
        return CM_ERR_UNSUPPORTED;
    }
    if (profile != NULL) {
        cm_claim_text(r->ev, r->submod, "psa.profile", profile);
    }
    CM_TRY(identity(r));
    CM_TRY(client(r));
    CM_TRY(optional_claims(r));
    st = software(r);
out:
    return st;
}

static void judge(struct run *r, const struct cm_arm_token *t, bool mac, size_t mark)
{
    static const struct cm_arm_lifecycle_names names = {"psa.lifecycle", "psa.lifecycle_state",
                                                        "psa.lifecycle"};
    uint8_t key[32] = {0};
    enum cm_status life =
        cm_arm_lifecycle(r->lifecycle, r->job->in->flags, &names, r->ev, r->submod);
    enum cm_status st = CM_ERR_UNSUPPORTED;

    if (mac) {
        cm_why_set(&r->why, "a COSE_Mac0: whoever can check it can also make it");
    } else {
        st = cm_arm_verify_enrolled(r->job, t, r->instance_id, r->implementation_id, key, &r->why);
    }
    step(r, "psa.signature", st);
    if (st == CM_OK) {
        cm_claim_bytes(r->ev, r->submod, CM_CLAIM_SIGNER_ROOT, cm_span_make(key, sizeof(key)));
        cm_evidence_raise(r->ev, r->submod, mark, CM_AUTHORITY_HARDWARE);
    }
    if (r->first == CM_OK) {
        r->first = life;
    }
    st = cm_check_nonce(r->job->in, r->ev, r->submod, r->nonce, true);
    if (r->first == CM_OK) {
        r->first = st;
    }
}

enum cm_status cm_psa_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod)
{
    struct run r = {.job = job, .ev = ev, .submod = submod};
    struct cm_cbor_own message = {0};
    struct cm_cbor_own payload = {0};
    struct cm_arm_token t = {0};
    struct cm_span payload_bytes = {NULL, 0};
    size_t mark = cm_evidence_mark(ev, submod);
    bool mac = false;
    enum cm_status st = CM_OK;

    CM_TRY(cm_arm_parse(job->evidence, &message, &r.why));
    CM_TRY(outer(cm_cbor_root(&message.doc), &mac, &payload_bytes));
    if (mac) {
        CM_TRY(cm_arm_parse(payload_bytes, &payload, &r.why));
        r.claims = cm_cbor_root(&payload.doc);
    } else {
        CM_TRY(cm_arm_token_open(job->evidence, &t, &r.why));
        r.claims = t.claims;
    }
    CM_TRY(read_claims(&r));
    step(&r, "psa.format", CM_OK);
    judge(&r, &t, mac, mark);
out:
    if (st != CM_OK) {
        cm_why_set(&r.why, "not a PSA token");
        step(&r, "psa.format", st);
    }
    cm_arm_token_free(&t);
    cm_cbor_own_free(&message);
    cm_cbor_own_free(&payload);
    return r.first;
}
