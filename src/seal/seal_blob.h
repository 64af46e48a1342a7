/*
 * The bytes of a blob of the GCM plugin (docs/sealing.md): a header of 560 bytes and the ciphertext.
 * They come from untrusted storage. The layout is Open Enclave's, so that an enclave which was built
 * with it before can open its old blobs.
 */
#ifndef CM_SEAL_SEAL_BLOB_H
#define CM_SEAL_SEAL_BLOB_H

#include <openenclave/bits/result.h>

#include "arch/sgx.h"
#include "common/span.h"

#define CM_SEAL_HEADER_SIZE 560u
#define CM_SEAL_IV_SIZE     12u
#define CM_SEAL_TAG_SIZE    16u

struct cm_seal_blob {
    struct sgx_keyrequest request;
    uint8_t iv[CM_SEAL_IV_SIZE];
    uint8_t tag[CM_SEAL_TAG_SIZE];
    struct cm_span ciphertext; /* in the blob */
};

/**
 * Take a blob apart.
 *
 * @param blob      Private memory. Borrowed by out->ciphertext.
 * @param aad_size  Of the additional data that the blob is opened with.
 * @retval OE_INVALID_PARAMETER  truncated, trailing bytes, reserved bytes, a size that does not fit
 * @retval OE_INVALID_KEYNAME    see cm_seal_request_check
 */
oe_result_t cm_seal_blob_parse(struct cm_span blob, size_t aad_size, struct cm_seal_blob *out);

/**
 * The size of a blob.
 * @retval OE_INTEGER_OVERFLOW  the sizes do not fit the header's fields of 32 bits
 */
oe_result_t cm_seal_blob_size(size_t plaintext_size, size_t aad_size, size_t *out);

/** Write the header for b (its ciphertext's length counts) into the blob's first bytes. */
oe_result_t cm_seal_blob_write(const struct cm_seal_blob *b, size_t aad_size,
                               uint8_t header[CM_SEAL_HEADER_SIZE]);

#endif
