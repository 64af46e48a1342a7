/* Enclave side of the sealing tests: one ecall for each thing that only an enclave can try. */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/sgx/seal.h>
#include <stdlib.h>
#include <string.h>

#include "common/wipe.h"
#include "seal_t.h"

enum { MAX_ITEMS = 8 };

/* As the API takes them: the union holds a number, or points to bytes inside. */
static size_t settings_of(const seal_item *items, size_t count, oe_seal_setting_t *out)
{
    for (size_t i = 0; i < count && i < MAX_ITEMS; i++) {
        out[i].type = items[i].type;
        out[i].size = items[i].size;
        out[i].value.q = items[i].number;
        if (items[i].size != 0) {
            out[i].value.p = items[i].bytes;
        }
    }
    return count;
}

oe_result_t enc_seal(const seal_item *items, size_t item_count, const uint8_t *plain,
                     size_t plain_size, const uint8_t *aad, size_t aad_size, uint8_t *blob,
                     size_t cap, size_t *blob_size)
{
    oe_seal_setting_t settings[MAX_ITEMS];
    uint8_t *made = NULL;
    size_t size = 0;
    oe_result_t r = OE_OK;

    if (item_count > MAX_ITEMS) {
        return OE_OUT_OF_BOUNDS;
    }
    (void)settings_of(items, item_count, settings);
    r = oe_seal(NULL, item_count == 0 ? NULL : settings, item_count, plain, plain_size, aad,
                aad_size, &made, &size);
    if (r == OE_OK) {
        *blob_size = size;
        if (size <= cap) {
            memcpy(blob, made, size);
        } else {
            r = OE_BUFFER_TOO_SMALL;
        }
    } else if (made != NULL || size != 0) {
        r = OE_UNEXPECTED; /* out-parameters are set on success only */
    }
    oe_free(made);
    return r;
}

static oe_result_t give(oe_result_t r, uint8_t *opened, size_t size, uint8_t *plain, size_t cap,
                        size_t *plain_size)
{
    if (r == OE_OK) {
        *plain_size = size;
        if (size <= cap) {
            memcpy(plain, opened, size);
        } else {
            r = OE_BUFFER_TOO_SMALL;
        }
    } else if (opened != NULL || size != 0) {
        r = OE_UNEXPECTED;
    }
    oe_free(opened);
    return r;
}

oe_result_t enc_unseal(const uint8_t *blob, size_t blob_size, const uint8_t *aad, size_t aad_size,
                       uint8_t *plain, size_t cap, size_t *plain_size)
{
    uint8_t *opened = NULL;
    size_t size = 0;
    oe_result_t r = oe_unseal(blob, blob_size, aad, aad_size, &opened, &size);

    return give(r, opened, size, plain, cap, plain_size);
}

oe_result_t enc_unseal_outside(const void *blob, size_t blob_size, uint8_t *plain, size_t cap,
                               size_t *plain_size)
{
    uint8_t *opened = NULL;
    size_t size = 0;
    oe_result_t r = oe_unseal(blob, blob_size, NULL, 0, &opened, &size);

    return give(r, opened, size, plain, cap, plain_size);
}

/* How many changed blobs opened: every truncation, every extension by one, every flipped bit. */
int enc_sweep(const uint8_t *blob, size_t blob_size, size_t *tried)
{
    uint8_t *copy = malloc(blob_size + 1);
    int opened = 0;

    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, blob, blob_size);
    copy[blob_size] = 0;
    *tried = 0;
    if (oe_unseal(copy, blob_size, NULL, 0, NULL, NULL) != OE_OK) {
        free(copy);
        return -1; /* the blob itself must open, or the sweep shows nothing */
    }
    for (size_t n = 0; n <= blob_size + 1; n++) {
        if (n != blob_size) {
            opened += oe_unseal(copy, n, NULL, 0, NULL, NULL) == OE_OK;
            (*tried)++;
        }
    }
    for (size_t bit = 0; bit < blob_size * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        opened += oe_unseal(copy, blob_size, NULL, 0, NULL, NULL) == OE_OK;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (*tried)++;
    }
    free(copy);
    return opened;
}

