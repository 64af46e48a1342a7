/* Signing and answering with tokens; see maa_private.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "identity/identity.h"
#include "maa/maa_private.h"
#include "token/base64.h"

enum cm_status cm_maa_sign(struct cm_service *s, const char *base, json_t *claims, char **out,
                           char **said, struct cm_why *why)
{
    char jku[512] = "";
    const struct cm_token_form form = {.type = "JWT", .jku = jku, .x5c = true};
    char *text = cm_call_text(claims);
    enum cm_status st = CM_OK;

    *out = NULL;
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)snprintf(jku, sizeof(jku), "%s/certs", base);
    st = cm_identity_sign(s, CM_SIGNER_TOKEN, &form, cm_span_make(text, strlen(text)), out, why);
    if (st == CM_OK && said != NULL) {
        *said = text;
        text = NULL;
    }
    free(text);
    return st;
}

char *cm_maa_unsigned(json_t *claims)
{
    static const char header[] = "eyJhbGciOiJub25lIn0."; /* {"alg":"none"} */
    char *text = cm_call_text(claims);
    size_t cap = text == NULL ? 0 : sizeof(header) + CM_BASE64_ENCODED(strlen(text)) + 2;
    char *out = text == NULL ? NULL : malloc(cap);
    size_t len = 0;

    if (out != NULL) {
        memcpy(out, header, sizeof(header) - 1);
        if (cm_base64url_encode(cm_span_make(text, strlen(text)), out + sizeof(header) - 1,
                                cap - sizeof(header), &len) == CM_OK) {
            len += sizeof(header) - 1;
            out[len] = '.';
            out[len + 1] = '\0';
        } else {
            free(out);
            out = NULL;
        }
    }
    free(text);
    return out;
}

bool cm_maa_versioned(struct cm_call *call)
{
    const char *version = cm_web_query(call->req, "api-version");

    if (version == NULL || version[0] == '\0') {
        cm_call_fail(call, 400, "InvalidParameter", "the query has no api-version");
        return false;
    }
    return true; /* all versions behave as one */
}

json_t *cm_maa_token_body(const char *token)
{
    json_t *body = token == NULL ? NULL : json_object();

    /* nocheck: a token is ASCII */
    if (body != NULL &&
        json_object_set_new_nocheck(body, "token", json_string_nocheck(token)) != 0) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

void cm_maa_answer_token(struct cm_call *call, char *token)
{
    cm_call_answer_json(call, 200, cm_maa_token_body(token));
    free(token);
}

void cm_maa_answer_claims(struct cm_call *call, json_t *claims)
{
    struct cm_why why = {""};
    char *token = NULL;
    enum cm_status st =
        claims == NULL ? CM_ERR_NOMEM
                       : cm_maa_sign(call->service, cm_call_base(call), claims, &token, NULL, &why);

    json_decref(claims);
    if (st != CM_OK) {
        cm_call_fail_status(call, st, &why);
        return;
    }
    cm_maa_answer_token(call, token);
}

void cm_maa_fail_input(struct cm_call *call, enum cm_status st, const struct cm_why *why)
{
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        cm_call_fail_status(call, st, why);
        return;
    }
    cm_call_fail(call, 400, "InvalidParameter", "%s",
                 why->text[0] == '\0' ? cm_status_str(st) : why->text);
}
