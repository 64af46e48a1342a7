/*
 * What EINIT checks of a SIGSTRUCT (SDM Vol. 3D, EINIT). UNTRUSTED: all 1808 bytes, already copied
 * so that the host cannot change them during the checks. No state, thread-safe.
 */
#ifndef CM_SGXEMU_SIGSTRUCT_H
#define CM_SGXEMU_SIGSTRUCT_H

#include "sgxemu/emu_keys.h"

/**
 * Constants, reserved bytes, exponent, then RSA signature with q1 and q2: what needs no enclave.
 *
 * @return SGX_SUCCESS, SGX_INVALID_SIG_STRUCT, SGX_INVALID_SIGNATURE, or CM_EMU_LEAF_FAIL when the
 *         cryptographic library failed (no memory)
 */
CM_MUST_USE int cm_emu_sigstruct_check(const struct sgx_sigstruct *sig);

/**
 * The whole of EINIT's checks against an enclave whose id holds what ECREATE and the pages gave it
 * (attributes, misc, configid, configsvn, mrenclave). Fills in the signer's half of id.
 *
 * @return as above, or SGX_INVALID_MEASUREMENT, SGX_INVALID_ATTRIBUTE; id changes on SGX_SUCCESS only
 */
CM_MUST_USE int cm_emu_einit_check(const struct sgx_sigstruct *sig, struct cm_emu_ident *id);

#endif
