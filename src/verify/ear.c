/* Appraisals as EAT Attestation Results; see casemate/appraisal.h. Names and numbers: draft-ietf-rats-ear. */
#include <casemate/appraisal.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "token/base64.h"
#include "token/cbor.h"
#include "token/cose.h"
#include "token/jws.h"

/* keys in CBOR; those below 1000 are EAT's (RFC 9711) */
#define KEY_IAT          6
#define KEY_NONCE        10
#define KEY_PROFILE      265
#define KEY_SUBMODS      266
#define KEY_STATUS       1000
#define KEY_VECTOR       1001
#define KEY_RAW_EVIDENCE 1002
#define KEY_POLICY       1003
#define KEY_VERIFIER     1004
#define KEY_DEVELOPER    0
#define KEY_BUILD        1

#define NONCE_MIN        8u /* RFC 9711 4.1 */
#define NONCE_MAX        64u

struct names {
    const char *profile;
    const char *status;
    const char *vector;
    const char *raw_evidence;
    const char *policy;
    const char *verifier;
};

static const struct names all_names[] = {
    [CM_EAR_VERAISON] = {"tag:github.com,2023:veraison/ear", "ear.status",
                         "ear.trustworthiness-vector", "ear.raw-evidence",
                         "ear.appraisal-policy-id", "ear.verifier-id"},
    [CM_EAR_IETF] = {"tag:ietf.org,2026:rats/ear#04", "ear_status", "ear_trustworthiness_vector",
                     "ear_raw_evidence", "ear_appraisal_policy_ids", "ear_verifier_id"},
};

static const char *developer(const struct cm_ear *ear)
{
    return ear->developer != NULL ? ear->developer : "Casemate";
}

static const char *build(const struct cm_ear *ear)
{
    return ear->build != NULL ? ear->build : "casemate";
}

/* A submodule's appraisal as the result states it. */
static enum cm_status appraise(const struct cm_evidence *ev, const struct cm_ear *ear,
                               size_t submod, struct cm_appraisal *out)
{
    enum cm_status st = cm_appraise(ev, submod, out);

    if (st == CM_OK && ear->policy_refused) {
        out->status = CM_TRUST_CONTRAINDICATED;
    }
    return st;
}

static void base64url_member(struct cm_json_wr *w, const char *name, struct cm_span bytes,
                             char *scratch, size_t cap)
{
    size_t len = 0;

    if (cm_base64url_encode(bytes, scratch, cap, &len) != CM_OK) {
        w->out.bad = true;
        return;
    }
    cm_json_wr_name(w, name);
    cm_json_wr_text(w, cm_span_make(scratch, len));
}

static void json_submod(struct cm_json_wr *w, const struct cm_ear *ear, const struct names *n,
                        const struct cm_appraisal *a)
{
    cm_json_wr_object(w);
    cm_json_wr_name(w, n->status);
    cm_json_wr_str(w, cm_trust_tier_name(a->status));
    cm_json_wr_name(w, n->vector);
    cm_json_wr_object(w);
    for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
        cm_json_wr_name(w, cm_trust_claim_name((enum cm_trust_claim)i));
        cm_json_wr_i64(w, a->vector[i]);
    }
    cm_json_wr_end(w);
    if (ear->policy_id != NULL) {
        cm_json_wr_name(w, n->policy);
        if (ear->profile == CM_EAR_IETF) {
            cm_json_wr_array(w);
        }
        cm_json_wr_str(w, ear->policy_id);
        if (ear->profile == CM_EAR_IETF) {
            cm_json_wr_end(w);
        }
    }
    cm_json_wr_end(w);
}

