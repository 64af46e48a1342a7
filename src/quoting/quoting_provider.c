/*
 * Collateral from libdcap_quoteprov: Intel's "default quote provider" or Azure's client, whichever
 * is installed. Functions: sgx_default_quote_provider.h; structure: sgx_ql_lib_common.h.
 */
#include <pthread.h>
#include <string.h>

#include "common/try.h"
#include "evidence/der.h"
#include "quoting/quoting_backend.h"
#include "quoting/quoting_codes.h"

#define SONAME  "libdcap_quoteprov.so.1"
#define PACKAGE "libsgx-dcap-default-qpl (or az-dcap-client)"

/* sgx_ql_qve_collateral_t, natural alignment */
struct provider_item {
    const char *data;
    uint32_t size; /* with or without a closing NUL, as the library's version likes */
};

struct provider_collateral {
    uint16_t major_version; /* 1: CRLs in PEM; 3.0: in hexadecimal; 3.1 and 4: DER */
    uint16_t minor_version;
    uint32_t tee_type; /* padding in old versions */
    struct provider_item pck_crl_issuer_chain;
    struct provider_item root_ca_crl;
    struct provider_item pck_crl;
    struct provider_item tcb_info_issuer_chain;
    struct provider_item tcb_info;
    struct provider_item qe_identity_issuer_chain;
    struct provider_item qe_identity;
};
_Static_assert(sizeof(struct provider_collateral) == 120, "sgx_ql_qve_collateral_t");

typedef uint32_t get_fn(const uint8_t *fmspc, uint16_t fmspc_size, const char *ca,
                        struct provider_collateral **out);
typedef uint32_t choose_fn(const uint8_t *fmspc, uint16_t fmspc_size, const char *ca,
                           const void *baseline, uint16_t baseline_size,
                           struct provider_collateral **out);
typedef uint32_t free_fn(struct provider_collateral *c);

static struct {
    get_fn *get; /* one of these pairs is there */
    free_fn *free;
    get_fn *old_get;
    free_fn *old_free;
    get_fn *tdx_get;
    free_fn *tdx_free;
    choose_fn *choose; /* by a baseline */
    choose_fn *tdx_choose;
} provider;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool loaded;

static enum cm_status load_locked(struct cm_why *why)
{
    const struct cm_library_symbol symbols[] = {
        {"sgx_ql_get_quote_verification_collateral", &provider.get, false},
        {"sgx_ql_free_quote_verification_collateral", &provider.free, false},
        {"sgx_get_quote_verification_collateral", &provider.old_get, false},
        {"sgx_free_quote_verification_collateral", &provider.old_free, false},
        {"tdx_ql_get_quote_verification_collateral", &provider.tdx_get, false},
        {"tdx_ql_free_quote_verification_collateral", &provider.tdx_free, false},
        {"sgx_ql_get_quote_verification_collateral_with_params", &provider.choose, false},
        {"tdx_ql_get_quote_verification_collateral_with_params", &provider.tdx_choose, false},
    };
    enum cm_status st = CM_OK;

    if (loaded) {
        return CM_OK;
    }
    CM_TRY(cm_library_load(SONAME, PACKAGE, symbols, sizeof(symbols) / sizeof(symbols[0]), why));
    if (provider.get == NULL || provider.free == NULL) {
        provider.get = provider.old_get;
        provider.free = provider.old_free;
    }
    loaded = true;
out:
    return st;
}

enum cm_status cm_quoting_provider_load(struct cm_why *why)
{
    enum cm_status st = CM_OK;

    (void)pthread_mutex_lock(&lock);
    st = load_locked(why);
    (void)pthread_mutex_unlock(&lock);
    return st;
}

/* Azure's client counts a NUL behind DER, too. */
static size_t der_len(struct cm_span data)
{
    struct cm_rd rd = cm_rd_init(data);

    (void)cm_der_element(&rd, CM_DER_SEQUENCE);
    return !rd.bad && rd.left == 1 && data.ptr[data.len - 1] == 0 ? data.len - 1 : data.len;
}

static enum cm_status copy(struct cm_collateral_parts *parts, enum cm_collateral_part part,
                           struct provider_item item, struct cm_why *why)
{
    size_t len = item.size;
    enum cm_status st = CM_ERR_FORMAT;

