/*
 * What the user of the host asked an enclave to accept (attest_side.h). The host's word is believed
 * only where it proves that there is nothing to lose.
 */
#include <string.h>

#include "arch/sgx.h"
#include "attest/attest_inside.h"
#include "attest/attest_side.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "enclave/sgxkey.h"

/* of cm_attest_wish_ocall */
#define ACCEPT_EMULATED 1u
#define ACCEPT_DEBUG    2u

#define PROOF_MRENCLAVE "CASEMATE EMULATED PLATFORM" /* then zeros; casemate/emuplat.h */
#define ROOT_KEY_SIZE   65u

/*
 * Whether the host proved that this enclave runs on the emulator. The REPORT is one that only this
 * processor can make, for an enclave that no image can be: so this processor is no real one.
 */
static bool proven(const sgx_report_t *proof, const uint8_t root_key[ROOT_KEY_SIZE])
{
    static const uint8_t want[32] = PROOF_MRENCLAVE;
    uint8_t bound[64] = {0};

    return cm_attest_local_verify((const uint8_t *)proof) == OE_OK &&
           cm_ct_equal(proof->body.mrenclave, want, sizeof(want)) &&
           cm_sha256_of(cm_span_make(root_key, ROOT_KEY_SIZE), bound) == CM_OK &&
           cm_ct_equal(proof->body.report_data.field, bound, sizeof(bound));
}

/* SHA-256 of the SubjectPublicKeyInfo (RFC 5480) of an uncompressed point on P-256. */
static bool spki_of(const uint8_t root_key[ROOT_KEY_SIZE], uint8_t out[32])
{
    static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    uint8_t spki[sizeof(head) + ROOT_KEY_SIZE];

    memcpy(spki, head, sizeof(head));
    memcpy(spki + sizeof(head), root_key, ROOT_KEY_SIZE);
    return cm_sha256_of(cm_span_make(spki, sizeof(spki)), out) == CM_OK;
}

void cm_attest_ask(struct cm_attest_wish *out)
{
    uint8_t own[CM_SGX_TARGET_INFO_SIZE];
    sgx_target_info_t target;
    sgx_report_t proof;
    uint8_t root_key[ROOT_KEY_SIZE] = {0};
    uint32_t accepts = 0;
    oe_result_t retval = OE_UNEXPECTED;

    memset(out, 0, sizeof(*out));
    memset(&proof, 0, sizeof(proof));
    if (cm_attest_target_info(own) != OE_OK) {
        return;
    }
    memcpy(&target, own, sizeof(target));
    if (cm_attest_answer(cm_attest_wish_ocall(&retval, &target, &accepts, &proof, root_key),
                         &retval) != OE_OK) {
        return;
    }
    /* a debug enclave is in its host's hands already: it may as well do what the host says */
    out->debug = (accepts & ACCEPT_DEBUG) != 0 && (cm_attribute_flags() & SGX_ATTR_DEBUG) != 0;
    out->has_root = (accepts & ACCEPT_EMULATED) != 0 && proven(&proof, root_key) &&
                    spki_of(root_key, out->root);
}
