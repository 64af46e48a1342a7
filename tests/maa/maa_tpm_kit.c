/* See maa_tpm_kit.h. */
#include "maa_tpm_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "token/base64.h"
#include "token/jws.h"

uint8_t tpm_challenge[32];
char *tpm_context;

void tpm_begin(const char *policy)
{
    static struct sk_world trusted; /* only its root is looked at */

    if (kit_current() == NULL) {
        trusted.root = (struct cm_trust_root){.family = "tpm", .label = "test"};
        ck_spki_sha256(ck_key("p256", 0), trusted.root.spki_sha256);
        maa_start_invented(NULL, &trusted);
        kit_must(maa_policy("Tpm", policy) == 200, "policy");
    }
}

void tpm_end(void)
{
    maa_stop();
    free(tpm_context);
    tpm_context = NULL;
}

json_t *tpm_say(json_t *what)
{
    char *text = json_dumps(what, 0);
    char *data = maa_b64(cm_span_make(text, strlen(text)));
    const char *answer = NULL;
    static uint8_t bytes[1 << 18];
    size_t len = 0;

    json_decref(what);
    (void)maa_attest("Tpm", json_pack("{s:s}", "data", data));
    free(text);
    free(data);
    answer = kit_string("data");
    if (answer == NULL || cm_base64url_decode(cm_span_make(answer, strlen(answer)), bytes,
                                              sizeof(bytes), &len) != CM_OK) {
        return NULL;
    }
    return json_loadb((const char *)bytes, len, 0, NULL);
}

bool tpm_take(const json_t *answer)
{
    const json_t *payload = json_object_get(answer, "payload");
    const char *text = maa_text(payload, "challenge");
    const char *context = maa_text(payload, "service_context");
    size_t len = 0;

    free(tpm_context);
    tpm_context = strdup(context == NULL ? "" : context);
    return text != NULL && context != NULL &&
           cm_base64url_decode(cm_span_make(text, strlen(text)), tpm_challenge, 32, &len) ==
               CM_OK &&
           len == 32;
}

bool tpm_get_challenge(void)
{
    json_t *answer = tpm_say(json_pack("{s:{s:s}}", "payload", "type", "aikcert"));
    bool good = tpm_take(answer);

    json_decref(answer);
    return good;
}

json_t *tpm_b64(const void *bytes, size_t len)
{
    char *text = maa_b64(cm_span_make(bytes, len));
    json_t *out = json_string(text);

    free(text);
    return out;
}

json_t *tpm_jwk(enum kit_key key)
{
    uint8_t spki[512];
    static const uint8_t e[] = {1, 0, 1};
    size_t len = 0;

    kit_must(cm_pubkey_spki(kit_public(key), spki, sizeof(spki), &len) == CM_OK && len == 294,
             "an RSA key");
    return json_pack("{s:s, s:o, s:o}", "kty", "RSA", "n", tpm_b64(spki + 33, 256), "e",
                     tpm_b64(e, 3));
}

void tpm_client_init(struct tpm_client *c)
{
    memset(c, 0, sizeof(*c));
    memcpy(c->nonce, tpm_challenge, 32);
    c->quoting = KIT_RSA;
    c->signer = KIT_OTHER;
    c->named = KIT_OTHER;
    c->type = "attReq";
    c->att_type = "basic";
    c->rp_data = "cnA";
}

void tpm_bind(struct tpm_client *c)
{
    json_t *jwk = tpm_jwk(c->named);
    char *text = json_dumps(jwk, JSON_COMPACT | JSON_SORT_KEYS);
    uint8_t thumbprint[32] = {0};
    const struct cm_span parts[] = {{tpm_challenge, 32}, {thumbprint, 32}};

    kit_must(cm_hash(CM_HASH_SHA256, cm_span_make(text, strlen(text)), thumbprint) == CM_OK &&
                 cm_hash_parts(CM_HASH_SHA256, parts, 2, c->nonce) == CM_OK,
             "hash");
    free(text);
    json_decref(jwk);
}

