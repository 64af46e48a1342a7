/*
 * What `casemate serve` is told: by a file, by the environment over that, by options over both. One table
 * (serve_config.c) has every key: the file's "name = value", CASEMATE_SERVE_NAME, --name VALUE.
 */
#ifndef CM_SERVE_SERVE_CONFIG_H
#define CM_SERVE_SERVE_CONFIG_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/span.h"

#define CM_SERVE_MAX_HOSTS 24
#define CM_SERVE_MAX_FILE  ((size_t)64 * 1024)

/** Texts are owned; NULL: not said. */
struct cm_serve_config {
    char *listen;
    char *public_url;
    char *hosts[CM_SERVE_MAX_HOSTS + 1];   /* NULL behind the last */
    char *proxies[CM_SERVE_MAX_HOSTS + 1]; /* the same */
    char *vault_domain;
    char *state;
    char *store;
    char *root_key;
    char *tls_cert;
    char *tls_key;
    char *pccs_url;
    char *pccs_ca;
    char *kds_url;
    char *kds_ca;
    char *trust_roots[CM_SERVE_MAX_HOSTS + 1]; /* FAMILY:FILE; NULL behind the last */
    char *accept_tcb;
    char *log;       /* text, json */
    char *log_level; /* error, warning, info, debug */
    char *metrics;   /* auditor, open */
    char *dev;       /* yes, no */
    uint32_t workers;
    uint32_t loops;
    uint32_t connections;
    uint32_t peer_connections;
    uint32_t body_memory; /* MiB */
    uint32_t attestation_days;
    uint32_t attestation_rows;
    uint32_t rotate_days;
    uint32_t audit_days;
    uint32_t history_days;
    uint32_t grace;
    uint32_t collateral_grace;
};

/** As if nothing was said. */
void cm_serve_config_init(struct cm_serve_config *c);
void cm_serve_config_free(struct cm_serve_config *c);

/**
 * Take what a file says, strictly: unknown keys, a key twice, a value that is none are refused.
 * @param name  of the file, for why, which names the line, too
 * @param text  UNTRUSTED only in the sense that it may be anything
 * @retval CM_ERR_SYNTAX, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_serve_config_text(struct cm_serve_config *c, const char *name,
                                                struct cm_span text, struct cm_why *why);
/** The same from a file. Where the store's address has a password in it, the file must be private. */
CM_MUST_USE enum cm_status cm_serve_config_file(struct cm_serve_config *c, const char *path,
                                                struct cm_why *why);
/** Variables that begin with CASEMATE_SERVE_; unknown ones are refused. env: as environ(7). */
CM_MUST_USE enum cm_status cm_serve_config_env(struct cm_serve_config *c, char *const *env,
                                               struct cm_why *why);
/**
 * Options: "--name VALUE" or "--name=VALUE"; "--dev" alone says yes.
 * @retval CM_ERR_PARAM  why says which
 */
CM_MUST_USE enum cm_status cm_serve_config_args(struct cm_serve_config *c, int argc,
                                                char *const *argv, struct cm_why *why);

/**
 * File (by --config or CASEMATE_SERVE_CONFIG), environment, options, then defaults for what was not said,
 * and what does not go together refused. argv without the program's and the command's names.
 */
CM_MUST_USE enum cm_status cm_serve_config_load(struct cm_serve_config *c, int argc,
                                                char *const *argv, char *const *env,
                                                struct cm_why *why);

/** Every key with its meaning, as lines of --help. */
void cm_serve_config_help(FILE *out);
/** The names of keys by which two differ, except those that a reload takes over; "": none. */
void cm_serve_config_diff(const struct cm_serve_config *a, const struct cm_serve_config *b,
                          char *out, size_t cap);
/** Those that a reload takes over: of each, now has fresh's value afterwards, and fresh the one that now had. */
void cm_serve_config_take_live(struct cm_serve_config *now, struct cm_serve_config *fresh);

/** "ADDRESS:PORT" or "[ADDRESS]:PORT". @retval CM_ERR_PARAM */
CM_MUST_USE enum cm_status cm_serve_listen(const char *text, char address[64], uint16_t *port,
                                           struct cm_why *why);

#endif
