/* Files and what they take from each other: search paths, cycles, merging of definitions. */
#include <string.h>

#include "edl/edl_parser.h"
#include "os/os.h"

struct cm_edl_user *cm_edl_find_user(const struct cm_edl_unit *unit, const char *name)
{
    for (size_t i = 0; i < unit->types.count; i++) {
        struct cm_edl_user *u = unit->types.items[i];

        if (strcmp(u->name, name) == 0) {
            return u;
        }
    }
    return NULL;
}

struct cm_edl_func *cm_edl_find_func(const struct cm_edl_list *l, const char *name, size_t len)
{
    for (size_t i = 0; i < l->count; i++) {
        struct cm_edl_func *f = l->items[i];

        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0) {
            return f;
        }
    }
    return NULL;
}

/* imported definitions may meet again through another file; those of one file may not */
static bool is_same_file(struct cm_edl_loc a, struct cm_edl_loc b)
{
    return a.file == b.file;
}

void cm_edl_add_type(struct cm_edl_parser *p, struct cm_edl_user *u, struct cm_edl_loc loc)
{
    struct cm_edl_user *have = u->name[0] == '\0' ? NULL : cm_edl_find_user(p->unit, u->name);

    if (have == NULL && u->name[0] == '\0') {
        for (size_t i = 0; i < p->unit->types.count; i++) {
            have = p->unit->types.items[i] == u ? u : have;
        }
    }
    if (have == u) {
        return;
    }
    if (have != NULL) {
        if (is_same_file(have->loc, u->loc) || !cm_edl_same_user(have, u)) {
            cm_edl_error(p->ctx, loc, "duplicate type definition: `%s'", u->name);
        }
        return;
    }
    if (p->unit->types.count == CM_EDL_MAX_TYPES) {
        cm_edl_error(p->ctx, loc, "more than %d types", CM_EDL_MAX_TYPES);
    } else if (!cm_edl_list_add(&p->ctx->arena, &p->unit->types, u)) {
        (void)cm_edl_nomem(p->ctx);
    }
}

void cm_edl_add_func(struct cm_edl_parser *p, struct cm_edl_func *f, struct cm_edl_list *to,
                     struct cm_edl_loc loc)
{
    const struct cm_edl_list *lists[] = {&p->unit->trusted, &p->unit->untrusted,
                                         &p->unit->imported_trusted, &p->unit->imported_untrusted};
    size_t total = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const struct cm_edl_func *have = cm_edl_find_func(lists[i], f->name, strlen(f->name));

        total += lists[i]->count;
        if (have == f) {
            return;
        }
        if (have != NULL) {
            if (is_same_file(have->loc, f->loc) || !cm_edl_same_func(have, f)) {
                cm_edl_error(p->ctx, loc, "duplicate function definition: `%s'", f->name);
            }
            return;
        }
    }
    if (total >= CM_EDL_MAX_FUNCS) {
        cm_edl_error(p->ctx, loc, "more than %d functions", CM_EDL_MAX_FUNCS);
    } else if (!cm_edl_list_add(&p->ctx->arena, to, f)) {
        (void)cm_edl_nomem(p->ctx);
    }
}

static void take_types(struct cm_edl_parser *p, const struct cm_edl_unit *from,
                       struct cm_edl_loc loc)
{
    for (size_t i = 0; i < from->types.count && p->ctx->st == CM_OK; i++) {
        cm_edl_add_type(p, from->types.items[i], loc);
    }
    for (size_t i = 0; i < from->includes.count && p->ctx->st == CM_OK; i++) {
        const char *name = from->includes.items[i];

        cm_edl_add_include(p, name, strlen(name));
    }
}

static void take_all_funcs(struct cm_edl_parser *p, const struct cm_edl_unit *from,
                           struct cm_edl_loc loc)
{
    for (size_t i = 0; i < from->trusted.count && p->ctx->st == CM_OK; i++) {
        cm_edl_add_func(p, from->trusted.items[i], &p->unit->imported_trusted, loc);
    }
    for (size_t i = 0; i < from->untrusted.count && p->ctx->st == CM_OK; i++) {
        cm_edl_add_func(p, from->untrusted.items[i], &p->unit->imported_untrusted, loc);
    }
}

/* the file name token, and the unit behind it */
static struct cm_edl_unit *import_file(struct cm_edl_parser *p, struct cm_edl_loc *loc)
{
    const struct cm_edl_token *t = cm_edl_peek(&p->lx, 0);
    char *name = NULL;

