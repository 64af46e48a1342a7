/* Confidential Space tokens: what they say, and what of it must be so; see gcp_token.h. */
#include <string.h>

#include "common/hex.h"
#include "common/wipe.h"
#include "cvm/gcp_token.h"
#include "evidence/claims.h"

#define GOOGLE_OEM 11129 /* Google's number as an enterprise */
#define MAX_TEXT   8192
#define MAX_ITEMS  256
#define MAX_NONCES 6

/* A string of the payload as a claim. */
static void text_claim(struct cm_evidence *ev, size_t submod, const char *name,
                       struct cm_json_value v)
{
    char text[MAX_TEXT] = "";

    if (cm_json_string(v, text, sizeof(text), NULL) == CM_OK) {
        cm_claim_text(ev, submod, name, text);
    }
}

/* A string, or each of a list of strings. */
static void text_claims(struct cm_evidence *ev, size_t submod, const char *name,
                        struct cm_json_value v)
{
    size_t n = 0;

    if (!cm_json_is(v, CM_JSON_ARRAY)) {
        text_claim(ev, submod, name, v);
        return;
    }
    for (struct cm_json_value e = cm_json_first(v); e.doc != NULL && n++ < MAX_ITEMS;
         e = cm_json_next(e)) {
        text_claim(ev, submod, name, e);
    }
}

static void time_claim(struct cm_evidence *ev, size_t submod, const char *name,
                       struct cm_json_value v)
{
    uint64_t t = 0;

    if (cm_json_u64(v, &t) == CM_OK) {
        cm_claim_time(ev, submod, name, t);
    }
}

/* Anything else as its JSON, so that nothing of the token is lost. */
static void json_claim(struct cm_evidence *ev, size_t submod, const char *name,
                       struct cm_json_value v)
{
    char text[MAX_TEXT] = "";
    struct cm_span bytes = cm_json_bytes(v);

    if (bytes.ptr != NULL && bytes.len < sizeof(text)) {
        memcpy(text, bytes.ptr, bytes.len);
        cm_claim_text(ev, submod, name, text);
    }
}

/* "NAME=value" of each member */
static void env_claims(struct cm_evidence *ev, size_t submod, const char *name,
                       struct cm_json_value object)
{
    size_t n = 0;

    if (!cm_json_is(object, CM_JSON_OBJECT)) {
        return;
    }
    for (struct cm_json_value k = cm_json_first(object); k.doc != NULL && n++ < MAX_ITEMS;) {
        struct cm_json_value v = cm_json_next(k);
        char text[MAX_TEXT] = "";
        size_t len = 0;

        if (cm_json_string(k, text, sizeof(text) - 1, &len) == CM_OK) {
            text[len] = '=';
            if (cm_json_string(v, text + len + 1, sizeof(text) - len - 1, NULL) == CM_OK) {
                cm_claim_text(ev, submod, name, text);
            }
        }
        k = cm_json_next(v);
    }
}

/* "sha256:..." as a measurement */
static void image_claim(struct cm_evidence *ev, size_t submod, const char *label,
                        struct cm_json_value v)
{
    static const char mark[] = "sha256:";
    char text[7 + 64 + 2] = "";
    uint8_t digest[32];
    size_t len = 0;

    if (cm_json_string(v, text, sizeof(text), &len) == CM_OK && len == 7 + 64 &&
        memcmp(text, mark, 7) == 0 && cm_hex_decode(cm_span_make(text + 7, 64), digest, 32)) {
        cm_claim_digest(
            ev, submod,
            &(struct cm_digest){label, "sha-256", CM_ROLE_LAUNCH, cm_span_make(digest, 32)});
    }
}

static void container_claims(struct cm_evidence *ev, size_t submod, struct cm_json_value c)
{
    text_claim(ev, submod, "gcp.container.image_reference", cm_json_get(c, "image_reference"));
    text_claim(ev, submod, "gcp.container.image_digest", cm_json_get(c, "image_digest"));
    text_claim(ev, submod, "gcp.container.image_id", cm_json_get(c, "image_id"));
    text_claim(ev, submod, "gcp.container.restart_policy", cm_json_get(c, "restart_policy"));
    image_claim(ev, submod, "container-image", cm_json_get(c, "image_digest"));
    image_claim(ev, submod, "container-config", cm_json_get(c, "image_id"));
    text_claims(ev, submod, "gcp.container.args", cm_json_get(c, "args"));
    text_claims(ev, submod, "gcp.container.cmd_override", cm_json_get(c, "cmd_override"));
    env_claims(ev, submod, "gcp.container.env", cm_json_get(c, "env"));
    env_claims(ev, submod, "gcp.container.env_override", cm_json_get(c, "env_override"));
    json_claim(ev, submod, "gcp.container.image_signatures", cm_json_get(c, "image_signatures"));
}

