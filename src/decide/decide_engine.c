/*
 * One decision; see decide_engine.h. Straight on: what the client may give, the collateral that its
 * evidence needs, one verification, the policy. Untrusted: everything of the job but its policy type.
 */
#include "decide/decide_engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_http.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "decide/decide_gather.h"
#include "decide/decide_proven.h"
#include "evidence/claims.h"
#include "evidence/material.h"

#define PATIENCE_MS 1000u /* with a source, beyond those who may wait for it */
#define PLATFORMS   1024u /* kept by the verifier: a chain and collateral each */
#define CERTS       4096u

struct cm_engine {
    struct cm_engine_ops ops;
    struct cm_dcap_cache *platforms;
    struct cm_cert_cache *certs;
    struct cm_seen *seen;
    struct cm_keeper *keeper;
    struct cm_floors *floors;
    pthread_mutex_t lock;
    struct cm_engine_settings *settings; /* under lock */
    struct cm_enrolled_set *enrolled;    /* under lock; NULL: nothing */
};

/* ------------------------------------------------------------------ engine */

static enum cm_status no_load(void *arg, const char *name, struct cm_kept **out, struct cm_why *why)
{
    (void)arg;
    (void)name;
    (void)out;
    (void)why;
    return CM_ERR_NOTFOUND;
}

static enum cm_status no_save(void *arg, const struct cm_kept *kept, struct cm_why *why)
{
    (void)arg;
    (void)kept;
    (void)why;
    return CM_OK;
}

static void no_tell(void *arg, const char *name, const char *what)
{
    (void)arg;
    (void)name;
    (void)what;
}

/* The engine's functions with the owner's argument: the keeper has one for all of them. */
static enum cm_status load(void *arg, const char *name, struct cm_kept **out, struct cm_why *why)
{
    struct cm_engine *e = arg;

    return e->ops.load(e->ops.arg, name, out, why);
}

static enum cm_status save(void *arg, const struct cm_kept *kept, struct cm_why *why)
{
    struct cm_engine *e = arg;

    return e->ops.save(e->ops.arg, kept, why);
}

static void tell(void *arg, const char *name, const char *what)
{
    struct cm_engine *e = arg;

    e->ops.tell(e->ops.arg, name, what);
}

enum cm_status cm_engine_create(const struct cm_engine_ops *ops, struct cm_engine **out)
{
    static const struct cm_decide_config nothing;
    struct cm_engine *e = calloc(1, sizeof(*e));
    enum cm_status st = CM_OK;

    *out = NULL;
    if (e == NULL) {
        return CM_ERR_NOMEM;
    }
    if (pthread_mutex_init(&e->lock, NULL) != 0) {
        free(e);
        return CM_ERR_PLATFORM;
    }
    e->ops = *ops;
    e->ops.load = ops->load != NULL ? ops->load : no_load;
    e->ops.save = ops->save != NULL ? ops->save : no_save;
    e->ops.tell = ops->tell != NULL ? ops->tell : no_tell;
    CM_TRY(cm_dcap_cache_create(PLATFORMS, &e->platforms));
    CM_TRY(cm_cert_cache_create(CERTS, &e->certs));
    CM_TRY(cm_seen_create(&e->seen));
    CM_TRY(cm_floors_create(&e->floors));
    CM_TRY(cm_keeper_create(
        &(struct cm_keeper_ops){cm_engine_fetch, load, save, tell, e, ops->waiters, PATIENCE_MS},
        &e->keeper));
    CM_TRY(cm_engine_configure(e, &nothing, NULL));
    *out = e;
    e = NULL;
out:
    cm_engine_free(e);
    return st;
}

