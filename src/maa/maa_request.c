/* Bodies of requests to attest; see maa_private.h. Untrusted: every byte. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/reader.h"
#include "common/same.h"
#include "common/try.h"
#include "crypto/hash.h"
#include "evidence/quote.h"
#include "maa/maa_private.h"

#define OE_HEADER       16u
#define OE_VERSION      1u
#define OE_REMOTE       2u
#define MAX_NONCE       1024u
#define MAX_RUNTIME     (256u << 10)
#define QUOTE_TEE_AT    4u
#define SNP_REPORT_SIZE 1184u

/* The first of two names that is there: Azure's of today, and the one of 2018. */
static const json_t *member(const json_t *body, const char *name, const char *old, bool *bad)
{
    bool twice = false;
    const json_t *v = cm_maa_member(body, name, &twice);

    *bad = *bad || twice;
    if (v == NULL && old != NULL) {
        v = cm_maa_member(body, old, &twice);
        *bad = *bad || twice;
    }
    return v;
}

static enum cm_status wrong(struct cm_why *why, const char *name, const char *what)
{
    cm_why_set(why, "%s %s", name, what);
    return CM_ERR_FORMAT;
}

/* ------------------------------------------------------- runtime, initialisation */

static enum cm_status read_data(const json_t *object, const char *name, struct cm_maa_data *out,
                                struct cm_why *why)
{
    bool bad = false;
    const json_t *data = member(object, "data", NULL, &bad);
    const json_t *type = member(object, "dataType", NULL, &bad);
    const char *kind = type == NULL ? "Binary" : json_string_value(type);
    enum cm_status st = CM_OK;

    if (bad || !json_is_object(object) || data == NULL || kind == NULL) {
        return wrong(why, name, "is not {\"data\", \"dataType\"}");
    }
    st = cm_maa_base64_of(data, &out->bytes);
    if (st != CM_OK) {
        return st == CM_ERR_NOMEM ? st : wrong(why, name, "has data that is not base64");
    }
    if (out->bytes.len > MAX_RUNTIME) {
        cm_why_set(why, "%s is longer than %u bytes", name, MAX_RUNTIME);
        return CM_ERR_LIMIT;
    }
    out->given = true;
    if (strcasecmp(kind, "Binary") == 0) {
        return CM_OK;
    }
    if (strcasecmp(kind, "JSON") != 0) {
        return wrong(why, name, "has a dataType that is neither Binary nor JSON");
    }
    CM_TRY(cm_maa_json(cm_maa_span(&out->bytes), &out->json, why));
    if (!json_is_object(out->json)) {
        st = wrong(why, name, "of dataType JSON is not a JSON object");
    }
out:
    return st;
}

/* EnclaveHeldData, as the first version of the API had it: the bytes alone. */
static enum cm_status read_held_data(const json_t *value, struct cm_maa_data *out,
                                     struct cm_why *why)
{
    enum cm_status st = cm_maa_base64_of(value, &out->bytes);

    if (st != CM_OK) {
        return st == CM_ERR_NOMEM ? st : wrong(why, "EnclaveHeldData", "is not base64");
    }
    out->given = true;
    return CM_OK;
}

static enum cm_status read_bindings(const json_t *body, struct cm_maa_request *r,
                                    struct cm_why *why)
{
    bool bad = false;
    const json_t *runtime = member(body, "runtimeData", NULL, &bad);
    const json_t *held = member(body, "EnclaveHeldData", NULL, &bad);
    const json_t *init = member(body, "initTimeData", NULL, &bad);
    enum cm_status st = CM_OK;

    if (bad || (runtime != NULL && held != NULL)) {
        return wrong(why, "runtimeData", "is there twice");
    }
    if (runtime != NULL) {
        CM_TRY(read_data(runtime, "runtimeData", &r->runtime, why));
    } else if (held != NULL) {
        CM_TRY(read_held_data(held, &r->runtime, why));
    }
    if (init != NULL) {
        CM_TRY(read_data(init, "initTimeData", &r->init, why));
    }
    if (r->runtime.given) {
        CM_TRY(cm_hash(CM_HASH_SHA256, cm_maa_span(&r->runtime.bytes), r->expected));
    }
    r->custom = json_object();
    if (r->custom == NULL ||
        (r->runtime.json != NULL &&
         json_object_set(r->custom, "x-ms-runtime", r->runtime.json) != 0) ||
        (r->init.json != NULL && json_object_set(r->custom, "x-ms-inittime", r->init.json) != 0)) {
        st = CM_ERR_NOMEM;
    }
out:
    return st;
}

static enum cm_status read_nonce(const json_t *body, struct cm_maa_request *r, struct cm_why *why)
{
    bool bad = false;
    const json_t *nonce = member(body, "nonce", NULL, &bad);

