/* The emulated platform's state: no input may crash; what parses is written back byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "emuplat/emuplat_state.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const struct cm_emuplat_cpu cpu; /* any key will do: both trailers are made here */
    struct cm_emuplat_state *s = NULL;
    struct cm_emuplat_state *again = NULL;
    uint8_t *file = NULL;
    size_t len = 0;

    if (size > CM_EMUPLAT_MAX_FILE / 2) {
        return 0;
    }
    if (cm_emuplat_file_parse(cm_span_make(data, size), &cpu, &s) == CM_OK) {
        cm_emuplat_state_free(s);
    }
    if (cm_emuplat_body_parse(cm_span_make(data, size), &s) != CM_OK) {
        return 0;
    }
    if (cm_emuplat_file_compose(s, &cpu, &file, &len) == CM_OK) {
        if (len < size || memcmp(file, data, size) != 0 ||
            cm_emuplat_file_parse(cm_span_make(file, len), &cpu, &again) != CM_OK) {
            abort();
        }
    }
    cm_emuplat_state_free(again);
    cm_emuplat_state_free(s);
    free(file);
    return 0;
}