/* Each nonce as bytes, as every format's, and as the text that it is, for policies that compare it. */
static void nonce_claims(struct cm_evidence *ev, size_t submod, struct cm_json_value v)
{
    char text[MAX_TEXT] = "";
    size_t len = 0;
    const bool list = cm_json_is(v, CM_JSON_ARRAY);

    for (struct cm_json_value e = list ? cm_json_first(v) : v; e.doc != NULL;
         e = list ? cm_json_next(e) : (struct cm_json_value){NULL, 0}) {
        if (cm_json_string(e, text, sizeof(text), &len) == CM_OK) {
            cm_claim_bytes(ev, submod, CM_CLAIM_NONCE, cm_span_make(text, len));
            cm_claim_text(ev, submod, "gcp.eat_nonce", text);
        }
    }
}

void cm_gcp_token_claims(struct cm_evidence *ev, size_t submod, struct cm_json_value payload)
{
    static const struct {
        const char *member;
        const char *claim;
    } texts[] = {
        {"iss", "gcp.iss"},
        {"sub", "gcp.sub"},
        {"aud", "gcp.aud"},
        {"eat_profile", "eat_profile"},
        {"hwmodel", CM_CLAIM_HWMODEL},
        {"swname", "swname"},
        {"swversion", "swversion"},
        {"dbgstat", CM_CLAIM_DBGSTAT},
        {"google_service_accounts", "gcp.service_accounts"},
    };
    struct cm_json_value submods = cm_json_get(payload, "submods");
    struct cm_json_value gce = cm_json_get(submods, "gce");
    bool secboot = false;

    cm_claim_text(ev, submod, CM_CLAIM_TEE, "gcp-confidential-space");
    cm_claim_text(ev, submod, CM_CLAIM_OEMID, "Google");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        text_claims(ev, submod, texts[i].claim, cm_json_get(payload, texts[i].member));
    }
    time_claim(ev, submod, CM_CLAIM_IAT, cm_json_get(payload, "iat"));
    time_claim(ev, submod, CM_CLAIM_NOT_BEFORE, cm_json_get(payload, "nbf"));
    time_claim(ev, submod, CM_CLAIM_NOT_AFTER, cm_json_get(payload, "exp"));
    nonce_claims(ev, submod, cm_json_get(payload, "eat_nonce"));
    if (cm_json_bool(cm_json_get(payload, "secboot"), &secboot) == CM_OK) {
        cm_claim_bool(ev, submod, "gcp.secboot", secboot);
    }
    text_claims(ev, submod, "gcp.support_attributes",
                cm_json_get(cm_json_get(submods, "confidential_space"), "support_attributes"));
    json_claim(ev, submod, "gcp.monitoring_enabled",
               cm_json_get(cm_json_get(submods, "confidential_space"), "monitoring_enabled"));
    container_claims(ev, submod, cm_json_get(submods, "container"));
    text_claim(ev, submod, "gce.zone", cm_json_get(gce, "zone"));
    text_claim(ev, submod, "gce.project_id", cm_json_get(gce, "project_id"));
    text_claim(ev, submod, "gce.project_number", cm_json_get(gce, "project_number"));
    text_claim(ev, submod, "gce.instance_name", cm_json_get(gce, "instance_name"));
    text_claim(ev, submod, "gce.instance_id", cm_json_get(gce, "instance_id"));
    json_claim(ev, submod, "gcp.nvidia_gpu", cm_json_get(submods, "nvidia_gpu"));
    json_claim(ev, submod, "gcp.tdx", cm_json_get(payload, "tdx"));
}

/* One check with its sentence; keeps the first failure. */
static void step(struct cm_evidence *ev, size_t submod, const char *name, enum cm_status st,
                 const char *detail, enum cm_status *first)
{
    cm_check_status(ev, submod, name, st, "%s", st == CM_OK ? "" : detail);
    *first = *first == CM_OK ? st : *first;
}