    *loc = t->loc;
    if (t->kind != CM_EDL_T_STRING || t->len == 0) {
        cm_edl_error(p->ctx, t->loc, "expecting the name of an EDL file in quotes");
        return NULL;
    }
    name = cm_edl_copy_text(&p->ctx->arena, t->ptr, t->len);
    if (name == NULL) {
        (void)cm_edl_nomem(p->ctx);
        return NULL;
    }
    (void)cm_edl_next(&p->lx);
    return cm_edl_load(p->ctx, name, loc);
}

void cm_edl_parse_import(struct cm_edl_parser *p)
{
    struct cm_edl_loc loc;
    const struct cm_edl_unit *from = import_file(p, &loc);

    if (from != NULL) {
        take_types(p, from, loc);
        take_all_funcs(p, from, loc);
    }
}

static void take_named_func(struct cm_edl_parser *p, const struct cm_edl_unit *from)
{
    struct cm_edl_loc loc;
    const char *name = cm_edl_take_name(p, "the name of a function", &loc);
    struct cm_edl_func *f = NULL;

    if (name == NULL) {
        return;
    }
    f = cm_edl_find_func(&from->trusted, name, strlen(name));
    if (f != NULL) {
        cm_edl_add_func(p, f, &p->unit->imported_trusted, loc);
        return;
    }
    f = cm_edl_find_func(&from->untrusted, name, strlen(name));
    if (f != NULL) {
        cm_edl_add_func(p, f, &p->unit->imported_untrusted, loc);
        return;
    }
    cm_edl_error(p->ctx, loc, "function `%s' not found in `%s'", name, from->file->path);
}

void cm_edl_parse_from(struct cm_edl_parser *p)
{
    struct cm_edl_loc loc;
    const struct cm_edl_unit *from = import_file(p, &loc);

    if (from == NULL) {
        return;
    }
    take_types(p, from, loc);
    (void)cm_edl_expect(p, "import");
    if (cm_edl_accept(p, "*")) {
        take_all_funcs(p, from, loc);
    } else {
        do {
            take_named_func(p, from);
        } while (p->ctx->st == CM_OK && cm_edl_accept(p, ","));
    }
    (void)cm_edl_expect(p, ";");
}

/* "dir/name.edl" -> "name", which becomes part of C names */
static const char *unit_name(struct cm_edl_context *ctx, const char *path)
{
    const char *base = strrchr(path, '/');
    const char *dot = NULL;

    base = base == NULL ? path : base + 1;
    dot = strrchr(base, '.');
    return cm_edl_copy_text(&ctx->arena, base, dot == NULL ? strlen(base) : (size_t)(dot - base));
}

static char *join(struct cm_edl_context *ctx, const char *dir, size_t dir_len, const char *name)
{
    size_t size = dir_len + strlen(name) + 2;
    char *out = cm_edl_alloc(&ctx->arena, size);

    if (out == NULL) {
        (void)cm_edl_nomem(ctx);
        return NULL;
    }
    (void)snprintf(out, size, "%.*s/%s", (int)dir_len, dir, name);
    return out;
}

/* as it is, then below each search path, then beside the importing file */
static enum cm_status find_text(struct cm_edl_context *ctx, const char *name,
                                const struct cm_edl_loc *from, struct cm_edl_file *f)
{
    const struct cm_edl_source *src = &ctx->source;
    size_t tries = ctx->options->search_path_count + 2;
    const char *slash = from == NULL ? NULL : strrchr(from->file->path, '/');
    enum cm_status st = CM_ERR_NOTFOUND;

    for (size_t i = 0; i < tries && st == CM_ERR_NOTFOUND; i++) {
        const char *path = name;

        if (i != 0 && name[0] == '/') {
            break;
        }
        if (i == tries - 1) {
            if (slash == NULL) {
                break;
            }
            path = join(ctx, from->file->path, (size_t)(slash - from->file->path), name);
        } else if (i != 0) {
            const char *dir = ctx->options->search_paths[i - 1];

            path = join(ctx, dir, strlen(dir), name);
        }
        if (path == NULL) {
            return CM_ERR_NOMEM;
        }
        f->path = path;
        st = src->read(src->ctx, &ctx->arena, path, &f->text, &f->len);
    }
    return st;
}

