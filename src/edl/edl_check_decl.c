/*
 * The rules of one parameter or struct member: which attributes go with which types and with each
 * other. Each rule is one `if` with its message. Called by edl_check.c once types are resolved.
 */
#include <string.h>

#include "common/checked.h"
#include "edl/edl_parser.h"

/* the declared type as EDL writes it, for messages */
static const char *type_name(const struct cm_edl_decl *d)
{
    return d->type.name != NULL ? d->type.name : cm_edl_kind_text(d->type.kind);
}

static bool is_pointerish(const struct cm_edl_decl *d)
{
    return d->type.stars != 0 || d->dim_count != 0 || cm_edl_has(d, CM_EDL_ISPTR) ||
           cm_edl_has(d, CM_EDL_ISARY);
}

static void check_string(const struct cm_edl_scope *s, const struct cm_edl_decl *d,
                         enum cm_edl_attr a)
{
    bool wide = a == CM_EDL_WSTRING;
    const char *name = wide ? "wstring" : "string";
    struct cm_edl_loc loc = d->attr_loc[a];

    if (!cm_edl_has(d, a)) {
        return;
    }
    if (cm_edl_has(d, CM_EDL_OUT) && !cm_edl_has(d, CM_EDL_IN)) {
        cm_edl_error(s->ctx, loc, "`%s' attribute should be used with an `in' attribute", name);
    }
    if (!cm_edl_has(d, CM_EDL_IN)) {
        cm_edl_error(s->ctx, loc, "`%s' attribute must be used with pointer direction", name);
    }
    if (cm_edl_has(d, CM_EDL_SIZE) || cm_edl_has(d, CM_EDL_COUNT)) {
        cm_edl_error(s->ctx, loc,
                     "size attributes are mutually exclusive with (w)string attribute");
    }
    if (cm_edl_has(d, CM_EDL_STRING) && cm_edl_has(d, CM_EDL_WSTRING)) {
        cm_edl_error(s->ctx, loc, "`string' and `wstring' are mutually exclusive");
    }
    if (d->type.kind != (wide ? CM_EDL_WCHAR : CM_EDL_CHAR) || d->type.stars != 1 ||
        d->dim_count != 0) {
        cm_edl_error(s->ctx, loc, "invalid `%s' attribute - `%s' is not %s pointer", name, d->name,
                     wide ? "wchar_t" : "char");
    }
}

static void check_foreign_shape(const struct cm_edl_scope *s, const struct cm_edl_decl *d,
                                enum cm_edl_attr a)
{
    const char *name = a == CM_EDL_ISARY ? "isary" : "isptr";
    struct cm_edl_loc loc = d->attr_loc[a];

    if (!cm_edl_has(d, a)) {
        return;
    }
    if (cm_edl_has(d, CM_EDL_ISARY) && cm_edl_has(d, CM_EDL_ISPTR)) {
        cm_edl_error(s->ctx, loc, "`isary' cannot be used with `isptr' together");
    }
    if (!cm_edl_is_marshalled(d) && !cm_edl_has(d, CM_EDL_USER_CHECK)) {
        cm_edl_error(s->ctx, loc, "`%s' should have direction attribute or `user_check'", name);
    }
    if (d->type.kind != CM_EDL_FOREIGN || d->type.stars != 0 || d->type.user != NULL) {
        cm_edl_error(s->ctx, loc,
                     "`%s' attribute is only valid for a type of a header, not for `%s'", name,
                     type_name(d));
    }
    if (d->dim_count != 0) {
        cm_edl_error(s->ctx, loc, "invalid parameter - `%s' is a pointer array", d->name);
    }
    if (a == CM_EDL_ISARY && (cm_edl_has(d, CM_EDL_SIZE) || cm_edl_has(d, CM_EDL_COUNT))) {
        cm_edl_error(s->ctx, loc, "`isary' has its size in its type: no size or count");
    }
}

