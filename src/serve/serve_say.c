/* What a person is told when the service is there. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/access.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "identity/identity.h"
#include "os/os.h"
#include "serve/serve_private.h"

#define DEV_TOKEN_SECONDS 86400

void cm_serve_plain_store(const char *store, char *out, size_t cap)
{
    const char *user = strstr(store, "://");
    const char *rest = user == NULL ? store : user + 3;
    const char *at = user == NULL ? NULL : strrchr(rest, '@');

    if (user == NULL) { /* a file */
        (void)snprintf(out, cap, "%s", store);
        return;
    }
    rest = at == NULL ? rest : at + 1;
    (void)snprintf(out, cap, "%.*s%.*s", (int)(user + 3 - store), store, (int)strcspn(rest, "?"),
                   rest);
}

static enum cm_status write_ca(struct cm_service *s, const struct cm_serve_config *c,
                               char path[4096], struct cm_why *why)
{
    const char *pem = cm_identity_ca_pem(s);

    (void)snprintf(path, 4096, "%s/ca.pem", c->state);
    return cm_file_write_atomic(path, cm_span_make(pem, strlen(pem)), 0644, why);
}

/* Somebody who develops has an admin's token at hand: it is good for a day, in a file of his own. */
static enum cm_status write_token(struct cm_service *s, const struct cm_serve_config *c,
                                  char path[4096], struct cm_why *why)
{
    char token[CM_ACCESS_TOKEN_CAP + 1] = "";
    char name[16] = "";
    uint8_t random[4] = {0};
    enum cm_status st = CM_OK;

    (void)snprintf(path, 4096, "%s/dev-token", c->state);
    CM_TRY(cm_random_bytes(random, sizeof(random)));
    (void)snprintf(name, sizeof(name), "dev.%02x%02x%02x%02x", random[0], random[1], random[2],
                   random[3]);
    CM_TRY(cm_access_token_make(s, name, CM_ROLE_ADMIN, DEV_TOKEN_SECONDS, token, why));
    (void)unlink(path);
    CM_TRY(cm_file_write_atomic(path, cm_span_make(token, strlen(token)), 0600, why));
out:
    cm_wipe(token, sizeof(token));
    return st;
}

enum cm_status cm_serve_end_dev(struct cm_service *s, const struct cm_serve_config *c,
                                struct cm_why *why)
{
    char path[4096] = "";
    char text[24] = "";
    size_t count = 0;
    bool there = false;
    enum cm_status st = CM_OK;

    (void)snprintf(path, sizeof(path), "%s/dev-token", c->state);
    CM_TRY(cm_access_tokens_end(s, &count, why));
    there = unlink(path) == 0;
    if (there || count != 0) {
        (void)snprintf(text, sizeof(text), "%zu", count);
        cm_service_log(s, CM_LOG_WARNING, "what a start with --dev left was revoked",
                       (const char *const[]){"tokens", text}, 1);
    }
out:
    return st;
}

static enum cm_status say_dev(struct cm_service *s, const struct cm_serve_config *c, const char *ca,
                              FILE *out, struct cm_why *why)
{
    char token[4096] = "";
    enum cm_status st = CM_OK;

    CM_TRY(write_token(s, c, token, why));
    (void)fprintf(
        out,
        "\n"
        "  EMULATED: this service takes evidence of the emulator for genuine. It protects\n"
        "  nothing. Never give it a secret that is one.\n"
        "\n"
        "  host names   %s (its own certificate is good for them)\n",
        c->public_url + strlen("https://"));
    for (size_t i = 0; c->hosts[i] != NULL; i++) {
        (void)fprintf(out, "               %s\n", c->hosts[i]);
    }
    (void)fprintf(out, "               where one does not resolve: 127.0.0.1 NAME in /etc/hosts\n");
    (void)fprintf(out,
                  "  admin token  in %s, good for a day\n"
                  "\n"
                  "To copy:\n"
                  "\n"
                  "curl --cacert '%s' -H \"Authorization: Bearer $(cat '%s')\" '%s/ready'\n"
                  "\n"
                  "NODE_EXTRA_CA_CERTS='%s' node -e \"fetch('%s/certs').then(r => r.json())"
                  ".then(j => console.log(j.keys.length + ' keys'))\"\n"
                  "\n",
                  token, ca, token, c->public_url, ca, c->public_url);
out:
    return st;
}

enum cm_status cm_serve_say(struct cm_service *s, const struct cm_serve_config *c, FILE *out,
                            struct cm_why *why)
{
    char store[512] = "";
    char ca[4096] = "";
    char setup[4096] = "";
    enum cm_status st = CM_OK;

    cm_serve_plain_store(c->store, store, sizeof(store));
    (void)snprintf(setup, sizeof(setup), "%s/setup-code", c->state);
    CM_TRY(write_ca(s, c, ca, why));
    (void)fprintf(out,
                  "casemate: serving at %s\n"
                  "  dashboard    %s/\n"
                  "  authority    %s\n"
                  "  store        %s\n",
                  c->public_url, c->public_url, ca, store);
    if (access(setup, F_OK) == 0) {
        (void)fprintf(out, "  set-up code  for the first admin, in %s: good for 15 minutes\n",
                      setup);
    }
    if (strcmp(c->dev, "yes") == 0) {
        CM_TRY(say_dev(s, c, ca, out, why));
    }
    if (fflush(out) != 0) {
        st = CM_ERR_IO;
    }
out:
    return st;
}
