/* The lexer and the conditional part of the C preprocessor. Input is untrusted text. */
#include "edl/edl_lex.h"

#include <string.h>

#include "common/checked.h"
#include "edl/edl_diag.h"

void cm_edl_lex_init(struct cm_edl_lexer *lx, struct cm_edl_context *ctx,
                     const struct cm_edl_file *file)
{
    memset(lx, 0, sizeof(*lx));
    lx->ctx = ctx;
    lx->file = file;
}

bool cm_edl_token_is(const struct cm_edl_token *t, const char *text)
{
    return t->kind != CM_EDL_T_STRING && t->kind != CM_EDL_T_END && strlen(text) == t->len &&
           memcmp(t->ptr, text, t->len) == 0;
}

static struct cm_edl_loc at(const struct cm_edl_lexer *lx, size_t off)
{
    struct cm_edl_loc loc = {lx->file, off};

    return loc;
}

static bool is_name_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* 0 at the end of the text; a NUL inside it is an error by itself */
static int peek_char(const struct cm_edl_lexer *lx, size_t ahead)
{
    size_t left = lx->file->len - lx->pos;

    return ahead < left ? (unsigned char)lx->file->text[lx->pos + ahead] : 0;
}

static bool at_end(const struct cm_edl_lexer *lx)
{
    return lx->pos >= lx->file->len || lx->ctx->st != CM_OK;
}

static void skip_block_comment(struct cm_edl_lexer *lx)
{
    size_t start = lx->pos;

    lx->pos += 2;
    while (!at_end(lx) && !(peek_char(lx, 0) == '*' && peek_char(lx, 1) == '/')) {
        lx->pos++;
    }
    if (at_end(lx)) {
        cm_edl_error(lx->ctx, at(lx, start), "unterminated comment");
        return;
    }
    lx->pos += 2;
}

static void skip_space(struct cm_edl_lexer *lx)
{
    while (!at_end(lx)) {
        int c = peek_char(lx, 0);

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
            lx->pos++;
        } else if (c == '/' && peek_char(lx, 1) == '/') {
            while (!at_end(lx) && peek_char(lx, 0) != '\n') {
                lx->pos++;
            }
        } else if (c == '/' && peek_char(lx, 1) == '*') {
            skip_block_comment(lx);
        } else {
            return;
        }
    }
}

static void lex_number(struct cm_edl_lexer *lx, struct cm_edl_token *t)
{
    uint64_t v = 0;

    while (is_digit(peek_char(lx, 0))) {
        if (cm_mul_ovf(v, 10u, &v) || cm_add_ovf(v, (unsigned)(peek_char(lx, 0) - '0'), &v) ||
            v > INT64_MAX) {
            cm_edl_error(lx->ctx, t->loc, "integer is too large");
            return;
        }
        lx->pos++;
    }
    if (is_name_start(peek_char(lx, 0))) {
        cm_edl_error(lx->ctx, t->loc, "malformed integer: only decimal integers are supported");
        return;
    }
    t->kind = CM_EDL_T_NUMBER;
    t->number = v;
}

static void lex_string(struct cm_edl_lexer *lx, struct cm_edl_token *t)
{
    size_t start = ++lx->pos;

    while (!at_end(lx) && peek_char(lx, 0) != '"' && peek_char(lx, 0) >= 0x20) {
        lx->pos++;
    }
    if (peek_char(lx, 0) != '"') {
        cm_edl_error(lx->ctx, t->loc, "unterminated string");
        return;
    }
    t->kind = CM_EDL_T_STRING;
    t->ptr = lx->file->text + start;
    t->len = lx->pos - start;
    lx->pos++;
}

static struct cm_edl_token raw_token(struct cm_edl_lexer *lx)
{
    struct cm_edl_token t = {CM_EDL_T_END, "", 0, 0, {lx->file, lx->file->len}};
    int c = 0;

    skip_space(lx);
    if (at_end(lx)) {
        return t;
    }
    c = peek_char(lx, 0);
    t.loc.off = lx->pos;
    t.ptr = lx->file->text + lx->pos;
    if (is_name_start(c)) {
        while (is_name_start(peek_char(lx, 0)) || is_digit(peek_char(lx, 0))) {
            lx->pos++;
        }
        t.kind = CM_EDL_T_NAME;
        t.len = lx->pos - t.loc.off;
    } else if (is_digit(c)) {
        lex_number(lx, &t);
        t.len = lx->pos - t.loc.off;
    } else if (c == '"') {
        lex_string(lx, &t);
    } else if (c != 0 && strchr("{}()[],;=*#", c) != NULL) {
        lx->pos++;
        t.kind = CM_EDL_T_PUNCT;
        t.len = 1;
    } else if (c > 0x20 && c < 0x7f) {
        cm_edl_error(lx->ctx, t.loc, "unexpected character `%c'", c);
    } else {
        cm_edl_error(lx->ctx, t.loc, "unexpected byte 0x%02x", (unsigned)c);
    }
    return t;
}

