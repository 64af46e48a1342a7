/* Private to src/identity: under which names the service is reached. */
#ifndef CM_IDENTITY_IDENTITY_NAMES_H
#define CM_IDENTITY_IDENTITY_NAMES_H

#include "service/service.h"

#define CM_IDENTITY_MAX_NAMES 32
#define CM_IDENTITY_NAME_CAP  256

struct cm_identity_names {
    char text[CM_IDENTITY_MAX_NAMES][CM_IDENTITY_NAME_CAP];
    const char *list[CM_IDENTITY_MAX_NAMES + 1]; /* for a certificate, ended by NULL */
    size_t count;
};

/**
 * Hosts of the public URL and of further hosts; the vault's domain and what is below it; this machine's
 * own names where evidence of the emulator counts.
 * @retval CM_ERR_PARAM  a name that no certificate can have; why says which
 */
CM_MUST_USE enum cm_status cm_identity_names(const struct cm_service_config *config,
                                             struct cm_identity_names *out, struct cm_why *why);

/** All of them in one text, to compare with. The caller frees it; NULL: out of memory. */
char *cm_identity_names_text(const struct cm_identity_names *names);

#endif
