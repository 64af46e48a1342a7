/*
 * `casemate serve`: one service out of all parts, from its configuration to its orderly end. For one thread,
 * the program's first, which must have no others yet. Host side only.
 */
#ifndef CM_SERVE_SERVE_RUN_H
#define CM_SERVE_SERVE_RUN_H

#include "serve/serve_config.h"

/** What it was started with: read again by a reload. */
struct cm_serve_args {
    int argc; /* without the program's and the command's names */
    char *const *argv;
    char *const *env;
};

/**
 * Serve until SIGTERM or SIGINT; SIGHUP reads the configuration and TLS files again. Says where it is
 * reached on `out`, logs to standard error, tells systemd when it is ready.
 * @retval CM_ERR_BUSY  another program has the state folder, the address or the store
 * @retval others       of the configuration, the store, the root key, and the modules' start
 */
CM_MUST_USE enum cm_status cm_serve_run(const struct cm_serve_args *args, FILE *out,
                                        struct cm_why *why);

/** The store as one file, and a store out of one: see store/store_backup.h. Says on `out` what was done. */
CM_MUST_USE enum cm_status cm_serve_backup(const struct cm_serve_args *args, const char *file,
                                           FILE *out, struct cm_why *why);
CM_MUST_USE enum cm_status cm_serve_restore(const struct cm_serve_args *args, const char *file,
                                            FILE *out, struct cm_why *why);
/** Put the store's root key elsewhere: keep/keep.h. */
CM_MUST_USE enum cm_status cm_serve_rewrap(const struct cm_serve_args *args, const char *to,
                                           FILE *out, struct cm_why *why);

#endif
