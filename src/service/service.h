/*
 * What every API of the attestation and key release service stands on: routes, workers, the store, time,
 * topics that tell other instances of changes, log and metrics. It knows no API by name: modules bring
 * their routes, and src/serve puts them together. Host side only.
 *
 * Threads: handlers marked at_once run on a loop of the web server and must not wait: no file, no
 * database, no network. All others run on a worker, which has a connection to the store of its own.
 * No state but in the store: what modules keep in memory is a copy, renewed when a topic changes.
 */
#ifndef CM_SERVICE_SERVICE_H
#define CM_SERVICE_SERVICE_H

#include <stdio.h>

#include "store/store_writer.h"
#include "web/web.h"

struct cm_service;
struct cm_call; /* service_call.h */

/* What a caller may do. An admin may do what an author, an auditor and a client may, but does not
 * approve what he wrote himself. */
enum cm_role {
    CM_ROLE_ADMIN = 1,    /* access, settings, keys */
    CM_ROLE_AUTHOR = 2,   /* policies, keys and secrets with their release policies */
    CM_ROLE_APPROVER = 4, /* the second person of a policy */
    CM_ROLE_AUDITOR = 8,  /* reads everything but secrets */
    CM_ROLE_CLIENT = 16,  /* asks for releases */
};
#define CM_ROLE_READERS (CM_ROLE_ADMIN | CM_ROLE_AUTHOR | CM_ROLE_APPROVER | CM_ROLE_AUDITOR)
#define CM_ROLE_WRITERS (CM_ROLE_ADMIN | CM_ROLE_AUTHOR)

