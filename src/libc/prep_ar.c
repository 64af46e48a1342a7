/*
 * Strict reading and deterministic writing of `ar` archives (System V / GNU flavour). Called by the
 * inside archive tool at build time; the archives come from installed packages.
 */
#include "libc/prep_ar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "os/os.h"

#define MAGIC        "!<arch>\n"
#define MAGIC_LEN    8u
#define HEADER_LEN   60u
#define MAX_FILE_LEN ((size_t)1 << 30)

void cm_prep_buf_put(struct cm_prep_buf *b, const void *bytes, size_t len)
{
    if (b->bad || len > MAX_FILE_LEN - b->len) {
        b->bad = true;
        return;
    }
    if (b->cap - b->len < len) {
        size_t cap = 2 * (b->len + len) + 256;
        uint8_t *p = realloc(b->ptr, cap);

        if (p == NULL) {
            b->bad = true;
            return;
        }
        b->ptr = p;
        b->cap = cap;
    }
    if (len != 0) {
        memcpy(b->ptr + b->len, bytes, len);
        b->len += len;
    }
}

void cm_prep_buf_zeros(struct cm_prep_buf *b, size_t len)
{
    static const uint8_t zeros[64];

    while (len != 0 && !b->bad) {
        size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

        cm_prep_buf_put(b, zeros, n);
        len -= n;
    }
}

void cm_prep_buf_free(struct cm_prep_buf *b)
{
    free(b->ptr);
    memset(b, 0, sizeof(*b));
}

/* Takes over name and owned also when it fails. */
static enum cm_status add_member(struct cm_prep_ar *ar, char *name, struct cm_span bytes,
                                 uint8_t *owned, struct cm_why *why)
{
    struct cm_prep_member *m;
    enum cm_status st;

    if (name != NULL && ar->count == ar->cap) {
        size_t cap = 2 * ar->cap + 64;
        struct cm_prep_member *p = realloc(ar->members, cap * sizeof(*p));

        if (p != NULL) {
            ar->members = p;
            ar->cap = cap;
        }
    }
    if (name == NULL || ar->count == ar->cap) {
        free(name);
        free(owned);
        cm_why_set(why, "out of memory");
        return CM_ERR_NOMEM;
    }
    m = &ar->members[ar->count];
    memset(m, 0, sizeof(*m));
    st = cm_prep_elf_open(&m->elf, bytes, name, why);
    if (st != CM_OK) {
        free(name);
        free(owned);
        return st;
    }
    m->name = name;
    m->owned = owned;
    ar->count++;
    return CM_OK;
}

/* Decimal number padded with blanks; false for anything else. */
static bool parse_decimal(struct cm_span s, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;

    while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9' && v < (1u << 30)) {
        v = v * 10 + (uint64_t)(s.ptr[i] - '0');
        i++;
    }
    if (i == 0) {
        return false;
    }
    for (; i < s.len; i++) {
        if (s.ptr[i] != ' ') {
            return false;
        }
    }
    *out = v;
    return true;
}

/* The name is "text/", or "/offset" into the table of long names where each ends with "/\n". */
static char *member_name(struct cm_span field, struct cm_span longs)
{
    struct cm_span s = field;
    const uint8_t *end;
    uint64_t off;

    if (field.ptr[0] == '/') {
        struct cm_span digits = {field.ptr + 1, field.len - 1};

        if (!parse_decimal(digits, &off) || off >= longs.len) {
            return NULL;
        }
        s.ptr = longs.ptr + off;
        s.len = longs.len - off;
    }
    end = memchr(s.ptr, '/', s.len);
    if (end == NULL || end == s.ptr) {
        return NULL;
    }
    return strndup((const char *)s.ptr, (size_t)(end - s.ptr));
}

static enum cm_status parse_members(struct cm_prep_ar *ar, struct cm_rd *r, const char *path,
                                    struct cm_why *why)
{
    struct cm_span longs = {NULL, 0};
    enum cm_status st;

