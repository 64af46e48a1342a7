/* The tool as one function: parse all, emit all, write all. Called by tools/oeedger8r.c. */
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "edl/edl_diag.h"
#include "edl/edl_files.h"
#include "edl/edl_out.h"

static enum cm_status add_file(struct cm_edl_output_set *set, const struct cm_edl_options *o,
                               const struct cm_edl_unit *unit, enum cm_edl_output which,
                               const char *dir)
{
    static const char *const suffix[] = {"_args.h", "_t.h", "_t.c", "_u.h", "_u.c"};
    struct cm_edl_str name = cm_edl_fmt("%s%s", unit->name, suffix[which]);
    enum cm_status st = CM_OK;
    char *text = NULL;
    size_t len = 0;

    st = cm_edl_emit(unit, which, o->use_prefix, &text, &len);
    if (st == CM_OK) {
        st = cm_edl_set_add(set, dir, name.s, text, len);
    }
    return st;
}

/* one side's two headers and its source file; shared: X_args.h is in the set already */
static enum cm_status add_side(struct cm_edl_output_set *set, const struct cm_edl_options *o,
                               const struct cm_edl_unit *unit, bool trusted, bool shared)
{
    const char *dir = trusted ? o->trusted_dir : o->untrusted_dir;
    enum cm_status st = CM_OK;

    if (!shared) {
        CM_TRY(add_file(set, o, unit, CM_EDL_ARGS_H, dir));
    }
    CM_TRY(add_file(set, o, unit, trusted ? CM_EDL_T_H : CM_EDL_U_H, dir));
    if (!o->header_only) {
        CM_TRY(add_file(set, o, unit, trusted ? CM_EDL_T_C : CM_EDL_U_C, dir));
    }
out:
    return st;
}

static enum cm_status add_unit(struct cm_edl_output_set *set, const struct cm_edl_options *o,
                               const struct cm_edl_unit *unit)
{
    bool both = o->trusted == o->untrusted;
    enum cm_status st = CM_OK;

    if (both || o->trusted) {
        st = add_side(set, o, unit, true, false);
    }
    if (st == CM_OK && (both || o->untrusted)) {
        st = add_side(set, o, unit, false, both && strcmp(o->trusted_dir, o->untrusted_dir) == 0);
    }
    return st;
}

/* a make rule: every output depends on every EDL file that was read */
static enum cm_status add_dep_file(struct cm_edl_output_set *set, const struct cm_edl_context *ctx)
{
    struct cm_edl_text t = {NULL, 0, 0, false};

    for (size_t i = 0; i < set->count; i++) {
        cm_edl_put(&t, "%s%s", i == 0 ? "" : " ", set->files[i].path);
    }
    cm_edl_put(&t, ":");
    for (size_t i = 0; i < ctx->units.count; i++) {
        const struct cm_edl_unit *u = ctx->units.items[i];

        cm_edl_put(&t, " \\\n  ");
        for (const char *c = u->file->path; *c != '\0'; c++) {
            cm_edl_put(&t, "%s%c", *c == ' ' || *c == '#' ? "\\" : *c == '$' ? "$" : "", *c);
        }
    }
    cm_edl_put(&t, "\n");
    if (t.bad) {
        free(t.buf);
        return CM_ERR_NOMEM;
    }
    return cm_edl_set_add(set, ".", ctx->options->dep_file, t.buf, t.len);
}

enum cm_status cm_edl_compile(const struct cm_edl_options *options, const char *const *paths,
                              size_t path_count, FILE *messages, FILE *progress)
{
    struct cm_edl_context ctx;
    struct cm_edl_output_set set;
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    memset(&ctx, 0, sizeof(ctx));
    memset(&set, 0, sizeof(set));
    ctx.options = options;
    ctx.source = cm_edl_disk_source();
    ctx.messages = messages;
    ctx.progress = options->quiet ? NULL : progress;
    for (size_t i = 0; i < path_count; i++) {
        const struct cm_edl_unit *unit = NULL;

        CM_TRY(cm_edl_parse(&ctx, paths[i], &unit));
        st = add_unit(&set, options, unit);
        if (st == CM_ERR_EXISTS) {
            cm_edl_fail(&ctx, st, "two EDL files have the name %s", unit->name);
        }
        CM_TRY(st);
    }
    if (options->dep_file != NULL) {
        CM_TRY(add_dep_file(&set, &ctx));
    }
    CM_TRY(cm_edl_make_dirs(&set, options->trusted_dir, &why));
    CM_TRY(cm_edl_make_dirs(&set, options->untrusted_dir, &why));
    CM_TRY(cm_edl_set_write(&set, &why));
out:
    if (st != CM_OK && ctx.st == CM_OK) {
        cm_edl_fail(&ctx, st, "%s", why.text[0] != '\0' ? why.text : cm_status_str(st));
    }
    if (st != CM_OK) {
        cm_edl_set_undo(&set);
    }
    cm_edl_set_free(&set);
    cm_edl_context_free(&ctx);
    return st;
}
