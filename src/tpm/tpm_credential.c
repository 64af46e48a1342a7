/* Credential activation, the verifier's side; see tpm_credential.h. */
#include "tpm/tpm_credential.h"

#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/envelope.h"
#include "crypto/keyenc.h"
#include "crypto/sig_digest.h"
#include "evidence/chain.h"
#include "evidence/der.h"
#include "tpm/tpm_ak.h"

#define BLOB_MAGIC   0xBADCC0DEu
#define BLOB_VERSION 1
#define MAX_SECRET   32

static const uint8_t oid_eku[] = {0x55, 0x1d, 0x25};
#define USE_EK 1

static void put_2b(struct cm_wr *w, struct cm_span s)
{
    cm_wr_u16be(w, (uint16_t)s.len);
    cm_wr_bytes(w, s.ptr, s.len);
}

static enum cm_status hash_of(uint16_t alg, enum cm_hash_alg *out)
{
    switch (alg) {
    case CM_TPM_ALG_SHA1:
        *out = CM_HASH_SHA1;
        return CM_OK;
    case CM_TPM_ALG_SHA256:
        *out = CM_HASH_SHA256;
        return CM_OK;
    case CM_TPM_ALG_SHA384:
        *out = CM_HASH_SHA384;
        return CM_OK;
    case CM_TPM_ALG_SHA512:
        *out = CM_HASH_SHA512;
        return CM_OK;
    default:
        return CM_ERR_UNSUPPORTED;
    }
}

/* KDFa (11.4.10.2), one block: no key here is longer than its hash. label with its NUL. */
static enum cm_status kdf_a(enum cm_hash_alg hash, struct cm_span key, struct cm_span label,
                            struct cm_span context, size_t len, uint8_t out[CM_HASH_MAX_SIZE])
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    const size_t bits = 8 * len;
    const uint8_t size[4] = {0, 0, (uint8_t)(bits >> 8), (uint8_t)bits};
    const struct cm_span parts[] = {{counter, 4}, label, context, {size, 4}};

    return len > cm_hash_size(hash) ? CM_ERR_UNSUPPORTED : cm_hmac(hash, key, parts, 4, out);
}

/* KDFe (11.4.10.3), one block. */
static enum cm_status kdf_e(enum cm_hash_alg hash, struct cm_span z, struct cm_span own_x,
                            struct cm_span peer_x, uint8_t out[CM_HASH_MAX_SIZE])
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    const struct cm_span parts[] = {
        {counter, 4}, z, {(const uint8_t *)"IDENTITY", 9}, own_x, peer_x};

    return cm_hash_parts(hash, parts, 5, out);
}

/* The seed for an EC key: ephemeral key agreement; the point goes into secret. */
static enum cm_status seed_ec(const struct cm_pubkey *key, enum cm_hash_alg hash,
                              uint8_t seed[CM_HASH_MAX_SIZE], struct cm_wr *secret)
{
    uint8_t z[CM_KEYENC_MAX_SHARED] = {0};
    uint8_t own[2][66];
    uint8_t peer[2][66];
    size_t size = 0;
    size_t z_len = 0;
    enum cm_curve curve = CM_CURVE_P256;
    struct cm_privkey *ephemeral = NULL;
    struct cm_pubkey *shown = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_pubkey_ec(key, &curve, peer[0], peer[1], &size));
    CM_TRY(cm_privkey_generate(curve, 0, &ephemeral));
    CM_TRY(cm_privkey_public(ephemeral, &shown));
    CM_TRY(cm_pubkey_ec(shown, &curve, own[0], own[1], &size));
    CM_TRY(cm_ecdh(ephemeral, key, z, &z_len));
    CM_TRY(kdf_e(hash, cm_span_make(z, z_len), cm_span_make(own[0], size),
                 cm_span_make(peer[0], size), seed));
    put_2b(secret, cm_span_make(own[0], size));
    put_2b(secret, cm_span_make(own[1], size));
    st = cm_wr_finish(secret);
out:
    cm_wipe(z, sizeof(z));
    cm_privkey_free(ephemeral);
    cm_pubkey_free(shown);
    return st;
}

