/*
 * What the emulated provisioning certification enclave (PCE) and quoting enclave (QE) get from the
 * processor below them: their identities are constants, their keys come from EGETKEY's derivation.
 */
#ifndef CM_EMUPLAT_CPU_H
#define CM_EMUPLAT_CPU_H

#include <casemate/status.h>
#include <stdint.h>

#include "sgxemu/emu_keys.h"

#define CM_EMUPLAT_QE_ISVSVN    8u
#define CM_EMUPLAT_QE_ISVPRODID 1u
#define CM_EMUPLAT_PCESVN       13u
#define CM_EMUPLAT_MRSIGNER     "CASEMATE EMULATED SGX" /* of QE, PCE and proof, then zeros */

/* This user's processor, as far as its PCE and QE see it. Holds secrets: wipe after use. */
struct cm_emuplat_cpu {
    struct cm_emu_platform fuses;
    uint8_t state_key[16]; /* PCE: authenticates the state file */
    uint8_t ppid[16];      /* PCE: from its provisioning key */
    uint8_t qe_id[16];     /* QE: from its seal key */
};

/** The fuses are read anew, or made at first use. @param out set only on CM_OK */
CM_MUST_USE enum cm_status cm_emuplat_cpu_load(struct cm_emuplat_cpu *out, struct cm_why *why);

/** The same from given fuses. */
CM_MUST_USE enum cm_status cm_emuplat_cpu_from(const struct cm_emu_platform *fuses,
                                               struct cm_emuplat_cpu *out, struct cm_why *why);

/** The quoting enclave's identity. */
void cm_emuplat_qe_ident(struct cm_emu_ident *out);

/**
 * Check a REPORT as its target would, with the QE's own report key.
 * @param report  a copy that nobody else can change
 * @retval CM_ERR_SIGNATURE  not made by this processor for the QE
 */
CM_MUST_USE enum cm_status cm_emuplat_report_check(const struct cm_emuplat_cpu *cpu,
                                                   const struct sgx_report *report,
                                                   struct cm_why *why);

#endif
