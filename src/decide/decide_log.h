/*
 * What was decided, for people: searching the log, explaining one entry, asking another policy about it, the
 * overview, the inventory, collateral. Answers are JSON as docs/console-api.md describes it, so that whoever
 * serves them adds nothing of his own but what is named here. Functions with a database only read, within
 * what the caller has begun; on a worker. Thread-safe.
 *
 * All: @param out  set on CM_OK; the caller owns the reference.
 *      @retval CM_ERR_NOTFOUND, CM_ERR_PARAM (a parameter; why says which), CM_ERR_NOMEM, of cm_db_run()
 */
#ifndef CM_DECIDE_DECIDE_LOG_H
#define CM_DECIDE_DECIDE_LOG_H

#include "decide/decide.h"

/** What is searched for. NULL, 0: whatever it may be. */
struct cm_log_query {
    uint64_t from; /* times */
    uint64_t to;
    const char *tee;
    const char *result; /* "accepted", "refused" */
    const char *api;
    const char *policy_type;
    const char *measurement; /* its beginning, at least 4 hexadecimal digits */
    const char *client;      /* the whole name */
    const char *text;        /* a part of the reason or the client, or the beginning of an id */
    const char *cursor;      /* of the answer before */
    unsigned limit;          /* 1 to 200; 0: 50 */
};

/** {"items", "next", "tees"}, newest first. */
CM_MUST_USE enum cm_status cm_decide_log(struct cm_db *db, const struct cm_log_query *query,
                                         json_t **out, struct cm_why *why);

/**
 * One entry with its explanation, by its id. policy.text is null: it is the history's (cm_rules_history()).
 */
CM_MUST_USE enum cm_status cm_decide_explain(struct cm_db *db, const char *id, json_t **out,
                                             struct cm_why *why);

/** How a policy is asked about what was recorded. */
struct cm_decide_try {
    const struct cm_policy *policy;
    bool accept_emulated;
};

/**
 * Ask a policy about one entry: {"result", "changed", "reason", "outcome"}.
 * @retval CM_ERR_STATE  its claims were not kept, or it was not genuine
 */
CM_MUST_USE enum cm_status cm_decide_replay(struct cm_db *db, const char *id,
                                            const struct cm_decide_try *with, json_t **out,
                                            struct cm_why *why);

/** Ask a policy about the newest `count` entries (1 to 1000) of a type: what would change, and why. */
CM_MUST_USE enum cm_status cm_decide_what_if(struct cm_db *db, const char *type, unsigned count,
                                             const struct cm_decide_try *with, json_t **out,
                                             struct cm_why *why);

/** {"rate", "totals" (without releases), "reasons", "collateral"} of the last minutes (15 to 1440). */
CM_MUST_USE enum cm_status cm_decide_overview(struct cm_service *s, struct cm_db *db,
                                              unsigned minutes, json_t **out, struct cm_why *why);

/** The sums of this instance into the store, so that overview and inventory have all of them. Waits. */
CM_MUST_USE enum cm_status cm_decide_settle(struct cm_service *s, struct cm_why *why);

/* --------------------------------------------------------------- inventory */

struct cm_inventory_query {
    const char *tee;
    const char *text; /* beginning of a measurement or signer */
    const char *cursor;
    unsigned limit;
};

/** {"items", "next"}: what attested, last seen first. trusted_by: from the policies in force. */
CM_MUST_USE enum cm_status cm_decide_inventory(struct cm_service *s, struct cm_db *db,
                                               const struct cm_inventory_query *query, json_t **out,
                                               struct cm_why *why);
/** One of them, with "siblings", "recent" and "platforms". */
CM_MUST_USE enum cm_status cm_decide_inventory_one(struct cm_service *s, struct cm_db *db,
                                                   const char *id, json_t **out,
                                                   struct cm_why *why);
/** {"items", "next"}: what it ran on, worst status first. */
CM_MUST_USE enum cm_status cm_decide_platforms(struct cm_db *db, json_t **out, struct cm_why *why);

/** What is to be trusted. */
struct cm_trust_ask {
    const char *id;   /* of the inventory */
    const char *type; /* of policies; NULL: of its TEE */
    bool fresh;       /* a policy that permits nothing else, also where there is one in force */
};

/**
 * A draft that permits a measurement beside what the policy in force permits; nothing is set.
 * @retval CM_ERR_EXISTS  it is permitted already; why says by which line
 */
CM_MUST_USE enum cm_status cm_decide_trust(struct cm_service *s, struct cm_db *db,
                                           const struct cm_trust_ask *ask, json_t **out,
                                           struct cm_why *why);

/* -------------------------------------------------------------- collateral */

/** An array of what is kept, by urgency: kind, name, subject, fetched_at, issued_at, next_update, state, detail. */
CM_MUST_USE enum cm_status cm_decide_collateral(struct cm_service *s, json_t **out,
                                                struct cm_why *why);

/** Azure's answer to GET /tcbbaselines: {"tcbBaselines": [...]}, newest first. */
CM_MUST_USE enum cm_status cm_decide_baselines(struct cm_service *s, const char *type, json_t **out,
                                               struct cm_why *why);

/**
 * Put collateral in that came by hand: a bundle of `casemate collateral` (a platform's), or what
 * cm_decide_export() gave. It is verified, and never older than what is there. On a worker.
 * @param text   UNTRUSTED.
 * @param count  set: how many were taken
 * @retval CM_ERR_FORMAT, CM_ERR_SIGNATURE, CM_ERR_POLICY  why says what is wrong; nothing was taken behind it
 */
CM_MUST_USE enum cm_status cm_decide_import(struct cm_service *s, struct cm_span text,
                                            size_t *count, struct cm_why *why);
/** All that is kept, for another service without a network: {"casemate_collateral": 1, "kept": [...]}. */
CM_MUST_USE enum cm_status cm_decide_export(struct cm_service *s, json_t **out, struct cm_why *why);

#endif
