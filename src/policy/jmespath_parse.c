/*
 * Compiling JMESPath: a Pratt parser with the binding powers of the specification's reference; see
 * jmespath.h. The recursion is bounded by CM_JP_MAX_NEST, that over the result by CM_JP_MAX_DEPTH.
 */
#include <string.h>

#include "common/try.h"
#include "policy/jmespath_lex.h"
#include "token/utf8.h"

/* binding powers; what binds less than PROJECTION_STOP ends a projection */
#define BP_PIPE         1
#define BP_OR           2
#define BP_AND          3
#define BP_COMPARE      5
#define BP_FLATTEN      9
#define PROJECTION_STOP 10
#define BP_STAR         20
#define BP_FILTER       21
#define BP_DOT          40
#define BP_NOT          45
#define BP_LBRACKET     55

#define MAX_PARTS       64u

struct parser {
    struct cm_jp_lexer lx;
    struct cm_jp_token t;    /* the current token */
    struct cm_jp_token next; /* the one behind it */
    uint32_t nest;
    size_t fail_at;
};

static enum cm_status expression(struct parser *p, int power, const struct cm_jp **out);

static enum cm_status refuse(struct parser *p, const char *what)
{
    p->fail_at = p->t.at;
    cm_why_set(p->lx.why, "%s", what);
    return CM_ERR_SYNTAX;
}

static enum cm_status advance(struct parser *p)
{
    enum cm_status st = CM_OK;

    p->t = p->next;
    st = cm_jp_next(&p->lx, &p->next);
    if (st != CM_OK) {
        p->fail_at = p->lx.pos;
    }
    return st;
}

static enum cm_status expect(struct parser *p, enum cm_jp_token_kind kind, const char *what)
{
    return p->t.kind == kind ? advance(p) : refuse(p, what);
}

/* A node over up to two others. */
static enum cm_status node(struct parser *p, const struct cm_jp *what, struct cm_jp **out)
{
    struct cm_jp *n = cm_arena_get(p->lx.arena, sizeof(*n));

    if (n == NULL) {
        return p->lx.arena->status;
    }
    *n = *what;
    if (n->left != NULL && n->left->depth >= n->depth) {
        n->depth = n->left->depth + 1;
    }
    if (n->right != NULL && n->right->depth >= n->depth) {
        n->depth = n->right->depth + 1;
    }
    for (size_t i = 0; i < n->count; i++) {
        n->depth = n->parts[i]->depth >= n->depth ? n->parts[i]->depth + 1 : n->depth;
    }
    if (n->depth > CM_JP_MAX_DEPTH) {
        p->fail_at = p->t.at;
        cm_why_set(p->lx.why, "the query is too deep");
        return CM_ERR_LIMIT;
    }
    *out = n;
    return CM_OK;
}

static enum cm_status join(struct parser *p, enum cm_jp_kind kind, const struct cm_jp *left,
                           const struct cm_jp *right, const struct cm_jp **out)
{
    struct cm_jp what = {.kind = kind, .left = left, .right = right};
    struct cm_jp *n = NULL;
    enum cm_status st = node(p, &what, &n);

    if (st == CM_OK) {
        *out = n;
    }
    return st;
}

static enum cm_status current(struct parser *p, const struct cm_jp **out)
{
    return join(p, CM_JP_CURRENT, NULL, NULL, out);
}

