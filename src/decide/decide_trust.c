/*
 * "Trust this measurement": a draft out of the policy in force. The text is only looked at as far as it
 * takes to find where its rules end; what comes out is parsed like any other, and set by a person.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/try.h"
#include "decide/decide_inventory.h"
#include "policy/policy_lex.h"

#define LEX_MEMORY (1u << 20)
#define RULE_MAX   1024u

/* How a TEE's measurement and debug are asked for. */
struct names {
    const char *tee;
    const char *type;        /* of policies */
    const char *measurement; /* claim */
    const char *debug; /* claim that must be false; NULL: genuine evidence of it never debugs */
};

static const struct names known[] = {
    {"sgx", "SgxEnclave", "x-ms-sgx-mrenclave", "x-ms-sgx-is-debuggable"},
    {"tdx", "TdxVm", "tdx_mrtd", "tdx_td_attributes_debug"},
    {"snp", "SevSnpVm", "x-ms-sevsnpvm-launchmeasurement", "x-ms-sevsnpvm-is-debuggable"},
    {"nitro", "Nitro", NULL, NULL},
    {"cca", "Cca", NULL, NULL},
    {"psa", "Psa", NULL, NULL},
    {"optee", "OpTee", NULL, NULL},
    {"gce", "Gce", NULL, NULL},
    {"gcp-token", "GcpToken", NULL, NULL},
    {"nvidia", "Nvidia", NULL, NULL},
    {"tpm", "Tpm", NULL, NULL},
};

static const struct names *names_of(const char *tee)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].tee, tee) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static void write_rule(const struct names *n, const json_t *item, char out[RULE_MAX])
{
    const char *value = json_string_value(json_object_get(item, "measurement"));
    const char *label = json_string_value(json_object_get(item, "label"));
    char own[64] = "measurements";

    if (label != NULL && strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789_-.") ==
                             strlen(label)) { /* as the service named it */
        (void)snprintf(own, sizeof(own), "measurements.%.40s", label);
    }
    if (n->measurement != NULL) {
        (void)snprintf(out, RULE_MAX,
                       "    [type==\"%s\", value==\"%s\"]\n"
                       "    && [type==\"%s\", value==false]\n    => permit();\n",
                       n->measurement, value, n->debug);
    } else {
        (void)snprintf(out, RULE_MAX, "    [type==\"%s\", value==\"%s\"]\n    => permit();\n", own,
                       value);
    }
}

/* Where sections stand in a text that was parsed before. */
struct places {
    size_t rules_end; /* the brace that ends authorizationrules; 0: there is no such section */
    bool open_rule;   /* its last rule has no semicolon */
    size_t issuance;  /* where issuancerules begins, and behind its end; 0: there is none */
    size_t issuance_end;
};

static bool is_word(const struct cm_ptoken *t, const char *word)
{
    return t->kind == CM_PT_WORD && t->text.len == strlen(word) &&
           strncasecmp((const char *)t->text.ptr, word, t->text.len) == 0;
}

static enum cm_status find_places(struct cm_span text, struct places *out)
{
    struct cm_arena arena = cm_arena_init(LEX_MEMORY);
    struct cm_plexer lx = {.arena = &arena, .text = text};
    struct cm_ptoken t = {.kind = CM_PT_END};
    struct cm_ptoken before = t;
    size_t section = 0;
    bool rules = false;
    bool issuance = false;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    do {
        before = t;
        CM_TRY(cm_policy_next(&lx, &t));
        if (t.kind == CM_PT_LBRACE) {
            rules = is_word(&before, "authorizationrules");
            issuance = is_word(&before, "issuancerules");
            section = before.off;
        } else if (t.kind == CM_PT_RBRACE && rules) {
            out->rules_end = t.off;
            out->open_rule = before.kind != CM_PT_SEMICOLON && before.kind != CM_PT_LBRACE;
        } else if (t.kind == CM_PT_RBRACE && issuance) {
            out->issuance = section;
            out->issuance_end = t.off + 1;
        }
    } while (t.kind != CM_PT_END);
out:
    cm_arena_free(&arena);
    return st;
}

