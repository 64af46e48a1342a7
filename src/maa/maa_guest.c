/*
 * AzureGuest: reading what Azure's library for its virtual machines sends. The hardware's report (SEV-SNP) or
 * quote (TDX) vouches for runtime data, these for the virtual TPM's attestation key, that for a quote and for the
 * key to which the token is sealed. A Trusted Launch machine has no such hardware: its attestation key counts by
 * its certificate alone. Untrusted: the whole body.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "common/writer.h"
#include "cvm/azure_hcl.h"
#include "evidence/dcap_part.h"
#include "maa/maa_guest.h"

#define DIGEST      ((size_t)32)
#define LOG_HEADER  32u /* of a TCG_PCREvent, before its data */
#define HCL_VERSION 2u
#define HCL_REQUEST 2u
#define HCL_SHA256  1u

void cm_maa_guest_free(void *guest)
{
    struct cm_maa_guest *g = guest;

    if (g != NULL) {
        json_decref(g->info);
        free(g->runtime.ptr);
        free(g->enc_pub.ptr);
        free(g->enc_info.ptr);
        free(g->enc_sig.ptr);
        free(g);
    }
}

static enum cm_status wrong(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_FORMAT;
}

/* A member's base64. @retval CM_ERR_FORMAT absent, or none */
static enum cm_status take(const json_t *object, const char *name, struct cm_maa_bytes *out,
                           struct cm_why *why)
{
    enum cm_status st = cm_maa_base64_of(json_object_get(object, name), out);

    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "%s is missing, or not base64", name);
        st = CM_ERR_FORMAT;
    }
    return st;
}

/* A member's base64 as a further material. */
static enum cm_status add_material(struct cm_maa_request *r, enum cm_material_kind kind,
                                   const json_t *object, const char *name, struct cm_why *why)
{
    struct cm_maa_bytes *bytes = &r->owned[r->material_count];
    enum cm_status st = take(object, name, bytes, why);

    if (st == CM_OK) {
        r->materials[r->material_count++] = (struct cm_material){kind, name, cm_maa_span(bytes)};
    }
    return st;
}

/* Values of PCRs, in the order of their numbers: which one each is of, the signed quote says. */
static enum cm_status add_pcrs(struct cm_maa_request *r, const json_t *list, struct cm_why *why)
{
    struct cm_maa_bytes *out = &r->owned[r->material_count];
    const json_t *values[CM_MAA_MAX_PCRS] = {NULL};
    enum cm_status st = CM_OK;

    if (json_array_size(list) == 0 || json_array_size(list) > CM_MAA_MAX_PCRS) {
        return wrong(why, "PCRs is not a list of the registers' values");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *index = json_object_get(item, "Index");
        json_int_t n = json_is_integer(index) ? json_integer_value(index) : -1;

        if (n < 0 || n >= (json_int_t)CM_MAA_MAX_PCRS || values[n] != NULL) {
            return wrong(why, "PCRs has an Index that is none, or twice");
        }
        values[n] = json_object_get(item, "Digest");
    }
    out->ptr = malloc(CM_MAA_MAX_PCRS * DIGEST);
    if (out->ptr == NULL) {
        return CM_ERR_NOMEM;
    }
    for (size_t i = 0; i < CM_MAA_MAX_PCRS && st == CM_OK; i++) {
        struct cm_maa_bytes one = {NULL, 0};

        if (values[i] == NULL) {
            continue;
        }
        st = cm_maa_base64_of(values[i], &one);
        if (st == CM_OK && one.len == DIGEST) {
            memcpy(out->ptr + out->len, one.ptr, DIGEST);
            out->len += DIGEST;
        } else if (st != CM_ERR_NOMEM) {
            st = wrong(why, "PCRs has a Digest that is not one of SHA-256");
        }
        free(one.ptr);
    }
    r->materials[r->material_count++] =
        (struct cm_material){CM_MATERIAL_PCRS, "PCRs", cm_maa_span(out)};
    return st;
}

/* A log with nothing behind its header says nothing: some clients send it so because the member must be. */
static bool is_log(struct cm_span log)
{
    uint32_t size = 0;

    if (log.len < LOG_HEADER) {
        return false;
    }
    memcpy(&size, log.ptr + LOG_HEADER - 4, sizeof(size));
    return log.len - LOG_HEADER > size;
}

