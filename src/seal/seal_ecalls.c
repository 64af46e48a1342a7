/*
 * The ecalls of openenclave/edl/keys.edl: public keys for the host. Generated code has checked and
 * copied the buffers; what they hold is the host's.
 */
#include <string.h>

#include "seal/seal_asym.h"

__attribute__((weak)) oe_result_t cm_public_key(struct cm_public_key *k);

oe_result_t oe_get_public_key_ecall(const oe_asymmetric_key_params_t *key_params,
                                    const void *key_info, size_t key_info_size, void *key_buffer,
                                    size_t key_buffer_size, size_t *key_buffer_size_out);
oe_result_t oe_get_public_key_by_policy_ecall(uint32_t seal_policy,
                                              const oe_asymmetric_key_params_t *key_params,
                                              void *key_buffer, size_t key_buffer_size,
                                              size_t *key_buffer_size_out, void *key_info,
                                              size_t key_info_size, size_t *key_info_size_out);

/* size bytes into the host's room for them; the size is told in any case */
static oe_result_t hand_out(const uint8_t *bytes, size_t size, void *room, size_t room_size,
                            size_t *size_out)
{
    *size_out = size;
    if (room == NULL || room_size < size) {
        return OE_BUFFER_TOO_SMALL;
    }
    memcpy(room, bytes, size);
    return OE_OK;
}

oe_result_t oe_get_public_key_ecall(const oe_asymmetric_key_params_t *key_params,
                                    const void *key_info, size_t key_info_size, void *key_buffer,
                                    size_t key_buffer_size, size_t *key_buffer_size_out)
{
    struct cm_public_key k = {.params = key_params, .info = key_info, .info_size = key_info_size};
    oe_result_t result = OE_OK;

    if (key_info == NULL || key_buffer_size_out == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (cm_public_key == NULL) {
        return OE_UNSUPPORTED;
    }
    result = cm_public_key(&k);
    if (result == OE_OK) {
        result = hand_out(k.key, k.key_size, key_buffer, key_buffer_size, key_buffer_size_out);
    }
    oe_free_key(k.key, k.key_size, NULL, 0);
    return result;
}

/* NOLINTNEXTLINE(readability-function-size): keys.edl's parameters */
oe_result_t oe_get_public_key_by_policy_ecall(uint32_t seal_policy,
                                              const oe_asymmetric_key_params_t *key_params,
                                              void *key_buffer, size_t key_buffer_size,
                                              size_t *key_buffer_size_out, void *key_info,
                                              size_t key_info_size, size_t *key_info_size_out)
{
    struct cm_public_key k = {.params = key_params, .policy = seal_policy};
    oe_result_t result = OE_OK;
    oe_result_t info_result = OE_OK;

    if (key_buffer_size_out == NULL || key_info_size_out == NULL) {
        return OE_INVALID_PARAMETER;
    }
    if (cm_public_key == NULL) {
        return OE_UNSUPPORTED;
    }
    result = cm_public_key(&k);
    if (result == OE_OK) {
        result = hand_out(k.key, k.key_size, key_buffer, key_buffer_size, key_buffer_size_out);
        info_result =
            hand_out(k.new_info, k.new_info_size, key_info, key_info_size, key_info_size_out);
        result = result == OE_OK ? info_result : result;
    }
    oe_free_key(k.key, k.key_size, k.new_info, k.new_info_size);
    return result;
}