static int power_of(enum cm_jp_token_kind kind)
{
    switch (kind) {
    case CM_JPT_PIPE:
        return BP_PIPE;
    case CM_JPT_OR:
        return BP_OR;
    case CM_JPT_AND:
        return BP_AND;
    case CM_JPT_COMPARE:
        return BP_COMPARE;
    case CM_JPT_FLATTEN:
        return BP_FLATTEN;
    case CM_JPT_FILTER:
        return BP_FILTER;
    case CM_JPT_DOT:
        return BP_DOT;
    case CM_JPT_LBRACKET:
        return BP_LBRACKET;
    case CM_JPT_END:
    case CM_JPT_NAME:
    case CM_JPT_QUOTED:
    case CM_JPT_LITERAL:
    case CM_JPT_NUMBER:
    case CM_JPT_STAR:
    case CM_JPT_RBRACKET:
    case CM_JPT_LBRACE:
    case CM_JPT_RBRACE:
    case CM_JPT_LPAREN:
    case CM_JPT_RPAREN:
    case CM_JPT_COMMA:
    case CM_JPT_COLON:
    case CM_JPT_NOT:
    case CM_JPT_CURRENT:
        break;
    }
    return 0;
}

/* Expressions separated by commas up to `end`; of a hash each with its name. */
static enum cm_status parts(struct parser *p, struct cm_jp what, enum cm_jp_token_kind end,
                            const struct cm_jp **out)
{
    const struct cm_jp *found[MAX_PARTS];
    struct cm_span names[MAX_PARTS];
    struct cm_jp *n = NULL;
    enum cm_status st = CM_OK;

    while (p->t.kind != end) {
        if (what.count == MAX_PARTS) {
            return refuse(p, "too many parts");
        }
        if (what.count != 0) {
            st = expect(p, CM_JPT_COMMA, "',' is expected");
            if (st != CM_OK) {
                goto out;
            }
        }
        if (what.kind == CM_JP_HASH) {
            if (p->t.kind != CM_JPT_NAME && p->t.kind != CM_JPT_QUOTED) {
                return refuse(p, "a name is expected");
            }
            names[what.count] = p->t.name;
            st = advance(p);
            if (st != CM_OK) {
                goto out;
            }
            st = expect(p, CM_JPT_COLON, "':' is expected");
            if (st != CM_OK) {
                goto out;
            }
        }
        CM_TRY(expression(p, 0, &found[what.count]));
        what.count++;
    }
    CM_TRY(advance(p));
    what.parts = cm_arena_array(p->lx.arena, what.count, sizeof(void *));
    what.names = cm_arena_array(p->lx.arena, what.count, sizeof(what.names[0]));
    CM_TRY(p->lx.arena->status);
    for (size_t i = 0; i < what.count; i++) {
        what.parts[i] = found[i];
        if (what.kind == CM_JP_HASH) {
            what.names[i] = cm_arena_copy(p->lx.arena, names[i]);
        }
    }
    CM_TRY(p->lx.arena->status);
    CM_TRY(node(p, &what, &n));
    *out = n;
out:
    return st;
}

static enum cm_status multi(struct parser *p, enum cm_jp_kind kind, const struct cm_jp **out)
{
    struct cm_jp what = {.kind = kind};
    enum cm_jp_token_kind end = kind == CM_JP_LIST ? CM_JPT_RBRACKET : CM_JPT_RBRACE;

    if (p->t.kind == end) {
        return refuse(p, "at least one part is expected");
    }
    return parts(p, what, end, out);
}

/* What follows a dot. */
static enum cm_status dot_rhs(struct parser *p, int power, const struct cm_jp **out)
{
    enum cm_status st = CM_OK;

    if (p->t.kind == CM_JPT_NAME || p->t.kind == CM_JPT_QUOTED || p->t.kind == CM_JPT_STAR) {
        return expression(p, power, out);
    }
    if (p->t.kind == CM_JPT_LBRACKET) {
        CM_TRY(advance(p));
        return multi(p, CM_JP_LIST, out);
    }
    if (p->t.kind == CM_JPT_LBRACE) {
        CM_TRY(advance(p));
        return multi(p, CM_JP_HASH, out);
    }
    return refuse(p, "a name, '*', '[' or '{' is expected behind '.'");
out:
    return st;
}

/* What is done with every element of a projection. */
static enum cm_status projection_rhs(struct parser *p, int power, const struct cm_jp **out)
{
    enum cm_status st = CM_OK;