    while (r->left != 0) {
        struct cm_span name = cm_rd_take(r, 16);
        struct cm_span size;
        struct cm_span body;
        uint64_t len = 0;

        (void)cm_rd_take(r, 12 + 6 + 6 + 8);
        size = cm_rd_take(r, 10);
        if (cm_rd_u16le(r) != 0x0a60 || r->bad || !parse_decimal(size, &len)) {
            cm_why_set(why, "%s has a damaged member header", path);
            return CM_ERR_FORMAT;
        }
        body = cm_rd_take(r, len);
        if (len % 2 != 0 && r->left != 0) {
            (void)cm_rd_take(r, 1);
        }
        if (r->bad) {
            cm_why_set(why, "%s ends inside a member", path);
            return CM_ERR_FORMAT;
        }
        if (memcmp(name.ptr, "/               ", 16) == 0) {
            continue; /* the symbol index is made anew */
        }
        if (memcmp(name.ptr, "//              ", 16) == 0) {
            longs = body;
            continue;
        }
        st = add_member(ar, member_name(name, longs), body, NULL, why);
        if (st != CM_OK) {
            return st;
        }
    }
    return CM_OK;
}

/* Takes file over also when it fails. */
static enum cm_status keep_file(struct cm_prep_ar *ar, uint8_t *file, struct cm_why *why)
{
    uint8_t **p = realloc(ar->files, (ar->file_count + 1) * sizeof(*p));

    if (p == NULL) {
        free(file);
        cm_why_set(why, "out of memory");
        return CM_ERR_NOMEM;
    }
    ar->files = p;
    ar->files[ar->file_count++] = file;
    return CM_OK;
}

enum cm_status cm_prep_ar_load(struct cm_prep_ar *ar, const char *path, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    struct cm_span all = {NULL, 0};
    uint8_t *file = NULL;
    struct cm_span magic;
    struct cm_rd r;

    CM_TRY(cm_file_read(path, MAX_FILE_LEN, &file, &all.len, why));
    CM_TRY(keep_file(ar, file, why));
    all.ptr = file;
    r = cm_rd_init(all);
    magic = cm_rd_take(&r, MAGIC_LEN);
    if (r.bad || memcmp(magic.ptr, MAGIC, MAGIC_LEN) != 0) {
        cm_why_set(why, "%s is not an ar archive", path);
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(parse_members(ar, &r, path, why));
out:
    return st;
}

enum cm_status cm_prep_ar_add_object(struct cm_prep_ar *ar, const char *path, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    const char *base = strrchr(path, '/');
    uint8_t *file = NULL;
    size_t len = 0;

    CM_TRY(cm_file_read(path, MAX_FILE_LEN, &file, &len, why));
    CM_TRY(
        add_member(ar, strdup(base == NULL ? path : base + 1), cm_span_make(file, len), file, why));
    ar->members[ar->count - 1].added = true;
out:
    return st;
}

enum cm_status cm_prep_ar_unique_names(struct cm_prep_ar *ar, struct cm_why *why)
{
    size_t i;

    for (i = 0; i < ar->count; i++) {
        unsigned copy = 1;
        size_t k;

        for (k = 0; k < i; k++) {
            char *fresh;
            size_t len;

            if (strcmp(ar->members[k].name, ar->members[i].name) != 0) {
                continue;
            }
            copy++;
            len = strlen(ar->members[i].name) + 16;
            fresh = malloc(len);
            if (fresh == NULL) {
                cm_why_set(why, "out of memory");
                return CM_ERR_NOMEM;
            }
            (void)snprintf(fresh, len, "dup%u-%s", copy, ar->members[k].name);
            free(ar->members[i].name);
            ar->members[i].name = fresh;
            k = (size_t)-1; /* the new name has to be unique as well */
        }
    }
    return CM_OK;
}

static void put_header(struct cm_prep_buf *b, const char *name, size_t len)
{
    char text[HEADER_LEN + 1];

    (void)snprintf(text, sizeof(text), "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "100644",
                   len);
    cm_prep_buf_put(b, text, HEADER_LEN);
}

static void put_be32(struct cm_prep_buf *b, size_t v)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};

    cm_prep_buf_put(b, bytes, sizeof(bytes));
}

static size_t even(size_t n)
{
    return n + n % 2;
}

/* Symbol names of one member into names; their count is returned. */
static size_t put_symbol_names(const struct cm_prep_member *m, struct cm_prep_buf *names)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < m->elf.symbol_count; i++) {
        const struct cm_prep_symbol *s = &m->elf.symbols[i];

        if (cm_prep_symbol_is_export(s)) {
            cm_prep_buf_put(names, s->name, strlen(s->name) + 1);
            count++;
        }
    }
    return count;
}

