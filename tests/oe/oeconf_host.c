/* oeconf_host IMAGE: call the enclave of oeconf.edl in the emulator; its sum, or why there is none. */
#include <openenclave/host.h>
#include <stdio.h>

#include "oeconf_u.h"

int main(int argc, char **argv)
{
    oe_enclave_t *enclave = NULL;
    int sum = 0;
    oe_result_t result = oe_create_oeconf_enclave(argc > 1 ? argv[1] : "", OE_ENCLAVE_TYPE_AUTO,
                                                  OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                                                  NULL, 0, &enclave);

    if (result == OE_OK) {
        result = conf_sum(enclave, &sum, 10, 20);
        (void)oe_terminate_enclave(enclave);
    }
    (void)printf("%s %d\n", oe_result_str(result), sum);
    return result == OE_OK ? 0 : 1;
}
