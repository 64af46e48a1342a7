/*
 * Challenges that nobody need remember: the hash of a token that says what it is for and until when it
 * counts, signed by this service. A challenge may be met more than once within its minutes.
 */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/keyenc.h"
#include "identity/identity.h"
#include "maa/maa_private.h"

#define TYPE "casemate-nonce+jwt"

static enum cm_status challenge_of(const char *token, uint8_t out[32])
{
    return cm_hash(CM_HASH_SHA256, cm_span_make(token, strlen(token)), out);
}

enum cm_status cm_maa_nonce_make(struct cm_call *call, const char *use, json_t *more,
                                 struct cm_maa_nonce *out, struct cm_why *why)
{
    const struct cm_token_form form = {.type = TYPE, .jku = NULL, .x5c = false};
    uint8_t random[16] = {0};
    json_t *claims = NULL;
    char *text = NULL;
    char *token = NULL;
    enum cm_status st = CM_OK;

    out->expires = call->now + CM_MAA_NONCE_LIFETIME;
    CM_TRY(cm_random_bytes(random, sizeof(random)));
    claims = json_pack("{s:s, s:s, s:I, s:o}", "iss", cm_service_config(call->service)->public_url,
                       "use", use, "exp", (json_int_t)out->expires, "jti",
                       cm_maa_hex(cm_span_make(random, sizeof(random))));
    if (claims != NULL && more != NULL && json_object_update_missing(claims, more) != 0) {
        json_decref(claims);
        claims = NULL;
    }
    text = claims == NULL ? NULL : json_dumps(claims, JSON_COMPACT);
    if (text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_identity_sign(call->service, CM_SIGNER_RESULT, &form,
                            cm_span_make(text, strlen(text)), &token, why));
    CM_TRY(challenge_of(token, out->challenge));
    out->token = token;
    token = NULL;
out:
    json_decref(claims);
    free(text);
    free(token);
    return st;
}

enum cm_status cm_maa_nonce_check(struct cm_call *call, const char *use, const char *token,
                                  uint8_t challenge[32], json_t **more, struct cm_why *why)
{
    json_t *claims = NULL;
    const char *said = NULL;
    const json_t *exp = NULL;
    enum cm_status st = cm_identity_verify(call->service, CM_SIGNER_RESULT,
                                           cm_span_make(token, strlen(token)), &claims, NULL);

    if (st != CM_OK) {
        cm_why_set(why, "the nonce is not one of this service's");
        return st == CM_ERR_NOMEM ? st : CM_ERR_SIGNATURE;
    }
    said = json_string_value(json_object_get(claims, "use"));
    exp = json_object_get(claims, "exp");
    if (said == NULL || strcmp(said, use) != 0 || !json_is_integer(exp)) {
        cm_why_set(why, "the nonce is a token for another use");
        st = CM_ERR_MISMATCH;
    } else if (json_integer_value(exp) < (json_int_t)call->now) {
        cm_why_set(why, "the nonce has expired: ask for another");
        st = CM_ERR_EXPIRED;
    } else {
        st = challenge_of(token, challenge);
    }
    if (st == CM_OK && more != NULL) {
        *more = claims;
        claims = NULL;
    }
    json_decref(claims);
    return st;
}
