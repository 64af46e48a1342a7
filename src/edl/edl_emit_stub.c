/*
 * The callee's side of a call: ecall_f in X_t.c, ocall_f in X_u.c. Takes the input apart, lays the
 * output out, checks both to the last byte, calls the user's function, and reports.
 *
 * In the enclave every byte of the input is the host's: the argument struct is copied once, and its
 * pointers are replaced. They only say "present", except for larger data without deep copies: these
 * lie where the pointer says, which is checked, and are copied once. Strings are checked where the
 * enclave has them, and nothing is acted on before the fence.
 */
#include "edl/edl_emit.h"

static bool is_in(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_IN);
}

static bool is_out(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_OUT);
}

static bool is_deep_out(const struct cm_edl_decl *d)
{
    return is_out(d) && !is_in(d) && cm_edl_deep_target(d) != NULL;
}

static bool is_deep_inout(const struct cm_edl_decl *d)
{
    return is_out(d) && is_in(d) && cm_edl_deep_target(d) != NULL;
}

/* whether f has data that may travel beside its buffers */
static bool has_plain(const struct cm_edl_func *f)
{
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_plain(f, d)) {
            return true;
        }
    }
    return false;
}

static bool has_string(const struct cm_edl_func *f)
{
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_has(d, CM_EDL_STRING) || cm_edl_has(d, CM_EDL_WSTRING)) {
            return true;
        }
    }
    return false;
}

static void put_locals(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "    oe_result_t _result = OE_FAILURE;\n");
    cm_edl_put(t, "    %s_args_t _args;\n    %s_args_t *_reply = NULL;\n", f->name, f->name);
    cm_edl_put(t, "    oe_edger8r_buffer_t _in;\n    oe_edger8r_buffer_t _out;\n");
    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    oe_edger8r_deep_t _deep;\n    size_t _deep_size = 0;\n");
    }
    if (has_plain(f)) {
        cm_edl_put(t, "    oe_edger8r_direct_t _direct;\n");
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_plain(f, d)) {
            cm_edl_put(t, "    void *_host_%s = NULL;\n", d->name);
        }
        if (is_deep_out(d)) {
            cm_edl_put(t, "    %s_at_%s = NULL;\n", cm_edl_field_type(d).s, d->name);
        }
        if (is_deep_inout(d)) {
            cm_edl_put(t, "    %s_shape_%s = NULL;\n", cm_edl_field_type(d).s, d->name);
            cm_edl_put(t, "    oe_edger8r_buffer_t _nested_in_%s;\n", d->name);
            cm_edl_put(t, "    oe_edger8r_buffer_t _nested_out_%s;\n", d->name);
        }
    }
}

/* after a region has arrived: bools, terminators; what is wrong is noted in the buffer `where` */
static void put_arrived(const struct cm_edl_emitter *e, const struct cm_edl_decl *d,
                        const char *where)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_user *u = cm_edl_struct_of(d);
    const char *m = d->name;

    if (cm_edl_has(d, CM_EDL_STRING) || cm_edl_has(d, CM_EDL_WSTRING)) {
        cm_edl_put(t, "    oe_edger8r_check_%s(&%s, _args.%s, _args.%s_len);\n",
                   cm_edl_has(d, CM_EDL_STRING) ? "string" : "wstring", where, m, m);
    }
    if (e->trusted && d->type.kind == CM_EDL_BOOL && d->type.stars + (d->dim_count != 0) == 1) {
        struct cm_edl_str count = cm_edl_count_of(d, "_args.");
        struct cm_edl_str size = cm_edl_size_of(d, "_args.");

        cm_edl_put(t, "    oe_edger8r_fix_bool(_args.%s, %s * %s);\n", m, count.s, size.s);
    }
    if (e->trusted && cm_edl_has_bool(e, u)) {
        cm_edl_put(t, "    oe_edl_fix_%s(_args.%s, %s);\n", u->name, m,
                   cm_edl_struct_count(d, "_args.").s);
    }
}

