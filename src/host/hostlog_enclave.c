/* Telling enclaves how much the host would like to hear. They decide; see openenclave/trace.h. */
#include <openenclave/trace.h>

#include <stddef.h>

#include "host/handle.h"
#include "host/hostlog.h"
#include "host/names.h"

/* Generated code defines it when the host's EDL imports logging.edl; otherwise it is NULL. */
__attribute__((weak)) oe_result_t oe_log_init_ecall(oe_enclave_t *enclave, const char *path,
                                                    uint32_t level);

oe_result_t cm_host_log_ask(oe_enclave_t *enclave, const char *path, uint32_t level)
{
    const uint64_t id = cm_name_find("oe_log_init_ecall");

    if (oe_log_init_ecall == NULL || id >= enclave->ecall_id_count ||
        enclave->ecall_ids[id] == CM_NAME_NONE) {
        return OE_UNSUPPORTED;
    }
    return oe_log_init_ecall(enclave, path, level);
}

oe_result_t oe_set_enclave_log_level(oe_enclave_t *enclave, uint32_t log_level)
{
    if (enclave == NULL || enclave->magic != CM_HANDLE_MAGIC || log_level >= OE_LOG_LEVEL_MAX) {
        return OE_INVALID_PARAMETER;
    }
    return cm_host_log_ask(enclave, NULL, log_level);
}
