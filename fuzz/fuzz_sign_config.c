/* Any bytes as a configuration file: accepted ones apply, refused ones say why. */
#include <stdlib.h>

#include "sign/sign.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_sign_config config;
    struct cm_enclave_props props = {0};
    struct cm_why why = {{0}};
    uint32_t date = 0;

    if (cm_sign_config_parse(cm_span_make(data, size), &config, &why) == CM_OK) {
        cm_sign_config_apply(&config, &props);
        if (cm_sign_date(&config, NULL, &date, NULL) != CM_OK) {
            abort();
        }
    } else if (why.text[0] == '\0' || config.present != 0) {
        abort();
    }
    return 0;
}
