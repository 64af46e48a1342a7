/*
 * The dialogue with a TPM, as Azure documents it: a challenge; then a quote over it with registers and log,
 * in a JWS that the client signs. What counts is the quote, under the attestation key whose certificate leads
 * to a root of the operator's. Untrusted: every byte of both messages.
 *
 * The client's own key (attest_key) is bound to the TPM only if the quote is over the hash of challenge and
 * key; else whoever sees the quote could put a key of his own beside it, and the token names none.
 */
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/same.h"
#include "common/try.h"
#include "identity/identity.h"
#include "maa/maa_tpm.h"
#include "token/jws.h"
#include "tpm/tpm.h"

#define PCRS        24u
#define DAY         UINT64_C(86400)
#define MAX_MINUTES INT64_C(525600) /* a year */
#define MAX_PAYLOAD (1u << 20)

/* What the answer needs beside the decision; owned. */
struct tpm {
    json_t *payload;       /* of the JWS */
    json_t *att_data;      /* in it */
    json_t *context;       /* what the challenge was given for */
    json_t *key;           /* the client's, when the quote binds it; borrowed */
    uint8_t challenge[32]; /* as it was given */
};

static void tpm_free(void *arg)
{
    struct tpm *t = arg;

    if (t != NULL) {
        json_decref(t->payload);
        json_decref(t->context);
        free(t);
    }
}

static enum cm_status wrong(struct cm_why *why, const char *what)
{
    cm_why_set(why, "%s", what);
    return CM_ERR_FORMAT;
}

/* {"data": base64url of JSON} */
static void answer_data(struct cm_call *call, json_t *inner)
{
    char *text = inner == NULL ? NULL : json_dumps(inner, JSON_COMPACT);

    json_decref(inner);
    cm_call_answer_json(
        call, 200,
        text == NULL
            ? NULL
            : json_pack("{s:o}", "data", cm_call_base64url(cm_span_make(text, strlen(text)))));
    free(text);
}

/* A challenge, and for an attestation key without a certificate a credential for its TPM. */
static void challenge(struct cm_call *call, const json_t *payload)
{
    const char *type = json_string_value(json_object_get(payload, "type"));
    struct cm_maa_nonce nonce = {{0}, NULL, 0};
    json_t *credential = NULL;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (type != NULL && strcmp(type, "aikcert") == 0) {
        st = cm_maa_nonce_make(call, CM_MAA_NONCE_TPM, NULL, &nonce, &why);
    } else if (type != NULL && strcmp(type, "aikpub") == 0) {
        st = cm_maa_activate_begin(call, payload, &nonce, &credential, &why);
    } else {
        cm_call_fail(call, 400, "InvalidParameter",
                     "the type of a TPM's request is aikcert or aikpub");
        return;
    }
    if (st != CM_OK) {
        cm_maa_fail_input(call, st, &why);
        return;
    }
    answer_data(call,
                json_pack("{s:{s:o, s:o, s:o*}}", "payload", "challenge",
                          cm_call_base64url(cm_span_make(nonce.challenge, 32)), "service_context",
                          cm_call_base64url(cm_span_make(nonce.token, strlen(nonce.token))),
                          "credential", credential));
    free(nonce.token);
}

/* ------------------------------------------------------------------- evidence */

/* The quote's registers out of all that the claim has, in the order of its selection. */
static enum cm_status pick_pcrs(struct cm_maa_request *r, struct cm_span values, uint32_t alg,
                                struct cm_why *why)
{
    const size_t size = cm_tpm_hash_size((uint16_t)alg);
    struct cm_maa_bytes *out = &r->owned[r->material_count];
    struct cm_tpm_attest quote;
    uint32_t mask = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_attest_parse(cm_maa_span(&r->evidence), &quote, why));
    mask = cm_tpm_selected(&quote, (uint16_t)alg);
    if (alg > UINT16_MAX || size == 0 || values.len != PCRS * size || (mask >> PCRS) != 0) {
        return wrong(why, "current_claim has not the values of 24 registers of one hash");
    }
    out->ptr = malloc(PCRS * size);
    if (out->ptr == NULL) {
        return CM_ERR_NOMEM;
    }
    for (size_t i = 0; i < PCRS; i++) {
        if ((mask >> i & 1) != 0) {
            memcpy(out->ptr + out->len, values.ptr + i * size, size);
            out->len += size;
        }
    }
    r->materials[r->material_count++] =
        (struct cm_material){CM_MATERIAL_PCRS, "current_claim", cm_maa_span(out)};
