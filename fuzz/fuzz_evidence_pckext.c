/* The SGX extension of a PCK certificate: no input may crash; what parses has one encoding. */
#include <stdlib.h>
#include <string.h>

#include "evidence/pck_ext.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_pck_ext ext;
    struct cm_pck_ext again;
    unsigned char *copy = NULL;

    memset(&ext, 0, sizeof(ext));
    memset(&again, 0, sizeof(again));
    if (cm_pck_ext_parse(whole, &ext) != CM_OK) {
        return 0;
    }
    if (ext.sgx_type > 2) {
        abort();
    }
    copy = malloc(size);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    whole.ptr = copy;
    whole.len = size - 1; /* one byte less is no longer one */
    if (cm_pck_ext_parse(whole, &again) == CM_OK) {
        abort();
    }
    free(copy);
    return 0;
}
