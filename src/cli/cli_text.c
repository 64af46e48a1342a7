/* See cli_text.h. */
#include "cli/cli_text.h"

#include <stdlib.h>

#include "common/hex.h"

void cm_cli_hex(const uint8_t *p, size_t n, char *out)
{
    cm_hex_encode(cm_span_make(p, n), CM_HEX_LOWER, out);
}

void cm_cli_field(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, "  %-20s", name);
    for (; *text != '\0'; text++) {
        (void)fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
    }
    (void)fputc('\n', out);
}

void cm_cli_field_bytes(FILE *out, const char *name, const uint8_t *p, size_t n)
{
    enum { LINE = 24 };
    char hex[2 * LINE + 1];

    for (size_t at = 0; at < n; at += LINE) {
        cm_cli_hex(p + at, n - at < LINE ? n - at : LINE, hex);
        (void)fprintf(out, "  %-20s%s\n", at == 0 ? name : "", hex);
    }
}

void cm_cli_json_str(struct cm_json_wr *w, const char *name, const char *value)
{
    cm_json_wr_name(w, name);
    cm_json_wr_str(w, value);
}

void cm_cli_json_u64(struct cm_json_wr *w, const char *name, uint64_t value)
{
    cm_json_wr_name(w, name);
    cm_json_wr_u64(w, value);
}

void cm_cli_json_bool(struct cm_json_wr *w, const char *name, bool value)
{
    cm_json_wr_name(w, name);
    cm_json_wr_bool(w, value);
}

enum cm_status cm_cli_json_print(void (*members)(struct cm_json_wr *, const void *),
                                 const void *subject, size_t cap, FILE *out)
{
    char *buf = malloc(cap);
    struct cm_json_wr w;
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (buf == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_json_wr_init(buf, cap);
    cm_json_wr_object(&w);
    members(&w, subject);
    cm_json_wr_end(&w);
    st = cm_json_wr_finish(&w, &len);
    if (st == CM_OK && (fwrite(buf, 1, len, out) != len || fputc('\n', out) == EOF)) {
        st = CM_ERR_IO;
    }
    free(buf);
    return st;
}
