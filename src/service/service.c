/* A service out of its modules: making it, serving, its ticks, and its orderly end. See service.h. */
#include "service/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/try.h"
#include "crypto/keyenc.h"
#include "service/service_private.h"

/* ------------------------------------------------------------- configuration */

static enum cm_status copy(char **slot, const char **text)
{
    if (*text != NULL) {
        *slot = strdup(*text);
        *text = *slot;
        return *slot == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    return CM_OK;
}

static enum cm_status copy_hosts(struct cm_service *s)
{
    size_t count = 0;

    while (s->config.more_hosts != NULL && s->config.more_hosts[count] != NULL) {
        count++;
    }
    s->hosts = calloc(count + 1, sizeof(*s->hosts));
    s->bases = calloc(count + 1, sizeof(*s->bases));
    if (s->hosts == NULL || s->bases == NULL) {
        return CM_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t cap = strlen(s->config.more_hosts[i]) + sizeof("https://");

        s->hosts[i] = strdup(s->config.more_hosts[i]);
        s->bases[i] = malloc(cap);
        if (s->hosts[i] == NULL || s->bases[i] == NULL) {
            return CM_ERR_NOMEM;
        }
        (void)snprintf(s->bases[i], cap, "https://%s", s->hosts[i]);
    }
    s->config.more_hosts = (const char *const *)s->hosts;
    return CM_OK;
}

/* What stands behind a host: nothing, or ':' and a port. */
static bool is_port(const char *text)
{
    unsigned long number = 0;
    size_t i = 1;

    if (text[0] != ':') {
        return text[0] == '\0';
    }
    while (text[i] >= '0' && text[i] <= '9' && i < 6) {
        number = number * 10 + (unsigned long)(text[i++] - '0');
    }
    return text[i] == '\0' && number >= 1 && number <= UINT16_MAX;
}

enum cm_status cm_service_check_url(const char *url, struct cm_why *why)
{
    const size_t len = url == NULL ? 0 : strlen(url);
    const char *host = len > 8 && len <= 200 && strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;
    size_t host_len = 0;

