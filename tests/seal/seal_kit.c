/* See seal_kit.h. */
#include "seal_kit.h"

#include <stdio.h>
#include <string.h>

enum { CONFIG_ID_SIZE = 64 };

const uint8_t kit_text[TEXT_SIZE] = "what must not be read by anybody else";

seal_item number(int type, uint64_t value)
{
    seal_item i = {.type = type, .number = value};

    return i;
}

seal_item bytes_of(int type, const void *p, size_t n)
{
    seal_item i = {.type = type, .size = (uint32_t)n};

    memcpy(i.bytes, p, n < sizeof(i.bytes) ? n : sizeof(i.bytes));
    return i;
}

seal_item policy(oe_seal_policy_t p)
{
    return number(OE_SEAL_SETTING_POLICY, p);
}

oe_enclave_t *load_with(const char *image, uint32_t flags, const char *config_id,
                        uint16_t config_svn)
{
    oe_sgx_enclave_setting_config_data data = {.config_svn = config_svn};
    oe_enclave_setting_t setting = {.setting_type = OE_SGX_ENCLAVE_CONFIG_DATA,
                                    .u.config_data = &data};
    char path[512];
    oe_enclave_t *e = NULL;
    oe_result_t r = OE_OK;

    (void)snprintf(path, sizeof(path), "%s/%s.signed", IMAGES, image);
    if (config_id != NULL) {
        (void)snprintf((char *)data.config_id, CONFIG_ID_SIZE, "%s", config_id);
    }
    r = oe_create_seal_enclave(path, OE_ENCLAVE_TYPE_SGX, flags,
                               config_id == NULL ? NULL : &setting, config_id == NULL ? 0 : 1, &e);
    if (r != OE_OK) {
        (void)printf("  creating %s: %s\n", path, oe_result_str(r));
    }
    return e;
}

oe_enclave_t *load(const char *image, uint32_t flags)
{
    return load_with(image, flags, NULL, 0);
}

oe_result_t seal_aad(oe_enclave_t *e, const seal_item *items, size_t count, const char *aad,
                     struct blob *out)
{
    oe_result_t r = OE_UNEXPECTED;
    oe_result_t called =
        enc_seal(e, &r, items, count, kit_text, TEXT_SIZE, (const uint8_t *)aad,
                 aad == NULL ? 0 : strlen(aad), out->bytes, sizeof(out->bytes), &out->size);

    return called == OE_OK ? r : called;
}

oe_result_t seal_with(oe_enclave_t *e, const seal_item *items, size_t count, struct blob *out)
{
    return seal_aad(e, items, count, NULL, out);
}

oe_result_t open_aad(oe_enclave_t *e, const struct blob *b, const char *aad)
{
    uint8_t plain[TEXT_SIZE + 64];
    size_t size = 0;
    oe_result_t r = OE_UNEXPECTED;
    oe_result_t called = enc_unseal(e, &r, b->bytes, b->size, (const uint8_t *)aad,
                                    aad == NULL ? 0 : strlen(aad), plain, sizeof(plain), &size);

    if (called != OE_OK) {
        return called;
    }
    if (r == OE_OK && (size != TEXT_SIZE || memcmp(plain, kit_text, size) != 0)) {
        return OE_VERIFY_FAILED;
    }
    return r;
}

oe_result_t opens(oe_enclave_t *e, const struct blob *b)
{
    return open_aad(e, b, NULL);
}
