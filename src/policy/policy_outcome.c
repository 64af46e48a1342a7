/* What an evaluation came to, for people and programs; see casemate/policy.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_run.h"

#define SHOWN 96u /* bytes of a value in a sentence */

void cm_policy_outcome_free(struct cm_policy_outcome *outcome)
{
    if (outcome != NULL) {
        cm_arena_free(&outcome->arena);
        free(outcome);
    }
}

enum cm_status cm_policy_outcome_status(const struct cm_policy_outcome *outcome)
{
    return outcome->status;
}

const char *cm_policy_outcome_reason(const struct cm_policy_outcome *outcome)
{
    return outcome->reason;
}

size_t cm_policy_outcome_line(const struct cm_policy_outcome *outcome)
{
    return outcome->line;
}

/* Text of a claim or a policy as printable ASCII, cut. */
static void show(struct cm_span s, char out[SHOWN + 4])
{
    size_t n = s.ptr == NULL ? 0 : (s.len < SHOWN ? s.len : SHOWN);

    for (size_t i = 0; i < n; i++) {
        uint8_t c = s.ptr[i];

        if (c < 0x20 || c > 0x7e) {
            c = c == '\n' || c == '\t' ? ' ' : '?';
        }
        out[i] = (char)c;
    }
    (void)snprintf(out + n, 4, "%s", s.len > n ? "..." : "");
}

/* A claim in words: "x-ms-sgx-svn" is 5 */
static void show_claim(const struct cm_pclaim *c, char *out, size_t cap)
{
    char type[SHOWN + 4] = "";
    char value[SHOWN + 4] = "";
    const struct cm_pv *v = c->value;
    struct cm_span text = v->text;

    show(c->type, type);
    if (v->type == CM_POLICY_INT) {
        (void)snprintf(out, cap, "\"%s\" is %lld", type, (long long)v->number);
        return;
    }
    if (v->type == CM_POLICY_BOOL) {
        (void)snprintf(out, cap, "\"%s\" is %s", type, v->number != 0 ? "true" : "false");
        return;
    }
    if (text.ptr == NULL && v->written != NULL) {
        text = *v->written;
    }
    if (text.ptr == NULL && v->json != NULL) {
        (void)snprintf(out, cap, "\"%s\" is JSON", type);
        return;
    }
    show(text, value);
    (void)snprintf(out, cap, "\"%s\" is \"%s\"", type, value);
}

static size_t line_of(const struct cm_policy *policy, size_t off)
{
    size_t line = 0;
    size_t column = 0;

    cm_policy_place(policy->text, off, &line, &column);
    return line;
}

static struct cm_span text_at(const struct cm_policy *policy, size_t off, size_t len)
{
    return cm_span_make(policy->text.ptr + off, len);
}

/* What a rule found or missed, in words. */
static void explain(const struct cm_policy *policy, const struct cm_ptrace *t, char *out,
                    size_t cap)
{
    char claim[2 * SHOWN + 32] = "";
    char cond[SHOWN + 4] = "";

    out[0] = '\0';
    if (t->fired) {
        for (size_t i = 0; i < t->cond_count; i++) {
            if (t->matched[i] != NULL) {
                size_t used = strlen(out);

                show_claim(t->matched[i], claim, sizeof(claim));
                (void)snprintf(out + used, cap - used, "%s%s", used == 0 ? "" : ", ", claim);
            }
        }
        return;
    }
    show(text_at(policy, t->rule->conds[t->cond].off, t->rule->conds[t->cond].len), cond);
    if (t->nearest == NULL) {
        (void)snprintf(out, cap, "nothing satisfies %s", cond);
    } else {
        show_claim(t->nearest, claim, sizeof(claim));
        (void)snprintf(out, cap, "%s is not satisfied: %s", cond, claim);
    }
}

/* Of the rules that could have permitted, the one that came furthest. */
static const struct cm_ptrace *nearest_permit(const struct cm_policy_outcome *o)
{
    const struct cm_ptrace *best = NULL;

    for (size_t i = 0; i < o->trace_count; i++) {
        const struct cm_ptrace *t = &o->trace[i];

        if (t->rule->action.kind == CM_PA_PERMIT && (best == NULL || t->cond > best->cond)) {
            best = t;
        }
    }
    return best;
}

