/* See bank_service.h. */
#include "bank_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bank_base64.h"
#include "../common/bank_pack.h"
#include "../common/bank_text.h"
#include "bank_http.h"

#define URL_MAX     1024U
#define POLICY_MAX  1024U
#define BODY_MAX    49152U
#define TOKEN_MAX   32768U
#define WRAPPED_MAX 1024U

static const char api[] = "?api-version=2022-08-01";
static const char vault_api[] = "?api-version=7.4";

static enum bank_status read_token(const char *path, char out[BANK_TOKEN_MAX], struct bank_why *why)
{
    FILE *f = fopen(path, "r");
    const bool got = f != NULL && fgets(out, BANK_TOKEN_MAX, f) != NULL;

    if (f != NULL) {
        (void)fclose(f);
    }
    if (!got) {
        return bank_fail(why, BANK_IO, "%s: a file with a token is needed", path);
    }
    out[strcspn(out, "\r\n")] = '\0';
    return BANK_OK;
}

enum bank_status bank_service_new(const char *url, const char *ca, const char *bank_token,
                                  const char *host_token, struct bank_service *out,
                                  struct bank_why *why)
{
    enum bank_status st = BANK_OK;

    memset(out, 0, sizeof(*out));
    out->url = url;
    out->ca = ca;
    st = read_token(bank_token, out->bank_token, why);
    return st == BANK_OK ? read_token(host_token, out->host_token, why) : st;
}

static enum bank_status need_enclave(const struct bank_policy *policy, char hex[65],
                                     struct bank_why *why)
{
    if (!policy->by_enclave) {
        return bank_fail(why, BANK_SYNTAX,
                         "with a service the policy must name the enclave (mrenclave=HEX)");
    }
    for (size_t i = 0; i < sizeof(policy->enclave); i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", policy->enclave[i]);
    }
    return BANK_OK;
}

/* A policy as it is uploaded: a token without a signature, whose payload holds the text. */
static void policy_token(const char *text, char *out)
{
    char inner[BANK_BASE64_SIZE(POLICY_MAX)];
    char payload[sizeof(inner) + 32];
    char outer[BANK_BASE64_SIZE(sizeof(payload))];

    bank_base64((const uint8_t *)text, strlen(text), inner);
    (void)snprintf(payload, sizeof(payload), "{\"AttestationPolicy\":\"%s\"}", inner);
    bank_base64((const uint8_t *)payload, strlen(payload), outer);
    (void)snprintf(out, BODY_MAX, "eyJhbGciOiJub25lIn0.%s.", outer);
}

enum bank_status bank_service_policy(const struct bank_service *s, const struct bank_policy *policy,
                                     struct bank_why *why)
{
    char hex[65] = "";
    char text[POLICY_MAX] = "";
    char url[URL_MAX] = "";
    char *body = malloc(BODY_MAX);
    char *answer = NULL;
    enum bank_status st = need_enclave(policy, hex, why);

    if (body == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a request");
    }
    (void)snprintf(text, sizeof(text),
                   "version= 1.0;\n"
                   "authorizationrules\n"
                   "{\n"
                   "    [type==\"x-ms-sgx-is-debuggable\", value==false] &&\n"
                   "    [type==\"x-ms-sgx-mrenclave\", value==\"%s\"] => permit();\n"
                   "};\n"
                   "issuancerules { };\n",
                   hex);
    policy_token(text, body);
    (void)snprintf(url, sizeof(url), "%s/policies/OpenEnclave%s", s->url, api);
    if (st == BANK_OK) {
        const struct bank_request q = {"PUT", url, s->ca, s->bank_token, "text/plain", body};

        st = bank_http(&q, &answer, why);
    }
    free(answer);
    free(body);
    return st;
}

/* a bank's name as the vault's names are made: no underscores */
static void key_name(const char *bank, char out[BANK_NAME_SIZE + 8])
{
    (void)snprintf(out, BANK_NAME_SIZE + 8, "bank-%s", bank);
    for (char *p = out; *p != '\0'; p++) {
        *p = *p == '_' ? '-' : *p;
    }
}