    if (power_of(p->t.kind) < PROJECTION_STOP) {
        return current(p, out);
    }
    if (p->t.kind == CM_JPT_LBRACKET || p->t.kind == CM_JPT_FILTER) {
        return expression(p, power, out);
    }
    CM_TRY(expect(p, CM_JPT_DOT, "this cannot follow a projection"));
    return dot_rhs(p, power, out);
out:
    return st;
}

static enum cm_status project(struct parser *p, enum cm_jp_kind kind, const struct cm_jp *left,
                              int power, const struct cm_jp **out)
{
    const struct cm_jp *right = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(projection_rhs(p, power, &right));
    CM_TRY(join(p, kind, left, right, out));
out:
    return st;
}

/* [number], [start:stop:step]; the bracket is behind us */
static enum cm_status index_or_slice(struct parser *p, const struct cm_jp *left,
                                     const struct cm_jp **out)
{
    struct cm_jp what = {.kind = CM_JP_INDEX};
    struct cm_jp *n = NULL;
    size_t part = 0;
    enum cm_status st = CM_OK;

    while (p->t.kind != CM_JPT_RBRACKET) {
        if (p->t.kind == CM_JPT_COLON && part < 2) {
            what.kind = CM_JP_SLICE;
            part++;
        } else if (p->t.kind == CM_JPT_NUMBER && !what.has[part]) {
            what.slice[part] = p->t.number;
            what.has[part] = true;
        } else {
            return refuse(p, "']' is expected");
        }
        CM_TRY(advance(p));
    }
    if (what.kind == CM_JP_SLICE && what.has[2] && what.slice[2] == 0) {
        return refuse(p, "the step of a slice is not 0");
    }
    CM_TRY(advance(p));
    CM_TRY(node(p, &what, &n));
    CM_TRY(join(p, CM_JP_CHAIN, left, n, out));
    if (what.kind == CM_JP_SLICE) {
        CM_TRY(project(p, CM_JP_MAP, *out, BP_STAR, out));
    }
out:
    return st;
}

/* '[' is behind us: index, slice, [*], or (only where nothing stands before it) a list */
static enum cm_status bracket(struct parser *p, const struct cm_jp *left, bool first,
                              const struct cm_jp **out)
{
    enum cm_status st = CM_OK;

    if (p->t.kind == CM_JPT_NUMBER || p->t.kind == CM_JPT_COLON) {
        return index_or_slice(p, left, out);
    }
    if (p->t.kind == CM_JPT_STAR && p->next.kind == CM_JPT_RBRACKET) {
        CM_TRY(advance(p));
        CM_TRY(advance(p));
        return project(p, CM_JP_MAP, left, BP_STAR, out);
    }
    if (first) {
        return multi(p, CM_JP_LIST, out);
    }
    return refuse(p, "a number, ':' or '*' is expected");
out:
    return st;
}

/* '[?' is behind us */
static enum cm_status filter(struct parser *p, const struct cm_jp *left, const struct cm_jp **out)
{
    const struct cm_jp *condition = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(expression(p, 0, &condition));
    CM_TRY(expect(p, CM_JPT_RBRACKET, "']' is expected"));
    CM_TRY(join(p, CM_JP_FILTER, left, condition, out));
    if (p->t.kind == CM_JPT_FLATTEN) {
        struct cm_jp what = {.kind = CM_JP_CURRENT};
        struct cm_jp *same = NULL;

        CM_TRY(node(p, &what, &same));
        CM_TRY(join(p, CM_JP_MAP, *out, same, out));
    } else {
        CM_TRY(project(p, CM_JP_MAP, *out, BP_FILTER, out));
    }
out:
    return st;
}

static enum cm_status flatten(struct parser *p, const struct cm_jp *left, const struct cm_jp **out)
{
    enum cm_status st = CM_OK;

    CM_TRY(join(p, CM_JP_FLATTEN, left, NULL, out));
    CM_TRY(project(p, CM_JP_MAP, *out, BP_FLATTEN, out));
out:
    return st;
}

