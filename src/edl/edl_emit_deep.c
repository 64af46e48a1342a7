/*
 * Helper functions for structs in a generated file: one set per struct and file, only those that
 * are used. They walk arrays of a struct; members with count or size are the "deep" ones, whose
 * targets travel with the struct. The recursion over structs is finite (edl_check.c).
 *
 * All walks go on to the last element, whatever fails on the way: a bad cursor gives NULL, so that
 * afterwards every deep member is either NULL or ours.
 */
#include <stdlib.h>
#include <string.h>

#include "edl/edl_emit.h"

#define FIRST_HELPER CM_EDL_H_FIX
#define LAST_HELPER  CM_EDL_H_FREE
/* the helpers that follow deep members from struct to struct */
#define DEEP_HELPERS                                                                  \
    (CM_EDL_H_SIZE | CM_EDL_H_PUT | CM_EDL_H_IN | CM_EDL_H_INOUT | CM_EDL_H_RESTORE | \
     CM_EDL_H_GET | CM_EDL_H_DUP | CM_EDL_H_FREE)
/* the helpers that bring untrusted structs into the enclave, and those that send structs out */
#define RECEIVING (CM_EDL_H_IN | CM_EDL_H_INOUT | CM_EDL_H_GET | CM_EDL_H_DUP)
#define SENDING   (CM_EDL_H_PUT | CM_EDL_H_RESTORE)

static const char *helper_name(unsigned h)
{
    switch (h) {
    case CM_EDL_H_FIX:
        return "fix";
    case CM_EDL_H_SCRUB:
        return "scrub";
    case CM_EDL_H_SIZE:
        return "size";
    case CM_EDL_H_PUT:
        return "put";
    case CM_EDL_H_IN:
        return "in";
    case CM_EDL_H_INOUT:
        return "inout";
    case CM_EDL_H_RESTORE:
        return "restore";
    case CM_EDL_H_GET:
        return "get";
    case CM_EDL_H_DUP:
        return "dup";
    default:
        return "free";
    }
}

static const char *helper_comment(unsigned h)
{
    switch (h) {
    case CM_EDL_H_FIX:
        return "A bool from outside may hold any byte: make it 0 or 1.";
    case CM_EDL_H_SCRUB:
        return "Bytes between the members may hold old secrets: zero them.";
    case CM_EDL_H_SIZE:
        return "Add the bytes that the members point to.";
    case CM_EDL_H_PUT:
        return "Append what the members point to; to is a copy of from, for the other side.";
    case CM_EDL_H_IN:
        return "Replace each pointer by the place of its data in the input.";
    case CM_EDL_H_INOUT:
        return "The same for data that go back: they move from the input to the output.";
    case CM_EDL_H_RESTORE:
        return "After the call: sizes, counts and pointers are the caller's; growing is an error.";
    case CM_EDL_H_GET:
        return "Copy the answer into the caller's struct: its own sizes and pointers decide.";
    case CM_EDL_H_DUP:
        return "Replace each pointer by a heap copy of its data, or NULL.";
    default:
        return "Free what the members point to.";
    }
}

static void put_signature(const struct cm_edl_emitter *e, unsigned h, const char *name)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "static void oe_edl_%s_%s(\n    ", helper_name(h), name);
    switch (h) {
    case CM_EDL_H_FIX:
    case CM_EDL_H_SCRUB:
    case CM_EDL_H_FREE:
        cm_edl_put(t, "%s *_s, size_t _n)", name);
        break;
    case CM_EDL_H_SIZE:
        cm_edl_put(t, "size_t *_total, const %s *_s, size_t _n)", name);
        break;
    case CM_EDL_H_PUT:
        cm_edl_put(t,
                   "oe_edger8r_buffer_t *_b, uint8_t *_base, %s *_to, const %s *_from, size_t _n)",
                   name, name);
        break;
    case CM_EDL_H_IN:
    case CM_EDL_H_DUP:
        cm_edl_put(t, "oe_edger8r_buffer_t *_b, %s *_s, size_t _n)", name);
        break;
    case CM_EDL_H_GET:
        cm_edl_put(t, "oe_edger8r_buffer_t *_b, %s *_to, const %s *_from, size_t _n)", name, name);
        break;
    default:
        cm_edl_put(
            t,
            "oe_edger8r_buffer_t *_in, oe_edger8r_buffer_t *_out, %s *_to, const %s *_from,\n"
            "    size_t _n)",
            name, name);
        break;
    }
}

