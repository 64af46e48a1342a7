/*
 * Parsing policies: sections, rules, conditions, actions; see casemate/policy.h. Untrusted: the text.
 * Recursion only where calls nest, which is bounded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_parser.h"
#include "token/utf8.h"

#define ARENA_MAX (32u << 20)

static const char *const sections[CM_PS_COUNT] = {
    [CM_PS_CONFIGURATION] = "configurationrules",
    [CM_PS_AUTHORIZATION] = "authorizationrules",
    [CM_PS_ISSUANCE] = "issuancerules",
};

const char *cm_policy_section_name(enum cm_psection section)
{
    return sections[section];
}

void cm_policy_place(struct cm_span text, size_t off, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < off && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if ((text.ptr[i] & 0xc0) != 0x80) { /* characters, not their further bytes */
            (*column)++;
        }
    }
}

uint32_t cm_policy_type_hash(struct cm_span type)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < type.len; i++) {
        hash = (hash ^ type.ptr[i]) * 16777619u;
    }
    return hash;
}

static bool is_literal(const struct cm_pprop *pr, enum cm_prop prop, const char *text)
{
    return pr->prop == prop && pr->op == CM_POP_EQ && pr->right->kind == CM_PE_LITERAL &&
           pr->right->literal.type == CM_POLICY_TEXT &&
           cm_span_same(pr->right->literal.text, cm_span_make(text, strlen(text)));
}

/* [type=="casemate.emulated", value==true]: the rule accepts an emulator's evidence by name */
static bool names_emulation(const struct cm_pcond *c)
{
    bool type = false;
    bool value = false;

    for (size_t i = 0; i < c->prop_count; i++) {
        const struct cm_pprop *pr = &c->props[i];

        type = type || is_literal(pr, CM_PROP_TYPE, CM_POLICY_CLAIM_EMULATED);
        value = value || (pr->prop == CM_PROP_VALUE && pr->op == CM_POP_EQ &&
                          pr->right->kind == CM_PE_LITERAL &&
                          pr->right->literal.type == CM_POLICY_BOOL && pr->right->literal.number);
    }
    return type && value; /* behind a ! it never holds over emulated claims */
}

/* Policies from before 2021 write "$x" for the incoming claim x, or for what it is called today. */
static void find_alias(struct cm_pcond *c)
{
    static const char *const today[][2] = {
        {"$is-debuggable", "x-ms-sgx-is-debuggable"},
        {"$product-id", "x-ms-sgx-product-id"},
        {"$svn", "x-ms-sgx-svn"},
        {"$min-svn", "x-ms-sgx-svn"},
        {"$sgx-mrsigner", "x-ms-sgx-mrsigner"},
        {"$sgx-mrenclave", "x-ms-sgx-mrenclave"},
        {"$tee", "x-ms-attestation-type"},
    };

    if (c->type.len < 2 || c->type.ptr[0] != '$') {
        return;
    }
    c->alias[1] = cm_span_make(c->type.ptr + 1, c->type.len - 1);
    for (size_t i = 0; i < sizeof(today) / sizeof(today[0]); i++) {
        if (cm_span_same(c->type, cm_span_make(today[i][0], strlen(today[i][0])))) {
            c->alias[0] = cm_span_make(today[i][1], strlen(today[i][1]));
        }
    }
}

/* An operator and the value behind it, of the property that stands before them. */
static enum cm_status parse_comparison(struct cm_pparser *p, struct cm_pprop *pr)
{
    static const struct {
        enum cm_ptoken_kind token;
        enum cm_pop op;
    } ops[] = {
        {CM_PT_EQ, CM_POP_EQ}, {CM_PT_ASSIGN, CM_POP_EQ}, {CM_PT_NE, CM_POP_NE},
        {CM_PT_LT, CM_POP_LT}, {CM_PT_LE, CM_POP_LE},     {CM_PT_GT, CM_POP_GT},
        {CM_PT_GE, CM_POP_GE},
    };
    enum cm_policy_value_type type = CM_POLICY_INT;
    size_t op_off = p->t.off;
    size_t i = 0;
    enum cm_status st = CM_OK;

