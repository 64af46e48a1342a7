/*
 * Tokens for a virtual machine, sealed to a key that lives in its virtual TPM: whoever recorded the machine's
 * evidence and sends it again gets a token that he cannot read. Untrusted: everything about the key.
 */
#include <stdlib.h>
#include <string.h>

#include "common/same.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/aead.h"
#include "crypto/keyenc.h"
#include "maa/maa_private.h"
#include "tpm/tpm.h"

#define ST_CERTIFY 0x8017u /* TPM_ST_ATTEST_CERTIFY */
#define KEY_SIZE   32u
#define AAD        "Transport Key" /* what Azure's clients give as additional data */

static struct cm_span take_2b(struct cm_rd *r)
{
    return cm_rd_take(r, cm_rd_u16be(r));
}

/* The name that an attestation of TPM2_Certify is of (TPM 2.0 Library, Part 2, 10.12.3 and 10.12.12). */
static enum cm_status certified_name(struct cm_span bytes, struct cm_span *name)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint32_t magic = cm_rd_u32be(&r);
    uint16_t type = cm_rd_u16be(&r);

    (void)take_2b(&r);        /* qualifiedSigner */
    (void)take_2b(&r);        /* extraData */
    (void)cm_rd_take(&r, 17); /* clockInfo */
    (void)cm_rd_u64be(&r);    /* firmwareVersion */
    *name = take_2b(&r);
    (void)take_2b(&r); /* qualifiedName */
    if (cm_rd_finish(&r) != CM_OK || magic != CM_TPM_MAGIC || type != ST_CERTIFY) {
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

static enum cm_status check_signature(const struct cm_maa_sealing *s, const struct cm_pubkey *ak)
{
    static const uint8_t sha256[32];
    /* a raw signature's hash is told by the size of a quote's digest: here it is SHA-256 */
    const struct cm_tpm_attest attest = {.bytes = s->certified,
                                         .pcr_digest = {sha256, sizeof(sha256)}};
    struct cm_tpm_signature sig;
    uint16_t hash = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_signature_parse(s->signature, true, &sig, NULL));
    st = cm_tpm_signature_verify(&sig, &attest, ak, &hash);
out:
    return st;
}

enum cm_status cm_maa_sealing_key(const struct cm_maa_sealing *s, const struct cm_pubkey *ak,
                                  struct cm_pubkey **out, struct cm_why *why)
{
    const uint32_t wanted = CM_TPM_FIXED_TPM | CM_TPM_SENSITIVE | CM_TPM_DECRYPT;
    struct cm_tpm_public pub;
    struct cm_span said = {NULL, 0};
    uint8_t name[2 + CM_TPM_MAX_DIGEST] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_parse(s->pub, &pub, why));
    if (pub.type != CM_TPM_ALG_RSA || (pub.attributes & wanted) != wanted ||
        (pub.attributes & CM_TPM_SIGN) != 0) {
        cm_why_set(why, "EncKeyPub is not an RSA key that its TPM made, keeps, and decrypts with");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(cm_tpm_public_name(&pub, name, &len));
    CM_TRY(certified_name(s->certified, &said));
    st = check_signature(s, ak);
    if (st != CM_OK) {
        cm_why_set(why, "EncKeyCertifyInfo is not signed by the machine's attestation key");
        goto out;
    }
    if (!cm_span_same(said, cm_span_make(name, len))) {
        cm_why_set(why, "EncKeyCertifyInfo is about another key than EncKeyPub");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    st = cm_tpm_public_key(&pub, out);
out:
    if (st != CM_OK) {
        cm_why_set(why, "the key for the token (EncKeyPub, EncKeyCertifyInfo) cannot be used");
    }
    return st;
}

/* Ordinary base64, which is what the library decodes inside. */
static json_t *base64_json(struct cm_span bytes)
{
    json_t *url = cm_call_base64url(bytes);
    size_t len = json_string_length(url);
    char *text = url == NULL ? NULL : malloc(len + 4);
    json_t *out = NULL;

    if (text != NULL) {
        for (size_t i = 0; i < len; i++) {
            char c = json_string_value(url)[i];

            text[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
        }
        while (len % 4 != 0) {
            text[len++] = '=';
        }
        out = json_stringn(text, len);
    }
    free(text);
    json_decref(url);
    return out;
}

/* What a sealed token consists of. */
struct parts {
    uint8_t iv[12];
    uint8_t tag[CM_AEAD_MAX_TAG];
    uint8_t wrapped[CM_KEYENC_MAX_RSA];
    size_t wrapped_len;
    uint8_t *cipher;
    size_t cipher_len;
};

static enum cm_status encrypt(const struct cm_pubkey *key, const char *token, struct parts *p)
{
    uint8_t inner[KEY_SIZE] = {0};
    const size_t cap = strlen(token) + CM_AEAD_MAX_PAD;
    const struct cm_aead_in in = {.alg = CM_AEAD_A256GCM,
                                  .key = {inner, sizeof(inner)},
                                  .iv = {p->iv, sizeof(p->iv)},
                                  .aad = {(const uint8_t *)AAD, sizeof(AAD) - 1},
                                  .text = {(const uint8_t *)token, strlen(token)}};
    enum cm_status st = CM_OK;

    p->cipher = malloc(cap);
    if (p->cipher == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_random_bytes(inner, sizeof(inner)));
    CM_TRY(cm_random_bytes(p->iv, sizeof(p->iv)));
    CM_TRY(cm_aead_seal(&in, p->cipher, cap, &p->cipher_len, p->tag));
    st = cm_rsaes_encrypt(key, cm_span_make(inner, sizeof(inner)), p->wrapped, sizeof(p->wrapped),
                          &p->wrapped_len);
out:
    cm_wipe(inner, sizeof(inner));
    return st;
}

enum cm_status cm_maa_seal(const struct cm_pubkey *key, const char *token, char **out)
{
    struct parts p = {.cipher = NULL};
    json_t *box = NULL;
    json_t *text = NULL;
    char *json = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(encrypt(key, token, &p));
    box = json_pack("{s:o, s:{s:s, s:s, s:s, s:i, s:o}, s:o, s:o}", "EncryptedInnerKey",
                    base64_json(cm_span_make(p.wrapped, p.wrapped_len)), "EncryptionParams",
                    "BlockMode", "ChainingModeGCM", "BlockPadding", "PKCS7", "Cipher", "AES",
                    "KeySizeInBits", (int)(KEY_SIZE * 8), "Iv",
                    base64_json(cm_span_make(p.iv, sizeof(p.iv))), "AuthenticationData",
                    base64_json(cm_span_make(p.tag, cm_aead_tag_size(CM_AEAD_A256GCM))), "Jwt",
                    base64_json(cm_span_make(p.cipher, p.cipher_len)));
    json = box == NULL ? NULL : json_dumps(box, JSON_COMPACT);
    text = json == NULL ? NULL : cm_call_base64url(cm_span_make(json, strlen(json)));
    *out = text == NULL ? NULL : strdup(json_string_value(text));
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(box);
    json_decref(text);
    free(json);
    free(p.cipher);
    return st;
}
