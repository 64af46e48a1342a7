/* The TPM's numbers of hashes, and those of them that are computed; see tpm.h. */
#include "crypto/hash.h"

#include "tpm/tpm.h"

enum cm_status cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                           uint8_t out[CM_TPM_MAX_DIGEST])
{
    switch (alg) {
    case CM_TPM_ALG_SHA1:
        return cm_hash_parts(CM_HASH_SHA1, parts, count, out);
    case CM_TPM_ALG_SHA256:
        return cm_hash_parts(CM_HASH_SHA256, parts, count, out);
    case CM_TPM_ALG_SHA384:
        return cm_hash_parts(CM_HASH_SHA384, parts, count, out);
    case CM_TPM_ALG_SHA512:
        return cm_hash_parts(CM_HASH_SHA512, parts, count, out);
    default:
        return CM_ERR_UNSUPPORTED;
    }
}
