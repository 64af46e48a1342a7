/* See access_settings.h. */
#include "access/access_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_body.h"
#include "access/access_roles.h"
#include "collateral/collateral_http.h"
#include "common/try.h"

#define MINUTE 60
#define DAY    86400

void cm_access_settings_default(struct cm_access_settings *out)
{
    memset(out, 0, sizeof(*out));
    out->session_idle = 60 * MINUTE;
    out->session_max = DAY / 2;
    out->rate = 5000;
    out->burst = 10000;
    out->cost = CM_PASSWORD_COST;
}

/* ------------------------------------------------------------------ reading */

struct bounds {
    unsigned least;
    unsigned most;
};

/* A number that may be absent. */
static enum cm_status number(const json_t *object, const char *name, struct bounds b, unsigned *out,
                             struct cm_why *why)
{
    const json_t *v = json_object_get(object, name);

    if (v == NULL) {
        return CM_OK;
    }
    if (!json_is_integer(v) || json_integer_value(v) < (json_int_t)b.least ||
        json_integer_value(v) > (json_int_t)b.most) {
        cm_why_set(why, "%s is a number from %u to %u", name, b.least, b.most);
        return CM_ERR_PARAM;
    }
    *out = (unsigned)json_integer_value(v);
    return CM_OK;
}

/* A text that may be absent when there is a default; never empty. */
static enum cm_status text(const json_t *object, const char *name, const char *otherwise,
                           char out[CM_OIDC_TEXT], struct cm_why *why)
{
    const json_t *v = json_object_get(object, name);
    const char *s = v == NULL ? otherwise : json_string_value(v);

    if (s == NULL || strlen(s) >= CM_OIDC_TEXT || (v != NULL && s[0] == '\0') ||
        (v != NULL && json_string_length(v) != strlen(s))) {
        cm_why_set(why, "oidc.%s is a text of 1 to %d bytes", name, CM_OIDC_TEXT - 1);
        return CM_ERR_PARAM;
    }
    (void)snprintf(out, CM_OIDC_TEXT, "%s", s);
    return CM_OK;
}

static enum cm_status maps(json_t *roles, struct cm_oidc *out, struct cm_why *why)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(roles) || json_object_size(roles) == 0 ||
        json_object_size(roles) > CM_OIDC_MAPS) {
        cm_why_set(why, "oidc.roles is an object of 1 to %d values and their roles", CM_OIDC_MAPS);
        return CM_ERR_PARAM;
    }
    json_object_foreach(roles, key, value)
    {
        const unsigned bits = cm_access_roles_from(value);

        if (bits == 0 || key[0] == '\0' || strlen(key) >= CM_OIDC_TEXT) {
            cm_why_set(why, "oidc.roles: \"%.40s\" is not an array of roles", key);
            return CM_ERR_PARAM;
        }
        (void)snprintf(out->maps[out->map_count].value, CM_OIDC_TEXT, "%s", key);
        out->maps[out->map_count].roles = bits;
        out->map_count++;
    }
    return CM_OK;
}

static enum cm_status oidc(json_t *o, struct cm_oidc *out, struct cm_why *why)
{
    static const char *const names[] = {"issuer",      "audience",   "jwks_uri", "ca_file",
                                        "roles_claim", "name_claim", "roles",    NULL};
    enum cm_status st = CM_OK;

    if (o == NULL || json_is_null(o)) {
        return CM_OK;
    }
    CM_TRY(cm_json_only(o, "oidc", names, why));
    CM_TRY(text(o, "issuer", NULL, out->issuer, why));
    CM_TRY(text(o, "audience", NULL, out->audience, why));
    CM_TRY(text(o, "jwks_uri", NULL, out->jwks_uri, why));
    CM_TRY(text(o, "roles_claim", "roles", out->roles_claim, why));
    CM_TRY(text(o, "name_claim", "sub", out->name_claim, why));
    if (!json_is_null(json_object_get(o, "ca_file"))) {
        CM_TRY(text(o, "ca_file", "", out->ca_file, why));
    }
    CM_TRY(cm_http_check_url(out->jwks_uri, why));
    CM_TRY(maps(json_object_get(o, "roles"), out, why));
out:
    return st;
}

enum cm_status cm_access_settings_parse(json_t *from, struct cm_access_settings *out,
                                        struct cm_why *why)
{
    static const char *const all[] = {"session", "rate", "password", "oidc", NULL};
    static const char *const of_session[] = {"idle_s", "max_s", NULL};
    static const char *const of_rate[] = {"per_second", "burst", NULL};
    static const char *const of_password[] = {"memory_kib", "passes", NULL};
    json_t *part = NULL;
    struct cm_access_settings *s = malloc(sizeof(*s));
    enum cm_status st = CM_OK;

    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_access_settings_default(s);
    CM_TRY(cm_json_only(from, "the settings", all, why));
    if ((part = json_object_get(from, "session")) != NULL) {
        CM_TRY(cm_json_only(part, "session", of_session, why));
        CM_TRY(number(part, "idle_s", (struct bounds){MINUTE, DAY}, &s->session_idle, why));
        CM_TRY(number(part, "max_s", (struct bounds){MINUTE, 30 * DAY}, &s->session_max, why));
    }
    if ((part = json_object_get(from, "rate")) != NULL) {
        CM_TRY(cm_json_only(part, "rate", of_rate, why));
        CM_TRY(number(part, "per_second", (struct bounds){0, 1000000}, &s->rate, why));
        CM_TRY(number(part, "burst", (struct bounds){1, 1000000}, &s->burst, why));
    }
    if ((part = json_object_get(from, "password")) != NULL) {
        CM_TRY(cm_json_only(part, "password", of_password, why));
        CM_TRY(number(part, "memory_kib",
                      (struct bounds){CM_PASSWORD_MEMORY_MIN, CM_PASSWORD_MEMORY_MAX},
                      &s->cost.memory_kib, why));
        CM_TRY(number(part, "passes",
                      (struct bounds){CM_PASSWORD_PASSES_MIN, CM_PASSWORD_PASSES_MAX},
                      &s->cost.passes, why));
    }
    CM_TRY(oidc(json_object_get(from, "oidc"), &s->oidc, why));
    *out = *s;
out:
    free(s);
    return st;
}

/* ------------------------------------------------------------------ writing */

static json_t *oidc_json(const struct cm_oidc *o)
{
    json_t *roles = NULL;

    if (o->issuer[0] == '\0') {
        return json_null();
    }
    roles = json_object();
    for (size_t i = 0; i < o->map_count; i++) {
        if (json_object_set_new(roles, o->maps[i].value, cm_access_roles_json(o->maps[i].roles)) !=
            0) {
            json_decref(roles);
            return NULL;
        }
    }
    return json_pack("{ss ss ss ss? ss ss so}", "issuer", o->issuer, "audience", o->audience,
                     "jwks_uri", o->jwks_uri, "ca_file", o->ca_file[0] == '\0' ? NULL : o->ca_file,
                     "roles_claim", o->roles_claim, "name_claim", o->name_claim, "roles", roles);
}

json_t *cm_access_settings_json(const struct cm_access_settings *s)
{
    return json_pack("{s{sI sI} s{sI sI} s{sI sI} so}", "session", "idle_s",
                     (json_int_t)s->session_idle, "max_s", (json_int_t)s->session_max, "rate",
                     "per_second", (json_int_t)s->rate, "burst", (json_int_t)s->burst, "password",
                     "memory_kib", (json_int_t)s->cost.memory_kib, "passes",
                     (json_int_t)s->cost.passes, "oidc", oidc_json(&s->oidc));
}
