/* How policies may be changed; see rules.h. A version like a policy's, so that it has a history, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "rules/rules_private.h"

void cm_rules_mode_text(const struct cm_rules_mode *mode, char out[64])
{
    (void)snprintf(out, 64, "{\"signed_only\":%s,\"two_people\":%s}",
                   mode->signed_only ? "true" : "false", mode->two_people ? "true" : "false");
}

enum cm_status cm_rules_mode_parse(const char *text, struct cm_rules_mode *out)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct cm_rules_mode mode = {(i & 1) != 0, (i & 2) != 0};
        char own[64] = "";

        cm_rules_mode_text(&mode, own);
        if (strcmp(own, text) == 0) {
            *out = mode;
            return CM_OK;
        }
    }
    return CM_ERR_FORMAT;
}

struct mode_reading {
    struct cm_rules_mode *out;
    enum cm_status st;
};

static bool read_mode(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct mode_reading *r = arg;

    r->st = count == 1 ? cm_rules_mode_parse((const char *)columns[0].bytes.ptr, r->out)
                       : CM_ERR_FORMAT;
    return false;
}

enum cm_status cm_rules_mode_read(struct cm_db *db, struct cm_rules_mode *out, struct cm_why *why)
{
    const struct cm_db_value of = cm_db_text(CM_RULES_MODE);
    struct mode_reading r = {out, CM_OK};
    enum cm_status st = CM_OK;

    *out = (struct cm_rules_mode){false, false};
    CM_TRY(cm_db_run(db, "SELECT text FROM policy WHERE type = ? AND state = 'active'",
                     cm_db_with(&of, 1), cm_db_into(read_mode, &r), why));
    st = r.st;
out:
    if (st != CM_OK) {
        *out = (struct cm_rules_mode){true, true};
    }
    return st;
}

enum cm_status cm_rules_may_trust(const struct cm_call *call, struct cm_db *db, const char *what,
                                  struct cm_why *why)
{
    struct cm_rules_mode mode = {true, true};
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_guard(db, why));
    CM_TRY(cm_rules_mode_read(db, &mode, why));
    if ((mode.signed_only || mode.two_people) && (call->who.roles & CM_ROLE_ADMIN) == 0) {
        cm_why_set(why, "while policies must be %s, only an admin changes %s, which are not",
                   mode.two_people ? "approved by a second person" : "signed", what);
        st = CM_ERR_DENIED;
    }
out:
    return st;
}

struct setting {
    struct cm_call *call;
    struct cm_rules_mode to;
    bool waits;
    int64_t version; /* what became of it */
};

static enum cm_status count_certificates(struct cm_db *db, size_t *out, struct cm_why *why)
{
    struct cm_rules_signers signers = {NULL, {NULL}, 0};
    enum cm_status st = cm_rules_signers_read(db, &signers, why);

    *out = signers.count;
    cm_rules_signers_free(&signers);
    return st;
}

static enum cm_status set_mode(struct cm_db *db, void *arg, struct cm_why *why)
{
    struct setting *s = arg;
    struct cm_rules_mode from = {true, true};
    struct cm_rules_row row = {0};
    char text[64] = "";
    size_t certificates = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_rules_guard(db, why));
    CM_TRY(cm_rules_mode_read(db, &from, why));
    CM_TRY(count_certificates(db, &certificates, why));
    if (s->to.signed_only && certificates == 0) {
        cm_why_set(why, "no certificate is registered: nobody could set a policy any more");
        st = CM_ERR_STATE;
        goto out;
    }
    s->waits = from.two_people && ((from.signed_only && !s->to.signed_only) || !s->to.two_people);
    cm_rules_mode_text(&s->to, text);
    row.text = strdup(text);
    row.jws = strdup("");
    row.comment = strdup("");
    if (row.text == NULL || row.jws == NULL || row.comment == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    row.time = (int64_t)s->call->now;
    (void)snprintf(row.author, sizeof(row.author), "%s", s->call->who.name);
    CM_TRY(cm_rules_row_add(db, CM_RULES_MODE, &row, s->waits, why));
    s->version = row.version;
    st = cm_service_touch(s->call->service, db, CM_RULES_TOPIC, why);
out:
    cm_rules_row_free(&row);
    return st;
}

enum cm_status cm_rules_mode_set(struct cm_call *call, const struct cm_rules_mode *mode,
                                 enum cm_rules_outcome *outcome, int64_t *version,
                                 struct cm_why *why)
{
    struct setting s = {call, *mode, false, 0};
    char detail[64] = "";
    enum cm_status st = CM_OK;

    if ((call->who.roles & CM_ROLE_ADMIN) == 0 || call->who.name[0] == '\0') {
        cm_why_set(why, "it takes an admin");
        return CM_ERR_DENIED;
    }
    cm_rules_mode_text(mode, detail);
    st = cm_call_write(call, set_mode, &s, "policy.mode", CM_RULES_MODE, detail, why);
    if (st == CM_OK && outcome != NULL) {
        *outcome = s.waits ? CM_RULES_WAITING : CM_RULES_ACTIVE;
    }
    if (st == CM_OK && version != NULL) {
        *version = s.version;
    }
    return st;
}
