/* See plain.edl. */
#include <openenclave/enclave.h>

#include "plain_t.h"

int plain_answer(void)
{
    return 42;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 256, 64, 1);
