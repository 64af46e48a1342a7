/* The service's life; see serve_run.h. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/access.h"
#include "common/try.h"
#include "common/wipe.h"
#include "console/console.h"
#include "decide/decide.h"
#include "identity/identity.h"
#include "kbs/kbs.h"
#include "keep/keep.h"
#include "maa/maa.h"
#include "os/os.h"
#include "rules/rules.h"
#include "serve/serve_private.h"
#include "vault/vault.h"

#define TLS_SECONDS 3600 /* between looks whether the certificate has changed */

/* in the order of their start */
static const struct cm_module *const modules[] = {
    &cm_access_module, &cm_identity_module, &cm_rules_module,
    &cm_decide_module, &cm_maa_module,      &cm_vault_module,
    &cm_kbs_module,    &cm_console_module,  NULL,
};

struct running {
    const struct cm_serve_args *args;
    struct cm_serve_config said; /* at the start, before the system chose a port */
    struct cm_serve_config config;
    struct cm_serve_place place;
    struct cm_keep *keep;
    struct cm_service *service;
    char *cert;                                        /* that is served now, to notice another */
    bool own;                                          /* it is the service's, which renews it */
    const char *unlimited[2 + CM_SERVE_MAX_HOSTS + 1]; /* texts of config, and loopback */
    atomic_bool alive;
};

/* ----------------------------------------------------------------------- TLS */

static void free_key(char *pem)
{
    if (pem != NULL) {
        cm_wipe(pem, strlen(pem));
        free(pem);
    }
}

static enum cm_status get_tls(const struct running *r, char **cert, char **key, struct cm_why *why)
{
    return r->config.tls_cert == NULL ? cm_identity_tls(r->service, cert, key, why)
                                      : cm_serve_read_tls(&r->config, cert, key, why);
}

static enum cm_status begin_tls(struct running *r, struct cm_why *why)
{
    char *key = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(get_tls(r, &r->cert, &key, why));
    r->own = r->config.tls_cert == NULL;
    CM_TRY(cm_service_serve(r->service, r->cert, key, why));
out:
    free_key(key);
    return st;
}

static void log_failure(struct running *r, const char *event, enum cm_status st,
                        const struct cm_why *why)
{
    cm_service_log(
        r->service, CM_LOG_ERROR, event,
        (const char *const[]){"why", why->text[0] == '\0' ? cm_status_str(st) : why->text}, 1);
}

/* What is served stays where the new one cannot be had. */
static void renew_tls(struct running *r)
{
    const bool own = r->config.tls_cert == NULL;
    struct cm_why why = {""};
    char *cert = NULL;
    char *key = NULL;
    enum cm_status st = CM_OK;

    if (own && r->own) { /* src/identity puts another in its place when that is due */
        return;
    }
    CM_TRY(get_tls(r, &cert, &key, &why));
    if (r->cert != NULL && strcmp(cert, r->cert) == 0) {
        goto out;
    }
    CM_TRY(cm_service_renew_tls(r->service, cert, key, &why));
    r->own = own;
    if (!own) {
        cm_identity_tls_leave(r->service);
    }
    cm_service_log(r->service, CM_LOG_WARNING, "the TLS certificate has changed", NULL, 0);
    free(r->cert);
    r->cert = cert;
    cert = NULL;
out:
    if (st != CM_OK) {
        log_failure(r, "the TLS certificate stays as it was", st, &why);
    }
    free(cert);
    free_key(key);
}

/* --------------------------------------------------------------------- reload */

static void reload(struct running *r)
{
    struct cm_serve_config fresh;
    struct cm_why why = {""};
    char left[256] = "";
    enum cm_status st = CM_OK;

    cm_serve_notify("RELOADING=1");
    st = cm_serve_config_load(&fresh, r->args->argc, r->args->argv, r->args->env, &why);
    if (st == CM_OK) {
        st = cm_serve_check(&fresh, &why);
        if (st != CM_OK) {
            cm_serve_config_free(&fresh);
        }
    }
    if (st != CM_OK) {
        log_failure(r, "the configuration stays as it was", st, &why);
    } else {
        cm_serve_config_diff(&r->said, &fresh, left, sizeof(left));
        cm_serve_config_take_live(&r->config, &fresh);
        st = cm_serve_collateral(r->service, &r->config, &why);
        if (st != CM_OK) {
            log_failure(r, "collateral comes from where it came from", st, &why);
        }
        cm_service_log(r->service, left[0] == '\0' ? CM_LOG_INFO : CM_LOG_WARNING,
                       "the configuration was read again",
                       (const char *const[]){"needs_a_restart", left}, left[0] == '\0' ? 0 : 1);
        cm_serve_config_free(&fresh);
    }
    renew_tls(r);
    cm_service_tick(r->service);
    cm_serve_notify("READY=1");
}

/* ------------------------------------------------------------------------ run */

static void still_alive(void *arg)
{
    atomic_store(&((struct running *)arg)->alive, true);
}

/* systemd hears of us as long as work is done. */
static void pat(struct running *r)
{
    if (atomic_exchange(&r->alive, false)) {
        cm_serve_notify("WATCHDOG=1");
    }
    (void)!cm_service_work(r->service, still_alive, r);
}

