/* Private to src/arm: what the profile of 2024 (RMM 2.0, draft-ffm-rats-cca-token-03) added to CCA tokens. */
#ifndef CM_ARM_CCA_2024_H
#define CM_ARM_CCA_2024_H

#include "arm/arm_token.h"

/** Client id, manufacturing configuration, peer signers, devices, boot keys: checked, and claims of them. */
CM_MUST_USE enum cm_status cm_cca_2024_platform(struct cm_cbor_value claims, struct cm_evidence *ev,
                                                size_t submod, struct cm_why *why);

/** Memory encryption and firmware activation policy, instance id, hash of the devices' token. */
CM_MUST_USE enum cm_status cm_cca_2024_realm(struct cm_cbor_value claims, struct cm_evidence *ev,
                                             size_t submod, struct cm_why *why);

#endif
