/*
 * Parts of envelopes for other people's formats: RSA-OAEP with a label, HMAC and AES-CFB by hash and key of
 * the caller's choice. No policy here; over OpenSSL 3, host side.
 */
#ifndef CM_CRYPTO_ENVELOPE_H
#define CM_CRYPTO_ENVELOPE_H

#include "common/writer.h"
#include "crypto/hash.h"
#include "crypto/pubkey.h"

/**
 * RSAES-OAEP, MGF1 of the same hash.
 * @param label  as it is hashed: a closing NUL is part of it where the format has one.
 * @retval CM_ERR_MISMATCH not an RSA key @retval CM_ERR_SPACE
 */
CM_MUST_USE enum cm_status cm_oaep_encrypt_label(const struct cm_pubkey *key, enum cm_hash_alg hash,
                                                 struct cm_span label, struct cm_span plain,
                                                 struct cm_wr *out);

/** HMAC over the concatenation of parts; out has cm_hash_size(hash) bytes. */
CM_MUST_USE enum cm_status cm_hmac(enum cm_hash_alg hash, struct cm_span key,
                                   const struct cm_span *parts, size_t count, uint8_t *out);

/**
 * AES-128 or AES-256 in CFB mode (128-bit feedback) with a zero IV: a key may be used once.
 * @param out  text.len bytes. @retval CM_ERR_PARAM another length of key
 */
CM_MUST_USE enum cm_status cm_aes_cfb_encrypt(struct cm_span key, struct cm_span text,
                                              uint8_t *out);

#endif
