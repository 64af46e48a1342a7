/* Types, attributes, array dimensions and functions of EDL. See edl_parser.h for who calls. */
#include <string.h>

#include "edl/edl_parser.h"

/* the words after "unsigned", "long" and "short"; false when name starts no built-in number */
static bool number_type(struct cm_edl_parser *p, struct cm_edl_type *out)
{
    bool is_unsigned = cm_edl_accept(p, "unsigned");

    if (cm_edl_accept(p, "char")) {
        out->kind = is_unsigned ? CM_EDL_UCHAR : CM_EDL_CHAR;
    } else if (cm_edl_accept(p, "short")) {
        out->kind = is_unsigned ? CM_EDL_USHORT : CM_EDL_SHORT;
        (void)cm_edl_accept(p, "int");
    } else if (cm_edl_accept(p, "int")) {
        out->kind = is_unsigned ? CM_EDL_UINT : CM_EDL_INT;
    } else if (cm_edl_accept(p, "long")) {
        if (cm_edl_accept(p, "long")) {
            out->kind = is_unsigned ? CM_EDL_ULLONG : CM_EDL_LLONG;
            (void)cm_edl_accept(p, "int");
        } else if (cm_edl_next_is(p, "double")) {
            if (is_unsigned) {
                cm_edl_error(p->ctx, cm_edl_peek(&p->lx, 0)->loc,
                             "invalid `double' following `unsigned'");
            }
            (void)cm_edl_next(&p->lx);
            out->kind = CM_EDL_LDOUBLE;
        } else {
            out->kind = is_unsigned ? CM_EDL_ULONG : CM_EDL_LONG;
            (void)cm_edl_accept(p, "int");
        }
    } else if (is_unsigned) {
        out->kind = CM_EDL_UINT;
    } else {
        return false;
    }
    return true;
}

static bool named_type(struct cm_edl_parser *p, struct cm_edl_type *out)
{
    static const enum cm_edl_kind tagged[] = {CM_EDL_STRUCT, CM_EDL_UNION, CM_EDL_ENUM};

    for (size_t i = 0; i < sizeof(tagged) / sizeof(tagged[0]); i++) {
        if (cm_edl_accept(p, cm_edl_kind_text(tagged[i]))) {
            out->kind = tagged[i];
            out->name = cm_edl_take_name(p, "the name of a struct, enum or union", &out->loc);
            return out->name != NULL;
        }
    }
    for (int k = CM_EDL_VOID; k < CM_EDL_STRUCT; k++) {
        if (cm_edl_accept(p, cm_edl_kind_text((enum cm_edl_kind)k))) {
            out->kind = (enum cm_edl_kind)k;
            return true;
        }
    }
    if (cm_edl_next_is(p, "signed")) {
        cm_edl_error(p->ctx, out->loc, "`signed' is not supported");
        return false;
    }
    out->kind = CM_EDL_FOREIGN;
    out->name = cm_edl_take_name(p, "a type", NULL);
    return out->name != NULL;
}

bool cm_edl_parse_type(struct cm_edl_parser *p, struct cm_edl_type *out)
{
    memset(out, 0, sizeof(*out));
    out->is_const = cm_edl_accept(p, "const");
    out->loc = cm_edl_peek(&p->lx, 0)->loc;
    if (!number_type(p, out) && !named_type(p, out)) {
        return false;
    }
    while (cm_edl_next_is(p, "*")) {
        if (out->stars == CM_EDL_MAX_STARS) {
            cm_edl_error(p->ctx, cm_edl_peek(&p->lx, 0)->loc, "more than %d `*'", CM_EDL_MAX_STARS);
        }
        out->stars++;
        (void)cm_edl_next(&p->lx);
    }
    return p->ctx->st == CM_OK;
}

static void parse_value(struct cm_edl_parser *p, struct cm_edl_value *out)
{
    const struct cm_edl_token *t = cm_edl_peek(&p->lx, 0);

    out->loc = t->loc;
    if (t->kind == CM_EDL_T_NUMBER) {
        out->number = t->number;
        (void)cm_edl_next(&p->lx);
        return;
    }
    out->is_name = true;
    out->name = cm_edl_take_name(p, "an integer or a name", &out->loc);
}

