/*
 * The sealing plugin of SGX: AES-128-GCM under a key that EGETKEY derives from a random KEYID. So each
 * blob has a key of its own, and even an initialisation vector that the caller repeats is used once.
 *
 * The header's bytes are not additional data of GCM, as Open Enclave's are not: each of them either
 * enters the key's derivation, or is checked to have its only possible value (seal_blob.c). Compiled
 * into an object library, which registers itself.
 */
#include <string.h>

#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/sgx/seal.h>

#include "common/wipe.h"
#include "crypto/crypto.h"
#include "enclave/runtime.h"
#include "enclave/sgxkey.h"
#include "seal/seal_blob.h"
#include "seal/seal_request.h"

static oe_result_t set_number16(const oe_seal_setting_t *s, uint16_t *out)
{
    if (s->size != 0 || s->value.q > UINT16_MAX) {
        return OE_INVALID_PARAMETER;
    }
    *out = s->value.w;
    return OE_OK;
}

static oe_result_t set_number64(const oe_seal_setting_t *s, uint64_t *out)
{
    if (s->size != 0) {
        return OE_INVALID_PARAMETER;
    }
    *out = s->value.q;
    return OE_OK;
}

static oe_result_t set_bytes(const oe_seal_setting_t *s, uint8_t *out, size_t n)
{
    if (s->size != n) {
        return OE_INVALID_PARAMETER;
    }
    memcpy(out, s->value.p, n); /* oe_seal has looked where it is */
    return OE_OK;
}

/* One setting over the defaults in b. */
static oe_result_t apply(const oe_seal_setting_t *s, struct cm_seal_blob *b)
{
    struct sgx_keyrequest *request = &b->request;
    uint16_t kss =
        request->keypolicy & (uint16_t) ~(SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER);
    uint64_t q = 0;

    switch (s->type) {
    case OE_SEAL_SETTING_POLICY:
        if (s->size != 0 || !cm_seal_key_policy(s->value.q, &request->keypolicy)) {
            return OE_INVALID_PARAMETER;
        }
        request->keypolicy |= kss;
        return OE_OK;
    case OE_SEAL_SETTING_IV:
        return set_bytes(s, b->iv, sizeof(b->iv));
    case OE_SEAL_SETTING_SGX_KEYNAME:
        return set_number16(s, &request->keyname);
    case OE_SEAL_SETTING_SGX_ISVSVN:
        return set_number16(s, &request->isvsvn);
    case OE_SEAL_SETTING_SGX_CPUSVN:
        return set_bytes(s, request->cpusvn, sizeof(request->cpusvn));
    case OE_SEAL_SETTING_SGX_FLAGSMASK:
        return set_number64(s, &request->attributemask.flags);
    case OE_SEAL_SETTING_SGX_XFRMMASK:
        return set_number64(s, &request->attributemask.xfrm);
    case OE_SEAL_SETTING_SGX_MISCMASK:
        if (set_number64(s, &q) != OE_OK || q > UINT32_MAX) {
            return OE_INVALID_PARAMETER;
        }
        request->miscmask = s->value.d;
        return OE_OK;
    case OE_SEAL_SETTING_SGX_CONFIGSVN:
        request->keypolicy |= SGX_KEYPOLICY_CONFIGID;
        return set_number16(s, &request->configsvn);
    default:
        return OE_UNSUPPORTED;
    }
}

static oe_result_t prepare(const oe_seal_setting_t *settings, size_t count, struct cm_seal_blob *b)
{
    struct sgx_report self;
    oe_result_t result = cm_ereport(NULL, NULL, &self);

    if (result == OE_OK) {
        result = cm_seal_request_make(OE_SEAL_POLICY_PRODUCT, &self.body, &b->request);
    }
    if (result == OE_OK) {
        result = oe_random(b->request.keyid, sizeof(b->request.keyid));
    }
    if (result == OE_OK) {
        result = oe_random(b->iv, sizeof(b->iv));
    }
    for (size_t i = 0; result == OE_OK && i < count; i++) {
        result = apply(&settings[i], b);
    }
    return result == OE_OK ? cm_seal_request_check(&b->request) : result;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
static oe_result_t seal(const oe_seal_setting_t *settings, size_t settings_count,
                        const uint8_t *plaintext, size_t plaintext_size,
                        const uint8_t *additional_data, size_t additional_data_size, uint8_t **blob,
                        size_t *blob_size)
{
    struct cm_seal_blob b = {.ciphertext = {NULL, plaintext_size}};
    uint8_t key[CM_SGX_KEY_SIZE] = {0};
    uint8_t *made = NULL;
    size_t size = 0;
    oe_result_t result = cm_seal_blob_size(plaintext_size, additional_data_size, &size);

    if (result == OE_OK) {
        result = prepare(settings, settings_count, &b);
    }
    if (result == OE_OK) {
        result = cm_egetkey(&b.request, key);
    }
    if (result == OE_OK) {
        made = oe_malloc(size);
        result = made == NULL ? OE_OUT_OF_MEMORY : OE_OK;
    }
    if (result == OE_OK &&
        cm_gcm_encrypt(key, b.iv, cm_span_make(additional_data, additional_data_size),
                       cm_span_make(plaintext, plaintext_size), made + CM_SEAL_HEADER_SIZE,
                       b.tag) != CM_OK) {
        result = OE_CRYPTO_ERROR;
    }
    if (result == OE_OK) {
        result = cm_seal_blob_write(&b, additional_data_size, made);
    }
    cm_wipe(key, sizeof(key));
    if (result != OE_OK) {
        oe_free(made);
        return result;
    }
    *blob = made;
    *blob_size = size;
    return OE_OK;
}

static oe_result_t unseal(const uint8_t *blob, size_t blob_size, const uint8_t *additional_data,
                          size_t additional_data_size, uint8_t **plaintext, size_t *plaintext_size)
{
    struct cm_seal_blob b;
    uint8_t key[CM_SGX_KEY_SIZE] = {0};
    uint8_t *opened = NULL;
    enum cm_status st = CM_OK;
    oe_result_t result =
        cm_seal_blob_parse(cm_span_make(blob, blob_size), additional_data_size, &b);

    if (result == OE_OK) {
        result = cm_egetkey(&b.request, key);
    }
    if (result == OE_OK) {
        opened = oe_malloc(b.ciphertext.len != 0 ? b.ciphertext.len : 1);
        result = opened == NULL ? OE_OUT_OF_MEMORY : OE_OK;
    }
    if (result == OE_OK) {
        st = cm_gcm_decrypt(key, b.iv, cm_span_make(additional_data, additional_data_size),
                            b.ciphertext, b.tag, opened);
        result = st == CM_OK ? OE_OK : OE_CRYPTO_ERROR;
    }
    cm_wipe(key, sizeof(key));
    if (result != OE_OK) {
        cm_free_wiped(opened);
        return result;
    }
    *plaintext = opened;
    *plaintext_size = b.ciphertext.len;
    return OE_OK;
}

/* b338deea-4c9b-4188-9000-505b8f63f76f */
const oe_seal_plugin_definition_t oe_seal_plugin_gcm_aes = {
    {{0xb3, 0x38, 0xde, 0xea, 0x4c, 0x9b, 0x41, 0x88, 0x90, 0x00, 0x50, 0x5b, 0x8f, 0x63, 0xf7,
      0x6f}},
    seal,
    unseal};

__attribute__((constructor)) static void register_plugin(void)
{
    if (oe_register_seal_plugin(&oe_seal_plugin_gcm_aes, false) != OE_OK) {
        cm_abort_because("the sealing plugin cannot be registered");
    }
}
