/*
 * What decisions rest on beside the evidence: whose roots are trusted, where collateral comes from, how old
 * it may be. The module starts with what the environment says (cm_collateral_configure()) and AMD's key
 * distribution service; whoever puts the service together may say otherwise, at any time.
 */
#ifndef CM_DECIDE_DECIDE_CONFIG_H
#define CM_DECIDE_DECIDE_CONFIG_H

#include <casemate/verify.h>

#include "collateral/collateral_client.h"
#include "service/service.h"

#define CM_DECIDE_KDS "https://kdsintf.amd.com"

/**
 * Get all parts of an Intel platform's collateral. On a worker; may wait.
 * @param key  as of cm_collateral_fetch().
 */
typedef enum cm_status cm_decide_parts_fn(void *arg, uint64_t now, struct cm_collateral_key *key,
                                          struct cm_collateral_parts **out, struct cm_why *why);

struct cm_decide_config {
    /** Trusted beside the makers' roots (an emulator's counts only where the service accepts emulated
     * evidence); copied, with their labels. */
    const struct cm_trust_root *roots;
    size_t root_count;
    /** Where Intel's collateral comes from: this function, which must live as long as the service, */
    cm_decide_parts_fn *parts;
    void *parts_arg;
    /** or else this service; copied. With neither only what was imported or kept counts. */
    const struct cm_collateral_config *intel;
    const char *kds_url;     /* "https://host", no slash at the end; NULL: none */
    const char *kds_ca_file; /* PEM, instead of the system's; NULL */
    unsigned accept_tcb;     /* statuses beyond UpToDate that are genuine: CM_DCAP_ACCEPT() bits */
    unsigned flags;          /* CM_VERIFY_ALLOW_MASKED_ID, _MIGRATION, _SHA1; others are refused */
    uint64_t grace;    /* seconds for which collateral counts beyond its next update; 0: none */
    bool crl_optional; /* SEV-SNP evidence counts without a revocation list where there is none */
};

/** The settings that the module has by itself; intel points into static memory or is NULL. */
CM_MUST_USE enum cm_status cm_decide_defaults(struct cm_decide_config *out, struct cm_why *why);

/**
 * Decide by this from now on. Thread-safe; decisions under way end by what they began with.
 * @retval CM_ERR_PARAM  flags that no service may have   @retval CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_decide_configure(struct cm_service *s,
                                               const struct cm_decide_config *config,
                                               struct cm_why *why);

#endif