out:
    return st;
}

static enum cm_status copy(struct cm_span from, struct cm_maa_bytes *out)
{
    out->ptr = malloc(from.len + 1);
    out->len = from.len;
    if (out->ptr == NULL) {
        return CM_ERR_NOMEM;
    }
    if (from.len != 0) {
        memcpy(out->ptr, from.ptr, from.len);
    }
    return CM_OK;
}

/*
 * NCRYPT_TPM_PLATFORM_ATTESTATION_STATEMENT of Windows: the mark, version, hash, three lengths, little
 * endian; then TPMT_SIGNATURE, TPMS_ATTEST and the values of 24 registers.
 */
enum cm_status cm_maa_tpm_claim(struct cm_span claim, struct cm_maa_request *r, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(claim);
    struct cm_span mark = cm_rd_take(&rd, 4);
    uint32_t version = cm_rd_u32le(&rd);
    uint32_t alg = cm_rd_u32le(&rd);
    uint32_t sig_len = cm_rd_u32le(&rd);
    uint32_t quote_len = cm_rd_u32le(&rd);
    uint32_t pcrs_len = cm_rd_u32le(&rd);
    struct cm_span sig = cm_rd_take(&rd, sig_len);
    struct cm_span quote = cm_rd_take(&rd, quote_len);
    struct cm_span pcrs = cm_rd_take(&rd, pcrs_len);
    struct cm_maa_bytes *kept = &r->owned[r->material_count];
    enum cm_status st = CM_OK;

    (void)version;
    if (cm_rd_finish(&rd) != CM_OK ||
        (memcmp(mark.ptr, "TPLA", 4) != 0 && memcmp(mark.ptr, "ALPT", 4) != 0)) {
        return wrong(why, "current_claim is not a claim about a platform");
    }
    CM_TRY(copy(quote, &r->evidence));
    CM_TRY(copy(sig, kept));
    r->materials[r->material_count++] =
        (struct cm_material){CM_MATERIAL_SIGNATURE, "current_claim", cm_maa_span(kept)};
    st = pick_pcrs(r, pcrs, alg, why);
out:
    return st;
}

static enum cm_status add_material(struct cm_maa_request *r, enum cm_material_kind kind,
                                   const json_t *object, const char *name, struct cm_why *why)
{
    const json_t *value = json_object_get(object, name);
    struct cm_maa_bytes *bytes = &r->owned[r->material_count];
    enum cm_status st = CM_OK;

    if (value == NULL || (json_is_string(value) && json_string_length(value) == 0)) {
        return CM_OK;
    }
    st = cm_maa_base64_of(value, bytes);
    if (st != CM_OK) {
        cm_why_set(why, "%s is not base64", name);
        return st == CM_ERR_NOMEM ? st : CM_ERR_FORMAT;
    }
    r->materials[r->material_count++] = (struct cm_material){kind, name, cm_maa_span(bytes)};
    return CM_OK;
}

static enum cm_status read_tpm_data(const json_t *data, struct cm_maa_request *r,
                                    struct cm_why *why)
{
    struct cm_maa_bytes claim = {NULL, 0};
    enum cm_status st = cm_maa_base64_of(json_object_get(data, "current_claim"), &claim);

    if (st != CM_OK) {
        st = st == CM_ERR_NOMEM ? st : wrong(why, "current_claim is missing, or not base64");
        goto out;
    }
    CM_TRY(cm_maa_tpm_claim(cm_maa_span(&claim), r, why));
    CM_TRY(add_material(r, CM_MATERIAL_CERTS, data, "aik_cert", why));
    st = add_material(r, CM_MATERIAL_EVENT_LOG, data, "srtm_boot_log", why);
out:
    free(claim.ptr);
    return st;
}

/* -------------------------------------------------------------------- request */