static void say(struct cm_policy_outcome *o, const struct cm_ptrace *t, const char *what)
{
    char details[400] = "";

    if (t == NULL) {
        (void)snprintf(o->reason, sizeof(o->reason), "%s", what);
        return;
    }
    o->line = line_of(o->policy, t->rule->off);
    explain(o->policy, t, details, sizeof(details));
    (void)snprintf(o->reason, sizeof(o->reason), "%s the rule of line %zu%s%s", what, o->line,
                   details[0] == '\0' ? "" : ": ", details);
}

static void say_error(struct cm_policy_outcome *o, const char *why, enum cm_status st)
{
    const struct cm_ptrace *t = o->trace_count == 0 ? NULL : &o->trace[o->trace_count - 1];

    why = why[0] == '\0' ? cm_status_str(st) : why;
    if (t == NULL) {
        (void)snprintf(o->reason, sizeof(o->reason), "%s", why);
        return;
    }
    o->line = line_of(o->policy, t->rule->off);
    (void)snprintf(o->reason, sizeof(o->reason), "the rule of line %zu cannot be evaluated: %s",
                   o->line, why);
}

void cm_policy_decide(const struct cm_prun *run, const struct cm_policy_claims *claims,
                      unsigned flags, enum cm_status st)
{
    struct cm_policy_outcome *o = run->outcome;
    const struct cm_ptrace *near = NULL;

    o->status = st;
    if (o->policy == NULL) {
        say(o, NULL, "there is no policy, and without one nothing is permitted");
        return;
    }
    if (st == CM_OK) {
        say(o, run->permit_trace, "permitted by");
        return;
    }
    if (st != CM_ERR_POLICY) {
        say_error(o, run->budget.why.text, st);
        return;
    }
    if (claims->not_genuine) {
        say(o, NULL, "the evidence is not genuine; no policy permits that");
    } else if (run->deny_trace != NULL) {
        say(o, run->deny_trace, "denied by");
    } else if (run->permit_trace != NULL && claims->emulated &&
               (flags & CM_POLICY_ALLOW_EMULATED) == 0) {
        say(o, NULL,
            "EMULATED evidence protects nothing, and no rule that permits accepts it by name");
    } else {
        near = nearest_permit(o);
        say(o, near,
            near == NULL ? "there is no rule that permits" : "no rule permits; nearest is");
    }
}

static bool reveal(const struct cm_pclaim *c, struct cm_policy_claim *out)
{
    memset(out, 0, sizeof(*out));
    out->type = c->type;
    out->value_type = c->value->type;
    out->number = c->value->number;
    out->issuer = c->issuer;
    out->text = c->value->text;
    if (out->text.ptr == NULL && c->value->written != NULL) {
        out->text = *c->value->written;
    }
    return true;
}

static bool claim_at(const struct cm_pclaim_list *list, size_t index, struct cm_policy_claim *out)
{
    return index < list->count && reveal(list->items[index], out);
}

bool cm_policy_claims_at(const struct cm_policy_claims *claims, size_t index,
                         struct cm_policy_claim *out)
{
    return index < claims->count && reveal(&claims->items[index], out);
}

bool cm_policy_outcome_claim(const struct cm_policy_outcome *outcome, size_t index,
                             struct cm_policy_claim *out)
{
    return claim_at(&outcome->issued, index, out);
}

bool cm_policy_outcome_property(const struct cm_policy_outcome *outcome, size_t index,
                                struct cm_policy_claim *out)
{
    return claim_at(&outcome->properties, index, out);
}

bool cm_policy_outcome_step(const struct cm_policy_outcome *outcome, size_t index,
                            struct cm_policy_step *out)
{
    const struct cm_ptrace *t = NULL;

    if (index >= outcome->trace_count) {
        return false;
    }
    t = &outcome->trace[index];
    memset(out, 0, sizeof(*out));
    out->section = cm_policy_section_name(t->rule->section);
    out->line = line_of(outcome->policy, t->rule->off);
    out->rule = text_at(outcome->policy, t->rule->off, t->rule->len);
    out->failed = t->failed;
    out->fired = t->fired && !t->failed;
    if (!t->failed) {
        explain(outcome->policy, t, out->details, sizeof(out->details));
    }
    return true;
}