    if (item.data != NULL && len <= CM_COLLATERAL_MAX_PART) {
        if (len != 0 && item.data[0] == CM_DER_SEQUENCE) { /* texts begin otherwise */
            len = der_len(cm_span_make(item.data, len));
        }
        /* a NUL belongs to C and not to the document; DER may end with one of its own */
        while (len != 0 && item.data[0] != CM_DER_SEQUENCE && item.data[len - 1] == '\0') {
            len--;
        }
        st = cm_parts_set(parts, part, cm_span_make(item.data, len));
    } else if (item.data != NULL) {
        st = CM_ERR_LIMIT;
    }
    if (st != CM_OK) {
        cm_why_set(why, "%s: %s of %u bytes: %s", SONAME, cm_part_name(part), item.size,
                   cm_status_str(st));
    }
    return st;
}

static enum cm_status copy_all(const struct provider_collateral *c,
                               struct cm_collateral_parts *parts, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (c->major_version != 1 && c->major_version != 3 && c->major_version != 4) {
        cm_why_set(why, "%s: collateral of version %u.%u is not handled", SONAME, c->major_version,
                   c->minor_version);
        return CM_ERR_UNSUPPORTED;
    }
    CM_TRY(copy(parts, CM_PART_TCB_INFO, c->tcb_info, why));
    CM_TRY(copy(parts, CM_PART_TCB_INFO_CHAIN, c->tcb_info_issuer_chain, why));
    CM_TRY(copy(parts, CM_PART_QE_IDENTITY, c->qe_identity, why));
    CM_TRY(copy(parts, CM_PART_QE_IDENTITY_CHAIN, c->qe_identity_issuer_chain, why));
    CM_TRY(copy(parts, CM_PART_ROOT_CA_CRL, c->root_ca_crl, why));
    CM_TRY(copy(parts, CM_PART_PCK_CRL, c->pck_crl, why));
out:
    return st;
}

/* The call itself, by the function that the library has for it. */
static enum cm_status ask(const struct cm_collateral_key *key, struct cm_span baseline,
                          struct provider_collateral **c, struct cm_why *why)
{
    const char *ca = key->platform_ca ? "platform" : "processor";
    get_fn *get = key->tdx ? provider.tdx_get : provider.get;
    choose_fn *choose = key->tdx ? provider.tdx_choose : provider.choose;
    uint32_t answer = 0;

    if (baseline.ptr != NULL && (choose == NULL || baseline.len > UINT16_MAX)) {
        cm_why_set(why, choose == NULL ? SONAME " cannot choose collateral by a baseline"
                                       : "a baseline of more than 65535 bytes");
        return choose == NULL ? CM_ERR_UNSUPPORTED : CM_ERR_LIMIT;
    }
    answer = baseline.ptr == NULL ? get(key->fmspc, sizeof(key->fmspc), ca, c)
                                  : choose(key->fmspc, sizeof(key->fmspc), ca, baseline.ptr,
                                           (uint16_t)baseline.len, c);
    return cm_quoting_ql_status(answer, "get_quote_verification_collateral", why);
}

enum cm_status cm_quoting_provider(const struct cm_collateral_key *key, struct cm_span baseline,
                                   struct cm_collateral_parts **out, struct cm_why *why)
{
    struct cm_collateral_parts *parts = NULL;
    struct provider_collateral *c = NULL;
    free_fn *release = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    (void)pthread_mutex_lock(&lock);
    CM_TRY(load_locked(why));
    release = key->tdx ? provider.tdx_free : provider.free;
    if ((key->tdx ? provider.tdx_get : provider.get) == NULL || release == NULL) {
        cm_why_set(why, "%s gives no collateral for %s: update the package %s", SONAME,
                   key->tdx ? "TDX" : "SGX", PACKAGE);
        st = CM_ERR_PLATFORM;
        goto out;
    }
    CM_TRY(cm_parts_create(&parts));
    CM_TRY(ask(key, baseline, &c, why));
    if (c == NULL) {
        cm_why_set(why, "%s succeeded and gave nothing", SONAME);
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(copy_all(c, parts, why));
    *out = parts;
    parts = NULL;
out:
    if (c != NULL) {
        (void)release(c);
    }
    (void)pthread_mutex_unlock(&lock);
    cm_parts_free(parts);
    return st;
}