    while (i < sizeof(ops) / sizeof(ops[0]) && ops[i].token != p->t.kind) {
        i++;
    }
    if (i == sizeof(ops) / sizeof(ops[0])) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "a comparison expected, such as ==");
    }
    pr->op = ops[i].op;
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expr(p, &pr->right));
    if (pr->op != CM_POP_EQ && pr->op != CM_POP_NE &&
        (pr->prop != CM_PROP_VALUE ||
         (cm_pparse_type_of(pr->right, &type) && type != CM_POLICY_INT))) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, op_off,
                                "only integers have an order; strings and booleans have == and !=");
    }
    if (pr->prop != CM_PROP_VALUE && cm_pparse_type_of(pr->right, &type) &&
        type != CM_POLICY_TEXT) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, pr->right->off, "%s is a string",
                                cm_policy_prop_name(pr->prop));
    }
out:
    return st;
}

static enum cm_status parse_name(struct cm_pparser *p, struct cm_pcond *c)
{
    enum cm_status st = CM_OK;

    if (p->t.kind != CM_PT_WORD) {
        return CM_OK;
    }
    for (size_t i = 0; i < p->cond_count; i++) {
        if (p->conds[i].name.ptr != NULL && cm_span_same(p->conds[i].name, p->t.text)) {
            return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "this name is taken in this rule");
        }
    }
    c->name = p->t.text;
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expect(p, CM_PT_COLON, "':' behind the name of a condition is"));
out:
    return st;
}

/* [!] [name :] [ property op value, ... ] */
static enum cm_status parse_condition(struct cm_pparser *p, struct cm_pcond *c)
{
    enum cm_status st = CM_OK;

    c->off = p->t.off;
    if (p->t.kind == CM_PT_NOT) {
        if (p->minor < 2) {
            return cm_pparse_refuse(p, CM_ERR_UNSUPPORTED, p->t.off, "! needs version 1.2");
        }
        c->negated = true;
        CM_TRY(cm_pparse_advance(p));
    }
    CM_TRY(parse_name(p, c));
    CM_TRY(cm_pparse_expect(p, CM_PT_LBRACKET, "a condition in [ ] is"));
    do {
        struct cm_pprop *pr = &c->props[c->prop_count];

        if (c->prop_count == CM_POLICY_MAX_PROPS) {
            return cm_pparse_refuse(p, CM_ERR_LIMIT, p->t.off, "too many properties");
        }
        if (c->prop_count != 0) {
            st = cm_pparse_expect(p, CM_PT_COMMA, "',' or ']'");
            if (st != CM_OK) {
                goto out;
            }
        }
        CM_TRY(cm_pparse_prop(p, &pr->prop));
        CM_TRY(parse_comparison(p, pr));
        c->prop_count++;
        c->names_issuer = c->names_issuer || pr->prop == CM_PROP_ISSUER;
        if (pr->prop == CM_PROP_TYPE && pr->op == CM_POP_EQ && pr->right->kind == CM_PE_LITERAL &&
            !c->has_type) {
            c->has_type = true;
            c->type_prop = c->prop_count - 1;
            c->type = pr->right->literal.text;
            c->type_hash = cm_policy_type_hash(c->type);
            find_alias(c);
        }
    } while (p->t.kind != CM_PT_RBRACKET);
    CM_TRY(cm_pparse_advance(p));
    c->len = p->end - c->off;
out:
    return st;
}

static enum cm_status parse_conditions(struct cm_pparser *p, struct cm_prule *r)
{
    struct cm_pcond conds[CM_POLICY_MAX_CONDS];
    enum cm_status st = CM_OK;

    memset(conds, 0, sizeof(conds));
    p->conds = conds;
    p->cond_count = 0;
    while (p->t.kind != CM_PT_ARROW) {
        if (p->cond_count == CM_POLICY_MAX_CONDS) {
            return cm_pparse_refuse(p, CM_ERR_LIMIT, p->t.off, "too many conditions");
        }
        if (p->cond_count != 0) {
            st = cm_pparse_expect(p, CM_PT_AND, "'&&' or '=>'");
            if (st != CM_OK) {
                goto out;
            }
        }
        CM_TRY(parse_condition(p, &conds[p->cond_count]));
        r->accepts_emulated = r->accepts_emulated || names_emulation(&conds[p->cond_count]);
        p->cond_count++;
    }
    r->cond_count = p->cond_count;
    r->conds = cm_arena_array(p->lx.arena, r->cond_count, sizeof(conds[0]));
    CM_TRY(p->lx.arena->status);
    memcpy(r->conds, conds, r->cond_count * sizeof(conds[0]));
out:
    p->conds = r->conds; /* the array on the stack is gone */
    p->cond_count = r->cond_count;
    return st;
}

