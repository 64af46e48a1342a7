/* See service_kit.h. */
#include "service_kit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit_cert.h"
#include "store/db.h"

#define MAX_HOSTS 8

struct kit {
    struct kit_options options;
    struct cm_service *service;
    char dir[64];
    char store[256];
    bool own_store;
    char url[128];
    char hosts[MAX_HOSTS][128];
    const char *host_list[MAX_HOSTS + 1];
    char ca_file[96];
    uint16_t port;
};

static struct kit *current;
static atomic_ullong now = 1782864000;

static _Noreturn void die(const char *what, const char *why)
{
    (void)printf("service kit: %s: %s\n", what, why);
    (void)fflush(stdout);
    abort();
}

uint64_t kit_now(void)
{
    return atomic_load(&now);
}

void kit_set_clock(uint64_t to)
{
    atomic_store(&now, to);
}

void (*kit_tune)(struct cm_service_config *config);

void kit_step_clock(int64_t seconds)
{
    atomic_fetch_add(&now, (unsigned long long)seconds);
}

/* ------------------------------------------------------------------ callers */

void kit_authenticate(struct cm_service *s, struct cm_call *call)
{
    static const struct {
        const char *name;
        unsigned roles;
        bool session; /* a person's, as a browser would have it */
    } callers[] = {
        {"admin", CM_ROLE_ADMIN, true},
        {"admin2", CM_ROLE_ADMIN, true},
        {"author", CM_ROLE_AUTHOR, true},
        {"approver", CM_ROLE_APPROVER, true},
        {"both", CM_ROLE_AUTHOR | CM_ROLE_APPROVER, true},
        {"auditor", CM_ROLE_AUDITOR, true},
        {"client", CM_ROLE_CLIENT, false},
        {"token:both", CM_ROLE_AUTHOR | CM_ROLE_APPROVER, false},
        {"oidc:both", CM_ROLE_AUTHOR | CM_ROLE_APPROVER, false},
        {"oidc:approver", CM_ROLE_APPROVER, false},
        {"nothing", 0, false},
    };
    const char *given = cm_web_header(call->req, "Authorization");

    (void)s;
    if (given == NULL) {
        return;
    }
    call->challenge_error = "the token is not known";
    for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
        if (strncmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, callers[i].name) == 0) {
            (void)snprintf(call->who.name, sizeof(call->who.name), "%s", callers[i].name);
            call->who.roles = callers[i].roles;
            call->who.session = callers[i].session;
            call->challenge_error = NULL;
        }
    }
}

/* ---------------------------------------------------------------- start, stop */

/* A port that is ours until the service has it, too. */
static int hold_port(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
        bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        die("port", "none");
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static void empty_postgres(const char *where)
{
    static const char *const statements[] = {"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"};
    struct cm_db *db = NULL;
    struct cm_why why = {""};

    if (cm_db_open(where, &db, &why) != CM_OK) {
        die("store", why.text);
    }
    for (size_t i = 0; i < 2; i++) {
        if (cm_db_run(db, statements[i], cm_db_none(), cm_db_nowhere(), &why) != CM_OK) {
            die("store", why.text);
        }
    }
    cm_db_close(db);
}

static void choose_store(struct kit *k)
{
    const char *given = getenv("CM_TEST_STORE");

    if (k->options.store != NULL) {
        (void)snprintf(k->store, sizeof(k->store), "%s", k->options.store);
    } else if (given != NULL) {
        (void)snprintf(k->store, sizeof(k->store), "%s", given);
        empty_postgres(k->store);
    } else {
        (void)snprintf(k->store, sizeof(k->store), "sqlite:%s/store.db", k->dir);
    }
    k->own_store = k->options.store == NULL;
}

static void choose_hosts(struct kit *k)
{
    const char *host = k->options.host == NULL ? "localhost" : k->options.host;
    size_t n = 0;

    (void)snprintf(k->url, sizeof(k->url), "https://%s:%u", host, k->port);
    while (k->options.more_hosts != NULL && k->options.more_hosts[n] != NULL && n < MAX_HOSTS) {
        (void)snprintf(k->hosts[n], sizeof(k->hosts[n]), "%s:%u", k->options.more_hosts[n],
                       k->port);
        k->host_list[n] = k->hosts[n];
        n++;
    }
    k->host_list[n] = NULL;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0) {
        die(path, "not written");
    }
}