static enum cm_status json_claims(const struct cm_evidence *ev, const struct cm_ear *ear, void *out,
                                  size_t cap, size_t *len)
{
    const struct names *n = &all_names[ear->profile];
    const size_t room = CM_BASE64_ENCODED(ear->raw_evidence.len + ear->nonce.len) + 8;
    char *scratch = malloc(room);
    struct cm_json_wr w = cm_json_wr_init(out, cap);
    enum cm_status st = CM_OK;

    if (scratch == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "eat_profile");
    cm_json_wr_str(&w, n->profile);
    cm_json_wr_name(&w, "iat");
    cm_json_wr_u64(&w, ear->iat);
    cm_json_wr_name(&w, n->verifier);
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "developer");
    cm_json_wr_str(&w, developer(ear));
    cm_json_wr_name(&w, "build");
    cm_json_wr_str(&w, build(ear));
    cm_json_wr_end(&w);
    if (ear->nonce.ptr != NULL) {
        base64url_member(&w, "eat_nonce", ear->nonce, scratch, room);
    }
    if (ear->raw_evidence.ptr != NULL) {
        base64url_member(&w, n->raw_evidence, ear->raw_evidence, scratch, room);
    }
    cm_json_wr_name(&w, "submods");
    cm_json_wr_object(&w);
    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        struct cm_appraisal a;

        CM_TRY(appraise(ev, ear, i, &a));
        cm_json_wr_name(&w, cm_evidence_name(ev, i));
        json_submod(&w, ear, n, &a);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    st = cm_json_wr_finish(&w, len);
out:
    free(scratch);
    return st;
}

static void cbor_submod(struct cm_wr *w, const struct cm_ear *ear, const struct cm_appraisal *a)
{
    uint64_t made = 0;

    for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
        made += a->vector[i] != 0 ? 1 : 0;
    }
    cm_cbor_wr_map(w, 1u + (made != 0 ? 1u : 0u) + (ear->policy_id != NULL ? 1u : 0u));
    cm_cbor_wr_u64(w, KEY_STATUS);
    cm_cbor_wr_u64(w, (uint64_t)a->status);
    if (made != 0) { /* an empty vector is not allowed: no claim is made by leaving it out */
        cm_cbor_wr_u64(w, KEY_VECTOR);
        cm_cbor_wr_map(w, made);
        for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
            if (a->vector[i] != 0) {
                cm_cbor_wr_u64(w, i);
                cm_cbor_wr_i64(w, a->vector[i]);
            }
        }
    }
    if (ear->policy_id != NULL) {
        cm_cbor_wr_u64(w, KEY_POLICY);
        if (ear->profile == CM_EAR_IETF) {
            cm_cbor_wr_array(w, 1);
        }
        cm_cbor_wr_text(w, ear->policy_id);
    }
}

/* Deterministic CBOR orders texts by length, then by bytes. */
static bool before(const char *a, const char *b)
{
    const size_t m = strlen(a);
    const size_t n = strlen(b);

    return m != n ? m < n : strcmp(a, b) < 0;
}

/* The index of the n-th submodule in that order. */
static size_t nth_submod(const struct cm_evidence *ev, size_t n)
{
    const size_t count = cm_evidence_submods(ev);

    for (size_t i = 0; i < count; i++) {
        size_t smaller = 0;

        for (size_t k = 0; k < count; k++) {
            smaller += before(cm_evidence_name(ev, k), cm_evidence_name(ev, i)) ? 1 : 0;
        }
        if (smaller == n) {
            return i;
        }
    }
    return count; /* two of one name: cm_appraise() refuses */
}

