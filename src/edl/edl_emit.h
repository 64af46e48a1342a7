/* What the parts of the emitter share. They read a checked unit and append C to a text. */
#ifndef CM_EDL_EMIT_H
#define CM_EDL_EMIT_H

#include "edl/edl.h"
#include "edl/edl_out.h"

/* the static helper functions for structs that a generated .c file can hold */
enum cm_edl_helper {
    CM_EDL_H_FIX = 1 << 0,     /* make every bool 0 or 1 */
    CM_EDL_H_SCRUB = 1 << 1,   /* zero the bytes between the members */
    CM_EDL_H_SIZE = 1 << 2,    /* bytes of all deep-copied members */
    CM_EDL_H_PUT = 1 << 3,     /* append deep-copied members to a buffer */
    CM_EDL_H_IN = 1 << 4,      /* find them in the input */
    CM_EDL_H_INOUT = 1 << 5,   /* find them in the input and move them to the output */
    CM_EDL_H_RESTORE = 1 << 6, /* give sizes, counts and pointers back their values */
    CM_EDL_H_GET = 1 << 7,     /* copy an in-out struct back into the caller's */
    CM_EDL_H_DUP = 1 << 8,     /* give an out struct members of its own */
    CM_EDL_H_FREE = 1 << 9,    /* free them again */
};

struct cm_edl_emitter {
    const struct cm_edl_unit *unit;
    struct cm_edl_text *out;
    bool trusted;       /* X_t: the file for the enclave */
    const char *prefix; /* of ecall wrappers: "" or "X_" */
};

/** Which helpers a file needs of one struct; includes what its members need. */
void cm_edl_emit_helpers(const struct cm_edl_emitter *e);

/** Whether a type has bools to fix, or bytes between members to clear. */
bool cm_edl_has_bool(const struct cm_edl_emitter *e, const struct cm_edl_user *u);

/** The callee's side of a function: takes the buffers apart and calls the user's function. */
void cm_edl_emit_stub(const struct cm_edl_emitter *e, const struct cm_edl_func *f);

/** The caller's side: has the user's prototype, makes the buffers and the call. */
void cm_edl_emit_wrapper(const struct cm_edl_emitter *e, const struct cm_edl_func *f);

/** The marshalling struct of f. */
void cm_edl_emit_args(const struct cm_edl_emitter *e, const struct cm_edl_func *f);

/** "RET name(params)" of the plain function. */
void cm_edl_emit_plain_prototype(const struct cm_edl_emitter *e, const struct cm_edl_func *f);

/** "oe_result_t <prefix>name([enclave,] [_retval,] params)" of the wrapper. */
void cm_edl_emit_wrapper_prototype(const struct cm_edl_emitter *e, const struct cm_edl_func *f,
                                   const char *prefix);

/** The type of a return value, const dropped where it means nothing. */
struct cm_edl_str cm_edl_return_type(const struct cm_edl_func *f);

static inline bool cm_edl_returns(const struct cm_edl_func *f)
{
    return f->ret.kind != CM_EDL_VOID || f->ret.stars != 0;
}

/** Whether f hands back a deep-copied struct that only goes out. */
bool cm_edl_has_deep_out(const struct cm_edl_func *f);

/** The EDL struct of which d is, or points to, one or more; NULL for anything else. */
const struct cm_edl_user *cm_edl_struct_of(const struct cm_edl_decl *d);

/** The number of such structs, as an expression. */
struct cm_edl_str cm_edl_struct_count(const struct cm_edl_decl *d, const char *prefix);

/** Whether d travels beside the buffers of f, an ecall, when it is large: no deep copy. */
static inline bool cm_edl_is_plain(const struct cm_edl_func *f, const struct cm_edl_decl *d)
{
    return f->trusted && cm_edl_is_marshalled(d) && cm_edl_deep_target(d) == NULL;
}

void cm_edl_emit_args_h(const struct cm_edl_emitter *e);
void cm_edl_emit_header(const struct cm_edl_emitter *e);
void cm_edl_emit_source(const struct cm_edl_emitter *e);

#endif