/* name(arguments); '(' is behind us */
static enum cm_status call(struct parser *p, struct cm_span name, const struct cm_jp **out)
{
    static const struct {
        const char *name;
        enum cm_jp_func func;
        size_t args;
    } functions[] = {
        {"contains", CM_JP_CONTAINS, 2},
        {"ends_with", CM_JP_ENDS_WITH, 2},
        {"equals_ignore_case", CM_JP_EQUALS_IGNORE_CASE, 2},
        {"keys", CM_JP_KEYS, 1},
        {"length", CM_JP_LENGTH, 1},
        {"not_null", CM_JP_NOT_NULL, 2},
        {"starts_with", CM_JP_STARTS_WITH, 2},
        {"type", CM_JP_TYPE, 1},
        {"values", CM_JP_VALUES, 1},
    };
    size_t i = 0;
    enum cm_status st = CM_OK;

    while (i < sizeof(functions) / sizeof(functions[0]) &&
           !cm_span_same(name, cm_span_make(functions[i].name, strlen(functions[i].name)))) {
        i++;
    }
    if (i == sizeof(functions) / sizeof(functions[0])) {
        (void)refuse(p, "a function that is not known");
        return CM_ERR_UNSUPPORTED;
    }
    {
        struct cm_jp what = {.kind = CM_JP_CALL, .func = functions[i].func};

        CM_TRY(parts(p, what, CM_JPT_RPAREN, out));
    }
    if ((*out)->count != functions[i].args) {
        return refuse(p, "the function takes another number of arguments");
    }
out:
    return st;
}

/* An expression's beginning. The token is behind us, in t. */
static enum cm_status prefix(struct parser *p, const struct cm_jp_token *t,
                             const struct cm_jp **out)
{
    struct cm_jp what = {.kind = CM_JP_FIELD};
    struct cm_jp *n = NULL;
    const struct cm_jp *here = NULL;
    enum cm_status st = CM_OK;

    switch (t->kind) {
    case CM_JPT_NAME:
        if (p->t.kind == CM_JPT_LPAREN) {
            st = advance(p);
            if (st != CM_OK) {
                goto out;
            }
            return call(p, t->name, out);
        }
        what.name = cm_arena_copy(p->lx.arena, t->name);
        CM_TRY(node(p, &what, &n));
        *out = n;
        return CM_OK;
    case CM_JPT_QUOTED:
        what.name = t->name;
        CM_TRY(node(p, &what, &n));
        *out = n;
        return CM_OK;
    case CM_JPT_LITERAL:
        what.kind = CM_JP_LITERAL;
        what.value = t->value;
        CM_TRY(node(p, &what, &n));
        *out = n;
        return CM_OK;
    case CM_JPT_NOT:
        CM_TRY(expression(p, BP_NOT, &here));
        return join(p, CM_JP_NOT, here, NULL, out);
    case CM_JPT_LPAREN:
        CM_TRY(expression(p, 0, out));
        return expect(p, CM_JPT_RPAREN, "')' is expected");
    case CM_JPT_LBRACE:
        return multi(p, CM_JP_HASH, out);
    case CM_JPT_CURRENT:
        return current(p, out);
    case CM_JPT_STAR:
        CM_TRY(current(p, &here));
        return project(p, CM_JP_MAP_OBJ, here, BP_STAR, out);
    case CM_JPT_FLATTEN:
        CM_TRY(current(p, &here));
        return flatten(p, here, out);
    case CM_JPT_FILTER:
        CM_TRY(current(p, &here));
        return filter(p, here, out);
    case CM_JPT_LBRACKET:
        CM_TRY(current(p, &here));
        return bracket(p, here, true, out);
    case CM_JPT_END:
    case CM_JPT_NUMBER:
    case CM_JPT_DOT:
    case CM_JPT_RBRACKET:
    case CM_JPT_RBRACE:
    case CM_JPT_RPAREN:
    case CM_JPT_COMMA:
    case CM_JPT_COLON:
    case CM_JPT_PIPE:
    case CM_JPT_OR:
    case CM_JPT_AND:
    case CM_JPT_COMPARE:
        break;
    }
    p->fail_at = t->at;
    cm_why_set(p->lx.why,
               t->kind == CM_JPT_NUMBER ? "a bare number: write `1`" : "an expression is expected");
    return CM_ERR_SYNTAX;
out:
    return st;
}

