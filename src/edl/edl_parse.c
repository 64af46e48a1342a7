/*
 * Items of an EDL file: include, import, enum, struct, union, trusted and untrusted sections.
 * Recursive descent with bounded recursion: only imports nest, and they are counted.
 */
#include <string.h>

#include "edl/edl_parser.h"

bool cm_edl_next_is(struct cm_edl_parser *p, const char *text)
{
    return cm_edl_token_is(cm_edl_peek(&p->lx, 0), text);
}

bool cm_edl_accept(struct cm_edl_parser *p, const char *text)
{
    if (!cm_edl_next_is(p, text)) {
        return false;
    }
    (void)cm_edl_next(&p->lx);
    return true;
}

static void unexpected(struct cm_edl_parser *p, const char *wanted)
{
    const struct cm_edl_token *t = cm_edl_peek(&p->lx, 0);

    if (t->kind == CM_EDL_T_END) {
        cm_edl_error(p->ctx, t->loc, "expecting %s, got the end of the file", wanted);
    } else {
        cm_edl_error(p->ctx, t->loc, "expecting %s, got `%.*s'", wanted, CM_EDL_TOKEN_ARGS(t));
    }
}

bool cm_edl_expect(struct cm_edl_parser *p, const char *text)
{
    char wanted[64] = "";

    if (cm_edl_accept(p, text)) {
        return true;
    }
    (void)snprintf(wanted, sizeof(wanted), "`%s'", text);
    unexpected(p, wanted);
    return false;
}

const char *cm_edl_take_name(struct cm_edl_parser *p, const char *what, struct cm_edl_loc *loc)
{
    const struct cm_edl_token *t = cm_edl_peek(&p->lx, 0);
    const char *name = NULL;

    if (t->kind != CM_EDL_T_NAME) {
        unexpected(p, what);
        return NULL;
    }
    if (t->len > CM_EDL_MAX_NAME) {
        cm_edl_error(p->ctx, t->loc, "name longer than %d characters", CM_EDL_MAX_NAME);
        return NULL;
    }
    if (loc != NULL) {
        *loc = t->loc;
    }
    name = cm_edl_copy_text(&p->ctx->arena, t->ptr, t->len);
    if (name == NULL) {
        (void)cm_edl_nomem(p->ctx);
        return NULL;
    }
    if (cm_edl_is_keyword(name)) {
        cm_edl_error(p->ctx, t->loc, "expecting %s, got the keyword `%s'", what, name);
        return NULL;
    }
    (void)cm_edl_next(&p->lx);
    return name;
}

void cm_edl_add_include(struct cm_edl_parser *p, const char *text, size_t len)
{
    char *copy = NULL;

    for (size_t i = 0; i < p->unit->includes.count; i++) {
        const char *have = p->unit->includes.items[i];

        if (strlen(have) == len && memcmp(have, text, len) == 0) {
            return;
        }
    }
    copy = cm_edl_copy_text(&p->ctx->arena, text, len);
    if (copy == NULL || !cm_edl_list_add(&p->ctx->arena, &p->unit->includes, copy)) {
        (void)cm_edl_nomem(p->ctx);
    }
}

static void parse_include(struct cm_edl_parser *p)
{
    struct cm_edl_token t;

    if (cm_edl_peek(&p->lx, 0)->kind != CM_EDL_T_STRING) {
        unexpected(p, "a header name in quotes");
        return;
    }
    t = cm_edl_next(&p->lx);
    if (t.len == 0 || memchr(t.ptr, '\\', t.len) != NULL) {
        cm_edl_error(p->ctx, t.loc, "a header name is not empty and has no backslash");
        return;
    }
    cm_edl_add_include(p, t.ptr, t.len);
}

static struct cm_edl_user *new_user(struct cm_edl_parser *p, enum cm_edl_kind kind)
{
    struct cm_edl_user *u = cm_edl_alloc(&p->ctx->arena, sizeof(*u));

    if (u == NULL) {
        (void)cm_edl_nomem(p->ctx);
        return NULL;
    }
    u->kind = kind;
    u->name = "";
    u->loc = cm_edl_peek(&p->lx, 0)->loc;
    return u;
}

