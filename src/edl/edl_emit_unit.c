/* X_t.c and X_u.c: tables, ids, and the parts that the other emitters write; cm_edl_emit(). */
#include <stdlib.h>

#include "edl/edl_emit.h"

static void put_ids(const struct cm_edl_emitter *e, const struct cm_edl_list *funcs,
                    const char *what)
{
    cm_edl_put(e->out, "/**** %s function IDs. ****/\nenum {\n", what);
    for (size_t i = 0; i < funcs->count; i++) {
        const struct cm_edl_func *f = funcs->items[i];

        cm_edl_put(e->out, "    %s_fcn_id_%s = %zu,\n", e->unit->name, f->name, i);
    }
    cm_edl_put(e->out, "    %s_fcn_id_%s_call_max = %zu\n};\n\n", e->unit->name,
               funcs == &e->unit->trusted ? "trusted" : "untrusted", funcs->count);
}

static void put_args(const struct cm_edl_emitter *e, const struct cm_edl_list *funcs)
{
    for (size_t i = 0; i < funcs->count; i++) {
        cm_edl_emit_args(e, funcs->items[i]);
    }
}

/* Which ecalls a worker may run; nothing when there is none: the runtime has a table for that. */
static void put_switchless_table(const struct cm_edl_emitter *e)
{
    const struct cm_edl_list *funcs = &e->unit->trusted;
    bool any = false;

    for (size_t i = 0; i < funcs->count; i++) {
        const struct cm_edl_func *f = funcs->items[i];

        any = any || f->switchless;
    }
    if (!any) {
        return;
    }
    cm_edl_put(e->out, "const bool oe_ecalls_switchless[] = {\n");
    for (size_t i = 0; i < funcs->count; i++) {
        const struct cm_edl_func *f = funcs->items[i];

        cm_edl_put(e->out, "    %s%s /* %s */\n", f->switchless ? "true" : "false",
                   i + 1 < funcs->count ? "," : "", f->name);
    }
    cm_edl_put(
        e->out,
        "};\nconst size_t oe_ecalls_switchless_size = OE_COUNTOF(oe_ecalls_switchless);\n\n");
}

static void put_ecall_tables(const struct cm_edl_emitter *e)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_list *funcs = &e->unit->trusted;

    cm_edl_put(t, "/**** ECALL function table. ****/\n");
    if (funcs->count == 0) {
        cm_edl_put(t, "OE_DEFINE_EMPTY_ECALL_TABLE();\n\n");
        return;
    }
    cm_edl_put(t, "oe_ecall_func_t oe_ecalls_table[] = {\n");
    for (size_t i = 0; i < funcs->count; i++) {
        const struct cm_edl_func *f = funcs->items[i];

        cm_edl_put(t, "    ecall_%s%s\n", f->name, i + 1 < funcs->count ? "," : "");
    }
    cm_edl_put(t, "};\n\nconst char *const oe_ecalls_names[] = {\n");
    for (size_t i = 0; i < funcs->count; i++) {
        const struct cm_edl_func *f = funcs->items[i];

        cm_edl_put(t, "    \"%s\"%s\n", f->name, i + 1 < funcs->count ? "," : "");
    }
    cm_edl_put(t, "};\n\nsize_t oe_ecalls_table_size = OE_COUNTOF(oe_ecalls_table);\n\n");
    put_switchless_table(e);
}

static void put_trusted_source(const struct cm_edl_emitter *e)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_unit *unit = e->unit;

    cm_edl_put(t,
               "#include \"%s_t.h\"\n\n#include <openenclave/edger8r/enclave.h>\n\n"
               "OE_EXTERNC_BEGIN\n\n",
               unit->name);
    cm_edl_put(t, "OE_WEAK bool oe_edger8r_secure_unserialize = true;\n\n");
    put_args(e, &unit->trusted);
    put_args(e, &unit->untrusted);
    cm_edl_emit_helpers(e);
    cm_edl_put(t, "/**** ECALL functions. ****/\n\n");
    for (size_t i = 0; i < unit->trusted.count; i++) {
        cm_edl_emit_stub(e, unit->trusted.items[i]);
    }
    put_ecall_tables(e);
    put_ids(e, &unit->untrusted, "Untrusted");
    cm_edl_put(t, "/**** OCALL function wrappers. ****/\n\n");
    for (size_t i = 0; i < unit->untrusted.count; i++) {
        cm_edl_emit_wrapper(e, unit->untrusted.items[i]);
    }
}

