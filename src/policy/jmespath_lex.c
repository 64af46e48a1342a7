/* Tokens of JMESPath; see jmespath_lex.h. Untrusted: every byte of the query. */
#include "policy/jmespath_lex.h"

#include <string.h>

#include "common/checked.h"
#include "common/try.h"

static enum cm_status refuse(struct cm_jp_lexer *lx, const char *what)
{
    cm_why_set(lx->why, "%s", what);
    return CM_ERR_SYNTAX;
}

static int peek(const struct cm_jp_lexer *lx, size_t ahead)
{
    return ahead < lx->text.len - lx->pos ? lx->text.ptr[lx->pos + ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static void lex_name(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    size_t start = lx->pos;

    while (is_name(peek(lx, 0))) {
        lx->pos++;
    }
    t->kind = CM_JPT_NAME;
    t->name = cm_span_make(lx->text.ptr + start, lx->pos - start);
}

static enum cm_status lex_number(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    bool negative = peek(lx, 0) == '-';
    int64_t value = 0;

    t->kind = CM_JPT_NUMBER;
    lx->pos += negative ? 1 : 0;
    if (!is_digit(peek(lx, 0))) {
        return refuse(lx, "a digit is expected");
    }
    while (is_digit(peek(lx, 0))) {
        if (cm_mul_ovf(value, (int64_t)10, &value) ||
            cm_add_ovf(value, (int64_t)(peek(lx, 0) - '0'), &value)) {
            return refuse(lx, "the number is too large");
        }
        lx->pos++;
    }
    t->number = negative ? -value : value;
    return CM_OK;
}

/* What stands between two delimiters; a backslash keeps what follows it from ending it. */
static enum cm_status delimited(struct cm_jp_lexer *lx, char end, struct cm_span *inside)
{
    size_t start = lx->pos + 1;
    size_t at = start;

    while (at < lx->text.len && lx->text.ptr[at] != (uint8_t)end) {
        at += lx->text.ptr[at] == '\\' && at + 1 < lx->text.len ? 2 : 1;
    }
    if (at >= lx->text.len) {
        return refuse(lx, "no end of what is quoted");
    }
    *inside = cm_span_make(lx->text.ptr + start, at - start);
    lx->pos = at + 1;
    return CM_OK;
}

/* "name": a JSON string */
static enum cm_status lex_quoted(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    struct cm_span inside = {NULL, 0};
    struct cm_span whole = {NULL, 0};
    const struct cm_pj *v = NULL;
    size_t start = lx->pos;
    enum cm_status st = CM_OK;

    CM_TRY(delimited(lx, '"', &inside));
    whole = cm_arena_copy(lx->arena, cm_span_make(lx->text.ptr + start, inside.len + 2));
    CM_TRY(lx->arena->status);
    CM_TRY(cm_pj_parse(lx->arena, whole, &v, lx->why));
    t->kind = CM_JPT_QUOTED;
    t->name = v->text;
out:
    return st;
}

/* `JSON`, in which a back-tick stands behind a backslash */
static enum cm_status lex_literal(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    struct cm_span inside = {NULL, 0};
    char *copy = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(delimited(lx, '`', &inside));
    copy = cm_arena_get(lx->arena, inside.len + 1);
    CM_TRY(lx->arena->status);
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.ptr[i] == '\\' && i + 1 < inside.len && inside.ptr[i + 1] == '`') {
            i++;
        }
        copy[len++] = (char)inside.ptr[i];
    }
    t->kind = CM_JPT_LITERAL;
    st = cm_pj_parse(lx->arena, cm_span_make(copy, len), &t->value, lx->why);
out:
    return st;
}