/* The context is one that this service gave, and the challenge is its. */
static enum cm_status check_context(struct cm_call *call, const char *use, struct tpm *t,
                                    struct cm_why *why)
{
    const json_t *data = t->att_data;
    struct cm_maa_bytes context = {NULL, 0};
    struct cm_maa_bytes said = {NULL, 0};
    char *token = NULL;
    enum cm_status st = CM_OK;

    if (cm_maa_base64_of(json_object_get(data, "service_context"), &context) != CM_OK ||
        cm_maa_base64_of(json_object_get(data, "challenge"), &said) != CM_OK) {
        st = wrong(why, "challenge or service_context is missing, or not base64");
        goto out;
    }
    token = strndup((const char *)context.ptr, context.len);
    if (token == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_maa_nonce_check(call, use, token, t->challenge, &t->context, why));
    if (!cm_span_same(cm_maa_span(&said), cm_span_make(t->challenge, 32))) {
        cm_why_set(why, "the challenge is not the service_context's");
        st = CM_ERR_MISMATCH;
    }
out:
    free(context.ptr);
    free(said.ptr);
    free(token);
    return st;
}

/* The hash of a challenge and of the key that signs the request, by its JWK thumbprint (RFC 7638). */
static enum cm_status bound_challenge(const uint8_t expected[32], const json_t *key,
                                      uint8_t out[32])
{
    json_t *members = json_pack("{s:O?, s:s, s:O?}", "e", json_object_get(key, "e"), "kty", "RSA",
                                "n", json_object_get(key, "n"));
    char *text = members == NULL ? NULL : json_dumps(members, JSON_COMPACT | JSON_SORT_KEYS);
    uint8_t thumbprint[32] = {0};
    const struct cm_span parts[] = {{expected, 32}, {thumbprint, sizeof(thumbprint)}};
    enum cm_status st = text == NULL ? CM_ERR_NOMEM : CM_OK;

    if (st == CM_OK) {
        st = cm_hash(CM_HASH_SHA256, cm_span_make(text, strlen(text)), thumbprint);
    }
    if (st == CM_OK) {
        st = cm_hash_parts(CM_HASH_SHA256, parts, 2, out);
    }
    json_decref(members);
    free(text);
    return st;
}

static enum cm_status verify_request(const struct cm_jws *jws, const json_t *key,
                                     struct cm_why *why)
{
    struct cm_json_node nodes[32];
    struct cm_json doc = {{NULL, 0}, NULL, 0};
    struct cm_pubkey *pub = NULL;
    char *text = json_is_object(key) ? json_dumps(key, JSON_COMPACT) : NULL;
    enum cm_status st = CM_ERR_FORMAT;

    if (text != NULL) {
        st = cm_json_parse(cm_span_make(text, strlen(text)), nodes, 32, &doc, NULL);
    }
    st = st == CM_OK ? cm_jwk_parse(cm_json_root(&doc), &pub) : st;
    st = st == CM_OK ? cm_jws_verify(jws, pub, CM_SIG_PS256) : st;
    if (st != CM_OK) {
        cm_why_set(why, "the request is not signed (PS256) with its attest_key");
    }
    cm_pubkey_free(pub);
    free(text);
    return st;
}

static enum cm_status read_payload(const struct cm_jws *jws, struct tpm *t, struct cm_why *why)
{
    uint8_t *bytes = malloc(MAX_PAYLOAD);
    size_t len = 0;
    const char *type = NULL;
    enum cm_status st = CM_OK;

    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_jws_payload(jws, bytes, MAX_PAYLOAD, &len));
    CM_TRY(cm_maa_json(cm_span_make(bytes, len), &t->payload, why));
    t->att_data = json_object_get(t->payload, "att_data");
    type = json_string_value(json_object_get(t->payload, "att_type"));
    if (type == NULL || strcmp(type, "basic") != 0 || !json_is_object(t->att_data)) {
        st = wrong(why, "att_type is not basic: reports of VBS enclaves are not published");
    }
out:
    free(bytes);
    return st;
}