static void wr_text(struct cm_json_wr *w, const char *name, struct cm_span text)
{
    cm_json_wr_name(w, name);
    cm_json_wr_text(w, text);
}

static void wr_value(struct cm_json_wr *w, const struct cm_pv *v)
{
    if (v->type == CM_POLICY_INT) {
        cm_json_wr_i64(w, v->number);
    } else if (v->type == CM_POLICY_BOOL) {
        cm_json_wr_bool(w, v->number != 0);
    } else if (v->text.ptr != NULL) {
        cm_json_wr_text(w, v->text);
    } else if (v->written != NULL && v->written->ptr != NULL) {
        cm_json_wr_text(w, *v->written);
    } else {
        cm_json_wr_null(w); /* JSON whose text nobody needed */
    }
}

static void wr_claim(struct cm_json_wr *w, const struct cm_pclaim *c)
{
    cm_json_wr_object(w);
    wr_text(w, "type", c->type);
    cm_json_wr_name(w, "value");
    wr_value(w, c->value);
    cm_json_wr_name(w, "issuer");
    cm_json_wr_str(w, cm_policy_issuer_name(c->issuer));
    cm_json_wr_end(w);
}

static void wr_claims(struct cm_json_wr *w, const char *name, const struct cm_pclaim_list *list)
{
    cm_json_wr_name(w, name);
    cm_json_wr_array(w);
    for (size_t i = 0; i < list->count; i++) {
        wr_claim(w, list->items[i]);
    }
    cm_json_wr_end(w);
}

static void wr_rule(struct cm_json_wr *w, const struct cm_policy *policy, const struct cm_ptrace *t)
{
    const struct cm_prule *r = t->rule;

    cm_json_wr_object(w);
    cm_json_wr_name(w, "section");
    cm_json_wr_str(w, cm_policy_section_name(r->section));
    cm_json_wr_name(w, "line");
    cm_json_wr_u64(w, line_of(policy, r->off));
    wr_text(w, "rule", text_at(policy, r->off, r->len));
    cm_json_wr_name(w, "fired");
    cm_json_wr_bool(w, t->fired && !t->failed);
    if (t->failed) {
        cm_json_wr_name(w, "failed");
        cm_json_wr_bool(w, true);
    } else if (t->fired) {
        cm_json_wr_name(w, "matched");
        cm_json_wr_array(w);
        for (size_t i = 0; i < t->cond_count; i++) {
            if (t->matched[i] != NULL) {
                wr_claim(w, t->matched[i]);
            }
        }
        cm_json_wr_end(w);
    } else {
        wr_text(w, "not_met", text_at(policy, r->conds[t->cond].off, r->conds[t->cond].len));
        if (t->nearest != NULL) {
            cm_json_wr_name(w, "nearest");
            wr_claim(w, t->nearest);
        }
    }
    cm_json_wr_end(w);
}

enum cm_status cm_policy_outcome_json(const struct cm_policy_outcome *o, char *out, size_t cap,
                                      size_t *len)
{
    struct cm_json_wr w = cm_json_wr_init(out, cap);

    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "permitted");
    cm_json_wr_bool(&w, o->status == CM_OK);
    cm_json_wr_name(&w, "status");
    cm_json_wr_str(&w, cm_status_str(o->status));
    cm_json_wr_name(&w, "reason");
    cm_json_wr_str(&w, o->reason);
    cm_json_wr_name(&w, "line");
    if (o->line == 0) {
        cm_json_wr_null(&w);
    } else {
        cm_json_wr_u64(&w, o->line);
    }
    wr_claims(&w, "issued", &o->issued);
    wr_claims(&w, "properties", &o->properties);
    cm_json_wr_name(&w, "trace");
    cm_json_wr_array(&w);
    for (size_t i = 0; i < o->trace_count; i++) {
        wr_rule(&w, o->policy, &o->trace[i]);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    return cm_json_wr_finish(&w, len);
}