/* valueType="Integer" and issuer="CustomClaim" in an action: words, not values */
static enum cm_status parse_fixed(struct cm_pparser *p, enum cm_prop prop, struct cm_paction *a)
{
    static const char *const types[] = {"String", "Integer", "Boolean"};
    size_t count = prop == CM_PROP_VALUE_TYPE ? 3 : 0;

    if (p->t.kind != CM_PT_TEXT) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "a string expected");
    }
    for (size_t i = 0; i < count; i++) {
        if (cm_span_same(p->t.text, cm_span_make(types[i], strlen(types[i])))) {
            a->has_value_type = true;
            a->value_type = (enum cm_policy_value_type)i;
            return cm_pparse_advance(p);
        }
    }
    for (unsigned i = CM_POLICY_CUSTOM; count == 0 && i <= CM_POLICY_POLICY; i++) {
        const char *name = cm_policy_issuer_name((enum cm_policy_issuer)i);

        if (i != CM_POLICY_SERVICE && cm_span_same(p->t.text, cm_span_make(name, strlen(name)))) {
            a->issuer = (enum cm_policy_issuer)i;
            return cm_pparse_advance(p);
        }
    }
    return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                            count != 0 ? "String, Integer or Boolean expected"
                                       : "a policy's claims are issued by AttestationPolicy or "
                                         "CustomClaim, never by the service");
}

/* type=..., value=..., in any order; the type may stand first without its name */
static enum cm_status parse_claim(struct cm_pparser *p, struct cm_paction *a)
{
    bool seen[4] = {false, false, false, false};
    enum cm_status st = CM_OK;

    if (p->t.kind == CM_PT_TEXT) {
        CM_TRY(cm_pparse_expr(p, &a->type));
        seen[CM_PROP_TYPE] = true;
        CM_TRY(cm_pparse_expect(p, CM_PT_COMMA, "','"));
    }
    for (;;) {
        size_t off = p->t.off;
        enum cm_prop prop = CM_PROP_TYPE;

        CM_TRY(cm_pparse_prop(p, &prop));
        if (seen[prop]) {
            return cm_pparse_refuse(p, CM_ERR_SYNTAX, off, "%s stands twice",
                                    cm_policy_prop_name(prop));
        }
        seen[prop] = true;
        CM_TRY(cm_pparse_expect(p, CM_PT_ASSIGN, "'='"));
        if (prop == CM_PROP_TYPE || prop == CM_PROP_VALUE) {
            st = cm_pparse_expr(p, prop == CM_PROP_TYPE ? &a->type : &a->value);
            if (st != CM_OK) {
                goto out;
            }
        } else {
            st = parse_fixed(p, prop, a);
            if (st != CM_OK) {
                goto out;
            }
        }
        if (p->t.kind != CM_PT_COMMA) {
            break;
        }
        CM_TRY(cm_pparse_advance(p));
    }
    if (a->type == NULL || a->value == NULL) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "a claim needs its %s",
                                a->type == NULL ? "type" : "value");
    }
out:
    return st;
}

static enum cm_status action_kind(struct cm_pparser *p, struct cm_paction *a)
{
    static const struct {
        const char *word;
        enum cm_paction_kind kind;
        unsigned in; /* bit per section */
    } kinds[] = {
        {"permit", CM_PA_PERMIT, 1u << CM_PS_AUTHORIZATION},
        {"deny", CM_PA_DENY, 1u << CM_PS_AUTHORIZATION},
        {"add", CM_PA_ADD, 1u << CM_PS_AUTHORIZATION | 1u << CM_PS_ISSUANCE},
        /* a published policy issues where it authorizes; there it only adds */
        {"issue", CM_PA_ISSUE, 1u << CM_PS_AUTHORIZATION | 1u << CM_PS_ISSUANCE},
        {"issueproperty", CM_PA_PROPERTY, 1u << CM_PS_CONFIGURATION | 1u << CM_PS_ISSUANCE},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!cm_pparse_word(p, kinds[i].word, false)) {
            continue;
        }
        if ((kinds[i].in & (1u << p->section)) == 0) {
            return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "%s has no place in %s",
                                    kinds[i].word, sections[p->section]);
        }
        a->kind = kinds[i].kind;
        return CM_OK;
    }
    return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                            "permit, deny, add, issue or issueproperty expected");
}

