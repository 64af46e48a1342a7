/*
 * Which enclave a bank trusts with its file, and on which platforms. A text file, NAME=VALUE a line,
 * '#' before remarks; `oesign predict` prints the first line, which is all that is needed:
 *
 *   mrenclave=HEX            the enclave whose measurement this is, and no other
 *   mrsigner=HEX             enclaves of this signer; also needs the next two
 *   product=N
 *   minimum-svn=N            the lowest security version
 *   tcb=STATUS,...           platforms that are accepted beside UpToDate
 *   max-age=SECONDS          from the bank's nonce to the evidence that answers it (120)
 *
 * Without mrenclave and mrsigner it is refused: it would trust everybody's enclaves.
 */
#ifndef BANK_POLICY_H
#define BANK_POLICY_H

#include <openenclave/bits/evidence.h>
#include <stdbool.h>

#include "../common/bank_types.h"

struct bank_policy {
    bool by_enclave;
    uint8_t enclave[32]; /* MRENCLAVE */
    bool by_signer;
    uint8_t signer[32]; /* MRSIGNER */
    uint64_t product;
    uint64_t minimum_svn;
    uint32_t statuses; /* bit n: the status n of oe_sgx_tcb_status_t is accepted */
    uint64_t max_age;  /* seconds */
    bool emulated;     /* not from the file: the user must say so each time (--accept-emulated) */
};

enum bank_status bank_policy_read(const char *path, struct bank_policy *out, struct bank_why *why);

/** Whether the policy accepts platforms of this status. */
bool bank_policy_status_ok(const struct bank_policy *p, oe_sgx_tcb_status_t status);

/** Its name as the platform's maker writes it. */
const char *bank_policy_status_name(oe_sgx_tcb_status_t status);

#endif
