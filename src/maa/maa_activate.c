/*
 * Credential activation within the dialogue with a TPM: a secret that only the TPM of a trusted endorsement key can
 * decrypt, and only for one attestation key that it holds; and that no challenge counts twice. Untrusted: all that
 * the client sends. What was asked is in the context, which this service signed: nothing of it is remembered.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/same.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "crypto/keyenc.h"
#include "decide/decide_endorse.h"
#include "maa/maa_tpm.h"
#include "tpm/tpm_credential.h"

#define SECRET 32u

/* What the first message of an activation brings. */
struct asked {
    struct cm_maa_bytes ak;
    struct cm_maa_bytes ek;
    struct cm_maa_bytes cert;
    struct cm_maa_bytes chain;
    struct cm_tpm_public ak_pub;
    struct cm_tpm_public ek_pub;
};

static void asked_free(struct asked *a)
{
    free(a->ak.ptr);
    free(a->ek.ptr);
    free(a->cert.ptr);
    free(a->chain.ptr);
}

static enum cm_status take(const json_t *object, const char *name, bool optional,
                           struct cm_maa_bytes *out, struct cm_why *why)
{
    const json_t *value = json_object_get(object, name);
    enum cm_status st = CM_OK;

    if (optional && value == NULL) {
        return CM_OK;
    }
    st = cm_maa_base64_of(value, out);
    if (st != CM_OK && st != CM_ERR_NOMEM) {
        cm_why_set(why, "%s is missing, or not base64", name);
        st = CM_ERR_FORMAT;
    }
    return st;
}

/* An attestation key that a TPM made and keeps; its name is a hash that holds. */
static enum cm_status parse_ak(struct cm_span bytes, struct cm_tpm_public *out, struct cm_why *why)
{
    enum cm_status st = cm_tpm_public_parse(bytes, out, why);

    if (st == CM_OK) {
        st = cm_tpm_public_is_ak(out, why);
    }
    if (st == CM_OK && cm_tpm_hash_size(out->name_alg) < CM_SHA256_SIZE) {
        cm_why_set(why, "the attestation key's name is a hash of less than SHA-256");
        st = CM_ERR_POLICY;
    }
    return st;
}

static enum cm_status read_asked(const json_t *payload, struct asked *a, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(take(payload, "aik_pub", false, &a->ak, why));
    CM_TRY(take(payload, "ek_pub", false, &a->ek, why));
    CM_TRY(take(payload, "ek_cert", true, &a->cert, why));
    CM_TRY(take(payload, "ek_chain", true, &a->chain, why));
    CM_TRY(parse_ak(cm_maa_span(&a->ak), &a->ak_pub, why));
    st = cm_tpm_public_parse(cm_maa_span(&a->ek), &a->ek_pub, why);
out:
    return st;
}

static enum cm_status hex_of(struct cm_span bytes, char out[65])
{
    uint8_t digest[CM_SHA256_SIZE] = {0};
    enum cm_status st = cm_sha256_of(bytes, digest);

    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, out);
    return st;
}

/* The secret's hash tells nothing of it: it is 32 random bytes. */
static enum cm_status make_context(struct cm_call *call, const struct asked *a, const char *ek,
                                   struct cm_span secret, struct cm_maa_nonce *out,
                                   struct cm_why *why)
{
    char ak[65] = "";
    char proof[65] = "";
    json_t *more = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(hex_of(a->ak_pub.bytes, ak));
    CM_TRY(hex_of(secret, proof));
    more = json_pack("{s:s, s:s, s:s}", "ak", ak, "ek", ek, "proof", proof);
    st = more == NULL ? CM_ERR_NOMEM
                      : cm_maa_nonce_make(call, CM_MAA_NONCE_ACTIVATE, more, out, why);
out:
    json_decref(more);
    return st;
}