static bool is_signed_integer(enum cm_edl_kind k)
{
    return (k >= CM_EDL_CHAR && k <= CM_EDL_LLONG) || (k >= CM_EDL_INT8 && k <= CM_EDL_INT64);
}

static bool can_measure(const struct cm_edl_decl *d)
{
    enum cm_edl_kind k = d->type.kind;

    if (d->type.stars != 0 || d->dim_count != 0) {
        return false;
    }
    return is_signed_integer(k) || (k >= CM_EDL_UCHAR && k <= CM_EDL_ULLONG) ||
           (k >= CM_EDL_UINT8 && k <= CM_EDL_SIZE_T) ||
           (k == CM_EDL_FOREIGN && d->type.user == NULL && !cm_edl_has(d, CM_EDL_ISPTR) &&
            !cm_edl_has(d, CM_EDL_ISARY));
}

static void check_measure(const struct cm_edl_scope *s, const struct cm_edl_value *v)
{
    struct cm_edl_decl *by = NULL;

    if (!v->is_name) {
        return;
    }
    for (struct cm_edl_decl *x = s->siblings; x != NULL && by == NULL; x = x->next) {
        by = strcmp(x->name, v->name) == 0 ? x : NULL;
    }
    if (by == NULL) {
        cm_edl_error(s->ctx, v->loc, "could not find declaration for `%s'", v->name);
        return;
    }
    if (!can_measure(by)) {
        cm_edl_error(s->ctx, v->loc, "size/count has invalid type: `%s' is not an integer",
                     by->name);
        return;
    }
    if (is_signed_integer(by->type.kind)) {
        cm_edl_warn(s->ctx, v->loc, CM_EDL_W_SIGNED_SIZE_OR_COUNT,
                    "%s `%s': the size or count parameter `%s' should not be signed",
                    s->is_func ? "Function" : "struct", s->owner, by->name);
    }
    if (!s->is_func) {
        by->is_shape = true;
    }
}

static void check_size(const struct cm_edl_scope *s, const struct cm_edl_decl *d,
                       enum cm_edl_attr a)
{
    const char *name = a == CM_EDL_SIZE ? "size" : "count";
    struct cm_edl_loc loc = d->attr_loc[a];

    if (!cm_edl_has(d, a)) {
        return;
    }
    if (s->is_func && !cm_edl_is_marshalled(d)) {
        cm_edl_error(s->ctx, loc, "size/count attributes must be used with pointer direction");
    }
    if (!is_pointerish(d)) {
        cm_edl_error(s->ctx, loc, "`%s' is invalid for plain type `%s'", name, type_name(d));
    }
    if (!s->is_func && (d->type.stars == 0 || d->dim_count != 0)) {
        cm_edl_error(s->ctx, loc, "`%s' needs a pointer, and `%s' is an array", name, d->name);
    }
    if (s->is_func && a == CM_EDL_SIZE && cm_edl_has(d, CM_EDL_COUNT)) {
        cm_edl_error(s->ctx, loc,
                     "Function `%s': simultaneous `size' and `count' of `%s' are not "
                     "supported",
                     s->owner, d->name);
    }
    if (a == CM_EDL_SIZE && cm_edl_deep_target(d) != NULL) {
        cm_edl_error(s->ctx, loc,
                     "`size' is invalid for a pointer to the deep-copied struct `%s'; "
                     "use `count'",
                     type_name(d));
    }
    check_measure(s, a == CM_EDL_SIZE ? &d->size : &d->count);
}

static void check_direction(const struct cm_edl_scope *s, const struct cm_edl_decl *d,
                            enum cm_edl_attr a)
{
    struct cm_edl_loc loc = d->attr_loc[a];

