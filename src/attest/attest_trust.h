/* What this process or enclave accepts; casemate/attest.h has the functions that change it. */
#ifndef CM_ATTEST_TRUST_H
#define CM_ATTEST_TRUST_H

#include <casemate/attest.h>
#include <casemate/dcap.h>

#define CM_ATTEST_MAX_ROOTS 8

/* A copy of the settings. Emulated roots stand in it only when they are accepted. */
struct cm_attest_trust {
    struct cm_trust_root roots[CM_ATTEST_MAX_ROOTS + 2]; /* Intel's, and one more for the caller */
    size_t root_count;
    bool emulated; /* any root that says EMULATED */
    bool debug;
};

void cm_attest_trust_get(struct cm_attest_trust *out);

/** Add a root to a copy. */
void cm_attest_trust_add(struct cm_attest_trust *t, const uint8_t spki_sha256[32], bool emulated);

/** The floor under issue dates that __oe_sgx_set_minimum_crl_tcb_issue_date() set; 0: none. */
uint64_t cm_attest_minimum_date(void);

/* What is said when evidence is refused that could be accepted by name: text of logs and of tests. */
#define CM_ATTEST_REFUSED      "evidence refused: "
#define CM_ATTEST_SAY_EMULATED CM_ATTEST_REFUSED "EMULATED, it proves nothing"
#define CM_ATTEST_HOW_EMULATED "for tests: CASEMATE_ACCEPT_EMULATED=1 accepts it"
#define CM_ATTEST_SAY_DEBUG    CM_ATTEST_REFUSED "debug enclave, its host reads all"
#define CM_ATTEST_HOW_DEBUG    "for tests: CASEMATE_ACCEPT_DEBUG=1 accepts it"

#endif
