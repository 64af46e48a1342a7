/*
 * The caller's side of a call: the function with the user's prototype. For an ecall it runs in the
 * host, and larger data without deep copies stay with the caller, where the enclave fetches them. For
 * an ocall it runs in the enclave. There, plain data go straight to host memory; what has padding, an
 * end or a bool is staged in enclave memory. The answer is read once, checked where the host
 * cannot change it, and only then given to the caller: on an error the caller's objects are as they
 * were.
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

static bool is_string(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_STRING) || cm_edl_has(d, CM_EDL_WSTRING);
}

static bool is_deep_out(const struct cm_edl_decl *d)
{
    return is_out(d) && !is_in(d) && cm_edl_deep_target(d) != NULL;
}

/* the address that the other side will see the buffer at */
static const char *base(const struct cm_edl_emitter *e)
{
    return e->trusted ? "_host" : "_buffer";
}

/*
 * Whether the bytes of d go straight between the caller's object and host memory. Structs, strings
 * and bools that come back and long doubles that go out have something to check or to clear on the
 * enclave's own copy.
 */
static bool is_direct(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    return e->trusted && cm_edl_is_marshalled(d) && cm_edl_struct_of(d) == NULL &&
           !(is_out(d) && (is_string(d) || d->type.kind == CM_EDL_BOOL)) &&
           !(is_in(d) && d->type.kind == CM_EDL_LDOUBLE);
}

static bool has_staged(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (cm_edl_is_marshalled(d) && !is_direct(e, d)) {
            return true;
        }
    }
    return false;
}

/* the parameter d as an expression that may be written through */
static struct cm_edl_str writable(const struct cm_edl_decl *d)
{
    if (d->type.is_const) {
        return cm_edl_fmt("OE_EDGER8R_PTR(void *, %s)", d->name);
    }
    return cm_edl_fmt("%s", d->name);
}

static bool needs_at(const struct cm_edl_decl *d)
{
    return is_out(d) || (is_in(d) && cm_edl_struct_of(d) != NULL) ||
           (is_in(d) && d->type.kind == CM_EDL_LDOUBLE);
}

static void put_locals(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;
    bool nested = false;

    if (!e->trusted) {
        cm_edl_put(t, "    static uint64_t _global_id = OE_GLOBAL_ECALL_ID_NULL;\n");
    }
    cm_edl_put(t, "    oe_result_t _result = OE_FAILURE;\n");
    cm_edl_put(t, "    %s_args_t _args;\n    %s_args_t _reply;\n", f->name, f->name);
    cm_edl_put(t, "    oe_edger8r_buffer_t _in;\n    oe_edger8r_buffer_t _out;\n");
    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    oe_edger8r_buffer_t _deep;\n");
    }
    cm_edl_put(t, "    size_t _in_size = 0;\n    size_t _out_size = 0;\n    size_t _total = 0;\n"
                  "    size_t _written = 0;\n    uint8_t *_buffer = NULL;\n");
    if (e->trusted) {
        cm_edl_put(t, "    uint8_t *_host = NULL;\n");
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_out(d) || (needs_at(d) && !cm_edl_is_plain(f, d))) {
            cm_edl_put(t, "    %s_at_%s = NULL;\n", cm_edl_field_type(d).s, d->name);
        }
        if (is_in(d) && is_out(d) && cm_edl_deep_target(d) != NULL) {
            cm_edl_put(t, "    oe_edger8r_buffer_t _nested_%s;\n", d->name);
            nested = true;
        }
    }
    if (nested) {
        cm_edl_put(t, "    size_t _bytes = 0;\n");
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL && e->trusted; d = d->next) {
        if (is_in(d) && !is_direct(e, d)) {
            cm_edl_put(t, "    size_t _staged = 0;\n");
            break;
        }
    }
    cm_edl_put(t, "\n");
}

static void put_preconditions(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    if (e->trusted) {
        cm_edl_put(t, "    _result = oe_get_enclave_status();\n    if (_result != OE_OK) {\n"
                      "        return _result;\n    }\n");
    }
    if (cm_edl_returns(f)) {
        cm_edl_put(t, "    if (_retval == NULL) {\n        return OE_INVALID_PARAMETER;\n    }\n");
    }
    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    oe_edger8r_open(&_deep, NULL, 0);\n");
    }
}

