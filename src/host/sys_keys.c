/*
 * Public keys of enclaves, over the ecalls of openenclave/edl/keys.edl. Generated code defines those
 * when the host's EDL imports the file; otherwise they are NULL here. What an enclave answers is
 * checked by that code; this file only finds the room.
 */
#include <stdlib.h>

#include <openenclave/host.h>

enum { KEY_ROOM = 1024, INFO_ROOM = 1024, MAX_ROOM = 1 << 20 };

__attribute__((weak)) oe_result_t
oe_get_public_key_ecall(oe_enclave_t *enclave, oe_result_t *retval,
                        const oe_asymmetric_key_params_t *key_params, const void *key_info,
                        size_t key_info_size, void *key_buffer, size_t key_buffer_size,
                        size_t *key_buffer_size_out);
__attribute__((weak)) oe_result_t
oe_get_public_key_by_policy_ecall(oe_enclave_t *enclave, oe_result_t *retval, uint32_t seal_policy,
                                  const oe_asymmetric_key_params_t *key_params, void *key_buffer,
                                  size_t key_buffer_size, size_t *key_buffer_size_out,
                                  void *key_info, size_t key_info_size, size_t *key_info_size_out);

struct room {
    uint8_t *bytes;
    size_t size;
    size_t used;
};

/* What is asked for, in the form of either call. */
struct question {
    oe_enclave_t *enclave;
    const oe_asymmetric_key_params_t *params;
    const uint8_t *info; /* NULL: by policy */
    size_t info_size;
    uint32_t policy;
};

static bool grow(struct room *r, size_t size)
{
    uint8_t *bytes = size > MAX_ROOM ? NULL : realloc(r->bytes, size);

    if (bytes == NULL) {
        return false;
    }
    r->bytes = bytes;
    r->size = size;
    return true;
}

static oe_result_t ask(const struct question *q, struct room *key, struct room *info)
{
    oe_result_t answer = OE_UNEXPECTED;
    oe_result_t called = OE_OK;

    if (q->info != NULL) {
        called = oe_get_public_key_ecall(q->enclave, &answer, q->params, q->info, q->info_size,
                                         key->bytes, key->size, &key->used);
    } else {
        called = oe_get_public_key_by_policy_ecall(q->enclave, &answer, q->policy, q->params,
                                                   key->bytes, key->size, &key->used, info->bytes,
                                                   info->size, &info->used);
    }
    if (called == OE_NOT_FOUND) {
        return OE_UNSUPPORTED; /* the enclave does not import keys.edl */
    }
    return called == OE_OK ? answer : called;
}

/* Two rounds at most: the second with the room that the first said it needs. */
static oe_result_t get(const struct question *q, struct room *key, struct room *info)
{
    oe_result_t result = OE_UNEXPECTED;

    if (!grow(key, KEY_ROOM) || !grow(info, INFO_ROOM)) {
        return OE_OUT_OF_MEMORY;
    }
    result = ask(q, key, info);
    if (result == OE_BUFFER_TOO_SMALL) {
        if ((key->used > key->size && !grow(key, key->used)) ||
            (info->used > info->size && !grow(info, info->used))) {
            return OE_OUT_OF_MEMORY;
        }
        result = ask(q, key, info);
    }
    if (result == OE_OK && (key->used > key->size || info->used > info->size)) {
        return OE_UNEXPECTED;
    }
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_get_public_key_by_policy(oe_enclave_t *enclave, oe_seal_policy_t seal_policy,
                                        const oe_asymmetric_key_params_t *key_params,
                                        uint8_t **key_buffer, size_t *key_buffer_size,
                                        uint8_t **key_info, size_t *key_info_size)
{
    struct question q = {enclave, key_params, NULL, 0, (uint32_t)seal_policy};
    struct room key = {NULL, 0, 0};
    struct room info = {NULL, 0, 0};
    oe_result_t result = OE_OK;

    if (enclave == NULL || key_params == NULL || key_buffer == NULL || key_buffer_size == NULL ||
        (key_info == NULL) != (key_info_size == NULL)) {
        return OE_INVALID_PARAMETER;
    }
    *key_buffer = NULL;
    *key_buffer_size = 0;
    if (key_info != NULL) {
        *key_info = NULL;
        *key_info_size = 0;
    }
    result = oe_get_public_key_by_policy_ecall == NULL ? OE_UNSUPPORTED : get(&q, &key, &info);
    if (result != OE_OK) {
        free(key.bytes);
        free(info.bytes);
        return result;
    }
    *key_buffer = key.bytes;
    *key_buffer_size = key.used;
    if (key_info != NULL) {
        *key_info = info.bytes;
        *key_info_size = info.used;
    } else {
        free(info.bytes);
    }
    return OE_OK;
}

oe_result_t oe_get_public_key(oe_enclave_t *enclave, const oe_asymmetric_key_params_t *key_params,
                              const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                              size_t *key_buffer_size)
{
    struct question q = {enclave, key_params, key_info, key_info_size, 0};
    struct room key = {NULL, 0, 0};
    struct room info = {NULL, 0, 0};
    oe_result_t result = OE_OK;

    if (enclave == NULL || key_params == NULL || key_info == NULL || key_buffer == NULL ||
        key_buffer_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *key_buffer = NULL;
    *key_buffer_size = 0;
    result = oe_get_public_key_ecall == NULL ? OE_UNSUPPORTED : get(&q, &key, &info);
    free(info.bytes);
    if (result != OE_OK) {
        free(key.bytes);
        return result;
    }
    *key_buffer = key.bytes;
    *key_buffer_size = key.used;
    return OE_OK;
}

void oe_free_key(uint8_t *key_buffer, size_t key_buffer_size, uint8_t *key_info,
                 size_t key_info_size)
{
    (void)key_buffer_size;
    (void)key_info_size;
    free(key_buffer); /* public */
    free(key_info);
}