static enum cm_status parse_action(struct cm_pparser *p, struct cm_paction *a)
{
    enum cm_status st = CM_OK;

    a->issuer = CM_POLICY_POLICY;
    CM_TRY(action_kind(p, a));
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expect(p, CM_PT_LPAREN, "'('"));
    if (a->kind != CM_PA_PERMIT && a->kind != CM_PA_DENY) {
        if (cm_pparse_word(p, "claim", false)) {
            a->whole = true;
            st = cm_pparse_advance(p);
            if (st != CM_OK) {
                goto out;
            }
            st = cm_pparse_expect(p, CM_PT_ASSIGN, "'='");
            if (st != CM_OK) {
                goto out;
            }
            if (p->t.kind != CM_PT_WORD) {
                return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "a condition's name expected");
            }
            st = cm_pparse_bound(p, &a->claim);
            if (st != CM_OK) {
                goto out;
            }
        } else {
            st = parse_claim(p, a);
            if (st != CM_OK) {
                goto out;
            }
        }
    }
    CM_TRY(cm_pparse_expect(p, CM_PT_RPAREN, "')'"));
out:
    return st;
}

static enum cm_status parse_rule(struct cm_pparser *p, struct cm_prule *r)
{
    enum cm_status st = CM_OK;

    r->off = p->t.off;
    r->section = p->section;
    CM_TRY(parse_conditions(p, r));
    CM_TRY(cm_pparse_advance(p)); /* the arrow */
    CM_TRY(parse_action(p, &r->action));
    r->len = p->end - r->off;
    if (p->t.kind == CM_PT_SEMICOLON) {
        CM_TRY(cm_pparse_advance(p));
    } else if (p->t.kind != CM_PT_RBRACE && !p->t.new_line) {
        /* published policies leave it out before '}' and at the end of a line */
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "';' expected");
    }
out:
    return st;
}

struct rules {
    struct cm_prule *of[CM_PS_COUNT]; /* CM_POLICY_MAX_RULES each, on the heap while parsing */
    size_t count[CM_PS_COUNT];
    bool seen[CM_PS_COUNT];
};

static enum cm_status parse_section(struct cm_pparser *p, struct rules *all)
{
    size_t s = 0;
    enum cm_status st = CM_OK;

    while (s < CM_PS_COUNT && !cm_pparse_word(p, sections[s], true)) {
        s++;
    }
    if (s == CM_PS_COUNT) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                                "configurationrules, authorizationrules or issuancerules expected");
    }
    if (all->seen[s]) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "%s stands twice", sections[s]);
    }
    if (s == CM_PS_CONFIGURATION && p->minor < 1) {
        return cm_pparse_refuse(p, CM_ERR_UNSUPPORTED, p->t.off,
                                "configurationrules need version 1.1");
    }
    all->seen[s] = true;
    p->section = (enum cm_psection)s;
    all->of[s] = calloc(CM_POLICY_MAX_RULES, sizeof(all->of[s][0]));
    if (all->of[s] == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expect(p, CM_PT_LBRACE, "'{'"));
    while (p->t.kind != CM_PT_RBRACE) {
        if (all->count[0] + all->count[1] + all->count[2] == CM_POLICY_MAX_RULES) {
            return cm_pparse_refuse(p, CM_ERR_LIMIT, p->t.off, "too many rules");
        }
        CM_TRY(parse_rule(p, &all->of[s][all->count[s]]));
        all->count[s]++;
    }
    CM_TRY(cm_pparse_advance(p));
    if (p->t.kind == CM_PT_SEMICOLON) {
        CM_TRY(cm_pparse_advance(p));
    }
out:
    return st;
}

static enum cm_status parse_version(struct cm_pparser *p)
{
    struct cm_span v = {NULL, 0};
    enum cm_status st = CM_OK;

