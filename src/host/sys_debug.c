/* The ocalls of openenclave/edl/sgx/debug.edl. Each serves the enclave whose thread this is. */
#include <stdlib.h>
#include <string.h>

#include "host/handle.h"
#include "host/symbols.h"
#include "host/sys_ocalls.h"

#define ADDRESSES_MAX 1024u

/* Generated for every EDL file that imports this one; these are its fields. */
struct _oe_symbols_t {
    void *buffer;
    size_t size;
};

static oe_result_t check(const oe_enclave_t *enclave, const uint64_t *addresses, size_t count)
{
    if (enclave == NULL || enclave != cm_handle_current() || addresses == NULL || count == 0 ||
        count > ADDRESSES_MAX) {
        return OE_INVALID_PARAMETER;
    }
    return OE_OK;
}

oe_result_t oe_sgx_backtrace_symbols_ocall(oe_enclave_t *enclave, const uint64_t *addresses,
                                           size_t count, struct _oe_symbols_t *symbols)
{
    oe_result_t result = check(enclave, addresses, count);
    char(*names)[CM_SYMBOL_SIZE] = NULL;
    char *text = NULL;
    size_t used = 0;

    if (symbols == NULL) {
        return OE_INVALID_PARAMETER;
    }
    symbols->buffer = NULL;
    symbols->size = 0;
    if (result != OE_OK) {
        return result;
    }
    names = calloc(count, sizeof(*names));
    text = malloc(count * sizeof(*names));
    if (names == NULL || text == NULL) {
        free(text);
        free(names);
        return OE_OUT_OF_MEMORY;
    }
    cm_symbols_find(enclave, addresses, count, names, NULL);
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(names[i]) + 1;

        memcpy(text + used, names[i], size);
        used += size;
    }
    free(names);
    symbols->buffer = text; /* the generated code sends and frees it */
    symbols->size = used;
    return OE_OK;
}

oe_result_t oe_sgx_log_backtrace_ocall(oe_enclave_t *enclave, const uint64_t *addresses,
                                       size_t count)
{
    const oe_result_t result = check(enclave, addresses, count);

    if (result == OE_OK) {
        cm_symbols_log(enclave, addresses, count);
    }
    return result;
}
