/*
 * Names that would meet in generated code. Three questions: is a declared name reserved
 * (edl_reserved.c); does a parameter or member hide what its own function or struct needs; and do
 * two things of the whole file, with what is generated for them, get one name.
 */
#include <stdlib.h>
#include <string.h>

#include "edl/edl_out.h"
#include "edl/edl_parser.h"

void cm_edl_check_reserved(struct cm_edl_context *ctx, const char *name, struct cm_edl_loc loc,
                           enum cm_edl_role role)
{
    const char *why = loc.file->system ? NULL : cm_edl_reserved(name, role);

    if (why != NULL) {
        cm_edl_error(ctx, loc, "reserved name `%s': %s", name, why);
        return;
    }
    why = loc.file->system ? NULL : cm_edl_doubtful(name, role);
    if (why != NULL) {
        cm_edl_warn(ctx, loc, CM_EDL_W_RESERVED_NAME, "reserved name `%s': %s", name, why);
    }
}

/* whether the type t, or the dimension of an array, is written with the bare name */
static bool mentions(const struct cm_edl_type *t, const char *name)
{
    return t->name != NULL && strcmp(t->name, name) == 0;
}

static bool decl_mentions(const struct cm_edl_decl *d, const char *name)
{
    for (size_t i = 0; i < d->dim_count; i++) {
        if (d->dims[i].is_name && strcmp(d->dims[i].name, name) == 0) {
            return true;
        }
    }
    return mentions(&d->type, name);
}

static bool is_made(const char *name, const char *front, const char *middle, const char *back)
{
    size_t f = strlen(front);
    size_t m = strlen(middle);

    return strncmp(name, front, f) == 0 && strncmp(name + f, middle, m) == 0 &&
           strcmp(name + f + m, back) == 0;
}

void cm_edl_check_hiding(const struct cm_edl_scope *s, const struct cm_edl_decl *d)
{
    bool taken = false;

    cm_edl_check_reserved(s->ctx, d->name, d->loc, s->is_func ? CM_EDL_PARAM : CM_EDL_MEMBER);
    for (const struct cm_edl_decl *x = s->siblings; x != NULL; x = x->next) {
        if (decl_mentions(x, d->name)) {
            cm_edl_error(s->ctx, d->loc, "`%s' hides the type or constant that `%s' is made of",
                         d->name, x->name);
        }
        taken = taken || ((cm_edl_has(x, CM_EDL_STRING) || cm_edl_has(x, CM_EDL_WSTRING)) &&
                          is_made(d->name, x->name, "_len", ""));
    }
    if (s->is_func) {
        taken = taken || is_made(d->name, s->owner, "_args_t", "") ||
                is_made(d->name, s->unit->name, "_fcn_id_", s->owner);
    }
    if (taken) {
        cm_edl_error(s->ctx, d->loc, "reserved name `%s': generated code uses it", d->name);
    }
}

void cm_edl_check_return(struct cm_edl_context *ctx, const struct cm_edl_func *f)
{
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (mentions(&f->ret, d->name)) {
            cm_edl_error(ctx, d->loc, "`%s' hides the type that `%s' returns", d->name, f->name);
        }
    }
}

/* one name at file scope of the generated code, and the declaration that brings it */
struct entry {
    const char *name;
    const char *by; /* NULL: the declaration itself; else the function it is generated for */
    struct cm_edl_loc loc;
    const char
        *guard; /* of an enumerator: the tag that keeps equal enums from being declared twice */
};

struct entries {
    struct cm_edl_context *ctx;
    struct entry *list;
    size_t count;
};

static void add(struct entries *e, const char *name, const char *by, struct cm_edl_loc loc,
                const char *guard)
{
    struct entry n = {name, by, loc, guard};

    if (name == NULL) {
        (void)cm_edl_nomem(e->ctx);
        return;
    }
    e->list[e->count++] = n;
}

enum { MADE_NAMES = 6, UNIT_NAMES = 6 };

/* a name that is generated for the function f */
static void add_made(struct entries *e, const struct cm_edl_func *f, const char *front,
                     const char *back)
{
    struct cm_edl_str s = cm_edl_fmt("%s%s%s", front, f->name, back);

    add(e, cm_edl_copy_text(&e->ctx->arena, s.s, strlen(s.s)), f->name, f->loc, NULL);
}

