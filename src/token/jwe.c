/* JSON Web Encryption; see jwe.h. Untrusted: the whole token. */
#include "token/jwe.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "token/base64.h"
#include "token/jose.h"
#include "token/jwe_key.h"

#define OUTER_NODES 64

static const char *const algs[] = {
    [CM_JWE_RSA_OAEP] = "RSA-OAEP",
    [CM_JWE_RSA_OAEP_256] = "RSA-OAEP-256",
    [CM_JWE_ECDH_ES] = "ECDH-ES",
    [CM_JWE_ECDH_ES_A256KW] = "ECDH-ES+A256KW",
};

static const char *const encs[] = {
    [CM_AEAD_A128GCM] = "A128GCM",
    [CM_AEAD_A256GCM] = "A256GCM",
    [CM_AEAD_A256CBC_HS512] = "A256CBC-HS512",
};

#define ALG_COUNT (sizeof(algs) / sizeof(algs[0]))
#define ENC_COUNT (sizeof(encs) / sizeof(encs[0]))

const char *cm_jwe_alg_name(enum cm_jwe_alg alg)
{
    return (size_t)alg < ALG_COUNT ? algs[alg] : "unknown";
}

const char *cm_jwe_enc_name(enum cm_aead enc)
{
    return (size_t)enc < ENC_COUNT ? encs[enc] : "unknown";
}

/* ----------------------------------------------------------------- parsing */

/* The five parts, as they were received. */
struct parts {
    struct cm_span header;
    struct cm_span key; /* {NULL, 0} when absent from JSON */
    struct cm_span iv;
    struct cm_span ciphertext;
    struct cm_span tag;
};

static enum cm_status split_compact(struct cm_span token, struct parts *p, struct cm_why *why)
{
    struct cm_span *const places[] = {&p->header, &p->key, &p->iv, &p->ciphertext, &p->tag};
    struct cm_span rest = token;

    for (size_t i = 0; i < 5; i++) {
        bool dot = false;

        *places[i] = cm_jose_part(&rest, &dot);
        if (dot != (i < 4)) {
            cm_why_set(why, "JWE: not five parts");
            return CM_ERR_FORMAT;
        }
    }
    return CM_OK;
}

static enum cm_status split_json(struct cm_span token, struct parts *p, struct cm_why *why)
{
    static const char *const refused[] = {"unprotected", "header", "recipients", "aad"};
    struct cm_json_node nodes[OUTER_NODES];
    struct cm_json_value root = {NULL, 0};
    struct cm_json doc;
    enum cm_status st = CM_OK;

    CM_TRY(cm_json_parse(token, nodes, OUTER_NODES, &doc, why));
    root = cm_json_root(&doc);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (cm_json_get(root, refused[i]).doc != NULL) {
            cm_why_set(why, "JWE: member %s is not supported", refused[i]);
            return CM_ERR_UNSUPPORTED;
        }
    }
    if (cm_json_plain(cm_json_get(root, "protected"), &p->header) != CM_OK ||
        cm_json_plain(cm_json_get(root, "iv"), &p->iv) != CM_OK ||
        cm_json_plain(cm_json_get(root, "ciphertext"), &p->ciphertext) != CM_OK ||
        cm_json_plain(cm_json_get(root, "tag"), &p->tag) != CM_OK ||
        (cm_json_get(root, "encrypted_key").doc != NULL &&
         cm_json_plain(cm_json_get(root, "encrypted_key"), &p->key) != CM_OK)) {
        cm_why_set(why, "JWE: a member is missing or no plain string");
        st = CM_ERR_FORMAT;
    }
out:
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}

/* The two algorithms that the protected header names. */
static enum cm_status read_suite(struct cm_jwe *jwe, struct cm_why *why)
{
    struct cm_json_value root = cm_json_root(&jwe->header);
    size_t alg = 0;
    size_t enc = 0;

    while (alg < ALG_COUNT && !cm_json_equal(cm_json_get(root, "alg"), algs[alg])) {
        alg++;
    }
    while (enc < ENC_COUNT && !cm_json_equal(cm_json_get(root, "enc"), encs[enc])) {
        enc++;
    }
    if (alg == ALG_COUNT || enc == ENC_COUNT) {
        cm_why_set(why, "JWE: %s is missing or not supported", alg == ALG_COUNT ? "alg" : "enc");
        return CM_ERR_UNSUPPORTED;
    }
    jwe->suite.alg = (enum cm_jwe_alg)alg;
    jwe->suite.enc = (enum cm_aead)enc;
    return CM_OK;
}

