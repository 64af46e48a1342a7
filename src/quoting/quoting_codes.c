/* Result codes of Intel's libraries, with what a person can do about them. */
#include <stddef.h>

#include "quoting/quoting_codes.h"

struct meaning {
    uint32_t code;
    enum cm_status status;
    const char *text;
};

/* quote3_error_t (sgx_ql_lib_common.h) */
static const struct meaning ql_meanings[] = {
    {0xE002, CM_ERR_PLATFORM, "invalid parameter"},
    {0xE003, CM_ERR_NOMEM, "out of memory"},
    {0xE006, CM_ERR_IO, "the stored key cannot be read or written"},
    {0xE00D, CM_ERR_PLATFORM,
     "no quoting enclave: check /dev/sgx_enclave, /dev/sgx_provision and the group sgx_prv"},
    {0xE00E, CM_ERR_NOTFOUND, "no platform library: install libsgx-dcap-default-qpl"},
    {0xE00F, CM_ERR_PLATFORM, "the attestation key is not initialised"},
    {0xE010, CM_ERR_FORMAT, "the platform's certificates are invalid"},
    {0xE011, CM_ERR_NOTFOUND,
     "no certificate for this platform: register it, check sgx_default_qcnl.conf"},
    {0xE012, CM_ERR_NOMEM, "not enough EPC"},
    {0xE013, CM_ERR_SIGNATURE, "the report is not of this platform or for this quoting enclave"},
    {0xE014, CM_ERR_BUSY, "the quoting enclave was lost (power transition): try again"},
    {0xE015, CM_ERR_SIGNATURE, "the report is not of this platform or for this quoting enclave"},
    {0xE016, CM_ERR_PLATFORM,
     "a quoting enclave cannot be loaded: check /dev/sgx_provision and the group sgx_prv"},
    {0xE019, CM_ERR_IO, "no network to the collateral service: check sgx_default_qcnl.conf"},
    {0xE01A, CM_ERR_IO, "the collateral service answered wrongly"},
};

/* sgx_status_t (sgx_error.h) */
static const struct meaning aesm_meanings[] = {
    {0x0002, CM_ERR_PLATFORM, "invalid parameter"},
    {0x0003, CM_ERR_NOMEM, "out of memory"},
    {0x3001, CM_ERR_SIGNATURE, "the report is not of this platform or for this quoting enclave"},
    {0x4001, CM_ERR_PLATFORM,
     "the AESM daemon does not answer: start aesmd, check /var/run/aesmd/aesm.socket"},
    {0x4002, CM_ERR_BUSY, "the AESM daemon was too slow: try again"},
    {0x4004, CM_ERR_DENIED, "the AESM daemon refused this user"},
    {0x400A, CM_ERR_BUSY, "the AESM daemon is busy: try again"},
    {0x4007, CM_ERR_IO, "the AESM daemon has no network to the collateral service"},
    {0x8001, CM_ERR_UNSUPPORTED, "no such attestation key: install libsgx-aesm-ecdsa-plugin"},
    {0x8002, CM_ERR_PLATFORM, "the attestation key could not be certified"},
    {CM_AESM_KEY_UNINITIALIZED, CM_ERR_PLATFORM, "the attestation key is not initialised"},
    {0x8004, CM_ERR_FORMAT, "the platform's certificates are invalid"},
    {0x8005, CM_ERR_NOTFOUND,
     "no certificate for this platform: register it, check sgx_default_qcnl.conf"},
};

static enum cm_status explain(const struct meaning *table, size_t count, uint32_t code,
                              const char *function, struct cm_why *why)
{
    if (code == 0) {
        return CM_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (table[i].code == code) {
            cm_why_set(why, "%s: 0x%x, %s", function, code, table[i].text);
            return table[i].status;
        }
    }
    cm_why_set(why, "%s failed with 0x%x (see Intel's headers for the code)", function, code);
    return CM_ERR_PLATFORM;
}

enum cm_status cm_quoting_ql_status(uint32_t code, const char *function, struct cm_why *why)
{
    return explain(ql_meanings, sizeof(ql_meanings) / sizeof(ql_meanings[0]), code, function, why);
}

enum cm_status cm_quoting_aesm_status(uint32_t code, const char *function, struct cm_why *why)
{
    return explain(aesm_meanings, sizeof(aesm_meanings) / sizeof(aesm_meanings[0]), code, function,
                   why);
}