oe_result_t enc_key(uint32_t policy, uint8_t *key, uint8_t *info)
{
    uint8_t *k = NULL;
    uint8_t *i = NULL;
    size_t k_size = 0;
    size_t i_size = 0;
    oe_result_t r = oe_get_seal_key_by_policy((oe_seal_policy_t)policy, &k, &k_size, &i, &i_size);

    if (r == OE_OK && (k_size != sizeof(sgx_key_t) || i_size != sizeof(sgx_key_request_t))) {
        r = OE_UNEXPECTED;
    }
    if (r == OE_OK) {
        memcpy(key, k, k_size);
        memcpy(info, i, i_size);
    }
    oe_free_seal_key(k, i);
    return r;
}

oe_result_t enc_key_by_info(const uint8_t *info, size_t info_size, uint8_t *key)
{
    uint8_t *k = NULL;
    size_t k_size = 0;
    oe_result_t r = oe_get_seal_key(info, info_size, &k, &k_size);

    if (r == OE_OK) {
        memcpy(key, k, sizeof(sgx_key_t));
    } else if (k != NULL || k_size != 0) {
        r = OE_UNEXPECTED;
    }
    oe_free_key(k, k_size, NULL, 0);
    return r;
}

/* How many one-bit changes of a key info gave the same key. */
int enc_info_sweep(const uint8_t *info, size_t *errors)
{
    uint8_t changed[sizeof(sgx_key_request_t)];
    uint8_t first[sizeof(sgx_key_t)] = {0};
    uint8_t other[sizeof(sgx_key_t)] = {0};
    int same = 0;

    *errors = 0;
    memcpy(changed, info, sizeof(changed));
    if (enc_key_by_info(changed, sizeof(changed), first) != OE_OK) {
        return -1;
    }
    for (size_t bit = 0; bit < sizeof(changed) * 8; bit++) {
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (enc_key_by_info(changed, sizeof(changed), other) != OE_OK) {
            (*errors)++;
        } else {
            same += cm_ct_equal(first, other, sizeof(first));
        }
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return same;
}

/* Whether each bad argument is refused: 0, or the number of the first that was not. */
int enc_key_arguments(void *outside)
{
    uint8_t *key = NULL;
    uint8_t *info = NULL;
    uint8_t bytes[sizeof(sgx_key_request_t) + 1] = {0};
    size_t key_size = 0;
    size_t info_size = 0;
    oe_asymmetric_key_params_t params = {OE_ASYMMETRIC_KEY_EC_SECP256P1, OE_ASYMMETRIC_KEY_PEM,
                                         NULL, 0};
    oe_asymmetric_key_params_t bad = params;
    int at = 0;

#define REFUSED(call)                         \
    do {                                      \
        at++;                                 \
        if ((call) != OE_INVALID_PARAMETER) { \
            return at;                        \
        }                                     \
    } while (0)
    REFUSED(oe_get_seal_key_by_policy(OE_SEAL_POLICY_UNIQUE, NULL, NULL, NULL, NULL));
    REFUSED(oe_get_seal_key_by_policy(OE_SEAL_POLICY_UNIQUE, &key, NULL, NULL, NULL));
    REFUSED(oe_get_seal_key_by_policy(OE_SEAL_POLICY_UNIQUE, NULL, &key_size, NULL, NULL));
    REFUSED(oe_get_seal_key_by_policy(OE_SEAL_POLICY_UNIQUE, &key, &key_size, &info, NULL));
    REFUSED(oe_get_seal_key_by_policy(OE_SEAL_POLICY_UNIQUE, &key, &key_size, NULL, &info_size));
    REFUSED(oe_get_seal_key_by_policy((oe_seal_policy_t)0, &key, &key_size, NULL, NULL));
    REFUSED(oe_get_seal_key_by_policy((oe_seal_policy_t)3, &key, &key_size, NULL, NULL));
    REFUSED(oe_get_seal_key(NULL, sizeof(sgx_key_request_t), &key, &key_size));
    REFUSED(oe_get_seal_key(bytes, 0, &key, &key_size));
    REFUSED(oe_get_seal_key(bytes, sizeof(sgx_key_request_t) - 1, &key, &key_size));
    REFUSED(oe_get_seal_key(bytes, sizeof(sgx_key_request_t) + 1, &key, &key_size));
    REFUSED(oe_get_seal_key(outside, sizeof(sgx_key_request_t), &key, &key_size));
    REFUSED(oe_get_seal_key(bytes, SIZE_MAX, &key, &key_size));
    REFUSED(oe_get_seal_key(bytes, sizeof(sgx_key_request_t), NULL, &key_size));
    REFUSED(oe_get_seal_key(bytes, sizeof(sgx_key_request_t), &key, NULL));
    REFUSED(oe_get_public_key_by_policy(OE_SEAL_POLICY_UNIQUE, NULL, &key, &key_size, NULL, NULL));
    REFUSED(
        oe_get_public_key_by_policy(OE_SEAL_POLICY_UNIQUE, &params, NULL, &key_size, NULL, NULL));
    REFUSED(oe_get_private_key_by_policy(OE_SEAL_POLICY_UNIQUE, &params, &key, NULL, NULL, NULL));
    REFUSED(oe_get_private_key(&params, NULL, 0, &key, &key_size));
    bad.type = _OE_ASYMMETRIC_KEY_TYPE_MAX;
    REFUSED(oe_get_public_key_by_policy(OE_SEAL_POLICY_UNIQUE, &bad, &key, &key_size, NULL, NULL));
    bad = params;
    bad.format = _OE_ASYMMETRIC_KEY_FORMAT_MAX;
    REFUSED(oe_get_private_key_by_policy(OE_SEAL_POLICY_UNIQUE, &bad, &key, &key_size, NULL, NULL));
    bad = params;
    bad.user_data = outside; /* the host could change it while the key is derived */
    bad.user_data_size = 1;
    REFUSED(oe_get_public_key_by_policy(OE_SEAL_POLICY_UNIQUE, &bad, &key, &key_size, NULL, NULL));
    bad.user_data = NULL;
    REFUSED(oe_get_public_key_by_policy(OE_SEAL_POLICY_UNIQUE, &bad, &key, &key_size, NULL, NULL));
    return key == NULL && info == NULL ? 0 : -1;
}

int enc_seal_arguments(void *outside)
{
    oe_seal_setting_t policy[] = {OE_SEAL_SET_POLICY(OE_SEAL_POLICY_UNIQUE)};
    oe_seal_setting_t iv_outside[] = {OE_SEAL_SET_IV(outside, 12)};
    uint8_t small[4] = {1, 2, 3, 4};
    uint8_t *blob = NULL;
    size_t size = 0;
    int at = 0;

    REFUSED(oe_seal(NULL, NULL, 1, small, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, policy, 0, small, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, policy, SIZE_MAX / 4, small, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, outside, 1, small, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, iv_outside, 1, small, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, NULL, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, outside, 4, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, small, SIZE_MAX, NULL, 0, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, small, 4, NULL, 4, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, small, 4, outside, 4, &blob, &size));
    REFUSED(oe_seal(NULL, NULL, 0, small, 4, NULL, 0, NULL, &size));
    REFUSED(oe_seal(NULL, NULL, 0, small, 4, NULL, 0, &blob, NULL));
    REFUSED(oe_unseal(NULL, 4, NULL, 0, &blob, &size));
    REFUSED(oe_unseal(small, 0, NULL, 0, &blob, &size));
    REFUSED(oe_unseal(small, SIZE_MAX, NULL, 0, &blob, &size));
    REFUSED(oe_unseal(small, 4, NULL, 4, &blob, &size));
    REFUSED(oe_unseal(small, 4, outside, 4, &blob, &size));
    REFUSED(oe_unseal(small, 4, NULL, 0, &blob, NULL));
    REFUSED(oe_unseal(small, 4, NULL, 0, NULL, &size));
    REFUSED(oe_register_seal_plugin(NULL, false));
    REFUSED(oe_register_seal_plugin(outside, false));
    REFUSED(oe_unregister_seal_plugin(NULL));
    return blob == NULL && size == 0 ? 0 : -1;
}