static void report_unreadable(struct cm_edl_context *ctx, enum cm_status st, const char *name,
                              const struct cm_edl_loc *from)
{
    const char *why = st == CM_ERR_NOTFOUND ? "file not found within search paths"
                      : st == CM_ERR_LIMIT  ? "file is too large"
                                            : "no regular file that can be read";

    if (st == CM_ERR_NOMEM) {
        (void)cm_edl_nomem(ctx);
    } else if (from == NULL) {
        cm_edl_fail(ctx, st, "%s: %s", why, name);
    } else {
        cm_edl_error(ctx, *from, "%s: `%s'", why, name);
        ctx->st = st;
    }
}

static struct cm_edl_unit *find_unit(const struct cm_edl_context *ctx, const char *path)
{
    for (size_t i = 0; i < ctx->units.count; i++) {
        struct cm_edl_unit *u = ctx->units.items[i];

        if (strcmp(u->file->path, path) == 0) {
            return u;
        }
    }
    return NULL;
}

static bool append_all(struct cm_edl_context *ctx, struct cm_edl_list *to,
                       const struct cm_edl_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!cm_edl_list_add(&ctx->arena, to, from->items[i])) {
            return cm_edl_nomem(ctx);
        }
    }
    return true;
}

/* file is new: parse it */
static struct cm_edl_unit *load_new(struct cm_edl_context *ctx, struct cm_edl_file *file)
{
    struct cm_edl_unit *u = cm_edl_alloc(&ctx->arena, sizeof(*u));
    struct cm_edl_parser *p = cm_edl_alloc(&ctx->arena, sizeof(*p));

    if (u == NULL || p == NULL || !cm_edl_list_add(&ctx->arena, &ctx->units, u)) {
        (void)cm_edl_nomem(ctx);
        return NULL;
    }
    u->file = file;
    u->name = unit_name(ctx, file->path);
    if (u->name == NULL) {
        (void)cm_edl_nomem(ctx);
        return NULL;
    }
    if (ctx->progress != NULL) {
        (void)fputs("Processing ", ctx->progress);
        cm_print_escaped(ctx->progress, file->path, strlen(file->path));
        (void)fputs(".\n", ctx->progress);
    }
    p->ctx = ctx;
    p->unit = u;
    cm_edl_lex_init(&p->lx, ctx, file);
    u->open = true;
    ctx->import_depth++;
    cm_edl_parse_text(p);
    ctx->import_depth--;
    u->open = false;
    if (ctx->st == CM_OK && append_all(ctx, &u->trusted, &u->imported_trusted) &&
        append_all(ctx, &u->untrusted, &u->imported_untrusted)) {
        cm_edl_check(ctx, u);
    }
    return ctx->st == CM_OK ? u : NULL;
}

struct cm_edl_unit *cm_edl_load(struct cm_edl_context *ctx, const char *path,
                                const struct cm_edl_loc *from)
{
    struct cm_edl_loc nowhere = {NULL, 0};
    struct cm_edl_file *file = NULL;
    struct cm_edl_unit *u = NULL;
    enum cm_status st = CM_OK;

    if (ctx->st != CM_OK) {
        return NULL;
    }
    file = cm_edl_alloc(&ctx->arena, sizeof(*file));
    if (file == NULL) {
        (void)cm_edl_nomem(ctx);
        return NULL;
    }
    st = find_text(ctx, path, from, file);
    if (st != CM_OK) {
        report_unreadable(ctx, st, path, from);
        return NULL;
    }
    u = find_unit(ctx, file->path);
    if (u != NULL && !u->open) {
        return u;
    }
    if (from == NULL) {
        nowhere.file = file;
        from = &nowhere;
    }
    if (u != NULL) {
        cm_edl_error(ctx, *from, "recursive import of `%s'", file->path);
    } else if (ctx->import_depth == CM_EDL_MAX_IMPORT_DEPTH) {
        cm_edl_error(ctx, *from, "imports nested deeper than %d", CM_EDL_MAX_IMPORT_DEPTH);
    } else if (ctx->units.count == CM_EDL_MAX_FILES) {
        cm_edl_error(ctx, *from, "more than %d EDL files", CM_EDL_MAX_FILES);
    } else {
        /* the SDK's own files, however they were found */
        file->system = from->file != file && strstr(file->path, "openenclave/edl/") != NULL;
        u = load_new(ctx, file);
    }
    return ctx->st == CM_OK ? u : NULL;
}

enum cm_status cm_edl_parse(struct cm_edl_context *ctx, const char *path,
                            const struct cm_edl_unit **out)
{
    const struct cm_edl_unit *u = cm_edl_load(ctx, path, NULL);

    *out = u;
    return ctx->st;
}

void cm_edl_context_free(struct cm_edl_context *ctx)
{
    cm_edl_arena_free(&ctx->arena);
}
