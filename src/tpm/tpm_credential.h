/*
 * Credential activation: how a verifier learns that an attestation key lives in the TPM that an
 * endorsement key's certificate is of (TPM 2.0 Library Specification, Part 1, chapter 24).
 *
 * 1. cm_tpm_ek_verify(): the endorsement key's certificate chains to a maker's root.
 * 2. cm_tpm_make_credential(): a secret for exactly the attestation key of that name, in that TPM.
 * 3. The TPM answers with TPM2_ActivateCredential; cm_tpm_credential_check() compares.
 * 4. The attestation key's public area may now be enrolled (CM_MATERIAL_KEY of casemate/verify.h).
 */
#ifndef CM_TPM_TPM_CREDENTIAL_H
#define CM_TPM_TPM_CREDENTIAL_H

#include "tpm/tpm.h"

#define CM_TPM_CREDENTIAL_MAX 1024 /* bytes of a blob */

/** Whether it is an endorsement key by its attributes: restricted, for decryption only, made by and fixed to its TPM.
 * @retval CM_ERR_POLICY */
CM_MUST_USE enum cm_status cm_tpm_public_is_ek(const struct cm_tpm_public *ek, struct cm_why *why);

/**
 * Verify an endorsement key: its certificate chains to a root of family "tpm" of the job (intermediates
 * are the job's CM_MATERIAL_CERTS), is one for endorsement keys, and is of this public area, which is a
 * restricted decryption key that is fixed to its TPM. Adds checks "tpm.ek*" to the submodule.
 *
 * @param ek_cert  UNTRUSTED, DER as in NV index 0x01C00002 or 0x01C0000A; FF or 00 may follow it
 * @return CM_OK or the status of the first check that failed
 */
CM_MUST_USE enum cm_status cm_tpm_ek_verify(const struct cm_verify_job *job, struct cm_span ek_cert,
                                            const struct cm_tpm_public *ek, struct cm_evidence *ev,
                                            size_t submod);

/**
 * Encrypt a secret to an endorsement key, for one attestation key only.
 *
 * @param ek      RSA of 2048 bits and more or EC, with AES in CFB mode: verified before.
 * @param name    of the attestation key: cm_tpm_public_name() of an area that passed
 *                cm_tpm_public_is_ak(); the TPM refuses to open the blob for any other.
 * @param secret  1 to 32 random bytes. The caller keeps it, and wipes it.
 * @param blob    as tpm2_activatecredential reads it: mark, version, TPM2B_ID_OBJECT,
 *                TPM2B_ENCRYPTED_SECRET; CM_TPM_CREDENTIAL_MAX bytes
 * @retval CM_ERR_UNSUPPORTED  an endorsement key of another kind @retval CM_ERR_PARAM @retval CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_tpm_make_credential(const struct cm_tpm_public *ek,
                                                  struct cm_span name, struct cm_span secret,
                                                  uint8_t blob[CM_TPM_CREDENTIAL_MAX], size_t *len);

/** Whether the TPM's answer is the secret, in constant time. @retval CM_ERR_MISMATCH it is not */
CM_MUST_USE enum cm_status cm_tpm_credential_check(struct cm_span secret, struct cm_span answer);

#endif
