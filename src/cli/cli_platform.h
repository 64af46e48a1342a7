/* `casemate platform` and `casemate pccs`: the emulated SGX platform for people and for programs. */
#ifndef CM_CLI_PLATFORM_H
#define CM_CLI_PLATFORM_H

#include <casemate/dcap.h>
#include <stdio.h>

/** Print what the platform is and how it stands; made at first use. JSON for programs. */
CM_MUST_USE enum cm_status cm_cli_platform_show(bool json, FILE *out, struct cm_why *why);

/**
 * Write collateral and root certificate as the files that `casemate verify --collateral` reads
 * (docs/evidence.md), and say how to use them. DIR is made if its parent exists; files of these
 * names in it are replaced, one by one as wholes.
 */
CM_MUST_USE enum cm_status cm_cli_platform_export(const char *dir, FILE *out, struct cm_why *why);

/** What set-tcb, revoke, rotate and reset do; each says on out what holds from now on. */
CM_MUST_USE enum cm_status cm_cli_platform_set_tcb(const char *status, FILE *out,
                                                   struct cm_why *why);
CM_MUST_USE enum cm_status cm_cli_platform_revoke(FILE *out, struct cm_why *why);
CM_MUST_USE enum cm_status cm_cli_platform_rotate(FILE *out, struct cm_why *why);
CM_MUST_USE enum cm_status cm_cli_platform_reset(FILE *out, struct cm_why *why);

/**
 * Serve the platform's collateral over the PCCS REST API until SIGINT or SIGTERM.
 *
 * @param address  numeric; anything else than a loopback address is warned about
 * @param port     0: any free one
 * @param out      gets one line with the address that is listened on, at once
 * @retval CM_ERR_PARAM  not an address    @retval CM_ERR_IO  it cannot be listened on
 */
CM_MUST_USE enum cm_status cm_cli_pccs_serve(const char *address, uint16_t port, FILE *out,
                                             struct cm_why *why);

#endif
