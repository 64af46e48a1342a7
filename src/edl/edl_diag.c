/* Diagnostics of the EDL compiler: places, source lines with a caret, warning options. */
#include "edl/edl_diag.h"

#include <stdarg.h>
#include <string.h>

#include "os/os.h"

#define MAX_SHOWN_LINE 300  /* bytes of a source line; longer lines are shown without the caret */
#define MAX_MESSAGE    8192 /* of a path as long as a system allows, and what is wrong */

static const char *const warning_names[CM_EDL_W_MAX] = {
    [CM_EDL_W_FOREIGN_TYPE_PTR] = "foreign-type-ptr",
    [CM_EDL_W_NON_PORTABLE_TYPE] = "non-portable-type",
    [CM_EDL_W_PTR_IN_STRUCT] = "ptr-in-struct",
    [CM_EDL_W_PTR_IN_FUNCTION] = "ptr-in-function",
    [CM_EDL_W_RESERVED_NAME] = "reserved-name",
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

/* "KIND: PATH:LINE:COL TEXT" as one text, so that it is broken where a person would */
static void put_message(const struct cm_edl_context *ctx, const char *kind, const char *path,
                        const char *place, const char *text)
{
    char lead[16] = "";
    char full[MAX_MESSAGE] = "";

    (void)snprintf(lead, sizeof(lead), "%s: ", kind);
    (void)snprintf(full, sizeof(full), "%s%s%s", path, place, text);
    cm_print_wrapped(ctx->messages, lead, full);
}

/* how wide the byte c is shown: tabs as they are, bytes that a terminal might obey escaped */
static size_t shown_width(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c < 0x7f) ? 1 : sizeof("\\xNN") - 1;
}

/* the source line, and below it a caret at the byte `at` */
static void show_line(const struct cm_edl_context *ctx, struct cm_span line, size_t at)
{
    (void)fputs("    ", ctx->messages);
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '\t') {
            (void)fputc('\t', ctx->messages);
        } else {
            cm_print_escaped(ctx->messages, (const char *)line.ptr + i, 1);
        }
    }
    (void)fputs("\n    ", ctx->messages);
    for (size_t i = 0; i < at; i++) {
        if (line.ptr[i] == '\t') {
            (void)fputc('\t', ctx->messages);
        } else {
            (void)fprintf(ctx->messages, "%*s", (int)shown_width(line.ptr[i]), "");
        }
    }
    (void)fputs("^\n", ctx->messages);
}

static void show(const struct cm_edl_context *ctx, const char *kind, struct cm_edl_loc loc,
                 const char *text)
{
    const struct cm_edl_file *f = loc.file;
    size_t off = loc.off < f->len ? loc.off : f->len;
    size_t start = off;
    size_t end = off;
    size_t line = 1;
    char place[64] = "";

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
    (void)snprintf(place, sizeof(place), ":%zu:%zu ", line, off - start + 1);
    put_message(ctx, kind, f->path, place, text);
    if (end - start <= MAX_SHOWN_LINE) {
        show_line(ctx, cm_span_make(f->text + start, end - start), off - start);
    }
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
    char text[MAX_MESSAGE] = "";
    va_list ap;

    if (ctx->st != CM_OK) {
        return;
    }
    ctx->st = st;
    if (ctx->messages == NULL) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cm_print_wrapped(ctx->messages, "error: ", text);
}

bool cm_edl_nomem(struct cm_edl_context *ctx)
{
    cm_edl_fail(ctx, CM_ERR_NOMEM, "out of memory");
    return false;
}

/* Warnings that Open Enclave's compiler does not have. A build made for it says -Werror and means
 * those that it knows: ours are on, but become errors only where they are named. */
static bool is_ours(enum cm_edl_warning w)
{
    return w == CM_EDL_W_USER_CHECK || w == CM_EDL_W_RESERVED_NAME;
}

void cm_edl_warn(struct cm_edl_context *ctx, struct cm_edl_loc loc, enum cm_edl_warning w,
                 const char *fmt, ...)
{
    const struct cm_edl_options *o = ctx->options;
    bool on = o->warn_all || o->warn_on[w] || o->warn_error[w] || w == CM_EDL_W_NON_PORTABLE_TYPE ||
              w == CM_EDL_W_SIGNED_SIZE_OR_COUNT || is_ours(w);
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
    if (o->warn_error[w] || (o->werror && (!is_ours(w) || o->warn_on[w]))) {
        cm_edl_error(ctx, loc, "%s", full);
        return;
    }
    ctx->warnings++;
    show(ctx, "warning", loc, full);
}
