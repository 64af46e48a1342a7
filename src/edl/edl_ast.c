/* Names of types and equality of declarations. Used by the parser, the checker and the emitter. */
#include "edl/edl_ast.h"

#include <string.h>

const char *cm_edl_kind_text(enum cm_edl_kind kind)
{
    static const char *const text[] = {
        [CM_EDL_VOID] = "void",
        [CM_EDL_BOOL] = "bool",
        [CM_EDL_CHAR] = "char",
        [CM_EDL_SHORT] = "short",
        [CM_EDL_INT] = "int",
        [CM_EDL_LONG] = "long",
        [CM_EDL_LLONG] = "long long",
        [CM_EDL_UCHAR] = "unsigned char",
        [CM_EDL_USHORT] = "unsigned short",
        [CM_EDL_UINT] = "unsigned int",
        [CM_EDL_ULONG] = "unsigned long",
        [CM_EDL_ULLONG] = "unsigned long long",
        [CM_EDL_FLOAT] = "float",
        [CM_EDL_DOUBLE] = "double",
        [CM_EDL_LDOUBLE] = "long double",
        [CM_EDL_INT8] = "int8_t",
        [CM_EDL_INT16] = "int16_t",
        [CM_EDL_INT32] = "int32_t",
        [CM_EDL_INT64] = "int64_t",
        [CM_EDL_UINT8] = "uint8_t",
        [CM_EDL_UINT16] = "uint16_t",
        [CM_EDL_UINT32] = "uint32_t",
        [CM_EDL_UINT64] = "uint64_t",
        [CM_EDL_SIZE_T] = "size_t",
        [CM_EDL_WCHAR] = "wchar_t",
        [CM_EDL_STRUCT] = "struct",
        [CM_EDL_UNION] = "union",
        [CM_EDL_ENUM] = "enum",
        [CM_EDL_FOREIGN] = "",
    };

    return text[kind];
}

static bool same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

static bool same_type(const struct cm_edl_type *a, const struct cm_edl_type *b)
{
    return a->kind == b->kind && a->is_const == b->is_const && a->stars == b->stars &&
           same_text(a->name, b->name);
}

static bool same_value(const struct cm_edl_value *a, const struct cm_edl_value *b)
{
    return a->is_name == b->is_name && a->number == b->number && same_text(a->name, b->name);
}

static bool same_decls(const struct cm_edl_decl *a, const struct cm_edl_decl *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (!same_text(a->name, b->name) || !same_type(&a->type, &b->type) ||
            a->attrs != b->attrs || a->dim_count != b->dim_count ||
            !same_value(&a->size, &b->size) || !same_value(&a->count, &b->count)) {
            return false;
        }
        for (size_t i = 0; i < a->dim_count; i++) {
            if (!same_value(&a->dims[i], &b->dims[i])) {
                return false;
            }
        }
    }
    return a == NULL && b == NULL;
}

bool cm_edl_same_func(const struct cm_edl_func *a, const struct cm_edl_func *b)
{
    return a->trusted == b->trusted && a->switchless == b->switchless &&
           a->propagate_errno == b->propagate_errno && same_text(a->name, b->name) &&
           same_type(&a->ret, &b->ret) && same_decls(a->params, b->params);
}

bool cm_edl_same_user(const struct cm_edl_user *a, const struct cm_edl_user *b)
{
    const struct cm_edl_enumerator *x = a->enumerators;
    const struct cm_edl_enumerator *y = b->enumerators;

    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if (!same_text(x->name, y->name) || x->has_value != y->has_value ||
            !same_value(&x->value, &y->value)) {
            return false;
        }
    }
    return x == NULL && y == NULL && a->kind == b->kind && same_text(a->name, b->name) &&
           same_decls(a->fields, b->fields);
}
