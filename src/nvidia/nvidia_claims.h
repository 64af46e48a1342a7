/* Private to the NVIDIA verifier: what a device's report and leaf certificate say, as claims. */
#ifndef CM_NVIDIA_CLAIMS_H
#define CM_NVIDIA_CLAIMS_H

#include "evidence/certs.h"
#include "evidence/claims.h"
#include "nvidia/spdm.h"

#define CM_NVIDIA_NVDEC_MSR \
    35u /* the measurement that only devices with their video decoder on have */

/** The label of a measurement block: "msr1" ... "msr255"; a string constant. */
const char *cm_nvidia_label(uint8_t index);

/**
 * Whether the decoder is off, so that measurement CM_NVIDIA_NVDEC_MSR means nothing and is not compared.
 * Only the value that says so plainly does.
 */
bool cm_nvidia_nvdec_off(const struct cm_spdm_report *r);

/** Measurements and opaque data; self-asserted until the caller raises them. */
void cm_nvidia_report_claims(struct cm_evidence *ev, size_t submod, const struct cm_spdm_report *r);

/** Model and name of the device, from its certificates: leaf, and who issued it. */
void cm_nvidia_cert_claims(struct cm_evidence *ev, size_t submod, const struct cm_cert *leaf,
                           const struct cm_cert *issuer);

/** Whether the leaf is a switch's (LS10). */
bool cm_nvidia_is_switch(const struct cm_cert *leaf);

/**
 * The firmware's digest in the leaf (DICE: CompositeDeviceID 2.23.133.5.4.1 or TcbInfo 2.23.133.5.4.1.1).
 * @retval CM_ERR_NOTFOUND neither extension   @retval CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_nvidia_leaf_fwid(const struct cm_cert *leaf, struct cm_span *out);

#endif
