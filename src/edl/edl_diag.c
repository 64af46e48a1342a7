/* Diagnostics of the EDL compiler: places, source lines with a caret, warning options. */
#include "edl/edl_diag.h"

#include <stdarg.h>
#include <string.h>

#define MAX_SHOWN_LINE 300 /* bytes of a source line; longer lines are shown without the caret */

static const char *const warning_names[CM_EDL_W_MAX] = {
    [CM_EDL_W_FOREIGN_TYPE_PTR] = "foreign-type-ptr",
    [CM_EDL_W_NON_PORTABLE_TYPE] = "non-portable-type",
    [CM_EDL_W_PTR_IN_STRUCT] = "ptr-in-struct",
    [CM_EDL_W_PTR_IN_FUNCTION] = "ptr-in-function",
    [CM_EDL_W_RETURN_PTR] = "return-ptr",
    [CM_EDL_W_SIGNED_SIZE_OR_COUNT] = "signed-size-or-count",
    [CM_EDL_W_UNSUPPORTED_ALLOW] = "unsupported-allow",
    [CM_EDL_W_USER_CHECK] = "user-check",
};

const char *cm_edl_warning_name(enum cm_edl_warning w)
{
    return warning_names[w];
}

bool cm_edl_warning_find(const char *name, enum cm_edl_warning *out)
{
    for (int i = 0; i < CM_EDL_W_MAX; i++) {
        if (strcmp(name, warning_names[i]) == 0) {
            *out = (enum cm_edl_warning)i;
            return true;
        }
    }
    return false;
}

static void show(const struct cm_edl_context *ctx, const char *kind, struct cm_edl_loc loc,
                 const char *text)
{
    const struct cm_edl_file *f = loc.file;
    size_t off = loc.off < f->len ? loc.off : f->len;
    size_t start = off;
    size_t end = off;
    size_t line = 1;

    if (ctx->messages == NULL) {
        return;
    }
    while (start > 0 && f->text[start - 1] != '\n') {
        start--;
    }
    while (end < f->len && f->text[end] != '\n' && f->text[end] != '\r') {
        end++;
    }
    for (size_t i = 0; i < start; i++) {
        line += f->text[i] == '\n';
    }
    (void)fprintf(ctx->messages, "%s: %s:%zu:%zu %s\n", kind, f->path, line, off - start + 1, text);
    if (end - start > MAX_SHOWN_LINE) {
        return;
    }
    (void)fputs("    ", ctx->messages);
    for (size_t i = start; i < end; i++) {
        unsigned char c = (unsigned char)f->text[i];

        /* control bytes of a hostile file must not reach the terminal */
        (void)fputc(c == '\t' || c >= 0x20 ? c : '?', ctx->messages);
    }
    (void)fputs("\n    ", ctx->messages);
    for (size_t i = start; i < off; i++) {
        (void)fputc(f->text[i] == '\t' ? '\t' : ' ', ctx->messages);
    }
    (void)fputs("^\n", ctx->messages);
}

void cm_edl_error(struct cm_edl_context *ctx, struct cm_edl_loc loc, const char *fmt, ...)
{
    char text[512] = "";
    va_list ap;

    if (ctx->st != CM_OK) {
        return;
    }
    ctx->st = CM_ERR_SYNTAX;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    show(ctx, "error", loc, text);
}

void cm_edl_fail(struct cm_edl_context *ctx, enum cm_status st, const char *fmt, ...)
{
    va_list ap;

    if (ctx->st != CM_OK) {
        return;
    }
    ctx->st = st;
    if (ctx->messages == NULL) {
        return;
    }
    (void)fputs("error: ", ctx->messages);
    va_start(ap, fmt);
    (void)vfprintf(ctx->messages, fmt, ap);
    va_end(ap);
    (void)fputc('\n', ctx->messages);
}

bool cm_edl_nomem(struct cm_edl_context *ctx)
{
    cm_edl_fail(ctx, CM_ERR_NOMEM, "out of memory");
    return false;
}

void cm_edl_warn(struct cm_edl_context *ctx, struct cm_edl_loc loc, enum cm_edl_warning w,
                 const char *fmt, ...)
{
    const struct cm_edl_options *o = ctx->options;
    bool on = o->warn_all || o->warn_on[w] || o->warn_error[w] || w == CM_EDL_W_NON_PORTABLE_TYPE ||
              w == CM_EDL_W_SIGNED_SIZE_OR_COUNT || w == CM_EDL_W_USER_CHECK;
    char text[512] = "";
    char full[600] = "";
    va_list ap;

    if (ctx->st != CM_OK || !on || o->warn_off[w] || loc.file->system) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)snprintf(full, sizeof(full), "%s [-W%s]", text, warning_names[w]);
    if (o->werror || o->warn_error[w]) {
        cm_edl_error(ctx, loc, "%s", full);
        return;
    }
    ctx->warnings++;
    show(ctx, "warning", loc, full);
}
