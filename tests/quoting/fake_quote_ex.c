/* A stand-in for libsgx_quote_ex.so.1, the client of AESM; FAKE_OLD cannot list its keys. */
#include "fake_common.h"

#define KEY_SIZE 256U

FAKE_EXPORT uint32_t sgx_get_supported_att_key_id_num(uint32_t *count);
FAKE_EXPORT uint32_t sgx_get_supported_att_key_ids(void *ids, uint32_t count);
FAKE_EXPORT uint32_t sgx_select_att_key_id(const uint8_t *list, uint32_t size, void *selected);
FAKE_EXPORT uint32_t sgx_init_quote_ex(const void *key, void *target, size_t *size, uint8_t *id);
FAKE_EXPORT uint32_t sgx_get_quote_size_ex(const void *key, uint32_t *size);
FAKE_EXPORT uint32_t sgx_get_quote_ex(const void *report, const void *key, void *qe_report_info,
                                      uint8_t *quote, uint32_t size);

static bool ready;

static void key(uint8_t *id, uint8_t algorithm)
{
    memset(id, 0, KEY_SIZE);
    id[154] = algorithm;
}

static bool ecdsa(const void *id)
{
    return ((const uint8_t *)id)[154] == 2;
}

#ifndef FAKE_OLD
uint32_t sgx_get_supported_att_key_id_num(uint32_t *count)
{
    *count = fake_mode("no-keys") ? 0 : fake_mode("many-keys") ? 0x10000000U : 2;
    return 0;
}

uint32_t sgx_get_supported_att_key_ids(void *ids, uint32_t count)
{
    if (count != 2) {
        return 2;
    }
    key(ids, 0); /* EPID comes first */
    key((uint8_t *)ids + KEY_SIZE, fake_mode("epid") ? 1 : 2);
    return 0;
}
#endif

uint32_t sgx_select_att_key_id(const uint8_t *list, uint32_t size, void *selected)
{
    if (list != NULL || size != 0) {
        return 2;
    }
    key(selected, fake_mode("epid") ? 0 : 2);
    return 0;
}

uint32_t sgx_init_quote_ex(const void *id, void *target, size_t *size, uint8_t *public_key_id)
{
    if (!ecdsa(id)) {
        return 0x8001;
    }
    if (fake_code() != 0) {
        return fake_code();
    }
    if (public_key_id == NULL) {
        *size = fake_mode("id-zero") ? 0 : fake_mode("id-huge") ? SIZE_MAX : 32;
        return 0;
    }
    if (*size != 32) {
        return 2;
    }
    memset(public_key_id, 7, *size);
    fake_target_info(target);
    ready = !fake_mode("never-ready");
    return 0;
}

uint32_t sgx_get_quote_size_ex(const void *id, uint32_t *size)
{
    if (!ecdsa(id)) {
        return 0x8001;
    }
    if (!ready) {
        return 0x8003;
    }
    *size = fake_quote_size();
    return 0;
}

uint32_t sgx_get_quote_ex(const void *report, const void *id, void *qe_report_info, uint8_t *quote,
                          uint32_t size)
{
    if (!ecdsa(id) || qe_report_info != NULL) {
        return 2;
    }
    if (fake_mode("lost") && getenv("FAKE_LOST") == NULL) {
        (void)setenv("FAKE_LOST", "1", 1); /* the daemon was restarted: once */
        memset(quote, 0xee, size);
        return 0x8003;
    }
    fake_make_quote(report, quote, size);
    return fake_mode("late") ? 0x3001 : 0;
}
