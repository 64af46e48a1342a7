/* See syscall_kit.h. */
#include "syscall_kit.h"

#include <stdio.h>

oe_enclave_t *kit_enclave(void)
{
    static oe_enclave_t *e;
    int line = -1;

    if (e != NULL) {
        return e;
    }
    if (oe_create_syscall_enclave(IMAGES "/syscall_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                  OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG, NULL, 0,
                                  &e) != OE_OK ||
        enc_setup(e, &line) != OE_OK || line != 0) {
        (void)printf("  the enclave cannot be created or set up (line %d)\n", line);
        return NULL;
    }
    return e;
}
