/* Canonical JSON of any text: what comes out is canonical already, and means the same. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/kbs_jcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *once = NULL;
    uint8_t *twice = NULL;
    size_t len = 0;
    size_t again = 0;
    json_t *before = NULL;
    json_t *after = NULL;

    if (size > 65536 || cm_jcs_text((struct cm_span){data, size}, &once, &len, NULL) != CM_OK) {
        return 0;
    }
    if (cm_jcs_text((struct cm_span){once, len}, &twice, &again, NULL) != CM_OK || again != len ||
        memcmp(once, twice, len) != 0) {
        abort();
    }
    /* numbers aside, which jansson reads as another type when they are written otherwise */
    before = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    after = json_loadb((const char *)once, len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    if (before != NULL && (after == NULL || !json_equal(before, after))) {
        abort();
    }
    json_decref(before);
    json_decref(after);
    free(once);
    free(twice);
    return 0;
}
