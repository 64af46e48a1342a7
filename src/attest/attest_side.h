/*
 * What host and enclave do differently: clock, log, the way to collateral and to what the user asked
 * for, and reports of this machine's processor. attest_host.c and attest_inside*.c implement it.
 */
#ifndef CM_ATTEST_SIDE_H
#define CM_ATTEST_SIDE_H

#include <casemate/status.h>
#include <openenclave/bits/result.h>
#include <stdbool.h>

#include "attest/attest_wire.h"

/** Seconds since 1970. In an enclave the host's word: UNTRUSTED. */
uint64_t cm_attest_now(void);

/** One line for a person. The text may hold untrusted bytes: it is shown escaped. */
void cm_attest_show(const char *line);

/** What the user of the host asked for beside the program's own settings. */
struct cm_attest_wish {
    bool debug;
    bool emulated;    /* of any emulated platform */
    bool has_root;    /* only of the emulated platform with this root */
    uint8_t root[32]; /* SHA-256 of its SubjectPublicKeyInfo */
};

/** All false where nobody asked, or may not. In an enclave this costs an ocall and a REPORT. */
void cm_attest_ask(struct cm_attest_wish *out);

/**
 * Endorsements for a quote. UNTRUSTED, and not parsed yet.
 * @param baseline  of OE_POLICY_ENDORSEMENTS_BASELINE; ptr NULL: none.
 * @param out       malloced.
 * @retval OE_UNSUPPORTED  a baseline, and nothing here can choose by one; or the quote holds no PCK
 *                         chain, for which endorsements have no place
 */
oe_result_t cm_attest_fetch(struct cm_span quote, struct cm_span baseline, uint8_t **out,
                            size_t *size);

/** Whether REPORTs for this verifier exist at all: only in enclaves. */
bool cm_attest_has_local(void);

/** TARGETINFO of this enclave. @retval OE_UNSUPPORTED  there is none */
oe_result_t cm_attest_target_info(uint8_t out[CM_SGX_TARGET_INFO_SIZE]);

/**
 * Whether a REPORT was made on this processor for this enclave.
 * @retval OE_VERIFY_FAILED_AES_CMAC_MISMATCH  it was not
 * @retval OE_UNSUPPORTED  there is no such enclave
 */
oe_result_t cm_attest_local_verify(const uint8_t report[CM_SGX_REPORT_SIZE]);

#endif
