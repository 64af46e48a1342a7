/* Private to src/serve. */
#ifndef CM_SERVE_SERVE_PRIVATE_H
#define CM_SERVE_SERVE_PRIVATE_H

#include "serve/serve_run.h"
#include "service/service.h"

/* serve_default.c */
/** What was not said, as far as it can be known; may be called again when more is. */
CM_MUST_USE enum cm_status cm_serve_config_defaults(struct cm_serve_config *c, struct cm_why *why);
/** Whether a store's address has a password in it. Accepts NULL. */
bool cm_serve_has_password(const char *store);

/* serve_check.c */
/**
 * What can be known of a configuration before anything is made of it: names, addresses, TCB statuses, TLS files.
 * @retval CM_ERR_PARAM, or as of cm_file_read()  why says which
 */
CM_MUST_USE enum cm_status cm_serve_check(const struct cm_serve_config *c, struct cm_why *why);
/** The certificate and key of tls-cert and tls-key. The caller frees both (the key with cm_wipe before). */
CM_MUST_USE enum cm_status cm_serve_read_tls(const struct cm_serve_config *c, char **cert,
                                             char **key, struct cm_why *why);

/* serve_place.c: what one instance has for itself */
/** Make the state folder, or see that nobody else can write to it. for_another: root may, who does not serve. */
CM_MUST_USE enum cm_status cm_serve_folder(const char *path, bool for_another, struct cm_why *why);
struct cm_serve_place {
    int lock; /* of the state folder */
    int port; /* a socket that holds a port that was chosen by the system; -1: none */
};
/** Make the state folder and take it; find a port where 0 was said, and refuse one that is taken. */
CM_MUST_USE enum cm_status cm_serve_place_take(struct cm_serve_config *c,
                                               struct cm_serve_place *out, struct cm_why *why);
/** The port's socket only: the service has it now. */
void cm_serve_place_served(struct cm_serve_place *place);
void cm_serve_place_leave(struct cm_serve_place *place);

/* serve_collateral.c */
/** Where collateral comes from, by the configuration; in development the emulated platform's, too. */
CM_MUST_USE enum cm_status cm_serve_collateral(struct cm_service *s,
                                               const struct cm_serve_config *c, struct cm_why *why);
/** Whether its addresses and TCB statuses are some. @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_serve_check_collateral(const struct cm_serve_config *c,
                                                     struct cm_why *why);

/* serve_say.c */
/** Where it is reached, and in development what to copy. */
CM_MUST_USE enum cm_status cm_serve_say(struct cm_service *s, const struct cm_serve_config *c,
                                        FILE *out, struct cm_why *why);
/**
 * What a start with --dev left behind lets nobody in any more: its tokens are revoked, its file is removed.
 * @retval as of cm_service_write()
 */
CM_MUST_USE enum cm_status cm_serve_end_dev(struct cm_service *s, const struct cm_serve_config *c,
                                            struct cm_why *why);
/** A store's address without its password. */
void cm_serve_plain_store(const char *store, char *out, size_t cap);

/* serve_notify.c: systemd's protocol, by hand; nothing happens where nobody listens */
void cm_serve_notify(const char *text);
/** How often systemd wants to hear of us, in seconds; 0: it does not. */
unsigned cm_serve_watchdog(void);

/* serve_random.c */
void cm_serve_random_buf(void *out, size_t n);
uint32_t cm_serve_random_u32(void);

#endif
