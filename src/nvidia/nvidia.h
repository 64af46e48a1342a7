/*
 * Evidence of NVIDIA's GPUs (Hopper, Blackwell) and NVLink switches (LS10): signed SPDM measurements of one
 * device, or of several that answered one challenge, each a submodule "device0", "device1", ... See
 * docs/evidence-nvidia.md for what is checked and what is not. The interface of evidence/material.h.
 */
#ifndef CM_NVIDIA_NVIDIA_H
#define CM_NVIDIA_NVIDIA_H

#include "evidence/material.h"

bool cm_nvidia_recognise(struct cm_span bytes);

CM_MUST_USE enum cm_status cm_nvidia_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                                            size_t submod);

#endif