static enum cm_status add_log(struct cm_maa_request *r, const json_t *info, struct cm_why *why)
{
    const json_t *log = json_object_get(info, "TcgLogs");
    enum cm_status st = CM_OK;

    if (log == NULL || (json_is_string(log) && json_string_length(log) == 0)) {
        return CM_OK;
    }
    st = add_material(r, CM_MATERIAL_EVENT_LOG, info, "TcgLogs", why);
    if (st == CM_OK && !is_log(r->materials[r->material_count - 1].bytes)) {
        r->material_count--;
    }
    return st;
}

/* The hardware's report (of SEV-SNP, else none) and the runtime data as the paravisor's own report has them. */
static enum cm_status make_hcl(struct cm_maa_request *r, const struct cm_maa_bytes *runtime,
                               struct cm_why *why)
{
    const size_t cap = 32 + CM_HCL_REPORT_SIZE + 20 + runtime->len;
    struct cm_maa_bytes out = {malloc(cap), cap};
    struct cm_wr w = cm_wr_init(out.ptr, cap);
    const bool snp = r->evidence.len != 0;
    enum cm_status st = CM_OK;

    if (out.ptr == NULL) {
        return CM_ERR_NOMEM;
    }
    if (runtime->len == 0 || runtime->len > CM_HCL_MAX_RUNTIME) {
        st = wrong(why, "RunTimeData is empty, or too long");
        goto out;
    }
    cm_wr_bytes(&w, "HCLA", 4);
    cm_wr_u32le(&w, HCL_VERSION);
    cm_wr_u32le(&w, (uint32_t)cap);
    cm_wr_u32le(&w, HCL_REQUEST);
    cm_wr_fill(&w, 0, 16); /* status, reserved */
    if (snp) {
        cm_wr_bytes(&w, r->evidence.ptr, r->evidence.len);
    } else {
        cm_wr_fill(&w, 0, CM_HCL_REPORT_SIZE); /* no TD report: the TD quote is beside it */
    }
    cm_wr_u32le(&w, (uint32_t)(20 + runtime->len));
    cm_wr_u32le(&w, 1);
    cm_wr_u32le(&w, snp ? CM_HCL_SNP : CM_HCL_TDX);
    cm_wr_u32le(&w, HCL_SHA256);
    cm_wr_u32le(&w, (uint32_t)runtime->len);
    cm_wr_bytes(&w, runtime->ptr, runtime->len);
    CM_TRY(cm_wr_finish(&w));
    free(r->evidence.ptr);
    r->evidence = out;
    out.ptr = NULL;
out:
    free(out.ptr);
    return st;
}

/* "Proof" of SEV-SNP: JSON, or base64 of it. */
static enum cm_status read_snp(const json_t *evidence, struct cm_maa_request *r, struct cm_why *why)
{
    const json_t *proof = json_object_get(evidence, "Proof");
    struct cm_maa_bytes text = {NULL, 0};
    json_t *inner = NULL;
    enum cm_status st = CM_OK;

    if (json_is_string(proof)) {
        CM_TRY(take(evidence, "Proof", &text, why));
        CM_TRY(cm_maa_json(cm_maa_span(&text), &inner, why));
        proof = inner;
    }
    st = cm_maa_snp_proof(proof, r, why);
out:
    free(text.ptr);
    json_decref(inner);
    return st;
}

/* "Proof" of TDX: base64 of a TD quote, which has the hash of the runtime data. */
static enum cm_status read_tdx(const json_t *evidence, struct cm_maa_request *r, struct cm_why *why)
{
    enum cm_status st = add_material(r, CM_MATERIAL_QUOTE, evidence, "Proof", why);

    if (st == CM_OK && !cm_dcap_recognise(r->materials[r->material_count - 1].bytes)) {
        st = wrong(why, "Proof is not a TD quote");
    }
    return st;
}

enum isolation { SEV_SNP, TDX, TRUSTED_LAUNCH, NO_ISOLATION };

static enum isolation isolation_of(const json_t *isolation)
{
    static const struct {
        const char *name;
        enum isolation kind;
    } names[] = {{"SevSnp", SEV_SNP},
                 {"Tdx", TDX},
                 {"TdxVm", TDX},
                 {"TrustedLaunch", TRUSTED_LAUNCH},
                 {"Tvm", TRUSTED_LAUNCH}};
    const char *type = json_string_value(json_object_get(isolation, "Type"));