static bool find_attr(const struct cm_edl_token *t, enum cm_edl_attr *out)
{
    static const char *const names[CM_EDL_ATTR_MAX] = {
        "in", "out", "count", "size", "string", "wstring", "isptr", "isary", "user_check"};

    for (int i = 0; i < CM_EDL_ATTR_MAX; i++) {
        if (cm_edl_token_is(t, names[i])) {
            *out = (enum cm_edl_attr)i;
            return true;
        }
    }
    return false;
}

static void parse_attr(struct cm_edl_parser *p, enum cm_edl_place place, struct cm_edl_decl *d)
{
    struct cm_edl_token t = cm_edl_next(&p->lx);
    enum cm_edl_attr a = CM_EDL_IN;

    if (cm_edl_token_is(&t, "sizefunc")) {
        cm_edl_error(p->ctx, t.loc, "the attribute `sizefunc' is not supported; use `size'");
        return;
    }
    if (!find_attr(&t, &a)) {
        cm_edl_error(p->ctx, t.loc, "unknown attribute: `%.*s'", CM_EDL_TOKEN_ARGS(&t));
        return;
    }
    if (place == CM_EDL_IN_STRUCT && a != CM_EDL_COUNT && a != CM_EDL_SIZE) {
        cm_edl_error(p->ctx, t.loc,
                     "only `count' and `size' attributes can be specified for struct properties");
    }
    if (cm_edl_has(d, a)) {
        cm_edl_error(p->ctx, t.loc, "duplicated attribute: `%.*s'", CM_EDL_TOKEN_ARGS(&t));
    }
    d->attrs |= 1u << a;
    d->attr_loc[a] = t.loc;
    if (a == CM_EDL_COUNT || a == CM_EDL_SIZE) {
        (void)cm_edl_expect(p, "=");
        parse_value(p, a == CM_EDL_COUNT ? &d->count : &d->size);
    }
}

static void parse_attrs(struct cm_edl_parser *p, enum cm_edl_place place, struct cm_edl_decl *d)
{
    d->bracket = cm_edl_peek(&p->lx, 0)->loc;
    if (!cm_edl_accept(p, "[")) {
        return;
    }
    if (place == CM_EDL_IN_UNION) {
        cm_edl_error(p->ctx, d->bracket, "attributes are not allowed for unions");
        return;
    }
    do {
        parse_attr(p, place, d);
    } while (p->ctx->st == CM_OK && cm_edl_accept(p, ","));
    (void)cm_edl_expect(p, "]");
}

struct cm_edl_decl *cm_edl_parse_decl(struct cm_edl_parser *p, enum cm_edl_place place)
{
    struct cm_edl_decl *d = cm_edl_alloc(&p->ctx->arena, sizeof(*d));

    if (d == NULL) {
        (void)cm_edl_nomem(p->ctx);
        return NULL;
    }
    parse_attrs(p, place, d);
    (void)cm_edl_parse_type(p, &d->type);
    d->name = cm_edl_take_name(p, "an identifier", &d->loc);
    while (cm_edl_next_is(p, "[")) {
        if (d->dim_count == CM_EDL_MAX_DIMS) {
            cm_edl_error(p->ctx, cm_edl_peek(&p->lx, 0)->loc, "more than %d array dimensions",
                         CM_EDL_MAX_DIMS);
            break;
        }
        (void)cm_edl_next(&p->lx);
        parse_value(p, &d->dims[d->dim_count]);
        if (!d->dims[d->dim_count].is_name && d->dims[d->dim_count].number == 0) {
            cm_edl_error(p->ctx, d->dims[d->dim_count].loc, "an array dimension cannot be 0");
        }
        d->dim_count++;
        (void)cm_edl_expect(p, "]");
    }
    return p->ctx->st == CM_OK ? d : NULL;
}