static enum cm_status cbor_claims(const struct cm_evidence *ev, const struct cm_ear *ear, void *out,
                                  size_t cap, size_t *len)
{
    struct cm_wr w = cm_wr_init(out, cap);
    const size_t count = cm_evidence_submods(ev);
    enum cm_status st = CM_OK;

    cm_cbor_wr_map(&w, 4u + (ear->nonce.ptr != NULL ? 1u : 0u) +
                           (ear->raw_evidence.ptr != NULL ? 1u : 0u));
    cm_cbor_wr_u64(&w, KEY_IAT);
    cm_cbor_wr_u64(&w, ear->iat);
    if (ear->nonce.ptr != NULL) {
        cm_cbor_wr_u64(&w, KEY_NONCE);
        cm_cbor_wr_bytes(&w, ear->nonce);
    }
    cm_cbor_wr_u64(&w, KEY_PROFILE);
    cm_cbor_wr_text(&w, all_names[ear->profile].profile);
    cm_cbor_wr_u64(&w, KEY_SUBMODS);
    cm_cbor_wr_map(&w, count);
    for (size_t i = 0; i < count; i++) {
        size_t submod = nth_submod(ev, i);
        struct cm_appraisal a;

        CM_TRY(appraise(ev, ear, submod, &a));
        cm_cbor_wr_text(&w, cm_evidence_name(ev, submod));
        cbor_submod(&w, ear, &a);
    }
    if (ear->raw_evidence.ptr != NULL) {
        cm_cbor_wr_u64(&w, KEY_RAW_EVIDENCE);
        cm_cbor_wr_bytes(&w, ear->raw_evidence);
    }
    cm_cbor_wr_u64(&w, KEY_VERIFIER);
    cm_cbor_wr_map(&w, 2);
    cm_cbor_wr_u64(&w, KEY_DEVELOPER);
    cm_cbor_wr_text(&w, developer(ear));
    cm_cbor_wr_u64(&w, KEY_BUILD);
    cm_cbor_wr_text(&w, build(ear));
    st = cm_wr_finish(&w);
    *len = w.used;
out:
    return st;
}

static bool usable(const struct cm_evidence *ev, const struct cm_ear *ear)
{
    return ev != NULL && ear != NULL && (unsigned)ear->profile <= CM_EAR_IETF &&
           (unsigned)ear->form <= CM_EAR_JWT &&
           (ear->nonce.ptr == NULL ||
            (ear->nonce.len >= NONCE_MIN && ear->nonce.len <= NONCE_MAX)) &&
           (ear->form != CM_EAR_JWT || ear->key.ptr != NULL) &&
           (ear->form != CM_EAR_JSON || ear->key.ptr == NULL);
}

/* The claims signed: a JWT of their JSON, or a COSE_Sign1 of their CBOR. */
static enum cm_status sign(const struct cm_ear *ear, struct cm_span claims, uint8_t *out,
                           size_t cap, size_t *len)
{
    struct cm_privkey *key = NULL;
    struct cm_wr w = cm_wr_init(out, cap);
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_from_pem(ear->key, &key));
    if (ear->form == CM_EAR_JWT) {
        CM_TRY(cm_jws_sign(key, CM_SIG_ES256, "\"typ\":\"JWT\"", claims, (char *)out, cap));
        *len = strlen((const char *)out);
    } else {
        CM_TRY(cm_cose_sign1_write(key, CM_SIG_ES256, claims, &w));
        CM_TRY(cm_wr_finish(&w));
        *len = w.used;
    }
out:
    cm_privkey_free(key);
    return st;
}

enum cm_status cm_ear_write(const struct cm_evidence *ev, const struct cm_ear *ear, uint8_t *out,
                            size_t cap, size_t *len)
{
    uint8_t *claims = NULL;
    size_t n = 0;
    enum cm_status st = CM_OK;

    if (out == NULL || len == NULL || !usable(ev, ear)) {
        return CM_ERR_PARAM;
    }
    if (ear->key.ptr == NULL) {
        return ear->form == CM_EAR_JSON ? json_claims(ev, ear, out, cap, len)
                                        : cbor_claims(ev, ear, out, cap, len);
    }
    claims = malloc(cap == 0 ? 1 : cap); /* no signed form is shorter than what it signs */
    if (claims == NULL) {
        return CM_ERR_NOMEM;
    }
    if (ear->form == CM_EAR_JWT) {
        CM_TRY(json_claims(ev, ear, claims, cap, &n));
    } else {
        CM_TRY(cbor_claims(ev, ear, claims, cap, &n));
    }
    CM_TRY(sign(ear, cm_span_make(claims, n), out, cap, len));
out:
    free(claims);
    return st;
}