bool cm_edl_has_bool(const struct cm_edl_emitter *e, const struct cm_edl_user *u)
{
    if (u == NULL || u->kind != CM_EDL_STRUCT) {
        return false;
    }
    for (const struct cm_edl_decl *d = u->fields; d != NULL; d = d->next) {
        if (d->type.stars == 0 &&
            (d->type.kind == CM_EDL_BOOL || cm_edl_has_bool(e, d->type.user))) {
            return true;
        }
    }
    return false;
}

static void fix_field(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    const struct cm_edl_user *u = cm_edl_struct_of(d);

    if (d->type.stars != 0) {
        return;
    }
    if (d->type.kind == CM_EDL_BOOL) {
        cm_edl_put(e->out, "        oe_edger8r_fix_bool(&_s[_i].%s, sizeof(_s[_i].%s));\n", d->name,
                   d->name);
    } else if (cm_edl_has_bool(e, u)) {
        cm_edl_put(e->out,
                   "        oe_edl_fix_%s(OE_EDGER8R_PTR(%s *, &_s[_i].%s), sizeof(_s[_i].%s) / "
                   "sizeof(%s));\n",
                   u->name, u->name, d->name, d->name, u->name);
    }
}

static void scrub_field(const struct cm_edl_emitter *e, const struct cm_edl_user *of,
                        const struct cm_edl_decl *d)
{
    const struct cm_edl_user *u = d->type.stars == 0 ? cm_edl_struct_of(d) : NULL;
    struct cm_edl_text *t = e->out;

    if (u != NULL) {
        cm_edl_put(t,
                   "        oe_edl_scrub_%s(OE_EDGER8R_PTR(%s *, &_s[_i].%s), sizeof(_s[_i].%s) / "
                   "sizeof(%s));\n",
                   u->name, u->name, d->name, d->name, u->name);
    } else if (d->type.stars == 0 && d->type.kind == CM_EDL_LDOUBLE) {
        cm_edl_put(t,
                   "        oe_edger8r_clear_long_double(&_s[_i].%s, sizeof(_s[_i].%s) / "
                   "sizeof(long double));\n",
                   d->name, d->name);
    }
    if (d->next != NULL) {
        cm_edl_put(t, "        OE_EDGER8R_CLEAR_GAP(%s, &_s[_i], %s, %s);\n", of->name, d->name,
                   d->next->name);
    } else {
        cm_edl_put(t, "        OE_EDGER8R_CLEAR_TAIL(%s, &_s[_i], %s);\n", of->name, d->name);
    }
}

/* one line that hands a nested struct to the same helper, or to fix or scrub */
static void nested(const struct cm_edl_emitter *e, const struct cm_edl_decl *d, unsigned h,
                   const char *args)
{
    const struct cm_edl_user *u = cm_edl_struct_of(d);

    if (h == CM_EDL_H_FIX ? !cm_edl_has_bool(e, u)
                          : h != CM_EDL_H_SCRUB && (u == NULL || !u->deep)) {
        return;
    }
    if (u != NULL && ((h != CM_EDL_H_FIX && h != CM_EDL_H_SCRUB) || e->trusted)) {
        cm_edl_put(e->out, "        oe_edl_%s_%s(%s);\n", helper_name(h), u->name, args);
    }
}

static void get_plain_field(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    if (d->is_shape) {
        return; /* sizes and counts stay the caller's */
    }
    if (d->dim_count != 0 || (d->type.is_const && d->type.stars == 0)) {
        cm_edl_put(e->out,
                   "        oe_edger8r_copy(OE_EDGER8R_PTR(void *, &_to[_i].%s), &_from[_i].%s, "
                   "sizeof(_to[_i].%s));\n",
                   d->name, d->name, d->name);
    } else {
        cm_edl_put(e->out, "        _to[_i].%s = _from[_i].%s;\n", d->name, d->name);
    }
}

static void restore_shape(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    cm_edl_put(e->out,
               "        if (_to[_i].%s > _from[_i].%s) {\n"
               "            oe_edger8r_fail(_out, OE_FAILURE);\n"
               "        }\n",
               d->name, d->name);
    if (d->type.is_const) {
        cm_edl_put(e->out,
                   "        oe_edger8r_copy(OE_EDGER8R_PTR(void *, &_to[_i].%s), &_from[_i].%s, "
                   "sizeof(_to[_i].%s));\n",
                   d->name, d->name, d->name);
    } else {
        cm_edl_put(e->out, "        _to[_i].%s = _from[_i].%s;\n", d->name, d->name);
    }
}

