/* What was not said, and what does not go together. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/try.h"
#include "os/os.h"
#include "serve/serve_private.h"

#define ADDRESS_CAP 64

enum cm_status cm_serve_listen(const char *text, char address[64], uint16_t *port,
                               struct cm_why *why)
{
    const char *colon = strrchr(text, ':');
    const bool brackets = text[0] == '[' && colon != NULL && colon > text && colon[-1] == ']';
    const char *start = brackets ? text + 1 : text;
    const size_t len = colon == NULL ? 0 : (size_t)(colon - start) - (brackets ? 1 : 0);
    unsigned long number = 0;
    size_t i = 1;

    while (colon != NULL && colon[i] >= '0' && colon[i] <= '9' && i < 7) {
        number = number * 10 + (unsigned long)(colon[i++] - '0');
    }
    if (len == 0 || len >= ADDRESS_CAP || i == 1 || colon[i] != '\0' || number > UINT16_MAX ||
        (!brackets && memchr(start, ':', len) != NULL)) {
        cm_why_set(why, "listen is ADDRESS:PORT, such as 127.0.0.1:8443 or [::]:8443");
        return CM_ERR_PARAM;
    }
    memcpy(address, start, len);
    address[len] = '\0';
    *port = (uint16_t)number;
    return CM_OK;
}

/* postgresql://USER:PASSWORD@..., or password=... in its query */
bool cm_serve_has_password(const char *store)
{
    const char *user = store == NULL ? NULL : strstr(store, "://");
    const char *at = user == NULL ? NULL : strchr(user + 3, '@');
    const char *colon = user == NULL ? NULL : strchr(user + 3, ':');

    return (at != NULL && colon != NULL && colon < at) ||
           (user != NULL && strstr(user, "password=") != NULL);
}

/* Where nothing was said, three texts behind each other. */
static enum cm_status say(char **slot, const char *a, const char *b, const char *c)
{
    const size_t cap = strlen(a) + strlen(b) + strlen(c) + 1;

    if (*slot != NULL) {
        return CM_OK;
    }
    *slot = malloc(cap);
    if (*slot == NULL) {
        return CM_ERR_NOMEM;
    }
    (void)snprintf(*slot, cap, "%s%s%s", a, b, c);
    return CM_OK;
}

static enum cm_status state_folder(struct cm_serve_config *c, struct cm_why *why)
{
    const char *systemd = getenv("STATE_DIRECTORY");
    char own[3072] = "";
    enum cm_status st = CM_OK;

    if (c->state != NULL) {
        return CM_OK;
    }
    if (systemd != NULL && systemd[0] == '/') {
        c->state = strndup(systemd, strcspn(systemd, ":"));
        return c->state == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    CM_TRY(cm_state_dir(own, sizeof(own), why));
    CM_TRY(say(&c->state, own, "/service", ""));
out:
    return st;
}

/* The host of "https://HOST[:PORT]", in brackets where it is an address of six. */
static void host_of(const char *url, char out[256])
{
    const char *start = strncmp(url, "https://", 8) == 0 ? url + 8 : url;
    const size_t len = start[0] == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/");

    (void)snprintf(out, 256, "%.*s", (int)(len < 255 ? len : 255), start);
}

/* ":PORT" of a host or URL; "": it has none. */
static const char *port_of(const char *text)
{
    const char *port = strrchr(text, ':');

    return port == NULL || port[1] == '/' || strchr(port, ']') != NULL ? "" : port;
}

/* Further hosts have the public URL's port unless they say another. */
static enum cm_status add_ports(struct cm_serve_config *c)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; c->hosts[i] != NULL && st == CM_OK; i++) {
        if (port_of(c->hosts[i])[0] == '\0') {
            char *host = c->hosts[i];

            c->hosts[i] = NULL;
            st = say(&c->hosts[i], host, port_of(c->public_url), "");
            if (st != CM_OK) {
                c->hosts[i] = host;
            } else {
                free(host);
            }
        }
    }
    return st;
}

static enum cm_status vault_host(struct cm_serve_config *c)
{
    const char *port = port_of(c->public_url);
    size_t n = 0;

    while (c->hosts[n] != NULL) {
        n++;
    }
    return n == CM_SERVE_MAX_HOSTS ? CM_ERR_LIMIT : say(&c->hosts[n], "kv.", c->vault_domain, port);
}

static enum cm_status default_names(struct cm_serve_config *c, uint16_t port)
{
    char text[16] = "";
    char host[256] = "";
    enum cm_status st = CM_OK;

    (void)snprintf(text, sizeof(text), "%u", port);
    CM_TRY(say(&c->public_url, "https://localhost", ":", text));
    host_of(c->public_url, host);
    if (c->vault_domain == NULL) {
        CM_TRY(say(&c->vault_domain, host, "", ""));
        CM_TRY(vault_host(c));
    }
    CM_TRY(add_ports(c));
out:
    return st;
}

enum cm_status cm_serve_config_defaults(struct cm_serve_config *c, struct cm_why *why)
{
    char address[ADDRESS_CAP] = "";
    uint16_t port = 0;
    enum cm_status st = CM_OK;

    CM_TRY(say(&c->listen, "127.0.0.1:8443", "", ""));
    CM_TRY(cm_serve_listen(c->listen, address, &port, why));
    if (port != 0 || c->public_url != NULL) { /* else when the port is known */
        CM_TRY(default_names(c, port));
    }
    CM_TRY(state_folder(c, why));
    CM_TRY(say(&c->store, "sqlite:", c->state, "/store.db"));
    CM_TRY(say(&c->root_key, "file:", c->state, "/root.key"));
    CM_TRY(say(&c->log, "text", "", ""));
    CM_TRY(say(&c->log_level, "info", "", ""));
    CM_TRY(say(&c->metrics, "auditor", "", ""));
    CM_TRY(say(&c->dev, "no", "", ""));
    c->workers = c->workers == 0 ? 4 : c->workers;
    c->connections = c->connections == 0 ? 20000 : c->connections;
    c->peer_connections = c->peer_connections == 0 ? 2000 : c->peer_connections;
    c->body_memory = c->body_memory == 0 ? 256 : c->body_memory;
    c->grace = c->grace == 0 ? 10 : c->grace;
    if ((c->tls_cert == NULL) != (c->tls_key == NULL)) {
        cm_why_set(why, "tls-cert and tls-key go together");
        return CM_ERR_PARAM;
    }
out:
    return st;
}

static const char *config_path(int argc, char *const *argv, char *const *env)
{
    const char *path = NULL;

    for (; *env != NULL; env++) {
        if (strncmp(*env, "CASEMATE_SERVE_CONFIG=", 22) == 0 && (*env)[22] != '\0') {
            path = *env + 22;
        }
    }
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) {
            path = argv[i] + 9;
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            path = argv[i + 1];
        }
    }
    return path;
}

enum cm_status cm_serve_config_load(struct cm_serve_config *c, int argc, char *const *argv,
                                    char *const *env, struct cm_why *why)
{
    const char *path = config_path(argc, argv, env);
    enum cm_status st = CM_OK;

    cm_serve_config_init(c);
    if (path != NULL) {
        CM_TRY(cm_serve_config_file(c, path, why));
    }
    CM_TRY(cm_serve_config_env(c, env, why));
    CM_TRY(cm_serve_config_args(c, argc, argv, why));
    CM_TRY(cm_serve_config_defaults(c, why));
out:
    if (st != CM_OK) {
        cm_serve_config_free(c);
    }
    return st;
}
