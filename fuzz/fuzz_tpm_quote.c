/* Quotes, signatures, values of PCRs and public areas: no input may crash or be accepted without a key. */
#include <stdlib.h>

#include "tpm/tpm.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_span head = whole;
    struct cm_tpm_attest att;
    struct cm_tpm_signature sig;
    struct cm_tpm_public pub;
    struct cm_tpm_pcrs pcrs;
    struct cm_why why = {{0}};
    uint8_t name[2 + CM_TPM_MAX_DIGEST];
    size_t len = 0;

    /* the first byte: where the quote ends and the values begin */
    if (size > 1 && data[0] < size - 1) {
        head = cm_span_make(data + 1, data[0]);
        if (cm_tpm_attest_parse(head, &att, &why) == CM_OK) {
            struct cm_span rest = cm_span_make(data + 1 + head.len, size - 1 - head.len);

            if (cm_tpm_pcrs_read(rest, &att, &pcrs, &why) == CM_OK &&
                pcrs.count > CM_TPM_MAX_BANKS) {
                abort();
            }
            if (pcrs.count != 0 && cm_tpm_pcrs_check(&pcrs, &att, CM_TPM_ALG_NULL) == CM_OK) {
                abort(); /* no such hash */
            }
        } else if (why.text[0] == '\0') {
            abort(); /* a refusal names its cause */
        }
    }
    if (cm_tpm_signature_parse(whole, false, &sig, &why) == CM_OK && sig.r.len == 0) {
        abort();
    }
    if (cm_tpm_public_parse(whole, &pub, &why) == CM_OK) {
        struct cm_pubkey *key = NULL;

        if (cm_tpm_public_is_ak(&pub, &why) == CM_OK && (pub.attributes & CM_TPM_RESTRICTED) == 0) {
            abort();
        }
        if (cm_tpm_public_key(&pub, &key) == CM_OK &&
            cm_tpm_public_name(&pub, name, &len) == CM_OK && len > sizeof(name)) {
            abort();
        }
        cm_pubkey_free(key);
    }
    return 0;
}