static void put_host_tables(const struct cm_edl_emitter *e)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_unit *unit = e->unit;

    cm_edl_put(t,
               "/**** Trusted function names. ****/\n"
               "static const oe_ecall_info_t _%s_ecall_info_table[] = {\n",
               unit->name);
    for (size_t i = 0; i < unit->trusted.count; i++) {
        const struct cm_edl_func *f = unit->trusted.items[i];

        cm_edl_put(t, "    {\"%s\"},\n", f->name);
    }
    cm_edl_put(t,
               "    {NULL}\n};\n\n/**** OCALL function table. ****/\n"
               "static const oe_ocall_func_t _%s_ocall_function_table[] = {\n",
               unit->name);
    for (size_t i = 0; i < unit->untrusted.count; i++) {
        const struct cm_edl_func *f = unit->untrusted.items[i];

        cm_edl_put(t, "    ocall_%s,\n", f->name);
    }
    cm_edl_put(t, "    NULL\n};\n\n");
}

static void put_untrusted_source(const struct cm_edl_emitter *e)
{
    struct cm_edl_text *t = e->out;
    const struct cm_edl_unit *unit = e->unit;

    cm_edl_put(t,
               "#include \"%s_u.h\"\n\n#include <openenclave/edger8r/host.h>\n\n"
               "OE_EXTERNC_BEGIN\n\n",
               unit->name);
    put_args(e, &unit->trusted);
    put_args(e, &unit->untrusted);
    cm_edl_emit_helpers(e);
    cm_edl_put(t, "/**** ECALL function wrappers. ****/\n\n");
    for (size_t i = 0; i < unit->trusted.count; i++) {
        cm_edl_emit_wrapper(e, unit->trusted.items[i]);
    }
    cm_edl_put(t, "/**** OCALL functions. ****/\n\n");
    for (size_t i = 0; i < unit->untrusted.count; i++) {
        cm_edl_emit_stub(e, unit->untrusted.items[i]);
    }
    put_host_tables(e);
    cm_edl_put(t,
               "oe_result_t oe_create_%s_enclave(\n    const char *path,\n"
               "    oe_enclave_type_t type,\n    uint32_t flags,\n"
               "    const oe_enclave_setting_t *settings,\n    uint32_t setting_count,\n"
               "    oe_enclave_t **enclave)\n{\n",
               unit->name);
    cm_edl_put(t,
               "    return oe_create_enclave(\n        path, type, flags, settings, "
               "setting_count,\n        _%s_ocall_function_table, %zu, "
               "_%s_ecall_info_table, %zu, enclave);\n}\n\n",
               unit->name, unit->untrusted.count, unit->name, unit->trusted.count);
}

void cm_edl_emit_source(const struct cm_edl_emitter *e)
{
    cm_edl_put(e->out, "/*\n *  This file is auto generated by oeedger8r. DO NOT EDIT.\n */\n");
    if (e->trusted) {
        put_trusted_source(e);
    } else {
        put_untrusted_source(e);
    }
    cm_edl_put(e->out, "OE_EXTERNC_END\n");
}

enum cm_status cm_edl_emit(const struct cm_edl_unit *unit, enum cm_edl_output which,
                           bool use_prefix, char **out, size_t *out_len)
{
    struct cm_edl_text text = {NULL, 0, 0, false};
    struct cm_edl_str prefix =
        cm_edl_fmt("%s%s", use_prefix ? unit->name : "", use_prefix ? "_" : "");
    struct cm_edl_emitter e = {unit, &text, which == CM_EDL_T_H || which == CM_EDL_T_C, prefix.s};

    switch (which) {
    case CM_EDL_ARGS_H:
        cm_edl_emit_args_h(&e);
        break;
    case CM_EDL_T_H:
    case CM_EDL_U_H:
        cm_edl_emit_header(&e);
        break;
    case CM_EDL_T_C:
    case CM_EDL_U_C:
        cm_edl_emit_source(&e);
        break;
    }
    if (text.bad) {
        free(text.buf);
        return CM_ERR_NOMEM;
    }
    *out = text.buf;
    *out_len = text.len;
    return CM_OK;
}
