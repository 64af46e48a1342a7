/* Compact JWS and the keys in a header: no input may crash, and what parses is self-consistent. */
#include <stdlib.h>

#include "token/jws.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_jws jws;
    static uint8_t payload[65536];
    struct cm_pubkey *key = NULL;
    size_t len = 0;

    if (cm_jws_parse(cm_span_make(data, size), &jws, NULL) != CM_OK) {
        return 0;
    }
    if (jws.signed_text.len > size || jws.signed_text.ptr != data) {
        abort();
    }
    if (cm_jws_payload(&jws, payload, sizeof(payload), &len) == CM_OK && len > size) {
        abort();
    }
    if (cm_jwk_parse(cm_json_get(cm_json_root(&jws.header), "jwk"), &key) == CM_OK) {
        /* a stranger's key: whether it verifies does not matter here, only that nothing breaks */
        if (cm_jws_verify(&jws, key, jws.alg) == CM_OK && jws.signature_len == 0) {
            abort();
        }
    }
    cm_pubkey_free(key);
    return 0;
}