size_t tpm_certificates(EVP_PKEY *key, uint8_t use, bool with_ca, uint8_t *out)
{
    const uint8_t purpose[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, use};
    const struct ck_cert leaf = {.issuer = "TPM CA",
                                 .key = key,
                                 .signer = ck_key("p256", 0),
                                 .serial = 2,
                                 .usage = use == 1 ? "critical,keyEncipherment"
                                                   : "critical,digitalSignature",
                                 .san = "critical,DNS:tpm.example",
                                 .exts = {{"2.5.29.37", false, purpose, sizeof(purpose)}}};
    const struct ck_cert ca = {.subject = "TPM CA",
                               .issuer = "TPM CA",
                               .key = ck_key("p256", 0),
                               .signer = ck_key("p256", 0),
                               .serial = 1,
                               .ca = true,
                               .usage = "critical,keyCertSign,cRLSign"};
    size_t len = ck_cert(&leaf, out, 2048);

    return len + (with_ca ? ck_cert(&ca, out + len, 2048) : 0);
}

/* What Windows' library makes of a quote. */
static json_t *claim_of(const struct tpm_client *c)
{
    struct kit_quote q;
    static struct kit_made made;
    static uint8_t bytes[8192];
    struct cm_wr w = cm_wr_init(bytes, sizeof(bytes));

    kit_defaults(&q);
    q.nonce = cm_span_make(c->nonce, sizeof(c->nonce));
    q.key = c->quoting;
    kit_make(&q, &made);
    cm_wr_bytes(&w, "TPLA", 4);
    cm_wr_u32le(&w, 1);
    cm_wr_u32le(&w, CM_TPM_ALG_SHA256);
    cm_wr_u32le(&w, (uint32_t)made.signature_len);
    cm_wr_u32le(&w, (uint32_t)made.attest_len);
    cm_wr_u32le(&w, 24 * 32);
    cm_wr_bytes(&w, made.signature, made.signature_len);
    cm_wr_bytes(&w, made.attest, made.attest_len);
    for (size_t i = 0; i < 24; i++) {
        cm_wr_bytes(&w, q.value[0][i], 32);
    }
    bytes[w.used - 24 * 32] ^= c->spoil_pcrs ? 1 : 0;
    return tpm_b64(bytes, w.used);
}

json_t *tpm_ask(const struct tpm_client *c, json_t *tpm_data)
{
    static char token[65536];
    char header[64] = "";
    json_t *payload =
        json_pack("{s:s, s:{s:s, s:s, s:o, s:O, s:o, s:[{s:s, s:s, s:s}], s:s}}", "att_type",
                  c->att_type, "att_data", "rp_id", "https://rp.example", "rp_data", c->rp_data,
                  "challenge", tpm_b64(tpm_challenge, 32), "tpm_att_data", tpm_data, "attest_key",
                  tpm_jwk(c->named), "custom_claims", "name", "colour", "value", "red",
                  "value_type", "String", "service_context", tpm_context);
    char *text = NULL;

    (void)json_object_set_new(tpm_data, "current_claim", claim_of(c));
    (void)json_object_set_new(tpm_data, "srtm_boot_log", json_string(""));
    text = json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    json_decref(tpm_data);
    (void)snprintf(header, sizeof(header), "\"typ\":\"%s\"", c->type);
    kit_must(cm_jws_sign(kit_key(c->signer), CM_SIG_PS256, header, cm_span_make(text, strlen(text)),
                         token, sizeof(token)) == CM_OK,
             "JWS");
    free(text);
    payload = json_pack("{s:s}", "request", token);
    if (c->beside) {
        (void)json_object_set_new(payload, "payload", json_pack("{s:s}", "type", "aikcert"));
    }
    return tpm_say(payload);
}

const json_t *tpm_report(const struct tpm_client *c, json_t *tpm_data)
{
    json_t *answer = tpm_ask(c, tpm_data);
    const json_t *claims =
        maa_text(answer, "report") == NULL ? NULL : maa_claims_of(maa_text(answer, "report"));

    json_decref(answer);
    return claims;
}

bool tpm_refused(const struct tpm_client *c, json_t *tpm_data, const char *words)
{
    const bool none = tpm_report(c, tpm_data) == NULL;
    const char *said = kit_string("error.message");
    const bool good =
        none && kit_last()->status == 400 && said != NULL && strstr(said, words) != NULL;

    if (!good) {
        (void)printf("  %d, and \"%s\" does not say \"%s\"\n", kit_last()->status,
                     said == NULL ? "" : said, words);
    }
    return good;
}
