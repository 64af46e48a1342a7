/* Challenges without a row in the store; see kbs_private.h. Untrusted: cookies. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "crypto/envelope.h"
#include "crypto/keyenc.h"
#include "kbs/kbs_private.h"
#include "token/base64.h"
#include "token/utf8.h"

/* Append only: a cookie has the place in this table. */
static const struct cm_kbs_tee tees[] = {
    {.name = "sgx", .submod = "cpu", .claim = "sgx", .bound = 64, .format = CM_FORMAT_DCAP},
    {.name = "tdx", .submod = "cpu", .claim = "tdx", .bound = 64, .format = CM_FORMAT_DCAP},
    {.name = "snp", .submod = "cpu", .claim = "snp", .bound = 64, .format = CM_FORMAT_SNP},
    {.name = "az-snp-vtpm",
     .submod = "cpu",
     .claim = "snp",
     .bound = 0,
     .format = CM_FORMAT_AZURE_CVM},
    {.name = "az-tdx-vtpm",
     .submod = "cpu",
     .claim = "tdx",
     .bound = 0,
     .format = CM_FORMAT_AZURE_CVM},
    {.name = "cca", .submod = "cpu", .claim = "cca", .bound = 64, .format = CM_FORMAT_CCA},
    {.name = "tpm", .submod = "cpu", .claim = "tpm", .bound = 64, .format = CM_FORMAT_TPM},
    {.name = "nvidia", .submod = "gpu", .bound = 32, .format = CM_FORMAT_NVIDIA, .device = true},
};
#define TEES (sizeof(tees) / sizeof(tees[0]))

/* Some versions write az-snp-vtpm, some azsnpvtpm. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '-') {
            a++;
        }
        while (*b == '-') {
            b++;
        }
        if (*a != *b || *a == '\0') {
            return *a == *b;
        }
    }
}

const struct cm_kbs_tee *cm_kbs_tee(const char *name)
{
    for (size_t i = 0; i < TEES; i++) {
        if (same_name(tees[i].name, name)) {
            return &tees[i];
        }
    }
    return NULL;
}

/* The cookie: 4 bytes of time, the TEE, dialect and hash, 10 random bytes. */
enum cm_status cm_kbs_session_new(struct cm_kbs_session *session, uint64_t now)
{
    uint8_t *id = session->id;
    uint32_t expires = (uint32_t)(now + CM_KBS_CHALLENGE);

    session->expires = expires;
    for (unsigned i = 0; i < 4; i++) {
        id[i] = (uint8_t)(expires >> (24 - 8 * i));
    }
    id[4] = (uint8_t)(session->tee - tees);
    id[5] = (uint8_t)(session->minor << 4 | (unsigned)session->hash);
    return cm_random_bytes(id + 6, 10);
}

static bool read_id(struct cm_kbs_session *s)
{
    const uint8_t *id = s->id;

    s->expires = (uint64_t)id[0] << 24 | (uint64_t)id[1] << 16 | (uint64_t)id[2] << 8 | id[3];
    s->minor = id[5] >> 4;
    s->hash = (enum cm_hash_alg)(id[5] & 15);
    if (id[4] >= TEES || tees[id[4]].device || s->minor < 1 || s->minor > 4 ||
        s->hash < CM_HASH_SHA256 || s->hash > CM_HASH_SHA512) {
        return false;
    }
    s->tee = &tees[id[4]];
    return true;
}

bool cm_kbs_session_from(const char *cookies, struct cm_kbs_session *out)
{
    static const char name[] = CM_KBS_COOKIE "=";

    while (cookies != NULL && *cookies != '\0') {
        size_t len = 0;

        cookies += strspn(cookies, " ;");
        len = strcspn(cookies, ";");
        if (strncmp(cookies, name, sizeof(name) - 1) == 0) {
            const char *value = cookies + sizeof(name) - 1;

            return cm_hex_decode(cm_span_make(value, strcspn(value, "; ")), out->id,
                                 sizeof(out->id)) &&
                   read_id(out);
        }
        cookies += len;
    }
    return false;
}

void cm_kbs_session_cookie(const struct cm_kbs_session *session, char out[CM_KBS_COOKIE_CAP])
{
    cm_hex_encode(cm_span_make(session->id, sizeof(session->id)), CM_HEX_LOWER, out);
}

enum cm_status cm_kbs_session_nonce(const struct cm_kbs *kbs, const struct cm_kbs_session *session,
                                    char out[CM_KBS_NONCE_CAP])
{
    const struct cm_span parts[] = {cm_span_make("casemate kbs nonce", 18),
                                    cm_span_make(session->id, sizeof(session->id))};
    uint8_t mac[CM_SHA256_SIZE] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_hmac(CM_HASH_SHA256, cm_span_make(kbs->secret, sizeof(kbs->secret)), parts, 2, mac));
    CM_TRY(cm_base64_encode(cm_span_make(mac, sizeof(mac)), out, CM_KBS_NONCE_CAP - 1, &len));
    out[len] = '\0';
out:
    return st;
}

