/*
 * The decision itself, apart from the service around it: evidence, collateral, policy. Nothing here knows
 * routes, the store or the clock. Private to src/decide and its tests.
 */
#ifndef CM_DECIDE_DECIDE_ENGINE_H
#define CM_DECIDE_DECIDE_ENGINE_H

#include "decide/decide.h"
#include "decide/decide_config.h"
#include "decide/decide_enrolled.h"
#include "decide/decide_floors.h"
#include "decide/decide_keeper.h"

struct cm_engine;

/** Where the policy in force comes from. */
struct cm_engine_rules {
    enum cm_status (*active)(void *arg, const char *type, const struct cm_rule_version **out);
    void (*release)(const struct cm_rule_version *version);
    void *arg;
};

struct cm_engine_ops {
    struct cm_engine_rules rules;
    /** The keeper's store; load and save may be NULL: it keeps in memory only. */
    enum cm_status (*load)(void *arg, const char *name, struct cm_kept **out, struct cm_why *why);
    enum cm_status (*save)(void *arg, const struct cm_kept *kept, struct cm_why *why);
    void (*tell)(void *arg, const char *name, const char *what); /* NULL: nobody */
    void *arg;
    unsigned waiters; /* as of struct cm_keeper_ops; with a second's patience */
};

CM_MUST_USE enum cm_status cm_engine_create(const struct cm_engine_ops *ops,
                                            struct cm_engine **out);
/** Accepts NULL. Nobody may be in it, and no decision of it be left. */
void cm_engine_free(struct cm_engine *e);

CM_MUST_USE enum cm_status
cm_engine_configure(struct cm_engine *e, const struct cm_decide_config *config, struct cm_why *why);

struct cm_keeper *cm_engine_keeper(struct cm_engine *e);
struct cm_floors *cm_engine_floors(struct cm_engine *e);
uint64_t cm_engine_grace(struct cm_engine *e);
/** What is enrolled from now on; the reference is taken. */
void cm_engine_enrol(struct cm_engine *e, struct cm_enrolled_set *set);

/** What is enrolled now; a reference, or NULL. */
struct cm_enrolled_set *cm_engine_enrolled(struct cm_engine *e);

struct cm_engine_ask {
    uint64_t now;
    bool accept_emulated;
    bool may_wait;
};

/** cm_decide(); free with cm_decision_free(). */
CM_MUST_USE enum cm_status cm_engine_decide(struct cm_engine *e, const struct cm_decide_job *job,
                                            const struct cm_engine_ask *ask,
                                            struct cm_decision **out, struct cm_why *why);

/* ---------------------------------------------- between the engine's own files */

/* What is trusted and how it is judged, at one moment; immutable, counted. */
struct cm_engine_settings {
    atomic_uint refs;
    struct cm_decide_config config;
    struct cm_collateral_config intel;
    bool has_intel;
    char kds_url[256];
    char kds_ca_file[1024];
    size_t root_count; /* with the makers' */
    struct cm_trust_root *roots;
    char (*labels)[80];
};

struct cm_engine_settings *cm_engine_settings(struct cm_engine *e);
void cm_settings_drop(struct cm_engine_settings *s);

/** The keeper's fetch(); arg: the engine. */
CM_MUST_USE enum cm_status cm_engine_fetch(void *arg, uint64_t now, const struct cm_want *want,
                                           struct cm_span issuers, struct cm_kept **out,
                                           struct cm_why *why);

/**
 * Verify what was fetched or imported as far as that goes without evidence.
 * @param issuers  of DCAP: a PCK chain, so that its revocation list can be verified; {NULL, 0}: it is not
 * @retval CM_ERR_SIGNATURE, CM_ERR_MISMATCH, CM_ERR_POLICY (no trusted root), CM_ERR_FORMAT
 */
CM_MUST_USE enum cm_status cm_kept_verify(const struct cm_kept *k,
                                          const struct cm_trust_root *roots, size_t root_count,
                                          const struct cm_kept *snp_ca, struct cm_span issuers,
                                          struct cm_why *why);

/**
 * Whether a PCK chain leads to one of the roots; signatures and names only.
 * @retval CM_ERR_NOMEM, CM_ERR_CRYPTO  nobody knows   @retval others  it does not; why says so
 */
CM_MUST_USE enum cm_status cm_pck_chain_trusted(struct cm_span pem,
                                                const struct cm_trust_root *roots,
                                                size_t root_count, struct cm_why *why);

/** The engine's own part of a decision. */
struct cm_decision_own {
    struct cm_decision d;
    const struct cm_engine_rules *rules; /* to let go of the rule; NULL: it is borrowed */
    const char *tee;                     /* "sgx", ...: as the evidence says; "unknown" */
    enum cm_format format;
    const char *natural; /* the type of policies that judges such evidence; NULL: none */
    uint64_t took_ns;
};

/**
 * An identity that nobody can guess: whoever has it can look the decision up. Before 26 random bytes stands the time
 * in milliseconds: so the store's index of identities grows at its end, and not in a page of its own for each.
 * @retval CM_ERR_PLATFORM
 */
CM_MUST_USE enum cm_status cm_decision_id(char out[65]);

/** The decision's own part. */
const struct cm_decision_own *cm_decision_own(const struct cm_decision *d);

#endif
