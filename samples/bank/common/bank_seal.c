/* The two ends of bank_seal.h. Both derive the same keys from the same transcript. */
#include "bank_seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bank_agreement.h"
#include "bank_pack.h"
#include "bank_text.h"

#define WRAPPED_SIZE (32U + BANK_TAG_SIZE)

static const char magic[8] = {'C', 'M', 'B', 'A', 'N', 'K', '0', '1'};
static const char label[] = "casemate bank 1 transcript";
static const char info[] = "casemate bank 1 key wrap";
static const char sign_label[] = "casemate bank 1 header";

/* where the parts of a header begin */
enum {
    AT_EPHEMERAL = sizeof(magic),
    AT_TOTAL = AT_EPHEMERAL + BANK_KEY_SIZE,
    AT_WRAPPED = AT_TOTAL + 8,
    AT_SIGNATURE = AT_WRAPPED + WRAPPED_SIZE,
};

struct bank_key {
    EVP_PKEY *pair;
};

struct bank_signer {
    EVP_PKEY *pair;
};

/* one direction of one file */
struct stream {
    EVP_CIPHER_CTX *ctx;
    uint8_t transcript[32];
    uint64_t total;
    uint64_t passed; /* bytes of the file */
    uint64_t index;  /* of the next chunk */
    bool broken;
};

struct bank_sealer {
    struct stream s;
};

struct bank_opener {
    struct stream s;
};

static enum bank_status transcript(const struct bank_envelope *e, const uint8_t *ephemeral,
                                   uint64_t total, uint8_t out[32])
{
    uint8_t text[sizeof(label) + 32 + BANK_KEY_SIZE * 2 + 4 + 8];
    uint8_t *p = text;
    enum bank_status st = BANK_OK;

    memcpy(p, label, sizeof(label));
    p += sizeof(label);
    st = bank_agreement_hash(e->agreement, p);
    if (st != BANK_OK) {
        return st;
    }
    p += 32;
    if (e->released_key != NULL) {
        memset(p, 0, BANK_KEY_SIZE);
    } else {
        memcpy(p, e->enclave_key, BANK_KEY_SIZE);
    }
    p += BANK_KEY_SIZE;
    memcpy(p, ephemeral, BANK_KEY_SIZE);
    p += BANK_KEY_SIZE;
    bank_pack_u32(p, e->bank);
    bank_pack_u64(p + 4, total);
    return EVP_Digest(text, sizeof(text), out, NULL, EVP_sha256(), NULL) == 1 ? BANK_OK
                                                                              : BANK_CRYPTO;
}

/* Begin an AES-256-GCM message: its nonce and what is authenticated with it. key NULL: as before. */
static bool gcm(EVP_CIPHER_CTX *ctx, const uint8_t *key, uint64_t index, bool seal,
                const uint8_t *aad, size_t aad_len)
{
    uint8_t iv[12] = {0};
    int n = 0;

    bank_pack_u64(iv + 4, index);
    return EVP_CipherInit_ex(ctx, key != NULL ? EVP_aes_256_gcm() : NULL, NULL, key, iv,
                             seal ? 1 : 0) == 1 &&
           EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1;
}

static bool gcm_seal(EVP_CIPHER_CTX *ctx, const uint8_t *plain, size_t len, uint8_t *out)
{
    int n = 0;

    return EVP_CipherUpdate(ctx, out, &n, plain, (int)len) == 1 && (size_t)n == len &&
           EVP_CipherFinal_ex(ctx, out + len, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BANK_TAG_SIZE, out + len) == 1;
}

/* plain holds text that nobody has authenticated until this returns true; wiped when false */
static bool gcm_open(EVP_CIPHER_CTX *ctx, const uint8_t *sealed, size_t len, uint8_t *plain)
{
    uint8_t tag[BANK_TAG_SIZE];
    uint8_t none[16];
    int n = 0;

    memcpy(tag, sealed + len, sizeof(tag));
    if (EVP_CipherUpdate(ctx, plain, &n, sealed, (int)len) == 1 && (size_t)n == len &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
        EVP_CipherFinal_ex(ctx, none, &n) == 1) {
        return true;
    }
    bank_wipe(plain, len);
    return false;
}