/* The policy in force and the rule, or a new one with the rule alone and the claims that are issued. */
static char *compose(const struct cm_rule_version *v, const char *rule, bool fresh, size_t *at)
{
    const struct cm_span text = cm_span_make(v->text, strlen(v->text));
    const size_t cap = text.len + RULE_MAX + 256;
    struct places p = {0, false, 0, 0};
    char *out = malloc(cap);

    if (out == NULL || find_places(text, &p) != CM_OK) {
        free(out);
        return NULL;
    }
    if (fresh) {
        *at = (size_t)snprintf(out, cap, "version= %s;\nauthorizationrules\n{\n",
                               cm_policy_version(v->policy));
        (void)snprintf(out + *at, cap - *at, "%s};\n%.*s%s", rule,
                       (int)(p.issuance_end - p.issuance), v->text + p.issuance,
                       p.issuance_end != 0 ? ";\n" : "");
    } else if (p.rules_end != 0) {
        *at =
            (size_t)snprintf(out, cap, "%.*s%s", (int)p.rules_end, v->text, p.open_rule ? ";" : "");
        if (*at != 0 && out[*at - 1] != '\n') {
            out[(*at)++] = '\n';
        }
        (void)snprintf(out + *at, cap - *at, "%s%s", rule, v->text + p.rules_end);
    } else {
        *at = (size_t)snprintf(out, cap, "%s\nauthorizationrules\n{\n", v->text);
        (void)snprintf(out + *at, cap - *at, "%s};\n", rule);
    }
    return out;
}

static json_int_t line_at(const char *text, size_t at)
{
    json_int_t line = 1;

    for (size_t i = 0; i < at; i++) {
        line += text[i] == '\n' ? 1 : 0;
    }
    return line;
}

struct newest {
    const struct cm_decide_try *with;
    size_t line;
    bool permitted;
};

static bool judge_newest(void *arg, const struct cm_db_value *c, size_t count)
{
    struct newest *n = arg;
    json_t *explanation = count == 2 ? cm_log_explanation(&c[0], &c[1]) : NULL;
    struct cm_policy_outcome *o = NULL;
    struct cm_policy_claims *claims = NULL;

    if (cm_log_judge(explanation, n->with, &o, &claims) == CM_OK) {
        n->permitted = cm_policy_outcome_status(o) == CM_OK;
        n->line = cm_policy_outcome_line(o);
    }
    cm_policy_outcome_free(o);
    cm_policy_claims_free(claims);
    json_decref(explanation);
    return false;
}

/* Whether what was seen of it last is permitted as it is. */
static enum cm_status check_permitted(struct cm_db *db, const char *value,
                                      const struct cm_decide_try *with, struct cm_why *why)
{
    const struct cm_db_value v = cm_db_text(value);
    struct newest n = {.with = with};
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "SELECT delta, (SELECT items FROM attestation_base WHERE hash = base)"
                     " FROM attestation WHERE measurement = ? AND stage <> 'evidence'"
                     " ORDER BY id DESC LIMIT 1",
                     cm_db_with(&v, 1), cm_db_into(judge_newest, &n), why));
    if (n.permitted) {
        cm_why_set(why, "the policy in force permits it already, by line %zu", n.line);
        st = CM_ERR_EXISTS;
    }
out:
    return st;
}

enum cm_status cm_decide_trust(struct cm_service *s, struct cm_db *db,
                               const struct cm_trust_ask *ask, json_t **out, struct cm_why *why)
{
    const char *type = ask->type;
    const struct cm_rule_version *v = NULL;
    const struct names *n = NULL;
    struct cm_policy *parsed = NULL;
    struct cm_policy_error error = {0};
    char rule[RULE_MAX] = "";
    json_t *item = NULL;
    char *text = NULL;
    size_t at = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(cm_inventory_find(s, db, ask->id, &item, why));
    n = names_of(json_string_value(json_object_get(item, "tee")));
    type = type == NULL && n != NULL ? n->type : type;
    if (n == NULL || cm_rules_type(type) == NULL) {
        cm_why_set(why, "there is no type of policies for this");
        st = CM_ERR_PARAM;
        goto out;
    }
    CM_TRY(cm_rules_active(s, type, &v));
    if (!ask->fresh) {
        const struct cm_decide_try with = {v->policy, cm_service_config(s)->accept_emulated};

        CM_TRY(check_permitted(db, json_string_value(json_object_get(item, "measurement")), &with,
                               why));
    }
    write_rule(n, item, rule);
    text = compose(v, rule, ask->fresh, &at);
    CM_TRY(text == NULL ? CM_ERR_NOMEM : CM_OK);
    st = cm_policy_parse(cm_span_make(text, strlen(text)), &parsed, &error);
    if (st != CM_OK) {
        cm_why_set(why, "the policy in force cannot be added to: line %zu: %s", error.line,
                   error.text);
        goto out;
    }
    *out =
        json_pack("{s:s, s:I, s:s, s:I, s:s}", "type", v->type, "base", (json_int_t)v->version,
                  "text", text, "line", line_at(text, at), "note",
                  ask->fresh ? "permits this measurement, and nothing else"
                             : "permits this measurement beside what is permitted now; rules that "
                               "deny come first");
    st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    cm_policy_free(parsed);
    free(text);
    json_decref(item);
    if (v != NULL) {
        cm_rules_release(v);
    }
    return st;
}