static bool is_defined(const struct cm_edl_lexer *lx, const struct cm_edl_token *name)
{
    for (size_t i = 0; i < lx->ctx->options->define_count; i++) {
        if (cm_edl_token_is(name, lx->ctx->options->defines[i])) {
            return true;
        }
    }
    return false;
}

static void open_condition(struct cm_edl_lexer *lx, size_t off, bool wanted)
{
    struct cm_edl_token name = raw_token(lx);

    if (name.kind != CM_EDL_T_NAME) {
        cm_edl_error(lx->ctx, name.loc, "expecting a name after #%s", wanted ? "ifdef" : "ifndef");
    } else if (lx->depth == CM_EDL_MAX_IF_DEPTH) {
        cm_edl_error(lx->ctx, at(lx, off), "#ifdef nested deeper than %d", CM_EDL_MAX_IF_DEPTH);
    } else {
        struct cm_edl_condition c = {off, is_defined(lx, &name) == wanted, false};

        lx->conditions[lx->depth++] = c;
    }
}

/* lx stands behind '#' */
static void directive(struct cm_edl_lexer *lx, size_t off)
{
    struct cm_edl_token t = raw_token(lx);
    struct cm_edl_condition *top = lx->depth == 0 ? NULL : &lx->conditions[lx->depth - 1];

    if (cm_edl_token_is(&t, "ifdef") || cm_edl_token_is(&t, "ifndef")) {
        open_condition(lx, off, cm_edl_token_is(&t, "ifdef"));
    } else if (cm_edl_token_is(&t, "else")) {
        if (top == NULL) {
            cm_edl_error(lx->ctx, at(lx, off), "#else without #ifdef or #ifndef");
        } else if (top->seen_else) {
            cm_edl_error(lx->ctx, at(lx, off), "a second #else");
        } else {
            top->seen_else = true;
            top->taken = !top->taken;
        }
    } else if (cm_edl_token_is(&t, "endif")) {
        if (top == NULL) {
            cm_edl_error(lx->ctx, at(lx, off), "#endif without #ifdef or #ifndef");
        } else {
            lx->depth--;
        }
    } else {
        cm_edl_error(lx->ctx, t.loc, "unsupported directive `%.*s'", CM_EDL_TOKEN_ARGS(&t));
    }
}

static bool is_excluded(const struct cm_edl_lexer *lx)
{
    for (size_t i = 0; i < lx->depth; i++) {
        if (!lx->conditions[i].taken) {
            return true;
        }
    }
    return false;
}

/* Excluded text may hold anything; only comments, strings and '#' mean something there. */
static void skip_excluded(struct cm_edl_lexer *lx)
{
    for (;;) {
        skip_space(lx);
        if (at_end(lx) || peek_char(lx, 0) == '#') {
            return;
        }
        if (peek_char(lx, 0) == '"') {
            do {
                lx->pos++;
            } while (!at_end(lx) && peek_char(lx, 0) != '"' && peek_char(lx, 0) != '\n');
        }
        if (!at_end(lx)) {
            lx->pos++;
        }
    }
}

static struct cm_edl_token token(struct cm_edl_lexer *lx)
{
    for (;;) {
        struct cm_edl_token t;

        if (is_excluded(lx)) {
            skip_excluded(lx);
        }
        t = raw_token(lx);
        if (!cm_edl_token_is(&t, "#")) {
            if (t.kind == CM_EDL_T_END) {
                cm_edl_lex_close(lx);
            }
            return t;
        }
        directive(lx, t.loc.off);
    }
}

void cm_edl_lex_close(struct cm_edl_lexer *lx)
{
    if (lx->depth != 0) {
        cm_edl_error(lx->ctx, at(lx, lx->conditions[lx->depth - 1].off),
                     "unterminated #ifdef or #ifndef");
    }
}

const struct cm_edl_token *cm_edl_peek(struct cm_edl_lexer *lx, size_t n)
{
    while (lx->ahead_count <= n) {
        lx->ahead[lx->ahead_count] = token(lx);
        lx->ahead_count++;
    }
    if (lx->ctx->st != CM_OK) {
        /* after an error every token is the end, so that no loop of the parser goes on */
        lx->ahead[n].kind = CM_EDL_T_END;
        lx->ahead[n].len = 0;
    }
    return &lx->ahead[n];
}

struct cm_edl_token cm_edl_next(struct cm_edl_lexer *lx)
{
    struct cm_edl_token t = *cm_edl_peek(lx, 0);

    lx->ahead[0] = lx->ahead[1];
    lx->ahead_count--;
    return t;
}
