/*
 * What is in force, in memory; see rules.h. It is a copy of the store's, read at the start and whenever
 * the topic changes. While a change is known but could not be read nothing is in force: an older policy
 * may permit what the newer one was set to refuse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "evidence/certs.h"
#include "rules/rules_private.h"

/* What is read before it takes the place of what was there. */
struct fresh {
    const struct cm_rule_version *active[CM_RULES_TYPES];
    struct cm_rules_mode mode;
    json_t *certificates;
    enum cm_status st;
};

static void fresh_free(struct fresh *f)
{
    for (size_t i = 0; i < CM_RULES_TYPES; i++) {
        cm_rules_release(f->active[i]);
    }
    json_decref(f->certificates);
}

/* type, version, text, jws, signer */
static bool read_active(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct fresh *f = arg;
    int index = count == 5 ? cm_rules_index((const char *)columns[0].bytes.ptr) : -1;

    if (index < 0 || columns[2].bytes.len == 0) { /* the mode, or a return to the default */
        return true;
    }
    const struct cm_rule_parts parts = {
        cm_rules_type_at((size_t)index), columns[1].number, columns[2].bytes,
        (const char *)columns[3].bytes.ptr,
        columns[4].type == CM_DB_NULL ? NULL : (const char *)columns[4].bytes.ptr};

    f->st = cm_rule_make(&parts, &f->active[index], NULL);
    return f->st == CM_OK;
}

static enum cm_status fill_defaults(struct fresh *f)
{
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < CM_RULES_TYPES && st == CM_OK; i++) {
        if (f->active[i] == NULL) {
            const char *type = cm_rules_type_at(i);
            const char *text = cm_rules_default(type);
            const struct cm_rule_parts parts = {type, 0, cm_span_make(text, strlen(text)), NULL,
                                                NULL};

            st = cm_rule_make(&parts, &f->active[i], NULL);
        }
    }
    return st;
}

static enum cm_status certificates_json(const struct cm_rules_signers *signers, json_t **out)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < signers->count; i++) {
        json_t *jwk = cm_rules_cert_jwk(signers->certs[i]);

        if (jwk == NULL || json_array_append_new(list, jwk) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    *out = list == NULL ? NULL : json_pack("{s:o}", "keys", list);
    return *out == NULL ? CM_ERR_NOMEM : CM_OK;
}

static enum cm_status read_all(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct fresh *f = arg;
    struct cm_rules_signers signers = {NULL, {NULL}, 0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "SELECT type, version, text, jws, signer FROM policy WHERE state = 'active'",
                     cm_db_none(), cm_db_into(read_active, f), why));
    CM_TRY(f->st);
    CM_TRY(fill_defaults(f));
    CM_TRY(cm_rules_mode_read(db, &f->mode, why));
    CM_TRY(cm_rules_signers_read(db, &signers, why));
    st = certificates_json(&signers, &f->certificates);
out:
    cm_rules_signers_free(&signers);
    return st;
}

static enum cm_status refresh(struct cm_rules *r, struct cm_why *why)
{
    struct fresh f = {.st = CM_OK};
    enum cm_status st = cm_service_read(r->service, read_all, &f, why);

    (void)pthread_mutex_lock(&r->lock);
    r->stale = st != CM_OK;
    if (st == CM_OK) {
        for (size_t i = 0; i < CM_RULES_TYPES; i++) {
            const struct cm_rule_version *old = r->active[i];

            r->active[i] = f.active[i];
            f.active[i] = old;
        }
        json_t *certificates = r->certificates;

        r->certificates = f.certificates;
        f.certificates = certificates;
        r->mode = f.mode;
    }
    (void)pthread_mutex_unlock(&r->lock);
    fresh_free(&f);
    return st;
}

struct cm_rules *cm_rules_of(struct cm_service *s)
{
    return cm_service_module(s, "rules");
}

