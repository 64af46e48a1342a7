/*
 * Which TPMs are trusted: those whose endorsement key has a certificate under a root of family "tpm" (setting
 * trust-root), or was enrolled for the type "Tpm" by the operator as a public area. Thread-safe.
 */
#ifndef CM_DECIDE_DECIDE_ENDORSE_H
#define CM_DECIDE_DECIDE_ENDORSE_H

#include "decide/decide.h"
#include "tpm/tpm.h"

/** UNTRUSTED; borrowed. */
struct cm_endorsement {
    struct cm_span cert;  /* DER, or PEM; {NULL, 0}: none */
    struct cm_span chain; /* its issuers, the root among them; {NULL, 0}: none */
};

/**
 * Whether an endorsement key is one of a TPM that is trusted.
 * @param ek      its public area.
 * @param sha256  on CM_OK: of the key (SubjectPublicKeyInfo), in hex.
 * @retval CM_ERR_POLICY    not an endorsement key's attributes, or another root
 * @retval CM_ERR_NOTFOUND  neither enrolled nor certified   @retval CM_ERR_MISMATCH  the certificate is another key's
 * @retval CM_ERR_EXPIRED, CM_ERR_SIGNATURE, CM_ERR_FORMAT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_decide_endorsed(struct cm_service *s,
                                              const struct cm_endorsement *claim,
                                              const struct cm_tpm_public *ek, char sha256[65],
                                              struct cm_why *why);

#endif