void cm_engine_free(struct cm_engine *e)
{
    if (e == NULL) {
        return;
    }
    cm_keeper_free(e->keeper);
    cm_floors_free(e->floors);
    cm_seen_free(e->seen);
    cm_cert_cache_free(e->certs);
    cm_dcap_cache_free(e->platforms);
    cm_settings_drop(e->settings);
    cm_enrolled_drop(e->enrolled);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

struct cm_keeper *cm_engine_keeper(struct cm_engine *e)
{
    return e->keeper;
}

struct cm_floors *cm_engine_floors(struct cm_engine *e)
{
    return e->floors;
}

void cm_engine_enrol(struct cm_engine *e, struct cm_enrolled_set *set)
{
    struct cm_enrolled_set *old = NULL;

    (void)pthread_mutex_lock(&e->lock);
    old = e->enrolled;
    e->enrolled = set;
    (void)pthread_mutex_unlock(&e->lock);
    cm_enrolled_drop(old);
}

struct cm_enrolled_set *cm_engine_enrolled(struct cm_engine *e)
{
    struct cm_enrolled_set *set = NULL;

    (void)pthread_mutex_lock(&e->lock);
    set = cm_enrolled_hold(e->enrolled);
    (void)pthread_mutex_unlock(&e->lock);
    return set;
}

/* ---------------------------------------------------------------- settings */

void cm_settings_drop(struct cm_engine_settings *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        free(s->roots);
        free(s->labels);
        free(s);
    }
}

struct cm_engine_settings *cm_engine_settings(struct cm_engine *e)
{
    struct cm_engine_settings *s = NULL;

    (void)pthread_mutex_lock(&e->lock);
    s = e->settings;
    (void)atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    (void)pthread_mutex_unlock(&e->lock);
    return s;
}

uint64_t cm_engine_grace(struct cm_engine *e)
{
    struct cm_engine_settings *s = cm_engine_settings(e);
    uint64_t grace = s->config.grace;

    cm_settings_drop(s);
    return grace;
}

/* The makers' roots and the caller's, with labels of our own. */
static enum cm_status copy_roots(struct cm_engine_settings *s, const struct cm_decide_config *c)
{
    size_t makers = 0;
    const struct cm_trust_root *known = cm_verify_roots(&makers);

    s->roots = calloc(makers + c->root_count + 1, sizeof(*s->roots));
    s->labels = calloc(c->root_count + 1, sizeof(*s->labels));
    if (s->roots == NULL || s->labels == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(s->roots, known, makers * sizeof(*known));
    for (size_t i = 0; i < c->root_count; i++) {
        struct cm_trust_root *r = &s->roots[makers + i];

        *r = c->roots[i];
        (void)snprintf(s->labels[i], sizeof(s->labels[i]), "%s", r->label == NULL ? "" : r->label);
        r->label = s->labels[i];
        /* a family is one of the makers' or "tpm": constants, that nobody has to keep alive */
        r->family = strcmp(r->family, "tpm") == 0 ? "tpm" : NULL;
        for (size_t k = 0; k < makers && r->family == NULL; k++) {
            r->family = strcmp(c->roots[i].family, known[k].family) == 0 ? known[k].family : NULL;
        }
        if (r->family == NULL) {
            return CM_ERR_PARAM;
        }
    }
    s->root_count = makers + c->root_count;
    return CM_OK;
}

enum cm_status cm_engine_configure(struct cm_engine *e, const struct cm_decide_config *config,
                                   struct cm_why *why)
{
    const unsigned may =
        CM_VERIFY_ALLOW_MASKED_ID | CM_VERIFY_ALLOW_MIGRATION | CM_VERIFY_ALLOW_SHA1;
    struct cm_engine_settings *s = NULL;
    struct cm_engine_settings *old = NULL;
    enum cm_status st = CM_OK;

