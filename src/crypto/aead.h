/*
 * Authenticated encryption by the names of JOSE (RFC 7518 section 5), over OpenSSL 3. The same code
 * in host and enclave. No policy here; an IV must never repeat under a GCM key.
 */
#ifndef CM_CRYPTO_AEAD_H
#define CM_CRYPTO_AEAD_H

#include <casemate/status.h>

#include "common/span.h"

enum cm_aead {
    CM_AEAD_A128GCM,       /* NIST SP 800-38D: key 16, IV 12, tag 16 bytes */
    CM_AEAD_A256GCM,       /* key 32 */
    CM_AEAD_A256CBC_HS512, /* AES-CBC, then HMAC-SHA-512 cut in half: key 64, IV 16, tag 32 */
};

#define CM_AEAD_MAX_KEY  64u
#define CM_AEAD_MAX_IV   16u
#define CM_AEAD_MAX_TAG  32u
#define CM_AEAD_MAX_PAD  16u /* ciphertext is at most this much longer than the plaintext */
#define CM_AEAD_MAX_TEXT (1u << 30)

size_t cm_aead_key_size(enum cm_aead alg);
size_t cm_aead_iv_size(enum cm_aead alg);
size_t cm_aead_tag_size(enum cm_aead alg);

/* What goes in. All borrowed for the call; lengths must be those of the algorithm. */
struct cm_aead_in {
    enum cm_aead alg;
    struct cm_span key;
    struct cm_span iv;
    struct cm_span aad;
    struct cm_span text; /* plaintext, or ciphertext; may be the same memory as out */
};

/**
 * Encrypt.
 * @param tag  tag_size bytes are written.
 * @retval CM_ERR_PARAM a length is wrong   @retval CM_ERR_LIMIT text or aad too long
 * @retval CM_ERR_SPACE cap is below the ciphertext's length
 */
CM_MUST_USE enum cm_status cm_aead_seal(const struct cm_aead_in *in, uint8_t *out, size_t cap,
                                        size_t *len, uint8_t tag[CM_AEAD_MAX_TAG]);

/**
 * Verify and decrypt. Nothing but zeros is in out unless CM_OK is returned.
 * @param cap  at least in->text.len.
 * @retval CM_ERR_SIGNATURE  key, IV, additional data, text or tag are not what was encrypted; in
 *                           time that does not depend on how they differ
 */
CM_MUST_USE enum cm_status cm_aead_open(const struct cm_aead_in *in, struct cm_span tag,
                                        uint8_t *out, size_t cap, size_t *len);

#endif
