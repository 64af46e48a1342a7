/* Private to the release policy's files: a parsed policy. */
#ifndef CM_POLICY_RELEASE_NODE_H
#define CM_POLICY_RELEASE_NODE_H

#include <casemate/release.h>

#include "policy/policy_json.h"

enum cm_release_kind {
    CM_RELEASE_ALL, /* allOf */
    CM_RELEASE_ANY, /* anyOf */
    CM_RELEASE_CLAIM,
};

enum cm_release_op {
    CM_RELEASE_EQUALS,
    CM_RELEASE_NOT_EQUALS,
    CM_RELEASE_LESS,
    CM_RELEASE_LESS_OR_EQUALS,
    CM_RELEASE_GREATER,
    CM_RELEASE_GREATER_OR_EQUALS,
    CM_RELEASE_EXISTS,
};

struct cm_release_node {
    enum cm_release_kind kind;
    enum cm_release_op op;
    size_t count; /* of a group */
    const struct cm_release_node *items;
    struct cm_span claim; /* names joined by dots */
    const struct cm_pj *value;
};

struct cm_release_entry {
    struct cm_span authority; /* as it stands there */
    struct cm_release_node conditions;
};

struct cm_release {
    struct cm_arena arena;
    bool immutable;
    size_t count;
    struct cm_release_entry *entries;
};

/** The comparison's name in a policy. */
const char *cm_release_op_name(enum cm_release_op op);

/** An issuer's address without what does not tell addresses apart. @retval CM_ERR_SPACE too long */
CM_MUST_USE enum cm_status cm_release_normal(struct cm_span address, char *out, size_t cap);

#endif