/* the deep member d in a walk over one array s */
static void one_array_field(const struct cm_edl_emitter *e, const struct cm_edl_decl *d, unsigned h)
{
    struct cm_edl_text *t = e->out;
    const char *m = d->name;
    struct cm_edl_str extent = cm_edl_extent(d, "_s[_i].");
    struct cm_edl_str structs = cm_edl_struct_count(d, "_s[_i].");
    struct cm_edl_str type = cm_edl_field_type(d);

    switch (h) {
    case CM_EDL_H_SIZE:
        cm_edl_put(t,
                   "        if (_s[_i].%s != NULL) {\n"
                   "            oe_edger8r_grow(_total, %s);\n        }\n",
                   m, extent.s);
        nested(e, d, h, cm_edl_fmt("_total, _s[_i].%s, %s", m, structs.s).s);
        break;
    case CM_EDL_H_IN:
    case CM_EDL_H_DUP:
        cm_edl_put(t, "        _s[_i].%s = (%s)oe_edger8r_%s(_b, _s[_i].%s != NULL, %s);\n", m,
                   type.s, h == CM_EDL_H_IN ? "take" : "dup", m, extent.s);
        nested(e, d, CM_EDL_H_FIX,
               cm_edl_fmt("OE_EDGER8R_PTR(%s, _s[_i].%s), %s", type.s, m, structs.s).s);
        nested(e, d, h,
               cm_edl_fmt("_b, OE_EDGER8R_PTR(%s, _s[_i].%s), %s", type.s, m, structs.s).s);
        break;
    default: /* FREE */
        nested(e, d, h, cm_edl_fmt("OE_EDGER8R_PTR(%s, _s[_i].%s), %s", type.s, m, structs.s).s);
        if (e->trusted) {
            cm_edl_put(t,
                       "        oe_edger8r_wipe_region(OE_EDGER8R_PTR(void *, _s[_i].%s), %s);\n",
                       m, extent.s);
        }
        cm_edl_put(t,
                   "        oe_free(OE_EDGER8R_PTR(void *, _s[_i].%s));\n"
                   "        _s[_i].%s = NULL;\n",
                   m, m);
        break;
    }
}

