/* Private to src/policy: tokens of the policy language. */
#ifndef CM_POLICY_LEX_H
#define CM_POLICY_LEX_H

#include "policy/policy_ast.h"

enum cm_ptoken_kind {
    CM_PT_END,
    CM_PT_WORD,
    CM_PT_TEXT,
    CM_PT_INT,
    CM_PT_VERSION, /* digits '.' digits */
    CM_PT_ARROW,   /* => */
    CM_PT_AND,     /* && */
    CM_PT_EQ,
    CM_PT_NE,
    CM_PT_LT,
    CM_PT_LE,
    CM_PT_GT,
    CM_PT_GE,
    CM_PT_ASSIGN,
    CM_PT_NOT,
    CM_PT_COLON,
    CM_PT_LBRACKET,
    CM_PT_RBRACKET,
    CM_PT_LPAREN,
    CM_PT_RPAREN,
    CM_PT_LBRACE,
    CM_PT_RBRACE,
    CM_PT_COMMA,
    CM_PT_SEMICOLON,
    CM_PT_DOT,
};

struct cm_ptoken {
    enum cm_ptoken_kind kind;
    bool new_line; /* the first token of its line */
    size_t off;
    size_t len;
    struct cm_span text; /* word, version: as it stands; text: unescaped */
    int64_t number;
};

struct cm_plexer {
    struct cm_arena *arena;
    struct cm_span text;
    size_t pos;
    size_t fail_off;
    struct cm_why why;
};

/** The next token. On failure fail_off and why say where and what. */
CM_MUST_USE enum cm_status cm_policy_next(struct cm_plexer *lx, struct cm_ptoken *out);

#endif
