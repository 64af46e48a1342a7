/* What is wrong with a configuration, found before anything is made of it. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "identity/identity.h"
#include "os/os.h"
#include "serve/serve_private.h"
#include "web/web.h"

#define MAX_PEM ((size_t)256 * 1024)

static void free_key(char *pem)
{
    if (pem != NULL) {
        cm_wipe(pem, strlen(pem));
        free(pem);
    }
}

enum cm_status cm_serve_read_tls(const struct cm_serve_config *c, char **cert, char **key,
                                 struct cm_why *why)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    *cert = NULL;
    *key = NULL;
    CM_TRY(cm_file_read(c->tls_cert, MAX_PEM, &bytes, &len, why));
    *cert = (char *)bytes;
    CM_TRY(cm_file_read_private(c->tls_key, MAX_PEM, &bytes, &len, why));
    *key = (char *)bytes;
out:
    if (st != CM_OK) {
        free(*cert);
        *cert = NULL;
    }
    return st;
}

static enum cm_status check_tls(const struct cm_serve_config *c, struct cm_why *why)
{
    char *cert = NULL;
    char *key = NULL;
    enum cm_status st = CM_OK;

    if (c->tls_cert == NULL) {
        return CM_OK;
    }
    CM_TRY(cm_serve_read_tls(c, &cert, &key, why));
    CM_TRY(cm_web_check_tls(cert, key, why));
out:
    free(cert);
    free_key(key);
    return st;
}

enum cm_status cm_serve_check(const struct cm_serve_config *c, struct cm_why *why)
{
    /* the default's host, where the port is not known yet */
    const struct cm_service_config names = {
        .public_url = c->public_url == NULL ? "https://localhost" : c->public_url,
        .more_hosts = (const char *const *)c->hosts,
        .vault_domain = c->vault_domain,
        .accept_emulated = strcmp(c->dev, "yes") == 0,
    };
    enum cm_status st = CM_OK;

    CM_TRY(cm_service_check_url(names.public_url, why));
    CM_TRY(cm_identity_check_names(&names, why));
    CM_TRY(cm_serve_check_collateral(c, why));
    CM_TRY(check_tls(c, why));
out:
    return st;
}
