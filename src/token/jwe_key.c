/* Content keys of JWE; see jwe_key.h. Untrusted: epk, apu, apv, the encrypted key. */
#include "token/jwe_key.h"

#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "token/jose.h"
#include "token/jws.h"

#define PARTY_INFO_MAX 512u

/* ------------------------------------------------------------- derivation */

static void put_lengthed(struct cm_wr *w, struct cm_span s)
{
    cm_wr_u32be(w, (uint32_t)s.len);
    if (s.len != 0) {
        cm_wr_bytes(w, s.ptr, s.len);
    }
}

static enum cm_status kdf_round(struct cm_span shared, struct cm_span info, uint32_t counter,
                                uint8_t digest[CM_SHA256_SIZE])
{
    const uint8_t be[4] = {0, 0, 0, (uint8_t)counter};
    struct cm_sha256 *h = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, be, sizeof(be)));
    CM_TRY(cm_sha256_update(h, shared.ptr, shared.len));
    CM_TRY(cm_sha256_update(h, info.ptr, info.len));
    CM_TRY(cm_sha256_final(h, digest));
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_concat_kdf(struct cm_span shared, const struct cm_concat_info *info, uint8_t *out,
                             size_t len)
{
    uint8_t other[2 * PARTY_INFO_MAX + 64];
    uint8_t digest[CM_SHA256_SIZE] = {0};
    struct cm_wr w = cm_wr_init(other, sizeof(other));
    enum cm_status st = CM_OK;

    if (len > CM_AEAD_MAX_KEY) {
        return CM_ERR_PARAM;
    }
    put_lengthed(&w, cm_span_make(info->algorithm, strlen(info->algorithm)));
    put_lengthed(&w, info->apu);
    put_lengthed(&w, info->apv);
    cm_wr_u32be(&w, (uint32_t)len * 8);
    CM_TRY(cm_wr_finish(&w));
    for (size_t done = 0; done < len; done += sizeof(digest)) {
        size_t part = len - done < sizeof(digest) ? len - done : sizeof(digest);

        CM_TRY(kdf_round(shared, cm_span_make(other, w.used), (uint32_t)(done / sizeof(digest)) + 1,
                         digest));
        memcpy(out + done, digest, part);
    }
out:
    cm_wipe(digest, sizeof(digest));
    return st;
}

/* The key that both sides agree on: the content key itself, or what wraps it. */
static enum cm_status agree(const struct cm_privkey *own, const struct cm_pubkey *peer,
                            struct cm_jwe_suite suite, struct cm_concat_info *info, uint8_t *out)
{
    const bool wraps = suite.alg == CM_JWE_ECDH_ES_A256KW;
    uint8_t shared[CM_KEYENC_MAX_SHARED] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    info->algorithm = wraps ? cm_jwe_alg_name(suite.alg) : cm_jwe_enc_name(suite.enc);
    CM_TRY(cm_ecdh(own, peer, shared, &len));
    CM_TRY(cm_concat_kdf(cm_span_make(shared, len), info, out,
                         wraps ? CM_KEYENC_KEK_SIZE : cm_aead_key_size(suite.enc)));
out:
    cm_wipe(shared, sizeof(shared));
    return st;
}

/* ----------------------------------------------------------------- opening */

/* An optional member of the header. */
static enum cm_status party_info(const struct cm_jwe *jwe, const char *name, uint8_t *buf,
                                 struct cm_span *out)
{
    struct cm_json_value root = cm_json_root(&jwe->header);

    *out = cm_span_make(NULL, 0);
    if (cm_json_get(root, name).doc == NULL) {
        return CM_OK;
    }
    return cm_jose_octets(root, name, buf, PARTY_INFO_MAX, out);
}

