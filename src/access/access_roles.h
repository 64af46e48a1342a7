/* Names of roles, in JSON and in settings; and what names of accounts and tokens look like. */
#ifndef CM_ACCESS_ACCESS_ROLES_H
#define CM_ACCESS_ACCESS_ROLES_H

#include <jansson.h>

#include "service/service.h"

#define CM_ACCESS_ROLES_ALL ((unsigned)(CM_ROLE_READERS | CM_ROLE_CLIENT))
#define CM_ACCESS_NAME_MAX  64

/** The role of a name; 0: there is none. */
unsigned cm_access_role_of(const char *name);

/** ["admin", ...]; NULL: out of memory. */
json_t *cm_access_roles_json(unsigned roles);

/** @return the bits; 0 for anything but an array of at least one role's name, each once */
unsigned cm_access_roles_from(const json_t *value);

/** "admin, auditor": for the audit log. */
void cm_access_roles_text(unsigned roles, char *out, size_t cap);

/** 1 to CM_ACCESS_NAME_MAX of a-z, A-Z, 0-9, '.', '_', '-', '@'. */
bool cm_access_name_good(const char *name);

/** A name as it is kept: capital letters are small, so that no two look alike but for them. */
void cm_access_name_fold(const char *name, char out[CM_ACCESS_NAME_MAX + 1]);

#endif
