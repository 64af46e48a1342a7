/* See cli_text.h. */
#include "cli/cli_text.h"

#include <string.h>

#define WIDTH 79U

void cm_cli_wrap(FILE *out, const char *lead, const char *text)
{
    size_t indent = strlen(lead);

    (void)fputs(lead, out);
    while (strlen(text) > WIDTH - indent) {
        size_t n = WIDTH - indent;

        while (n > 0 && text[n] != ' ') {
            n--;
        }
        if (n == 0) {
            break; /* one word longer than a line */
        }
        (void)fprintf(out, "%.*s\n%*s", (int)n, text, (int)indent, "");
        text += n + 1;
    }
    (void)fprintf(out, "%s\n", text);
}

void cm_cli_hex(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15U];
    }
    out[2 * n] = '\0';
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