/* everything that is no marshalled pointer; sizes and counts are read from this copy from now on */
static void put_scalars(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "    /* Lengths and values; sizes are read from this copy from now on. */\n"
                  "    oe_edger8r_wipe(&_args, sizeof(_args));\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        const char *m = d->name;

        if (is_string(d)) {
            cm_edl_put(t, "    _args.%s_len = oe_edger8r_%s_size(%s);\n", m,
                       cm_edl_has(d, CM_EDL_STRING) ? "string" : "wstring", m);
        } else if (cm_edl_is_marshalled(d)) {
            continue;
        } else if (d->dim_count != 0 || d->type.stars != 0 || cm_edl_has(d, CM_EDL_ISARY)) {
            cm_edl_put(t, "    _args.%s = OE_EDGER8R_PTR(%s, %s);\n", m, cm_edl_field_type(d).s, m);
        } else {
            const struct cm_edl_user *u = d->type.user;

            cm_edl_put(t, "    _args.%s = %s;\n", m, m);
            if (e->trusted && u != NULL && u->kind == CM_EDL_STRUCT) {
                cm_edl_put(t, "    oe_edl_scrub_%s(&_args.%s, 1);\n", u->name, m);
            } else if (e->trusted && d->type.kind == CM_EDL_LDOUBLE) {
                cm_edl_put(t, "    oe_edger8r_clear_long_double(&_args.%s, 1);\n", m);
            }
        }
    }
}

static void put_sizes(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "\n    /* How many bytes go in and come out. */\n"
                  "    oe_edger8r_grow(&_in_size, 1, sizeof(_args));\n"
                  "    oe_edger8r_grow(&_out_size, 1, sizeof(_reply));\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        struct cm_edl_str extent = cm_edl_extent(d, "_args.");
        const struct cm_edl_user *deep = cm_edl_deep_target(d);

        if (!cm_edl_is_marshalled(d)) {
            continue;
        }
        if (cm_edl_is_plain(f, d)) {
            cm_edl_put(t, "    if (%s != NULL && !oe_edger8r_is_direct(%s, %s)) {\n", d->name,
                       d->name, extent.s);
        } else {
            cm_edl_put(t, "    if (%s != NULL) {\n", d->name);
        }
        if (is_in(d)) {
            cm_edl_put(t, "        oe_edger8r_grow(&_in_size, %s);\n", extent.s);
        }
        if (is_out(d)) {
            cm_edl_put(t, "        oe_edger8r_grow(&_out_size, %s);\n", extent.s);
        }
        if (deep != NULL && is_in(d)) {
            struct cm_edl_str count = cm_edl_count_of(d, "_args.");

            cm_edl_put(t, "        oe_edl_size_%s(&_in_size, %s, %s);\n", deep->name, d->name,
                       count.s);
            if (is_out(d)) {
                cm_edl_put(t, "        oe_edl_size_%s(&_out_size, %s, %s);\n", deep->name, d->name,
                           count.s);
            }
        }
        cm_edl_put(t, "    }\n");
    }
    cm_edl_put(t, "    _total = _in_size;\n    oe_edger8r_grow(&_total, 1, _out_size);\n"
                  "    if (_total == OE_EDGER8R_SIZE_OVERFLOW) {\n"
                  "        _result = OE_INTEGER_OVERFLOW;\n        goto done;\n    }\n\n");
}

static void put_allocation(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "    _buffer = (uint8_t *)oe_malloc(_total);\n");
    if (e->trusted) {
        cm_edl_put(t, "    _host = (uint8_t *)oe_allocate_%socall_buffer(_total);\n",
                   f->switchless ? "switchless_" : "");
        cm_edl_put(
            t, "    if (_buffer == NULL || _host == NULL) {\n"
               "        _result = OE_OUT_OF_MEMORY;\n        goto done;\n    }\n"
               "    if (!oe_is_outside_enclave(_host, _total)) {\n"
               "        _host = NULL; /* not the host's: neither written nor freed */\n"
               "        _result = OE_UNEXPECTED;\n        goto done;\n    }\n    oe_lfence();\n\n");
    } else {
        cm_edl_put(t, "    if (_buffer == NULL) {\n"
                      "        _result = OE_OUT_OF_MEMORY;\n        goto done;\n    }\n\n");
    }
}