    for (size_t i = 0; type != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(names[i].name, type) == 0) {
            return names[i].kind;
        }
    }
    return NO_ISOLATION;
}

/* {"Type", "Evidence": {"Proof", "RunTimeData"}} */
static enum cm_status read_isolation(const json_t *isolation, struct cm_maa_request *r,
                                     struct cm_maa_guest *g, struct cm_why *why)
{
    const enum isolation kind = isolation_of(isolation);
    const json_t *evidence = json_object_get(isolation, "Evidence");
    enum cm_status st = CM_OK;

    if (kind == NO_ISOLATION) {
        return wrong(why, "IsolationInfo has none of the Types SevSnp, TDX and TrustedLaunch");
    }
    g->isolated = kind != TRUSTED_LAUNCH;
    if (!g->isolated) {
        return CM_OK;
    }
    CM_TRY(kind == SEV_SNP ? read_snp(evidence, r, why) : read_tdx(evidence, r, why));
    CM_TRY(take(evidence, "RunTimeData", &g->runtime, why));
    st = make_hcl(r, &g->runtime, why);
out:
    return st;
}

/* Whose quote it is: the hardware says so, or the attestation key's certificate does. */
static enum cm_status read_quote(const json_t *tpm, struct cm_maa_request *r,
                                 const struct cm_maa_guest *g, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (g->isolated) {
        return add_material(r, CM_MATERIAL_QUOTE, tpm, "PcrQuote", why);
    }
    r->format = CM_FORMAT_TPM;
    r->natural = "AzureGuest";
    CM_TRY(take(tpm, "PcrQuote", &r->evidence, why));
    st = add_material(r, CM_MATERIAL_CERTS, tpm, "AikCert", why);
out:
    return st;
}

static enum cm_status read_tpm(const json_t *tpm, struct cm_maa_request *r, struct cm_maa_guest *g,
                               struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(read_quote(tpm, r, g, why));
    CM_TRY(add_material(r, CM_MATERIAL_SIGNATURE, tpm, "PcrSignature", why));
    CM_TRY(add_pcrs(r, json_object_get(tpm, "PCRs"), why));
    CM_TRY(take(tpm, "EncKeyPub", &g->enc_pub, why));
    CM_TRY(take(tpm, "EncKeyCertifyInfo", &g->enc_info, why));
    st = take(tpm, "EncKeyCertifyInfoSignature", &g->enc_sig, why);
out:
    return st;
}

enum cm_status cm_maa_guest_read(const json_t *body, struct cm_maa_request *r,
                                 struct cm_maa_guest *g, struct cm_why *why)
{
    bool twice = false;
    struct cm_maa_bytes text = {NULL, 0};
    enum cm_status st = cm_maa_base64_of(cm_maa_member(body, "attestationInfo", &twice), &text);

    if (st != CM_OK) {
        st = st == CM_ERR_NOMEM ? st : wrong(why, "attestationInfo is missing, or not base64");
        goto out;
    }
    CM_TRY(cm_maa_json(cm_maa_span(&text), &g->info, why));
    r->tee = CM_MAA_GUEST;
    r->policy_type = "AzureGuest";
    r->format = CM_FORMAT_AZURE_CVM;
    CM_TRY(read_isolation(json_object_get(g->info, "IsolationInfo"), r, g, why));
    CM_TRY(read_tpm(json_object_get(g->info, "TpmInfo"), r, g, why));
    CM_TRY(cm_maa_guest_words(g->info, &r->custom));
    st = add_log(r, g->info, why);
out:
    free(text.ptr);
    return st;
}

void cm_maa_attest_guest(struct cm_call *call, void *state)
{
    struct cm_maa_finish finish = {cm_maa_guest_answer, NULL, cm_maa_guest_free};
    struct cm_maa_request *r = NULL;
    struct cm_maa_guest *g = NULL;
    struct cm_why why = {""};
    const json_t *body = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_maa_versioned(call)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    r = calloc(1, sizeof(*r));
    g = calloc(1, sizeof(*g));
    st = r == NULL || g == NULL ? CM_ERR_NOMEM : cm_maa_guest_read(body, r, g, &why);
    if (st == CM_OK) {
        finish.arg = g;
        cm_maa_decide(call, "maa", r, &finish, cm_maa_attest_guest);
        return;
    }
    cm_maa_guest_free(g);
    cm_maa_request_free(r);
    cm_maa_fail_input(call, st, &why);
}