    if (bad || (nonce != NULL && !json_is_integer(nonce) &&
                (!json_is_string(nonce) || json_string_length(nonce) > MAX_NONCE))) {
        return wrong(why, "nonce", "is neither a short string nor an integer");
    }
    r->nonce = nonce;
    return CM_OK;
}

static enum cm_status read_draft(const json_t *body, struct cm_maa_request *r, struct cm_why *why)
{
    bool bad = false;
    const json_t *draft = member(body, "draftPolicyForAttestation", NULL, &bad);

    if (draft == NULL && !bad) {
        return CM_OK;
    }
    if (bad || !json_is_string(draft) || r->tee == CM_MAA_TDX) {
        return wrong(why, "draftPolicyForAttestation",
                     r->tee == CM_MAA_TDX ? "does not exist for TDX" : "is not a string");
    }
    r->draft.ptr = (uint8_t *)strdup(json_string_value(draft));
    r->draft.len = json_string_length(draft);
    return r->draft.ptr == NULL ? CM_ERR_NOMEM : CM_OK;
}

/* ----------------------------------------------------------------- evidence */

/* Behind Open Enclave's header is the quote, and nothing else. */
static enum cm_status strip_oe(struct cm_maa_bytes *report, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(cm_maa_span(report));
    uint32_t version = cm_rd_u32le(&rd);
    uint32_t type = cm_rd_u32le(&rd);
    uint64_t size = cm_rd_u64le(&rd);

    if (report->len < OE_HEADER || version != OE_VERSION || type != OE_REMOTE ||
        size != report->len - OE_HEADER) {
        return wrong(why, "report",
                     "is not one of the Open Enclave SDK: its header does not fit (a bare quote "
                     "goes to /attest/SgxEnclave)");
    }
    memmove(report->ptr, report->ptr + OE_HEADER, report->len - OE_HEADER);
    report->len -= OE_HEADER;
    return CM_OK;
}

/* A quote of another TEE would be judged by the wrong policy. */
static enum cm_status check_quote(const struct cm_maa_request *r, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(cm_maa_span(&r->evidence));
    uint16_t version = cm_rd_u16le(&rd);
    uint16_t key_type = cm_rd_u16le(&rd);
    uint32_t tee = cm_rd_u32le(&rd);
    bool tdx = version >= 4 && tee == CM_QUOTE_TEE_TDX;
    bool sgx = version == 3 || tee == CM_QUOTE_TEE_SGX;

    (void)key_type;
    if (r->evidence.len < QUOTE_TEE_AT + 4 || (r->tee == CM_MAA_TDX ? !tdx : !sgx)) {
        return wrong(why, r->tee == CM_MAA_OE ? "report" : "quote",
                     r->tee == CM_MAA_TDX ? "is not of a TDX guest" : "is not of an SGX enclave");
    }
    return CM_OK;
}

enum cm_status cm_maa_snp_proof(const json_t *proof, struct cm_maa_request *r, struct cm_why *why)
{
    bool bad = false;
    const json_t *report = member(proof, "SnpReport", NULL, &bad);
    const json_t *chain = member(proof, "VcekCertChain", NULL, &bad);
    enum cm_status st = CM_OK;

    if (bad || !json_is_object(proof) || report == NULL) {
        return wrong(why, "report", "is not {\"SnpReport\", \"VcekCertChain\"}");
    }
    st = cm_maa_base64_of(report, &r->evidence);
    if (st != CM_OK || r->evidence.len != SNP_REPORT_SIZE) {
        return st == CM_ERR_NOMEM ? st : wrong(why, "SnpReport", "is not a report in base64");
    }
    if (chain != NULL && (!json_is_string(chain) || json_string_length(chain) != 0)) {
        struct cm_maa_bytes *bytes = &r->owned[r->material_count];

        st = cm_maa_base64_of(chain, bytes);
        if (st != CM_OK) {
            return st == CM_ERR_NOMEM ? st : wrong(why, "VcekCertChain", "is not base64");
        }
        r->materials[r->material_count++] =
            (struct cm_material){CM_MATERIAL_CERTS, "VcekCertChain", cm_maa_span(bytes)};
    }
    return CM_OK;
}

static enum cm_status read_snp(const json_t *value, struct cm_maa_request *r, struct cm_why *why)
{
    struct cm_maa_bytes text = {NULL, 0};
    json_t *proof = NULL;
    enum cm_status st = cm_maa_base64_of(value, &text);

