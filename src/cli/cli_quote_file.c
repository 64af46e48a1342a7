/* See cli_quote_file.h. Untrusted: every byte of the file. */
#include "cli/cli_quote_file.h"

#include <stdlib.h>

#include "attest/attest_wire.h"
#include "common/try.h"
#include "os/os.h"

#define FILE_MAX (8u << 20)

enum cm_status cm_cli_quote_open(const char *path, struct cm_cli_quote_file *out,
                                 struct cm_why *why)
{
    struct cm_quote_place place;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, FILE_MAX, &out->data, &len, why));
    /* what is no quote stays as it is: the parser says why */
    if (cm_quote_find(cm_span_make(out->data, len), &place) == CM_OK &&
        place.wrapping == CM_QUOTE_IN_EVIDENCE) {
        out->quote = place.quote;
        out->rest = place.rest;
    } else {
        out->quote = place.inner;
    }
    if (place.wrapping != CM_QUOTE_BARE) {
        out->wrapping = place.wrapping == CM_QUOTE_IN_EVIDENCE
                            ? "Evidence with an attestation header"
                            : "A report with its header";
    }
out:
    return st;
}

void cm_cli_quote_note(const struct cm_cli_quote_file *f, FILE *out)
{
    char text[128] = "";

    if (f->wrapping == NULL) {
        return;
    }
    (void)fprintf(out, "%s; the quote is taken out.\n", f->wrapping);
    if (f->rest.len != 0) {
        (void)snprintf(text, sizeof(text),
                       "The %zu bytes behind it (custom claims) are NOT looked at; oeverify does.",
                       f->rest.len);
        cm_print_wrapped(out, "", text);
    }
    (void)fputc('\n', out);
}

void cm_cli_quote_close(struct cm_cli_quote_file *f)
{
    free(f->data);
    f->data = NULL;
}
