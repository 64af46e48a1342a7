/*
 * Whose key signed a quote. Three ways to know, and only the caller's inputs decide between them:
 *
 * - enrolled keys (CM_MATERIAL_KEY): if there is any, nothing else counts. A public area (TPMT_PUBLIC), as
 *   stored after credential activation (tpm_credential.h), also says what the key may sign; a bare key
 *   does not, and what it signs has the authority of a key only.
 * - a certificate (CM_MATERIAL_CERTS) that chains to a root of family "tpm" and is for attestation keys.
 * - no way: refused.
 *
 * An unauthenticated public area (CM_MATERIAL_TPM_PUBLIC) can only make things worse: it is refused if it
 * is not of this key or admits that the key signs anything.
 */
#ifndef CM_TPM_TPM_AK_H
#define CM_TPM_TPM_AK_H

#include "evidence/certs.h"
#include "tpm/tpm.h"

struct cm_tpm_ak {
    struct cm_pubkey *key; /* the caller's to free, also on failure */
    enum cm_authority authority;
    uint16_t verified; /* an enrolled key has verified the signature already: its hash; else 0 */
};

/**
 * Find the key, and add the checks tpm.ak (required), tpm.ak_attributes and, for certificates, those of
 * cm_chain_verify() with prefix "tpm".
 *
 * @param att, sig  of several enrolled keys the one under which the signature verifies is taken.
 * @return CM_OK or the status of the first required check that failed
 */
CM_MUST_USE enum cm_status cm_tpm_ak_find(const struct cm_verify_job *job,
                                          const struct cm_tpm_attest *att,
                                          const struct cm_tpm_signature *sig,
                                          struct cm_evidence *ev, size_t submod,
                                          struct cm_tpm_ak *out);

/**
 * Whether a certificate's extended key usage names tcg-kp (2.23.133.8) with that last arc: 1 endorsement
 * key, 3 attestation key.
 * @param absent  the answer for a certificate without extended key usage
 */
bool cm_tpm_cert_for(const struct cm_cert *cert, uint8_t use, bool absent);

#endif
