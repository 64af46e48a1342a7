/* Parsing values: literals, properties of bound claims, calls; see policy_parser.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/try.h"
#include "policy/policy_parser.h"

static const struct {
    const char *name;
    enum cm_pfunc func;
    size_t args;
} functions[] = {
    [CM_PF_APPEND_STRING] = {"AppendString", CM_PF_APPEND_STRING, 2},
    [CM_PF_CONTAINS_ONLY_VALUE] = {"ContainsOnlyValue", CM_PF_CONTAINS_ONLY_VALUE, 2},
    [CM_PF_IS_SUBSET_OF] = {"IsSubsetOf", CM_PF_IS_SUBSET_OF, 2},
    [CM_PF_JMESPATH] = {"JmesPath", CM_PF_JMESPATH, 2},
    [CM_PF_JSON_TO_CLAIM_VALUE] = {"JsonToClaimValue", CM_PF_JSON_TO_CLAIM_VALUE, 1},
    [CM_PF_NEGATE_BOOL] = {"NegateBool", CM_PF_NEGATE_BOOL, 1},
};

static const char *const props[] = {
    [CM_PROP_TYPE] = "type",
    [CM_PROP_VALUE] = "value",
    [CM_PROP_ISSUER] = "issuer",
    [CM_PROP_VALUE_TYPE] = "valueType",
};

const char *cm_policy_prop_name(enum cm_prop prop)
{
    return props[prop];
}

const char *cm_policy_func_name(enum cm_pfunc func)
{
    return functions[func].name;
}

enum cm_status cm_pparse_refuse(struct cm_pparser *p, enum cm_status st, size_t off,
                                const char *what, ...)
{
    char text[192] = "";
    va_list args;

    va_start(args, what);
    (void)vsnprintf(text, sizeof(text), what, args);
    va_end(args);
    p->lx.fail_off = off;
    cm_why_set(&p->lx.why, "%s", text);
    return st;
}

enum cm_status cm_pparse_advance(struct cm_pparser *p)
{
    p->end = p->t.off + p->t.len;
    p->t = p->next;
    return cm_policy_next(&p->lx, &p->next);
}

enum cm_status cm_pparse_expect(struct cm_pparser *p, enum cm_ptoken_kind kind, const char *what)
{
    if (p->t.kind != kind) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off, "%s expected", what);
    }
    return cm_pparse_advance(p);
}

bool cm_pparse_word(const struct cm_pparser *p, const char *word, bool loose)
{
    const size_t len = strlen(word);

    if (p->t.kind != CM_PT_WORD || p->t.text.len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t c = p->t.text.ptr[i];

        if ((loose ? cm_lower(c) : c) != (uint8_t)word[i]) {
            return false;
        }
    }
    return true;
}

enum cm_status cm_pparse_prop(struct cm_pparser *p, enum cm_prop *out)
{
    for (size_t i = 0; i < sizeof(props) / sizeof(props[0]); i++) {
        if (cm_pparse_word(p, props[i], false)) {
            *out = (enum cm_prop)i;
            return cm_pparse_advance(p);
        }
    }
    return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                            "type, value, issuer or valueType expected");
}

enum cm_status cm_pparse_bound(struct cm_pparser *p, size_t *cond)
{
    for (size_t i = 0; i < p->cond_count; i++) {
        if (p->conds[i].name.ptr != NULL && cm_span_same(p->conds[i].name, p->t.text)) {
            if (p->conds[i].negated) {
                return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                                        "\"%.*s\" stands for no claim: its condition begins with !",
                                        (int)p->t.text.len, (const char *)p->t.text.ptr);
            }
            *cond = i;
            return cm_pparse_advance(p);
        }
    }
    return cm_pparse_refuse(
        p, CM_ERR_SYNTAX, p->t.off, "\"%.*s\" is bound by no condition of this rule before it",
        (int)(p->t.text.len < 64 ? p->t.text.len : 64), (const char *)p->t.text.ptr);
}

static enum cm_status new_expr(struct cm_pparser *p, enum cm_pexpr_kind kind, struct cm_pexpr **out)
{
    *out = cm_arena_get(p->lx.arena, sizeof(**out));
    if (*out == NULL) {
        return p->lx.arena->status;
    }
    (*out)->kind = kind;
    (*out)->off = p->t.off;
    return CM_OK;
}

/* A literal query is compiled at once, so that its errors have a place in the policy. */
static enum cm_status compile_query(struct cm_pparser *p, struct cm_pexpr *e)
{
    const struct cm_pexpr *query = e->args[1];
    size_t at = 0;
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (query->kind != CM_PE_LITERAL || query->literal.type != CM_POLICY_TEXT) {
        return CM_OK;
    }
    st = cm_jp_compile(p->lx.arena, query->literal.text, &e->query, &at, &why);
    if (st != CM_OK) {
        /* the text of a literal without escapes is where it stands; else its beginning must do */
        size_t off = query->off;

        if (memcmp(p->lx.text.ptr + query->off + 1, query->literal.text.ptr, at) == 0) {
            off += 1 + at;
        }
        return cm_pparse_refuse(p, st, off, "in the query: %s", why.text);
    }
    return CM_OK;
}

