/*
 * Bodies of POST attest: the first byte says which dialect and which TEE, the rest is the body. Taken apart,
 * bound, and its evidence read, as far as that goes before anything is verified.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/kbs_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink; /* so that bytes are read */

static void read_one(const struct cm_kbs_tee *tee, struct cm_json_value v)
{
    struct cm_kbs_evidence e;
    struct cm_why why = {""};
    uint8_t sum = 0;

    if (cm_kbs_evidence_read(tee, v, &e, &why) == CM_OK) {
        for (size_t i = 0; i < e.evidence.len; i++) {
            sum ^= e.evidence.ptr[i];
        }
        for (size_t m = 0; m < e.material_count; m++) {
            for (size_t i = 0; i < e.materials[m].bytes.len; i++) {
                sum ^= e.materials[m].bytes.ptr[i];
            }
        }
    } else if (why.text[0] == '\0') {
        abort(); /* a refusal without a reason */
    }
    sink = sum;
    cm_kbs_evidence_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tees[] = {"sgx", "tdx", "snp",    "az-snp-vtpm", "az-tdx-vtpm",
                                       "cca", "tpm", "nvidia", "sgx"};
    struct cm_kbs_attestation a;
    struct cm_kbs_session session;
    uint8_t hash[CM_HASH_MAX_SIZE];
    struct cm_why why = {""};
    char *cookie = NULL;

    if (size == 0) {
        return 0;
    }
    cookie = strndup((const char *)data, size);
    (void)cm_kbs_session_from(cookie, &session);
    free(cookie);
    if (cm_kbs_attestation_read((struct cm_span){data + 1, size - 1}, 1 + data[0] % 4u, &a, &why) ==
        CM_OK) {
        enum cm_status st = cm_kbs_check_key(a.pubkey, &why);

        /* a key that is one has no numbers, which alone cannot be made canonical */
        if (st == CM_OK &&
            cm_kbs_binding(&a, "bm9uY2U=", CM_HASH_SHA384, true, hash, &why) == CM_ERR_SYNTAX) {
            abort();
        }
        read_one(cm_kbs_tee(tees[data[0] / 4u % 9u]), a.primary);
    } else if (why.text[0] == '\0') {
        abort();
    }
    cm_kbs_attestation_free(&a);
    return 0;
}