    if ((config->flags & ~may) != 0) {
        cm_why_set(why, "a service accepts neither debug nor, by this, emulated evidence");
        return CM_ERR_PARAM;
    }
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    atomic_init(&s->refs, 1);
    s->config = *config;
    s->has_intel = config->intel != NULL;
    if (s->has_intel) {
        s->intel = *config->intel;
    }
    if (snprintf(s->kds_url, sizeof(s->kds_url), "%s",
                 config->kds_url == NULL ? "" : config->kds_url) >= (int)sizeof(s->kds_url) ||
        snprintf(s->kds_ca_file, sizeof(s->kds_ca_file), "%s",
                 config->kds_ca_file == NULL ? "" : config->kds_ca_file) >=
            (int)sizeof(s->kds_ca_file)) {
        cm_why_set(why, "the address of the key distribution service is too long");
        st = CM_ERR_PARAM;
        goto out;
    }
    if (s->kds_url[0] != '\0') {
        CM_TRY(cm_http_check_url(s->kds_url, why));
    }
    CM_TRY(copy_roots(s, config));
    s->config.roots = NULL; /* the caller's memory */
    s->config.intel = NULL;
    s->config.kds_url = NULL;
    s->config.kds_ca_file = NULL;
    (void)pthread_mutex_lock(&e->lock);
    old = e->settings;
    e->settings = s;
    (void)pthread_mutex_unlock(&e->lock);
    s = old;
    cm_seen_clear(e->seen);
    cm_keeper_retry(e->keeper);
out:
    cm_settings_drop(s);
    return st;
}

/* ---------------------------------------------------------------- decision */

const struct cm_decision_own *cm_decision_own(const struct cm_decision *d)
{
    return (const struct cm_decision_own *)d; /* its first member */
}

void cm_decision_free(struct cm_decision *d)
{
    struct cm_decision_own *own = (struct cm_decision_own *)d;

    if (d == NULL) {
        return;
    }
    cm_policy_outcome_free(d->outcome);
    cm_policy_claims_free(d->claims);
    cm_evidence_free(d->evidence);
    json_decref(d->collateral);
    free(d->token);
    if (own->rules != NULL && d->rule != NULL) {
        own->rules->release(d->rule);
    }
    free(own);
}

static bool trusted_kind(enum cm_material_kind kind)
{
    switch (kind) {
    case CM_MATERIAL_CERTS:
    case CM_MATERIAL_CRL:
    case CM_MATERIAL_SIGNATURE:
    case CM_MATERIAL_PCRS:
    case CM_MATERIAL_EVENT_LOG:
    case CM_MATERIAL_TPM_PUBLIC:
    case CM_MATERIAL_QUOTE:
    case CM_MATERIAL_REQUEST:
        return false;
    case CM_MATERIAL_KEY:
    case CM_MATERIAL_REFERENCE:
    case CM_MATERIAL_FIRMWARE:
        break;
    }
    return true; /* and whatever else there may be */
}

static void refuse(struct cm_decision *d, enum cm_status st, const char *stage)
{
    d->st = st;
    d->stage = stage;
}

/* Keys and reference values are the operator's to enrol: a client would vouch for himself. */
static bool refuse_materials(const struct cm_decide_job *job, struct cm_decision *d)
{
    for (size_t i = 0; i < job->material_count; i++) {
        if (trusted_kind(job->materials[i].kind)) {
            refuse(d, CM_ERR_DENIED, "evidence");
            cm_why_set(&d->why, "the client gave a key, reference values or firmware, which would "
                                "have to be trusted: only the operator enrols those");
            return true;
        }
    }
    return false;
}

/* The first required check that failed, in words. */
static void explain(struct cm_decision *d)
{
    const struct cm_check *c = NULL;

    for (size_t s = 0; d->evidence != NULL && s < cm_evidence_submods(d->evidence); s++) {
        for (size_t i = 0; (c = cm_evidence_check(d->evidence, s, i)) != NULL; i++) {
            if (c->required && c->result != CM_CHECK_PASS) {
                cm_why_set(&d->why, "%s: %s%s%s", c->name, cm_status_str(c->status),
                           c->detail[0] != '\0' ? ": " : "", c->detail);
                return;
            }
        }
    }
    cm_why_set(&d->why, "%s",
               d->evidence == NULL && d->st == CM_ERR_UNSUPPORTED
                   ? "this is no evidence of any kind that is known"
                   : cm_status_str(d->st));
}

/* Nothing is known about the evidence: no verdict, and no decision. */
static bool no_verdict(enum cm_status st)
{
    return st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO || st == CM_ERR_PARAM || st == CM_ERR_BUSY;
}

static void note_tee(struct cm_decision_own *own)
{
    const struct cm_claim *tee = NULL;

    own->tee = "unknown";
    if (own->d.evidence == NULL) {
        return;
    }
    tee = cm_evidence_find(own->d.evidence, 0, CM_CLAIM_TEE, 0);
    if (tee != NULL && tee->type == CM_CLAIM_TYPE_TEXT) {
        own->tee = tee->text;
    }
    for (size_t s = 0; s < cm_evidence_submods(own->d.evidence); s++) {
        own->d.emulated =
            own->d.emulated || cm_evidence_find(own->d.evidence, s, CM_CLAIM_EMULATED, 0) != NULL;
    }
}

/* What was refused or must be fetched first ends here; @return CM_OK: go on if out->st is CM_OK. */
static enum cm_status verify(struct cm_engine *e, const struct cm_decide_job *job,
                             const struct cm_engine_ask *ask, struct cm_decision_own *own)
{
    struct cm_engine_settings *settings = cm_engine_settings(e);
    struct cm_floor_set *floors = cm_floors_hold(e->floors);
    struct cm_verify_input in = {
        .now = ask->now,
        .roots = settings->roots,
        .root_count = settings->root_count,
        .floors = floors->floor,
        .floor_count = floors->count,
        .report_data = job->report_data,
        /* policies query what a boot log proves; without a log it costs nothing */
        .flags = settings->config.flags | CM_VERIFY_EVENTS |
                 (ask->accept_emulated ? CM_VERIFY_ALLOW_EMULATED : 0),
    };
    struct cm_gather g = {.keeper = e->keeper,
                          .seen = e->seen,
                          .settings = settings,
                          .enrolled = cm_engine_enrolled(e),
                          .ask = ask,
                          .in = &in,
                          .client = job->client,
                          .natural = job->natural,
                          .activated = job->activated,
                          .job = {.evidence = job->evidence,
                                  .format = job->format,
                                  .materials = job->materials,
                                  .material_count = job->material_count,
                                  .accept_tcb = settings->config.accept_tcb,
                                  .dcap_cache = e->platforms,
                                  .cert_cache = e->certs,
                                  .in = &in}};
    bool rose = false;
    enum cm_status st = CM_OK;

    st = cm_gather_verify(&g, &own->d);
    own->format = g.job.format;
    own->natural = g.natural != NULL ? g.natural : cm_gather_type(g.job.format, g.quote);
    cm_gather_end(&g);
    cm_floors_drop(floors);
    cm_settings_drop(settings);
    if (st == CM_ERR_BUSY) {
        own->d.why = g.missing;
    }
    if (no_verdict(st)) {
        return st;
    }
    if (own->d.evidence != NULL && st == CM_OK) {
        st = cm_floors_raise(e->floors, own->d.evidence, &rose);
        if (st == CM_ERR_NOMEM) {
            return st;
        }
    }
    own->d.st = st;
    if (st != CM_OK) {
        own->d.stage = "evidence";
        explain(&own->d);
    }
    return CM_OK;
}

/* A policy of one TEE must not judge the evidence of another: its claims would mean something else. Nor does the key
 * broker's for resources judge any: the broker asks that one itself, about tokens (kbs_resource.c). */
static bool type_fits(const char *type, const char *natural)
{
    if (strcmp(type, "OpenEnclave") == 0) {
        return strcmp(natural, "SgxEnclave") == 0;
    }
    return strcmp(type, natural) == 0;
}

static enum cm_status choose_rule(struct cm_engine *e, const struct cm_decide_job *job,
                                  struct cm_decision_own *own, const char *natural)
{
    struct cm_decision *d = &own->d;
    const char *type = job->policy_type != NULL ? cm_rules_type(job->policy_type) : natural;
    enum cm_status st = CM_OK;

