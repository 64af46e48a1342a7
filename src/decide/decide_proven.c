/*
 * What a policy is told beside the evidence itself: what the API has proven about it on its own, and what the
 * client says about himself. Also whom TPMs are trusted for: endorsement keys.
 */
#include <string.h>

#include "common/hex.h"
#include "common/same.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "decide/decide_endorse.h"
#include "decide/decide_module.h"
#include "decide/decide_proven.h"
#include "evidence/claims.h"
#include "policy/policy_azure.h"
#include "tpm/tpm_credential.h"

static enum cm_status refuse(struct cm_decision *d, enum cm_status st, const struct cm_why *why)
{
    d->st = st;
    d->stage = "evidence";
    cm_why_set(&d->why, "the client's claims: %s", why->text);
    return CM_OK;
}

static enum cm_status add_custom(const struct cm_decide_job *job, struct cm_decision *d)
{
    struct cm_why why = {""};
    char *text = NULL;
    enum cm_status st = CM_OK;

    if (job->custom_claims == NULL) {
        return CM_OK;
    }
    text = json_dumps(job->custom_claims, JSON_COMPACT);
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_policy_claims_object(d->claims, cm_span_make(text, strlen(text)), CM_POLICY_CUSTOM,
                                 &why);
    free(text);
    return st == CM_OK || st == CM_ERR_NOMEM ? st : refuse(d, st, &why);
}

enum cm_status cm_decide_add_proven(const struct cm_decide_job *job, struct cm_decision *d)
{
    const char *ek = job->endorsement;
    enum cm_status st = CM_OK;

    if (job->natural != NULL && strcmp(job->natural, "AzureGuest") == 0) {
        CM_TRY(cm_policy_claims_azurevm(d->claims, d->evidence, 0, NULL)); /* a TPM, and no TEE */
    }
    if (ek != NULL) {
        CM_TRY(cm_policy_claims_bool(d->claims, "casemate.tpm.activated", true, CM_POLICY_SERVICE));
        CM_TRY(cm_policy_claims_text(d->claims, "casemate.tpm.ek", cm_span_make(ek, strlen(ek)),
                                     CM_POLICY_SERVICE));
    }
    st = add_custom(job, d);
out:
    return st;
}

/* ------------------------------------------------------- endorsement keys */

bool cm_enrolled_is_ek(const struct cm_material *m)
{
    struct cm_tpm_public pub;

    return m->kind == CM_MATERIAL_KEY && cm_tpm_public_recognise(m->bytes) &&
           cm_tpm_public_parse(m->bytes, &pub, NULL) == CM_OK &&
           (pub.attributes & CM_TPM_DECRYPT) != 0;
}

/* Whether the operator has enrolled this very public area. */
static bool is_enrolled(struct cm_enrolled_set *set, const struct cm_tpm_public *ek)
{
    struct cm_tpm_public pub;

    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct cm_enrolled *e = &set->item[i];

        if (strcmp(e->type, "Tpm") == 0 && cm_enrolled_is_ek(&e->material) &&
            cm_tpm_public_parse(e->material.bytes, &pub, NULL) == CM_OK &&
            cm_span_same(pub.bytes, ek->bytes)) {
            return true;
        }
    }
    return false;
}

/* The first check that failed, in words. */
static void explain(const struct cm_evidence *ev, enum cm_status st, struct cm_why *why)
{
    const struct cm_check *c = NULL;

    for (size_t i = 0; (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (c->required && c->result != CM_CHECK_PASS) {
            cm_why_set(why, "%s: %s%s%s", c->name, cm_status_str(c->status),
                       c->detail[0] != '\0' ? ": " : "", c->detail);
        }
    }
    cm_why_set(why, "the endorsement key: %s", cm_status_str(st));
}

static enum cm_status verify_cert(struct cm_decide_module_state *m,
                                  const struct cm_endorsement *claim,
                                  const struct cm_tpm_public *ek, struct cm_why *why)
{
    struct cm_engine_settings *s = cm_engine_settings(m->engine);
    const struct cm_verify_input in = {
        .now = cm_service_now(m->service), .roots = s->roots, .root_count = s->root_count};
    const struct cm_material with = {CM_MATERIAL_CERTS, "issuers", claim->chain};
    const struct cm_verify_job job = {
        .materials = &with, .material_count = claim->chain.len == 0 ? 0 : 1, .in = &in};
    struct cm_evidence *ev = cm_evidence_new("tpm");
    enum cm_status st = CM_ERR_NOMEM;

    if (ev != NULL) {
        st = cm_tpm_ek_verify(&job, claim->cert, ek, ev, 0);
    }
    if (st != CM_OK && ev != NULL) {
        explain(ev, st, why);
    }
    cm_evidence_free(ev);
    cm_settings_drop(s);
    return st;
}

enum cm_status cm_decide_endorsed(struct cm_service *s, const struct cm_endorsement *claim,
                                  const struct cm_tpm_public *ek, char sha256[65],
                                  struct cm_why *why)
{
    struct cm_decide_module_state *m = cm_decide_state(s);
    struct cm_enrolled_set *set = NULL;
    struct cm_pubkey *key = NULL;
    uint8_t spki[1024];
    uint8_t digest[CM_SHA256_SIZE] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_is_ek(ek, why));
    set = cm_engine_enrolled(m->engine);
    if (!is_enrolled(set, ek)) {
        if (claim->cert.len == 0) {
            cm_why_set(why, "the endorsement key is not enrolled, and has no certificate");
            st = CM_ERR_NOTFOUND;
            goto out;
        }
        CM_TRY(verify_cert(m, claim, ek, why));
    }
    CM_TRY(cm_tpm_public_key(ek, &key));
    CM_TRY(cm_pubkey_spki(key, spki, sizeof(spki), &len));
    CM_TRY(cm_sha256_of(cm_span_make(spki, len), digest));
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, sha256);
out:
    cm_enrolled_drop(set);
    cm_pubkey_free(key);
    return st;
}
