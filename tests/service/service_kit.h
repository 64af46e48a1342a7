/*
 * A service in this process for tests: given modules over a store of their own, a clock that stands until it
 * is set, callers by simple tokens, TLS under a throw-away certificate (or the modules' own), and a client
 * that verifies it. One service at a time is usual; several over one store are possible (kit_open).
 *
 *     static const struct cm_module *const modules[] = {&my_module, NULL};
 *     kit_start(modules);
 *     CHECK_EQ(kit_get("/thing/a", "admin")->status, 200);
 *     CHECK_STR(kit_string("name"), "a");
 *     kit_stop();
 *
 * What goes wrong in the kit itself ends the program with a message.
 */
#ifndef CM_TESTS_SERVICE_KIT_H
#define CM_TESTS_SERVICE_KIT_H

#include <jansson.h>

#include "service/service.h"
#include "service/service_call.h"

struct kit; /* one service */

struct kit_options {
    const struct cm_module *const *modules; /* NULL-terminated */
    const char *host; /* of the public URL; NULL: "localhost". Any name leads to this service */
    const char *const *more_hosts; /* host names; the port is put behind them */
    const char *vault_domain;
    bool accept_emulated;
    bool real_clock;   /* else kit_now() */
    const char *store; /* NULL: a new one (SQLite, or what CM_TEST_STORE names, emptied) */
    unsigned workers;
    enum cm_log_level log_level;
    FILE *log;
    /** Before the service is made: config->store is known, what else there is may be changed (keep). */
    void (*prepare)(struct cm_service_config *config);
    /** Behind its modules' start: whose TLS certificate it serves. NULL: the kit's own. All three are malloc'd. */
    void (*tls)(struct cm_service *s, char **ca_pem, char **cert_pem, char **key_pem);
};

/** The usual way: defaults of everything but the modules. The service that kit_get() and others ask. */
struct cm_service *kit_start(const struct cm_module *const *modules);
struct cm_service *kit_start_with(const struct kit_options *options);
/** Stop what kit_start() made, and forget its store. */
void kit_stop(void);
/** Stop it and start it again over the same store, as after the program's end. */
struct cm_service *kit_again(void);

/** Further services: kit_use() says whom the client asks. */
struct kit *kit_open(const struct kit_options *options);
void kit_use(struct kit *kit);
void kit_close(struct kit *kit);
struct kit *kit_current(void);
/** Let the client ask a service of another process, under its CA; NULL: none any more. */
void kit_attach(const char *url, const char *ca_file);
struct cm_service *kit_service(void);
/** "https://HOST:PORT" */
const char *kit_url(void);
/** The store's address, for cm_db_open(). */
const char *kit_store(void);
/** The folder of this service's state, which ends with it. */
const char *kit_folder(void);
/** A file with the CA's certificate in PEM, for other clients. */
const char *kit_ca_file(void);

/* ------------------------------------------------------------------- clock */

/** 2026-07-01 00:00:00 UTC until it is set. Shared by all services of the program. */
uint64_t kit_now(void);
void kit_set_clock(uint64_t now);
void kit_step_clock(int64_t seconds);
/** Called behind the options' prepare, for one test's settings; NULL: nothing. */
extern void (*kit_tune)(struct cm_service_config *config);

/* ------------------------------------------------------------------ callers */

/**
 * Callers are known by "Authorization: Bearer NAME": admin, admin2, author, approver, auditor, client have
 * the role of that name; "nothing" is somebody without a role. Others are nobody, with a challenge.
 * NULL as a token sends none.
 */
void kit_authenticate(struct cm_service *s, struct cm_call *call);

/* ------------------------------------------------------------------- client */

struct kit_answer {
    int status; /* 0: no answer */
    char *body; /* NUL behind it */
    size_t len;
    char *head;   /* all lines of the head */
    json_t *json; /* NULL: the body is none */
    char header_value[1024];
};

/**
 * One request over TLS, the certificate and its name verified, on a connection that is kept between requests.
 * @param path     with its query, or a whole URL of any host (which leads to this service, too)
 * @param token    NULL: none
 * @param type     of the body; NULL: no body
 * @param headers  further lines, NULL-terminated; NULL: none
 * @return  it belongs to the kit until the thread's next request
 */
struct kit_answer *kit_ask(const char *method, const char *path, const char *token,
                           const char *type, struct cm_span body, const char *const *headers);
struct kit_answer *kit_get(const char *path, const char *token);
struct kit_answer *kit_delete(const char *path, const char *token);
/** JSON text as the body. */
struct kit_answer *kit_post(const char *path, const char *token, const char *json);
struct kit_answer *kit_put(const char *path, const char *token, const char *json);
struct kit_answer *kit_patch(const char *path, const char *token, const char *json);
/** The same with JSON as jansson has it; the reference is taken. */
struct kit_answer *kit_post_json(const char *path, const char *token, json_t *json);

/** The last answer of this thread. */
struct kit_answer *kit_last(void);
/** A header of the last answer; NULL: absent. */
const char *kit_header(const char *name);
/** Members of the last answer's JSON by a path "a.b.0.c"; NULL (0): there is none of that type. */
json_t *kit_json(const char *path);
const char *kit_string(const char *path);
int64_t kit_integer(const char *path);

/** Raw bytes over TLS on a connection of its own: what is answered until the server closes or `seconds`. */
size_t kit_raw(struct cm_span request, char *out, size_t cap, unsigned seconds);

#endif