/* the deep member d in a walk over two arrays, from and to */
static void two_array_field(const struct cm_edl_emitter *e, const struct cm_edl_decl *d, unsigned h)
{
    struct cm_edl_text *t = e->out;
    const char *m = d->name;
    const char *by = h == CM_EDL_H_GET ? "_to[_i]." : "_from[_i].";
    struct cm_edl_str extent = cm_edl_extent(d, by);
    struct cm_edl_str structs = cm_edl_struct_count(d, by);
    struct cm_edl_str type = cm_edl_field_type(d);
    struct cm_edl_str here = cm_edl_fmt("_at_%s, %s", m, structs.s);

    switch (h) {
    case CM_EDL_H_PUT:
        cm_edl_put(t, "        _at_%s = (%s)oe_edger8r_put(_b, _from[_i].%s, %s);\n", m, type.s, m,
                   extent.s);
        nested(e, d, CM_EDL_H_SCRUB, here.s);
        nested(e, d, h, cm_edl_fmt("_b, _base, _at_%s, _from[_i].%s, %s", m, m, structs.s).s);
        cm_edl_put(t, "        _to[_i].%s = (%s)oe_edger8r_there(_b, _base, _at_%s);\n", m, type.s,
                   m);
        break;
    case CM_EDL_H_INOUT:
        cm_edl_put(t, "        _at_%s = (%s)oe_edger8r_take(_in, _from[_i].%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
        cm_edl_put(t, "        _to[_i].%s = (%s)oe_edger8r_put(_out, _at_%s, %s);\n", m, type.s, m,
                   extent.s);
        nested(e, d, CM_EDL_H_FIX,
               cm_edl_fmt("OE_EDGER8R_PTR(%s, _to[_i].%s), %s", type.s, m, structs.s).s);
        nested(e, d, h,
               cm_edl_fmt("_in, _out, OE_EDGER8R_PTR(%s, _to[_i].%s), _at_%s, %s", type.s, m, m,
                          structs.s)
                   .s);
        break;
    case CM_EDL_H_RESTORE:
        cm_edl_put(t, "        _at_%s = (%s)oe_edger8r_take(_in, _from[_i].%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
        cm_edl_put(t, "        _now_%s = (%s)oe_edger8r_take(_out, _at_%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
        nested(e, d, CM_EDL_H_SCRUB, cm_edl_fmt("_now_%s, %s", m, structs.s).s);
        nested(e, d, h, cm_edl_fmt("_in, _out, _now_%s, _at_%s, %s", m, m, structs.s).s);
        cm_edl_put(t, "        (void)_now_%s;\n        _to[_i].%s = _from[_i].%s;\n", m, m, m);
        break;
    default: /* GET */
        cm_edl_put(t, "        _at_%s = (%s)oe_edger8r_take(_b, _to[_i].%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
        nested(e, d, CM_EDL_H_FIX, here.s);
        if (cm_edl_deep_target(d) != NULL) {
            nested(e, d, h,
                   cm_edl_fmt("_b, OE_EDGER8R_PTR(%s, _to[_i].%s), _at_%s, %s", type.s, m, m,
                              structs.s)
                       .s);
        } else {
            cm_edl_put(t,
                       "        oe_edger8r_give(OE_EDGER8R_PTR(void *, _to[_i].%s), _at_%s, %s);\n",
                       m, m, extent.s);
        }
        break;
    }
}

static bool walks_two_arrays(unsigned h)
{
    return (h & (CM_EDL_H_PUT | CM_EDL_H_INOUT | CM_EDL_H_RESTORE | CM_EDL_H_GET)) != 0;
}

static void put_field(const struct cm_edl_emitter *e, const struct cm_edl_user *u,
                      const struct cm_edl_decl *d, unsigned h)
{
    if (h == CM_EDL_H_FIX) {
        fix_field(e, d);
    } else if (h == CM_EDL_H_SCRUB) {
        scrub_field(e, u, d);
    } else if (cm_edl_is_deep_member(d)) {
        if (walks_two_arrays(h)) {
            two_array_field(e, d, h);
        } else {
            one_array_field(e, d, h);
        }
    } else if (h == CM_EDL_H_GET) {
        get_plain_field(e, d);
    }
}

static void put_helper(const struct cm_edl_emitter *e, const struct cm_edl_user *u, unsigned h)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "/* %s */\n", helper_comment(h));
    put_signature(e, h, u->name);
    cm_edl_put(t, "\n{\n");
    for (const struct cm_edl_decl *d = u->fields; d != NULL && walks_two_arrays(h); d = d->next) {
        if (cm_edl_is_deep_member(d)) {
            cm_edl_put(t, "    %s_at_%s = NULL;\n", cm_edl_field_type(d).s, d->name);
            if (h == CM_EDL_H_RESTORE) {
                cm_edl_put(t, "    %s_now_%s = NULL;\n", cm_edl_field_type(d).s, d->name);
            }
        }
    }
    if (walks_two_arrays(h)) {
        cm_edl_put(t,
                   "\n    for (size_t _i = 0; _to != NULL && _from != NULL && _i < _n; _i++) {\n");
    } else if (h == CM_EDL_H_SIZE) {
        cm_edl_put(t, "    for (size_t _i = 0; _s != NULL && _i < _n && *_total != "
                      "OE_EDGER8R_SIZE_OVERFLOW; _i++) {\n");
    } else {
        cm_edl_put(t, "    for (size_t _i = 0; _s != NULL && _i < _n; _i++) {\n");
    }
    for (const struct cm_edl_decl *d = u->fields; d != NULL; d = d->next) {
        put_field(e, u, d, h);
    }
    /* behind the members, since the walk above reads the sizes of from only */
    for (const struct cm_edl_decl *d = u->fields; d != NULL && h == CM_EDL_H_RESTORE; d = d->next) {
        if (d->is_shape) {
            restore_shape(e, d);
        }
    }
    cm_edl_put(t, "    }\n}\n\n");
}

/* helper bits of each type, by its place in the unit's list */
static void add_need(const struct cm_edl_emitter *e, unsigned *need, const struct cm_edl_user *u,
                     unsigned bits)
{
    if (u == NULL || u->kind != CM_EDL_STRUCT) {
        return;
    }
    if (!cm_edl_has_bool(e, u)) {
        bits &= ~(unsigned)CM_EDL_H_FIX;
    }
    if (!e->trusted) {
        bits &= ~(unsigned)(CM_EDL_H_FIX | CM_EDL_H_SCRUB);
    }
    for (size_t i = 0; i < e->unit->types.count; i++) {
        const struct cm_edl_user *have = e->unit->types.items[i];

        if (strcmp(have->name, u->name) != 0 || (need[i] & bits) == bits) {
            continue;
        }
        need[i] |= bits;
        for (const struct cm_edl_decl *d = have->fields; d != NULL; d = d->next) {
            unsigned more =
                bits & (unsigned)(d->type.stars == 0 ? CM_EDL_H_FIX | CM_EDL_H_SCRUB : 0);

            if (cm_edl_is_deep_member(d)) {
                more |= cm_edl_deep_target(d) != NULL ? bits & (unsigned)DEEP_HELPERS : 0;
                more |= (bits & (unsigned)RECEIVING) != 0 ? (unsigned)CM_EDL_H_FIX : 0;
                more |= (bits & (unsigned)SENDING) != 0 ? (unsigned)CM_EDL_H_SCRUB : 0;
            }
            if (more != 0) {
                add_need(e, need, cm_edl_struct_of(d), more);
            }
        }
    }
}

static unsigned callee_needs(const struct cm_edl_decl *d)
{
    bool in = cm_edl_has(d, CM_EDL_IN);
    bool out = cm_edl_has(d, CM_EDL_OUT);
    unsigned bits = (out ? (unsigned)CM_EDL_H_SCRUB : 0) | (in ? (unsigned)CM_EDL_H_FIX : 0);

    if (cm_edl_deep_target(d) != NULL && in && out) {
        bits |= CM_EDL_H_INOUT | CM_EDL_H_RESTORE;
    } else if (cm_edl_deep_target(d) != NULL && in) {
        bits |= CM_EDL_H_IN;
    } else if (cm_edl_deep_target(d) != NULL && out) {
        bits |= CM_EDL_H_SIZE | CM_EDL_H_PUT | CM_EDL_H_FREE;
    }
    return bits;
}

static unsigned caller_needs(const struct cm_edl_decl *d)
{
    bool in = cm_edl_has(d, CM_EDL_IN);
    bool out = cm_edl_has(d, CM_EDL_OUT);
    unsigned bits = (in ? (unsigned)CM_EDL_H_SCRUB : 0) | (out ? (unsigned)CM_EDL_H_FIX : 0);

    if (cm_edl_deep_target(d) != NULL && in) {
        bits |= CM_EDL_H_SIZE | CM_EDL_H_PUT | (out ? (unsigned)CM_EDL_H_GET : 0);
    } else if (cm_edl_deep_target(d) != NULL && out) {
        bits |= CM_EDL_H_DUP | CM_EDL_H_FREE;
    }
    return bits;
}

static void need_of_func(const struct cm_edl_emitter *e, unsigned *need,
                         const struct cm_edl_func *f)
{
    bool is_callee = f->trusted == e->trusted;

    if (f->ret.stars == 0) {
        add_need(e, need, f->ret.user,
                 is_callee ? (unsigned)CM_EDL_H_SCRUB : (unsigned)CM_EDL_H_FIX);
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_marshalled(d)) {
            add_need(e, need, cm_edl_struct_of(d), is_callee ? callee_needs(d) : caller_needs(d));
        } else if (d->type.stars == 0 && d->dim_count == 0) {
            add_need(e, need, d->type.user,
                     is_callee ? (unsigned)CM_EDL_H_FIX : (unsigned)CM_EDL_H_SCRUB);
        }
    }
}

void cm_edl_emit_helpers(const struct cm_edl_emitter *e)
{
    size_t n = e->unit->types.count;
    unsigned *need = calloc(n + 1, sizeof(*need));
    const struct cm_edl_list *lists[] = {&e->unit->trusted, &e->unit->untrusted};
    bool any = false;

    if (need == NULL) {
        e->out->bad = true;
        return;
    }
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            need_of_func(e, need, lists[l]->items[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct cm_edl_user *u = e->unit->types.items[i];

        for (unsigned h = FIRST_HELPER; h <= LAST_HELPER; h <<= 1) {
            if ((need[i] & h) != 0) {
                cm_edl_put(e->out, "%s",
                           any ? "" : "/* Helpers for the structs of the EDL. */\n\n");
                any = true;
                put_signature(e, h, u->name);
                cm_edl_put(e->out, ";\n");
            }
        }
    }
    cm_edl_put(e->out, "%s", any ? "\n" : "");
    for (size_t i = 0; i < n; i++) {
        for (unsigned h = FIRST_HELPER; h <= LAST_HELPER; h <<= 1) {
            if ((need[i] & h) != 0) {
                put_helper(e, e->unit->types.items[i], h);
            }
        }
    }
    free(need);
}
