/*
 * Trying things: evidence is decoded, verified and asked about, tokens are taken apart; nothing is recorded.
 * Untrusted: all of it.
 */
#include <casemate/verify.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "console/console_private.h"
#include "decide/decide.h"
#include "identity/identity.h"
#include "token/base64.h"
#include "verify/material_kind.h"

#define MAX_MATERIALS   8
#define MAX_REPORT_DATA 64
#define MAX_TOKEN       65536
#define JSON_FIRST      ((size_t)64 * 1024)
#define JSON_MOST       ((size_t)16 * 1024 * 1024)

/* What a request brings, decoded. */
struct trying {
    uint8_t *evidence;
    size_t evidence_len;
    uint8_t report_data[MAX_REPORT_DATA];
    size_t report_data_len;
    struct cm_material materials[MAX_MATERIALS];
    uint8_t *owned[MAX_MATERIALS];
    size_t material_count;
    const char *type; /* of a policy; NULL: by the evidence */
    const struct cm_rule_version *draft;
};

static void trying_free(struct trying *t)
{
    for (size_t i = 0; i < t->material_count; i++) {
        free(t->owned[i]);
    }
    free(t->evidence);
    cm_rules_release(t->draft);
}

/* Standard base64 with padding. */
static enum cm_status decode(const json_t *value, uint8_t **out, size_t *len, struct cm_why *why)
{
    const char *text = json_string_value(value);
    const size_t n = json_string_length(value);
    enum cm_status st = CM_OK;

    *out = NULL;
    if (text == NULL || n == 0) {
        cm_why_set(why, "evidence and materials are base64");
        return CM_ERR_PARAM;
    }
    *out = malloc(n);
    if (*out == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_base64_decode(cm_span_make(text, n), *out, n, len);
    if (st != CM_OK) {
        cm_why_set(why, "evidence and materials are standard base64 with padding");
        free(*out);
        *out = NULL;
    }
    return st;
}

static enum cm_status read_material(json_t *item, struct trying *t, struct cm_why *why)
{
    static const char *const names[] = {"kind", "content", NULL};
    const json_t *word = json_object_get(item, "kind");
    struct cm_material *m = &t->materials[t->material_count];
    uint8_t **owned = &t->owned[t->material_count];
    size_t len = 0;
    enum cm_status st = cm_json_only(item, "a material", names, why);

    if (st != CM_OK) {
        return st;
    }
    if (!json_is_string(word) ||
        !cm_material_brought(json_string_value(word), json_string_length(word), &m->kind)) {
        cm_why_set(why, "a material's kind is certs, crl, signature, pcrs, event-log, tpm-public,"
                        " quote or request");
        return CM_ERR_PARAM;
    }
    m->name = cm_material_word(m->kind);
    st = decode(json_object_get(item, "content"), owned, &len, why);
    if (st == CM_OK) {
        m->bytes = cm_span_make(*owned, len);
        t->material_count++;
    }
    return st;
}

static enum cm_status read_materials(const json_t *list, struct trying *t, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (list == NULL || json_is_null(list)) {
        return CM_OK;
    }
    if (!json_is_array(list) || json_array_size(list) > MAX_MATERIALS) {
        cm_why_set(why, "materials are an array of at most %d", MAX_MATERIALS);
        return CM_ERR_PARAM;
    }
    for (size_t i = 0; i < json_array_size(list) && st == CM_OK; i++) {
        st = read_material(json_array_get(list, i), t, why);
    }
    return st;
}

static enum cm_status read_bytes(const json_t *body, struct trying *t, struct cm_why *why)
{
    const json_t *data = json_object_get(body, "report_data");
    const char *hex = cm_access_text(body, "report_data");
    enum cm_status st = CM_OK;

    CM_TRY(decode(json_object_get(body, "evidence"), &t->evidence, &t->evidence_len, why));
    if (data != NULL && !json_is_null(data)) {
        t->report_data_len = hex == NULL ? 0 : strlen(hex) / 2;
        if (t->report_data_len == 0 || t->report_data_len > MAX_REPORT_DATA ||
            !cm_hex_decode(cm_span_make(hex, strlen(hex)), t->report_data, t->report_data_len)) {
            cm_why_set(why, "report_data is 1 to %d bytes in hexadecimal", MAX_REPORT_DATA);
            st = CM_ERR_PARAM;
            goto out;
        }
    }
    CM_TRY(read_materials(json_object_get(body, "materials"), t, why));
out:
    return st;
}

/* false: the call has been answered. */
static bool read_policy(struct cm_call *call, json_t *policy, struct trying *t)
{
    static const char *const names[] = {"type", "text", NULL};
    const char *type = cm_access_text(policy, "type");
    const char *text = cm_access_text(policy, "text");
    struct cm_why why = {""};

    if (policy == NULL || json_is_null(policy)) {
        return true;
    }
    if (cm_json_only(policy, "policy", names, &why) != CM_OK) {
        cm_call_fail_status(call, CM_ERR_PARAM, &why);
        return false;
    }
    t->type = type == NULL ? NULL : cm_rules_type(type);
    if (t->type == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "there is no such type of policy");
        return false;
    }
    if (text != NULL) {
        t->draft = cm_console_draft(call, t->type, text);
    }
    return text == NULL || t->draft != NULL;
}

/* ----------------------------------------------------------------- evidence */

