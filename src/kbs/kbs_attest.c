/*
 * POST attest: a challenge's answer is verified, decided and recorded, and only then its guest gets a token;
 * see kbs_private.h. Untrusted: the whole body, and the cookie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "identity/identity.h"
#include "kbs/kbs_private.h"

#define MAX_PARTS (1 + CM_KBS_MAX_DEVICES)

struct attest {
    struct cm_call *call;
    struct cm_kbs *kbs;
    struct cm_kbs_session session;
    char nonce[CM_KBS_NONCE_CAP];
    char row[65];
    struct cm_kbs_attestation body;
    uint8_t bound[CM_HASH_MAX_SIZE];        /* of the first evidence; zeros behind it */
    uint8_t bound_device[CM_HASH_MAX_SIZE]; /* of devices */
    struct cm_kbs_evidence evidence[MAX_PARTS];
    struct cm_decide_job jobs[MAX_PARTS];
    struct cm_decision *decisions[MAX_PARTS]; /* the writer's, once they are recorded */
    struct cm_kbs_part parts[MAX_PARTS];
    size_t count;
    size_t recorded;
    char *token;
    uint64_t expires;
    struct cm_change change;
    enum cm_status st; /* not CM_OK: refused, or failed */
    bool failed;       /* not the guest's fault */
    bool unavailable;  /* refused for collateral that cannot be had now */
    struct cm_why why;
};

static void free_attest(struct attest *a)
{
    for (size_t i = a->recorded; i < a->count; i++) {
        cm_decision_free(a->decisions[i]);
    }
    for (size_t i = 0; i < MAX_PARTS; i++) {
        cm_kbs_evidence_free(&a->evidence[i]);
    }
    cm_kbs_attestation_free(&a->body);
    free(a->token);
    free(a);
}

/* ------------------------------------------------------------------- decisions */

static struct cm_span wanted(const struct attest *a, const struct cm_kbs_tee *tee)
{
    const uint8_t *bound = tee->device ? a->bound_device : a->bound;

    return cm_span_make(bound, tee->bound != 0 ? tee->bound : cm_hash_size(a->session.hash));
}

/* What is genuine and permitted is refused all the same: the record says so, too. */
static void refuse_decision(const struct attest *a, struct cm_decision *d, enum cm_status st)
{
    d->st = st;
    d->stage = "evidence";
    d->why = a->why;
}

/* One format is of several TEEs (a quote of SGX or TDX): it must be the one that the session was begun with. */
static enum cm_status check_kind(struct attest *a, const struct cm_decision *d,
                                 const struct cm_kbs_tee *tee)
{
    const struct cm_claim *c = cm_evidence_find(d->evidence, 0, CM_CLAIM_TEE, 0);

    if (tee->claim == NULL ||
        (c != NULL && c->type == CM_CLAIM_TYPE_TEXT && strcmp(c->text, tee->claim) == 0)) {
        return CM_OK;
    }
    cm_why_set(&a->why, "the evidence is of another TEE than %s", tee->name);
    return CM_ERR_MISMATCH;
}

static enum cm_status decide_one(struct attest *a, const struct cm_kbs_tee *tee,
                                 struct cm_json_value v)
{
    size_t i = a->count;
    struct cm_kbs_evidence *e = &a->evidence[i];
    enum cm_status st = CM_OK;

    CM_TRY(cm_kbs_evidence_read(tee, v, e, &a->why));
    a->jobs[i] = (struct cm_decide_job){.api = "kbs",
                                        .evidence = e->evidence,
                                        .format = tee->format,
                                        .materials = e->materials,
                                        .material_count = e->material_count,
                                        .report_data = wanted(a, tee),
                                        .client = cm_web_peer(a->call->req)};
    CM_TRY(cm_decide(a->kbs->service, &a->jobs[i], true, &a->decisions[i], &a->why));
    a->parts[i] = (struct cm_kbs_part){tee, a->decisions[i]};
    a->count++;
    st = a->decisions[i]->st;
    if (st != CM_OK) {
        a->unavailable = a->unavailable || a->decisions[i]->unavailable;
        cm_why_set(&a->why, "%s", a->decisions[i]->why.text);
        goto out;
    }
    st = check_kind(a, a->decisions[i], tee);
out:
    return st;
}

/* TEE and evidence of a member of additional_evidence; some versions put a class before the evidence. */
static enum cm_status decide_device(struct attest *a, struct cm_json_value name,
                                    struct cm_json_value v)
{
    const struct cm_kbs_tee *tee = NULL;
    char text[32] = "";