bool cm_pparse_type_of(const struct cm_pexpr *e, enum cm_policy_value_type *out)
{
    if (e->kind == CM_PE_LITERAL) {
        *out = e->literal.type;
        return true;
    }
    if (e->kind == CM_PE_PROPERTY) {
        *out = CM_POLICY_TEXT;
        return e->prop != CM_PROP_VALUE;
    }
    *out = e->func == CM_PF_APPEND_STRING || e->func == CM_PF_JMESPATH ? CM_POLICY_TEXT
                                                                       : CM_POLICY_BOOL;
    return e->func != CM_PF_JSON_TO_CLAIM_VALUE;
}

/* What is certainly wrong about arguments is wrong now and not when the rule first fires. */
static enum cm_status check_args(struct cm_pparser *p, const struct cm_pexpr *e)
{
    enum cm_policy_value_type type = CM_POLICY_TEXT;
    bool texts = e->func == CM_PF_APPEND_STRING || e->func == CM_PF_JMESPATH ||
                 e->func == CM_PF_JSON_TO_CLAIM_VALUE;

    for (size_t i = 0; i < functions[e->func].args; i++) {
        if (!cm_pparse_type_of(e->args[i], &type)) {
            continue;
        }
        if (texts && type != CM_POLICY_TEXT) {
            return cm_pparse_refuse(p, CM_ERR_SYNTAX, e->args[i]->off, "%s() takes strings",
                                    functions[e->func].name);
        }
        if (e->func == CM_PF_NEGATE_BOOL && type != CM_POLICY_BOOL) {
            return cm_pparse_refuse(p, CM_ERR_SYNTAX, e->args[i]->off,
                                    "NegateBool() takes a boolean");
        }
    }
    return CM_OK;
}

static enum cm_status call(struct cm_pparser *p, struct cm_pexpr *e)
{
    size_t i = 0;
    size_t off = p->t.off;
    enum cm_status st = CM_OK;

    while (i < sizeof(functions) / sizeof(functions[0]) &&
           !cm_pparse_word(p, functions[i].name, false)) {
        i++;
    }
    if (i == sizeof(functions) / sizeof(functions[0])) {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, off, "a function that is not known");
    }
    if (p->minor < 2) {
        return cm_pparse_refuse(p, CM_ERR_UNSUPPORTED, off, "functions need version 1.2");
    }
    e->func = functions[i].func;
    CM_TRY(cm_pparse_advance(p));
    CM_TRY(cm_pparse_advance(p)); /* '(' was seen */
    for (size_t a = 0; a < functions[i].args; a++) {
        if (a != 0) {
            st = cm_pparse_expect(p, CM_PT_COMMA, "','");
            if (st != CM_OK) {
                goto out;
            }
        }
        CM_TRY(cm_pparse_expr(p, &e->args[a]));
    }
    CM_TRY(cm_pparse_expect(p, CM_PT_RPAREN, "')'"));
    CM_TRY(check_args(p, e));
    if (e->func == CM_PF_JMESPATH) {
        CM_TRY(compile_query(p, e));
    }
out:
    return st;
}

static enum cm_status literal(struct cm_pparser *p, struct cm_pexpr *e)
{
    if (p->t.kind == CM_PT_TEXT) {
        e->literal.type = CM_POLICY_TEXT;
        e->literal.text = p->t.text;
    } else if (p->t.kind == CM_PT_INT) {
        e->literal.type = CM_POLICY_INT;
        e->literal.number = p->t.number;
    } else if (cm_pparse_word(p, "true", false) || cm_pparse_word(p, "false", false)) {
        e->literal.type = CM_POLICY_BOOL;
        e->literal.number = cm_pparse_word(p, "true", false) ? 1 : 0;
    } else {
        return cm_pparse_refuse(p, CM_ERR_SYNTAX, p->t.off,
                                "a value expected: a string, an integer, true, false, "
                                "a bound claim's property or a function");
    }
    return cm_pparse_advance(p);
}

enum cm_status cm_pparse_expr(struct cm_pparser *p, const struct cm_pexpr **out)
{
    struct cm_pexpr *e = NULL;
    enum cm_pexpr_kind kind = CM_PE_LITERAL;
    enum cm_status st = CM_OK;

    if (p->nest == CM_POLICY_MAX_NEST) {
        return cm_pparse_refuse(p, CM_ERR_LIMIT, p->t.off, "calls are nested too deeply");
    }
    p->nest++;
    if (p->t.kind == CM_PT_WORD && p->next.kind == CM_PT_LPAREN) {
        kind = CM_PE_CALL;
    } else if (p->t.kind == CM_PT_WORD && p->next.kind == CM_PT_DOT) {
        kind = CM_PE_PROPERTY;
    }
    CM_TRY(new_expr(p, kind, &e));
    if (kind == CM_PE_CALL) {
        CM_TRY(call(p, e));
    } else if (kind == CM_PE_PROPERTY) {
        CM_TRY(cm_pparse_bound(p, &e->cond));
        CM_TRY(cm_pparse_advance(p)); /* the dot */
        CM_TRY(cm_pparse_prop(p, &e->prop));
    } else {
        CM_TRY(literal(p, e));
    }
    *out = e;
out:
    p->nest--;
    return st;
}
