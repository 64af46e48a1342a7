/* What an admin may set about access: kept as JSON in the store, read strictly, with defaults. */
#ifndef CM_ACCESS_ACCESS_SETTINGS_H
#define CM_ACCESS_ACCESS_SETTINGS_H

#include "access/access_jwt.h"
#include "access/access_password.h"

#define CM_ACCESS_SETTING      "access"
#define CM_ACCESS_SETTING_SIZE ((size_t)64 * 1024)

struct cm_access_settings {
    unsigned session_idle; /* seconds without a request of a person after which a session ends */
    unsigned session_max;  /* seconds after which it ends anyway */
    unsigned rate;         /* requests a second and peer; 0: no limit */
    unsigned burst;        /* requests at once and peer */
    struct cm_password_cost cost;
    struct cm_oidc oidc;
};

void cm_access_settings_default(struct cm_access_settings *out);

/**
 * {"session":{"idle_s","max_s"},"rate":{"per_second","burst"},"password":{"memory_kib","passes"},
 *  "oidc":null|{"issuer","audience","jwks_uri","ca_file","roles_claim","name_claim",
 *               "roles":{VALUE:[ROLE]}}}
 * What is absent is the default; an unknown member is an error. why names the member.
 * @param out  set on CM_OK
 * @retval CM_ERR_PARAM
 */
CM_MUST_USE enum cm_status cm_access_settings_parse(json_t *from, struct cm_access_settings *out,
                                                    struct cm_why *why);

/** The same, complete; NULL: out of memory. */
json_t *cm_access_settings_json(const struct cm_access_settings *s);

#endif
