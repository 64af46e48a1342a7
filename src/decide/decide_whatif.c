/* What another policy would have decided about what was recorded. Untrusted: what the store has. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "decide/decide_json.h"

#define COUNT_MAX 1000u
#define SHOWN_MAX 200u

struct what_if {
    const struct cm_decide_try *with;
    json_t *items;
    unsigned checked;
    unsigned skipped;
    unsigned newly_accepted;
    unsigned newly_refused;
    int64_t oldest;
    enum cm_status st;
};

/* An entry that would change, and why. */
static enum cm_status add_changed(struct what_if *w, const struct cm_db_value *c, size_t count,
                                  const struct cm_policy_outcome *o, bool after)
{
    json_t *item = cm_log_item(c, count);
    const size_t line = cm_policy_outcome_line(o);
    bool good = item != NULL;

    good = good &&
           json_object_set_new(item, "before", json_string(after ? "refused" : "accepted")) == 0;
    good = good &&
           json_object_set_new(item, "after", json_string(after ? "accepted" : "refused")) == 0;
    good =
        good && json_object_set_new(item, "reason", json_string(cm_policy_outcome_reason(o))) == 0;
    good = good && json_object_set_new(
                       item, "line", line == 0 ? json_null() : json_integer((json_int_t)line)) == 0;
    good = good && json_array_append(w->items, item) == 0;
    json_decref(item);
    return good ? CM_OK : CM_ERR_NOMEM;
}

static bool take_row(void *arg, const struct cm_db_value *c, size_t count)
{
    struct what_if *w = arg;
    json_t *explanation = cm_log_explanation(&c[CM_LOG_COLUMN_COUNT], &c[CM_LOG_COLUMN_COUNT + 1]);
    struct cm_policy_outcome *outcome = NULL;
    struct cm_policy_claims *claims = NULL;
    const bool before = c[5].number != 0;
    bool after = false;
    enum cm_status st = cm_log_judge(explanation, w->with, &outcome, &claims);

    w->oldest = c[1].number;
    if (st == CM_ERR_STATE) {
        /* what was not genuine stays refused, whatever a policy says; of the rest nothing is known */
        const bool refused = strcmp(cm_json_text(&c[6]), "evidence") == 0;

        w->checked += refused ? 1 : 0;
        w->skipped += refused ? 0 : 1;
        st = CM_OK;
    } else if (st == CM_OK) {
        after = cm_policy_outcome_status(outcome) == CM_OK;
        w->checked++;
        w->newly_accepted += after && !before ? 1 : 0;
        w->newly_refused += !after && before ? 1 : 0;
        if (after != before && json_array_size(w->items) < SHOWN_MAX) {
            st = add_changed(w, c, count, outcome, after);
        }
    }
    cm_policy_outcome_free(outcome);
    cm_policy_claims_free(claims);
    json_decref(explanation);
    w->st = st;
    return st == CM_OK;
}

enum cm_status cm_decide_what_if(struct cm_db *db, const char *type, unsigned count,
                                 const struct cm_decide_try *with, json_t **out, struct cm_why *why)
{
    struct what_if w = {.with = with, .items = json_array()};
    const char *name = cm_rules_type(type);
    const struct cm_db_value v[] = {cm_db_text(name == NULL ? "" : name), cm_db_int(count)};
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(w.items == NULL ? CM_ERR_NOMEM : CM_OK);
    if (name == NULL || count == 0 || count > COUNT_MAX) {
        cm_why_set(why, name == NULL ? "there is no such type of policies"
                                     : "count is a number from 1 to 1000");
        st = name == NULL ? CM_ERR_NOTFOUND : CM_ERR_PARAM;
        goto out;
    }
    CM_TRY(cm_db_run(db,
                     "SELECT " CM_LOG_COLUMNS ", delta,"
                     " (SELECT items FROM attestation_base WHERE hash = base) FROM attestation"
                     " WHERE policy_type = ? ORDER BY id DESC LIMIT ?",
                     cm_db_with(v, 2), cm_db_into(take_row, &w), why));
    CM_TRY(w.st);
    *out = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:o, s:O}", "checked", (int)w.checked, "skipped", (int)w.skipped,
        "newly_accepted", (int)w.newly_accepted, "newly_refused", (int)w.newly_refused, "unchanged",
        (int)(w.checked - w.newly_accepted - w.newly_refused), "oldest_at",
        w.checked + w.skipped == 0 ? json_null() : json_integer(w.oldest), "items", w.items);
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    json_decref(w.items);
    return st;
}
