/*
 * Setting policies; see rules.h. Everything that decides whether a change may be (mode, registered
 * certificates, the version's state) is read in the transaction that makes it, behind a row that every
 * change writes first: so no two instances decide on different grounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "policy/policy_token.h"
#include "rules/rules_private.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define COMMENT_MAX 1000

/* A change on its way into the store. Borrowed but for row, whose texts are owned. */
struct change {
    struct cm_call *call;
    const char *type; /* canonical, or CM_RULES_MODE */
    struct cm_rules_row row;
    int64_t version; /* to be approved or restored */
    int64_t base;    /* what must be in force; CM_RULES_ANY_BASE: no matter */
    bool approve;
    bool waits; /* what became of it */
    bool is_signed;
};

static void change_free(struct change *c)
{
    cm_rules_row_free(&c->row);
}

static void say(struct cm_policy_error *error, const struct cm_why *why)
{
    if (error != NULL && error->text[0] == '\0') {
        (void)snprintf(error->text, sizeof(error->text), "%.*s", (int)sizeof(error->text) - 1,
                       why->text);
    }
}

/* A signature says nothing of the type, unless its signer did. */
enum cm_status cm_rules_token_fits(const struct cm_policy_token *token, const char *type,
                                   struct cm_why *why)
{
    if (token->type.ptr != NULL &&
        (token->type.len != strlen(type) ||
         strncasecmp((const char *)token->type.ptr, type, token->type.len) != 0)) {
        cm_why_set(why, "the policy was signed for another type than %s", type);
        return CM_ERR_DENIED;
    }
    return CM_OK;
}

struct upload {
    const char *jws;
    bool is_signed;
    uint64_t now;
};

/* Where signatures are demanded: none, or one of somebody unknown, is refused. A signature that is there
 * must verify in any mode, and names the signer. */
static enum cm_status judge_signature(struct cm_db *db, const struct cm_rules_mode *mode,
                                      const struct upload *up, char **signer_jwk,
                                      struct cm_why *why)
{
    struct cm_rules_signers signers = {NULL, {NULL}, 0};
    struct cm_rules_signature signature = {false, NULL};
    enum cm_status st = CM_OK;

    if (!up->is_signed) {
        if (mode->signed_only) {
            cm_why_set(why, "policies must be signed under a registered certificate here");
            return CM_ERR_DENIED;
        }
        return CM_OK;
    }
    CM_TRY(cm_rules_signers_read(db, &signers, why));
    CM_TRY(cm_rules_signature_verify(cm_span_make(up->jws, strlen(up->jws)), &signers, up->now,
                                     &signature, why));
    if (mode->signed_only && !signature.registered) {
        cm_why_set(why, "the policy is signed, but not under a registered certificate");
        st = CM_ERR_DENIED;
        goto out;
    }
    if (signer_jwk != NULL) {
        free(*signer_jwk);
        *signer_jwk = signature.signer_jwk;
        signature.signer_jwk = NULL;
    }
out:
    free(signature.signer_jwk);
    cm_rules_signers_free(&signers);
    return st;
}

/* Behind the guard: nobody else sets a policy between this and what is written. */
static enum cm_status check_base(struct cm_db *db, const struct change *c, struct cm_why *why)
{
    int64_t now = 0;
    enum cm_status st = CM_OK;

    if (c->base == CM_RULES_ANY_BASE) {
        return CM_OK;
    }
    CM_TRY(cm_rules_row_in_force(db, c->type, &now, why));
    if (now != c->base) {
        cm_why_set(why, "version %lld is in force meanwhile: look at it first", (long long)now);
        st = CM_ERR_STATE;
    }
out:
    return st;
}

static enum cm_status insert(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct change *c = arg;
    const struct upload up = {c->row.jws, c->is_signed, c->call->now};
    struct cm_rules_mode mode = {true, true};
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_guard(db, why));
    CM_TRY(check_base(db, c, why));
    CM_TRY(cm_rules_mode_read(db, &mode, why));
    CM_TRY(judge_signature(db, &mode, &up, &c->row.signer, why));
    c->waits = mode.two_people;
    CM_TRY(cm_rules_row_add(db, c->type, &c->row, c->waits, why));
    st = cm_service_touch(c->call->service, db, CM_RULES_TOPIC, why);
