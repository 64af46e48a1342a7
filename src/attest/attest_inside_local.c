/*
 * Verifying a REPORT that was made for this enclave, and oe_verify_report(), which every enclave has
 * that verifies at all. Reports come from anywhere: UNTRUSTED until they are verified.
 */
#include <openenclave/enclave.h>

#include <string.h>

#include "arch/sgx.h"
#include "attest/attest_inside.h"
#include "attest/attest_report.h"
#include "attest/attest_side.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "enclave/sgxkey.h"

/* SDM volume 3D, EREPORT: CMAC over all but KEYID and MAC, with the report key of the target. */
oe_result_t cm_attest_local_verify(const uint8_t report[CM_SGX_REPORT_SIZE])
{
    struct sgx_keyrequest request;
    struct sgx_report r;
    uint8_t key[CM_SGX_KEY_SIZE] = {0};
    uint8_t mac[CM_CMAC_SIZE] = {0};
    oe_result_t result = OE_OK;

    memcpy(&r, report, sizeof(r));
    memset(&request, 0, sizeof(request));
    request.keyname = SGX_KEY_REPORT;
    memcpy(request.keyid, r.keyid, sizeof(request.keyid));
    result = cm_egetkey(&request, key);
    if (result == OE_OK &&
        cm_cmac_aes128(key, cm_span_make(&r.body, sizeof(r.body)), mac) != CM_OK) {
        result = OE_CRYPTO_ERROR;
    }
    if (result == OE_OK && !cm_ct_equal(mac, r.mac, sizeof(mac))) {
        result = OE_VERIFY_FAILED_AES_CMAC_MISMATCH;
    }
    cm_wipe(key, sizeof(key));
    cm_wipe(mac, sizeof(mac)); /* of a forged report it is the one thing its forger lacks */
    return result;
}

static oe_result_t verify_local(const oe_report_t *parsed)
{
    oe_result_t result = cm_attest_local_verify(parsed->enclave_report);
    bool debug = (parsed->identity.attributes & OE_REPORT_ATTRIBUTES_DEBUG) != 0;

    if (result == OE_OK && !cm_attest_debug_allowed(debug ? SGX_ATTR_DEBUG : 0)) {
        result = OE_VERIFY_FAILED;
    }
    return result;
}

oe_result_t oe_verify_report(const uint8_t *report, size_t report_size, oe_report_t *parsed_report)
{
    struct cm_span in = cm_span_make(report, report_size);
    enum cm_report_type type = CM_REPORT_LOCAL;
    oe_report_t parsed;
    oe_result_t result = OE_OK;

    if (report == NULL) {
        return OE_INVALID_PARAMETER;
    }
    result = cm_report_parse(in, &type, &parsed);
    if (result != OE_OK) {
        return result;
    }
    if (type == CM_REPORT_REMOTE) {
        return cm_report_verify_remote(in, cm_span_make(NULL, 0), parsed_report);
    }
    result = verify_local(&parsed);
    if (result == OE_OK && parsed_report != NULL) {
        *parsed_report = parsed;
    }
    return result;
}
