/* Any bytes as a SIGSTRUCT: checked, parsed, and never accepted unless parsing accepts it too. */
#include <stdlib.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct cm_span s = cm_span_make(data, size);
    struct cm_sigstruct parsed;
    struct cm_sigstruct checked;
    struct cm_why why = {{0}};
    const enum cm_status parse = cm_sigstruct_parse(s, &parsed);

    if (cm_sigstruct_check(s, &checked, &why) == CM_OK && parse != CM_OK) {
        abort();
    }
    if (parse == CM_OK && size != CM_SIGSTRUCT_SIZE) {
        abort();
    }
    return 0;
}