/* an input region of an ocall, or of a deep copy */
static void put_input(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;
    struct cm_edl_str extent = cm_edl_extent(d, "_args.");
    struct cm_edl_str type = cm_edl_field_type(d);
    const struct cm_edl_user *deep = cm_edl_deep_target(d);
    const struct cm_edl_user *u = cm_edl_struct_of(d);
    const char *m = d->name;

    if (is_direct(e, d)) {
        cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_send(&_in, _host, %s, %s);\n", m, type.s, m,
                   extent.s);
        return;
    }
    if (e->trusted) {
        cm_edl_put(t, "    _staged = _in.offset;\n");
    }
    cm_edl_put(t, "    _at_%s = (%s)oe_edger8r_put(&_in, %s, %s);\n", m, type.s, m, extent.s);
    cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_there(&_in, %s, _at_%s);\n", m, type.s, base(e),
               m);
    if (e->trusted && u != NULL) {
        cm_edl_put(t, "    oe_edl_scrub_%s(_at_%s, %s);\n", u->name, m,
                   cm_edl_struct_count(d, "_args.").s);
    } else if (e->trusted && d->type.kind == CM_EDL_LDOUBLE &&
               d->type.stars + (d->dim_count != 0) == 1) {
        struct cm_edl_str count = cm_edl_count_of(d, "_args.");
        struct cm_edl_str size = cm_edl_size_of(d, "_args.");

        cm_edl_put(t, "    oe_edger8r_clear_long_double(_at_%s, %s * %s / sizeof(long double));\n",
                   m, count.s, size.s);
    }
    if (deep != NULL) {
        cm_edl_put(t, "    oe_edl_put_%s(&_in, %s, _at_%s, %s, %s);\n", deep->name, base(e), m, m,
                   cm_edl_count_of(d, "_args.").s);
    }
    cm_edl_put(t, "%s", e->trusted ? "    oe_edger8r_flush(&_in, _host, _staged);\n" : "");
}

static void put_pack(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "    /* Fill the input; pointers become what the other side will see. */\n"
                  "    oe_edger8r_open(&_in, _buffer, _in_size);\n"
                  "    (void)oe_edger8r_put(&_in, &_args, 1, sizeof(_args));\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_in(d) && cm_edl_is_plain(f, d)) {
            cm_edl_put(t, "    _args.%s = (%s)oe_edger8r_pass(&_in, %s, %s);\n", d->name,
                       cm_edl_field_type(d).s, d->name, cm_edl_extent(d, "_args.").s);
        } else if (is_in(d)) {
            put_input(e, d);
        } else if (is_out(d) && cm_edl_is_plain(f, d)) {
            cm_edl_put(t, "    _args.%s = OE_EDGER8R_PTR(%s, %s);\n", d->name,
                       cm_edl_field_type(d).s, d->name);
        } else if (is_out(d)) {
            cm_edl_put(t, "    _args.%s = %s == NULL ? NULL : (%s)(void *)%s; /* there is one */\n",
                       d->name, d->name, cm_edl_field_type(d).s, base(e));
        }
    }
    cm_edl_put(t, "    _result = oe_edger8r_finish(&_in);\n    if (_result != OE_OK) {\n"
                  "        goto done;\n    }\n"
                  "    oe_edger8r_copy(_buffer, &_args, sizeof(_args));\n");
    cm_edl_put(t, "%s\n",
               e->trusted
                   ? "    cm_copy_out(_host, _buffer, oe_edger8r_region(1, sizeof(_args)));\n"
                   : "");
}

static void put_exchange(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;
    const char *kind = f->switchless ? "switchless_" : "";

    if (e->trusted) {
        cm_edl_put(t, "    cm_zero_out(_host + _in_size, oe_edger8r_region(1, sizeof(_reply)));\n");
        cm_edl_put(t,
                   "    _result = oe_%scall_host_function(\n        %s_fcn_id_%s, _host, "
                   "_in_size, _host + _in_size, _out_size, &_written);\n",
                   kind, e->unit->name, f->name);
    } else {
        cm_edl_put(t,
                   "    _result = oe_%scall_enclave_function(\n        _enclave, &_global_id, "
                   "\"%s\", _buffer, _in_size, _buffer + _in_size, _out_size,\n"
                   "        &_written);\n",
                   kind, f->name);
    }
    cm_edl_put(t, "    if (_result != OE_OK) {\n        goto done;\n    }\n");
    cm_edl_put(
        t, "\n    /* Check the answer; nothing of the caller's is written before all is well. */\n"
           "    oe_edger8r_open(&_out, _buffer + _in_size, _out_size);\n");
    if (e->trusted) {
        cm_edl_put(t, "    (void)oe_edger8r_take(&_out, true, 1, sizeof(_reply));\n"
                      "    cm_copy_in(&_reply, _host + _in_size, sizeof(_reply));\n");
    } else {
        cm_edl_put(t, "    oe_edger8r_get(&_out, &_reply, sizeof(_reply));\n");
    }
    cm_edl_put(t, "    _result = oe_edger8r_result(_reply.oe_result);\n"
                  "    if (_result != OE_OK) {\n        goto done;\n    }\n"
                  "    if (_written != _out_size) {\n        _result = OE_FAILURE;\n"
                  "        goto done;\n    }\n");
    if (cm_edl_has_deep_out(f)) {
        if (e->trusted) {
            cm_edl_put(t, "    _result = oe_edger8r_deep_fetch(\n        &_deep, "
                          "_reply.deepcopy_out_buffer, _reply.deepcopy_out_buffer_size);\n"
                          "    if (_result != OE_OK) {\n        goto done;\n    }\n");
        } else {
            cm_edl_put(t, "    oe_edger8r_open(\n        &_deep, _reply.deepcopy_out_buffer, "
                          "_reply.deepcopy_out_buffer_size);\n");
        }
    }
}

