/*
 * The keeper: a small enclave that seals the root key of a store to itself (cm_keeper.edl). Enclave side. The
 * key leaves it: the service that asked works with it outside. What the enclave gives is that the key can be
 * had on this machine only, and only through an enclave of this signer (or of this very measurement).
 */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/seal.h>
#include <string.h>

#include "cm_keeper_t.h"
#include "common/wipe.h"

#define KEY_SIZE 32u

static const uint8_t purpose[] = "casemate root key 1";

oe_result_t cm_keeper_make(uint32_t exact, uint8_t *blob, size_t cap, size_t *len, uint8_t *key)
{
    const oe_seal_setting_t settings[] = {
        OE_SEAL_SET_POLICY(exact != 0 ? OE_SEAL_POLICY_UNIQUE : OE_SEAL_POLICY_PRODUCT)};
    uint8_t *made = NULL;
    size_t size = 0;
    oe_result_t r = oe_random(key, KEY_SIZE);

    *len = 0;
    if (r == OE_OK) {
        r = oe_seal(NULL, settings, 1, key, KEY_SIZE, purpose, sizeof(purpose), &made, &size);
    }
    if (r == OE_OK && size > cap) {
        r = OE_BUFFER_TOO_SMALL;
    }
    if (r == OE_OK) {
        memcpy(blob, made, size);
        *len = size;
    } else {
        cm_wipe(key, KEY_SIZE);
    }
    oe_free(made);
    return r;
}

oe_result_t cm_keeper_find(const uint8_t *blob, size_t len, uint8_t *key)
{
    uint8_t *opened = NULL;
    size_t size = 0;
    oe_result_t r = oe_unseal(blob, len, purpose, sizeof(purpose), &opened, &size);

    if (r == OE_OK && size != KEY_SIZE) {
        r = OE_UNSUPPORTED;
    }
    if (r == OE_OK) {
        memcpy(key, opened, KEY_SIZE);
    }
    if (opened != NULL) {
        cm_wipe(opened, size);
    }
    oe_free(opened);
    return r;
}

/* product 1, version 1, no debugging: a debugger would see the key */
OE_SET_ENCLAVE_SGX(1, 1, 0, 256, 16, 1);
