/*
 * Quoting by the AESM daemon, through libsgx_quote_ex.so.1, which speaks to its socket. Functions:
 * sgx_uae_quote_ex.h; attestation key ids: sgx_quote.h (256 bytes, algorithm at 154).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "quoting/quoting_backend.h"
#include "quoting/quoting_codes.h"

#define SONAME            "libsgx_quote_ex.so.1"
#define PACKAGE           "libsgx-quote-ex"

#define KEY_ID_SIZE       256u
#define KEY_ID_ALGORITHM  154u
#define ECDSA_P256        2u
#define MAX_KEY_IDS       64u
#define MAX_PUBLIC_KEY_ID 4096u

static struct {
    /* may be NULL: old versions cannot list their keys */
    uint32_t (*key_count)(uint32_t *count);
    uint32_t (*key_ids)(void *ids, uint32_t count);
    uint32_t (*select)(const uint8_t *list, uint32_t list_size, void *selected);
    uint32_t (*init)(const void *key_id, void *target_info, size_t *size, uint8_t *public_key_id);
    uint32_t (*quote_size)(const void *key_id, uint32_t *size);
    uint32_t (*quote)(const void *report, const void *key_id, void *qe_report_info, uint8_t *quote,
                      uint32_t size);
} aesm;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;
static bool has_key;
static uint8_t key_id[KEY_ID_SIZE]; /* once has_key */

static uint32_t algorithm(const uint8_t *id)
{
    struct cm_rd rd = cm_rd_init(cm_span_make(id, KEY_ID_SIZE));

    (void)cm_rd_take(&rd, KEY_ID_ALGORITHM);
    return cm_rd_u32le(&rd);
}

/* AESM may also have EPID keys, and prefer them: ask for what there is and take ECDSA P-256. */
static enum cm_status pick_listed(struct cm_why *why)
{
    uint8_t *ids = NULL;
    uint32_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_quoting_aesm_status(aesm.key_count(&count), "sgx_get_supported_att_key_id_num", why));
    if (count == 0 || count > MAX_KEY_IDS) {
        cm_why_set(why, "%s lists %u attestation keys, which cannot be", SONAME, count);
        st = count == 0 ? CM_ERR_NOTFOUND : CM_ERR_LIMIT;
        goto out;
    }
    ids = calloc(count, KEY_ID_SIZE);
    if (ids == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_quoting_aesm_status(aesm.key_ids(ids, count), "sgx_get_supported_att_key_ids", why));
    st = CM_ERR_UNSUPPORTED;
    for (size_t i = 0; i < count && st != CM_OK; i++) {
        if (algorithm(ids + i * KEY_ID_SIZE) == ECDSA_P256) {
            memcpy(key_id, ids + i * KEY_ID_SIZE, KEY_ID_SIZE);
            st = CM_OK;
        }
    }
out:
    free(ids);
    return st;
}

static enum cm_status pick_key(struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (has_key) {
        return CM_OK;
    }
    if (aesm.key_count != NULL && aesm.key_ids != NULL) {
        st = pick_listed(why);
    } else {
        memset(key_id, 0, sizeof(key_id));
        st = cm_quoting_aesm_status(aesm.select(NULL, 0, key_id), "sgx_select_att_key_id", why);
        if (st == CM_OK && algorithm(key_id) != ECDSA_P256) {
            st = CM_ERR_UNSUPPORTED;
        }
    }
    if (st == CM_ERR_UNSUPPORTED) {
        cm_why_set(why, "AESM has no ECDSA key: install libsgx-aesm-ecdsa-plugin");
    }
    has_key = st == CM_OK;
    return st;
}

/* Makes the daemon get its key ready; gives the QE's target info. */
static enum cm_status init_key(uint8_t *target_info, struct cm_why *why)
{
    uint8_t *public_key_id = NULL;
    size_t size = 0;
    enum cm_status st = CM_OK;

    CM_TRY(pick_key(why));
    CM_TRY(cm_quoting_aesm_status(aesm.init(key_id, target_info, &size, NULL), "sgx_init_quote_ex",
                                  why));
    if (size == 0 || size > MAX_PUBLIC_KEY_ID) {
        cm_why_set(why, "%s has a key id of %zu bytes, which cannot be", SONAME, size);
        st = size == 0 ? CM_ERR_FORMAT : CM_ERR_LIMIT;
        goto out;
    }
    public_key_id = calloc(1, size);
    if (public_key_id == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_quoting_aesm_status(aesm.init(key_id, target_info, &size, public_key_id),
                                  "sgx_init_quote_ex", why));
out:
    free(public_key_id);
    return st;
}

static enum cm_status aesm_target_info(uint8_t *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    st = init_key(out, why);
    (void)pthread_mutex_unlock(&lock);
    return st;
}

/* A call that needs the key ready: once more after init_key() when the daemon has lost it. */
static enum cm_status aesm_quote_size(size_t *size, struct cm_why *why)
{
    _Alignas(64) uint8_t ignored[CM_QUOTING_TARGET_INFO_SIZE] = {0};
    uint32_t told = 0;
    uint32_t code = 0;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    CM_TRY(pick_key(why));
    code = aesm.quote_size(key_id, &told);
    if (code == CM_AESM_KEY_UNINITIALIZED) {
        CM_TRY(init_key(ignored, why));
        code = aesm.quote_size(key_id, &told);
    }
    CM_TRY(cm_quoting_aesm_status(code, "sgx_get_quote_size_ex", why));
    *size = told;
out:
    (void)pthread_mutex_unlock(&lock);
    return st;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): a function of struct cm_quoting */
static enum cm_status aesm_quote(const uint8_t *report, uint8_t *quote, size_t *size,
                                 struct cm_why *why)
{
    _Alignas(64) uint8_t ignored[CM_QUOTING_TARGET_INFO_SIZE] = {0};
    uint32_t code = 0;
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    CM_TRY(pick_key(why));
    code = aesm.quote(report, key_id, NULL, quote, (uint32_t)*size);
    if (code == CM_AESM_KEY_UNINITIALIZED) {
        CM_TRY(init_key(ignored, why));
        memset(quote, 0, *size);
        code = aesm.quote(report, key_id, NULL, quote, (uint32_t)*size);
    }
    CM_TRY(cm_quoting_aesm_status(code, "sgx_get_quote_ex", why));
out:
    (void)pthread_mutex_unlock(&lock);
    return st;
}

static const struct cm_quoting maker = {
    SONAME " (AESM)", aesm_target_info, aesm_quote_size, aesm_quote, cm_quoting_fetch,
};

enum cm_status cm_quoting_aesm(const struct cm_quoting **out, struct cm_why *why)
{
    const struct cm_library_symbol symbols[] = {
        {"sgx_get_supported_att_key_id_num", &aesm.key_count, false},
        {"sgx_get_supported_att_key_ids", &aesm.key_ids, false},
        {"sgx_select_att_key_id", &aesm.select, true},
        {"sgx_init_quote_ex", &aesm.init, true},
        {"sgx_get_quote_size_ex", &aesm.quote_size, true},
        {"sgx_get_quote_ex", &aesm.quote, true},
    };
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    if (!loaded) {
        st = cm_library_load(SONAME, PACKAGE, symbols, sizeof(symbols) / sizeof(symbols[0]), why);
        loaded = st == CM_OK;
    }
    (void)pthread_mutex_unlock(&lock);
    if (st == CM_OK) {
        *out = &maker;
    }
    return st;
}