    if (cm_json_string(name, text, sizeof(text), NULL) == CM_OK) {
        tee = cm_kbs_tee(text);
    }
    if (tee == NULL || !tee->device) {
        cm_why_set(&a->why, "additional evidence of \"%s\" %s", text,
                   strncmp(text, "sample", 6) == 0 ? cm_kbs_tee_refusal(text)
                                                   : "is not taken here: nvidia's is");
        return CM_ERR_UNSUPPORTED;
    }
    if (cm_json_is(v, CM_JSON_ARRAY) && cm_json_count(v) == 2) {
        v = cm_json_next(cm_json_first(v));
    }
    return decide_one(a, tee, v);
}

static enum cm_status decide_all(struct attest *a)
{
    struct cm_json_value devices = cm_json_root(&a->body.devices.doc);
    enum cm_status st = CM_OK;

    CM_TRY(decide_one(a, a->session.tee, a->body.primary));
    if (a->body.devices.nodes == NULL) {
        return CM_OK;
    }
    if (cm_json_count(devices) > CM_KBS_MAX_DEVICES) {
        cm_why_set(&a->why, "more than %u additional devices", CM_KBS_MAX_DEVICES);
        return CM_ERR_LIMIT;
    }
    for (struct cm_json_value at = cm_json_first(devices); at.doc != NULL;) {
        struct cm_json_value v = cm_json_next(at);

        CM_TRY(decide_device(a, at, v));
        at = cm_json_next(v);
    }
out:
    return st;
}

/* What is genuine and permitted is still refused with init-data that it does not hold. */
static enum cm_status check_init_data(struct attest *a, json_t **digest)
{
    *digest = NULL;
    if (a->body.init_data.doc == NULL || cm_json_is(a->body.init_data, CM_JSON_NULL)) {
        return CM_OK;
    }
    return cm_kbs_init_data(a->body.init_data, a->session.tee, a->decisions[0]->evidence, digest,
                            &a->why);
}

/* ----------------------------------------------------------------------- token */

static enum cm_status sign(struct attest *a, json_t *init)
{
    const struct cm_token_form form = {.type = "JWT", .x5c = true};
    struct cm_span key = cm_json_bytes(a->body.pubkey);
    json_t *runtime =
        json_pack("{s:s, s:o}", "nonce", a->nonce, "tee-pubkey",
                  json_loadb((const char *)key.ptr, key.len, JSON_REJECT_DUPLICATES, NULL));
    json_t *claims = NULL;
    char *text = NULL;
    enum cm_status st = runtime == NULL ? CM_ERR_NOMEM : CM_OK;

    CM_TRY(st);
    CM_TRY(cm_kbs_token_claims(a->kbs, a->parts, a->count, runtime, init, &claims));
    text = cm_call_text(claims);
    if (text == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    a->expires = (uint64_t)json_integer_value(json_object_get(claims, "exp"));
    st = cm_identity_sign(a->kbs->service, CM_SIGNER_RESULT, &form,
                          cm_span_make(text, strlen(text)), &a->token, &a->why);
    if (st == CM_OK) { /* for the record whose id is the token's jti */
        a->decisions[0]->token = text;
        text = NULL;
    }
out:
    free(text);
    json_decref(claims);
    json_decref(runtime);
    return st;
}

/* -------------------------------------------------------------- records, answer */

static void answer(struct attest *a)
{
    struct cm_call *call = a->call;
    bool good = !a->failed && a->st == CM_OK;

    atomic_fetch_add(&a->kbs->counts[good ? CM_KBS_ATTESTED : CM_KBS_REFUSED], 1);
    if (a->failed || a->unavailable) {
        cm_call_fail_status(call, a->failed ? a->st : CM_ERR_BUSY, &a->why);
    } else if (a->st != CM_OK) {
        cm_call_fail(call, 401, "AttestationError", "%s", a->why.text);
    } else {
        cm_kbs_set_cookie(call, &a->session);
        cm_call_answer_json(call, 200, json_pack("{s:s}", "token", a->token));
    }
    free_attest(a);
}

static enum cm_status insert_session(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct attest *a = arg;
    const struct cm_db_value v[] = {cm_db_text(a->row), cm_db_text(a->token),
                                    cm_db_int((int64_t)a->expires)};

    return cm_db_run(db,
                     "INSERT INTO kbs_session (id, token, expires) VALUES (?, ?, ?)"
                     " ON CONFLICT (id) DO NOTHING",
                     cm_db_with(v, 3), cm_db_nowhere(), why);
}

static void failed(struct attest *a, enum cm_status st, const struct cm_why *why)
{
    a->st = st;
    a->failed = true;
    if (why != NULL) {
        a->why = *why;
    }
    answer(a);
}

static void on_stored(void *arg, enum cm_status st, const struct cm_why *why)
{
    if (st != CM_OK) {
        failed(arg, st, why);
    } else {
        answer(arg);
    }
}

static void record_next(struct attest *a);

/* On the writer's thread. */
static void on_recorded(void *arg, enum cm_status st, const struct cm_why *why)
{
    if (st != CM_OK) {
        failed(arg, st, why);
    } else {
        record_next(arg);
    }
}

/* One decision after the other; behind the last the session, unless the guest was refused. */
static void record_next(struct attest *a)
{
    size_t i = a->recorded;

    if (i < a->count) {
        a->recorded++;
        cm_decision_record(a->kbs->service, a->decisions[i], &a->jobs[i], on_recorded, a);
    } else if (a->st != CM_OK || a->failed) {
        answer(a);
    } else {
        a->change = (struct cm_change){.run = insert_session, .done = on_stored, .arg = a};
        cm_service_write_later(a->kbs->service, &a->change);
    }
}

/* --------------------------------------------------------------------- the body */

/* The challenge that was answered is the one of this session, and the key is one to encrypt to. */
static enum cm_status check_body(struct attest *a)
{
    char given[CM_KBS_NONCE_CAP] = "";
    enum cm_status st = CM_OK;