static void put_inout(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_user *deep = cm_edl_deep_target(d);
    struct cm_edl_str extent = cm_edl_extent(d, "_args.");
    struct cm_edl_str type = cm_edl_field_type(d);
    const char *m = d->name;

    if (deep == NULL) {
        cm_edl_put(t,
                   "    _args.%s = (%s)oe_edger8r_put(\n        &_out, oe_edger8r_take(&_in, "
                   "_args.%s != NULL, %s),\n        %s);\n",
                   m, type.s, m, extent.s, extent.s);
        put_arrived(e, d, "_in");
        return;
    }
    cm_edl_put(t, "    _shape_%s = (%s)oe_edger8r_take(&_in, _args.%s != NULL, %s);\n", m, type.s,
               m, extent.s);
    cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_put(&_out, _shape_%s, %s);\n", m, type.s, m,
               extent.s);
    put_arrived(e, d, "_in");
    cm_edl_put(t, "    _nested_in_%s = _in;\n    _nested_out_%s = _out;\n", m, m);
    cm_edl_put(t, "    oe_edl_inout_%s(&_in, &_out, _args.%s, _shape_%s, %s);\n", deep->name, m, m,
               cm_edl_count_of(d, "_args.").s);
}

/* an ecall's parameter without deep copies: in the buffers, or where the host has it */
static void put_expect(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;
    struct cm_edl_str extent = cm_edl_extent(d, "_args.");
    const char *type = cm_edl_field_type(d).s;
    const char *m = d->name;

    cm_edl_put(t, "    _host_%s = _args.%s;\n", m, m);
    if (is_in(d) && is_out(d)) {
        cm_edl_put(t,
                   "    _args.%s = (%s)oe_edger8r_expect_inout(\n        &_direct, &_in, &_out, "
                   "_host_%s, %s);\n",
                   m, type, m, extent.s);
    } else {
        cm_edl_put(t,
                   "    _args.%s = (%s)oe_edger8r_expect_one(\n        &_direct, &_%s, _host_%s, "
                   "%s);\n",
                   m, type, is_in(d) ? "in" : "out", m, extent.s);
    }
}

/* the enclave's copies; strings are checked there, and this is decided before they are used */
static void put_bring(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "    _result = oe_edger8r_direct_begin(&_direct);\n"
                  "    if (_result != OE_OK) {\n        goto done;\n    }\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_plain(f, d)) {
            cm_edl_put(t,
                       "    _args.%s = (%s)oe_edger8r_%s(\n        &_direct, _args.%s, _host_%s, "
                       "%s);\n",
                       d->name, cm_edl_field_type(d).s, is_in(d) ? "bring" : "blank", d->name,
                       d->name, cm_edl_extent(d, "_args.").s);
            if (is_in(d)) {
                put_arrived(e, d, "_direct.memory");
            }
        }
    }
    cm_edl_put(t,
               "    _result = oe_edger8r_finish(&_direct.memory);\n"
               "    if (_result != OE_OK) {\n        goto done;\n    }\n%s\n",
               has_string(f) ? "    oe_lfence();\n" : "");
}

static void put_param(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_user *deep = cm_edl_deep_target(d);
    struct cm_edl_str extent = cm_edl_extent(d, "_args.");
    struct cm_edl_str type = cm_edl_field_type(d);
    const char *m = d->name;

    if (e->trusted && deep == NULL) {
        put_expect(e, d);
    } else if (is_in(d) && is_out(d)) {
        put_inout(e, d);
    } else if (is_in(d)) {
        cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_take(&_in, _args.%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
        put_arrived(e, d, "_in");
        if (deep != NULL) {
            cm_edl_put(t, "    oe_edl_in_%s(&_in, _args.%s, %s);\n", deep->name, m,
                       cm_edl_count_of(d, "_args.").s);
        }
    } else if (deep != NULL) {
        cm_edl_put(t, "    _at_%s = (%s)oe_edger8r_take(&_out, _args.%s != NULL, %s);\n", m, type.s,
                   m, extent.s);
        cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_new(&_out, _at_%s != NULL, %s);\n", m, type.s,
                   m, extent.s);
    } else {
        cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_take(&_out, _args.%s != NULL, %s);\n", m,
                   type.s, m, extent.s);
    }
}