/* The kit's own: for every name that the tests use. */
static void own_tls(const struct kit *k, char **ca, char **cert, char **key)
{
    const char *names[MAX_HOSTS + 2] = {NULL};
    size_t n = 0;

    names[n++] = k->options.host == NULL ? "localhost" : k->options.host;
    for (size_t i = 0; k->options.more_hosts != NULL && k->options.more_hosts[i] != NULL; i++) {
        names[n++] = k->options.more_hosts[i];
    }
    kit_make_certificate(names, ca, cert, key);
}

static void serve(struct kit *k)
{
    char *ca = NULL;
    char *cert = NULL;
    char *key = NULL;
    struct cm_why why = {""};

    if (k->options.tls != NULL) {
        k->options.tls(k->service, &ca, &cert, &key);
    } else {
        own_tls(k, &ca, &cert, &key);
    }
    write_file(k->ca_file, ca);
    if (cm_service_serve(k->service, cert, key, &why) != CM_OK) {
        die("serve", why.text);
    }
    free(ca);
    free(cert);
    free(key);
}

static void start(struct kit *k)
{
    struct cm_service_config config = {
        .store = k->store,
        .more_hosts = k->host_list,
        .vault_domain = k->options.vault_domain,
        .accept_emulated = k->options.accept_emulated,
        .state_dir = k->dir,
        .workers = k->options.workers,
        .loops = 2,
        .address = "127.0.0.1",
        .clock = k->options.real_clock ? NULL : kit_now,
        .log = k->options.log,
        .log_level = k->options.log_level,
        .log_json = true,
        .modules = k->options.modules,
        .authenticate = kit_authenticate,
    };
    struct cm_why why = {""};
    const int held = hold_port(&k->port);

    choose_hosts(k);
    config.port = k->port;
    config.public_url = k->url;
    if (k->options.prepare != NULL) {
        k->options.prepare(&config);
    }
    if (kit_tune != NULL) {
        kit_tune(&config);
    }
    if (cm_service_create(&config, &k->service, &why) != CM_OK) {
        die("create", why.text);
    }
    serve(k);
    (void)close(held);
}

struct kit *kit_open(const struct kit_options *options)
{
    struct kit *k = calloc(1, sizeof(*k));

    if (k == NULL) {
        die("kit", "memory");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    k->options = *options;
    (void)snprintf(k->dir, sizeof(k->dir), "/tmp/cm-kit.XXXXXX");
    if (mkdtemp(k->dir) == NULL) {
        die("kit", "no folder");
    }
    (void)snprintf(k->ca_file, sizeof(k->ca_file), "%s/ca.pem", k->dir);
    choose_store(k);
    start(k);
    if (current == NULL) {
        current = k;
    }
    return k;
}

/* With whatever modules have put there. */
static void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e = NULL;
    char path[512] = "";

    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(dir);
}

void kit_close(struct kit *k)
{

    if (k == NULL) {
        return;
    }
    cm_service_stop(k->service, 2);
    remove_folder(k->dir);
    if (current == k) {
        current = NULL;
    }
    free(k);
}

void kit_use(struct kit *k)
{
    current = k;
}

void kit_attach(const char *url, const char *ca_file)
{
    static struct kit other;

    current = url == NULL ? NULL : &other;
    if (url != NULL) {
        (void)snprintf(other.url, sizeof(other.url), "%s", url);
        (void)snprintf(other.ca_file, sizeof(other.ca_file), "%s", ca_file);
    }
}

struct kit *kit_current(void)
{
    return current;
}

struct cm_service *kit_start_with(const struct kit_options *options)
{
    if (current != NULL) {
        die("start", "there is a service already");
    }
    (void)kit_open(options);
    return current->service;
}

struct cm_service *kit_start(const struct cm_module *const *modules)
{
    const struct kit_options options = {.modules = modules};

    return kit_start_with(&options);
}

struct cm_service *kit_again(void)
{
    cm_service_stop(current->service, 2);
    start(current);
    return current->service;
}

void kit_stop(void)
{
    kit_close(current);
}

struct cm_service *kit_service(void)
{
    return current->service;
}

const char *kit_url(void)
{
    return current->url;
}

const char *kit_store(void)
{
    return current->store;
}

const char *kit_folder(void)
{
    return current->dir;
}

const char *kit_ca_file(void)
{
    return current->ca_file;
}
