/* Seal keys of the running enclave; openenclave/bits/keys.h says what they promise. */
#include <string.h>

#include <openenclave/bits/keys.h>
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>

#include "common/wipe.h"
#include "enclave/runtime.h"
#include "enclave/sgxkey.h"
#include "seal/seal_request.h"

_Static_assert(CM_SGX_KEY_SIZE == 16, "the size that the API promises");

/* A copy of n bytes on the heap. */
static oe_result_t give(const void *bytes, size_t n, uint8_t **out, size_t *out_size)
{
    uint8_t *copy = oe_malloc(n);

    if (copy == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    memcpy(copy, bytes, n);
    *out = copy;
    *out_size = n;
    return OE_OK;
}

oe_result_t oe_get_seal_key_by_policy_v2(oe_seal_policy_t seal_policy, uint8_t **key_buffer,
                                         size_t *key_buffer_size, uint8_t **key_info,
                                         size_t *key_info_size)
{
    struct sgx_report self;
    struct sgx_keyrequest request;
    uint8_t key[CM_SGX_KEY_SIZE] = {0};
    oe_result_t result = OE_OK;

    if (key_buffer == NULL || key_buffer_size == NULL ||
        (key_info == NULL) != (key_info_size == NULL)) {
        return OE_INVALID_PARAMETER;
    }
    *key_buffer = NULL;
    *key_buffer_size = 0;
    if (key_info != NULL) {
        *key_info = NULL;
        *key_info_size = 0;
    }
    result = cm_ereport(NULL, NULL, &self);
    if (result == OE_OK) {
        result = cm_seal_request_make(seal_policy, &self.body, &request);
    }
    if (result != OE_OK) {
        return result;
    }
    result = cm_egetkey(&request, key) == OE_OK ? OE_OK : OE_UNEXPECTED;
    if (result == OE_OK) {
        result = give(key, sizeof(key), key_buffer, key_buffer_size);
    }
    if (result == OE_OK && key_info != NULL) {
        result = give(&request, sizeof(request), key_info, key_info_size);
        if (result != OE_OK) {
            oe_free_seal_key(*key_buffer, NULL);
            *key_buffer = NULL;
            *key_buffer_size = 0;
        }
    }
    cm_wipe(key, sizeof(key));
    return result;
}

oe_result_t oe_get_seal_key_v2(const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                               size_t *key_buffer_size)
{
    struct sgx_keyrequest request;
    struct cm_rd r;
    uint8_t key[CM_SGX_KEY_SIZE] = {0};
    oe_result_t result = OE_OK;

    if (key_buffer == NULL || key_buffer_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *key_buffer = NULL;
    *key_buffer_size = 0;
    if (key_info == NULL || !oe_is_within_enclave(key_info, key_info_size)) {
        return OE_INVALID_PARAMETER;
    }
    r = cm_rd_init(cm_span_make(key_info, key_info_size));
    cm_seal_request_read(&r, &request);
    if (cm_rd_finish(&r) != CM_OK) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_seal_request_check(&request);
    if (result == OE_OK) {
        result = cm_egetkey(&request, key);
    }
    if (result == OE_OK) {
        result = give(key, sizeof(key), key_buffer, key_buffer_size);
    }
    cm_wipe(key, sizeof(key));
    return result;
}

void oe_free_seal_key(uint8_t *key_buffer, uint8_t *key_info)
{
    cm_free_wiped(key_buffer);
    cm_free_wiped(key_info);
}

/* The whole block is wiped, so a caller's wrong size leaves nothing behind. */
void oe_free_key(uint8_t *key_buffer, size_t key_buffer_size, uint8_t *key_info,
                 size_t key_info_size)
{
    (void)key_buffer_size;
    (void)key_info_size;
    oe_free_seal_key(key_buffer, key_info);
}
