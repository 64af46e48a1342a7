/* Private to the JMESPath files: compiled queries. */
#ifndef CM_POLICY_JMESPATH_NODE_H
#define CM_POLICY_JMESPATH_NODE_H

#include "policy/jmespath.h"

enum cm_jp_kind {
    CM_JP_CURRENT,
    CM_JP_FIELD,
    CM_JP_LITERAL,
    CM_JP_INDEX,
    CM_JP_SLICE,
    CM_JP_CHAIN,   /* right on the result of left: a.b, a[0], a | b */
    CM_JP_MAP,     /* right on every element of left */
    CM_JP_MAP_OBJ, /* right on every member's value of left */
    CM_JP_FLATTEN, /* one level of left's elements */
    CM_JP_FILTER,  /* the elements of left for which right is true */
    CM_JP_OR,
    CM_JP_AND,
    CM_JP_NOT,
    CM_JP_COMPARE,
    CM_JP_LIST, /* [a, b] */
    CM_JP_HASH, /* {x: a, y: b} */
    CM_JP_CALL,
};

enum cm_jp_op {
    CM_JP_EQ,
    CM_JP_NE,
    CM_JP_LT,
    CM_JP_LE,
    CM_JP_GT,
    CM_JP_GE,
};

enum cm_jp_func {
    CM_JP_CONTAINS,
    CM_JP_ENDS_WITH,
    CM_JP_EQUALS_IGNORE_CASE,
    CM_JP_KEYS,
    CM_JP_LENGTH,
    CM_JP_NOT_NULL,
    CM_JP_STARTS_WITH,
    CM_JP_TYPE,
    CM_JP_VALUES,
};

struct cm_jp {
    enum cm_jp_kind kind;
    enum cm_jp_op op;
    enum cm_jp_func func;
    uint32_t depth; /* 1 + the deepest below */
    const struct cm_jp *left;
    const struct cm_jp *right;
    struct cm_span name;        /* field */
    const struct cm_pj *value;  /* literal */
    int64_t slice[3];           /* start, stop, step; of an index: the first */
    bool has[3];                /* which of them are given */
    size_t count;               /* list, hash, call */
    const struct cm_jp **parts; /* list, hash, call */
    struct cm_span *names;      /* hash */
};

#define CM_JP_MAX_ARGS 2u

/** Call a function whose arguments have been evaluated. */
CM_MUST_USE enum cm_status cm_jp_call(enum cm_jp_func func, const struct cm_pj *const *args,
                                      size_t count, struct cm_jp_budget *b,
                                      const struct cm_pj **out);

#endif
