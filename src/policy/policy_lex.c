/* Tokens of the policy language; see policy_lex.h. Untrusted: every byte of the text. */
#include "policy/policy_lex.h"

#include <string.h>

#include "common/checked.h"
#include "common/hex.h"
#include "common/try.h"
#include "token/utf8.h"

static enum cm_status refuse(struct cm_plexer *lx, size_t off, const char *what)
{
    lx->fail_off = off;
    cm_why_set(&lx->why, "%s", what);
    return CM_ERR_SYNTAX;
}

static int peek(const struct cm_plexer *lx, size_t ahead)
{
    return ahead < lx->text.len - lx->pos ? lx->text.ptr[lx->pos + ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* White space and comments; whether a line ended among them. */
static bool skip_space(struct cm_plexer *lx)
{
    bool ended = lx->pos == 0;

    for (;;) {
        int c = peek(lx, 0);

        if (c == '/' && peek(lx, 1) == '/') {
            while (peek(lx, 0) != -1 && peek(lx, 0) != '\n') {
                lx->pos++;
            }
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            ended = ended || c == '\n';
            lx->pos++;
        } else {
            return ended;
        }
    }
}

static enum cm_status lex_number(struct cm_plexer *lx, struct cm_ptoken *t)
{
    bool negative = peek(lx, 0) == '-';
    int64_t value = 0;

    lx->pos += negative ? 1 : 0;
    if (!is_digit(peek(lx, 0))) {
        return refuse(lx, lx->pos, "a digit is expected");
    }
    while (is_digit(peek(lx, 0))) {
        int64_t digit = peek(lx, 0) - '0';

        if (cm_mul_ovf(value, (int64_t)10, &value) ||
            cm_add_ovf(value, negative ? -digit : digit, &value)) {
            return refuse(lx, t->off, "the number does not fit 64 bits");
        }
        lx->pos++;
    }
    t->kind = CM_PT_INT;
    t->number = value;
    if (!negative && peek(lx, 0) == '.' && is_digit(peek(lx, 1))) {
        t->kind = CM_PT_VERSION;
        lx->pos++;
        while (is_digit(peek(lx, 0))) {
            lx->pos++;
        }
        t->text = cm_span_make(lx->text.ptr + t->off, lx->pos - t->off);
    }
    if (is_word(peek(lx, 0))) {
        return refuse(lx, lx->pos, "a letter in a number");
    }
    return CM_OK;
}

/* \uXXXX: one code point of the basic plane that is no surrogate and not U+0000 */
static enum cm_status unicode(struct cm_plexer *lx, char *out, size_t *len)
{
    uint8_t two[2] = {0};
    uint8_t utf8[4] = {0};
    uint32_t cp = 0;
    size_t n = 0;

    if (lx->text.len - lx->pos < 6 ||
        !cm_hex_decode(cm_span_make(lx->text.ptr + lx->pos + 2, 4), two, 2)) {
        return refuse(lx, lx->pos, "four hexadecimal digits are expected behind \\u");
    }
    cp = (uint32_t)two[0] << 8 | two[1];
    if (cp == 0 || (cp >= 0xd800 && cp <= 0xdfff)) {
        return refuse(lx, lx->pos, "a code point that cannot stand in text");
    }
    n = cm_utf8_encode(cp, utf8);
    memcpy(out + *len, utf8, n);
    *len += n;
    lx->pos += 6;
    return CM_OK;
}

static enum cm_status escape(struct cm_plexer *lx, char *out, size_t *len)
{
    static const char from[] = "\"\\/'nrt";
    static const char to[] = "\"\\/'\n\r\t";
    const char *hit = NULL;
    int c = peek(lx, 1);

    if (c == 'u') {
        return unicode(lx, out, len);
    }
    hit = c <= 0 ? NULL : strchr(from, c);
    if (hit == NULL) {
        return refuse(lx, lx->pos, "an escape that is not known: write \\\\ for a backslash");
    }
    out[(*len)++] = to[hit - from];
    lx->pos += 2;
    return CM_OK;
}

static enum cm_status lex_text(struct cm_plexer *lx, struct cm_ptoken *t)
{
    size_t end = lx->pos + 1;
    char *out = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    while (end < lx->text.len && lx->text.ptr[end] != '"' && lx->text.ptr[end] != '\n') {
        end += lx->text.ptr[end] == '\\' && end + 1 < lx->text.len ? 2 : 1;
    }
    if (end >= lx->text.len || lx->text.ptr[end] != '"') {
        return refuse(lx, t->off, "the string does not end on its line");
    }
    out = cm_arena_get(lx->arena, end - lx->pos); /* escapes only shrink */
    CM_TRY(lx->arena->status);
    lx->pos++;
    while (lx->pos < end) {
        uint8_t c = lx->text.ptr[lx->pos];

        if (c == '\\') {
            st = escape(lx, out, &len);
            if (st != CM_OK) {
                goto out;
            }
        } else if (c < 0x20 && c != '\t') {
            return refuse(lx, lx->pos, "a control character in a string");
        } else {
            out[len++] = (char)c;
            lx->pos++;
        }
    }
    lx->pos = end + 1;
    t->kind = CM_PT_TEXT;
    t->text = cm_span_make(out, len);
out:
    return st;
}

static enum cm_status lex_sign(struct cm_plexer *lx, struct cm_ptoken *t)
{
    static const struct {
        char text[3];
        enum cm_ptoken_kind kind;
    } signs[] = {
        /* the longer ones first */
        {"=>", CM_PT_ARROW},   {"==", CM_PT_EQ},    {"!=", CM_PT_NE},       {"<=", CM_PT_LE},
        {">=", CM_PT_GE},      {"&&", CM_PT_AND},   {"<", CM_PT_LT},        {">", CM_PT_GT},
        {"=", CM_PT_ASSIGN},   {"!", CM_PT_NOT},    {":", CM_PT_COLON},     {"[", CM_PT_LBRACKET},
        {"]", CM_PT_RBRACKET}, {"(", CM_PT_LPAREN}, {")", CM_PT_RPAREN},    {"{", CM_PT_LBRACE},
        {"}", CM_PT_RBRACE},   {",", CM_PT_COMMA},  {";", CM_PT_SEMICOLON}, {".", CM_PT_DOT},
    };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t len = strlen(signs[i].text);

        if (len <= lx->text.len - lx->pos &&
            memcmp(lx->text.ptr + lx->pos, signs[i].text, len) == 0) {
            t->kind = signs[i].kind;
            lx->pos += len;
            return CM_OK;
        }
    }
    return refuse(lx, lx->pos, "a character that has no meaning here");
}

enum cm_status cm_policy_next(struct cm_plexer *lx, struct cm_ptoken *out)
{
    struct cm_ptoken t = {.kind = CM_PT_END};
    enum cm_status st = CM_OK;
    int c = 0;

    t.new_line = skip_space(lx);
    t.off = lx->pos;
    c = peek(lx, 0);
    if (is_word(c)) {
        while (is_word(peek(lx, 0)) || is_digit(peek(lx, 0))) {
            lx->pos++;
        }
        t.kind = CM_PT_WORD;
        t.text = cm_span_make(lx->text.ptr + t.off, lx->pos - t.off);
    } else if (is_digit(c) || c == '-') {
        st = lex_number(lx, &t);
    } else if (c == '"') {
        st = lex_text(lx, &t);
    } else if (c != -1) {
        st = lex_sign(lx, &t);
    }
    t.len = lx->pos - t.off;
    *out = t;
    return st;
}
