/* Private to src/console. */
#ifndef CM_CONSOLE_CONSOLE_PRIVATE_H
#define CM_CONSOLE_CONSOLE_PRIVATE_H

#include <casemate/policy.h>

#include "access/access_body.h"
#include "console/console.h"

struct console {
    struct cm_service *service;
    uint64_t started;
};

/** 400 PolicySyntax with its place. */
void cm_console_bad_policy(struct cm_call *call, const struct cm_policy_error *error);
/** Answer with what was made, or with why it was not. out is taken. */
void cm_console_answer(struct cm_call *call, enum cm_status st, json_t *out,
                       const struct cm_why *why);
/** A policy's text out of a request's body, parsed; NULL: the call has been answered. */
const struct cm_rule_version *cm_console_draft(struct cm_call *call, const char *type,
                                               const char *text);
/** The TEEs whose evidence a type's policy is asked about. NULL: no memory. */
json_t *cm_console_tees(const char *type);
/** A JSON text that one of our libraries wrote; null for an empty one. NULL: no memory. */
json_t *cm_console_loads(const char *text, size_t len);

/* handlers, by file */
void cm_console_file(struct cm_call *call, void *state);
void cm_console_root(struct cm_call *call, void *state);

void cm_console_policies(struct cm_call *call, void *state);
void cm_console_policy(struct cm_call *call, void *state);
void cm_console_policy_check(struct cm_call *call, void *state);
void cm_console_policy_put(struct cm_call *call, void *state);
void cm_console_policy_approve(struct cm_call *call, void *state);
void cm_console_policy_reject(struct cm_call *call, void *state);
void cm_console_policy_restore(struct cm_call *call, void *state);
void cm_console_mode(struct cm_call *call, void *state);
void cm_console_mode_put(struct cm_call *call, void *state);
void cm_console_certificate_post(struct cm_call *call, void *state);

void cm_console_overview(struct cm_call *call, void *state);
/** Into the overview: totals.released, totals.withheld, releases. */
CM_MUST_USE enum cm_status cm_console_add_releases(struct cm_call *call, json_t *overview,
                                                   unsigned minutes, struct cm_why *why);

void cm_console_attestations(struct cm_call *call, void *state);
void cm_console_attestation(struct cm_call *call, void *state);
void cm_console_replay(struct cm_call *call, void *state);
void cm_console_what_if(struct cm_call *call, void *state);

void cm_console_inventory(struct cm_call *call, void *state);
void cm_console_inventory_one(struct cm_call *call, void *state);
void cm_console_platforms(struct cm_call *call, void *state);
void cm_console_trust(struct cm_call *call, void *state);
void cm_console_collateral(struct cm_call *call, void *state);
void cm_console_collateral_export(struct cm_call *call, void *state);
void cm_console_collateral_import(struct cm_call *call, void *state);

void cm_console_keys(struct cm_call *call, void *state);
void cm_console_key(struct cm_call *call, void *state);
void cm_console_key_rotate(struct cm_call *call, void *state);
void cm_console_key_enable(struct cm_call *call, void *state);
void cm_console_key_disable(struct cm_call *call, void *state);
void cm_console_secrets(struct cm_call *call, void *state);
void cm_console_secret(struct cm_call *call, void *state);
void cm_console_releases(struct cm_call *call, void *state);

void cm_console_resources(struct cm_call *call, void *state);
void cm_console_references(struct cm_call *call, void *state);
void cm_console_reference(struct cm_call *call, void *state);
void cm_console_reference_post(struct cm_call *call, void *state);
void cm_console_reference_delete(struct cm_call *call, void *state);

void cm_console_try_evidence(struct cm_call *call, void *state);
void cm_console_try_token(struct cm_call *call, void *state);

#endif
