/* What generated code and applications see of the runtime, for the files that implement it. */
#ifndef CM_ENCLAVE_EDGE_H
#define CM_ENCLAVE_EDGE_H

#include <openenclave/edger8r/enclave.h>
#include <openenclave/enclave.h>

#endif