static enum cm_status make_seed(const struct cm_tpm_public *ek, enum cm_hash_alg hash,
                                uint8_t seed[CM_HASH_MAX_SIZE], struct cm_wr *secret)
{
    struct cm_pubkey *key = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_tpm_public_key(ek, &key));
    if (ek->type == CM_TPM_ALG_ECC) {
        st = seed_ec(key, hash, seed, secret);
        goto out;
    }
    CM_TRY(cm_random_bytes(seed, cm_hash_size(hash)));
    st = cm_oaep_encrypt_label(key, hash, cm_span_make("IDENTITY", 9),
                               cm_span_make(seed, cm_hash_size(hash)), secret);
out:
    cm_pubkey_free(key);
    return st;
}

/* TPMS_ID_OBJECT: the secret encrypted, and an HMAC that ties it to the name. */
static enum cm_status make_object(const struct cm_tpm_public *ek, enum cm_hash_alg hash,
                                  struct cm_span seed, struct cm_span name, struct cm_span secret,
                                  struct cm_wr *out)
{
    uint8_t key[CM_HASH_MAX_SIZE] = {0};
    uint8_t mac[CM_HASH_MAX_SIZE] = {0};
    uint8_t plain[2 + MAX_SECRET] = {0, (uint8_t)secret.len};
    uint8_t cipher[sizeof(plain)] = {0};
    const size_t key_len = ek->symmetric_bits / 8u;
    const struct cm_span none = {NULL, 0};
    struct cm_span parts[2] = {{cipher, 2 + secret.len}, name};
    enum cm_status st = CM_OK;

    memcpy(plain + 2, secret.ptr, secret.len);
    CM_TRY(kdf_a(hash, seed, cm_span_make("STORAGE", 8), name, key_len, key));
    CM_TRY(cm_aes_cfb_encrypt(cm_span_make(key, key_len), cm_span_make(plain, 2 + secret.len),
                              cipher));
    CM_TRY(kdf_a(hash, seed, cm_span_make("INTEGRITY", 10), none, cm_hash_size(hash), key));
    CM_TRY(cm_hmac(hash, cm_span_make(key, cm_hash_size(hash)), parts, 2, mac));
    put_2b(out, cm_span_make(mac, cm_hash_size(hash)));
    cm_wr_bytes(out, cipher, 2 + secret.len);
    st = cm_wr_finish(out);
out:
    cm_wipe(key, sizeof(key));
    cm_wipe(plain, sizeof(plain));
    return st;
}

