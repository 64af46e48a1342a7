/*
 * What an EDL file says, after parsing. Plain data in the arena of its compilation; names are
 * NUL-terminated. edl_parse*.c builds it, edl_check*.c refuses what the rules forbid and fills
 * the fields marked "checked", edl_emit*.c only reads it.
 */
#ifndef CM_EDL_AST_H
#define CM_EDL_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "edl/edl_arena.h"

/* limits of the language that this compiler accepts; beyond them is an error, never a crash */
#define CM_EDL_MAX_FILE_SIZE    ((size_t)4 * 1024 * 1024)
#define CM_EDL_MAX_FILES        256
#define CM_EDL_MAX_IMPORT_DEPTH 32
#define CM_EDL_MAX_IF_DEPTH     64
#define CM_EDL_MAX_STARS        8
#define CM_EDL_MAX_DIMS         8
#define CM_EDL_MAX_BYTES        (UINT64_C(1) << 30) /* of a parameter, a member or a struct */
#define CM_EDL_MAX_PARAMS       127
#define CM_EDL_MAX_FUNCS        4096
#define CM_EDL_MAX_TYPES        4096
#define CM_EDL_MAX_NAME         200
#define CM_EDL_MAX_NESTING      16 /* of deep-copied structs in each other */

/* One file of EDL text. */
struct cm_edl_file {
    const char *path; /* as it is printed */
    const char *text; /* len bytes and a NUL */
    size_t len;
    bool system; /* openenclave/edl of the SDK: no warnings */
};

struct cm_edl_loc {
    const struct cm_edl_file *file;
    size_t off;
};

enum cm_edl_kind {
    CM_EDL_VOID,
    CM_EDL_BOOL,
    CM_EDL_CHAR,
    CM_EDL_SHORT,
    CM_EDL_INT,
    CM_EDL_LONG,
    CM_EDL_LLONG,
    CM_EDL_UCHAR,
    CM_EDL_USHORT,
    CM_EDL_UINT,
    CM_EDL_ULONG,
    CM_EDL_ULLONG,
    CM_EDL_FLOAT,
    CM_EDL_DOUBLE,
    CM_EDL_LDOUBLE,
    CM_EDL_INT8,
    CM_EDL_INT16,
    CM_EDL_INT32,
    CM_EDL_INT64,
    CM_EDL_UINT8,
    CM_EDL_UINT16,
    CM_EDL_UINT32,
    CM_EDL_UINT64,
    CM_EDL_SIZE_T,
    CM_EDL_WCHAR,
    CM_EDL_STRUCT,
    CM_EDL_UNION,
    CM_EDL_ENUM,
    CM_EDL_FOREIGN, /* a bare name: declared in the EDL or in an included header */
};

struct cm_edl_user;

struct cm_edl_type {
    enum cm_edl_kind kind;
    const char *name; /* of STRUCT, UNION, ENUM and FOREIGN */
    bool is_const;
    unsigned stars;
    struct cm_edl_loc loc;
    const struct cm_edl_user *user; /* checked: its declaration in the EDL, or NULL */
};

enum cm_edl_attr {
    CM_EDL_IN,
    CM_EDL_OUT,
    CM_EDL_COUNT,
    CM_EDL_SIZE,
    CM_EDL_STRING,
    CM_EDL_WSTRING,
    CM_EDL_ISPTR,
    CM_EDL_ISARY,
    CM_EDL_USER_CHECK,
    CM_EDL_ATTR_MAX
};

/* An array dimension, a size, a count or an enumerator's value: a number or a name. */
struct cm_edl_value {
    bool is_name;
    const char *name;
    uint64_t number;
    struct cm_edl_loc loc;
};

struct cm_edl_decl {
    const char *name;
    struct cm_edl_loc loc;
    struct cm_edl_type type;
    struct cm_edl_value dims[CM_EDL_MAX_DIMS];
    size_t dim_count;
    unsigned attrs; /* 1u << CM_EDL_xxx */
    struct cm_edl_loc bracket;
    struct cm_edl_loc attr_loc[CM_EDL_ATTR_MAX];
    struct cm_edl_value size;
    struct cm_edl_value count;
    uint64_t bytes; /* checked: at least so many; types of headers count as 1 */
    bool is_shape;  /* checked: size or count of a deep-copied sibling */
    struct cm_edl_decl *next;
};

struct cm_edl_enumerator {
    const char *name;
    struct cm_edl_loc loc;
    bool has_value;
    struct cm_edl_value value;
    struct cm_edl_enumerator *next;
};

struct cm_edl_user {
    enum cm_edl_kind kind; /* STRUCT, UNION or ENUM */
    const char *name;      /* "" for an enum without one */
    struct cm_edl_loc loc;
    struct cm_edl_decl *fields;
    struct cm_edl_enumerator *enumerators;
    bool deep;      /* checked: a member carries size or count */
    uint64_t bytes; /* checked: of its members, as in struct cm_edl_decl */
    unsigned index; /* checked: place in the unit's list of types */
    int visit;      /* checker's mark */
};

struct cm_edl_func {
    const char *name;
    struct cm_edl_loc loc;
    struct cm_edl_type ret;
    struct cm_edl_decl *params;
    size_t param_count;
    bool trusted;
    bool switchless;
    bool propagate_errno;
};

/* One EDL file with all that it imports. */
struct cm_edl_unit {
    const struct cm_edl_file *file;
    const char *name;            /* file name without folder and suffix */
    struct cm_edl_list includes; /* char *, without quotes */
    struct cm_edl_list types;    /* struct cm_edl_user * */
    struct cm_edl_list trusted;  /* struct cm_edl_func *; local ones first, then imported ones */
    struct cm_edl_list untrusted;
    struct cm_edl_list imported_trusted; /* while parsing */
    struct cm_edl_list imported_untrusted;
    bool open; /* being parsed: importing it again is a cycle */
};

static inline bool cm_edl_has(const struct cm_edl_decl *d, enum cm_edl_attr a)
{
    return (d->attrs & (1u << a)) != 0;
}

/** Whether the compiler copies what d points to (it has a direction). */
static inline bool cm_edl_is_marshalled(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_IN) || cm_edl_has(d, CM_EDL_OUT);
}

/** Whether d, a struct member, is a pointer whose target travels with the struct. */
static inline bool cm_edl_is_deep_member(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_SIZE) || cm_edl_has(d, CM_EDL_COUNT);
}

/** The struct that d points to and that needs a deep copy, or NULL. */
static inline const struct cm_edl_user *cm_edl_deep_target(const struct cm_edl_decl *d)
{
    const struct cm_edl_user *u = d->type.user;

    return d->type.stars == 1 && d->dim_count == 0 && u != NULL && u->deep ? u : NULL;
}

/** How a base type is written in C, without const and stars; the tag alone for user types. */
const char *cm_edl_kind_text(enum cm_edl_kind kind);

/** Whether two declarations say the same (names, types, attributes), wherever they stand. */
bool cm_edl_same_func(const struct cm_edl_func *a, const struct cm_edl_func *b);
bool cm_edl_same_user(const struct cm_edl_user *a, const struct cm_edl_user *b);

#endif
