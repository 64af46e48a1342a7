/* `casemate collateral`: a platform's collateral, fetched into a file for machines without a network. */
#ifndef CM_CLI_COLLATERAL_H
#define CM_CLI_COLLATERAL_H

#include <casemate/status.h>
#include <stdio.h>

#include "collateral/collateral_parts.h"

struct cm_cli_collateral {
    const char *quote;            /* a file; NULL: key says which platform */
    struct cm_collateral_key key; /* else */
    const char *url;              /* a service; NULL: as the environment says */
    const char *tls_ca;           /* PEM; NULL: the system's */
    const char *update;           /* "early", "standard" or NULL */
    const char *output;           /* a folder that exists, or a file that becomes a bundle */
    bool no_cache;
};

/**
 * Fetch and write.
 * @retval as of cm_collateral_fetch() and cm_parts_save(); why says what
 */
CM_MUST_USE enum cm_status cm_cli_collateral(const struct cm_cli_collateral *c, FILE *out,
                                             struct cm_why *why);

#endif