enum cm_status cm_tpm_make_credential(const struct cm_tpm_public *ek, struct cm_span name,
                                      struct cm_span secret, uint8_t blob[CM_TPM_CREDENTIAL_MAX],
                                      size_t *len)
{
    uint8_t seed[CM_HASH_MAX_SIZE] = {0};
    uint8_t object[160];
    uint8_t sealed[CM_SIG_MAX_SIZE];
    struct cm_wr object_w = cm_wr_init(object, sizeof(object));
    struct cm_wr sealed_w = cm_wr_init(sealed, sizeof(sealed));
    struct cm_wr w = cm_wr_init(blob, CM_TPM_CREDENTIAL_MAX);
    enum cm_hash_alg hash = CM_HASH_SHA256;
    enum cm_status st = CM_OK;

    if (secret.len == 0 || secret.len > MAX_SECRET || name.len < 2) {
        return CM_ERR_PARAM;
    }
    CM_TRY(hash_of(ek->name_alg, &hash));
    if (ek->symmetric != CM_TPM_ALG_AES || secret.len > cm_hash_size(hash)) {
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(make_seed(ek, hash, seed, &sealed_w));
    CM_TRY(make_object(ek, hash, cm_span_make(seed, cm_hash_size(hash)), name, secret, &object_w));
    cm_wr_u32be(&w, BLOB_MAGIC);
    cm_wr_u32be(&w, BLOB_VERSION);
    put_2b(&w, cm_span_make(object, object_w.used));
    put_2b(&w, cm_span_make(sealed, sealed_w.used));
    CM_TRY(cm_wr_finish(&w));
    *len = w.used;
out:
    cm_wipe(seed, sizeof(seed));
    return st;
}

enum cm_status cm_tpm_credential_check(struct cm_span secret, struct cm_span answer)
{
    return secret.len != 0 && secret.len == answer.len &&
                   cm_ct_equal(secret.ptr, answer.ptr, secret.len)
               ? CM_OK
               : CM_ERR_MISMATCH;
}

/* ------------------------------------------------------------ endorsement keys */

/* The certificate without what fills up its NV index. */
static struct cm_span without_filling(struct cm_span cert)
{
    struct cm_rd r = cm_rd_init(cert);
    struct cm_span whole = cm_der_element(&r, CM_DER_SEQUENCE);

    for (size_t i = 0; i < r.left; i++) {
        if (r.ptr[i] != r.ptr[0] || (r.ptr[i] != 0 && r.ptr[i] != 0xff)) {
            return cert;
        }
    }
    return r.bad ? cert : whole;
}

enum cm_status cm_tpm_public_is_ek(const struct cm_tpm_public *ek, struct cm_why *why)
{
    const uint32_t must = CM_TPM_FIXED_TPM | CM_TPM_RESTRICTED | CM_TPM_DECRYPT | CM_TPM_SENSITIVE;

    if ((ek->attributes & must) != must || (ek->attributes & CM_TPM_SIGN) != 0) {
        cm_why_set(why, "the key's attributes (0x%08x) are not an endorsement key's",
                   ek->attributes);
        return CM_ERR_POLICY;
    }
    return CM_OK;
}

/* The public area must be the certificate's key, and a key that only opens what it is meant for. */
static enum cm_status check_ek(const struct cm_tpm_public *ek, const struct cm_cert *cert,
                               struct cm_why *why)
{
    struct cm_pubkey *key = NULL;
    enum cm_status st = cm_tpm_public_key(ek, &key);

    if (st == CM_OK && !cm_pubkey_equal(key, cm_cert_key(cert))) {
        cm_why_set(why, "the certificate is of another key");
        st = CM_ERR_MISMATCH;
    }
    if (st == CM_OK) {
        st = cm_tpm_public_is_ek(ek, why);
    }
    cm_pubkey_free(key);
    return st;
}

enum cm_status cm_tpm_ek_verify(const struct cm_verify_job *job, struct cm_span ek_cert,
                                const struct cm_tpm_public *ek, struct cm_evidence *ev,
                                size_t submod)
{
    static const struct cm_span handled[] = {{oid_eku, sizeof(oid_eku)}};
    static const struct cm_chain_rule rule = {.family = "tpm",
                                              .names = CM_CHAIN_NAMES("tpm.ek"),
                                              .handled = handled,
                                              .handled_count = 1,
                                              .any_leaf_use = true};
    struct cm_certs *pool = NULL;
    const struct cm_cert *leaf = NULL;
    struct cm_chain chain;
    struct cm_why why = {{0}};
    enum cm_status st = cm_certs_create_general(job->cert_cache, &pool);

    if (st != CM_OK) {
        return st;
    }
    st = cm_certs_add(pool, without_filling(ek_cert), &leaf, 1, NULL);
    if (st == CM_OK) {
        st = cm_chain_pool(job, pool, true);
    }
    if (st != CM_OK) {
        cm_why_set(&why, "the endorsement key's certificate or an intermediate cannot be read");
    } else {
        st = cm_chain_verify(job, ev, submod, pool, leaf, &rule, &chain);
        cm_why_set(&why, "%s", st == CM_OK ? "" : "its chain does not hold");
    }
    if (st == CM_OK && !cm_tpm_cert_for(leaf, USE_EK, false)) {
        cm_why_set(&why, "the certificate is not one for endorsement keys");
        st = CM_ERR_MISMATCH;
    }
    if (st == CM_OK) {
        st = check_ek(ek, leaf, &why);
    }
    cm_check_status(ev, submod, "tpm.ek", st, "%s", why.text);
    cm_certs_free(pool);
    return st;
}
