/*
 * Key requests (KEYREQUEST, SDM Vol. 3D 38.18) as key infos and in sealed blobs: their bytes come
 * from untrusted storage. No state, no processor; used inside and by the fuzz target.
 */
#ifndef CM_SEAL_SEAL_REQUEST_H
#define CM_SEAL_SEAL_REQUEST_H

#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

#include "arch/sgx.h"
#include "common/reader.h"

/* Make the request for the sealing key of an enclave at its present versions. */
oe_result_t cm_seal_request_make(oe_seal_policy_t policy, const struct sgx_report_body *self,
                                 struct sgx_keyrequest *out);

/** KEYPOLICY of a policy; false for one that does not exist. */
bool cm_seal_key_policy(uint64_t policy, uint16_t *out);

/** Read a request; what it asks for is not judged, but its reserved bytes are zero. */
void cm_seal_request_read(struct cm_rd *r, struct sgx_keyrequest *out);

/**
 * Whether a request asks for a key that data may be sealed under.
 * @retval OE_INVALID_KEYNAME    not a sealing key: REPORT keys die with the boot, PROVISION keys are
 *                               known to the processor's maker
 * @retval OE_INVALID_PARAMETER  neither MRENCLAVE nor MRSIGNER, so any enclave could have the key; or
 *                               a CONFIGSVN that the key does not depend on
 */
oe_result_t cm_seal_request_check(const struct sgx_keyrequest *request);

#endif
