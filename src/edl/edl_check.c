/*
 * Rules that need the whole file: names of types, order of structs, cycles of deep copies, and
 * (through edl_check_decl.c) every parameter and member. Only what this file itself declares is
 * looked at; imports were checked when they were read.
 */
#include <string.h>

#include "edl/edl_parser.h"

#define MAX_FIELDS 1024

static void resolve(struct cm_edl_context *ctx, const struct cm_edl_unit *unit,
                    struct cm_edl_type *t)
{
    struct cm_edl_user *u = NULL;

    if (t->name == NULL) {
        return;
    }
    u = cm_edl_find_user(unit, t->name);
    if (u != NULL && t->kind != CM_EDL_FOREIGN && t->kind != u->kind) {
        cm_edl_error(ctx, t->loc, "`%s' is not a %s", t->name, cm_edl_kind_text(t->kind));
    }
    t->user = u;
}

static void resolve_decls(struct cm_edl_context *ctx, const struct cm_edl_unit *unit,
                          struct cm_edl_decl *d)
{
    size_t n = 0;

    for (; d != NULL && ctx->st == CM_OK; d = d->next, n++) {
        resolve(ctx, unit, &d->type);
        if (n == MAX_FIELDS) {
            cm_edl_error(ctx, d->loc, "more than %d members", MAX_FIELDS);
        }
    }
}

static void check_duplicates(struct cm_edl_context *ctx, const struct cm_edl_decl *first)
{
    for (const struct cm_edl_decl *d = first; d != NULL && ctx->st == CM_OK; d = d->next) {
        for (const struct cm_edl_decl *x = first; x != d; x = x->next) {
            if (strcmp(x->name, d->name) == 0) {
                cm_edl_error(ctx, d->loc, "duplicate name: `%s'", d->name);
                break;
            }
        }
    }
}

/* a member that is no pointer needs its type to be complete: declared further up */
static void check_order(struct cm_edl_context *ctx, const struct cm_edl_user *u)
{
    for (const struct cm_edl_decl *d = u->fields; d != NULL && ctx->st == CM_OK; d = d->next) {
        const struct cm_edl_user *t = d->type.user;

        if (t != NULL && d->type.stars == 0 && t->kind != CM_EDL_ENUM && t->index >= u->index) {
            cm_edl_error(ctx, d->type.loc, "`%s' must be declared before `%s'", t->name, u->name);
        }
    }
}

/*
 * A deep copy of a struct that contains itself would never end. Depth-first over the structs; the
 * recursion is bounded by CM_EDL_MAX_NESTING.
 */
static void check_cycles(struct cm_edl_context *ctx, struct cm_edl_unit *unit,
                         struct cm_edl_user *u, int depth)
{
    u->visit = 1;
    for (const struct cm_edl_decl *d = u->fields; d != NULL && ctx->st == CM_OK; d = d->next) {
        struct cm_edl_user *t = NULL;

        if (!cm_edl_is_deep_member(d) || cm_edl_deep_target(d) == NULL) {
            continue;
        }
        t = cm_edl_find_user(unit, d->type.user->name);
        if (t == NULL || t->visit == 2) {
            continue;
        }
        if (t->visit == 1) {
            cm_edl_error(ctx, d->loc, "the deep copy of `%s' contains itself through `%s'", t->name,
                         d->name);
        } else if (depth == CM_EDL_MAX_NESTING) {
            cm_edl_error(ctx, d->loc, "deep copies nested deeper than %d", CM_EDL_MAX_NESTING);
        } else {
            check_cycles(ctx, unit, t, depth + 1);
        }
    }
    u->visit = 2;
}

static void check_types(struct cm_edl_context *ctx, struct cm_edl_unit *unit)
{
    for (size_t i = 0; i < unit->types.count && ctx->st == CM_OK; i++) {
        struct cm_edl_user *u = unit->types.items[i];

        u->index = (unsigned)i;
        u->visit = 0;
        if (u->loc.file != unit->file) {
            continue;
        }
        cm_edl_check_reserved(ctx, u->name, u->loc, CM_EDL_GLOBAL);
        for (const struct cm_edl_enumerator *v = u->enumerators; v != NULL; v = v->next) {
            cm_edl_check_reserved(ctx, v->name, v->loc, CM_EDL_GLOBAL);
        }
        resolve_decls(ctx, unit, u->fields);
        for (const struct cm_edl_decl *d = u->fields; d != NULL; d = d->next) {
            u->deep = u->deep || cm_edl_is_deep_member(d);
        }
    }
    for (size_t i = 0; i < unit->types.count && ctx->st == CM_OK; i++) {
        struct cm_edl_user *u = unit->types.items[i];
        struct cm_edl_scope s = {ctx, unit, u->fields, u->name, false};

        if (u->loc.file == unit->file) {
            check_order(ctx, u);
            check_duplicates(ctx, u->fields);
            for (struct cm_edl_decl *d = u->fields; d != NULL && ctx->st == CM_OK; d = d->next) {
                cm_edl_check_decl(&s, d);
            }
            cm_edl_check_extent(ctx, u);
        }
        if (u->visit == 0 && ctx->st == CM_OK) {
            check_cycles(ctx, unit, u, 0);
        }
    }
}

static void check_func(struct cm_edl_context *ctx, struct cm_edl_unit *unit, struct cm_edl_func *f)
{
    struct cm_edl_scope s = {ctx, unit, f->params, f->name, true};

    cm_edl_check_reserved(ctx, f->name, f->loc, CM_EDL_GLOBAL);
    cm_edl_check_return(ctx, f);
    resolve(ctx, unit, &f->ret);
    resolve_decls(ctx, unit, f->params);
    check_duplicates(ctx, f->params);
    if (f->ret.stars == 0 && f->ret.user != NULL && f->ret.user->deep) {
        cm_edl_error(ctx, f->ret.loc, "the struct `%s' needs a deep copy: it cannot be returned",
                     f->ret.name);
    }
    if (f->ret.stars != 0) {
        cm_edl_warn(ctx, f->ret.loc, CM_EDL_W_RETURN_PTR,
                    "Function `%s': The function returns a pointer, which could expose memory "
                    "addresses across the host-enclave boundary. Consider passing the pointer as "
                    "an out parameter instead",
                    f->name);
    }
    for (struct cm_edl_decl *d = f->params; d != NULL && ctx->st == CM_OK; d = d->next) {
        cm_edl_check_decl(&s, d);
    }
}

static void check_name(struct cm_edl_context *ctx, const struct cm_edl_unit *unit)
{
    struct cm_edl_loc start = {unit->file, 0};
    bool good = unit->name[0] != '\0' && !(unit->name[0] >= '0' && unit->name[0] <= '9');

    for (const char *c = unit->name; *c != '\0'; c++) {
        good = good && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_');
    }
    if (!good || strlen(unit->name) > CM_EDL_MAX_NAME) {
        cm_edl_error(ctx, start, "the file name `%s' cannot be part of a C identifier", unit->name);
    }
}

void cm_edl_check(struct cm_edl_context *ctx, struct cm_edl_unit *unit)
{
    const struct cm_edl_list *lists[] = {&unit->trusted, &unit->untrusted};

    if (ctx->import_depth == 0) {
        check_name(ctx, unit);
    }
    check_types(ctx, unit);
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count && ctx->st == CM_OK; i++) {
            struct cm_edl_func *f = lists[l]->items[i];

            if (f->loc.file == unit->file) {
                check_func(ctx, unit, f);
            }
        }
    }
    if (ctx->import_depth == 0 && ctx->st == CM_OK) {
        cm_edl_check_names(ctx, unit);
    }
}