static void wait_for_the_end(struct running *r, const sigset_t *signals)
{
    const unsigned pause = cm_serve_watchdog();
    struct timespec limit = {pause != 0 && pause < TLS_SECONDS ? (time_t)pause : TLS_SECONDS, 0};
    time_t looked = time(NULL);

    atomic_store(&r->alive, true);
    for (;;) {
        const int got = sigtimedwait(signals, NULL, &limit);

        if (got == SIGHUP) {
            reload(r);
        } else if (got == SIGTERM || got == SIGINT) {
            return;
        }
        if (pause != 0) {
            pat(r);
        }
        if (time(NULL) < looked || time(NULL) - looked >= TLS_SECONDS) {
            looked = time(NULL);
            renew_tls(r);
        }
    }
}

static enum cm_log_level level_of(const char *name)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    unsigned i = 0;

    while (i < CM_LOG_DEBUG && strcmp(names[i], name) != 0) {
        i++;
    }
    return (enum cm_log_level)i;
}

static enum cm_status open_keep(struct running *r, struct cm_why *why)
{
    struct cm_db *db = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_open(r->config.store, &db, why));
    CM_TRY(cm_keep_open(r->config.root_key, db, &r->keep, why));
out:
    cm_db_close(db);
    return st;
}

/* Behind loopback and proxies there are many clients. */
static const char *const *unlimited_peers(struct running *r)
{
    size_t n = 0;

    r->unlimited[n++] = "127.0.0.0/8";
    r->unlimited[n++] = "::1";
    for (size_t i = 0; r->config.proxies[i] != NULL; i++) {
        r->unlimited[n++] = r->config.proxies[i];
    }
    return r->unlimited;
}

static enum cm_status make_service(struct running *r, struct cm_why *why)
{
    const struct cm_serve_config *c = &r->config;
    char address[64] = "";
    struct cm_service_config config = {
        .store = c->store,
        .state_dir = c->state,
        .public_url = c->public_url,
        .more_hosts = (const char *const *)c->hosts,
        .vault_domain = c->vault_domain,
        .accept_emulated = strcmp(c->dev, "yes") == 0,
        .open_metrics = strcmp(c->metrics, "open") == 0,
        .log_json = strcmp(c->log, "json") == 0,
        .log_level = level_of(c->log_level),
        .workers = c->workers,
        .loops = c->loops,
        .connections = c->connections,
        .max_held = (size_t)c->body_memory << 20,
        .peer_connections = c->peer_connections,
        .unlimited = unlimited_peers(r),
        .attestation_days = c->attestation_days,
        .attestation_rows = c->attestation_rows,
        .rotate_days = c->rotate_days,
        .audit_days = c->audit_days,
        .history_days = c->history_days,
        .address = address,
        .keep = r->keep,
        .modules = modules,
        .authenticate = cm_access_authenticate,
        .admit = cm_access_admit,
    };
    enum cm_status st = CM_OK;

    CM_TRY(cm_serve_listen(c->listen, address, &config.port, why));
    CM_TRY(cm_service_create(&config, &r->service, why));
out:
    return st;
}

static enum cm_status start(struct running *r, FILE *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(cm_serve_place_take(&r->config, &r->place, why));
    CM_TRY(open_keep(r, why));
    CM_TRY(make_service(r, why));
    if (strcmp(r->config.dev, "yes") != 0) {
        CM_TRY(cm_serve_end_dev(r->service, &r->config, why));
    }
    CM_TRY(cm_serve_collateral(r->service, &r->config, why));
    CM_TRY(begin_tls(r, why));
    cm_serve_place_served(&r->place);
    if (strcmp(r->config.dev, "yes") == 0) {
        cm_service_log(r->service, CM_LOG_WARNING,
                       "EMULATED evidence counts here: this service protects nothing", NULL, 0);
    }
    CM_TRY(cm_serve_say(r->service, &r->config, out, why));
out:
    return st;
}

enum cm_status cm_serve_run(const struct cm_serve_args *args, FILE *out, struct cm_why *why)
{
    struct running r = {.args = args, .place = {-1, -1}};
    sigset_t signals;
    enum cm_status st = CM_OK;

    (void)signal(SIGPIPE, SIG_IGN);
    /* buffers come and go with every request: their memory is kept, not given back each time */
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
    /* nor are small pieces gathered in lists that every larger request has to take apart again */
    (void)mallopt(M_MXFAST, 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the store */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals,
                          NULL); /* before there are threads: they inherit it */
    CM_TRY(cm_serve_config_load(&r.config, args->argc, args->argv, args->env, why));
    CM_TRY(cm_serve_check(&r.config, why)); /* before anything is made */
    CM_TRY(cm_serve_config_load(&r.said, args->argc, args->argv, args->env, why));
    CM_TRY(start(&r, out, why));
    cm_serve_notify("READY=1");
    wait_for_the_end(&r, &signals);
    cm_serve_notify("STOPPING=1");
    cm_service_log(r.service, CM_LOG_WARNING, "ending", NULL, 0);
out:
    cm_service_stop(r.service, r.config.grace);
    cm_keep_close(r.keep);
    cm_serve_place_leave(&r.place);
    cm_serve_config_free(&r.config);
    cm_serve_config_free(&r.said);
    free(r.cert);
    return st;
}
