/* Private to the JMESPath files: tokens. */
#ifndef CM_POLICY_JMESPATH_LEX_H
#define CM_POLICY_JMESPATH_LEX_H

#include "policy/jmespath_node.h"

enum cm_jp_token_kind {
    CM_JPT_END,
    CM_JPT_NAME,   /* unquoted identifier */
    CM_JPT_QUOTED, /* quoted identifier */
    CM_JPT_LITERAL,
    CM_JPT_NUMBER,
    CM_JPT_STAR,
    CM_JPT_DOT,
    CM_JPT_LBRACKET,
    CM_JPT_RBRACKET,
    CM_JPT_FLATTEN, /* [] */
    CM_JPT_FILTER,  /* [? */
    CM_JPT_LBRACE,
    CM_JPT_RBRACE,
    CM_JPT_LPAREN,
    CM_JPT_RPAREN,
    CM_JPT_COMMA,
    CM_JPT_COLON,
    CM_JPT_PIPE,
    CM_JPT_OR,
    CM_JPT_AND,
    CM_JPT_NOT,
    CM_JPT_COMPARE,
    CM_JPT_CURRENT,
};

struct cm_jp_token {
    enum cm_jp_token_kind kind;
    size_t at;
    struct cm_span name;       /* name, quoted */
    const struct cm_pj *value; /* literal */
    int64_t number;
    enum cm_jp_op op;
};

struct cm_jp_lexer {
    struct cm_arena *arena;
    struct cm_span text;
    size_t pos;
    struct cm_why *why;
};

/** The next token. On failure lexer->pos is where. */
CM_MUST_USE enum cm_status cm_jp_next(struct cm_jp_lexer *lx, struct cm_jp_token *out);

#endif