out:
    return st;
}

static enum cm_status known_person(const struct cm_call *call, struct cm_why *why)
{
    if (call->who.name[0] == '\0') {
        cm_why_set(why, "policies are not changed by nobody");
        return CM_ERR_DENIED;
    }
    return CM_OK;
}

static enum cm_status known_type(const char *name, const char **type, struct cm_why *why)
{
    *type = cm_rules_type(name);
    if (*type == NULL) {
        cm_why_set(why, "there is no such type of policy");
        return CM_ERR_NOTFOUND;
    }
    return CM_OK;
}

/* What every new version has; its text was parsed before. */
static enum cm_status fill_row(struct change *c, struct cm_span text, struct cm_span jws,
                               const char *comment)
{
    struct cm_rules_row *row = &c->row;
    const char *hashed = text.len == 0 ? cm_rules_default(c->type) : (const char *)text.ptr;

    row->text = text.len == 0 ? strdup("") : strndup((const char *)text.ptr, text.len);
    row->jws = jws.len == 0 ? cm_rules_unsigned(text) : strndup((const char *)jws.ptr, jws.len);
    row->comment = strndup(comment == NULL ? "" : comment, COMMENT_MAX);
    row->time = (int64_t)c->call->now;
    (void)snprintf(row->author, sizeof(row->author), "%s", c->call->who.name);
    if (row->text == NULL || row->jws == NULL || row->comment == NULL) {
        return CM_ERR_NOMEM;
    }
    return cm_policy_hash(cm_span_make(hashed, text.len == 0 ? strlen(hashed) : text.len),
                          row->hash);
}

/* Write, with the audit record. What became of it is this change's own: another author may be at it. */
static enum cm_status commit(struct change *c, const char *action,
                             enum cm_status (*run)(struct cm_db *db, void *arg, struct cm_why *why),
                             enum cm_rules_outcome *outcome, int64_t *version, struct cm_why *why)
{
    char detail[160] = "";
    enum cm_status st = CM_OK;

    if (c->version != 0) {
        (void)snprintf(detail, sizeof(detail), "{\"version\":%lld}", (long long)c->version);
    } else {
        (void)snprintf(detail, sizeof(detail), "{\"hash\":\"%s\",\"signed\":%s}", c->row.hash,
                       c->is_signed ? "true" : "false");
    }
    st = cm_call_write(c->call, run, c, action, c->type, detail, why);
    if (st == CM_OK && outcome != NULL) {
        *outcome = c->waits ? CM_RULES_WAITING : CM_RULES_ACTIVE;
    }
    if (st == CM_OK && version != NULL) {
        *version = c->waits || c->row.text[0] != '\0' ? c->row.version : 0;
    }
    return st;
}

static enum cm_status check_text(const char *type, struct cm_span text,
                                 struct cm_policy_error *error)
{
    const struct cm_rule_version *parsed = NULL;
    enum cm_status st = cm_rules_draft_text(type, text, &parsed, error);

    cm_rules_release(parsed);
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the interface's */
enum cm_status cm_rules_set(struct cm_call *call, const char *type, int64_t base,
                            struct cm_span jws, enum cm_rules_outcome *outcome, int64_t *version,
                            struct cm_policy_error *error, struct cm_why *why)
{
    struct cm_policy_token token = {{NULL, 0}, {NULL, 0}, false, NULL};
    struct change c = {.call = call, .base = base};
    struct cm_why own = {""};
    struct cm_policy_error fault = {0, 0, ""};
    enum cm_status st = CM_OK;

    why = why == NULL ? &own : why;
    error = error == NULL ? &fault : error;
    memset(error, 0, sizeof(*error));
    CM_TRY(known_person(call, why));
    CM_TRY(known_type(type, &c.type, why));
    CM_TRY(cm_policy_token_open(jws, &token, why));
    CM_TRY(cm_rules_token_fits(&token, c.type, why));
    if (token.text.len == 0) {
        cm_why_set(why, "the token holds no policy");
        st = CM_ERR_SYNTAX;
        goto out;
    }
    CM_TRY(check_text(c.type, token.text, error));
    c.is_signed = token.is_signed;
    CM_TRY(fill_row(&c, token.text, jws, NULL));
    st = commit(&c, "policy.set", insert, outcome, version, why);
out:
    if (st != CM_OK) {
        say(error, why);
        cm_why_set(why, "%s", error->text);
    }
    cm_policy_token_free(&token);
    change_free(&c);
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the interface's */
enum cm_status cm_rules_set_text(struct cm_call *call, const char *type, int64_t base,
                                 struct cm_span text, const char *comment,
                                 enum cm_rules_outcome *outcome, int64_t *version,
                                 struct cm_policy_error *error, struct cm_why *why)
{
    struct change c = {.call = call, .base = base};
    struct cm_policy_error fault = {0, 0, ""};
    enum cm_status st = CM_OK;