/* a fresh EVP_PKEY from 65 bytes; NULL when they are no point of the curve */
static EVP_PKEY *public_from(const uint8_t bytes[BANK_KEY_SIZE])
{
    char group[] = "prime256v1";
    uint8_t copy[BANK_KEY_SIZE];
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[3];

    memcpy(copy, bytes, sizeof(copy));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof(copy));
    params[2] = OSSL_PARAM_construct_end();
    if (ctx == NULL || copy[0] != 4 || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static enum bank_status new_ec_key(EVP_PKEY **out, uint8_t public_key[BANK_KEY_SIZE])
{
    EVP_PKEY *key = EVP_EC_gen("prime256v1");
    size_t n = 0;

    if (key == NULL ||
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, public_key, BANK_KEY_SIZE,
                                        &n) != 1 ||
        n != BANK_KEY_SIZE) {
        EVP_PKEY_free(key);
        return BANK_CRYPTO;
    }
    *out = key;
    return BANK_OK;
}

static bool hkdf(const uint8_t *secret, size_t secret_len, const uint8_t salt[32], uint8_t out[32])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    uint8_t salt_copy[32];
    uint8_t ikm[64];
    char use[sizeof(info)];
    OSSL_PARAM params[5];
    bool ok = false;

    if (ctx != NULL && secret_len <= sizeof(ikm)) {
        memcpy(salt_copy, salt, sizeof(salt_copy));
        memcpy(ikm, secret, secret_len);
        memcpy(use, info, sizeof(use));
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
        params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, ikm, secret_len);
        params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt_copy, 32);
        params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, use, sizeof(use));
        params[4] = OSSL_PARAM_construct_end();
        ok = EVP_KDF_derive(ctx, out, 32, params) == 1;
    }
    OPENSSL_cleanse(ikm, sizeof(ikm));
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

/* K_wrap; refused when the other side's key is no point */
static enum bank_status wrap_key(EVP_PKEY *own, const uint8_t other[BANK_KEY_SIZE],
                                 const uint8_t salt[32], uint8_t out[32])
{
    EVP_PKEY *peer = public_from(other);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    uint8_t secret[32] = {0};
    size_t n = sizeof(secret);
    enum bank_status st = BANK_CRYPTO;

    if (peer == NULL) {
        st = BANK_REFUSED;
    } else if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
               EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &n) == 1 &&
               n == sizeof(secret) && hkdf(secret, n, salt, out)) {
        st = BANK_OK;
    }
    OPENSSL_cleanse(secret, sizeof(secret));
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return st;
}

/* K_wrap: of the key that the service released, or of what both ends agree on */
static enum bank_status wrap_key_for(const struct bank_envelope *e, EVP_PKEY *own,
                                     const uint8_t *other, const uint8_t salt[32], uint8_t out[32])
{
    if (e->released_key != NULL) {
        return hkdf(e->released_key, BANK_RELEASED_SIZE, salt, out) ? BANK_OK : BANK_CRYPTO;
    }
    return wrap_key(own, other, salt, out);
}

enum bank_status bank_key_new(struct bank_key **out, uint8_t public_key[BANK_KEY_SIZE])
{
    struct bank_key *k = calloc(1, sizeof(*k));
    enum bank_status st = k == NULL ? BANK_NO_MEMORY : new_ec_key(&k->pair, public_key);

    if (st != BANK_OK) {
        free(k);
        return st;
    }
    *out = k;
    return BANK_OK;
}

void bank_key_free(struct bank_key *k)
{
    if (k != NULL) {
        EVP_PKEY_free(k->pair); /* OpenSSL wipes the private half */
        free(k);
    }
}

enum bank_status bank_signer_new(struct bank_signer **out, uint8_t public_key[BANK_SIGNER_SIZE])
{
    struct bank_signer *s = calloc(1, sizeof(*s));
    size_t n = BANK_SIGNER_SIZE;

    if (s == NULL) {
        return BANK_NO_MEMORY;
    }
    s->pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (s->pair == NULL || EVP_PKEY_get_raw_public_key(s->pair, public_key, &n) != 1 ||
        n != BANK_SIGNER_SIZE) {
        bank_signer_free(s);
        return BANK_CRYPTO;
    }
    *out = s;
    return BANK_OK;
}

void bank_signer_free(struct bank_signer *s)
{
    if (s != NULL) {
        EVP_PKEY_free(s->pair);
        free(s);
    }
}

/* what a bank signs: that it, for this transcript, uses this file key */
static void signed_text(const uint8_t t[32], const uint8_t wrapped[WRAPPED_SIZE],
                        uint8_t out[sizeof(sign_label) + 32 + WRAPPED_SIZE])
{
    memcpy(out, sign_label, sizeof(sign_label));
    memcpy(out + sizeof(sign_label), t, 32);
    memcpy(out + sizeof(sign_label) + 32, wrapped, WRAPPED_SIZE);
}