/* Claims that the client makes about himself: a policy sees them if it names their issuer. */
static enum cm_status read_custom(const json_t *list, struct cm_maa_request *r)
{
    r->custom = json_object();
    for (size_t i = 0; r->custom != NULL && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        json_t *value = json_object_get(item, "value");

        if (name != NULL && name[0] != '\0' && json_is_string(value)) {
            (void)json_object_set(r->custom, name, value);
        }
    }
    return r->custom == NULL ? CM_ERR_NOMEM : CM_OK;
}

static enum cm_status read_request(struct cm_call *call, const char *request,
                                   struct cm_maa_request *r, struct tpm *t, struct cm_why *why)
{
    struct cm_jws *jws = malloc(sizeof(*jws));
    struct cm_tpm_attest quote;
    uint8_t bound[32] = {0};
    json_t *key = NULL;
    const json_t *data = NULL;
    bool activated = false;
    enum cm_status st = CM_OK;

    if (jws == NULL) {
        return CM_ERR_NOMEM;
    }
    r->tee = CM_MAA_TPM;
    r->policy_type = "Tpm";
    r->format = CM_FORMAT_TPM;
    CM_TRY(cm_jws_parse(cm_span_make(request, strlen(request)), jws, why));
    if (!cm_json_equal(cm_json_get(cm_json_root(&jws->header), "typ"), "attReq")) {
        st = wrong(why, "the request is not of the typ attReq");
        goto out;
    }
    CM_TRY(read_payload(jws, t, why));
    key = json_object_get(t->att_data, "attest_key");
    data = json_object_get(t->att_data, "tpm_att_data");
    activated = json_object_get(data, "credential") != NULL;
    CM_TRY(verify_request(jws, key, why));
    CM_TRY(check_context(call, activated ? CM_MAA_NONCE_ACTIVATE : CM_MAA_NONCE_TPM, t, why));
    memcpy(r->expected, t->challenge, sizeof(r->expected));
    if (activated) {
        CM_TRY(cm_maa_activate_end(data, t->context, r, why));
    }
    CM_TRY(read_tpm_data(data, r, why));
    CM_TRY(read_custom(json_object_get(t->att_data, "custom_claims"), r));
    CM_TRY(bound_challenge(r->expected, key, bound));
    CM_TRY(cm_tpm_attest_parse(cm_maa_span(&r->evidence), &quote, why));
    if (cm_span_same(quote.extra_data, cm_span_make(bound, sizeof(bound)))) {
        memcpy(r->expected, bound, sizeof(bound));
        t->key = key;
    }
    r->runtime.given = true; /* the quote must be over what is expected */
out:
    free(jws);
    return st;
}

/* --------------------------------------------------------------------- report */

/* A property that the policy issued; NULL: it did not. */
static bool property(const struct cm_decision *d, const char *name, struct cm_policy_claim *out)
{
    for (size_t i = 0; cm_policy_outcome_property(d->outcome, i, out); i++) {
        if (out->type.len == strlen(name) && memcmp(out->type.ptr, name, out->type.len) == 0) {
            return true;
        }
    }
    return false;
}

/* How long a report counts: what the policy says, at most a year; a day where it says nothing. */
static uint64_t lifetime(const struct cm_decision *d)
{
    struct cm_policy_claim p;

    if (property(d, "report_validity_in_minutes", &p) && p.value_type == CM_POLICY_INT &&
        p.number > 0) {
        return (uint64_t)(p.number > MAX_MINUTES ? MAX_MINUTES : p.number) * 60;
    }
    return DAY;
}

/* The payload is kept for the record. */
static enum cm_status sign(struct cm_call *call, struct cm_decision *d, json_t *claims, char **out,
                           struct cm_why *why)
{
    char jku[512] = "";
    struct cm_policy_claim p;
    bool omit = property(d, "omit_x5c", &p) && p.value_type == CM_POLICY_BOOL && p.number != 0;
    const struct cm_token_form form = {.type = "JWT", .jku = jku, .x5c = !omit};
    char *text = cm_call_text(claims);
    enum cm_status st = CM_ERR_NOMEM;

    (void)snprintf(jku, sizeof(jku), "%s/certs", cm_call_base(call));
    if (text != NULL) {
        st = cm_identity_sign(call->service, CM_SIGNER_TOKEN, &form,
                              cm_span_make(text, strlen(text)), out, why);
    }
    if (st == CM_OK) {
        d->token = text;
        text = NULL;
    }
    free(text);
    return st;
}

