/*
 * AzureGuest: the claims of a virtual machine, and its sealed token; see maa_guest.h. What the guest says about
 * itself (its operating system) stands under Azure's names for it and is vouched for by nobody.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "cvm/azure_hcl.h"
#include "evidence/claims.h"
#include "maa/maa_guest.h"
#include "tpm/tpm.h"

/* A text that the guest says about itself, in base64. */
static void put_text(json_t *out, const char *name, const json_t *info, const char *member)
{
    struct cm_maa_bytes text = {NULL, 0};

    if (cm_maa_base64_of(json_object_get(info, member), &text) == CM_OK) {
        /* what is not UTF-8 is no text, and left out */
        (void)json_object_set_new(out, name, json_stringn((const char *)text.ptr, text.len));
    }
    free(text.ptr);
}

static void put_int(json_t *out, const char *name, const json_t *info, const char *member)
{
    const json_t *v = json_object_get(info, member);

    if (json_is_integer(v)) {
        (void)json_object_set_new(out, name, json_integer(json_integer_value(v)));
    }
}

static const struct cm_claim *find(const struct cm_evidence *ev, const char *name)
{
    const struct cm_claim *c = NULL;

    for (size_t s = 0; s < cm_evidence_submods(ev) && c == NULL; s++) {
        c = cm_evidence_genuine(ev, s) ? cm_evidence_find(ev, s, name, 0) : NULL;
    }
    return c;
}

/* What the machine's own boot says where its log proves it, else what the paravisor was configured with. */
static void put_boot(json_t *out, const struct cm_evidence *ev)
{
    const struct cm_claim *secure = find(ev, "tpm.secure_boot");
    const struct cm_claim *id = find(ev, "azure.vm_unique_id");

    secure = secure == NULL ? find(ev, "azure.secure_boot") : secure;
    if (secure != NULL && secure->type == CM_CLAIM_TYPE_BOOL) {
        (void)json_object_set_new(out, "secureboot", json_boolean(secure->number != 0));
    }
    if (id != NULL && id->type == CM_CLAIM_TYPE_TEXT) {
        (void)json_object_set_new(out, "x-ms-azurevm-vmid", json_stringn(id->text, id->len));
    }
}

static json_t *attested_pcrs(const json_t *info)
{
    const json_t *list = json_object_get(json_object_get(info, "TpmInfo"), "PCRs");
    json_t *out = json_array();

    for (json_int_t n = 0; n < (json_int_t)CM_MAA_MAX_PCRS; n++) {
        for (size_t i = 0; i < json_array_size(list); i++) {
            if (json_integer_value(json_object_get(json_array_get(list, i), "Index")) == n) {
                (void)json_array_append_new(out, json_integer(n));
            }
        }
    }
    return out;
}

static enum cm_status add_claims(json_t *claims, const struct cm_maa_guest *g,
                                 const struct cm_decision *d)
{
    json_t *tee = cm_maa_verified(d);
    json_t *runtime = NULL;
    const char *type = NULL;
    enum cm_status st = cm_maa_json(cm_maa_span(&g->runtime), &runtime, NULL);

    if (tee == NULL || st != CM_OK) {
        json_decref(tee);
        return CM_ERR_NOMEM;
    }
    (void)json_object_set_new(tee, "x-ms-runtime", runtime);
    (void)json_object_set(tee, "x-ms-compliance-status",
                          json_object_get(claims, "x-ms-compliance-status"));
    (void)json_object_set_new(claims, "x-ms-isolation-tee", tee);
    (void)json_object_set_new(claims, "x-ms-attestation-type", json_string("azurevm"));
    (void)json_object_set_new(claims, "x-ms-azurevm-attestation-protocol-ver", json_string("2.0"));
    (void)json_object_set_new(claims, "x-ms-azurevm-attested-pcrs", attested_pcrs(g->info));
    put_text(claims, "x-ms-azurevm-ostype", g->info, "OSType");
    put_text(claims, "x-ms-azurevm-osdistro", g->info, "OSDistro");
    put_text(claims, "x-ms-azurevm-osbuild", g->info, "OSBuild");
    put_int(claims, "x-ms-azurevm-osversion-major", g->info, "OSVersionMajor");
    put_int(claims, "x-ms-azurevm-osversion-minor", g->info, "OSVersionMinor");
    type = json_string_value(json_object_get(claims, "x-ms-azurevm-ostype"));
    (void)json_object_set_new(claims, "x-ms-azurevm-is-windows",
                              json_boolean(type != NULL && strcasecmp(type, "Windows") == 0));
    put_boot(claims, d->evidence);
    return CM_OK;
}