static bool sign(const struct bank_signer *signer, const uint8_t *text, size_t len, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = 64;
    bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, signer->pair) == 1 &&
              EVP_DigestSign(ctx, out, &n, text, len) == 1 && n == 64;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool signature_ok(const uint8_t signer[BANK_SIGNER_SIZE], const uint8_t *text, size_t len,
                         const uint8_t signature[64])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, signer, BANK_SIGNER_SIZE);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, signature, 64, text, len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* everything after the magic, given the ephemeral key pair */
static enum bank_status fill_header(const struct bank_envelope *e, const struct bank_signer *signer,
                                    EVP_PKEY *ephemeral, struct stream *s, uint8_t *header)
{
    uint8_t text[sizeof(sign_label) + 32 + WRAPPED_SIZE];
    uint8_t kek[32] = {0};
    uint8_t file_key[32] = {0};
    enum bank_status st = transcript(e, header + AT_EPHEMERAL, s->total, s->transcript);

    if (st == BANK_OK) {
        st = wrap_key_for(e, ephemeral, e->enclave_key, s->transcript, kek);
    }
    if (st != BANK_OK) {
        goto out;
    }
    bank_pack_u64(header + AT_TOTAL, s->total);
    st = BANK_CRYPTO;
    if (bank_pack_random(file_key, sizeof(file_key)) &&
        gcm(s->ctx, kek, 0, true, s->transcript, 32) &&
        gcm_seal(s->ctx, file_key, sizeof(file_key), header + AT_WRAPPED)) {
        signed_text(s->transcript, header + AT_WRAPPED, text);
        if (sign(signer, text, sizeof(text), header + AT_SIGNATURE) &&
            EVP_CipherInit_ex(s->ctx, EVP_aes_256_gcm(), NULL, file_key, NULL, 1) == 1) {
            st = BANK_OK;
        }
    }
out:
    OPENSSL_cleanse(kek, sizeof(kek));
    OPENSSL_cleanse(file_key, sizeof(file_key));
    return st;
}

enum bank_status bank_sealer_new(const struct bank_envelope *e, const struct bank_signer *signer,
                                 uint64_t total_size, struct bank_sealer **out,
                                 uint8_t header[BANK_HEADER_SIZE])
{
    struct bank_sealer *n = calloc(1, sizeof(*n));
    EVP_PKEY *ephemeral = NULL;
    enum bank_status st = BANK_NO_MEMORY;

    memset(header, 0, BANK_HEADER_SIZE);
    memcpy(header, magic, sizeof(magic));
    if (n == NULL) {
        return st;
    }
    n->s.total = total_size;
    n->s.ctx = EVP_CIPHER_CTX_new();
    if (n->s.ctx != NULL) {
        st = new_ec_key(&ephemeral, header + AT_EPHEMERAL);
    }
    if (st == BANK_OK) {
        st = fill_header(e, signer, ephemeral, &n->s, header);
    }
    EVP_PKEY_free(ephemeral);
    if (st != BANK_OK) {
        bank_sealer_free(n);
        return st;
    }
    *out = n;
    return BANK_OK;
}

void bank_sealer_free(struct bank_sealer *s)
{
    if (s != NULL) {
        EVP_CIPHER_CTX_free(s->s.ctx); /* OpenSSL wipes the key schedule */
        bank_wipe_free(s, sizeof(*s));
    }
}

/* the bytes that the next chunk must have */
static size_t next_size(const struct stream *s)
{
    uint64_t left = s->total - s->passed;

    return left < BANK_CHUNK_SIZE ? (size_t)left : BANK_CHUNK_SIZE;
}

static void chunk_aad(const struct stream *s, uint8_t out[48])
{
    memcpy(out, s->transcript, 32);
    bank_pack_u64(out + 32, s->index);
    bank_pack_u64(out + 40, s->total);
}

enum bank_status bank_sealer_chunk(struct bank_sealer *s, const uint8_t *plain, size_t len,
                                   uint8_t *out)
{
    uint8_t aad[48];

    if (len == 0 || len != next_size(&s->s)) {
        return BANK_STATE; /* the file changed its size while it was read */
    }
    chunk_aad(&s->s, aad);
    if (!gcm(s->s.ctx, NULL, s->s.index, true, aad, sizeof(aad)) ||
        !gcm_seal(s->s.ctx, plain, len, out)) {
        return BANK_CRYPTO;
    }
    s->s.index++;
    s->s.passed += len;
    return BANK_OK;
}