    if (st != CM_OK) {
        st = st == CM_ERR_NOMEM ? st : wrong(why, "report", "is not base64");
        goto out;
    }
    CM_TRY(cm_maa_json(cm_maa_span(&text), &proof, why));
    st = cm_maa_snp_proof(proof, r, why);
out:
    json_decref(proof);
    free(text.ptr);
    return st;
}

static enum cm_status read_evidence(const json_t *body, struct cm_maa_request *r,
                                    struct cm_why *why)
{
    bool quoted = r->tee == CM_MAA_SGX || r->tee == CM_MAA_TDX;
    const char *name = quoted ? "quote" : "report";
    bool bad = false;
    const json_t *value = member(body, name, r->tee == CM_MAA_OE ? "quote" : NULL, &bad);
    enum cm_status st = CM_OK;

    if (bad || value == NULL) {
        return wrong(why, name, "is missing, or there twice");
    }
    if (r->tee == CM_MAA_SNP) {
        return read_snp(value, r, why);
    }
    st = cm_maa_base64_of(value, &r->evidence);
    if (st != CM_OK) {
        return st == CM_ERR_NOMEM ? st : wrong(why, name, "is not base64");
    }
    if (r->tee == CM_MAA_OE) {
        CM_TRY(strip_oe(&r->evidence, why));
    }
    st = check_quote(r, why);
out:
    return st;
}

enum cm_status cm_maa_request_read(const json_t *body, struct cm_maa_request *out,
                                   struct cm_why *why)
{
    static const struct {
        const char *policy;
        enum cm_format format;
    } kinds[] = {
        [CM_MAA_SGX] = {"SgxEnclave", CM_FORMAT_DCAP},
        [CM_MAA_OE] = {"OpenEnclave", CM_FORMAT_DCAP},
        [CM_MAA_SNP] = {"SevSnpVm", CM_FORMAT_SNP},
        [CM_MAA_TDX] = {"TdxVm", CM_FORMAT_DCAP},
    };
    enum cm_status st = CM_OK;

    out->policy_type = kinds[out->tee].policy;
    out->format = kinds[out->tee].format;
    CM_TRY(read_evidence(body, out, why));
    CM_TRY(read_bindings(body, out, why));
    CM_TRY(read_nonce(body, out, why));
    st = read_draft(body, out, why);
out:
    return st;
}

static void data_free(struct cm_maa_data *d)
{
    free(d->bytes.ptr);
    json_decref(d->json);
}

void cm_maa_request_free(struct cm_maa_request *r)
{
    if (r == NULL) {
        return;
    }
    free(r->evidence.ptr);
    for (size_t i = 0; i < CM_MAA_MAX_MATERIALS; i++) {
        free(r->owned[i].ptr);
    }
    data_free(&r->runtime);
    data_free(&r->init);
    free(r->draft.ptr);
    json_decref(r->custom);
    free(r->activated.ptr);
    free(r);
}

/* --------------------------------------------------------- initialisation data */

/* Whether a field is a digest and zeros behind it. */
static bool is_digest(const struct cm_claim *field, const uint8_t *digest, size_t len)
{
    size_t rest = 0;

    if (field == NULL || field->bytes == NULL || field->len < len ||
        !cm_span_same(cm_span_make(field->bytes, len), cm_span_make(digest, len))) {
        return false;
    }
    for (size_t i = len; i < field->len; i++) {
        rest |= field->bytes[i];
    }
    return rest == 0;
}

enum cm_status cm_maa_init_check(const struct cm_maa_request *r, const struct cm_evidence *ev,
                                 struct cm_why *why)
{
    static const char *const fields[] = {[CM_MAA_SGX] = "sgx.configid",
                                         [CM_MAA_OE] = "sgx.configid",
                                         [CM_MAA_SNP] = "snp.host_data",
                                         [CM_MAA_TDX] = "tdx.mrconfigid"};
    const struct cm_claim *field = NULL;
    uint8_t digest[48] = {0};
    enum cm_status st = CM_OK;

    if (!r->init.given) {
        return CM_OK;
    }
    if (r->tee > CM_MAA_TDX) {
        return CM_ERR_UNSUPPORTED;
    }
    field = cm_evidence_find(ev, 0, fields[r->tee], 0);
    CM_TRY(cm_hash(CM_HASH_SHA256, cm_maa_span(&r->init.bytes), digest));
    if (is_digest(field, digest, 32)) {
        return CM_OK;
    }
    CM_TRY(cm_hash(CM_HASH_SHA384, cm_maa_span(&r->init.bytes), digest));
    if (r->tee == CM_MAA_TDX && is_digest(field, digest, 48)) {
        return CM_OK;
    }
    cm_why_set(why, "initTimeData is not what the evidence was made with: %s is not its SHA-256",
               fields[r->tee]);
    st = CM_ERR_MISMATCH;
out:
    return st;
}