/* find the answer's regions and check them; nothing of the caller's is written yet */
static void put_locate(const struct cm_edl_emitter *e, const struct cm_edl_decl *d)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_user *u = cm_edl_struct_of(d);
    const struct cm_edl_user *deep = cm_edl_deep_target(d);
    struct cm_edl_str count = cm_edl_count_of(d, "_args.");
    const char *m = d->name;

    if (is_direct(e, d)) {
        cm_edl_put(t,
                   "    _at_%s = (%s)oe_edger8r_there( /* stays in host memory */\n        &_out, "
                   "_host + _in_size, oe_edger8r_take(&_out, %s != NULL, %s));\n",
                   m, cm_edl_field_type(d).s, m, cm_edl_extent(d, "_args.").s);
        return;
    }
    if (e->trusted) {
        cm_edl_put(
            t,
            "    _at_%s = (%s)oe_edger8r_fetch(\n        &_out, _host + _in_size, %s != NULL, "
            "%s);\n",
            m, cm_edl_field_type(d).s, m, cm_edl_extent(d, "_args.").s);
    } else if (deep == NULL) {
        cm_edl_put(t,
                   "    _at_%s = (%s)oe_edger8r_take(\n        &_out, "
                   "%s != NULL && !oe_edger8r_is_direct(%s, %s),\n        %s);\n",
                   m, cm_edl_field_type(d).s, m, m, cm_edl_extent(d, "_args.").s,
                   cm_edl_extent(d, "_args.").s);
    } else {
        cm_edl_put(t, "    _at_%s = (%s)oe_edger8r_take(&_out, %s != NULL, %s);\n", m,
                   cm_edl_field_type(d).s, m, cm_edl_extent(d, "_args.").s);
    }
    if (is_string(d)) {
        cm_edl_put(t, "    oe_edger8r_check_%s(&_out, _at_%s, _args.%s_len);\n",
                   cm_edl_has(d, CM_EDL_STRING) ? "string" : "wstring", m, m);
    }
    if (e->trusted && d->type.kind == CM_EDL_BOOL && d->type.stars + (d->dim_count != 0) == 1) {
        cm_edl_put(t, "    oe_edger8r_fix_bool(_at_%s, %s * %s);\n", m, count.s,
                   cm_edl_size_of(d, "_args.").s);
    }
    if (e->trusted && cm_edl_has_bool(e, u)) {
        cm_edl_put(t, "    oe_edl_fix_%s(_at_%s, %s);\n", u->name, m,
                   cm_edl_struct_count(d, "_args.").s);
    }
    if (deep == NULL) {
        return;
    }
    if (is_in(d)) {
        cm_edl_put(t, "    _nested_%s = _out;\n    _bytes = 0;\n", m);
        cm_edl_put(t, "    oe_edl_size_%s(&_bytes, %s, %s);\n", deep->name, m, count.s);
        cm_edl_put(t, "    (void)oe_edger8r_%s(&_out, %strue, 1, _bytes);\n",
                   e->trusted ? "fetch" : "take", e->trusted ? "_host + _in_size, " : "");
    } else {
        cm_edl_put(t, "    oe_edl_dup_%s(&_deep, _at_%s, %s);\n", deep->name, m, count.s);
    }
}