static void add_func(struct entries *e, const struct cm_edl_unit *unit, const struct cm_edl_func *f)
{
    struct cm_edl_str id = cm_edl_fmt("%s_fcn_id_", unit->name);
    struct cm_edl_str own = cm_edl_fmt("%s_", unit->name);

    add(e, f->name, NULL, f->loc, NULL);
    add_made(e, f, "_", "_args_t");
    add_made(e, f, "", "_args_t");
    add_made(e, f, f->trusted ? "ecall_" : "ocall_", "");
    add_made(e, f, id.s, "");
    if (f->trusted) {
        add_made(e, f, own.s, "");
        if (e->ctx->options->use_prefix) {
            own = cm_edl_fmt("%s_%s_", unit->name, unit->name);
            add_made(e, f, own.s, "");
        }
    }
}

static void add_unit_names(struct entries *e, const struct cm_edl_unit *unit)
{
    static const char *const shapes[][2] = {{"oe_create_", "_enclave"},
                                            {"_", "_ecall_info_table"},
                                            {"_", "_ocall_function_table"},
                                            {"", "_fcn_id_trusted_call_max"},
                                            {"", "_fcn_id_untrusted_call_max"}};
    struct cm_edl_loc start = {unit->file, 0};

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct cm_edl_str s = cm_edl_fmt("%s%s%s", shapes[i][0], unit->name, shapes[i][1]);

        add(e, cm_edl_copy_text(&e->ctx->arena, s.s, strlen(s.s)), unit->name, start, NULL);
    }
}

static void add_types(struct entries *e, const struct cm_edl_unit *unit)
{
    for (size_t i = 0; i < unit->types.count; i++) {
        const struct cm_edl_user *u = unit->types.items[i];
        const char *tag = u->name;

        if (tag[0] != '\0') {
            add(e, u->name, NULL, u->loc, NULL);
        } else if (u->enumerators != NULL) {
            tag = u->enumerators->name;
        }
        for (const struct cm_edl_enumerator *v = u->enumerators; v != NULL; v = v->next) {
            add(e, v->name, NULL, v->loc, tag);
        }
    }
}

static size_t most_entries(const struct cm_edl_unit *unit)
{
    size_t n = UNIT_NAMES + (unit->trusted.count + unit->untrusted.count) * (MADE_NAMES + 1);

    for (size_t i = 0; i < unit->types.count; i++) {
        const struct cm_edl_user *u = unit->types.items[i];

        n++;
        for (const struct cm_edl_enumerator *v = u->enumerators; v != NULL; v = v->next) {
            n++;
        }
    }
    return n;
}

/* by name, then as the file has them, so that the later one is the one that is reported */
static int compare(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = strcmp(a->name, b->name);

    if (order == 0 && (a->by == NULL) != (b->by == NULL)) {
        return a->by == NULL ? 1 : -1; /* what is generated cannot be renamed: report the other */
    }
    if (order == 0 && a->loc.off != b->loc.off) {
        return a->loc.off < b->loc.off ? -1 : 1;
    }
    return order;
}

void cm_edl_check_names(struct cm_edl_context *ctx, const struct cm_edl_unit *unit)
{
    struct entries e = {ctx, NULL, 0};

    e.list = cm_edl_alloc(&ctx->arena, most_entries(unit) * sizeof(*e.list));
    if (e.list == NULL) {
        (void)cm_edl_nomem(ctx);
        return;
    }
    add_unit_names(&e, unit);
    add_types(&e, unit);
    for (size_t i = 0; i < unit->trusted.count; i++) {
        add_func(&e, unit, unit->trusted.items[i]);
    }
    for (size_t i = 0; i < unit->untrusted.count; i++) {
        add_func(&e, unit, unit->untrusted.items[i]);
    }
    qsort(e.list, e.count, sizeof(*e.list), compare);
    for (size_t i = 1; i < e.count && ctx->st == CM_OK; i++) {
        const struct entry *a = &e.list[i - 1];
        const struct entry *b = &e.list[i];

        if (strcmp(a->name, b->name) != 0) {
            continue;
        }
        if (a->guard != NULL && b->guard != NULL && a->loc.file != b->loc.file &&
            strcmp(a->guard, b->guard) == 0) {
            continue; /* the same enum from two files is declared once */
        }
        if (b->by != NULL) {
            cm_edl_error(ctx, b->loc, "generated code for `%s' and for `%s' needs the name `%s'",
                         a->by, b->by, b->name);
        } else if (a->by != NULL) {
            cm_edl_error(ctx, b->loc, "reserved name `%s': generated code for `%s' uses it",
                         b->name, a->by);
        } else {
            cm_edl_error(ctx, b->loc, "`%s' is declared twice", b->name);
        }
    }
}