    if (!cm_edl_has(d, a)) {
        return;
    }
    if (cm_edl_has(d, CM_EDL_USER_CHECK)) {
        cm_edl_error(s->ctx, d->attr_loc[CM_EDL_USER_CHECK],
                     "pointer direction and `user_check' are mutually exclusive");
    }
    if (!is_pointerish(d)) {
        cm_edl_error(s->ctx, loc, "`%s' is invalid for plain type `%s'",
                     a == CM_EDL_IN ? "in" : "out", type_name(d));
    }
    if (d->type.stars != 0 && d->dim_count != 0) {
        cm_edl_error(s->ctx, loc, "invalid parameter - `%s' is a pointer array", d->name);
    }
    if (d->type.kind == CM_EDL_VOID && d->type.stars == 1 && !cm_edl_has(d, CM_EDL_SIZE) &&
        !cm_edl_has(d, CM_EDL_COUNT)) {
        cm_edl_error(s->ctx, loc, "`%s' points to void: its `size' is needed", d->name);
    }
}

static void warn_pointers(const struct cm_edl_scope *s, const struct cm_edl_decl *d)
{
    bool copied = s->is_func ? cm_edl_is_marshalled(d) : cm_edl_is_deep_member(d);
    const char *what = s->is_func ? "Function" : "struct";

    if (cm_edl_has(d, CM_EDL_USER_CHECK)) {
        cm_edl_warn(s->ctx, d->attr_loc[CM_EDL_USER_CHECK], CM_EDL_W_USER_CHECK,
                    "%s `%s': nothing checks the pointer `%s'", what, s->owner, d->name);
        return;
    }
    if (copied && d->type.stars > 1) {
        cm_edl_warn(s->ctx, d->loc, CM_EDL_W_USER_CHECK,
                    "%s `%s': nothing checks the addresses that `%s' points to", what, s->owner,
                    d->name);
    }
    if (copied || (d->type.stars == 0 && (!s->is_func || d->dim_count == 0))) {
        return;
    }
    if (s->is_func) {
        cm_edl_warn(s->ctx, d->loc, CM_EDL_W_PTR_IN_FUNCTION,
                    "Function `%s': `%s' is a pointer that is not serializable. Consider "
                    "annotating the parameter with the direction annotation",
                    s->owner, d->name);
    } else {
        cm_edl_warn(s->ctx, d->loc, CM_EDL_W_PTR_IN_STRUCT,
                    "struct `%s': the member `%s' is a pointer that is not serializable. Consider "
                    "annotating the member with the `count' or `size' attribute",
                    s->owner, d->name);
    }
}

static void warn_types(const struct cm_edl_scope *s, const struct cm_edl_decl *d)
{
    enum cm_edl_kind k = d->type.kind;

    if (!s->is_func) {
        return;
    }
    if (d->type.stars != 0 && !cm_edl_has(d, CM_EDL_USER_CHECK) && d->type.user == NULL &&
        (k == CM_EDL_FOREIGN || k == CM_EDL_STRUCT)) {
        cm_edl_warn(s->ctx, d->loc, CM_EDL_W_FOREIGN_TYPE_PTR,
                    "Function `%s': `%s' is a pointer of a foreign type `%s' that may not be "
                    "serializable. Consider defining the type in the EDL file",
                    s->owner, d->name, d->type.name);
    }
    if (k == CM_EDL_WCHAR || k == CM_EDL_LDOUBLE || k == CM_EDL_LONG || k == CM_EDL_ULONG) {
        cm_edl_warn(s->ctx, d->type.loc, CM_EDL_W_NON_PORTABLE_TYPE,
                    "Function `%s': `%s' has different sizes on Windows and Linux", s->owner,
                    cm_edl_kind_text(k));
    }
}