    CM_TRY(cm_kbs_attestation_read(cm_web_body(a->call->req), a->session.minor, &a->body, &a->why));
    CM_TRY(cm_kbs_session_nonce(a->kbs, &a->session, a->nonce));
    if (a->body.nonce.doc != NULL &&
        (cm_json_string(a->body.nonce, given, sizeof(given), NULL) != CM_OK ||
         !cm_ct_equal(given, a->nonce, sizeof(given)))) {
        cm_why_set(&a->why, "runtime-data has another nonce than this session's challenge");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(cm_kbs_check_key(a->body.pubkey, &a->why));
    CM_TRY(cm_kbs_binding(&a->body, a->nonce, a->session.hash, true, a->bound, &a->why));
    st = cm_kbs_binding(&a->body, a->nonce, a->session.hash, false, a->bound_device, &a->why);
out:
    return st;
}

/* A session that is attested gets its token again: for the same key only. @return it was answered */
static bool answer_again(struct attest *a)
{
    struct cm_span key = cm_json_bytes(a->body.pubkey);
    struct cm_why why = {""};
    json_t *claims = NULL;
    json_t *asked = NULL;
    bool known = cm_kbs_session_token(a->call->db, a->row, a->call->now, &a->token, &why) == CM_OK;

    if (!known) {
        return false;
    }
    asked = json_loadb((const char *)key.ptr, key.len, JSON_REJECT_DUPLICATES, NULL);
    if (cm_identity_verify(a->kbs->service, CM_SIGNER_RESULT,
                           cm_span_make(a->token, strlen(a->token)), &claims, &why) != CM_OK ||
        !json_equal(asked, cm_kbs_token_key(claims))) {
        a->st = CM_ERR_MISMATCH;
        cm_why_set(&a->why, "this session was attested with another key: begin anew");
    }
    json_decref(asked);
    json_decref(claims);
    answer(a);
    return true;
}

/* A guest gets a token for all of its evidence or none: no record says of a part that it was permitted. */
static void refuse_all(struct attest *a)
{
    for (size_t i = 0; i < a->count; i++) {
        if (a->decisions[i]->st == CM_OK) {
            refuse_decision(a, a->decisions[i], a->st);
        }
    }
}

static void run(struct attest *a)
{
    json_t *init = NULL;

    a->st = decide_all(a);
    if (a->st == CM_OK) {
        a->st = check_init_data(a, &init);
    }
    if (a->st != CM_OK) {
        refuse_all(a);
    } else {
        a->st = sign(a, init);
        a->failed = a->st != CM_OK;
    }
    json_decref(init);
    if (a->st == CM_ERR_NOMEM || a->st == CM_ERR_BUSY) {
        a->failed = true;
    }
    cm_call_keep(a->call);
    record_next(a);
}

void cm_kbs_serve_attest(struct cm_call *call, void *state)
{
    struct attest *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        cm_call_fail_status(call, CM_ERR_NOMEM, NULL);
        return;
    }
    a->call = call;
    a->kbs = state;
    if (!cm_kbs_session_from(cm_web_header(call->req, "Cookie"), &a->session)) {
        a->st = CM_ERR_NOTFOUND;
        cm_why_set(&a->why,
                   "no cookie " CM_KBS_COOKIE " of this service: ask for a challenge first");
        answer(a);
        return;
    }
    if (call->now >= a->session.expires) {
        a->st = CM_ERR_EXPIRED;
        cm_why_set(&a->why, "the challenge has expired: ask for another one");
        answer(a);
        return;
    }
    a->st = check_body(a);
    if (a->st == CM_OK) {
        a->st = cm_kbs_session_row(&a->session, a->row);
    }
    if (a->st != CM_OK) {
        answer(a);
    } else if (!answer_again(a)) {
        run(a);
    }
}