    if (host != NULL && strpbrk(host, "/?#@\"\\ ") == NULL) {
        host_len = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":");
        host_len += host[0] == '[' && host[host_len] == ']' ? 1 : 0;
    }
    if (host_len == 0 || !is_port(host + host_len)) {
        cm_why_set(why, "the public URL is https://HOST or https://HOST:PORT, with nothing behind");
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

static enum cm_status copy_config(struct cm_service *s, struct cm_why *why)
{
    struct cm_service_config *c = &s->config;
    enum cm_status st = CM_OK;

    CM_TRY(cm_service_check_url(c->public_url, why));
    if (c->store == NULL) {
        return CM_ERR_PARAM;
    }
    CM_TRY(copy(&s->texts[0], &c->store));
    CM_TRY(copy(&s->texts[1], &c->public_url));
    CM_TRY(copy(&s->texts[2], &c->vault_domain));
    CM_TRY(copy(&s->texts[3], &c->address));
    CM_TRY(copy(&s->texts[4], &c->state_dir));
    CM_TRY(copy_hosts(s));
out:
    return st;
}

const struct cm_service_config *cm_service_config(const struct cm_service *s)
{
    return &s->config;
}

uint64_t cm_service_now(const struct cm_service *s)
{
    return s->config.clock != NULL ? s->config.clock() : (uint64_t)time(NULL);
}

void *cm_service_module(struct cm_service *s, const char *name)
{
    for (size_t i = 0; i < s->started; i++) {
        if (strcmp(s->modules[i]->name, name) == 0) {
            return s->states[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------- modules */

static int order(const void *a, const void *b)
{
    return cm_route_compare(a, b);
}

/* A path that two modules claim would belong to whichever comes first. */
static enum cm_status refuse_same(const struct cm_service *s, struct cm_why *why)
{
    for (size_t i = 0; i < s->route_count; i++) {
        for (size_t k = i + 1; k < s->route_count && cm_route_same(&s->routes[i], &s->routes[k]);
             k++) {
            if ((s->routes[i].route->methods & s->routes[k].route->methods) != 0) {
                cm_why_set(why, "two routes: %.100s (%s, %s)", s->routes[i].route->path,
                           s->routes[i].module->name, s->routes[k].module->name);
                return CM_ERR_EXISTS;
            }
        }
    }
    return CM_OK;
}

static enum cm_status parse_routes(struct cm_service *s, const struct cm_module *module,
                                   struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < module->route_count && st == CM_OK; i++) {
        struct service_route *r = &s->routes[s->route_count++];

        st = cm_route_parse(&module->routes[i], r, why);
        r->module = module;
    }
    return st;
}

static enum cm_status gather_routes(struct cm_service *s, struct cm_why *why)
{
    size_t count = 0;
    enum cm_status st = CM_OK;

    for (size_t m = 0; m < s->module_count; m++) {
        count += s->modules[m]->route_count;
    }
    s->routes = calloc(count + 1, sizeof(*s->routes));
    if (s->routes == NULL) {
        return CM_ERR_NOMEM;
    }
    for (size_t m = 0; m < s->module_count; m++) {
        CM_TRY(parse_routes(s, s->modules[m], why));
    }
    qsort(s->routes, s->route_count, sizeof(*s->routes), order);
    CM_TRY(refuse_same(s, why));
out:
    return st;
}

static enum cm_status take_modules(struct cm_service *s, struct cm_why *why)
{
    const struct cm_module *const *m = s->config.modules;

    while (m != NULL && *m != NULL) {
        if (s->module_count == MAX_MODULES - 1) {
            return CM_ERR_LIMIT;
        }
        s->modules[s->module_count++] = *m++;
    }
    s->modules[s->module_count++] = &cm_service_own_module;
    return gather_routes(s, why);
}

/* Which part could not start, before its reason. */
static void name_part(struct cm_why *why, const char *name, enum cm_status st)
{
    char text[sizeof(why->text)] = "";

    if (why != NULL && !cm_why_names(why, name)) {
        (void)snprintf(text, sizeof(text), "%s",
                       why->text[0] == '\0' ? cm_status_str(st) : why->text);
        why->text[0] = '\0';
        cm_why_set(why, "%s: %s", name, text);
    }
}

/* One after the other; what another instance changes meanwhile is told behind each start. */
static enum cm_status start_modules(struct cm_service *s, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < s->module_count && st == CM_OK; i++) {
        (void)pthread_mutex_lock(&s->changed_lock);
        if (s->modules[i]->start != NULL) {
            st = s->modules[i]->start(s, &s->states[i], why);
        }
        if (st == CM_OK) {
            s->started++;
        }
        (void)pthread_mutex_unlock(&s->changed_lock);
        if (st != CM_OK) {
            name_part(why, s->modules[i]->name, st);
        }
    }
    for (size_t i = 0; i < s->route_count; i++) {
        for (size_t m = 0; m < s->module_count; m++) {
            if (s->routes[i].module == s->modules[m]) {
                s->routes[i].state = s->states[m];
            }
        }
    }
    return st;
}

/* --------------------------------------------------------------------- ticks */

static void tick_modules(struct cm_service *s)
{
    const uint64_t now = cm_service_now(s);

    cm_service_log_rest(s);
    for (size_t i = 0; i < s->started; i++) {
        if (s->modules[i]->tick != NULL) {
            s->modules[i]->tick(s->states[i], now);
        }
    }
}

static void tick_work(void *arg)
{
    struct cm_service *s = arg;

    atomic_store(&s->tick_queued, false);
    tick_modules(s);
}

/* By the monotonic clock: the other one may be stepped. */
static void *tick_on(void *arg)
{
    const struct service_work work = {.run = tick_work, .arg = arg};
    struct cm_service *s = arg;
    struct timespec next = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    (void)pthread_mutex_lock(&s->tick_lock);
    while (!s->stop) {
        next.tv_sec += TICK_SECONDS;
        while (!s->stop &&
               pthread_cond_clockwait(&s->tick_now, &s->tick_lock, CLOCK_MONOTONIC, &next) == 0) {
        }
        if (!s->stop && !atomic_exchange(&s->tick_queued, true) &&
            cm_workers_add(s, &work, false) != CM_OK) {
            atomic_store(&s->tick_queued, false);
        }
    }
    (void)pthread_mutex_unlock(&s->tick_lock);
    return NULL;
}

void cm_service_tick(struct cm_service *s)
{
    cm_service_changed(s, "*");
    tick_modules(s);
}

/* --------------------------------------------------------------- start, stop */

static enum cm_status init_locks(struct cm_service *s)
{
    pthread_mutexattr_t recursive;

    (void)pthread_mutexattr_init(&recursive);
    (void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&s->changed_lock, &recursive);
    (void)pthread_mutex_init(&s->spare_lock, &recursive);
    (void)pthread_mutexattr_destroy(&recursive);
    (void)pthread_mutex_init(&s->tick_lock, NULL);
    (void)pthread_cond_init(&s->tick_now, NULL);
    return CM_OK;
}

static void service_free(struct cm_service *s)
{
    for (size_t i = 0; i < sizeof(s->texts) / sizeof(s->texts[0]); i++) {
        free(s->texts[i]);
    }
    for (size_t i = 0; s->hosts != NULL && s->hosts[i] != NULL; i++) {
        free(s->hosts[i]);
    }
    for (size_t i = 0; s->bases != NULL && s->bases[i] != NULL; i++) {
        free(s->bases[i]);
    }
    free(s->hosts);
    free(s->bases);
    free(s->routes);
    (void)pthread_mutex_destroy(&s->changed_lock);
    (void)pthread_mutex_destroy(&s->spare_lock);
    (void)pthread_mutex_destroy(&s->tick_lock);
    (void)pthread_cond_destroy(&s->tick_now);
    free(s);
}

enum cm_status cm_service_create(const struct cm_service_config *config, struct cm_service **out,
                                 struct cm_why *why)
{
    struct cm_service *s = calloc(1, sizeof(*s));
    uint8_t random[8] = {0};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_service_json_memory();
    (void)init_locks(s);
    s->config = *config;
    CM_TRY(copy_config(s, why));
    s->began = cm_service_now(s);
    CM_TRY(cm_random_bytes(random, sizeof(random)));
    for (size_t i = 0; i < sizeof(random); i++) {
        (void)snprintf(s->instance + 2 * i, 3, "%02x", random[i]);
    }
    CM_TRY(take_modules(s, why));
    CM_TRY(cm_service_log_start(s));
    CM_TRY(cm_service_store_start(s, why));
    CM_TRY(cm_workers_start(s, config->workers == 0 ? DEFAULT_WORKER : config->workers, why));
    CM_TRY(start_modules(s, why));
    if (pthread_create(&s->ticker, NULL, tick_on, s) != 0) {
        st = CM_ERR_PLATFORM;
        goto out;
    }
    s->ticking = true;
    *out = s;
    s = NULL;
out:
    cm_service_stop(s, 0);
    return st;
}

enum cm_status cm_service_serve(struct cm_service *s, const char *cert_pem, const char *key_pem,
                                struct cm_why *why)
{
    struct cm_web_config web = cm_web_defaults();

    if (s->web != NULL) {
        return CM_ERR_STATE;
    }
    if (s->config.address != NULL) {
        web.address = s->config.address;
    }
    web.port = s->config.port;
    web.loops = s->config.loops;
    if (s->config.connections != 0) {
        web.max_connections = s->config.connections;
    }
    web.max_held = s->config.max_held;
    web.peer_connections = s->config.peer_connections;
    web.unlimited = s->config.unlimited;
    web.cert_pem = cert_pem;
    web.key_pem = key_pem;
    web.handler = cm_service_web;
    web.unserved = cm_service_unserved;
    web.malformed =
        "{\"error\":{\"code\":\"BadRequest\",\"message\":\"the request's line, headers or"
        " path can be read in more than one way\"}}";
    web.app = s;
    return cm_web_start(&web, &s->web, why);
}

enum cm_status cm_service_renew_tls(struct cm_service *s, const char *cert_pem, const char *key_pem,
                                    struct cm_why *why)
{
    return s->web == NULL ? CM_ERR_STATE : cm_web_reload(s->web, cert_pem, key_pem, why);
}

uint16_t cm_service_port(const struct cm_service *s)
{
    return s->web == NULL ? 0 : cm_web_port(s->web);
}

void cm_service_stop(struct cm_service *s, unsigned grace_seconds)
{
    if (s == NULL) {
        return;
    }
    cm_web_stop(s->web, grace_seconds); /* workers go on, so that there are answers */
    if (s->ticking) {
        (void)pthread_mutex_lock(&s->tick_lock);
        s->stop = true;
        (void)pthread_cond_signal(&s->tick_now);
        (void)pthread_mutex_unlock(&s->tick_lock);
        (void)pthread_join(s->ticker, NULL);
    }
    cm_db_watch_stop(s->watch);
    cm_workers_stop(s);
    while (s->started != 0) {
        s->started--;
        if (s->modules[s->started]->stop != NULL) {
            s->modules[s->started]->stop(s->states[s->started]);
        }
    }
    cm_service_store_stop(s);
    cm_service_log_stop(s);
    if (atomic_load(&s->calls) == 0) { /* else somebody kept a call, whose service this is */
        service_free(s);
    }
}