static enum cm_status make_report(struct cm_call *call, const struct cm_maa_request *r,
                                  struct cm_decision *d, void *arg, json_t **out,
                                  struct cm_why *why)
{
    const struct tpm *t = arg;
    const struct cm_maa_issue issue = {cm_call_base(call), d->time, d->id};
    const json_t *rp_data = json_object_get(t->att_data, "rp_data");
    const uint64_t end = d->time + lifetime(d);
    json_t *claims = NULL;
    json_t *report = NULL;
    char *token = NULL;
    char *text = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_maa_challenge_spend(call, t->context, why));
    CM_TRY(cm_maa_claims(&issue, r, d, &claims));
    (void)json_object_set_new(claims, "x-ms-attestation-type", json_string("tpm"));
    (void)json_object_set_new(claims, "exp", json_integer((json_int_t)end));
    if (json_is_string(rp_data)) {
        (void)json_object_set_new(claims, "rp_data", json_deep_copy(rp_data));
    }
    if (r->endorsement[0] != '\0') {
        (void)json_object_set_new(claims, "casemate.tpm-ek", json_string(r->endorsement));
    }
    if (t->key != NULL) {
        (void)json_object_set_new(claims, "cnf", json_pack("{s:o}", "jwk", json_deep_copy(t->key)));
    }
    CM_TRY(sign(call, d, claims, &token, why));
    report = json_pack("{s:s}", "report", token);
    text = report == NULL ? NULL : json_dumps(report, JSON_COMPACT);
    *out = text == NULL
               ? NULL
               : json_pack("{s:o}", "data", cm_call_base64url(cm_span_make(text, strlen(text))));
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(claims);
    json_decref(report);
    free(token);
    free(text);
    return st;
}

static void request(struct cm_call *call, const char *text)
{
    struct cm_maa_finish finish = {make_report, NULL, tpm_free};
    struct cm_maa_request *r = calloc(1, sizeof(*r));
    struct tpm *t = calloc(1, sizeof(*t));
    struct cm_why why = {""};
    enum cm_status st = CM_ERR_NOMEM;

    if (r != NULL && t != NULL) {
        st = read_request(call, text, r, t, &why);
    }
    if (st == CM_OK) {
        finish.arg = t;
        cm_maa_decide(call, "maa", r, &finish, cm_maa_attest_tpm);
        return;
    }
    tpm_free(t);
    cm_maa_request_free(r);
    cm_maa_fail_input(call, st, &why);
}

/* A challenge is given at once; whoever brings keys or a quote waits for a worker, and for the disk. A request counts
   as one whatever stands beside it, as it does below. */
static bool takes_time(const json_t *message)
{
    const char *type =
        json_string_value(json_object_get(json_object_get(message, "payload"), "type"));

    return json_is_string(json_object_get(message, "request")) || type == NULL ||
           strcmp(type, "aikcert") != 0;
}

void cm_maa_attest_tpm(struct cm_call *call, void *state)
{
    struct cm_maa_bytes text = {NULL, 0};
    struct cm_why why = {""};
    const json_t *body = NULL;
    json_t *inner = NULL;
    const json_t *jws = NULL;
    enum cm_status st = CM_OK;

    (void)state;
    if (!cm_maa_versioned(call)) {
        return;
    }
    body = cm_call_json(call);
    if (body == NULL) {
        return;
    }
    st = cm_maa_base64_of(json_object_get(body, "data"), &text);
    st = st == CM_OK ? cm_maa_json(cm_maa_span(&text), &inner, &why) : st;
    free(text.ptr);
    if (st != CM_OK) {
        cm_why_set(&why, "data is missing, or not base64 of JSON");
        cm_maa_fail_input(call, st, &why);
        return;
    }
    jws = json_object_get(inner, "request");
    if (call->db == NULL && takes_time(inner)) {
        cm_call_later(call, cm_maa_attest_tpm);
    } else if (json_is_string(jws)) {
        request(call, json_string_value(jws));
    } else {
        challenge(call, json_object_get(inner, "payload"));
    }
    json_decref(inner);
}
