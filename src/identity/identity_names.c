/* The names in certificates; see identity_names.h. Untrusted: nothing, but operators mistype. */
#include "identity/identity_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "identity/identity.h"

/* What a host name, a wildcard below one, or a numeric address is made of. */
static bool plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_' || c == ':' || (c == '*' && i == 0))) {
            return false;
        }
    }
    return len != 0 && len < CM_IDENTITY_NAME_CAP;
}

static enum cm_status add(struct cm_identity_names *names, const char *text, size_t len,
                          struct cm_why *why)
{
    if (!plain(text, len)) {
        cm_why_set(why, "\"%.*s\" is no host name", (int)len, text);
        return CM_ERR_PARAM;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (strlen(names->text[i]) == len && strncasecmp(names->text[i], text, len) == 0) {
            return CM_OK;
        }
    }
    if (names->count == CM_IDENTITY_MAX_NAMES) {
        cm_why_set(why, "more than %d host names", CM_IDENTITY_MAX_NAMES);
        return CM_ERR_PARAM;
    }
    memcpy(names->text[names->count], text, len);
    names->text[names->count][len] = '\0';
    names->list[names->count] = names->text[names->count];
    names->count++;
    return CM_OK;
}

/* "host", "host:port", "[address]:port", each after an optional "https://". */
static enum cm_status add_host(struct cm_identity_names *names, const char *text,
                               struct cm_why *why)
{
    const char *at = strstr(text, "://");
    const char *host = at == NULL ? text : at + 3;

    if (host[0] == '[') {
        return add(names, host + 1, strcspn(host + 1, "]"), why);
    }
    return add(names, host, strcspn(host, ":/"), why);
}

enum cm_status cm_identity_names(const struct cm_service_config *config,
                                 struct cm_identity_names *out, struct cm_why *why)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
    char below[CM_IDENTITY_NAME_CAP] = "*.";
    enum cm_status st = CM_OK;
    size_t len = 0;

    memset(out, 0, sizeof(*out));
    CM_TRY(add_host(out, config->public_url, why));
    for (size_t i = 0; config->more_hosts != NULL && config->more_hosts[i] != NULL; i++) {
        CM_TRY(add_host(out, config->more_hosts[i], why));
    }
    if (config->vault_domain != NULL) {
        CM_TRY(add_host(out, config->vault_domain, why));
        len = strnlen(config->vault_domain, sizeof(below) - 3);
        memcpy(below + 2, config->vault_domain, len);
        CM_TRY(add_host(out, below, why));
    }
    for (size_t i = 0; config->accept_emulated && i < sizeof(own) / sizeof(own[0]); i++) {
        CM_TRY(add(out, own[i], strlen(own[i]), why));
    }
out:
    return st;
}

enum cm_status cm_identity_check_names(const struct cm_service_config *config, struct cm_why *why)
{
    struct cm_identity_names *names = malloc(sizeof(*names));
    enum cm_status st = names == NULL ? CM_ERR_NOMEM : cm_identity_names(config, names, why);

    free(names);
    return st;
}

char *cm_identity_names_text(const struct cm_identity_names *names)
{
    size_t cap = 1;
    size_t used = 0;
    char *text = NULL;

    for (size_t i = 0; i < names->count; i++) {
        cap += strlen(names->list[i]) + 1;
    }
    text = calloc(1, cap);
    for (size_t i = 0; text != NULL && i < names->count; i++) {
        size_t n = strlen(names->list[i]);

        if (i != 0) {
            text[used++] = ' ';
        }
        memcpy(text + used, names->list[i], n);
        used += n;
    }
    return text;
}