/** In whose form errors and challenges are written. */
enum cm_api {
    CM_API_NATIVE, /* {"error":{"code","message"}} */
    CM_API_MAA,    /* the same, with Azure Attestation's codes and challenge */
    CM_API_VAULT,  /* Key Vault's codes and challenge */
    CM_API_KBS,    /* {"type","detail"} */
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which a route is read */
struct cm_route {
    unsigned methods; /* enum cm_web_method bits */
    /** Segments: "attest", "{name}", "{name}:reset" (text behind it), and at the end "{name...}": the
     * rest, of one segment at least. Fixed text is compared without regard to case, and goes before
     * names. HEAD comes with GET; OPTIONS and 405 are answered without the module. */
    const char *path;
    unsigned roles; /* enum cm_role bits of which the caller needs one; 0: anyone */
    enum cm_api api;
    bool at_once; /* on the loop's thread; it may hand over to a worker (cm_call_later()) */
    void (*serve)(struct cm_call *call, void *state); /* state of the route's module */
    bool cors; /* pages of any origin may read the answers: only for what is public anyway */
};

/** A part of the service. All functions but `routes` are optional (NULL). */
struct cm_module {
    const char *name;
    const struct cm_route *routes;
    size_t route_count;
    /** Before anything is served, in the order of modules, with the store ready. */
    enum cm_status (*start)(struct cm_service *s, void **state, struct cm_why *why);
    void (*stop)(void *state);
    /** A transaction of this or another instance has changed a topic ("*": anything may have changed,
     * as after a lost connection). On a worker; before the change's own caller is answered. */
    void (*changed)(void *state, const char *topic);
    /** About every 30 seconds, on a worker. */
    void (*tick)(void *state, uint64_t now);
    /** Prometheus text exposition. */
    void (*metrics)(void *state, FILE *out);
    /** Whether it can serve; false: why says what is missing (readiness). On a worker. */
    bool (*ready)(void *state, struct cm_why *why);
};

/** The state that a module's start() made; NULL when there is no such module. */
void *cm_service_module(struct cm_service *s, const char *name);

enum cm_log_level { CM_LOG_ERROR, CM_LOG_WARNING, CM_LOG_INFO, CM_LOG_DEBUG };

/** "https://host[:port]" with a port that there is, and no slash at the end. @retval CM_ERR_PARAM  url may be NULL */
CM_MUST_USE enum cm_status cm_service_check_url(const char *url, struct cm_why *why);

/** Texts are copied; keep, modules and functions are borrowed for the service's life. */
struct cm_service_config {
    const char *store; /* for cm_db_open() */
    const char
        *state_dir; /* where the set-up code is left for the first admin; NULL: cm_state_dir() */
    const char *public_url; /* "https://host[:port]", no slash at the end */
    const char *const
        *more_hosts;          /* further host[:port] under which it is reached; NULL-terminated */
    const char *vault_domain; /* the domain that Key Vault clients compare with; NULL */
    bool accept_emulated;     /* evidence of the emulator counts: for development only */
    bool open_metrics;        /* GET /metrics for anyone; else for auditors */
    bool log_json;            /* lines of JSON; else text */
    enum cm_log_level log_level;
    unsigned workers;     /* 0: 4 */
    unsigned loops;       /* 0: one a core */
    unsigned connections; /* at a time; 0: web.h's default */
    /** As of struct cm_web_config: 0 bounds nothing. unlimited is read by cm_service_serve(), borrowed until then. */
    size_t max_held;
    unsigned peer_connections;
    const char *const *unlimited;
    unsigned attestation_days; /* after which attestations leave the log; 0: as decide has it */
    unsigned attestation_rows; /* and how many permitted ones stay; 0: the same */
    unsigned rotate_days;      /* after which new keys sign; 0: as identity has it */
    unsigned audit_days;       /* after which audit records are cut off; 0: they stay */
    unsigned history_days;     /* after which rows of releases go; 0: 400 */
    const char *address;
    uint16_t port;
    uint64_t (*clock)(void);                /* seconds since 1970; NULL: the system's */
    FILE *log;                              /* NULL: standard error */
    struct cm_keep *keep;                   /* keep/keep.h: borrowed */
    const struct cm_module *const *modules; /* NULL-terminated, in the order of their start */
    /** Who calls: src/access. NULL: nobody is anyone. May run on a loop: must not wait. */
    void (*authenticate)(struct cm_service *s, struct cm_call *call);
    /** Whether a request may go on (rate limits); on a loop. false: it has been answered. */
    bool (*admit)(struct cm_service *s, struct cm_call *call);
};

/** @retval as of cm_writer_start(), the modules' start(), cm_web_start() */
CM_MUST_USE enum cm_status cm_service_create(const struct cm_service_config *config,
                                             struct cm_service **out, struct cm_why *why);
/** Begin to serve: with TLS, under the certificate given (cm_web_reload() renews it). */
CM_MUST_USE enum cm_status cm_service_serve(struct cm_service *s, const char *cert_pem,
                                            const char *key_pem, struct cm_why *why);
CM_MUST_USE enum cm_status cm_service_renew_tls(struct cm_service *s, const char *cert_pem,
                                                const char *key_pem, struct cm_why *why);
uint16_t cm_service_port(const struct cm_service *s);
/** Answer what has come in, at the latest after grace_seconds; stop modules; free. Accepts NULL. */
void cm_service_stop(struct cm_service *s, unsigned grace_seconds);

const struct cm_service_config *cm_service_config(const struct cm_service *s);
uint64_t cm_service_now(const struct cm_service *s);

/* -------------------------------------------------------------------- store */

/**
 * Whether the store can be read, and was written to when that was last tried; false: why says what it lacks, in
 * words for anyone. On a worker.
 */
bool cm_service_store_ready(struct cm_service *s, struct cm_why *why);

/** Read within one transaction, on a connection of the pool. Waits: not on a loop. */
CM_MUST_USE enum cm_status cm_service_read(struct cm_service *s,
                                           enum cm_status (*run)(struct cm_db *db, void *arg,
                                                                 struct cm_why *why),
                                           void *arg, struct cm_why *why);
/** Write within one transaction, and wait until it is on the disk: not on a loop. */
CM_MUST_USE enum cm_status cm_service_write(struct cm_service *s,
                                            enum cm_status (*run)(struct cm_db *db, void *arg,
                                                                  struct cm_why *why),
                                            void *arg, struct cm_why *why);
/** The same without waiting: see struct cm_change. From any thread. */
void cm_service_write_later(struct cm_service *s, struct cm_change *change);

/** Within a transaction: when it is committed, every instance's modules are told that it changed. */
CM_MUST_USE enum cm_status cm_service_touch(struct cm_service *s, struct cm_db *db,
                                            const char *topic, struct cm_why *why);

/** Settings are small texts in the store. @retval CM_ERR_NOTFOUND it was never set */
CM_MUST_USE enum cm_status cm_setting_get(struct cm_db *db, const char *name, char *out, size_t cap,
                                          struct cm_why *why);
CM_MUST_USE enum cm_status cm_setting_put(struct cm_db *db, const char *name, const char *value,
                                          struct cm_why *why);

/** Every module's tick(), and changed("*"), here and now: after a reload; and for tests, whose clocks jump.
 * Not on a loop. */
void cm_service_tick(struct cm_service *s);

/* ------------------------------------------------------------ log, workers */

/** One line, as JSON or text, to the log: never a secret. fields: field_count "name", "value" pairs.
 * From any thread; it does not wait: lines that a slow reader does not take are counted, not kept. */
void cm_service_log(struct cm_service *s, enum cm_log_level level, const char *event,
                    const char *const *fields, size_t field_count);

/** Run on a worker. The queue is bounded. @retval CM_ERR_BUSY it is full */
CM_MUST_USE enum cm_status cm_service_work(struct cm_service *s, void (*run)(void *arg), void *arg);

#endif
