/* Key requests; see seal_request.h. */
#include "seal/seal_request.h"

#include <string.h>

#include <openenclave/bits/sgx/sgxtypes.h>

_Static_assert(sizeof(sgx_key_request_t) == sizeof(struct sgx_keyrequest), "one KEYREQUEST");

bool cm_seal_key_policy(uint64_t policy, uint16_t *out)
{
    if (policy == OE_SEAL_POLICY_UNIQUE) {
        *out = SGX_KEYPOLICY_MRENCLAVE;
        return true;
    }
    if (policy == OE_SEAL_POLICY_PRODUCT) {
        *out = SGX_KEYPOLICY_MRSIGNER;
        return true;
    }
    return false;
}

oe_result_t cm_seal_request_make(oe_seal_policy_t policy, const struct sgx_report_body *self,
                                 struct sgx_keyrequest *out)
{
    memset(out, 0, sizeof(*out));
    if (!cm_seal_key_policy((uint64_t)policy, &out->keypolicy)) {
        return OE_INVALID_PARAMETER;
    }
    out->keyname = SGX_KEY_SEAL;
    out->isvsvn = self->isvsvn;
    memcpy(out->cpusvn, self->cpusvn, sizeof(out->cpusvn));
    out->attributemask.flags = OE_SEALKEY_DEFAULT_FLAGSMASK;
    out->attributemask.xfrm = OE_SEALKEY_DEFAULT_XFRMMASK;
    out->miscmask = OE_SEALKEY_DEFAULT_MISCMASK;
    return OE_OK;
}

void cm_seal_request_read(struct cm_rd *r, struct sgx_keyrequest *out)
{
    memset(out, 0, sizeof(*out));
    out->keyname = cm_rd_u16le(r);
    out->keypolicy = cm_rd_u16le(r);
    out->isvsvn = cm_rd_u16le(r);
    cm_rd_zero(r, sizeof(out->reserved1));
    cm_rd_copy(r, out->cpusvn, sizeof(out->cpusvn));
    out->attributemask.flags = cm_rd_u64le(r);
    out->attributemask.xfrm = cm_rd_u64le(r);
    cm_rd_copy(r, out->keyid, sizeof(out->keyid));
    out->miscmask = cm_rd_u32le(r);
    out->configsvn = cm_rd_u16le(r);
    cm_rd_zero(r, sizeof(out->reserved2));
}

oe_result_t cm_seal_request_check(const struct sgx_keyrequest *request)
{
    if (request->keyname != SGX_KEY_SEAL && request->keyname != SGX_KEY_PROVISION_SEAL) {
        return OE_INVALID_KEYNAME;
    }
    if ((request->keypolicy & (SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER)) == 0) {
        return OE_INVALID_PARAMETER;
    }
    if (request->configsvn != 0 && (request->keypolicy & SGX_KEYPOLICY_CONFIGID) == 0) {
        return OE_INVALID_PARAMETER;
    }
    return OE_OK;
}
