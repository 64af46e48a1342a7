/* Tokens, taken apart: of whom, whether genuine, whether of this time. Untrusted: all of it. */
#include <stdlib.h>
#include <string.h>

#include "console/console_private.h"
#include "identity/identity.h"
#include "token/base64.h"

#define MAX_TOKEN 65536

static const struct {
    enum cm_signer signer;
    const char *name;
} signers[] = {
    {CM_SIGNER_TOKEN, "token"},
    {CM_SIGNER_RESULT, "result"},
    {CM_SIGNER_RELEASE, "release"},
};
#define SIGNER_COUNT (sizeof(signers) / sizeof(signers[0]))

/* A part of a token as an object; NULL: it is none. */
static json_t *part_of(const char *text, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    json_t *out = NULL;
    size_t n = 0;

    if (bytes != NULL && cm_base64url_decode(cm_span_make(text, len), bytes, len, &n) == CM_OK) {
        out = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
    }
    free(bytes);
    if (!json_is_object(out)) {
        json_decref(out);
        out = NULL;
    }
    return out;
}

/* Whether a signer has published a key of this name. */
static bool has_key(struct cm_service *s, enum cm_signer signer, const char *kid)
{
    json_t *set = cm_identity_jwks(s, signer);
    const json_t *keys = json_object_get(set, "keys");
    bool found = false;

    for (size_t i = 0; kid != NULL && i < json_array_size(keys); i++) {
        const char *own = json_string_value(json_object_get(json_array_get(keys, i), "kid"));

        found = found || (own != NULL && strcmp(own, kid) == 0);
    }
    json_decref(set);
    return found;
}

struct verdict {
    const char *signature;
    const char *signer; /* NULL: not ours */
};

static struct verdict judge(struct cm_service *s, const char *token, const json_t *header)
{
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    struct verdict out = {"unknown-key", NULL};

    if (alg != NULL && strcasecmp(alg, "none") == 0) {
        out.signature = "none";
        return out;
    }
    for (size_t i = 0; i < SIGNER_COUNT && out.signer == NULL; i++) {
        json_t *payload = NULL;

        if (has_key(s, signers[i].signer, kid)) {
            out.signer = signers[i].name;
            out.signature =
                cm_identity_verify(s, signers[i].signer, cm_span_make(token, strlen(token)),
                                   &payload, NULL) == CM_OK
                    ? "valid"
                    : "invalid";
        }
        json_decref(payload);
    }
    return out;
}

static const char *state_of(const json_t *payload, uint64_t now)
{
    const json_t *exp = json_object_get(payload, "exp");
    const json_t *nbf = json_object_get(payload, "nbf");

    if (json_is_number(exp) && json_number_value(exp) <= (double)now) {
        return "expired";
    }
    return json_is_number(nbf) && json_number_value(nbf) > (double)now ? "not-yet" : "current";
}

static bool on_row(void *arg, const struct cm_db_value *c, size_t count)
{
    (void)c;
    *(bool *)arg = count == 1;
    return false;
}

/* The attestation behind a genuine token; NULL: there is none in the log. */
static const char *attestation_of(struct cm_call *call, const struct verdict *v,
                                  const json_t *payload)
{
    const char *jti = json_string_value(json_object_get(payload, "jti"));
    const struct cm_db_value value = cm_db_text(jti);
    bool found = false;

    if (jti == NULL || strcmp(v->signature, "valid") != 0 ||
        cm_db_run(call->db, "SELECT token FROM attestation WHERE token = ?", cm_db_with(&value, 1),
                  cm_db_into(on_row, &found), NULL) != CM_OK) {
        return NULL;
    }
    return found ? jti : NULL;
}

void cm_console_try_token(struct cm_call *call, void *state)
{
    static const char *const names[] = {"token", NULL};
    json_t *body = cm_access_body(call, names);
    const char *token = cm_access_text(body, "token");
    const size_t first = token == NULL ? 0 : strcspn(token, ".");
    const char *second = token == NULL || token[first] == '\0' ? NULL : token + first + 1;
    const size_t second_len = second == NULL ? 0 : strcspn(second, ".");
    json_t *header = NULL;
    json_t *payload = NULL;
    struct verdict v = {NULL, NULL};

    (void)state;
    if (body == NULL) {
        return;
    }
    if (second != NULL && strlen(token) <= MAX_TOKEN && second[second_len] == '.') {
        header = part_of(token, first);
        payload = part_of(second, second_len);
    }
    if (header == NULL || payload == NULL) {
        cm_call_fail(call, 400, "InvalidParameter",
                     "this is no token: three parts of base64url with"
                     " '.' between, two of them JSON objects");
    } else {
        v = judge(call->service, token, header);
        cm_call_answer_json(call, 200,
                            json_pack("{sO sO ss ss? ss? ss ss?}", "header", header, "payload",
                                      payload, "signature", v.signature, "signer", v.signer, "kid",
                                      json_string_value(json_object_get(header, "kid")), "state",
                                      state_of(payload, call->now), "attestation",
                                      attestation_of(call, &v, payload)));
    }
    json_decref(header);
    json_decref(payload);
}