static void put_unpack(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    (void)oe_edger8r_deep_begin(&_deep, 0);\n");
    }
    if (has_plain(f)) {
        cm_edl_put(t, "    oe_edger8r_direct_open(&_direct);\n");
    }
    cm_edl_put(t, "    oe_edger8r_open(&_in, %s, input_buffer_size);\n",
               e->trusted ? "input_buffer" : "OE_EDGER8R_PTR(uint8_t *, input_buffer)");
    cm_edl_put(t, "    oe_edger8r_open(&_out, output_buffer, output_buffer_size);\n");
    cm_edl_put(t, "    _reply = (%s_args_t *)oe_edger8r_take(&_out, true, 1, sizeof(*_reply));\n",
               f->name);
    cm_edl_put(t, "    if (_reply == NULL) {\n        return; /* nowhere to say why */\n    }\n\n");
    cm_edl_put(t,
               "    /* The one copy of the arguments. Their pointers say only whether data "
               "follow%s. */\n",
               has_plain(f) ? ",\n     * or where larger data are" : "");
    cm_edl_put(t, "    oe_edger8r_get(&_in, &_args, sizeof(_args));\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_marshalled(d)) {
            put_param(e, d);
        } else if (e->trusted && d->type.stars == 0 && d->dim_count == 0) {
            if (d->type.kind == CM_EDL_BOOL) {
                cm_edl_put(t, "    oe_edger8r_fix_bool(&_args.%s, 1);\n", d->name);
            } else if (cm_edl_has_bool(e, d->type.user)) {
                cm_edl_put(t, "    oe_edl_fix_%s(&_args.%s, 1);\n", d->type.user->name, d->name);
            }
        }
    }
    cm_edl_put(t, "\n    _result = oe_edger8r_finish(&_in);\n    if (_result == OE_OK) {\n"
                  "        _result = oe_edger8r_finish(&_out);\n    }\n");
    if (has_plain(f)) {
        cm_edl_put(t, "    if (_result == OE_OK) {\n        _result = _direct.memory.result;\n"
                      "    }\n");
    }
    cm_edl_put(t, "    if (_result != OE_OK) {\n        goto done;\n    }\n%s\n",
               e->trusted ? "    oe_lfence();\n" : "");
    if (has_plain(f)) {
        put_bring(e, f);
    }
}

/* the parameter as the user's function takes it */
static void put_argument(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;

    if (d->dim_count != 0) {
        cm_edl_put(t, "*(%s)(void *)_args.%s", cm_edl_decl_text(d, "(*)").s, d->name);
    } else if (cm_edl_has(d, CM_EDL_ISARY)) {
        cm_edl_put(t, "*(%s *)_args.%s", d->type.name, d->name);
    } else if (d->type.is_const && d->type.stars > 1) {
        cm_edl_put(t, "(%s)(void *)_args.%s", cm_edl_type_text(&d->type).s, d->name);
    } else {
        cm_edl_put(t, "_args.%s", d->name);
    }
}

static void put_call(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;
    const char *comma = "";

    if (f->propagate_errno) {
        cm_edl_put(t, "    errno = 0;\n");
    }
    cm_edl_put(t, "    %s%s(", cm_edl_returns(f) ? "_reply->oe_retval = " : "", f->name);
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        cm_edl_put(t, "%s\n        ", comma);
        put_argument(e, d);
        comma = ",";
    }
    cm_edl_put(t, ");\n");
    if (f->propagate_errno) {
        cm_edl_put(t, "    _reply->ocall_errno = errno;\n");
    }
}

/* what the callee left in the output, made fit to leave the enclave */
static void put_scrub(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_user *ret = f->ret.user;

    if (!e->trusted) {
        return;
    }
    if (ret != NULL && ret->kind == CM_EDL_STRUCT && f->ret.stars == 0) {
        cm_edl_put(t, "    oe_edl_scrub_%s(&_reply->oe_retval, 1);\n", ret->name);
    } else if (f->ret.kind == CM_EDL_LDOUBLE && f->ret.stars == 0) {
        cm_edl_put(t, "    oe_edger8r_clear_long_double(&_reply->oe_retval, 1);\n");
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        const struct cm_edl_user *u = cm_edl_struct_of(d);

        if (!is_out(d)) {
            continue;
        }
        if (u != NULL) {
            cm_edl_put(t, "    oe_edl_scrub_%s(_args.%s, %s);\n", u->name, d->name,
                       cm_edl_struct_count(d, "_args.").s);
        } else if (d->type.kind == CM_EDL_LDOUBLE && d->type.stars + (d->dim_count != 0) == 1) {
            struct cm_edl_str count = cm_edl_count_of(d, "_args.");
            struct cm_edl_str size = cm_edl_size_of(d, "_args.");

            cm_edl_put(t,
                       "    oe_edger8r_clear_long_double(_args.%s, %s * %s / "
                       "sizeof(long double));\n",
                       d->name, count.s, size.s);
        }
    }
}

