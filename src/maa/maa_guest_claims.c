/*
 * AzureGuest: the claims of a virtual machine, and its sealed token; see maa_guest.h. What the guest says about
 * itself (its operating system) stands under Azure's names for it and is vouched for by nobody.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "cvm/azure_hcl.h"
#include "evidence/certs.h"
#include "evidence/claims.h"
#include "maa/maa_guest.h"
#include "tpm/tpm.h"

/* A text that the guest says about itself, in base64. */
static void put_text(json_t *out, const char *name, const json_t *info, const char *member)
{
    struct cm_maa_bytes text = {NULL, 0};

    if (cm_maa_base64_of(json_object_get(info, member), &text) == CM_OK &&
        (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL)) {
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

enum cm_status cm_maa_guest_words(const json_t *info, json_t **out)
{
    json_t *words = json_object();
    const char *type = NULL;

    put_text(words, "x-ms-azurevm-ostype", info, "OSType");
    put_text(words, "x-ms-azurevm-osdistro", info, "OSDistro");
    put_text(words, "x-ms-azurevm-osbuild", info, "OSBuild");
    put_int(words, "x-ms-azurevm-osversion-major", info, "OSVersionMajor");
    put_int(words, "x-ms-azurevm-osversion-minor", info, "OSVersionMinor");
    type = json_string_value(json_object_get(words, "x-ms-azurevm-ostype"));
    (void)json_object_set_new(words, "x-ms-azurevm-is-windows",
                              json_boolean(type != NULL && strcasecmp(type, "Windows") == 0));
    *out = words;
    return words == NULL ? CM_ERR_NOMEM : CM_OK;
}

/* The hardware that isolates the machine, with claims of its own. */
static enum cm_status add_isolation(json_t *claims, const struct cm_maa_guest *g,
                                    const struct cm_decision *d)
{
    json_t *tee = NULL;
    json_t *runtime = NULL;
    enum cm_status st = CM_OK;

    if (!g->isolated) { /* nothing is, and Azure's finding is about what isolates */
        (void)json_object_del(claims, "x-ms-compliance-status");
        return CM_OK;
    }
    tee = cm_maa_verified(d);
    st = cm_maa_json(cm_maa_span(&g->runtime), &runtime, NULL);
    if (tee == NULL || st != CM_OK) {
        json_decref(tee);
        return CM_ERR_NOMEM;
    }
    (void)json_object_set_new(tee, "x-ms-runtime", runtime);
    (void)json_object_set(tee, "x-ms-compliance-status",
                          json_object_get(claims, "x-ms-compliance-status"));
    (void)json_object_set_new(claims, "x-ms-isolation-tee", tee);
    return CM_OK;
}

static enum cm_status add_claims(json_t *claims, const struct cm_maa_guest *g,
                                 const struct cm_maa_request *r, const struct cm_decision *d)
{
    json_t *machine = cm_maa_machine(d);
    enum cm_status st = machine == NULL ? CM_ERR_NOMEM : CM_OK;

    CM_TRY(st);
    (void)json_object_set_new(claims, "x-ms-attestation-type", json_string("azurevm"));
    (void)json_object_set_new(claims, "x-ms-azurevm-attestation-protocol-ver", json_string("2.0"));
    /* its own words first: what is proven takes their place */
    if (json_object_update(claims, r->custom) != 0 || json_object_update(claims, machine) != 0) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    st = add_isolation(claims, g, d);
out:
    json_decref(machine);
    return st;
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

/* Of a machine without a TEE: the key of the certificate that was verified. Enrolled keys have none. */
static enum cm_status certified_key(const struct cm_evidence *ev, struct cm_pubkey **out,
                                    struct cm_why *why)
{
    const struct cm_claim *der = cm_evidence_find(ev, 0, "tpm.ak_cert", 0);
    struct cm_certs *pool = NULL;
    const struct cm_cert *leaf = NULL;
    enum cm_status st = CM_OK;

    if (der == NULL || der->authority != CM_AUTHORITY_HARDWARE) {
        cm_why_set(why, "a TrustedLaunch machine's attestation key needs a certificate (AikCert)");
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(cm_certs_create_general(NULL, &pool));
    CM_TRY(cm_certs_add(pool, cm_span_make(der->bytes, der->len), &leaf, 1, NULL));
    st = cm_pubkey_copy(cm_cert_key(leaf), out);
out:
    cm_certs_free(pool);
    return st;
}

/* The attestation key that the hardware's report vouches for: it verified the runtime data's hash. */
static enum cm_status attestation_key(const struct cm_maa_guest *g, const struct cm_evidence *ev,
                                      struct cm_pubkey **out, struct cm_why *why)
{
    struct cm_evidence *scratch = NULL;
    struct cm_hcl_runtime runtime = {0};
    struct cm_why own = {""}; /* it is written also when all is well */
    enum cm_status st = CM_ERR_NOMEM;

    if (!g->isolated) {
        return certified_key(ev, out, why);
    }
    scratch = cm_evidence_new("runtime");
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
    char *said = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(attestation_key(g, d->evidence, &ak, why));
    CM_TRY(cm_maa_sealing_key(&sealing, ak, &key, why));
    CM_TRY(cm_maa_claims(&issue, r, d, &claims));
    CM_TRY(add_claims(claims, g, r, d));
    CM_TRY(add_runtime(claims, g));
    CM_TRY(cm_maa_sign(call->service, issue.base, claims, &token, &said, why));
    CM_TRY(cm_maa_seal(key, token, &sealed));
    d->token = said; /* for the record */
    said = NULL;
    *out = cm_maa_token_body(sealed);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    cm_pubkey_free(ak);
    cm_pubkey_free(key);
    json_decref(claims);
    free(token);
    free(said);
    free(sealed);
    return st;
}