/* The key to which the token is sealed, as a JWK, and what the client wants to read in the token. */
static enum cm_status add_runtime(json_t *claims, const struct cm_maa_guest *g)
{
    const json_t *payload = json_object_get(g->info, "ClientPayload");
    struct cm_tpm_public pub;
    uint8_t e[4] = {0};
    size_t skip = 0;
    json_t *runtime = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_parse(cm_maa_span(&g->enc_pub), &pub, NULL));
    for (size_t i = 0; i < sizeof(e); i++) {
        e[i] = (uint8_t)(pub.exponent >> (24 - 8 * i));
        skip += e[i] == 0 && skip == i ? 1 : 0;
    }
    runtime =
        json_pack("{s:[{s:s, s:s, s:[s], s:o, s:o}]}", "keys", "kid", "TpmEphemeralEncryptionKey",
                  "kty", "RSA", "key_ops", "encrypt", "n", cm_call_base64url(pub.x), "e",
                  cm_call_base64url(cm_span_make(e + skip, sizeof(e) - skip)));
    if (runtime == NULL ||
        (json_is_object(payload) &&
         json_object_set_new(runtime, "client-payload", json_deep_copy(payload)) != 0) ||
        json_object_set(claims, "x-ms-runtime", runtime) != 0) {
        st = CM_ERR_NOMEM;
    }
out:
    json_decref(runtime);
    return st;
}

/* The attestation key that the hardware's report vouches for: it verified the runtime data's hash. */
static enum cm_status attestation_key(const struct cm_maa_guest *g, struct cm_pubkey **out,
                                      struct cm_why *why)
{
    struct cm_evidence *scratch = cm_evidence_new("runtime");
    struct cm_hcl_runtime runtime = {0};
    struct cm_why own = {""}; /* it is written also when all is well */
    enum cm_status st = CM_ERR_NOMEM;

    if (scratch != NULL) {
        st = cm_hcl_runtime_read(cm_maa_span(&g->runtime), scratch, 0, &runtime, &own);
        *out = runtime.ak;
    }
    if (st != CM_OK) {
        cm_why_set(why, "%s", own.text);
    }
    cm_evidence_free(scratch);
    return st;
}

enum cm_status cm_maa_guest_answer(struct cm_call *call, const struct cm_maa_request *r,
                                   struct cm_decision *d, void *arg, json_t **out,
                                   struct cm_why *why)
{
    const struct cm_maa_guest *g = arg;
    const struct cm_maa_issue issue = {cm_call_base(call), d->time, d->id};
    const struct cm_maa_sealing sealing = {cm_maa_span(&g->enc_pub), cm_maa_span(&g->enc_info),
                                           cm_maa_span(&g->enc_sig)};
    struct cm_pubkey *ak = NULL;
    struct cm_pubkey *key = NULL;
    json_t *claims = NULL;
    char *token = NULL;
    char *sealed = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(attestation_key(g, &ak, why));
    CM_TRY(cm_maa_sealing_key(&sealing, ak, &key, why));
    CM_TRY(cm_maa_claims(&issue, r, d, &claims));
    CM_TRY(add_claims(claims, g, d));
    CM_TRY(add_runtime(claims, g));
    CM_TRY(cm_maa_sign(call->service, issue.base, claims, &token, why));
    CM_TRY(cm_maa_seal(key, token, &sealed));
    d->token = json_incref(claims); /* for the record */
    *out = json_pack("{s:s}", "token", sealed);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    cm_pubkey_free(ak);
    cm_pubkey_free(key);
    json_decref(claims);
    free(token);
    free(sealed);
    return st;
}
