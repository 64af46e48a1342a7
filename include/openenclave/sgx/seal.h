/*
 * SGX's part of sealing: the plugin oe_seal_plugin_gcm_aes and its settings. Without settings a blob
 * is bound to signer and product id (PRODUCT), the processor's and the enclave's present version,
 * INIT and DEBUG, under a key and an initialisation vector of its own. Enclave side.
 */
#ifndef _OE_SGX_SEAL_H
#define _OE_SGX_SEAL_H

#include "../bits/sgx/sgxtypes.h"
#include "../seal.h"

OE_EXTERNC_BEGIN

/* each sets one field of KEYREQUEST (SDM Vol. 3D 38.18) */
enum oe_seal_setting_type_sgx_t {
    OE_SEAL_SETTING_SGX_KEYNAME = OE_SEAL_SETTING_PLUGIN_DEFINED,
    OE_SEAL_SETTING_SGX_ISVSVN,
    OE_SEAL_SETTING_SGX_CET_ATTRIBUTES_MASK, /**< OE_UNSUPPORTED */
    OE_SEAL_SETTING_SGX_CPUSVN,
    OE_SEAL_SETTING_SGX_FLAGSMASK,
    OE_SEAL_SETTING_SGX_XFRMMASK,
    OE_SEAL_SETTING_SGX_MISCMASK,
    OE_SEAL_SETTING_SGX_CONFIGSVN,

    OE_SEAL_SETTING_SGX_PLUGIN_DEFINED =
        OE_SEAL_SETTING_PLUGIN_DEFINED + OE_SEAL_SETTING_PLUGIN_DEFINED / 2
};

/** SGX_KEYSELECT_SEAL, or SGX_KEYSELECT_PROVISION_SEAL in an enclave that has that attribute. */
#define OE_SEAL_SET_SGX_KEYNAME(w) __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_KEYNAME, w)
/** The lowest security version of an enclave that shall open the blob; at most the sealer's own. */
#define OE_SEAL_SET_SGX_ISVSVN(w) __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_ISVSVN, w)
#define OE_SEAL_SET_SGX_CET_ATTRIBUTES_MASK(b) \
    __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_CET_ATTRIBUTES_MASK, b)
/** The lowest processor version, 16 bytes; at most the present one. */
#define OE_SEAL_SET_SGX_CPUSVN(p) __OE_SEAL_SET_POINTER(OE_SEAL_SETTING_SGX_CPUSVN, p, 16)
/** Which bits of ATTRIBUTES.FLAGS must be as they are here; INIT and DEBUG always must. */
#define OE_SEAL_SET_SGX_FLAGSMASK(q) __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_FLAGSMASK, q)
#define OE_SEAL_SET_SGX_XFRMMASK(q)  __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_XFRMMASK, q)
#define OE_SEAL_SET_SGX_MISCMASK(d)  __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_MISCMASK, d)
/**
 * The lowest CONFIGSVN. Binds the blob to CONFIGID too, since the processor looks at the one only
 * together with the other. Needs KSS.
 */
#define OE_SEAL_SET_SGX_CONFIGSVN(w) __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_SGX_CONFIGSVN, w)

/** AES-128-GCM under a key of the processor's. It registers itself, not as the default. */
extern const oe_seal_plugin_definition_t oe_seal_plugin_gcm_aes;

OE_EXTERNC_END

#endif
