/* Creation on a given device: what oe_create_enclave does after it has chosen one. */
#ifndef CM_HOST_CREATE_H
#define CM_HOST_CREATE_H

#include <openenclave/host.h>

#include "host/loader.h"

struct cm_tables {
    const oe_ocall_func_t *ocalls; /* borrowed until the enclave ends */
    uint32_t ocall_count;
    const oe_ecall_info_t *ecalls; /* borrowed for the call */
    uint32_t ecall_count;
};

/** Results as of oe_create_enclave. */
oe_result_t cm_create_on(const struct cm_load_request *request, const struct cm_tables *tables,
                         oe_enclave_t **out);

#endif