static enum cm_status agree_with_sender(const struct cm_jwe *jwe, const struct cm_privkey *key,
                                        uint8_t *out)
{
    uint8_t apu[PARTY_INFO_MAX];
    uint8_t apv[PARTY_INFO_MAX];
    struct cm_concat_info info;
    struct cm_pubkey *sender = NULL;
    enum cm_status st = CM_OK;

    memset(&info, 0, sizeof(info));
    if (cm_jwk_parse(cm_json_get(cm_json_root(&jwe->header), "epk"), &sender) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    CM_TRY(party_info(jwe, "apu", apu, &info.apu));
    CM_TRY(party_info(jwe, "apv", apv, &info.apv));
    CM_TRY(agree(key, sender, jwe->suite, &info, out));
out:
    cm_pubkey_free(sender);
    return st;
}

/* cek = good ? opened : cek, without a branch on what was opened. */
static void choose(bool good, const uint8_t *opened, uint8_t *cek, size_t len)
{
    volatile uint8_t mask = (uint8_t)(0U - (unsigned)good);

    for (size_t i = 0; i < len; i++) {
        cek[i] = (uint8_t)((opened[i] & mask) | (cek[i] & (uint8_t)~mask));
    }
}

static enum cm_status open_rsa(const struct cm_jwe *jwe, const struct cm_privkey *key, uint8_t *cek)
{
    const enum cm_oaep oaep = jwe->suite.alg == CM_JWE_RSA_OAEP ? CM_OAEP_SHA1 : CM_OAEP_SHA256;
    const size_t want = cm_aead_key_size(jwe->suite.enc);
    uint8_t opened[CM_KEYENC_MAX_RSA] = {0};
    size_t len = 0;
    enum cm_status st =
        cm_oaep_decrypt(key, oaep, cm_span_make(jwe->key, jwe->key_len), opened, &len);

    if (st == CM_OK || st == CM_ERR_SIGNATURE) {
        choose(st == CM_OK && len == want, opened, cek, want);
        st = CM_OK;
    }
    cm_wipe(opened, sizeof(opened));
    return st;
}

static enum cm_status open_wrapped(const struct cm_jwe *jwe, const struct cm_privkey *key,
                                   uint8_t *cek)
{
    const size_t want = cm_aead_key_size(jwe->suite.enc);
    uint8_t kek[CM_AEAD_MAX_KEY] = {0};
    uint8_t opened[CM_KEYENC_MAX_RSA] = {0};
    enum cm_status st = CM_OK;
    bool good = false;

    CM_TRY(agree_with_sender(jwe, key, kek));
    good = cm_aes_unwrap(kek, cm_span_make(jwe->key, jwe->key_len), opened) == CM_OK;
    choose(good && jwe->key_len == want + CM_KEYENC_WRAP_EXTRA, opened, cek, want);
out:
    cm_wipe(opened, sizeof(opened));
    cm_wipe(kek, sizeof(kek));
    return st;
}

enum cm_status cm_jwe_open_key(const struct cm_jwe *jwe, const struct cm_privkey *key,
                               uint8_t cek[CM_AEAD_MAX_KEY])
{
    enum cm_status st = cm_random_bytes(cek, CM_AEAD_MAX_KEY);

    if (st != CM_OK) {
        return st;
    }
    switch (jwe->suite.alg) {
    case CM_JWE_RSA_OAEP:
    case CM_JWE_RSA_OAEP_256:
        return open_rsa(jwe, key, cek);
    case CM_JWE_ECDH_ES:
        return agree_with_sender(jwe, key, cek);
    case CM_JWE_ECDH_ES_A256KW:
        return open_wrapped(jwe, key, cek);
    }
    return CM_ERR_UNSUPPORTED;
}

/* ----------------------------------------------------------------- sealing */

static enum cm_status write_epk(const struct cm_pubkey *key, char *out, size_t cap)
{
    enum cm_curve curve = CM_CURVE_P256;
    struct cm_wr w = cm_wr_init(out, cap);
    const char *name = NULL;
    uint8_t x[66];
    uint8_t y[66];
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_pubkey_ec(key, &curve, x, y, &len));
    name = cm_jose_curve_name((unsigned)curve);
    /* members in order of their names: some clients write the header anew, sorted, before they authenticate it */
    cm_wr_bytes(&w, "{\"crv\":\"", 8);
    cm_wr_bytes(&w, name, strlen(name));
    cm_wr_bytes(&w, "\",\"kty\":\"EC\",\"x\":\"", 18);
    CM_TRY(cm_jose_append(&w, cm_span_make(x, len)));
    cm_wr_bytes(&w, "\",\"y\":\"", 7);
    CM_TRY(cm_jose_append(&w, cm_span_make(y, len)));
    cm_wr_bytes(&w, "\"}", 3); /* with its NUL */
    st = cm_wr_finish(&w);
out:
    return st;
}

static enum cm_status agree_with_receiver(const struct cm_pubkey *key, struct cm_jwe_suite suite,
                                          struct cm_jwe_sealed_key *out, uint8_t *agreed)
{
    struct cm_concat_info info;
    struct cm_privkey *ephemeral = NULL;
    struct cm_pubkey *epk = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66];
    uint8_t y[66];
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(&info, 0, sizeof(info));
    CM_TRY(cm_pubkey_ec(key, &curve, x, y, &len)); /* which curve; refuses RSA */
    CM_TRY(cm_privkey_generate(curve, 0, &ephemeral));
    CM_TRY(cm_privkey_public(ephemeral, &epk));
    CM_TRY(write_epk(epk, out->epk, sizeof(out->epk)));
    CM_TRY(agree(ephemeral, key, suite, &info, agreed));
out:
    cm_pubkey_free(epk);
    cm_privkey_free(ephemeral);
    return st;
}

enum cm_status cm_jwe_seal_key(const struct cm_pubkey *key, struct cm_jwe_suite suite,
                               struct cm_jwe_sealed_key *out)
{
    const size_t size = cm_aead_key_size(suite.enc);
    const enum cm_oaep oaep = suite.alg == CM_JWE_RSA_OAEP ? CM_OAEP_SHA1 : CM_OAEP_SHA256;
    uint8_t kek[CM_AEAD_MAX_KEY] = {0};
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (suite.alg == CM_JWE_ECDH_ES) {
        return agree_with_receiver(key, suite, out, out->cek);
    }
    CM_TRY(cm_random_bytes(out->cek, size));
    if (suite.alg == CM_JWE_ECDH_ES_A256KW) {
        CM_TRY(agree_with_receiver(key, suite, out, kek));
        CM_TRY(cm_aes_wrap(kek, cm_span_make(out->cek, size), out->encrypted));
        out->encrypted_len = size + CM_KEYENC_WRAP_EXTRA;
    } else {
        CM_TRY(cm_oaep_encrypt(key, oaep, cm_span_make(out->cek, size), out->encrypted,
                               sizeof(out->encrypted), &out->encrypted_len));
    }
out:
    cm_wipe(kek, sizeof(kek));
    return st;
}