    error = error == NULL ? &fault : error;
    memset(error, 0, sizeof(*error));
    CM_TRY(known_person(call, why));
    CM_TRY(known_type(type, &c.type, why));
    CM_TRY(check_text(c.type, text, error));
    CM_TRY(fill_row(&c, text, cm_span_make(NULL, 0), comment));
    st = commit(&c, "policy.set", insert, outcome, version, why);
out:
    if (st != CM_OK) {
        cm_why_set(why, "%s", error->text);
    }
    change_free(&c);
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the interface's */
enum cm_status cm_rules_reset(struct cm_call *call, const char *type, int64_t base,
                              struct cm_span jws, const char *comment,
                              enum cm_rules_outcome *outcome, int64_t *version, struct cm_why *why)
{
    struct cm_policy_token token = {{NULL, 0}, {NULL, 0}, false, NULL};
    struct change c = {.call = call, .base = base};
    enum cm_status st = CM_OK;

    CM_TRY(known_person(call, why));
    CM_TRY(known_type(type, &c.type, why));
    if (jws.len != 0) {
        CM_TRY(cm_policy_token_open(jws, &token, why));
        CM_TRY(cm_rules_token_fits(&token, c.type, why));
    }
    if (token.text.len != 0) { /* signed to be set, not to be taken away */
        cm_why_set(why, "a token that resets a policy holds none");
        st = CM_ERR_SYNTAX;
        goto out;
    }
    c.is_signed = token.is_signed;
    CM_TRY(fill_row(&c, cm_span_make(NULL, 0), jws, comment));
    st = commit(&c, "policy.reset", insert, outcome, version, why);
out:
    cm_policy_token_free(&token);
    change_free(&c);
    return st;
}

/* ----------------------------------------------------------------- approval */

/* What a name begins with that is no account's; "": an account's. See access.h. */
static const char *kind_of_name(const char *name)
{
    static const char *const kinds[] = {"token:", "oidc:"};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (strncmp(name, kinds[i], strlen(kinds[i])) == 0) {
            return kinds[i];
        }
    }
    return "";
}

/* A bearer token is whoever's that holds it: its word is nobody's in particular. */
static bool is_person(const struct cm_who *who)
{
    return who->session || strcmp(kind_of_name(who->name), "oidc:") == 0;
}

/*
 * That it is another person than the author. Names tell people apart within one kind; of a token and an account,
 * or an account and a provider's user, nobody can say that one person has not both: so there the approver must be
 * somebody who may not write policies himself.
 */
static enum cm_status is_another(const struct cm_who *who, const char *author, struct cm_why *why)
{
    if (strcmp(author, who->name) == 0) {
        cm_why_set(why, "it takes another person than the author");
        return CM_ERR_DENIED;
    }
    if (strcmp(kind_of_name(author), kind_of_name(who->name)) != 0 &&
        (who->roles & CM_ROLE_WRITERS) != 0) {
        cm_why_set(
            why,
            "%s may be the approver's own name elsewhere: it takes somebody who may not write"
            " policies himself",
            author);
        return CM_ERR_DENIED;
    }
    return CM_OK;
}

static enum cm_status may_decide(struct cm_db *db, const struct change *c,
                                 const struct cm_rules_row *row, struct cm_why *why)
{
    const struct upload up = {row->jws, row->signer != NULL, c->call->now};
    struct cm_rules_mode mode = {true, true};
    enum cm_status st = CM_OK;

    if (strcmp(row->state, "waiting") != 0) {
        cm_why_set(why, "version %lld is %s: nothing is to be decided", (long long)row->version,
                   row->state);
        return CM_ERR_STATE;
    }
    if (!c->approve) {
        return CM_OK;
    }
    CM_TRY(is_another(&c->call->who, row->author, why));
    if (strcmp(c->type, CM_RULES_MODE) == 0) {
        return CM_OK;
    }
    CM_TRY(cm_rules_mode_read(db, &mode, why));
    st = judge_signature(db, &mode, &up, NULL, why);
out:
    return st;
}

static enum cm_status decide(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct change *c = arg;
    struct cm_rules_row row = {0};
    const struct cm_db_value values[] = {cm_db_text(c->call->who.name),
                                         cm_db_int((int64_t)c->call->now), cm_db_text(c->type),
                                         cm_db_int(c->version)};
    const struct cm_db_value *which = values + 2;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_guard(db, why));
    CM_TRY(cm_rules_row_read(db, c->type, c->version, &row, why));
    CM_TRY(may_decide(db, c, &row, why));
    CM_TRY(cm_db_run(db,
                     "UPDATE policy SET approver = ?, decided = ? WHERE type = ? AND version = ?",
                     cm_db_with(values, COUNT(values)), cm_db_nowhere(), why));
    if (c->approve) {
        CM_TRY(cm_rules_row_activate(db, c->type, c->version, why));
    } else {
        CM_TRY(cm_db_run(db, "UPDATE policy SET state = 'rejected' WHERE type = ? AND version = ?",
                         cm_db_with(which, 2), cm_db_nowhere(), why));
    }
    st = cm_service_touch(c->call->service, db, CM_RULES_TOPIC, why);
out:
    cm_rules_row_free(&row);
    return st;
}

enum cm_status cm_rules_approve(struct cm_call *call, const char *type, int64_t version,
                                bool approve, struct cm_why *why)
{
    struct change c = {.call = call, .version = version, .approve = approve};
    enum cm_status st = CM_OK;

    CM_TRY(known_person(call, why));
    if ((call->who.roles & CM_ROLE_APPROVER) == 0) {
        cm_why_set(why, "it takes the role approver");
        return CM_ERR_DENIED;
    }
    if (approve && !is_person(&call->who)) {
        cm_why_set(why, "a person approves, logged in: a bearer token may be anybody's");
        return CM_ERR_DENIED;
    }
    if (strcmp(type, CM_RULES_MODE) == 0) {
        c.type = CM_RULES_MODE;
    } else {
        CM_TRY(known_type(type, &c.type, why));
    }
    if (version < 1) {
        cm_why_set(why, "versions begin with 1");
        return CM_ERR_NOTFOUND;
    }
    st = commit(&c, approve ? "policy.approve" : "policy.reject", decide, NULL, NULL, why);
out:
    return st;
}

/* ------------------------------------------------------------------ restoring */

static enum cm_status restore(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct change *c = arg;
    char comment[64] = "";
    enum cm_status st = CM_OK;

    cm_rules_row_free(&c->row); /* of a run that had to be repeated */
    CM_TRY(cm_rules_row_read(db, c->type, c->version, &c->row, why));
    if (strcmp(c->row.state, "active") == 0) {
        cm_why_set(why, "version %lld is in force already", (long long)c->version);
        st = CM_ERR_STATE;
        goto out;
    }
    (void)snprintf(comment, sizeof(comment), "version %lld again", (long long)c->version);
    free(c->row.comment);
    c->row.comment = strdup(comment);
    if (c->row.comment == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    c->row.time = (int64_t)c->call->now;
    (void)snprintf(c->row.author, sizeof(c->row.author), "%s", c->call->who.name);
    c->is_signed = c->row.signer != NULL;
    st = insert(db, c, why);
out:
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the interface's */
enum cm_status cm_rules_restore(struct cm_call *call, const char *type, int64_t base, int64_t again,
                                enum cm_rules_outcome *outcome, int64_t *version,
                                struct cm_why *why)
{
    struct change c = {.call = call, .version = again, .base = base};
    enum cm_status st = CM_OK;

    CM_TRY(known_person(call, why));
    CM_TRY(known_type(type, &c.type, why));
    if (again < 1) {
        cm_why_set(why, "versions begin with 1");
        return CM_ERR_NOTFOUND;
    }
    st = commit(&c, "policy.restore", restore, outcome, version, why);
out:
    change_free(&c);
    return st;
}
