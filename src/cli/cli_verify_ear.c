/* See cli_verify_ear.h. */
#include "cli/cli_verify_ear.h"

#include <casemate/policy.h>
#include <stdlib.h>

#include "common/try.h"
#include "common/wipe.h"
#include "os/os.h"

#define EAR_CAP    (1u << 18)
#define KEY_MAX    (1u << 16)
#define POLICY_MAX (1u << 22)
#define EAR_MODE   0644

/* "policy:" and the hash of the policy's text. */
static enum cm_status policy_id(const char *path, char out[16 + CM_POLICY_HASH_CAP],
                                struct cm_why *why)
{
    char hash[CM_POLICY_HASH_CAP] = "";
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, POLICY_MAX, &text, &len, why));
    CM_TRY(cm_policy_hash(cm_span_make(text, len), hash));
    (void)snprintf(out, 16 + CM_POLICY_HASH_CAP, "policy:%s", hash);
out:
    free(text);
    return st;
}

enum cm_status cm_cli_ear_write(const struct cm_cli_verify *v, const struct cm_evidence *ev,
                                bool policy_refused, struct cm_why *why)
{
    char id[16 + CM_POLICY_HASH_CAP] = "";
    struct cm_ear ear = {
        .profile = v->ear_profile, .form = v->ear_form, .iat = v->time, .build = v->ear_build};
    uint8_t *key = NULL;
    uint8_t *out = malloc(EAR_CAP);
    size_t key_len = 0;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_NOMEM;
    }
    if (v->ear_key != NULL) {
        CM_TRY(cm_file_read(v->ear_key, KEY_MAX, &key, &key_len, why));
        ear.key = cm_span_make(key, key_len);
    }
    ear.policy_refused = policy_refused;
    if (v->policy != NULL) {
        CM_TRY(policy_id(v->policy, id, why));
        ear.policy_id = id;
    }
    if (v->nonce_len >= 8 && v->nonce_len <= 64) { /* what EAT takes as a nonce */
        ear.nonce = cm_span_make(v->nonce, v->nonce_len);
    }
    st = cm_ear_write(ev, &ear, out, EAR_CAP, &len);
    if (st == CM_ERR_FORMAT || st == CM_ERR_MISMATCH || st == CM_ERR_UNSUPPORTED) {
        cm_why_set(why, "%s is not a private key in PEM on P-256", v->ear_key);
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(st);
    CM_TRY(cm_file_write_atomic(v->ear, cm_span_make(out, len), EAR_MODE, why));
out:
    if (key != NULL) {
        cm_wipe(key, key_len);
    }
    free(key);
    free(out);
    return st;
}

void cm_cli_ear_print(const struct cm_evidence *ev, FILE *out)
{
    (void)fputs("\nAppraisal (AR4SI):\n", out);
    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        struct cm_appraisal a;

        if (cm_appraise(ev, i, &a) != CM_OK) {
            continue;
        }
        (void)fprintf(out, "  %-18s  %s\n", cm_evidence_name(ev, i), cm_trust_tier_name(a.status));
        for (size_t k = 0; k < CM_TRUST_CLAIMS; k++) {
            if (a.vector[k] != 0) {
                (void)fprintf(out, "    %-18s%3d %s\n", cm_trust_claim_name((enum cm_trust_claim)k),
                              a.vector[k], cm_trust_tier_name(cm_trust_tier_of(a.vector[k])));
            }
        }
    }
}