enum cm_status cm_rules_active(struct cm_service *s, const char *type,
                               const struct cm_rule_version **out)
{
    struct cm_rules *r = cm_rules_of(s);
    int index = cm_rules_index(type);
    enum cm_status st = CM_OK;

    *out = NULL;
    if (r == NULL || index < 0) {
        return CM_ERR_NOTFOUND;
    }
    (void)pthread_mutex_lock(&r->lock);
    if (r->stale) {
        st = CM_ERR_BUSY;
    } else {
        *out = cm_rule_hold(r->active[index]);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return st;
}

void cm_rules_mode(struct cm_service *s, struct cm_rules_mode *out)
{
    struct cm_rules *r = cm_rules_of(s);

    *out = (struct cm_rules_mode){true, true};
    if (r != NULL) {
        (void)pthread_mutex_lock(&r->lock);
        *out = r->mode;
        (void)pthread_mutex_unlock(&r->lock);
    }
}

json_t *cm_rules_certificates(struct cm_service *s)
{
    struct cm_rules *r = cm_rules_of(s);
    json_t *out = NULL;

    if (r != NULL) {
        (void)pthread_mutex_lock(&r->lock);
        out = json_deep_copy(r->certificates);
        (void)pthread_mutex_unlock(&r->lock);
    }
    return out;
}

/* -------------------------------------------------------------------- module */

static void rules_stop(void *state)
{
    struct cm_rules *r = state;

    if (r == NULL) {
        return;
    }
    for (size_t i = 0; i < CM_RULES_TYPES; i++) {
        cm_rules_release(r->active[i]);
    }
    json_decref(r->certificates);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

static enum cm_status rules_start(struct cm_service *s, void **state, struct cm_why *why)
{
    struct cm_rules *r = calloc(1, sizeof(*r));
    enum cm_status st = CM_OK;

    if (r == NULL) {
        return CM_ERR_NOMEM;
    }
    r->service = s;
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return CM_ERR_NOMEM;
    }
    st = refresh(r, why);
    if (st != CM_OK) {
        rules_stop(r);
        return st;
    }
    *state = r;
    return CM_OK;
}

static void refresh_or_say(struct cm_rules *r)
{
    struct cm_why why = {""};

    if (refresh(r, &why) != CM_OK) {
        const char *fields[] = {"reason", why.text};

        cm_service_log(r->service, CM_LOG_ERROR, "policies cannot be read", fields, 1);
    }
}

static void rules_changed(void *state, const char *topic)
{
    if (strcmp(topic, CM_RULES_TOPIC) == 0 || strcmp(topic, "*") == 0) {
        refresh_or_say(state);
    }
}

static bool is_stale(struct cm_rules *r)
{
    bool stale = false;

    (void)pthread_mutex_lock(&r->lock);
    stale = r->stale;
    (void)pthread_mutex_unlock(&r->lock);
    return stale;
}

static void rules_tick(void *state, uint64_t now)
{
    (void)now;
    if (is_stale(state)) {
        refresh_or_say(state);
    }
}

static bool rules_ready(void *state, struct cm_why *why)
{
    if (is_stale(state)) {
        cm_why_set(why, "policies have changed and could not be read");
        return false;
    }
    return true;
}

static void rules_metrics(void *state, FILE *out)
{
    struct cm_rules *r = state;

    (void)fprintf(out, "# HELP casemate_policy_version What is in force; 0: the default.\n"
                       "# TYPE casemate_policy_version gauge\n");
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < CM_RULES_TYPES; i++) {
        (void)fprintf(out, "casemate_policy_version{type=\"%s\"} %lld\n", r->active[i]->type,
                      (long long)r->active[i]->version);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

const struct cm_module cm_rules_module = {
    .name = "rules",
    .start = rules_start,
    .stop = rules_stop,
    .changed = rules_changed,
    .tick = rules_tick,
    .metrics = rules_metrics,
    .ready = rules_ready,
};
