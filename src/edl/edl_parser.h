/* What the parts of the parser share. Private to edl_parse*.c and edl_import.c. */
#ifndef CM_EDL_PARSER_H
#define CM_EDL_PARSER_H

#include "edl/edl_diag.h"
#include "edl/edl_lex.h"
#include "edl/edl_reserved.h"

struct cm_edl_parser {
    struct cm_edl_context *ctx;
    struct cm_edl_unit *unit;
    struct cm_edl_lexer lx;
};

/* where a declaration stands decides which attributes it may have */
enum cm_edl_place { CM_EDL_IN_FUNC, CM_EDL_IN_STRUCT, CM_EDL_IN_UNION };

/** Take the token text or raise an error. False after an error. */
bool cm_edl_expect(struct cm_edl_parser *p, const char *text);

/** Take the token text if it comes next. */
bool cm_edl_accept(struct cm_edl_parser *p, const char *text);

/** Take an identifier that C and C++ allow as a name; NULL after an error. */
const char *cm_edl_take_name(struct cm_edl_parser *p, const char *what, struct cm_edl_loc *loc);

/** Whether the next token is text; false at the end and after an error. */
bool cm_edl_next_is(struct cm_edl_parser *p, const char *text);

bool cm_edl_parse_type(struct cm_edl_parser *p, struct cm_edl_type *out);

/** [attributes] type name dims; NULL after an error. */
struct cm_edl_decl *cm_edl_parse_decl(struct cm_edl_parser *p, enum cm_edl_place place);

/** The body of trusted { } or untrusted { }, behind the keyword. */
void cm_edl_parse_section(struct cm_edl_parser *p, bool trusted);

/** import "x" and from "x" import ...; behind the keyword. */
void cm_edl_parse_import(struct cm_edl_parser *p);
void cm_edl_parse_from(struct cm_edl_parser *p);

/** Add to the unit; a second, different definition of the name is an error. */
void cm_edl_add_type(struct cm_edl_parser *p, struct cm_edl_user *u, struct cm_edl_loc loc);
void cm_edl_add_func(struct cm_edl_parser *p, struct cm_edl_func *f, struct cm_edl_list *to,
                     struct cm_edl_loc loc);
void cm_edl_add_include(struct cm_edl_parser *p, const char *text, size_t len);

struct cm_edl_func *cm_edl_find_func(const struct cm_edl_list *l, const char *name, size_t len);

/** Read, parse and check a file, or give it back if that happened before. NULL after an error. */
struct cm_edl_unit *cm_edl_load(struct cm_edl_context *ctx, const char *path,
                                const struct cm_edl_loc *from);

/** The parser proper, called by cm_edl_load for a new unit. */
void cm_edl_parse_text(struct cm_edl_parser *p);

/** Rules that need the whole file (edl_check.c). */
void cm_edl_check(struct cm_edl_context *ctx, struct cm_edl_unit *unit);

/** Rules of one declaration (edl_check_decl.c); owner names the function or struct. */
struct cm_edl_scope {
    struct cm_edl_context *ctx;
    const struct cm_edl_unit *unit;
    struct cm_edl_decl *siblings;
    const char *owner;
    bool is_func;
};
void cm_edl_check_decl(const struct cm_edl_scope *s, struct cm_edl_decl *d);

/** The size of a struct or union whose members are checked, held to CM_EDL_MAX_BYTES. */
void cm_edl_check_extent(struct cm_edl_context *ctx, struct cm_edl_user *u);

/** Refuse a name that generated code cannot have in that role, unless the SDK itself declares it. */
void cm_edl_check_reserved(struct cm_edl_context *ctx, const char *name, struct cm_edl_loc loc,
                           enum cm_edl_role role);

/** Refuse a parameter or member that is reserved or hides what its function or struct needs. */
void cm_edl_check_hiding(const struct cm_edl_scope *s, const struct cm_edl_decl *d);

/** Refuse a parameter that hides the type that f returns. */
void cm_edl_check_return(struct cm_edl_context *ctx, const struct cm_edl_func *f);

/** Refuse two things with one name at file scope of the generated code. For the outermost file. */
void cm_edl_check_names(struct cm_edl_context *ctx, const struct cm_edl_unit *unit);

/** Find the declaration of a struct, union or enum of the unit; NULL when it has none. */
struct cm_edl_user *cm_edl_find_user(const struct cm_edl_unit *unit, const char *name);

#endif
