/* What makes the functions of pair.edl a signed enclave image. */
#include <openenclave/enclave.h>

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 2);