static void put_deep(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_deep_inout(d)) {
            cm_edl_put(t,
                       "    oe_edl_restore_%s(&_nested_in_%s, &_nested_out_%s, _args.%s, "
                       "_shape_%s, %s);\n",
                       d->type.user->name, d->name, d->name, d->name, d->name,
                       cm_edl_count_of(d, "_args.").s);
            cm_edl_put(t,
                       "    if (_nested_out_%s.result != OE_OK) {\n"
                       "        _result = _nested_out_%s.result;\n        goto done;\n    }\n",
                       d->name, d->name);
        }
    }
    if (!cm_edl_has_deep_out(f)) {
        return;
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_deep_out(d)) {
            cm_edl_put(t, "    oe_edl_size_%s(&_deep_size, _args.%s, %s);\n", d->type.user->name,
                       d->name, cm_edl_count_of(d, "_args.").s);
        }
    }
    cm_edl_put(t, "    _result = oe_edger8r_deep_begin(&_deep, _deep_size);\n"
                  "    if (_result != OE_OK) {\n        goto done;\n    }\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_deep_out(d)) {
            cm_edl_put(t, "    oe_edger8r_give(_at_%s, _args.%s, %s);\n", d->name, d->name,
                       cm_edl_extent(d, "_args.").s);
            cm_edl_put(t, "    oe_edl_put_%s(&_deep.local, _deep.remote, _at_%s, _args.%s, %s);\n",
                       d->type.user->name, d->name, d->name, cm_edl_count_of(d, "_args.").s);
        }
    }
    cm_edl_put(t, "    _result = oe_edger8r_deep_send(&_deep);\n"
                  "    if (_result != OE_OK) {\n        goto done;\n    }\n"
                  "    _reply->deepcopy_out_buffer = _deep.remote;\n"
                  "    _reply->deepcopy_out_buffer_size = _deep_size;\n");
}

/* the strings that the callee leaves have their ends, before anything goes out (B4) */
static void put_checked(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;
    bool checked = false;

    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_plain(f, d) && is_out(d) &&
            (cm_edl_has(d, CM_EDL_STRING) || cm_edl_has(d, CM_EDL_WSTRING))) {
            cm_edl_put(t, "    oe_edger8r_check_%s(&_direct.memory, _args.%s, _args.%s_len);\n",
                       cm_edl_has(d, CM_EDL_STRING) ? "string" : "wstring", d->name, d->name);
            checked = true;
        }
    }
    if (checked) {
        cm_edl_put(t, "    _result = oe_edger8r_finish(&_direct.memory);\n"
                      "    if (_result != OE_OK) {\n        goto done;\n    }\n");
    }
}

/* data that go out to where the host has them, when nothing can fail any more */
static void put_answer(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_plain(f, d) && is_out(d)) {
            cm_edl_put(e->out, "    oe_edger8r_answer(_host_%s, _args.%s, %s);\n", d->name, d->name,
                       cm_edl_extent(d, "_args.").s);
        }
    }
}

static void put_end(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "\ndone:\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_deep_out(d)) {
            struct cm_edl_str count = cm_edl_count_of(d, "_args.");

            cm_edl_put(t, "    oe_edl_free_%s(_args.%s, %s);\n", d->type.user->name, d->name,
                       count.s);
            if (e->trusted) {
                cm_edl_put(t, "    oe_edger8r_wipe(_args.%s, %s * sizeof(%s));\n", d->name, count.s,
                           d->type.user->name);
            }
            cm_edl_put(t, "    oe_free(_args.%s);\n", d->name);
        }
    }
    if (has_plain(f)) {
        cm_edl_put(t, "    oe_edger8r_direct_end(&_direct);\n");
    }
    cm_edl_put(t, "    if (_result != OE_OK) {\n");
    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "        oe_edger8r_deep_abort(&_deep);\n");
    }
    cm_edl_put(t, "        oe_edger8r_clear(output_buffer, output_buffer_size);\n    }\n"
                  "    _reply->oe_result = _result;\n"
                  "    *output_bytes_written = output_buffer_size;\n");
    if (e->trusted) {
        cm_edl_put(t, "    oe_edger8r_wipe(&_args, sizeof(_args));\n");
    }
    cm_edl_put(t, "}\n\n");
}

void cm_edl_emit_stub(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    cm_edl_put(e->out,
               "static void %s_%s(\n    %suint8_t *input_buffer,\n"
               "    size_t input_buffer_size,\n    uint8_t *output_buffer,\n"
               "    size_t output_buffer_size,\n    size_t *output_bytes_written)\n{\n",
               f->trusted ? "ecall" : "ocall", f->name, f->trusted ? "" : "const ");
    put_locals(e, f);
    cm_edl_put(e->out, "\n");
    put_unpack(e, f);
    put_call(e, f);
    put_scrub(e, f);
    put_checked(e, f);
    put_deep(e, f);
    put_answer(e, f);
    put_end(e, f);
}
