/* The TPM's numbers of hashes, and those of them that are computed; see tpm.h. */
#include "tpm/tpm.h"

bool cm_tpm_hash_alg(uint16_t alg, enum cm_hash_alg *out)
{
    switch (alg) {
    case CM_TPM_ALG_SHA1:
        *out = CM_HASH_SHA1;
        return true;
    case CM_TPM_ALG_SHA256:
        *out = CM_HASH_SHA256;
        return true;
    case CM_TPM_ALG_SHA384:
        *out = CM_HASH_SHA384;
        return true;
    case CM_TPM_ALG_SHA512:
        *out = CM_HASH_SHA512;
        return true;
    default:
        return false;
    }
}

enum cm_status cm_tpm_hash(uint16_t alg, const struct cm_span *parts, size_t count,
                           uint8_t out[CM_TPM_MAX_DIGEST])
{
    enum cm_hash_alg hash = CM_HASH_SHA1;

    return cm_tpm_hash_alg(alg, &hash) ? cm_hash_parts(hash, parts, count, out)
                                       : CM_ERR_UNSUPPORTED;
}