/* 'raw': no escapes but \' */
static enum cm_status lex_raw(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    struct cm_span inside = {NULL, 0};
    struct cm_pj *v = NULL;
    char *copy = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(delimited(lx, '\'', &inside));
    copy = cm_arena_get(lx->arena, inside.len + 1);
    v = cm_arena_get(lx->arena, sizeof(*v));
    CM_TRY(lx->arena->status);
    for (size_t i = 0; i < inside.len; i++) {
        if (inside.ptr[i] == '\\' && i + 1 < inside.len && inside.ptr[i + 1] == '\'') {
            i++;
        }
        copy[len++] = (char)inside.ptr[i];
    }
    v->type = CM_PJ_TEXT;
    v->text = cm_span_make(copy, len);
    t->kind = CM_JPT_LITERAL;
    t->value = v;
out:
    return st;
}

static enum cm_status lex_sign(struct cm_jp_lexer *lx, struct cm_jp_token *t)
{
    static const struct {
        char text[3];
        enum cm_jp_token_kind kind;
        enum cm_jp_op op;
    } signs[] = {
        /* the longer ones first */
        {"[]", CM_JPT_FLATTEN, CM_JP_EQ}, {"[?", CM_JPT_FILTER, CM_JP_EQ},
        {"||", CM_JPT_OR, CM_JP_EQ},      {"&&", CM_JPT_AND, CM_JP_EQ},
        {"==", CM_JPT_COMPARE, CM_JP_EQ}, {"!=", CM_JPT_COMPARE, CM_JP_NE},
        {"<=", CM_JPT_COMPARE, CM_JP_LE}, {">=", CM_JPT_COMPARE, CM_JP_GE},
        {"<", CM_JPT_COMPARE, CM_JP_LT},  {">", CM_JPT_COMPARE, CM_JP_GT},
        {"*", CM_JPT_STAR, CM_JP_EQ},     {".", CM_JPT_DOT, CM_JP_EQ},
        {"[", CM_JPT_LBRACKET, CM_JP_EQ}, {"]", CM_JPT_RBRACKET, CM_JP_EQ},
        {"{", CM_JPT_LBRACE, CM_JP_EQ},   {"}", CM_JPT_RBRACE, CM_JP_EQ},
        {"(", CM_JPT_LPAREN, CM_JP_EQ},   {")", CM_JPT_RPAREN, CM_JP_EQ},
        {",", CM_JPT_COMMA, CM_JP_EQ},    {":", CM_JPT_COLON, CM_JP_EQ},
        {"|", CM_JPT_PIPE, CM_JP_EQ},     {"!", CM_JPT_NOT, CM_JP_EQ},
        {"@", CM_JPT_CURRENT, CM_JP_EQ},
    };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t len = strlen(signs[i].text);

        if (len <= lx->text.len - lx->pos &&
            memcmp(lx->text.ptr + lx->pos, signs[i].text, len) == 0) {
            t->kind = signs[i].kind;
            t->op = signs[i].op;
            lx->pos += len;
            return CM_OK;
        }
    }
    return refuse(lx, "a character that has no meaning here");
}

enum cm_status cm_jp_next(struct cm_jp_lexer *lx, struct cm_jp_token *out)
{
    struct cm_jp_token t = {.kind = CM_JPT_END};
    enum cm_status st = CM_OK;

    while (peek(lx, 0) == ' ' || peek(lx, 0) == '\t' || peek(lx, 0) == '\n' ||
           peek(lx, 0) == '\r') {
        lx->pos++;
    }
    t.at = lx->pos;
    if (peek(lx, 0) == -1) {
        st = CM_OK;
    } else if (is_name(peek(lx, 0)) && !is_digit(peek(lx, 0))) {
        lex_name(lx, &t);
    } else if (is_digit(peek(lx, 0)) || peek(lx, 0) == '-') {
        st = lex_number(lx, &t);
    } else if (peek(lx, 0) == '"') {
        st = lex_quoted(lx, &t);
    } else if (peek(lx, 0) == '`') {
        st = lex_literal(lx, &t);
    } else if (peek(lx, 0) == '\'') {
        st = lex_raw(lx, &t);
    } else {
        st = lex_sign(lx, &t);
    }
    *out = t;
    return st;
}
