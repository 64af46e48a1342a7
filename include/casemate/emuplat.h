/*
 * The emulated SGX platform around the emulated processor: what turns a REPORT into a quote, and
 * what its "maker" publishes about it. Quotes are byte for byte in Intel's format (version 3, ECDSA,
 * certification data type 5) and verify like genuine ones, but only under a root of their own,
 * "Casemate EMULATED SGX Root CA", which every user has made for himself at first use.
 *
 * Nothing here protects anything: whoever can read the user's state folder can sign any quote, and
 * the enclave that a quote speaks of ran in a process that could change it. For developing and
 * testing only; verifiers refuse this root unless they are told otherwise (docs/platform.md).
 *
 * Host side only. All functions are thread-safe, and all processes of one user share one platform:
 * files below the state folder (mode 0600), made exactly once, replaced as a whole. Each call reads
 * them anew, so what `casemate platform` changes is seen at once. The clock is read: collateral that
 * grows old is renewed, with higher numbers and later dates.
 *
 * Errors of all functions, beside those that each one names:
 *   CM_ERR_DENIED    a state file is not the user's alone
 *   CM_ERR_FORMAT    a state file is damaged; it is never replaced, why says what to do
 *   CM_ERR_MISMATCH  the state belongs to another processor (its file was replaced by itself)
 *   CM_ERR_EXPIRED   the certificates' time is over: `casemate platform reset`
 *   CM_ERR_NOTFOUND, CM_ERR_IO, CM_ERR_NOMEM, CM_ERR_CRYPTO, CM_ERR_PLATFORM   the environment
 */
#ifndef CASEMATE_EMUPLAT_H
#define CASEMATE_EMUPLAT_H

#include <casemate/dcap.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CM_EMUPLAT_TARGET_INFO_SIZE 512u
#define CM_EMUPLAT_REPORT_SIZE      432u
#define CM_EMUPLAT_ROOT_KEY_SIZE    65u

/** MRENCLAVE of the REPORT of cm_emuplat_prove(), followed by zero bytes up to 32. */
#define CM_EMUPLAT_PROOF_MRENCLAVE "CASEMATE EMULATED PLATFORM"

/**
 * TARGETINFO of the emulated quoting enclave: whoever wants a quote makes a REPORT for it (EREPORT).
 * It is a constant, the same on every emulated platform, and needs no state.
 *
 * @param out  512 bytes, in the processor's layout (SDM volume 3D, TARGETINFO).
 */
CM_MUST_USE enum cm_status cm_emuplat_target_info(uint8_t out[CM_EMUPLAT_TARGET_INFO_SIZE],
                                                  struct cm_why *why);

/**
 * Quote a REPORT, as a quoting enclave does: only if this platform's processor made it.
 *
 * A REPORT of a debug enclave is quoted like any other; verifiers see the attribute.
 *
 * @param report    UNTRUSTED, 432 bytes in the processor's layout; copied at once. May be NULL when
 *                  quote is.
 * @param quote     where the quote goes, or NULL to ask for its size only.
 * @param capacity  bytes at quote.
 * @param size      set to the quote's size also with CM_ERR_SPACE. The size can grow by some bytes
 *                  when the platform's keys are changed meanwhile: then ask again.
 *
 * @retval CM_ERR_SIGNATURE  the MAC is wrong: forged, changed, made by another processor, or not
 *                           made for cm_emuplat_target_info()
 * @retval CM_ERR_SPACE      capacity is too small; quote was not touched
 * @retval CM_ERR_PARAM      a NULL argument
 */
CM_MUST_USE enum cm_status cm_emuplat_quote(const uint8_t report[CM_EMUPLAT_REPORT_SIZE],
                                            uint8_t *quote, size_t capacity, size_t *size,
                                            struct cm_why *why);

/** Collateral as it is at one moment. Immutable; may be used from several threads. */
struct cm_emuplat_bundle;

/**
 * What the emulated maker publishes about this platform: TCB info (version 3) and QE identity with
 * their chains, both revocation lists. Valid now; renewed first if it was growing old.
 *
 * @param out  set only on CM_OK; the caller frees it.
 */
CM_MUST_USE enum cm_status cm_emuplat_collateral(struct cm_emuplat_bundle **out,
                                                 struct cm_why *why);

/** Accepts NULL. */
void cm_emuplat_bundle_free(struct cm_emuplat_bundle *bundle);

/**
 * The bundle as cm_dcap_verify() takes it; spans into the bundle. pck_chain is left out: each quote
 * holds its own, and quotes made before a `rotate` hold another one than quotes made after it.
 */
struct cm_dcap_collateral cm_emuplat_bundle_view(const struct cm_emuplat_bundle *bundle);

/** The emulated root's public key: 04, x, y (an uncompressed point on P-256). Public, not secret. */
CM_MUST_USE enum cm_status cm_emuplat_root_key(uint8_t out[CM_EMUPLAT_ROOT_KEY_SIZE],
                                               struct cm_why *why);

/**
 * The same as a trust root for cm_dcap_verify(), family "sgx", marked as emulated: it is accepted
 * only with CM_VERIFY_ALLOW_EMULATED, and the evidence then says CM_CLAIM_EMULATED.
 */
CM_MUST_USE enum cm_status cm_emuplat_trust_root(struct cm_trust_root *out, struct cm_why *why);

/**
 * Prove to an enclave that it runs on this emulated processor, and which root is its platform's.
 *
 * Makes a REPORT for the enclave whose MRENCLAVE is CM_EMUPLAT_PROOF_MRENCLAVE, which no real
 * enclave can have, and whose report data are SHA-256 of cm_emuplat_root_key(), then zero bytes.
 * The enclave checks its MAC with its own report key. No processor made of hardware makes such a
 * REPORT, so an enclave that accepts emulated evidence because of one is on an emulator itself.
 *
 * @param target_info  of the enclave, 512 bytes.
 * @param report_out   432 bytes; set only on CM_OK.
 * @retval CM_ERR_FORMAT  reserved bytes of target_info are not zero
 */
CM_MUST_USE enum cm_status cm_emuplat_prove(const uint8_t target_info[CM_EMUPLAT_TARGET_INFO_SIZE],
                                            uint8_t report_out[CM_EMUPLAT_REPORT_SIZE],
                                            struct cm_why *why);

#ifdef __cplusplus
}
#endif
#endif