static void parse_allow(struct cm_edl_parser *p, const struct cm_edl_func *f)
{
    struct cm_edl_loc loc = cm_edl_peek(&p->lx, 0)->loc;

    if (!cm_edl_accept(p, "allow")) {
        return;
    }
    if (f->trusted) {
        cm_edl_error(p->ctx, loc, "the `allow' syntax is invalid for a trusted function (ECALL)");
        return;
    }
    (void)cm_edl_expect(p, "(");
    while (p->ctx->st == CM_OK && !cm_edl_next_is(p, ")")) {
        (void)cm_edl_take_name(p, "the name of an ECALL", NULL);
        if (!cm_edl_next_is(p, ")")) {
            (void)cm_edl_expect(p, ",");
        }
    }
    (void)cm_edl_expect(p, ")");
    cm_edl_warn(p->ctx, loc, CM_EDL_W_UNSUPPORTED_ALLOW,
                "Function `%s': the `allow' syntax is not supported and ignored", f->name);
}

static void parse_suffixes(struct cm_edl_parser *p, struct cm_edl_func *f)
{
    for (;;) {
        struct cm_edl_loc loc = cm_edl_peek(&p->lx, 0)->loc;
        bool *flag = NULL;

        if (cm_edl_accept(p, "transition_using_threads")) {
            flag = &f->switchless;
        } else if (cm_edl_accept(p, "propagate_errno")) {
            flag = &f->propagate_errno;
        } else {
            return;
        }
        if (f->trusted && flag == &f->propagate_errno) {
            cm_edl_error(p->ctx, loc,
                         "`propagate_errno' is invalid for a trusted function (ECALL)");
        } else if (*flag) {
            cm_edl_error(p->ctx, loc, "duplicated suffix of function `%s'", f->name);
        }
        *flag = true;
    }
}

static void parse_params(struct cm_edl_parser *p, struct cm_edl_func *f)
{
    struct cm_edl_decl **last = &f->params;

    (void)cm_edl_expect(p, "(");
    if (cm_edl_next_is(p, "void") && cm_edl_token_is(cm_edl_peek(&p->lx, 1), ")")) {
        (void)cm_edl_next(&p->lx);
    }
    while (p->ctx->st == CM_OK && !cm_edl_next_is(p, ")")) {
        struct cm_edl_decl *d = cm_edl_parse_decl(p, CM_EDL_IN_FUNC);

        if (d == NULL) {
            return;
        }
        if (f->param_count == CM_EDL_MAX_PARAMS) {
            cm_edl_error(p->ctx, d->loc, "more than %d parameters", CM_EDL_MAX_PARAMS);
        }
        *last = d;
        last = &d->next;
        f->param_count++;
        if (!cm_edl_next_is(p, ")")) {
            (void)cm_edl_expect(p, ",");
        }
    }
    (void)cm_edl_expect(p, ")");
}

static void parse_func(struct cm_edl_parser *p, bool trusted)
{
    struct cm_edl_func *f = cm_edl_alloc(&p->ctx->arena, sizeof(*f));
    struct cm_edl_loc start = cm_edl_peek(&p->lx, 0)->loc;
    bool is_public = trusted && cm_edl_accept(p, "public");

    if (f == NULL) {
        (void)cm_edl_nomem(p->ctx);
        return;
    }
    f->trusted = trusted;
    (void)cm_edl_parse_type(p, &f->ret);
    f->name = cm_edl_take_name(p, "the name of a function", &f->loc);
    if (f->name == NULL) {
        return;
    }
    if (trusted && !is_public) {
        cm_edl_error(p->ctx, start, "Function `%s': `private' specifier is not supported", f->name);
    }
    parse_params(p, f);
    parse_allow(p, f);
    parse_suffixes(p, f);
    if (cm_edl_expect(p, ";")) {
        cm_edl_add_func(p, f, trusted ? &p->unit->trusted : &p->unit->untrusted, f->loc);
    }
}

void cm_edl_parse_section(struct cm_edl_parser *p, bool trusted)
{
    (void)cm_edl_expect(p, "{");
    while (p->ctx->st == CM_OK && !cm_edl_next_is(p, "}")) {
        parse_func(p, trusted);
    }
    (void)cm_edl_expect(p, "}");
    (void)cm_edl_expect(p, ";");
}
