/*
 * The root key wrapped by a key on a PKCS#11 token; see keep.h. Tokens and modules are found by p11-kit, at
 * run time. The token's key never leaves it: the root key that it wrapped rests in the store. Untrusted: the
 * note. That the right token opened the right note shows when the root key opens the store key (keep.c).
 */
#include "keep/keep_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/keyenc.h"
#include "keep/keep_root.h"

/* How the note's bytes came to be. */
enum { BY_AES = 1, BY_RSA = 2 };

#define IV_SIZE      16u
#define AES_WRAPPED  (CM_ROOT_SIZE + 16u) /* PKCS#7 padding: a whole block */
#define EXPONENT_MAX 8u

/*
 * CBC is what tokens have everywhere. It does not notice a changed text; GCM over the store key, which the
 * root key opens, does.
 */
static enum cm_status wrap_aes(const struct cm_token *t, const uint8_t key[CM_ROOT_SIZE],
                               struct cm_wr *note, struct cm_why *why)
{
    uint8_t iv[IV_SIZE] = {0};
    uint8_t wrapped[AES_WRAPPED] = {0};
    uint8_t in[CM_ROOT_SIZE] = {0};
    CK_ULONG len = sizeof(wrapped);
    CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, sizeof(iv)};
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(iv, sizeof(iv)));
    memcpy(in, key, sizeof(in));
    CM_TRY(cm_token_said(t->f->C_EncryptInit(t->session, &mechanism, t->key), "encrypt", why));
    CM_TRY(
        cm_token_said(t->f->C_Encrypt(t->session, in, sizeof(in), wrapped, &len), "encrypt", why));
    if (len != sizeof(wrapped)) {
        cm_why_set(why, "the token encrypts to %lu bytes", len);
        st = CM_ERR_PLATFORM;
    }
    cm_wr_u8(note, BY_AES);
    cm_wr_bytes(note, iv, sizeof(iv));
    cm_wr_bytes(note, wrapped, sizeof(wrapped));
out:
    cm_wipe(in, sizeof(in));
    return st;
}

/* With the public half, which is read off the private key: nobody need have stored it, too. */
static enum cm_status wrap_rsa(const struct cm_token *t, const uint8_t key[CM_ROOT_SIZE],
                               struct cm_wr *note, struct cm_why *why)
{
    uint8_t n[CM_KEYENC_MAX_RSA] = {0};
    uint8_t e[EXPONENT_MAX] = {0};
    uint8_t wrapped[CM_KEYENC_MAX_RSA] = {0};
    CK_ATTRIBUTE have[] = {{CKA_MODULUS, n, sizeof(n)}, {CKA_PUBLIC_EXPONENT, e, sizeof(e)}};
    struct cm_span modulus = {n, 0};
    struct cm_span exponent = {e, 0};
    struct cm_pubkey *public = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_token_said(t->f->C_GetAttributeValue(t->session, t->key, have, 2),
                         "give the public half of the key", why));
    modulus.len = have[0].ulValueLen;
    exponent.len = have[1].ulValueLen;
    while (modulus.len > 0 && modulus.ptr[0] == 0) {
        modulus = cm_span_make(modulus.ptr + 1, modulus.len - 1);
    }
    while (exponent.len > 0 && exponent.ptr[0] == 0) {
        exponent = cm_span_make(exponent.ptr + 1, exponent.len - 1);
    }
    st = cm_pubkey_from_rsa(modulus, exponent, &public);
    if (st != CM_OK) {
        cm_why_set(why, "the token's RSA key cannot be used: 2048 to 8192 bits are");
        goto out;
    }
    CM_TRY(cm_oaep_encrypt(public, CM_OAEP_SHA1, cm_span_make(key, CM_ROOT_SIZE), wrapped,
                           sizeof(wrapped), &len));
    cm_wr_u8(note, BY_RSA);
    cm_wr_bytes(note, wrapped, len);
out:
    cm_pubkey_free(public);
    return st;
}

static enum cm_status unwrap(const struct cm_token *t, const struct cm_root_note *note,
                             struct cm_root *root, struct cm_why *why)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
    struct cm_rd rd = cm_rd_init(cm_span_make(note->bytes, note->len));
    uint8_t kind = cm_rd_u8(&rd);
    uint8_t iv[IV_SIZE] = {0};
    uint8_t cipher[CM_KEYENC_MAX_RSA] = {0};
    uint8_t plain[CM_KEYENC_MAX_RSA] = {0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
    CK_ULONG len = sizeof(plain);
    struct cm_span wrapped;
    enum cm_status st = CM_OK;

    if (kind == BY_AES) {
        cm_rd_copy(&rd, iv, sizeof(iv));
        mechanism = (CK_MECHANISM){CKM_AES_CBC_PAD, iv, sizeof(iv)};
    }
    wrapped = cm_rd_rest(&rd);
    if (cm_rd_finish(&rd) != CM_OK || (kind != BY_AES && kind != BY_RSA) || wrapped.len == 0 ||
        wrapped.len > sizeof(cipher)) {
        cm_why_set(why, "the store's record of its root key is malformed");
        return CM_ERR_FORMAT;
    }
    if ((kind == BY_RSA) != t->rsa) {
        cm_why_set(why,
                   "the token's key is of another kind than the one that the store was made with");
        return CM_ERR_MISMATCH;
    }
    memcpy(cipher, wrapped.ptr, wrapped.len);
    CM_TRY(cm_token_said(t->f->C_DecryptInit(t->session, &mechanism, t->key), "decrypt", why));
    if (t->f->C_Decrypt(t->session, cipher, wrapped.len, plain, &len) != CKR_OK ||
        len != CM_ROOT_SIZE) {
        cm_why_set(why, "the token's key does not open this store's root key");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    memcpy(root->key, plain, CM_ROOT_SIZE);
    (void)snprintf(root->says, sizeof(root->says), "the %s key on the PKCS#11 token \"%s\"",
                   t->rsa ? "RSA" : "AES", t->label);
out:
    cm_wipe(plain, sizeof(plain));
    return st;
}

static enum cm_status find_token(const char *uri, const struct cm_root_note *note,
                                 struct cm_root *root, struct cm_why *why)
{
    struct cm_token *t = NULL;
    enum cm_status st = cm_token_open(uri, &t, why);

    if (st == CM_OK) {
        st = unwrap(t, note, root, why);
    }
    cm_token_close(t);
    return st;
}

static enum cm_status make_token(const char *uri, struct cm_root_note *note, struct cm_root *root,
                                 struct cm_why *why)
{
    struct cm_wr wr = cm_wr_init(note->bytes, sizeof(note->bytes));
    uint8_t key[CM_ROOT_SIZE] = {0};
    struct cm_token *t = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_token_open(uri, &t, why));
    CM_TRY(cm_random_bytes(key, sizeof(key)));
    CM_TRY(t->rsa ? wrap_rsa(t, key, &wr, why) : wrap_aes(t, key, &wr, why));
    CM_TRY(cm_wr_finish(&wr));
    note->len = wr.used;
    CM_TRY(unwrap(t, note, root, why)); /* before anything depends on it */
    if (!cm_ct_equal(key, root->key, sizeof(key))) {
        cm_why_set(why, "the token does not decrypt what it encrypted");
        st = CM_ERR_PLATFORM;
    }
out:
    cm_token_close(t);
    cm_wipe(key, sizeof(key));
    return st;
}

const struct cm_root_way cm_root_token = {.scheme = "pkcs11",
                                          .number = 3,
                                          .says = "a PKCS#11 token",
                                          .make = make_token,
                                          .find = find_token,
                                          .whole = true};
