/* JSON Web Signatures and Keys; see jws.h. Untrusted: the whole token, the whole key. */
#include "token/jws.h"

#include <string.h>

#include "common/try.h"
#include "token/base64.h"
#include "token/jose.h"

static const char *const names[] = {
    [CM_SIG_ES256] = "ES256", [CM_SIG_ES384] = "ES384", [CM_SIG_ES512] = "ES512",
    [CM_SIG_RS256] = "RS256", [CM_SIG_RS384] = "RS384", [CM_SIG_RS512] = "RS512",
    [CM_SIG_PS256] = "PS256", [CM_SIG_PS384] = "PS384", [CM_SIG_PS512] = "PS512",
};

const char *cm_sig_alg_name(enum cm_sig_alg alg)
{
    return (size_t)alg < sizeof(names) / sizeof(names[0]) ? names[alg] : "unknown";
}

enum cm_status cm_sig_alg_from(struct cm_json_value name, enum cm_sig_alg *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cm_json_equal(name, names[i])) {
            *out = (enum cm_sig_alg)i;
            return CM_OK;
        }
    }
    return CM_ERR_UNSUPPORTED;
}

enum cm_status cm_jws_parse(struct cm_span token, struct cm_jws *out, struct cm_why *why)
{
    struct cm_span rest = token;
    bool dots[3] = {false, false, false};
    struct cm_span header = cm_jose_part(&rest, &dots[0]);
    struct cm_span payload = cm_jose_part(&rest, &dots[1]);
    struct cm_span signature = cm_jose_part(&rest, &dots[2]);
    const struct cm_jose_header h = {out->header_bytes, sizeof(out->header_bytes), out->nodes,
                                     CM_JWS_MAX_NODES, "JWS"};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (!dots[0] || !dots[1] || dots[2]) {
        cm_why_set(why, "JWS: not three parts");
        return CM_ERR_FORMAT;
    }
    CM_TRY(cm_jose_parse_header(&h, header, &out->header, why));
    st = cm_sig_alg_from(cm_json_get(cm_json_root(&out->header), "alg"), &out->alg);
    if (st != CM_OK) {
        cm_why_set(why, "JWS: alg is missing or not supported");
        goto out;
    }
    if (cm_base64url_decode(signature, out->signature, sizeof(out->signature),
                            &out->signature_len) != CM_OK) {
        cm_why_set(why, "JWS: the signature is not base64url");
        st = CM_ERR_FORMAT;
        goto out;
    }
    out->payload_text = payload;
    out->signed_text = cm_span_make(header.ptr, header.len + 1 + payload.len);
out:
    return st;
}

enum cm_status cm_jws_verify(const struct cm_jws *jws, const struct cm_pubkey *key,
                             enum cm_sig_alg alg)
{
    if (jws->alg != alg) {
        return CM_ERR_MISMATCH;
    }
    return cm_pubkey_verify(key, alg, &jws->signed_text, 1,
                            cm_span_make(jws->signature, jws->signature_len));
}

enum cm_status cm_jws_payload(const struct cm_jws *jws, uint8_t *out, size_t cap, size_t *len)
{
    return cm_base64url_decode(jws->payload_text, out, cap, len);
}

enum cm_status cm_jws_sign(const struct cm_privkey *key, enum cm_sig_alg alg,
                           const char *header_members, struct cm_span payload, char *out,
                           size_t cap)
{
    char header[CM_JWS_MAX_HEADER] = "";
    uint8_t sig[CM_SIG_MAX_SIZE] = {0};
    struct cm_wr h = cm_wr_init(header, sizeof(header));
    struct cm_wr w = cm_wr_init(out, cap);
    struct cm_span part = {NULL, 0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    cm_wr_bytes(&h, "{\"alg\":\"", 8);
    cm_wr_bytes(&h, cm_sig_alg_name(alg), strlen(cm_sig_alg_name(alg)));
    cm_wr_bytes(&h, "\"", 1);
    if (header_members != NULL && header_members[0] != '\0') {
        cm_wr_bytes(&h, ",", 1);
        cm_wr_bytes(&h, header_members, strlen(header_members));
    }
    cm_wr_bytes(&h, "}", 1);
    CM_TRY(cm_wr_finish(&h));
    CM_TRY(cm_jose_append(&w, cm_span_make(header, h.used)));
    cm_wr_u8(&w, '.');
    CM_TRY(cm_jose_append(&w, payload));
    CM_TRY(cm_wr_finish(&w));
    part = cm_span_make(out, w.used);
    CM_TRY(cm_privkey_sign(key, alg, &part, 1, sig, sizeof(sig), &len));
    cm_wr_u8(&w, '.');
    CM_TRY(cm_jose_append(&w, cm_span_make(sig, len)));
    cm_wr_u8(&w, 0);
    st = cm_wr_finish(&w);
out:
    return st;
}

static enum cm_status ec_key(struct cm_json_value jwk, struct cm_pubkey **out)
{
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    struct cm_span sx = {NULL, 0};
    struct cm_span sy = {NULL, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_jose_octets(jwk, "x", x, sizeof(x), &sx));
    CM_TRY(cm_jose_octets(jwk, "y", y, sizeof(y), &sy));
    for (unsigned i = 0; cm_jose_curve_name(i) != NULL; i++) {
        if (cm_json_equal(cm_json_get(jwk, "crv"), cm_jose_curve_name(i))) {
            return cm_pubkey_from_ec((enum cm_curve)i, sx, sy, out);
        }
    }
    st = CM_ERR_UNSUPPORTED;
out:
    return st;
}

enum cm_status cm_jwk_parse(struct cm_json_value jwk, struct cm_pubkey **out)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    uint8_t n[1024] = {0};
    uint8_t e[8] = {0};
    struct cm_span sn = {NULL, 0};
    struct cm_span se = {NULL, 0};
    enum cm_status st = CM_OK;

    *out = NULL;
    for (size_t i = 0; i < sizeof(private_members) / sizeof(private_members[0]); i++) {
        if (cm_json_get(jwk, private_members[i]).doc != NULL) {
            return CM_ERR_FORMAT;
        }
    }
    if (cm_json_equal(cm_json_get(jwk, "kty"), "EC")) {
        return ec_key(jwk, out);
    }
    if (!cm_json_equal(cm_json_get(jwk, "kty"), "RSA")) {
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(cm_jose_octets(jwk, "n", n, sizeof(n), &sn));
    CM_TRY(cm_jose_octets(jwk, "e", e, sizeof(e), &se));
    st = cm_pubkey_from_rsa(sn, se, out);
out:
    return st;
}