static const char *description_of(enum cm_format format)
{
    static const char *const texts[] = {
        [CM_FORMAT_ANY] = "something unknown",
        [CM_FORMAT_DCAP] = "a quote of Intel SGX or TDX",
        [CM_FORMAT_SNP] = "an attestation report of AMD SEV-SNP",
        [CM_FORMAT_NITRO] = "an attestation document of AWS Nitro Enclaves",
        [CM_FORMAT_TPM] = "a quote of a TPM 2.0",
        [CM_FORMAT_AZURE_CVM] = "the evidence of a confidential VM of Azure",
        [CM_FORMAT_GCE] = "the vTPM's attestation of a VM of Google Compute Engine",
        [CM_FORMAT_GCP_TOKEN] = "a token of Google Confidential Space",
        [CM_FORMAT_CCA] = "a token of Arm CCA",
        [CM_FORMAT_PSA] = "a token of Arm PSA",
        [CM_FORMAT_OPTEE] = "a statement of OP-TEE's attestation",
        [CM_FORMAT_NVIDIA] = "measurements of an NVIDIA GPU or switch",
    };
    const size_t i = (size_t)format;

    return i < sizeof(texts) / sizeof(texts[0]) ? texts[i] : texts[0];
}

/* Something that a library writes as JSON into a buffer, which grows until it fits. */
struct writing {
    const struct cm_evidence *evidence;
    const struct cm_policy_outcome *outcome;
};

static json_t *write_json(const struct writing *w, enum cm_status *st)
{
    json_t *out = NULL;
    size_t len = 0;

    *st = CM_ERR_SPACE;
    for (size_t cap = JSON_FIRST; cap <= JSON_MOST && *st == CM_ERR_SPACE; cap *= 4) {
        char *text = malloc(cap);

        *st = text == NULL          ? CM_ERR_NOMEM
              : w->evidence != NULL ? cm_evidence_json(w->evidence, text, cap, &len)
                                    : cm_policy_outcome_json(w->outcome, text, cap, &len);
        if (*st == CM_OK) {
            out = cm_console_loads(text, len);
            *st = out == NULL ? CM_ERR_NOMEM : CM_OK;
        }
        free(text);
    }
    return out;
}

static json_t *policy_json(const struct cm_decision *d)
{
    const struct cm_rule_version *v = d->rule;

    return v == NULL ? json_null()
                     : json_pack("{ss sI ss ss}", "type", v->type, "version",
                                 (json_int_t)v->version, "hash", v->hash, "text", v->text);
}

static void answer_decision(struct cm_call *call, const struct trying *t,
                            const struct cm_decision *d)
{
    const enum cm_format format = cm_verify_recognise(cm_span_make(t->evidence, t->evidence_len));
    const struct cm_claim *tee = cm_evidence_find(d->evidence, 0, CM_CLAIM_TEE, 0);
    const struct writing evidence = {d->evidence, NULL};
    const struct writing outcome = {NULL, d->outcome};
    const char *name = cm_format_name(format);
    json_t *evidence_json = NULL;
    json_t *outcome_json = NULL;
    enum cm_status st = CM_OK;

    evidence_json = write_json(&evidence, &st);
    if (st == CM_OK && d->outcome != NULL) {
        outcome_json = write_json(&outcome, &st);
    }
    if (st != CM_OK) {
        json_decref(evidence_json);
        cm_call_fail_status(call, st, NULL);
        return;
    }
    cm_call_answer_json(call, 200,
                        json_pack("{ss? ss ss ss ss ss? sb so so so?}", "format", name,
                                  "description", description_of(format), "result",
                                  d->st == CM_OK ? "accepted" : "refused", "stage",
                                  d->stage == NULL ? "" : d->stage, "reason", d->why.text, "tee",
                                  tee != NULL && tee->type == CM_CLAIM_TYPE_TEXT ? tee->text : NULL,
                                  "emulated", d->emulated, "evidence", evidence_json, "policy",
                                  policy_json(d), "outcome", outcome_json));
}

static void decide(struct cm_call *call, const struct trying *t)
{
    const struct cm_decide_job job = {
        .api = "console",
        .policy_type = t->type,
        .draft = t->draft,
        .evidence = cm_span_make(t->evidence, t->evidence_len),
        .materials = t->materials,
        .material_count = t->material_count,
        .report_data =
            cm_span_make(t->report_data_len == 0 ? NULL : t->report_data, t->report_data_len),
        .client = call->who.name,
    };
    struct cm_decision *d = NULL;
    struct cm_why why = {""};
    const enum cm_status st = cm_decide(call->service, &job, true, &d, &why);

    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else if (d->evidence == NULL) {
        cm_call_fail(call, 400, "EvidenceFormat", "%s",
                     d->why.text[0] != '\0' ? d->why.text : "this is no evidence that is known");
    } else {
        answer_decision(call, t, d);
    }
    cm_decision_free(d);
}

void cm_console_try_evidence(struct cm_call *call, void *state)
{
    static const char *const names[] = {"evidence", "report_data", "materials", "policy", NULL};
    json_t *body = cm_access_body(call, names);
    struct trying t = {0};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    (void)state;
    if (body == NULL) {
        return;
    }
    st = read_bytes(body, &t, &why);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
    } else if (read_policy(call, json_object_get(body, "policy"), &t)) {
        decide(call, &t);
    }
    trying_free(&t);
}