/* bytes of one element; 1 for what only a header knows */
static uint64_t element_bytes(const struct cm_edl_decl *d)
{
    static const uint8_t plain[CM_EDL_FOREIGN + 1] = {
        [CM_EDL_SHORT] = 2,  [CM_EDL_USHORT] = 2, [CM_EDL_INT16] = 2,  [CM_EDL_UINT16] = 2,
        [CM_EDL_INT] = 4,    [CM_EDL_UINT] = 4,   [CM_EDL_INT32] = 4,  [CM_EDL_UINT32] = 4,
        [CM_EDL_FLOAT] = 4,  [CM_EDL_WCHAR] = 4,  [CM_EDL_ENUM] = 4,   [CM_EDL_LONG] = 8,
        [CM_EDL_ULONG] = 8,  [CM_EDL_LLONG] = 8,  [CM_EDL_ULLONG] = 8, [CM_EDL_INT64] = 8,
        [CM_EDL_UINT64] = 8, [CM_EDL_SIZE_T] = 8, [CM_EDL_DOUBLE] = 8, [CM_EDL_LDOUBLE] = 16,
    };
    uint64_t bytes = plain[d->type.kind];

    if (d->type.stars != 0) {
        return 8;
    }
    if (d->type.user != NULL && d->type.user->kind != CM_EDL_ENUM) {
        bytes = d->type.user->bytes;
    }
    return bytes != 0 ? bytes : 1;
}

/* An array that no memory holds, or whose size overflows, is C that does not compile. */
static void check_extent(const struct cm_edl_scope *s, struct cm_edl_decl *d)
{
    d->bytes = element_bytes(d);
    for (size_t i = 0; i < d->dim_count; i++) {
        if (!d->dims[i].is_name &&
            (cm_mul_ovf(d->bytes, d->dims[i].number, &d->bytes) || d->bytes > CM_EDL_MAX_BYTES)) {
            cm_edl_error(s->ctx, d->dims[i].loc, "`%s' is larger than %u MiB", d->name,
                         (unsigned)(CM_EDL_MAX_BYTES >> 20));
            d->bytes = 1;
            return;
        }
    }
}

void cm_edl_check_extent(struct cm_edl_context *ctx, struct cm_edl_user *u)
{
    u->bytes = 0;
    for (const struct cm_edl_decl *d = u->fields; d != NULL; d = d->next) {
        if (u->kind != CM_EDL_UNION) {
            u->bytes += d->bytes; /* at most 2^30 each, and fewer than 2^32 of them */
        } else if (d->bytes > u->bytes) {
            u->bytes = d->bytes;
        }
    }
    if (u->bytes > CM_EDL_MAX_BYTES) {
        cm_edl_error(ctx, u->loc, "`%s' is larger than %u MiB", u->name,
                     (unsigned)(CM_EDL_MAX_BYTES >> 20));
    }
}

void cm_edl_check_decl(const struct cm_edl_scope *s, struct cm_edl_decl *d)
{
    check_extent(s, d);
    if (d->type.kind == CM_EDL_VOID && d->type.stars == 0) {
        cm_edl_error(s->ctx, d->type.loc, "`%s' has type void", d->name);
    }
    if (d->type.stars == 0 && d->type.user != NULL && d->type.user->deep) {
        cm_edl_error(s->ctx, d->type.loc,
                     "the struct `%s' needs a deep copy: `%s' must be a pointer to it",
                     d->type.name, d->name);
    }
    cm_edl_check_hiding(s, d);
    check_direction(s, d, CM_EDL_IN);
    check_direction(s, d, CM_EDL_OUT);
    check_string(s, d, CM_EDL_STRING);
    check_string(s, d, CM_EDL_WSTRING);
    check_foreign_shape(s, d, CM_EDL_ISARY);
    check_foreign_shape(s, d, CM_EDL_ISPTR);
    check_size(s, d, CM_EDL_COUNT);
    check_size(s, d, CM_EDL_SIZE);
    if (cm_edl_has(d, CM_EDL_USER_CHECK) && !is_pointerish(d)) {
        cm_edl_error(s->ctx, d->attr_loc[CM_EDL_USER_CHECK],
                     "`user_check' is invalid for plain type `%s'", type_name(d));
    }
    warn_pointers(s, d);
    warn_types(s, d);
}
