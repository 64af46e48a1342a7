/*
 * Names that EDL text may not declare, because the generated C would not compile or would mean
 * something else: words and macros of C and C++, what the headers declare that generated code
 * includes, and what generated code itself uses. tests/edl/edl_names.sh tries every name that occurs
 * in those headers, so that a list that lacks one is noticed. Each list is in byte order.
 */
#include "edl/edl_reserved.h"

#include <stdlib.h>
#include <string.h>

#include "edl/edl_ast.h"

/* what generated functions have in scope beside the user's parameters */
static const char *const locals[] = {
    "_args",
    "_b",
    "_base",
    "_buffer",
    "_bytes",
    "_deep",
    "_deep_size",
    "_direct",
    "_enclave",
    "_from",
    "_global_id",
    "_host",
    "_i",
    "_in",
    "_in_size",
    "_n",
    "_out",
    "_out_size",
    "_reply",
    "_result",
    "_retval",
    "_s",
    "_staged",
    "_to",
    "_total",
    "_written",
    "deepcopy_out_buffer",
    "deepcopy_out_buffer_size",
    "input_buffer",
    "input_buffer_size",
    "ocall_errno",
    "oe_result",
    "oe_retval",
    "output_buffer",
    "output_buffer_size",
    "output_bytes_written",
};

static int compare(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool find(const struct cm_edl_name_list *l, const char *name)
{
    return bsearch(name, l->names, l->count, sizeof(*l->names), compare) != NULL;
}

static bool starts(const char *name, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

bool cm_edl_is_keyword(const char *name)
{
    return find(&cm_edl_keywords, name);
}

const char *cm_edl_reserved(const char *name, enum cm_edl_role role)
{
    static const char *const ours[] = {"EDGER8R_", "OE_EDGER8R_", "oe_edger8r_", "oe_edl_",
                                       "oe_static_assert_"};
    static const struct cm_edl_name_list own = {locals, sizeof(locals) / sizeof(locals[0])};
    static const char *const made[] = {"_at_", "_now_", "_nested_", "_shape_", "_made_", "_host_"};

    if (find(&cm_edl_keywords, name)) {
        return "a word of C";
    }
    for (int k = CM_EDL_VOID; k < CM_EDL_STRUCT; k++) {
        if (strcmp(cm_edl_kind_text((enum cm_edl_kind)k), name) == 0) {
            return "a type of EDL";
        }
    }
    if (starts(name, ours, sizeof(ours) / sizeof(ours[0]))) {
        return "generated code uses it";
    }
    if (find(&cm_edl_macros, name)) {
        return "a macro of the C library";
    }
    if (find(&cm_edl_api, name)) {
        return "the SDK declares it";
    }
    if (role == CM_EDL_MEMBER) {
        return NULL; /* in a scope of its own */
    }
    if (find(&own, name) || starts(name, made, sizeof(made) / sizeof(made[0]))) {
        return "generated code uses it";
    }
    if (role == CM_EDL_GLOBAL && find(&cm_edl_library, name)) {
        return "the C library declares it";
    }
    return NULL;
}

const char *cm_edl_doubtful(const char *name, enum cm_edl_role role)
{
    if (find(&cm_edl_later_words, name)) {
        return "a word of C++ or C23, which cannot compile the output";
    }
    if (name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'))) {
        return "such names are the compiler's";
    }
    if (role == CM_EDL_GLOBAL && find(&cm_edl_builtins, name)) {
        return "compilers know another function of this name";
    }
    return NULL;
}
