/*
 * What generated code and applications see of the runtime, for the files that implement it; and the
 * few functions that only the runtime's own generated-code helpers need.
 */
#ifndef CM_ENCLAVE_EDGE_H
#define CM_ENCLAVE_EDGE_H

#include <openenclave/edger8r/enclave.h>
#include <openenclave/enclave.h>

/* The block, of oe_host_malloc, now belongs to the host, which will free it. */
void cm_host_disown(void *ptr);

#endif
