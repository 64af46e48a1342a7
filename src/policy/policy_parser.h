/* Private to the parser's files: where it stands, and what is in scope. */
#ifndef CM_POLICY_PARSER_H
#define CM_POLICY_PARSER_H

#include "policy/policy_lex.h"

struct cm_pparser {
    struct cm_plexer lx;
    struct cm_ptoken t;    /* the current token */
    struct cm_ptoken next; /* the one behind it */
    size_t end;            /* behind the token before the current one */
    unsigned minor;
    enum cm_psection section;
    const struct cm_pcond *conds; /* of the current rule, complete so far */
    size_t cond_count;
    unsigned nest;
};

CM_MUST_USE enum cm_status cm_pparse_advance(struct cm_pparser *p);
CM_MUST_USE enum cm_status cm_pparse_expect(struct cm_pparser *p, enum cm_ptoken_kind kind,
                                            const char *what);

/** Refuse at a byte of the text with a sentence (printf style). Returns st. */
CM_PRINTF(4, 5)
enum cm_status cm_pparse_refuse(struct cm_pparser *p, enum cm_status st, size_t off,
                                const char *what, ...);

/** Whether the current token is this word, in any case when loose. */
bool cm_pparse_word(const struct cm_pparser *p, const char *word, bool loose);

/** A value: literal, property of what a condition bound, call. */
CM_MUST_USE enum cm_status cm_pparse_expr(struct cm_pparser *p, const struct cm_pexpr **out);

/** A property's name. */
CM_MUST_USE enum cm_status cm_pparse_prop(struct cm_pparser *p, enum cm_prop *out);

/** The condition that bound the identifier which is the current token; the token is consumed. */
CM_MUST_USE enum cm_status cm_pparse_bound(struct cm_pparser *p, size_t *cond);

/** The type that a value certainly has. @return false when only evaluation can tell */
bool cm_pparse_type_of(const struct cm_pexpr *e, enum cm_policy_value_type *out);

#endif
