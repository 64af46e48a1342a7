/* Google's attestation messages: no input may crash, and what parses lies inside the input. */
#include <stdlib.h>

#include "cvm/gce_parse.h"
#include "inside.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span whole = {data, size};
    struct cm_gce_attestation att;
    struct cm_gce_instance instance;
    struct cm_why why = {{0}};

    if (cm_gce_instance(whole, &instance) == CM_OK) {
        inside(whole, instance.zone);
        inside(whole, instance.instance_name);
    }
    if (cm_gce_parse(whole, &att, &why) != CM_OK) {
        if (why.text[0] == '\0') {
            abort(); /* a refusal names its cause */
        }
        return 0;
    }
    inside(whole, att.ak_pub);
    inside(whole, att.ak_cert);
    for (size_t i = 0; i < att.quote_count; i++) {
        struct cm_tpm_pcrs pcrs;

        inside(whole, att.quotes[i].attest);
        if (cm_gce_pcrs(att.quotes[i].pcrs, &pcrs) == CM_OK && pcrs.count > CM_TPM_MAX_BANKS) {
            abort();
        }
    }
    return 0;
}
