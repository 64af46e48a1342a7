/* JWE in both forms, opened with keys of our own: no input may crash, and nothing opens by chance. */
#include <stdlib.h>

#include "token/jwe.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static struct cm_privkey *keys[2]; /* RSA and P-256: made anew, so no corpus fits them */
    static struct cm_jwe jwe;
    static uint8_t out[65536];

    if (keys[0] == NULL && (cm_privkey_generate(CM_CURVE_P256, 2048, &keys[0]) != CM_OK ||
                            cm_privkey_generate(CM_CURVE_P256, 0, &keys[1]) != CM_OK)) {
        abort();
    }
    if (cm_jwe_parse(cm_span_make(data, size), &jwe, NULL) != CM_OK) {
        return 0;
    }
    if (jwe.aad.len > size || jwe.ciphertext.len > size || jwe.key_len > sizeof(jwe.key)) {
        abort();
    }
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0;
        enum cm_status st = cm_jwe_decrypt(&jwe, keys[i], jwe.suite, out, sizeof(out), &len);

        if (st == CM_OK || len != 0) {
            abort();
        }
    }
    return 0;
}