enum cm_status cm_maa_activate_begin(struct cm_call *call, const json_t *payload,
                                     struct cm_maa_nonce *out, json_t **credential,
                                     struct cm_why *why)
{
    struct asked a;
    uint8_t secret[SECRET] = {0};
    uint8_t name[2 + CM_TPM_MAX_DIGEST] = {0};
    uint8_t blob[CM_TPM_CREDENTIAL_MAX];
    char ek[65] = "";
    size_t name_len = 0;
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(&a, 0, sizeof(a));
    CM_TRY(read_asked(payload, &a, why));
    CM_TRY(cm_decide_endorsed(call->service,
                              &(struct cm_endorsement){cm_maa_span(&a.cert), cm_maa_span(&a.chain)},
                              &a.ek_pub, ek, why));
    CM_TRY(cm_tpm_public_name(&a.ak_pub, name, &name_len));
    CM_TRY(cm_random_bytes(secret, sizeof(secret)));
    st = cm_tpm_make_credential(&a.ek_pub, cm_span_make(name, name_len),
                                cm_span_make(secret, sizeof(secret)), blob, &len);
    if (st != CM_OK) {
        cm_why_set(why, "no credential can be made for this endorsement key");
        goto out;
    }
    CM_TRY(make_context(call, &a, ek, cm_span_make(secret, sizeof(secret)), out, why));
    *credential = cm_call_base64url(cm_span_make(blob, len));
out:
    cm_wipe(secret, sizeof(secret));
    asked_free(&a);
    return st;
}

/* A hash that stands in the context, compared in constant time. */
static bool is_hash(const json_t *context, const char *name, struct cm_span bytes)
{
    const char *said = json_string_value(json_object_get(context, name));
    char hex[65] = "";

    return said != NULL && strlen(said) == 64 && hex_of(bytes, hex) == CM_OK &&
           cm_ct_equal(said, hex, 64);
}

enum cm_status cm_maa_activate_end(const json_t *tpm_data, const json_t *context,
                                   struct cm_maa_request *r, struct cm_why *why)
{
    struct cm_maa_bytes area = {NULL, 0};
    struct cm_maa_bytes answer = {NULL, 0};
    const char *ek = json_string_value(json_object_get(context, "ek"));
    struct cm_tpm_public pub;
    enum cm_status st = CM_OK;

    CM_TRY(take(tpm_data, "aik_pub", false, &area, why));
    CM_TRY(take(tpm_data, "credential", false, &answer, why));
    CM_TRY(parse_ak(cm_maa_span(&area), &pub, why));
    if (ek == NULL || strlen(ek) != 64 || !is_hash(context, "ak", pub.bytes)) {
        cm_why_set(why, "aik_pub is not the attestation key that the credential was made for");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    if (answer.len != SECRET || !is_hash(context, "proof", cm_maa_span(&answer))) {
        cm_why_set(why, "credential is not the secret that the TPM was to decrypt");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    memcpy(r->endorsement, ek, sizeof(r->endorsement));
    r->activated = area;
    area.ptr = NULL;
out:
    if (answer.ptr != NULL) {
        cm_wipe(answer.ptr, answer.len);
    }
    free(answer.ptr);
    free(area.ptr);
    return st;
}

/* ----------------------------------------------------------------- once only */

struct spending {
    char hash[65];
    uint64_t now;
};

static enum cm_status spend_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct spending *s = arg;
    const struct cm_db_value now = cm_db_int((int64_t)s->now);
    /* instances' clocks differ a little */
    const struct cm_db_value v[] = {
        cm_db_text(s->hash), cm_db_int((int64_t)(s->now + (uint64_t)2 * CM_MAA_NONCE_LIFETIME))};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db, "DELETE FROM tpm_challenge WHERE expires < ?", cm_db_with(&now, 1),
                     cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO tpm_challenge (hash, expires) VALUES (?, ?)"
                     " ON CONFLICT (hash) DO NOTHING",
                     cm_db_with(v, 2), cm_db_nowhere(), why));
    if (cm_db_changed(db) != 1) {
        cm_why_set(why, "this challenge has got its report already: ask for another");
        st = CM_ERR_EXISTS;
    }
out:
    return st;
}

enum cm_status cm_maa_challenge_spend(struct cm_call *call, const json_t *context,
                                      struct cm_why *why)
{
    struct spending s = {"", call->now};
    const char *id = json_string_value(json_object_get(context, "jti"));
    enum cm_status st = CM_OK;

    if (call->db == NULL) {
        cm_why_set(why, "a challenge is not spent on a loop");
        return CM_ERR_BUSY; /* all connections of the loop would wait for the disk */
    }
    if (id == NULL) {
        cm_why_set(why, "the service_context has no jti");
        return CM_ERR_FORMAT;
    }
    st = hex_of(cm_span_make(id, strlen(id)), s.hash);
    return st == CM_OK ? cm_service_write(call->service, spend_run, &s, why) : st;
}
