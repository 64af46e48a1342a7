/*
 * What tests of decisions stand on, also those of other parts of the service: quotes of invented enclaves on
 * this user's emulated platform, and that platform as the source of collateral. Set CASEMATE_STATE_DIR
 * (decide_kit_platform()) before anything else.
 */
#ifndef CM_TESTS_DECIDE_KIT_H
#define CM_TESTS_DECIDE_KIT_H

#include <casemate/dcap.h>

#include "decide/decide_config.h"

#define DECIDE_QUOTE_MAX 32768

/** A state folder of this program alone, with a new emulated platform. Ends the program when it cannot. */
void decide_kit_platform(void);
/** Remove it. */
void decide_kit_platform_end(void);

/** An invented enclave. */
struct decide_enclave {
    uint8_t mrenclave; /* every byte of it */
    uint8_t mrsigner;
    bool debug;
    uint8_t report_data[64];
};

/** MRENCLAVE e1e1..., MRSIGNER e2e2..., report data dada.... */
struct decide_enclave decide_enclave(void);

/** Its quote; the length. Ends the program when there is none. */
size_t decide_quote(const struct decide_enclave *e, uint8_t out[DECIDE_QUOTE_MAX]);

/** The emulated platform as a source; what it does can be changed while it is used. */
struct decide_source {
    unsigned asked;
    enum cm_status st;                   /* not CM_OK: it fails so */
    bool corrupt_tcb;                    /* a bit of the TCB info's signature is wrong */
    struct cm_collateral_parts *instead; /* what it gives, or NULL: the platform's */
};
enum cm_status decide_source_parts(void *arg, uint64_t now, struct cm_collateral_key *key,
                                   struct cm_collateral_parts **out, struct cm_why *why);
/** The platform's collateral as it is now. The caller frees it. */
struct cm_collateral_parts *decide_kit_parts(void);

/** A configuration with the emulated root, this source, and no other. root is borrowed. */
struct cm_decide_config decide_kit_config(struct cm_trust_root *root, struct decide_source *source);

#endif
