/* An enclave with a switchless function, but without the EDL file that workers need. */
#include <openenclave/enclave.h>

#include "swl_bare_t.h"

uint64_t bare_add(uint64_t a, uint64_t b)
{
    return a + b;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 64, 16, 1);
