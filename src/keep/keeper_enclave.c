/*
 * The keeper: a small enclave that seals the root key of a store to itself (cm_keeper.edl). Enclave side. The
 * key leaves it: the service that asked works with it outside. So does what it quotes: the key that signs tokens. What the enclave gives is that the key can be
 * had on this machine only, and only through an enclave of this signer (or of this very measurement).
 */
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/seal.h>
#include <string.h>

#include "cm_keeper_t.h"
#include "common/wipe.h"

#define KEY_SIZE  32u
#define OE_HEADER 16u /* in front of the quote in a report */

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

oe_result_t cm_keeper_quote(const uint8_t *blob, size_t len, const uint8_t *data, uint8_t *quote,
                            size_t cap, size_t *quote_len)
{
    uint8_t key[KEY_SIZE] = {0};
    uint8_t report_data[64] = {0};
    uint8_t *report = NULL;
    size_t size = 0;
    oe_result_t r = cm_keeper_find(blob, len, key);

    *quote_len = 0;
    cm_wipe(key, sizeof(key));
    if (r == OE_OK) {
        memcpy(report_data, data, 32);
        r = oe_get_report(OE_REPORT_FLAGS_REMOTE_ATTESTATION, report_data, sizeof(report_data),
                          NULL, 0, &report, &size);
    }
    if (r == OE_OK && (size <= OE_HEADER || size - OE_HEADER > cap)) {
        r = OE_BUFFER_TOO_SMALL;
    }
    if (r == OE_OK) {
        memcpy(quote, report + OE_HEADER, size - OE_HEADER);
        *quote_len = size - OE_HEADER;
    }
    oe_free_report(report);
    return r;
}

/* product 1, version 1, no debugging: a debugger would see the key */
OE_SET_ENCLAVE_SGX(1, 1, 0, 256, 16, 1);