static bool key_length_fits(const struct cm_jwe *jwe)
{
    switch (jwe->suite.alg) {
    case CM_JWE_RSA_OAEP:
    case CM_JWE_RSA_OAEP_256:
        return jwe->key_len >= 256; /* RSA of 2048 bits */
    case CM_JWE_ECDH_ES:
        return jwe->key_len == 0;
    case CM_JWE_ECDH_ES_A256KW:
        return jwe->key_len == cm_aead_key_size(jwe->suite.enc) + CM_KEYENC_WRAP_EXTRA;
    }
    return false;
}

enum cm_status cm_jwe_parse(struct cm_span token, struct cm_jwe *out, struct cm_why *why)
{
    const struct cm_jose_header h = {out->header_bytes, sizeof(out->header_bytes), out->nodes,
                                     CM_JWE_MAX_NODES, "JWE"};
    struct parts p;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    memset(&p, 0, sizeof(p));
    if (token.len != 0 && token.ptr[0] == '{') {
        CM_TRY(split_json(token, &p, why));
    } else {
        CM_TRY(split_compact(token, &p, why));
    }
    CM_TRY(cm_jose_parse_header(&h, p.header, &out->header, why));
    CM_TRY(read_suite(out, why));
    if (cm_base64url_decode(p.key, out->key, sizeof(out->key), &out->key_len) != CM_OK ||
        cm_base64url_decode(p.iv, out->iv, sizeof(out->iv), &out->iv_len) != CM_OK ||
        cm_base64url_decode(p.tag, out->tag, sizeof(out->tag), &out->tag_len) != CM_OK ||
        !key_length_fits(out) || out->iv_len != cm_aead_iv_size(out->suite.enc) ||
        out->tag_len != cm_aead_tag_size(out->suite.enc)) {
        cm_why_set(why, "JWE: key, IV or tag are not base64url of the algorithm's length");
        st = CM_ERR_FORMAT;
        goto out;
    }
    if (p.ciphertext.len > CM_BASE64_ENCODED(CM_JWE_MAX_TEXT + CM_AEAD_MAX_PAD)) {
        cm_why_set(why, "JWE: longer than %zu bytes", CM_JWE_MAX_TEXT);
        st = CM_ERR_LIMIT;
        goto out;
    }
    out->aad = p.header;
    out->ciphertext = p.ciphertext;
out:
    return st;
}

/* ----------------------------------------------------------------- opening */

enum cm_status cm_jwe_decrypt(const struct cm_jwe *jwe, const struct cm_privkey *key,
                              struct cm_jwe_suite suite, uint8_t *out, size_t cap, size_t *len)
{
    struct cm_aead_in in = {.alg = jwe->suite.enc, .aad = jwe->aad};
    uint8_t cek[CM_AEAD_MAX_KEY] = {0};
    size_t text_len = 0;
    enum cm_status st = CM_OK;

    *len = 0;
    if (jwe->suite.alg != suite.alg || jwe->suite.enc != suite.enc) {
        return CM_ERR_MISMATCH;
    }
    CM_TRY(cm_base64url_decode(jwe->ciphertext, out, cap, &text_len));
    CM_TRY(cm_jwe_open_key(jwe, key, cek));
    in.key = cm_span_make(cek, cm_aead_key_size(suite.enc));
    in.iv = cm_span_make(jwe->iv, jwe->iv_len);
    in.text = cm_span_make(out, text_len);
    CM_TRY(cm_aead_open(&in, cm_span_make(jwe->tag, jwe->tag_len), out, cap, len));
out:
    cm_wipe(cek, sizeof(cek));
    if (st != CM_OK) {
        cm_wipe(out, cap);
    }
    return st;
}

/* ----------------------------------------------------------------- sealing */

static void put_text(struct cm_wr *w, const char *text)
{
    cm_wr_bytes(w, text, strlen(text));
}