/* Not before it was issued, not after it expired; all three must be there. */
static enum cm_status check_period(struct cm_json_value payload, uint64_t now)
{
    uint64_t iat = 0;
    uint64_t nbf = 0;
    uint64_t exp = 0;

    if (cm_json_u64(cm_json_get(payload, "iat"), &iat) != CM_OK ||
        cm_json_u64(cm_json_get(payload, "nbf"), &nbf) != CM_OK ||
        cm_json_u64(cm_json_get(payload, "exp"), &exp) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return nbf <= now && iat <= now && now < exp ? CM_OK : CM_ERR_EXPIRED;
}

/* The expected challenge is one of the token's nonces, as a whole. */
static enum cm_status check_nonces(const struct cm_verify_input *in, struct cm_evidence *ev,
                                   size_t submod, struct cm_json_value v)
{
    char text[MAX_TEXT] = "";
    const bool list = cm_json_is(v, CM_JSON_ARRAY);
    const struct cm_span want = in->report_data;
    struct cm_span held = {NULL, 0};
    size_t len = 0;
    size_t n = 0;

    for (struct cm_json_value e = list ? cm_json_first(v) : v;
         want.ptr != NULL && e.doc != NULL && n++ < MAX_NONCES;
         e = list ? cm_json_next(e) : (struct cm_json_value){NULL, 0}) {
        if (held.ptr == NULL && cm_json_string(e, text, sizeof(text), &len) == CM_OK &&
            len == want.len && cm_ct_equal(text, want.ptr, len)) {
            held = cm_span_make(text, len);
        }
    }
    if (held.ptr == NULL) {
        held = cm_span_make("", 0); /* no nonce answers any challenge */
    }
    return cm_check_nonce(in, ev, submod, held, true);
}

/* Confidential machines; a shielded one keeps nothing from its host, so it counts as a debug TEE does. */
static bool known_hwmodel(struct cm_json_value v, unsigned flags)
{
    static const char *const names[] = {"GCP_AMD_SEV", "GCP_AMD_SEV_ES", "GCP_AMD_SEV_SNP",
                                        "GCP_INTEL_TDX"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cm_json_equal(v, names[i])) {
            return true;
        }
    }
    return (flags & CM_VERIFY_ALLOW_DEBUG) != 0 && cm_json_equal(v, "GCP_SHIELDED_VM");
}

enum cm_status cm_gcp_token_check(const struct cm_verify_input *in, struct cm_evidence *ev,
                                  size_t submod, struct cm_json_value payload)
{
    struct cm_json_value debug = cm_json_get(payload, "dbgstat");
    enum cm_status first = CM_OK;
    enum cm_status st = CM_OK;
    uint64_t oem = 0;
    bool secboot = false;
    bool fine = cm_json_equal(cm_json_get(payload, "iss"), CM_GCP_ISSUER);

    step(ev, submod, "gcp.iss", fine ? CM_OK : CM_ERR_MISMATCH, "another issuer than Google's",
         &first);
    step(ev, submod, "gcp.period", check_period(payload, in->now),
         "outside the token's time, or it names none", &first);
    fine = cm_json_u64(cm_json_get(payload, "oemid"), &oem) == CM_OK && oem == GOOGLE_OEM;
    step(ev, submod, "gcp.oemid", fine ? CM_OK : CM_ERR_MISMATCH, "not Google's hardware", &first);
    step(ev, submod, "gcp.hwmodel",
         known_hwmodel(cm_json_get(payload, "hwmodel"), in->flags) ? CM_OK : CM_ERR_POLICY,
         "the machine is of no confidential kind that is known", &first);
    fine = cm_json_bool(cm_json_get(payload, "secboot"), &secboot) == CM_OK && secboot;
    step(ev, submod, "gcp.secboot", fine ? CM_OK : CM_ERR_POLICY, "secure boot is not on", &first);
    fine = cm_json_equal(debug, "disabled-since-boot") ||
           (cm_json_is(debug, CM_JSON_STRING) && (in->flags & CM_VERIFY_ALLOW_DEBUG) != 0);
    step(ev, submod, "gcp.debug", fine ? CM_OK : CM_ERR_POLICY, "debugging is not disabled",
         &first);
    cm_check_note(ev, submod, "gcp.aud", CM_CHECK_NOT_CHECKED,
                  "who the token is for is the policy's to compare");
    st = check_nonces(in, ev, submod, cm_json_get(payload, "eat_nonce"));
    return first == CM_OK ? st : first;
}