    if (type == NULL || natural == NULL || !type_fits(type, natural)) {
        refuse(d, CM_ERR_MISMATCH, "evidence");
        cm_why_set(&d->why, "evidence of \"%s\" is not what a policy of the type %s judges",
                   own->tee, type == NULL ? "asked for" : type);
        return CM_OK;
    }
    d->policy_type = type;
    if (job->draft != NULL) {
        d->rule = job->draft;
        return CM_OK;
    }
    st = e->ops.rules.active(e->ops.rules.arg, type, &d->rule);
    own->rules = &e->ops.rules;
    if (st == CM_ERR_NOTFOUND) {
        d->rule = NULL;
        st = CM_OK;
    }
    return st;
}

static enum cm_status judge(struct cm_engine *e, const struct cm_decide_job *job,
                            const struct cm_engine_ask *ask, struct cm_decision_own *own)
{
    const unsigned flags = ask->accept_emulated ? CM_POLICY_ALLOW_EMULATED : 0;
    struct cm_decision *d = &own->d;
    enum cm_status st = CM_OK;

    CM_TRY(choose_rule(e, job, own, own->natural));
    if (d->st != CM_OK) {
        goto out;
    }
    CM_TRY(cm_policy_claims_evidence(d->evidence, &d->claims));
    CM_TRY(cm_decide_add_proven(job, d));
    if (d->st != CM_OK) {
        goto out;
    }
    if (d->rule == NULL) {
        refuse(d, CM_ERR_POLICY, "policy");
        cm_why_set(&d->why, "there is no policy of the type %s", d->policy_type);
        goto out;
    }
    d->st = cm_policy_evaluate(d->rule->policy, d->claims, flags, &d->outcome);
    if (d->st == CM_ERR_NOMEM) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    cm_why_set(&d->why, "%s",
               d->outcome != NULL ? cm_policy_outcome_reason(d->outcome) : cm_status_str(d->st));
    d->stage = d->st == CM_OK ? "" : "policy";
out:
    return st;
}

/* Verification, and if that is passed the policy. */
static enum cm_status decide(struct cm_engine *e, const struct cm_decide_job *job,
                             const struct cm_engine_ask *ask, struct cm_decision_own *own)
{
    enum cm_status st = verify(e, job, ask, own);

    if (st == CM_OK) {
        note_tee(own);
        st = own->d.st == CM_OK ? judge(e, job, ask, own) : CM_OK;
    }
    return st;
}

enum cm_status cm_engine_decide(struct cm_engine *e, const struct cm_decide_job *job,
                                const struct cm_engine_ask *ask, struct cm_decision **out,
                                struct cm_why *why)
{
    struct cm_decision_own *own = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    own = calloc(1, sizeof(*own));
    if (own == NULL) {
        return CM_ERR_NOMEM;
    }
    own->tee = "unknown";
    own->d.stage = "";
    own->d.policy_type = job->policy_type == NULL ? NULL : cm_rules_type(job->policy_type);
    own->d.time = ask->now;
    CM_TRY(cm_decision_id(own->d.id));
    if (!refuse_materials(job, &own->d)) {
        CM_TRY(decide(e, job, ask, own));
    }
    *out = &own->d;
    own = NULL;
out:
    if (st != CM_OK && own != NULL) {
        cm_why_set(why, "%s", own->d.why.text[0] != '\0' ? own->d.why.text : cm_status_str(st));
    }
    cm_decision_free(own == NULL ? NULL : &own->d);
    return st;
}