/* The key, and to whom it may be released. body has BODY_MAX bytes. */
static void deposit_body(const struct bank_service *s, const uint8_t key[BANK_RELEASED_SIZE],
                         const char *mrenclave, char *body)
{
    char policy[POLICY_MAX] = "";
    char data[BANK_BASE64_SIZE(POLICY_MAX)] = "";
    char k[BANK_BASE64_SIZE(BANK_RELEASED_SIZE)] = "";

    (void)snprintf(policy, sizeof(policy),
                   "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"%s\",\"allOf\":["
                   "{\"claim\":\"x-ms-sgx-mrenclave\",\"equals\":\"%s\"},"
                   "{\"claim\":\"x-ms-sgx-is-debuggable\",\"equals\":\"false\"}]}]}",
                   s->url, mrenclave);
    bank_base64((const uint8_t *)policy, strlen(policy), data);
    bank_base64(key, BANK_RELEASED_SIZE, k);
    (void)snprintf(body, BODY_MAX,
                   "{\"key\":{\"kty\":\"oct-HSM\",\"k\":\"%s\"},\"hsm\":true,"
                   "\"attributes\":{\"exportable\":true},\"release_policy\":{\"contentType\":"
                   "\"application/json; charset=utf-8\",\"data\":\"%s\"}}",
                   k, data);
    bank_wipe(k, sizeof(k));
}

static enum bank_status deposit(const struct bank_service *s, struct bank_party *p,
                                const char *mrenclave, struct bank_why *why)
{
    char name[BANK_NAME_SIZE + 8];
    char url[URL_MAX] = "";
    char *body = malloc(BODY_MAX);
    char *answer = NULL;
    enum bank_status st = BANK_OK;

    if (body == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a request");
    }
    if (!bank_pack_random(p->released_key, sizeof(p->released_key))) {
        free(body);
        return bank_fail(why, BANK_CRYPTO, "%s: no random numbers", p->name);
    }
    key_name(p->name, name);
    (void)snprintf(url, sizeof(url), "%s/keys/%s%s", s->url, name, vault_api);
    deposit_body(s, p->released_key, mrenclave, body);
    {
        const struct bank_request q = {"PUT", url, s->ca, s->bank_token, "application/json", body};

        st = bank_http(&q, &answer, why);
    }
    bank_wipe_free(body, BODY_MAX);
    free(answer);
    p->deposited = st == BANK_OK;
    return st;
}

enum bank_status bank_service_deposit(const struct bank_service *s, struct bank_parties *p,
                                      const struct bank_policy *policy,
                                      struct bank_progress *progress, struct bank_why *why)
{
    char hex[65] = "";
    enum bank_status st = need_enclave(policy, hex, why);

    for (uint32_t i = 0; i < p->count && st == BANK_OK; i++) {
        bank_progress_begin(progress, p->list[i].name);
        st = deposit(s, &p->list[i], hex, why);
        if (st == BANK_OK) {
            bank_progress_end(progress, "key deposited, for this enclave alone");
        } else {
            bank_progress_drop(progress);
        }
    }
    return st;
}

/* {report, runtimeData} to a token; token has TOKEN_MAX bytes */
static enum bank_status attest(const struct bank_service *s, const struct bank_attestation *a,
                               char *token, struct bank_why *why)
{
    const size_t report_len = BANK_BASE64_SIZE(a->report_size);
    char *report = malloc(report_len);
    char *body = malloc(BODY_MAX);
    char runtime[BANK_BASE64_SIZE(sizeof(a->runtime))];
    char url[URL_MAX] = "";
    char *answer = NULL;
    enum bank_status st = BANK_OK;

    if (report == NULL || body == NULL) {
        free(report);
        free(body);
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a request");
    }
    bank_base64(a->report, a->report_size, report);
    bank_base64((const uint8_t *)a->runtime, strlen(a->runtime), runtime);
    (void)snprintf(body, BODY_MAX,
                   "{\"report\":\"%s\",\"runtimeData\":{\"data\":\"%s\",\"dataType\":\"JSON\"}}",
                   report, runtime);
    (void)snprintf(url, sizeof(url), "%s/attest/OpenEnclave%s", s->url, api);
    {
        const struct bank_request q = {"POST", url, s->ca, NULL, "application/json", body};

        st = bank_http(&q, &answer, why);
    }
    if (st == BANK_OK && bank_http_text(answer, "token", token, TOKEN_MAX) == 0) {
        st = bank_fail(why, BANK_IO, "the service's answer holds no token");
    }
    free(answer);
    free(body);
    free(report);
    return st;
}

