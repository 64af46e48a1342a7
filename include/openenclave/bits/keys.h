/*
 * Keys that only this enclave, or enclaves of its product, can have: derived by the processor from
 * what is burnt into it and from the enclave's identity. The enclave's side; the host's is below
 * oe_get_public_key in openenclave/host.h. Included by openenclave/enclave.h.
 *
 * A key info is the processor's key request (sgx_key_request_t). It is no secret, and may be kept in
 * the open: whoever changes it gets another key or an error, with one exception that matters: it
 * can name an OLDER security version. So a key got by info is for reading old data; encrypt new data
 * under a key got by policy.
 *
 * Emulated enclaves get keys of the emulated platform, which protect nothing.
 *
 * All functions are thread-safe. Buffers are allocated in enclave memory; out-parameters are set
 * on OE_OK only, and otherwise NULL and 0.
 */
#ifndef _OE_BITS_KEYS_H
#define _OE_BITS_KEYS_H

#include "asym_keys.h"
#include "defs.h"
#include "result.h"
#include "types.h"

OE_EXTERNC_BEGIN

#define oe_get_seal_key_by_policy oe_get_seal_key_by_policy_v2
#define oe_get_seal_key           oe_get_seal_key_v2

/**
 * The enclave's seal key (16 bytes) at its present security version and the processor's.
 *
 * @param seal_policy    UNIQUE: this measurement only. PRODUCT: every enclave of the same signer and
 *                       product id, with this security version or a higher one. Debug enclaves
 *                       and production enclaves never share a key.
 * @param key_buffer     The key; give it back with oe_free_seal_key() or oe_free_key().
 * @param key_info       NULL, or receives what oe_get_seal_key() needs to get this key again.
 * @param key_info_size  NULL exactly when key_info is.
 *
 * @retval OE_INVALID_PARAMETER  a pointer or the policy is wrong
 * @retval OE_OUT_OF_MEMORY      the enclave's heap is exhausted
 * @retval OE_UNEXPECTED         the processor refused
 */
oe_result_t oe_get_seal_key_by_policy_v2(oe_seal_policy_t seal_policy, uint8_t **key_buffer,
                                         size_t *key_buffer_size, uint8_t **key_info,
                                         size_t *key_info_size);

/**
 * The seal key that a key info asks for.
 *
 * @param key_info  UNTRUSTED, sizeof(sgx_key_request_t) bytes of enclave memory.
 *
 * @retval OE_INVALID_PARAMETER  wrong size, reserved bits, or a policy that names neither MRENCLAVE
 *                               nor MRSIGNER: such a key would be everybody's
 * @retval OE_INVALID_CPUSVN     of a newer processor version than this one
 * @retval OE_INVALID_ISVSVN     of a newer enclave (or configuration) version than this one
 * @retval OE_INVALID_KEYNAME    not a sealing key
 * @retval OE_UNSUPPORTED        uses key separation and sharing (KSS), and the enclave does not
 * @retval OE_OUT_OF_MEMORY      the enclave's heap is exhausted
 */
oe_result_t oe_get_seal_key_v2(const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                               size_t *key_buffer_size);

/** Wipes and frees a seal key and its info; either may be NULL. */
void oe_free_seal_key(uint8_t *key_buffer, uint8_t *key_info);

/**
 * A P-256 key pair derived from the seal key and from key_params->user_data (SP 800-108 in counter
 * mode with HMAC-SHA-256): the same enclave, policy and data give the same pair. Needs OpenSSL:
 * link openssl_3.
 *
 * @param key_params  EC_SECP256P1 and PEM; user_data in enclave memory.
 * @param key_buffer  PEM text including its terminator: SubjectPublicKeyInfo, or PKCS#8.
 *                    Give it back with oe_free_key(), which wipes it.
 *
 * Errors as for the seal key; OE_CRYPTO_ERROR when OpenSSL failed.
 */
oe_result_t oe_get_public_key_by_policy(oe_seal_policy_t seal_policy,
                                        const oe_asymmetric_key_params_t *key_params,
                                        uint8_t **key_buffer, size_t *key_buffer_size,
                                        uint8_t **key_info, size_t *key_info_size);
oe_result_t oe_get_private_key_by_policy(oe_seal_policy_t seal_policy,
                                         const oe_asymmetric_key_params_t *key_params,
                                         uint8_t **key_buffer, size_t *key_buffer_size,
                                         uint8_t **key_info, size_t *key_info_size);
oe_result_t oe_get_public_key(const oe_asymmetric_key_params_t *key_params, const uint8_t *key_info,
                              size_t key_info_size, uint8_t **key_buffer, size_t *key_buffer_size);
oe_result_t oe_get_private_key(const oe_asymmetric_key_params_t *key_params,
                               const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                               size_t *key_buffer_size);

/** Wipes and frees a key and its info; either may be NULL. */
void oe_free_key(uint8_t *key_buffer, size_t key_buffer_size, uint8_t *key_info,
                 size_t key_info_size);

OE_EXTERNC_END

#endif