enum cm_status cm_kbs_session_row(const struct cm_kbs_session *session, char out[65])
{
    uint8_t hash[CM_SHA256_SIZE] = {0};
    enum cm_status st = cm_sha256_of(cm_span_make(session->id, sizeof(session->id)), hash);

    cm_hex_encode(cm_span_make(hash, sizeof(hash)), CM_HEX_LOWER, out);
    return st;
}

void cm_kbs_set_cookie(struct cm_call *call, const struct cm_kbs_session *session)
{
    char cookie[CM_KBS_COOKIE_CAP] = "";
    char text[160] = "";

    cm_kbs_session_cookie(session, cookie);
    (void)snprintf(text, sizeof(text),
                   CM_KBS_COOKIE "=%s; Path=/kbs/v0; Max-Age=%u; Secure; HttpOnly; SameSite=Strict",
                   cookie, CM_KBS_TOKEN);
    cm_call_header(call, "Set-Cookie", text);
}

/* -------------------------------------------------------------------- auth */

/* "0.N.P": its N; 0: this is not spoken. */
static unsigned minor_of(const char *version)
{
    if (version == NULL || strlen(version) < 5 || strncmp(version, "0.", 2) != 0 ||
        version[2] < '1' || version[2] > '4' || version[3] != '.' ||
        strspn(version + 4, "0123456789") != strlen(version + 4) || strlen(version) > 8) {
        return 0;
    }
    return (unsigned)(version[2] - '0');
}

/* The strongest choice that every kind of evidence holds comes first. */
static bool choose_hash(json_t *extra, enum cm_hash_alg *out, bool *listed)
{
    static const enum cm_hash_alg order[] = {CM_HASH_SHA384, CM_HASH_SHA512, CM_HASH_SHA256};
    json_t *list = json_object_get(extra, "supported-hash-algorithms");
    json_t *name = NULL;
    size_t k = 0;

    *out = CM_HASH_SHA384;
    *listed = json_array_size(list) != 0;
    for (size_t i = 0; *listed && i < sizeof(order) / sizeof(order[0]); i++) {
        json_array_foreach(list, k, name)
        {
            if (json_is_string(name) &&
                strcasecmp(json_string_value(name), cm_hash_name(order[i])) == 0) {
                *out = order[i];
                return true;
            }
        }
    }
    return !*listed;
}

/* What a guest may say beside, and what it may not. */
static const char *refuse_extra(json_t *extra, const char *tee)
{
    json_t *primary = json_object_get(json_object_get(extra, "tee-metadata"), "primary_tee");
    const char *name = json_string_value(json_object_get(primary, "tee"));

    if (json_object_get(extra, "attestation-policy-selector") != NULL) {
        return "attestation-policy-selector: this service has one policy for each kind of evidence";
    }
    if (name != NULL && !same_name(name, tee)) {
        return "tee-metadata names another primary TEE than tee";
    }
    return NULL;
}

void cm_kbs_serve_auth(struct cm_call *call, void *state)
{
    struct cm_kbs *kbs = state;
    json_t *body = cm_call_json(call);
    struct cm_kbs_session session = {0};
    char nonce[CM_KBS_NONCE_CAP] = "";
    const char *version = NULL;
    const char *tee = NULL;
    char shown[33] = "";
    json_t *extra = NULL;
    bool listed = false;

    if (body == NULL) {
        return;
    }
    version = json_string_value(json_object_get(body, "version"));
    tee = json_string_value(json_object_get(body, "tee"));
    extra = json_object_get(body, "extra-params");
    session.minor = minor_of(version);
    session.tee = tee == NULL ? NULL : cm_kbs_tee(tee);
    cm_utf8_plain(shown, sizeof(shown),
                  session.minor == 0 ? version == NULL ? "" : version
                  : tee == NULL      ? ""
                                     : tee);
    if (session.minor == 0) {
        cm_call_fail(call, 401, "ProtocolVersion",
                     "version \"%s\" is not spoken here: 0.4.0 is, and its older dialects 0.3, "
                     "0.2 and 0.1",
                     shown);
    } else if (session.tee == NULL || session.tee->device) {
        cm_call_fail(call, 401, "AttestationError", "tee \"%s\" %s", shown,
                     cm_kbs_tee_refusal(tee));
    } else if (refuse_extra(extra, tee) != NULL) {
        cm_call_fail(call, 401, "AttestationError", "%s", refuse_extra(extra, tee));
    } else if (!choose_hash(extra, &session.hash, &listed)) {
        cm_call_fail(call, 401, "AttestationError",
                     "of the supported-hash-algorithms none is known: sha256, sha384, sha512");
    } else if (cm_kbs_session_new(&session, call->now) != CM_OK ||
               cm_kbs_session_nonce(kbs, &session, nonce) != CM_OK) {
        cm_call_fail(call, 500, "Internal", "no challenge can be made");
    } else {
        atomic_fetch_add(&kbs->counts[CM_KBS_CHALLENGED], 1);
        cm_kbs_set_cookie(call, &session);
        cm_call_answer_json(call, 200,
                            listed
                                ? json_pack("{s:s, s:{s:s}}", "nonce", nonce, "extra-params",
                                            "selected-hash-algorithm", cm_hash_name(session.hash))
                                : json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", ""));
    }
}
