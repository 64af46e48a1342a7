/* The configuration file of `casemate serve`: any text is taken or refused with its line, and leaks nothing. */
#include <stdlib.h>
#include <string.h>

#include "serve/serve_config.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_serve_config c;
    struct cm_serve_config again;
    struct cm_why why = {""};
    char left[512] = "";
    enum cm_status st = CM_OK;

    cm_serve_config_init(&c);
    cm_serve_config_init(&again);
    st = cm_serve_config_text(&c, "file", cm_span_make(data, size), &why);
    if (st != CM_OK && strncmp(why.text, "file:", 5) != 0) {
        abort();
    }
    if (st == CM_OK) {
        if (cm_serve_config_text(&again, "file", cm_span_make(data, size), NULL) != CM_OK) {
            abort();
        }
        cm_serve_config_diff(&c, &again, left, sizeof(left));
        if (left[0] != '\0') {
            abort();
        }
    }
    cm_serve_config_free(&c);
    cm_serve_config_free(&again);
    return 0;
}
