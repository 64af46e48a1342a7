/* Errors and warnings that point into EDL text. The first error ends a compilation. */
#ifndef CM_EDL_DIAG_H
#define CM_EDL_DIAG_H

#include "edl/edl.h"

/** "error: FILE:LINE:COL message", the line, a caret. Later errors are silent. Sets ctx->st. */
void cm_edl_error(struct cm_edl_context *ctx, struct cm_edl_loc loc, const char *fmt, ...)
    CM_PRINTF(3, 4);

/** An error that has no place in a text (a missing file, no memory). */
void cm_edl_fail(struct cm_edl_context *ctx, enum cm_status st, const char *fmt, ...)
    CM_PRINTF(3, 4);

/** Sets CM_ERR_NOMEM, always false. */
bool cm_edl_nomem(struct cm_edl_context *ctx);

/** A warning, an error or nothing, as the options say of w. */
void cm_edl_warn(struct cm_edl_context *ctx, struct cm_edl_loc loc, enum cm_edl_warning w,
                 const char *fmt, ...) CM_PRINTF(4, 5);

#endif
