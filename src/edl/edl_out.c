/* Text of the emitter: a growing buffer, and C spellings of EDL types and sizes. */
#include "edl/edl_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cm_edl_put(struct cm_edl_text *t, const char *fmt, ...)
{
    va_list ap;
    int n = 0;

    if (t->bad) {
        return;
    }
    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        t->bad = true;
        return;
    }
    if ((size_t)n + 1 > t->cap - t->len) {
        size_t cap = (t->len + (size_t)n + 1) * 2;
        char *buf = realloc(t->buf, cap);

        if (buf == NULL) {
            t->bad = true;
            return;
        }
        t->buf = buf;
        t->cap = cap;
    }
    va_start(ap, fmt);
    (void)vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    t->len += (size_t)n;
}

struct cm_edl_str cm_edl_fmt(const char *fmt, ...)
{
    struct cm_edl_str out = {""};
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(out.s, sizeof(out.s), fmt, ap);
    va_end(ap);
    return out;
}

struct cm_edl_str cm_edl_base(const struct cm_edl_type *t)
{
    const char *word = cm_edl_kind_text(t->kind);

    if (t->kind == CM_EDL_FOREIGN) {
        return cm_edl_fmt("%s", t->name);
    }
    if (t->name != NULL) {
        return cm_edl_fmt("%s %s", word, t->name);
    }
    return cm_edl_fmt("%s", word);
}

static struct cm_edl_str with_stars(const struct cm_edl_type *t, bool keep_const, unsigned stars)
{
    return cm_edl_fmt("%s%s %.*s", keep_const && t->is_const ? "const " : "", cm_edl_base(t).s,
                      (int)stars, "*********");
}

struct cm_edl_str cm_edl_type_text(const struct cm_edl_type *t)
{
    return with_stars(t, true, t->stars);
}

static struct cm_edl_str value_text(const struct cm_edl_value *v, const char *prefix)
{
    if (v->is_name) {
        return cm_edl_fmt("%s%s", prefix, v->name);
    }
    return cm_edl_fmt("%llu", (unsigned long long)v->number);
}

static struct cm_edl_str dims_text(const struct cm_edl_decl *d)
{
    struct cm_edl_str out = {""};

    for (size_t i = 0; i < d->dim_count; i++) {
        struct cm_edl_str v = value_text(&d->dims[i], "");
        size_t n = strlen(out.s);

        (void)snprintf(out.s + n, sizeof(out.s) - n, "[%.*s]", CM_EDL_MAX_NAME, v.s);
    }
    return out;
}

struct cm_edl_str cm_edl_decl_text(const struct cm_edl_decl *d, const char *name)
{
    struct cm_edl_str type = cm_edl_type_text(&d->type);
    struct cm_edl_str dims = dims_text(d);
    struct cm_edl_str out = {""};

    (void)snprintf(out.s, sizeof(out.s), "%.400s%.220s%.1900s", type.s, name, dims.s);
    return out;
}

struct cm_edl_str cm_edl_field_type(const struct cm_edl_decl *d)
{
    if (cm_edl_has(d, CM_EDL_ISARY)) {
        return cm_edl_fmt("void *");
    }
    return with_stars(&d->type, false, d->type.stars + (d->dim_count != 0));
}

struct cm_edl_str cm_edl_elem_type(const struct cm_edl_decl *d)
{
    struct cm_edl_str out;

    if (d->type.kind == CM_EDL_VOID && d->type.stars == 1) {
        return cm_edl_fmt("uint8_t");
    }
    if (d->type.stars == 0) {
        return cm_edl_base(&d->type);
    }
    out = with_stars(&d->type, false, d->type.stars - 1);
    if (d->type.stars == 1) {
        out.s[strlen(out.s) - 1] = '\0'; /* "int " */
    }
    return out;
}

static bool is_string(const struct cm_edl_decl *d)
{
    return cm_edl_has(d, CM_EDL_STRING) || cm_edl_has(d, CM_EDL_WSTRING);
}

/* arrays have their size in their type */
static bool is_array(const struct cm_edl_decl *d)
{
    return d->dim_count != 0 || cm_edl_has(d, CM_EDL_ISARY);
}

struct cm_edl_str cm_edl_count_of(const struct cm_edl_decl *d, const char *prefix)
{
    if (is_string(d)) {
        return cm_edl_fmt("%s%s_len", prefix, d->name);
    }
    if (!is_array(d) && cm_edl_has(d, CM_EDL_COUNT)) {
        return cm_edl_fmt("%s%s", d->count.is_name ? "(size_t)" : "",
                          value_text(&d->count, prefix).s);
    }
    return cm_edl_fmt("1");
}

struct cm_edl_str cm_edl_size_of(const struct cm_edl_decl *d, const char *prefix)
{
    if (d->dim_count != 0) {
        struct cm_edl_decl plain = *d;

        plain.type.is_const = false;
        return cm_edl_fmt("sizeof(%s)", cm_edl_decl_text(&plain, "").s);
    }
    if (!is_array(d) && cm_edl_has(d, CM_EDL_SIZE)) {
        return cm_edl_fmt("%s%s", d->size.is_name ? "(size_t)" : "",
                          value_text(&d->size, prefix).s);
    }
    if (cm_edl_has(d, CM_EDL_ISPTR)) {
        return cm_edl_fmt("sizeof(*(%s)0)", d->type.name);
    }
    return cm_edl_fmt("sizeof(%s)", cm_edl_elem_type(d).s);
}

struct cm_edl_str cm_edl_extent(const struct cm_edl_decl *d, const char *prefix)
{
    struct cm_edl_str count = cm_edl_count_of(d, prefix);
    struct cm_edl_str size = cm_edl_size_of(d, prefix);
    struct cm_edl_str out = {""};

    (void)snprintf(out.s, sizeof(out.s), "%.600s, %.1900s", count.s, size.s);
    return out;
}
