/* Which names are taken in generated code whatever the EDL file says; see edl_reserved.c. */
#ifndef CM_EDL_RESERVED_H
#define CM_EDL_RESERVED_H

#include <stdbool.h>
#include <stddef.h>

enum cm_edl_role {
    CM_EDL_GLOBAL, /* a function, type or enumerator */
    CM_EDL_PARAM,
    CM_EDL_MEMBER, /* of a struct or union */
};

/** Whether name is a word of C itself. */
bool cm_edl_is_keyword(const char *name);

/** Why name cannot be declared in that role: a short phrase for a message, or NULL when it can. */
const char *cm_edl_reserved(const char *name, enum cm_edl_role role);

/**
 * The same for names that compile in one use and not in another (C but not C++, unless a certain
 * header is included): they get a warning, since applications have them.
 */
const char *cm_edl_doubtful(const char *name, enum cm_edl_role role);

/* Names in byte order; the lists are made by edl_names.cmake. */
struct cm_edl_name_list {
    const char *const *names;
    size_t count;
};

extern const struct cm_edl_name_list cm_edl_keywords;
extern const struct cm_edl_name_list cm_edl_macros;
extern const struct cm_edl_name_list cm_edl_later_words; /* of C++ and C23 alone */
extern const struct cm_edl_name_list cm_edl_library;
extern const struct cm_edl_name_list cm_edl_builtins;
extern const struct cm_edl_name_list cm_edl_api; /* of the SDK's public headers */

#endif
