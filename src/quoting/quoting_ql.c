/*
 * Quoting in this process: libsgx_dcap_ql.so.1 loads the PCE and the quoting enclave here, which
 * needs /dev/sgx_provision. Functions and codes: sgx_dcap_ql_wrapper.h, sgx_ql_lib_common.h.
 */
#include <pthread.h>

#include "quoting/quoting_backend.h"
#include "quoting/quoting_codes.h"

#define SONAME          "libsgx_dcap_ql.so.1"
#define PACKAGE         "libsgx-dcap-ql"

#define LOAD_PERSISTENT 0u /* keep both enclaves between quotes */

static struct {
    uint32_t (*set_policy)(uint32_t policy); /* may be NULL */
    uint32_t (*target_info)(void *target_info);
    uint32_t (*quote_size)(uint32_t *size);
    uint32_t (*quote)(const void *report, uint32_t size, uint8_t *quote);
} ql;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

static enum cm_status ql_target_info(uint8_t *out, struct cm_why *why)
{
    uint32_t code = 0;

    (void)pthread_mutex_lock(&lock);
    code = ql.target_info(out);
    (void)pthread_mutex_unlock(&lock);
    return cm_quoting_ql_status(code, "sgx_qe_get_target_info", why);
}

static enum cm_status ql_quote_size(size_t *size, struct cm_why *why)
{
    uint32_t code = 0;
    uint32_t told = 0;

    (void)pthread_mutex_lock(&lock);
    code = ql.quote_size(&told);
    (void)pthread_mutex_unlock(&lock);
    *size = told;
    return cm_quoting_ql_status(code, "sgx_qe_get_quote_size", why);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): a function of struct cm_quoting */
static enum cm_status ql_quote(const uint8_t *report, uint8_t *quote, size_t *size,
                               struct cm_why *why)
{
    uint32_t code = 0;

    (void)pthread_mutex_lock(&lock);
    code = ql.quote(report, (uint32_t)*size, quote);
    (void)pthread_mutex_unlock(&lock);
    return cm_quoting_ql_status(code, "sgx_qe_get_quote", why);
}

static const struct cm_quoting maker = {
    SONAME " (in process)", ql_target_info, ql_quote_size, ql_quote, cm_quoting_fetch,
};

enum cm_status cm_quoting_ql(const struct cm_quoting **out, struct cm_why *why)
{
    const struct cm_library_symbol symbols[] = {
        {"sgx_qe_set_enclave_load_policy", &ql.set_policy, false},
        {"sgx_qe_get_target_info", &ql.target_info, true},
        {"sgx_qe_get_quote_size", &ql.quote_size, true},
        {"sgx_qe_get_quote", &ql.quote, true},
    };
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    if (!loaded) {
        st = cm_library_load(SONAME, PACKAGE, symbols, sizeof(symbols) / sizeof(symbols[0]), why);
        loaded = st == CM_OK;
        if (loaded && ql.set_policy != NULL) {
            /* refused when other code of this process has chosen before: then that one holds */
            (void)ql.set_policy(LOAD_PERSISTENT);
        }
    }
    (void)pthread_mutex_unlock(&lock);
    if (st == CM_OK) {
        *out = &maker;
    }
    return st;
}