/* An expression's continuation. The token is behind us, in t. */
static enum cm_status infix(struct parser *p, const struct cm_jp_token *t, const struct cm_jp *left,
                            const struct cm_jp **out)
{
    struct cm_jp what = {.kind = CM_JP_COMPARE, .op = t->op, .left = left};
    struct cm_jp *n = NULL;
    const struct cm_jp *right = NULL;
    enum cm_jp_kind kind = CM_JP_CHAIN;
    enum cm_status st = CM_OK;

    if (t->kind == CM_JPT_FLATTEN) {
        return flatten(p, left, out);
    }
    if (t->kind == CM_JPT_FILTER) {
        return filter(p, left, out);
    }
    if (t->kind == CM_JPT_LBRACKET) {
        return bracket(p, left, false, out);
    }
    if (t->kind == CM_JPT_DOT && p->t.kind == CM_JPT_STAR) {
        CM_TRY(advance(p));
        return project(p, CM_JP_MAP_OBJ, left, BP_STAR, out);
    }
    if (t->kind == CM_JPT_DOT) {
        CM_TRY(dot_rhs(p, BP_DOT, &right));
        return join(p, CM_JP_CHAIN, left, right, out);
    }
    CM_TRY(expression(p, power_of(t->kind), &right));
    if (t->kind == CM_JPT_COMPARE) {
        what.right = right;
        CM_TRY(node(p, &what, &n));
        *out = n;
        return CM_OK;
    }
    if (t->kind != CM_JPT_PIPE) {
        kind = t->kind == CM_JPT_OR ? CM_JP_OR : CM_JP_AND;
    }
    CM_TRY(join(p, kind, left, right, out));
out:
    return st;
}

static enum cm_status expression(struct parser *p, int power, const struct cm_jp **out)
{
    struct cm_jp_token t = p->t;
    enum cm_status st = CM_OK;

    if (p->nest == CM_JP_MAX_NEST) {
        (void)refuse(p, "nested too deeply");
        return CM_ERR_LIMIT;
    }
    p->nest++;
    CM_TRY(advance(p));
    CM_TRY(prefix(p, &t, out));
    while (power < power_of(p->t.kind)) {
        const struct cm_jp *left = *out;

        t = p->t;
        CM_TRY(advance(p));
        CM_TRY(infix(p, &t, left, out));
    }
out:
    p->nest--;
    return st;
}

enum cm_status cm_jp_compile(struct cm_arena *a, struct cm_span text, const struct cm_jp **out,
                             size_t *at, struct cm_why *why)
{
    struct parser p = {.lx = {.arena = a, .text = text, .why = why}};
    const struct cm_jp *query = NULL;
    enum cm_status st = CM_OK;

    if (text.len > CM_JP_MAX_TEXT) {
        cm_why_set(why, "the query is too long");
        st = CM_ERR_LIMIT;
        goto out;
    }
    if (!cm_utf8_valid(text) || (text.len != 0 && memchr(text.ptr, 0, text.len) != NULL)) {
        cm_why_set(why, "the query is not UTF-8 text");
        st = CM_ERR_FORMAT; /* what it makes could not be written as JSON */
        goto out;
    }
    CM_TRY(advance(&p));
    CM_TRY(advance(&p));
    CM_TRY(expression(&p, 0, &query));
    if (p.t.kind != CM_JPT_END) {
        st = refuse(&p, "the query should end here");
        goto out;
    }
    *out = query;
out:
    *at = p.fail_at;
    return st;
}
