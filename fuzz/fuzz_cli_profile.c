/* The table of `casemate run --profile` from what any program may have written. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[1 << 20];
    struct cm_why why = {{0}};
    FILE *out = fmemopen(text, sizeof(text), "w");

    if (out == NULL) {
        return 0;
    }
    if (cm_cli_profile((const char *)data, size, size % 2 == 0, out, &why) == CM_ERR_SYNTAX &&
        why.text[0] == '\0') {
        abort(); /* a refusal without a reason */
    }
    (void)fclose(out);
    return 0;
}