/* the file key out of a header whose signature holds */
static enum bank_status unwrap(const struct bank_envelope *e, const struct bank_key *key,
                               const uint8_t *header, struct stream *s)
{
    uint8_t kek[32] = {0};
    uint8_t file_key[32] = {0};
    enum bank_status st = wrap_key_for(e, key->pair, header + AT_EPHEMERAL, s->transcript, kek);

    if (st == BANK_OK && !gcm(s->ctx, kek, 0, false, s->transcript, 32)) {
        st = BANK_CRYPTO;
    }
    if (st == BANK_OK && !gcm_open(s->ctx, header + AT_WRAPPED, sizeof(file_key), file_key)) {
        st = BANK_REFUSED;
    }
    if (st == BANK_OK &&
        EVP_CipherInit_ex(s->ctx, EVP_aes_256_gcm(), NULL, file_key, NULL, 0) != 1) {
        st = BANK_CRYPTO;
    }
    OPENSSL_cleanse(kek, sizeof(kek));
    OPENSSL_cleanse(file_key, sizeof(file_key));
    return st;
}

enum bank_status bank_opener_new(const struct bank_envelope *e, const struct bank_key *key,
                                 const uint8_t header[BANK_HEADER_SIZE], struct bank_opener **out,
                                 struct bank_why *why)
{
    uint8_t text[sizeof(sign_label) + 32 + WRAPPED_SIZE];
    const char *name = e->agreement->names[e->bank];
    struct bank_opener *n = NULL;
    enum bank_status st = BANK_NO_MEMORY;

    if (memcmp(header, magic, sizeof(magic)) != 0) {
        return bank_fail(why, BANK_REFUSED, "%s: this is no sealed bank file", name);
    }
    n = calloc(1, sizeof(*n));
    if (n == NULL || (n->s.ctx = EVP_CIPHER_CTX_new()) == NULL) {
        free(n);
        return bank_fail(why, st, "%s: no memory to open its file", name);
    }
    n->s.total = bank_unpack_u64(header + AT_TOTAL);
    st = transcript(e, header + AT_EPHEMERAL, n->s.total, n->s.transcript);
    if (st != BANK_OK) {
        goto out;
    }
    signed_text(n->s.transcript, header + AT_WRAPPED, text);
    if (!signature_ok(e->agreement->signers[e->bank], text, sizeof(text), header + AT_SIGNATURE)) {
        st = bank_fail(why, BANK_REFUSED,
                       "%s: the header is not signed by this bank for this enclave and agreement",
                       name);
        goto out;
    }
    st = n->s.total > BANK_MAX_FILE ? BANK_LIMIT : unwrap(e, key, header, &n->s);
    if (st != BANK_OK) {
        (void)bank_fail(why, st, "%s: the file key cannot be unwrapped: %s", name,
                        bank_status_text(st));
        goto out;
    }
    *out = n;
    n = NULL;
out:
    bank_opener_free(n);
    return st;
}

enum bank_status bank_opener_chunk(struct bank_opener *o, const uint8_t *sealed, size_t len,
                                   uint8_t *plain, struct bank_why *why)
{
    uint8_t aad[48];
    size_t want = next_size(&o->s);

    if (o->s.broken || want == 0 || len != want + BANK_TAG_SIZE) {
        o->s.broken = true;
        return bank_fail(why, BANK_REFUSED, "chunk %llu of the file has a wrong size or place",
                         (unsigned long long)o->s.index + 1);
    }
    chunk_aad(&o->s, aad);
    if (!gcm(o->s.ctx, NULL, o->s.index, false, aad, sizeof(aad)) ||
        !gcm_open(o->s.ctx, sealed, want, plain)) {
        o->s.broken = true;
        return bank_fail(why, BANK_REFUSED,
                         "chunk %llu of the file was changed, moved, or belongs to another file",
                         (unsigned long long)o->s.index + 1);
    }
    o->s.index++;
    o->s.passed += want;
    return BANK_OK;
}

enum bank_status bank_opener_end(const struct bank_opener *o, struct bank_why *why)
{
    if (o->s.broken || o->s.passed != o->s.total) {
        return bank_fail(why, BANK_REFUSED, "the file was cut short: %llu of %llu bytes came",
                         (unsigned long long)o->s.passed, (unsigned long long)o->s.total);
    }
    return BANK_OK;
}

void bank_opener_free(struct bank_opener *o)
{
    if (o != NULL) {
        EVP_CIPHER_CTX_free(o->s.ctx);
        bank_wipe_free(o, sizeof(*o));
    }
}
