/* Messages for a person on a terminal: bytes of strangers escaped, lines of at most 80 columns. */
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

enum { WIDTH = 79, INDENT_MAX = 24, INDENT = 4, ESCAPED = 4 };

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f;
}

void cm_print_escaped(FILE *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        (void)(is_plain(c) ? fputc(c, to) : fprintf(to, "\\x%02x", (unsigned)c));
    }
}

/* how many columns the word at text takes, and in *len how many bytes it has */
static size_t word_width(const char *text, size_t *len)
{
    size_t width = 0;

    for (*len = 0; text[*len] != '\0' && text[*len] != ' '; (*len)++) {
        width += is_plain((unsigned char)text[*len]) ? 1 : ESCAPED;
    }
    return width;
}

void cm_print_wrapped(FILE *to, const char *lead, const char *text)
{
    size_t column = strlen(lead);
    const bool blank = strspn(lead, " ") == column; /* a column of its own */
    const size_t indent = column <= INDENT_MAX || blank ? column : INDENT;
    bool first = true;

    (void)fputs(lead, to);
    while (*text != '\0') {
        size_t blanks = strspn(text, " ");
        size_t len = 0;
        const size_t width = word_width(text + blanks, &len);

        if (!first && column + blanks + width > WIDTH) {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else {
            (void)fprintf(to, "%*s", (int)blanks, "");
            column += blanks;
        }
        cm_print_escaped(to, text + blanks, len);
        column += width;
        text += blanks + len;
        first = false;
    }
    (void)fputc('\n', to);
}