/* What is wrapped for the enclave, out of the signed answer: the enclave finds out whether it is good. */
static bool wrapped_in(const char *answer, uint8_t out[WRAPPED_MAX], size_t *len)
{
    char *jws = malloc(BANK_HTTP_MAX);
    char *payload = malloc(BANK_HTTP_MAX);
    char hsm[2 * WRAPPED_MAX + 512];
    char inner[sizeof(hsm)];
    char text[BANK_BASE64_SIZE(WRAPPED_MAX)];
    const char *at = NULL;
    size_t n = 0;
    size_t text_len = 0;
    bool ok = false;

    if (jws != NULL && payload != NULL &&
        bank_http_text(answer, "value", jws, BANK_HTTP_MAX) != 0 &&
        (at = strchr(jws, '.')) != NULL &&
        bank_base64_decode(at + 1, strcspn(at + 1, "."), (uint8_t *)payload, BANK_HTTP_MAX - 1,
                           &n)) {
        payload[n] = '\0';
        text_len = bank_http_text(payload, "key_hsm", hsm, sizeof(hsm));
        ok = text_len != 0 &&
             bank_base64_decode(hsm, text_len, (uint8_t *)inner, sizeof(inner) - 1, &n);
    }
    if (ok) {
        inner[n] = '\0';
        text_len = bank_http_text(inner, "ciphertext", text, sizeof(text));
        ok = text_len != 0 && bank_base64_decode(text, text_len, out, WRAPPED_MAX, len);
    }
    free(jws);
    free(payload);
    return ok;
}

/* Ask for a bank's key and hand it to the enclave. */
static enum bank_status release(const struct bank_service *s, const struct bank_party *p,
                                uint32_t place, const char *token, struct bank_link *l,
                                struct bank_why *why)
{
    char name[BANK_NAME_SIZE + 8];
    char url[URL_MAX] = "";
    char *body = malloc(BODY_MAX);
    char *answer = NULL;
    uint8_t wrapped[WRAPPED_MAX];
    size_t len = 0;
    enum bank_status st = BANK_OK;

    if (body == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "no memory for a request");
    }
    key_name(p->name, name);
    (void)snprintf(url, sizeof(url), "%s/keys/%s/release%s", s->url, name, vault_api);
    (void)snprintf(body, BODY_MAX, "{\"target\":\"%s\",\"enc\":\"RSA_AES_KEY_WRAP_256\"}", token);
    {
        const struct bank_request q = {"POST", url, s->ca, s->host_token, "application/json", body};

        st = bank_http(&q, &answer, why);
    }
    if (st == BANK_OK && !wrapped_in(answer, wrapped, &len)) {
        st = bank_fail(why, BANK_IO, "%s: the service's answer holds no released key", p->name);
    }
    if (st == BANK_OK) {
        st = bank_link_released(l, place, wrapped, len, why);
    }
    free(answer);
    free(body);
    return st;
}

enum bank_status bank_service_release(const struct bank_service *s, const struct bank_parties *p,
                                      struct bank_link *l, struct bank_progress *progress,
                                      struct bank_why *why)
{
    struct bank_attestation *a = calloc(1, sizeof(*a));
    char *token = malloc(TOKEN_MAX);
    enum bank_status st = a == NULL || token == NULL ? BANK_NO_MEMORY : BANK_OK;

    bank_progress_begin(progress, "attest");
    if (st == BANK_OK) {
        st = bank_link_attest(l, a, why);
    }
    if (st == BANK_OK) {
        st = attest(s, a, token, why);
    }
    if (st == BANK_OK) {
        bank_progress_end(progress, "the service vouches for this enclave and its key");
    }
    for (uint32_t i = 0; i < p->count && st == BANK_OK; i++) {
        bank_progress_begin(progress, p->list[i].name);
        st = release(s, &p->list[i], i, token, l, why);
        if (st == BANK_OK) {
            bank_progress_end(progress, "key released to the enclave");
        }
    }
    if (st != BANK_OK) {
        bank_progress_drop(progress);
    }
    free(a);
    free(token);
    return st;
}