static void put_check(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_out(d)) {
            put_locate(e, d);
        }
    }
    if (e->trusted && f->ret.stars == 0 && f->ret.kind == CM_EDL_BOOL) {
        cm_edl_put(t, "    oe_edger8r_fix_bool(&_reply.oe_retval, 1);\n");
    } else if (e->trusted && f->ret.stars == 0 && cm_edl_has_bool(e, f->ret.user)) {
        cm_edl_put(t, "    oe_edl_fix_%s(&_reply.oe_retval, 1);\n", f->ret.user->name);
    }
    cm_edl_put(t, "    _result = oe_edger8r_finish(&_out);\n");
    if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    if (_result == OE_OK) {\n        _result = oe_edger8r_finish(&_deep);\n"
                      "    }\n");
    }
    cm_edl_put(t, "    if (_result != OE_OK) {\n        goto done;\n    }\n%s",
               e->trusted ? "    oe_lfence();\n\n" : "\n");
}

static void put_commit(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    if (cm_edl_returns(f)) {
        cm_edl_put(t, "    *_retval = _reply.oe_retval;\n");
    }
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (!is_out(d)) {
            continue;
        }
        if (is_in(d) && cm_edl_deep_target(d) != NULL) {
            cm_edl_put(t, "    oe_edl_get_%s(&_nested_%s, OE_EDGER8R_PTR(%s, %s), _at_%s, %s);\n",
                       d->type.user->name, d->name, cm_edl_field_type(d).s, d->name, d->name,
                       cm_edl_count_of(d, "_args.").s);
        } else {
            cm_edl_put(t, "    oe_edger8r_%s(%s, _at_%s, %s);\n",
                       is_direct(e, d) ? "receive" : "give", writable(d).s, d->name,
                       cm_edl_extent(d, "_args.").s);
        }
        if (is_deep_out(d)) {
            cm_edl_put(t, "    _at_%s = NULL; /* its members are the caller's now */\n", d->name);
        }
    }
    if (f->propagate_errno) {
        cm_edl_put(t, "    oe_edger8r_set_errno(_reply.ocall_errno);\n");
    }
}

static void put_end(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_text *t = e->out;

    cm_edl_put(t, "\ndone:\n");
    for (const struct cm_edl_decl *d = f->params; d != NULL; d = d->next) {
        if (is_deep_out(d)) {
            cm_edl_put(t, "    oe_edl_free_%s(_at_%s, %s);\n", d->type.user->name, d->name,
                       cm_edl_count_of(d, "_args.").s);
        }
    }
    if (e->trusted) {
        if (cm_edl_has_deep_out(f)) {
            cm_edl_put(t,
                       "    oe_edger8r_wipe(_deep.base, _deep.size);\n    oe_free(_deep.base);\n");
        }
        cm_edl_put(t, "    if (_host != NULL) {\n        oe_free_%socall_buffer(_host);\n    }\n",
                   f->switchless ? "switchless_" : "");
        cm_edl_put(t,
                   "    oe_edger8r_wipe(_buffer, %s);\n"
                   "    oe_edger8r_wipe(&_args, sizeof(_args));\n",
                   has_staged(e, f) ? "_total" : "sizeof(_args)");
    } else if (cm_edl_has_deep_out(f)) {
        cm_edl_put(t, "    oe_free(_deep.base);\n");
    }
    cm_edl_put(t, "    oe_free(_buffer);\n    return _result;\n}\n\n");
}

void cm_edl_emit_wrapper(const struct cm_edl_emitter *e, const struct cm_edl_func *f)
{
    struct cm_edl_str own = cm_edl_fmt("%s", "");

    if (!e->trusted) {
        own = cm_edl_fmt("%s_%s", e->unit->name, e->prefix);
        cm_edl_emit_wrapper_prototype(e, f, own.s);
        cm_edl_put(e->out, ";\n");
    }
    cm_edl_emit_wrapper_prototype(e, f, own.s);
    cm_edl_put(e->out, "\n{\n");
    put_locals(e, f);
    put_preconditions(e, f);
    put_scalars(e, f);
    put_sizes(e, f);
    put_allocation(e, f);
    put_pack(e, f);
    put_exchange(e, f);
    put_check(e, f);
    put_commit(e, f);
    put_end(e, f);
    if (!e->trusted) {
        cm_edl_put(e->out, "OE_WEAK_ALIAS(%s%s, %s%s);\n\n", own.s, f->name, e->prefix, f->name);
    }
}