/* Index: number of symbols, for each the offset of its member's header, then all the names. */
static void put_index(const struct cm_prep_ar *ar, struct cm_prep_buf *out, size_t longs_len)
{
    struct cm_prep_buf names = {NULL, 0, 0, false};
    struct cm_prep_buf offs = {NULL, 0, 0, false};
    size_t total = 0;
    size_t pos;
    size_t i;

    for (i = 0; i < ar->count; i++) {
        if (!ar->members[i].dropped) {
            total += put_symbol_names(&ar->members[i], &names);
        }
    }
    if (names.len % 2 != 0) {
        cm_prep_buf_zeros(&names, 1);
    }
    pos = MAGIC_LEN + HEADER_LEN + 4 + 4 * total + names.len + HEADER_LEN + even(longs_len);
    names.len = 0;
    for (i = 0; i < ar->count; i++) {
        size_t n;

        if (ar->members[i].dropped) {
            continue;
        }
        for (n = put_symbol_names(&ar->members[i], &names); n != 0; n--) {
            put_be32(&offs, pos);
        }
        pos += HEADER_LEN + even(ar->members[i].elf.image.len);
    }
    if (names.len % 2 != 0) {
        cm_prep_buf_zeros(&names, 1);
    }
    put_header(out, "/", 4 + offs.len + names.len);
    put_be32(out, total);
    cm_prep_buf_put(out, offs.ptr, offs.len);
    cm_prep_buf_put(out, names.ptr, names.len);
    out->bad = out->bad || names.bad || offs.bad;
    cm_prep_buf_free(&names);
    cm_prep_buf_free(&offs);
}

static void put_members(const struct cm_prep_ar *ar, struct cm_prep_buf *out)
{
    size_t name_off = 0;
    size_t i;

    for (i = 0; i < ar->count; i++) {
        const struct cm_prep_member *m = &ar->members[i];
        char ref[17];

        if (m->dropped) {
            continue;
        }
        (void)snprintf(ref, sizeof(ref), "/%zu", name_off);
        name_off += strlen(m->name) + 2;
        put_header(out, ref, m->elf.image.len);
        cm_prep_buf_put(out, m->elf.image.ptr, m->elf.image.len);
        if (m->elf.image.len % 2 != 0) {
            cm_prep_buf_put(out, "\n", 1);
        }
    }
}

enum cm_status cm_prep_ar_write(const struct cm_prep_ar *ar, const char *path, struct cm_why *why)
{
    struct cm_prep_buf longs = {NULL, 0, 0, false};
    struct cm_prep_buf out = {NULL, 0, 0, false};
    enum cm_status st;
    size_t i;

    for (i = 0; i < ar->count; i++) {
        if (!ar->members[i].dropped) {
            cm_prep_buf_put(&longs, ar->members[i].name, strlen(ar->members[i].name));
            cm_prep_buf_put(&longs, "/\n", 2);
        }
    }
    cm_prep_buf_put(&out, MAGIC, MAGIC_LEN);
    put_index(ar, &out, longs.len);
    put_header(&out, "//", longs.len);
    cm_prep_buf_put(&out, longs.ptr, longs.len);
    if (longs.len % 2 != 0) {
        cm_prep_buf_put(&out, "\n", 1);
    }
    put_members(ar, &out);
    if (out.bad || longs.bad) {
        cm_why_set(why, "out of memory while writing %s", path);
        st = CM_ERR_NOMEM;
    } else {
        st = cm_file_write_atomic(path, cm_span_make(out.ptr, out.len), 0644, why);
    }
    cm_prep_buf_free(&longs);
    cm_prep_buf_free(&out);
    return st;
}

void cm_prep_ar_free(struct cm_prep_ar *ar)
{
    size_t i;

    for (i = 0; i < ar->count; i++) {
        cm_prep_elf_close(&ar->members[i].elf);
        free(ar->members[i].name);
        free(ar->members[i].owned);
    }
    free(ar->members);
    for (i = 0; i < ar->file_count; i++) {
        free(ar->files[i]);
    }
    free(ar->files);
    memset(ar, 0, sizeof(*ar));
}