    if (p->t.kind == CM_PT_END) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "the policy is empty");
    }
    if (!cm_pparse_word(p, "version", false)) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "a policy begins with version=1.0;");
    }
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expect(p, CM_PT_ASSIGN, "'='"));
    if (p->t.kind != CM_PT_VERSION) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "1.0, 1.1 or 1.2 expected");
    }
    v = p->t.text;
    if (v.len != 3 || v.ptr[0] != '1' || v.ptr[2] > '2') {
        return cm_pparse_refuse(p, CM_ERR_UNSUPPORTED, p->t.off,
                                "the language has versions 1.0, 1.1 and 1.2");
    }
    p->minor = (unsigned)(v.ptr[2] - '0');
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_expect(p, CM_PT_SEMICOLON, "';'"));
out:
    return st;
}

static enum cm_status gather(struct cm_policy *policy, const struct rules *all)
{
    size_t n = 0;

    policy->rule_count = all->count[0] + all->count[1] + all->count[2];
    policy->rules = cm_arena_array(&policy->arena, policy->rule_count, sizeof(policy->rules[0]));
    if (policy->rules == NULL) {
        return policy->arena.status;
    }
    for (size_t s = 0; s < CM_PS_COUNT; s++) {
        if (all->count[s] != 0) {
            memcpy(policy->rules + n, all->of[s], all->count[s] * sizeof(policy->rules[0]));
            n += all->count[s];
        }
    }
    return CM_OK;
}

static enum cm_status check_text(struct cm_pparser *p)
{
    struct cm_span rest = p->lx.text;
    uint32_t cp = 0;

    if (rest.len > CM_POLICY_MAX_TEXT) {
        return cm_pparse_refuse(p, CM_ERR_LIMIT, 0, "the policy is longer than %u bytes",
                                CM_POLICY_MAX_TEXT);
    }
    while (rest.len != 0) {
        size_t n = cm_utf8_decode(rest, &cp);

        if (n == 0 || cp == 0 || cp == 0xfeff) {
            return cm_pparse_refuse(p, CM_ERR_FORMAT, p->lx.text.len - rest.len,
                                    cp == 0xfeff && n != 0 ? "a byte order mark: save without it"
                                                           : "not UTF-8 text");
        }
        rest = cm_span_make(rest.ptr + n, rest.len - n);
    }
    return CM_OK;
}

static enum cm_status parse_all(struct cm_pparser *p, struct cm_policy *policy)
{
    struct rules all = {{NULL}, {0}, {false}};
    enum cm_status st = CM_OK;

    CM_TRY(check_text(p));
    CM_TRY(cm_pparse_advance(p)); /* fills the token behind the current one */
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(parse_version(p));
    while (p->t.kind != CM_PT_END) {
        CM_TRY(parse_section(p, &all));
    }
    if (!all.seen[0] && !all.seen[1] && !all.seen[2]) {
        st = cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "the policy has no rules");
        goto out;
    }
    policy->minor = p->minor;
    st = gather(policy, &all);
out:
    for (size_t s = 0; s < CM_PS_COUNT; s++) {
        free(all.of[s]);
    }
    return st;
}

enum cm_status cm_policy_parse(struct cm_span text, struct cm_policy **out,
                               struct cm_policy_error *error)
{
    struct cm_policy *policy = calloc(1, sizeof(*policy));
    struct cm_pparser p = {.lx = {.text = text}};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (policy == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    policy->arena = cm_arena_init(ARENA_MAX);
    p.lx.arena = &policy->arena;
    if (text.len <= CM_POLICY_MAX_TEXT) {
        policy->text = cm_arena_copy(&policy->arena, text);
        CM_TRY(policy->arena.status);
        p.lx.text = policy->text;
    }
    CM_TRY(parse_all(&p, policy));
    *out = policy;
    policy = NULL;
out:
    if (st != CM_OK && error != NULL) {
        memset(error, 0, sizeof(*error));
        if (p.lx.why.text[0] != '\0') {
            cm_policy_place(p.lx.text, p.lx.fail_off, &error->line, &error->column);
        }
        (void)snprintf(error->text, sizeof(error->text), "%.191s",
                       p.lx.why.text[0] != '\0' ? p.lx.why.text : cm_status_str(st));
    }
    cm_policy_free(policy);
    return st;
}

void cm_policy_free(struct cm_policy *policy)
{
    if (policy != NULL) {
        cm_arena_free(&policy->arena);
        free(policy);
    }
}
