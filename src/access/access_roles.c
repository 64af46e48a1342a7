/* See access_roles.h. */
#include "access/access_roles.h"

#include <stdio.h>
#include <string.h>

#include "common/same.h"

static const struct {
    const char *name;
    unsigned role;
} roles_table[] = {
    {"admin", CM_ROLE_ADMIN},     {"author", CM_ROLE_AUTHOR}, {"approver", CM_ROLE_APPROVER},
    {"auditor", CM_ROLE_AUDITOR}, {"client", CM_ROLE_CLIENT},
};
#define ROLE_COUNT (sizeof(roles_table) / sizeof(roles_table[0]))

unsigned cm_access_role_of(const char *name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(roles_table[i].name, name) == 0) {
            return roles_table[i].role;
        }
    }
    return 0;
}

json_t *cm_access_roles_json(unsigned roles)
{
    json_t *out = json_array();

    for (size_t i = 0; i < ROLE_COUNT && out != NULL; i++) {
        if ((roles & roles_table[i].role) != 0 &&
            json_array_append_new(out, json_string(roles_table[i].name)) != 0) {
            json_decref(out);
            out = NULL;
        }
    }
    return out;
}

unsigned cm_access_roles_from(const json_t *value)
{
    unsigned roles = 0;

    if (!json_is_array(value)) {
        return 0;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        const unsigned role = name == NULL ? 0 : cm_access_role_of(name);

        if (role == 0 || (roles & role) != 0) {
            return 0;
        }
        roles |= role;
    }
    return roles;
}

void cm_access_roles_text(unsigned roles, char *out, size_t cap)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ROLE_COUNT && used < cap; i++) {
        if ((roles & roles_table[i].role) != 0) {
            const int n = snprintf(out + used, cap - used, "%s%s", used == 0 ? "" : ", ",
                                   roles_table[i].name);

            used += n < 0 ? cap : (size_t)n;
        }
    }
}

bool cm_access_name_good(const char *name)
{
    const size_t len =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@");

    return len >= 1 && len <= CM_ACCESS_NAME_MAX && name[len] == '\0';
}

void cm_access_name_fold(const char *name, char out[CM_ACCESS_NAME_MAX + 1])
{
    size_t n = 0;

    for (; n < CM_ACCESS_NAME_MAX && name[n] != '\0'; n++) {
        out[n] = (char)cm_lower((uint8_t)name[n]);
    }
    out[n] = '\0';
}
