/*
 * The API of Azure Attestation, as its published clients speak it, and our own: evidence in, a signed token
 * out. docs/service-attestation.md has the endpoints and claims. The module "maa". Thread-safe.
 *
 * An attestation is answered only when its record is on the disk. NOT promised: that a token says what a
 * relying party wants; it says what was verified, and by which policy it was permitted.
 */
#ifndef CM_MAA_MAA_H
#define CM_MAA_MAA_H

#include "service/service.h"

extern const struct cm_module cm_maa_module;

#endif
