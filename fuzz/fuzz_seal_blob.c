/*
 * Any bytes as a sealed blob, opened with additional data of a length that the input gives: nothing
 * crashes, what is accepted asks for a key that is not everybody's, and is exactly what writing its
 * parts again gives.
 */
#include <stdlib.h>
#include <string.h>

#include "seal/seal_blob.h"
#include "seal/seal_request.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_seal_blob b;
    uint8_t header[CM_SEAL_HEADER_SIZE];
    size_t aad_size = size == 0 ? 0 : data[0];
    struct cm_span blob = size == 0 ? cm_span_make(NULL, 0) : cm_span_make(data + 1, size - 1);
    size_t want = 0;

    if (cm_seal_blob_parse(blob, aad_size, &b) != OE_OK) {
        return 0;
    }
    if (cm_seal_request_check(&b.request) != OE_OK ||
        cm_seal_blob_size(b.ciphertext.len, aad_size, &want) != OE_OK || want != blob.len ||
        cm_seal_blob_write(&b, aad_size, header) != OE_OK ||
        memcmp(header, blob.ptr, sizeof(header)) != 0) {
        abort();
    }
    return 0;
}
