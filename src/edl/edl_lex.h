/*
 * Tokens of EDL text, with comments gone and #ifdef, #ifndef, #else, #endif applied. Tokens are
 * made only when asked for, so text after the closing brace is never looked at.
 */
#ifndef CM_EDL_LEX_H
#define CM_EDL_LEX_H

#include "edl/edl.h"

enum cm_edl_token_kind {
    CM_EDL_T_END, /* end of text, or an error: the context says which */
    CM_EDL_T_NAME,
    CM_EDL_T_NUMBER,
    CM_EDL_T_STRING,
    CM_EDL_T_PUNCT
};

struct cm_edl_token {
    enum cm_edl_token_kind kind;
    const char *ptr; /* STRING: without the quotes */
    size_t len;
    uint64_t number;
    struct cm_edl_loc loc;
};

struct cm_edl_condition {
    size_t off; /* of its '#' */
    bool taken; /* the branch being read counts */
    bool seen_else;
};

struct cm_edl_lexer {
    struct cm_edl_context *ctx;
    const struct cm_edl_file *file;
    size_t pos;
    struct cm_edl_condition conditions[CM_EDL_MAX_IF_DEPTH];
    size_t depth;
    struct cm_edl_token ahead[2];
    size_t ahead_count;
};

void cm_edl_lex_init(struct cm_edl_lexer *lx, struct cm_edl_context *ctx,
                     const struct cm_edl_file *file);

/** The n-th coming token, n 0 or 1. Valid until two tokens later. */
const struct cm_edl_token *cm_edl_peek(struct cm_edl_lexer *lx, size_t n);

struct cm_edl_token cm_edl_next(struct cm_edl_lexer *lx);

/** Errors when an #ifdef is still open. */
void cm_edl_lex_close(struct cm_edl_lexer *lx);

bool cm_edl_token_is(const struct cm_edl_token *t, const char *text);

/** For messages: the token's length, at most 60, and its text. */
#define CM_EDL_TOKEN_ARGS(t) (int)((t)->len < 60 ? (t)->len : 60), (t)->ptr

#endif