static enum cm_status write_header(struct cm_jwe_suite suite, const char *epk, const char *more,
                                   struct cm_wr *h)
{
    put_text(h, "{\"alg\":\"");
    put_text(h, algs[suite.alg]);
    put_text(h, "\",\"enc\":\"");
    put_text(h, encs[suite.enc]);
    put_text(h, "\"");
    if (epk[0] != '\0') {
        put_text(h, ",\"epk\":");
        put_text(h, epk);
    }
    if (more != NULL && more[0] != '\0') {
        put_text(h, ",");
        put_text(h, more);
    }
    put_text(h, "}");
    return cm_wr_finish(h);
}

/* One of the five parts in either form. The header is encoded already: it was authenticated so. */
static enum cm_status write_part(struct cm_span part, size_t i, bool flattened, struct cm_wr *w)
{
    static const char *const names[] = {"{\"protected\":\"", "\",\"encrypted_key\":\"",
                                        "\",\"iv\":\"", "\",\"ciphertext\":\"", "\",\"tag\":\""};

    if (flattened && i == 1 && part.len == 0) {
        return CM_OK; /* RFC 7516 7.2.1: a member without a value is absent */
    }
    put_text(w, flattened ? names[i] : i != 0 ? "." : "");
    if (i != 0) {
        return cm_jose_append(w, part);
    }
    cm_wr_bytes(w, part.ptr, part.len);
    return CM_OK;
}

/* The last is followed by a NUL. */
static enum cm_status write_parts(const struct cm_span parts[5], bool flattened, struct cm_wr *w)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < 5 && st == CM_OK; i++) {
        st = write_part(parts[i], i, flattened, w);
    }
    put_text(w, flattened ? "\"}" : "");
    cm_wr_u8(w, 0);
    return st == CM_OK ? cm_wr_finish(w) : st;
}

enum cm_status cm_jwe_encrypt(const struct cm_pubkey *key, struct cm_jwe_suite suite,
                              const struct cm_jwe_options *options, struct cm_span plain, char *out,
                              size_t cap)
{
    char header[4096] = "";
    char encoded[CM_BASE64_ENCODED(4096)] = "";
    uint8_t iv[CM_AEAD_MAX_IV] = {0};
    uint8_t tag[CM_AEAD_MAX_TAG] = {0};
    struct cm_wr h = cm_wr_init(header, sizeof(header));
    struct cm_wr w = cm_wr_init(out, cap);
    struct cm_wr e = cm_wr_init(encoded, sizeof(encoded));
    struct cm_aead_in in = {.alg = suite.enc, .text = plain};
    struct cm_jwe_sealed_key sealed;
    struct cm_span parts[5];
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(&sealed, 0, sizeof(sealed));
    if ((size_t)suite.alg >= ALG_COUNT || (size_t)suite.enc >= ENC_COUNT) {
        return CM_ERR_PARAM;
    }
    if (plain.len > CM_JWE_MAX_TEXT) {
        return CM_ERR_LIMIT;
    }
    CM_TRY(cm_jwe_seal_key(key, suite, &sealed));
    CM_TRY(cm_random_bytes(iv, cm_aead_iv_size(suite.enc)));
    CM_TRY(write_header(suite, sealed.epk, options != NULL ? options->header_members : NULL, &h));
    CM_TRY(cm_jose_append(&e, cm_span_make(header, h.used)));
    text = malloc(plain.len + CM_AEAD_MAX_PAD);
    if (text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    in.key = cm_span_make(sealed.cek, cm_aead_key_size(suite.enc));
    in.iv = cm_span_make(iv, cm_aead_iv_size(suite.enc));
    in.aad = cm_span_make(encoded, e.used);
    CM_TRY(cm_aead_seal(&in, text, plain.len + CM_AEAD_MAX_PAD, &len, tag));
    parts[0] = in.aad;
    parts[1] = cm_span_make(sealed.encrypted, sealed.encrypted_len);
    parts[2] = in.iv;
    parts[3] = cm_span_make(text, len);
    parts[4] = cm_span_make(tag, cm_aead_tag_size(suite.enc));
    CM_TRY(write_parts(parts, options != NULL && options->flattened, &w));
out:
    free(text); /* ciphertext: no secret */
    cm_wipe(&sealed, sizeof(sealed));
    return st;
}
