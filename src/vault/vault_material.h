/* Private to src/vault: what is secret of keys: made, imported, and wrapped for whoever was attested. */
#ifndef CM_VAULT_VAULT_MATERIAL_H
#define CM_VAULT_VAULT_MATERIAL_H

#include <jansson.h>

#include "crypto/keyenc.h"

#define CM_VAULT_MATERIAL_MAX 8192 /* of keys: an RSA-8192 has less than 5 KiB */

/* RSA and EC: PKCS#8 in DER; oct: its bytes. */
struct cm_vault_material {
    uint8_t *bytes;
    size_t len;
    json_t *jwk; /* kty as it was asked for, and the public members */
};

/** Wipes; accepts what was zeroed. */
void cm_vault_material_clear(struct cm_vault_material *m);

/**
 * A new key. RSA (also RSA-HSM) of 2048, 3072 or 4096 bits; EC (EC-HSM) on P-256, P-384 or P-521; oct (oct-HSM)
 * of 128, 192 or 256 bits. Takes seconds for large RSA keys.
 *
 * @param body  UNTRUSTED: kty, key_size, crv; what is absent is 2048, P-256, 256
 * @retval CM_ERR_PARAM  another type, size or curve   @retval CM_ERR_NOMEM, CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_vault_generate(json_t *body, struct cm_vault_material *out,
                                             struct cm_why *why);

/**
 * A key that somebody brings, as a private JWK: checked to be one.
 * @param jwk  UNTRUSTED: kty, and n e d p q dp dq qi; crv x y d; or k
 * @param hsm  whether its type is to end with -HSM
 * @retval CM_ERR_PARAM  not a JWK, a size or curve that is not kept, members that do not fit together
 */
CM_MUST_USE enum cm_status cm_vault_import(json_t *jwk, bool hsm, struct cm_vault_material *out,
                                           struct cm_why *why);

/**
 * PKCS#8 in DER of a private key, byte for byte as OpenSSL writes it, into new memory: wiped and freed by the
 * caller.
 * @param evp_pkey    an EVP_PKEY
 * @param coordinate  bytes of a coordinate of its curve (32, 48, 66); 0: RSA
 * @retval CM_ERR_CRYPTO  a part is absent or too long   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_vault_pkcs8(const void *evp_pkey, size_t coordinate, uint8_t **out,
                                          size_t *len);

/* How a released key is wrapped: OAEP for a new AES key, with which the key is wrapped (RFC 5649). */
struct cm_vault_wrap {
    const char *name; /* "CKM_RSA_AES_KEY_WRAP" */
    enum cm_oaep oaep;
};
/** @param name  NULL: the first, as Key Vault does. @return NULL: not known */
const struct cm_vault_wrap *cm_vault_wrap_of(const char *name);

/** Bytes of a wrapped key. */
#define CM_VAULT_WRAPPED_MAX(len) (CM_KEYENC_MAX_RSA + CM_KEYENC_WRAP_PAD_SIZE(len))

/** @param out  CM_VAULT_WRAPPED_MAX(plain.len) bytes. @retval CM_ERR_PARAM empty @retval as of keyenc.h */
CM_MUST_USE enum cm_status cm_vault_wrap_for(const struct cm_pubkey *key,
                                             const struct cm_vault_wrap *wrap, struct cm_span plain,
                                             uint8_t *out, size_t *len);

#endif