static void parse_enum_value(struct cm_edl_parser *p, struct cm_edl_enumerator *e)
{
    const struct cm_edl_token *t = cm_edl_peek(&p->lx, 0);

    e->has_value = true;
    e->value.loc = t->loc;
    if (t->kind == CM_EDL_T_NUMBER) {
        if (t->number > INT32_MAX) {
            cm_edl_error(p->ctx, t->loc, "the value of an enumerator must fit an int");
        }
        e->value.number = t->number;
        (void)cm_edl_next(&p->lx);
        return;
    }
    e->value.is_name = true;
    e->value.name = cm_edl_take_name(p, "an integer or a name", &e->value.loc);
}

static void parse_enum(struct cm_edl_parser *p)
{
    struct cm_edl_user *u = new_user(p, CM_EDL_ENUM);
    struct cm_edl_enumerator **last = NULL;

    if (u == NULL) {
        return;
    }
    last = &u->enumerators;
    if (!cm_edl_next_is(p, "{")) {
        u->name = cm_edl_take_name(p, "the name of the enum", &u->loc);
    }
    (void)cm_edl_expect(p, "{");
    do {
        struct cm_edl_enumerator *e = cm_edl_alloc(&p->ctx->arena, sizeof(*e));

        if (e == NULL) {
            (void)cm_edl_nomem(p->ctx);
            return;
        }
        e->name = cm_edl_take_name(p, "an enumerator", &e->loc);
        if (cm_edl_accept(p, "=")) {
            parse_enum_value(p, e);
        }
        *last = e;
        last = &e->next;
        if (!cm_edl_next_is(p, "}")) {
            (void)cm_edl_expect(p, ",");
        }
    } while (p->ctx->st == CM_OK && !cm_edl_next_is(p, "}"));
    (void)cm_edl_expect(p, "}");
    if (cm_edl_expect(p, ";")) {
        cm_edl_add_type(p, u, u->loc);
    }
}

static void parse_struct(struct cm_edl_parser *p, enum cm_edl_kind kind)
{
    struct cm_edl_user *u = new_user(p, kind);
    struct cm_edl_decl **last = NULL;

    if (u == NULL) {
        return;
    }
    last = &u->fields;
    u->name = cm_edl_take_name(p, "the name of the struct or union", &u->loc);
    (void)cm_edl_expect(p, "{");
    while (p->ctx->st == CM_OK && !cm_edl_next_is(p, "}")) {
        struct cm_edl_decl *d =
            cm_edl_parse_decl(p, kind == CM_EDL_STRUCT ? CM_EDL_IN_STRUCT : CM_EDL_IN_UNION);

        if (d == NULL) {
            return;
        }
        *last = d;
        last = &d->next;
        (void)cm_edl_expect(p, ";");
    }
    if (u->fields == NULL) {
        cm_edl_error(p->ctx, u->loc, "`%s' has no members", u->name == NULL ? "" : u->name);
    }
    (void)cm_edl_expect(p, "}");
    if (cm_edl_expect(p, ";")) {
        cm_edl_add_type(p, u, u->loc);
    }
}

static void parse_item(struct cm_edl_parser *p)
{
    if (cm_edl_accept(p, "trusted")) {
        cm_edl_parse_section(p, true);
    } else if (cm_edl_accept(p, "untrusted")) {
        cm_edl_parse_section(p, false);
    } else if (cm_edl_accept(p, "include")) {
        parse_include(p);
    } else if (cm_edl_accept(p, "import")) {
        cm_edl_parse_import(p);
    } else if (cm_edl_accept(p, "from")) {
        cm_edl_parse_from(p);
    } else if (cm_edl_accept(p, "enum")) {
        parse_enum(p);
    } else if (cm_edl_accept(p, "struct")) {
        parse_struct(p, CM_EDL_STRUCT);
    } else if (cm_edl_accept(p, "union")) {
        parse_struct(p, CM_EDL_UNION);
    } else {
        unexpected(p, "an item of the enclave or `}'");
    }
}

void cm_edl_parse_text(struct cm_edl_parser *p)
{
    (void)cm_edl_expect(p, "enclave");
    (void)cm_edl_expect(p, "{");
    while (p->ctx->st == CM_OK && !cm_edl_next_is(p, "}")) {
        parse_item(p);
    }
    (void)cm_edl_expect(p, "}");
    cm_edl_lex_close(&p->lx);
}
