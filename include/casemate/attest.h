/*
 * What oe_verify_evidence() and oe_verify_report() accept beside production enclaves on genuine
 * platforms: nothing, until one of these functions says so by name. Host and enclave each have
 * settings of their own, for the whole process or the whole enclave. There is no way back: a setting
 * that protects nobody should be made once, where the program starts.
 *
 * A user can set the same for a host program without changing it, and a line of the log says so once:
 *   CASEMATE_ACCEPT_EMULATED=1   accept evidence of emulated platforms
 *   CASEMATE_ACCEPT_DEBUG=1      accept evidence of debug enclaves
 * An enclave does not believe its host. It follows the first variable only if the host proves that
 * this very enclave runs on the emulator, and then for that emulated platform only; the second only
 * if the enclave itself is a debug enclave, so that it has nothing to lose.
 *
 * Host and enclave; thread-safe.
 */
#ifndef CASEMATE_ATTEST_H
#define CASEMATE_ATTEST_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Accept evidence of EMULATED platforms: of any whose root certificate names itself "Casemate
 * EMULATED SGX Root CA". Such evidence proves nothing, since anybody can make it. The claims then
 * have one named "emulated".
 */
void cm_attest_accept_emulated(void);

/** Accept evidence of debug enclaves and debug TDs, whose hosts can read and change them. */
void cm_attest_accept_debug(void);

/**
 * Trust a further root of quotes beside Intel's, by its key.
 *
 * @param spki_sha256  SHA-256 of the SubjectPublicKeyInfo of its certificate.
 * @param emulated     it is an emulator's: its evidence is accepted, and the claims say "emulated".
 * @retval CM_ERR_LIMIT  there are eight already
 * @retval CM_ERR_PARAM  NULL
 */
CM_MUST_USE enum cm_status cm_attest_trust_root(const uint8_t spki_sha256[32], bool emulated);

/**
 * Why this thread's last oe_verify_evidence() did not accept: the sentence that the log has. The
 * results of that function do not tell a debug enclave from a forged quote; a user wants to know.
 *
 * @return one line of printable ASCII for people, at most 255 characters; "" when nothing was refused
 *         or the result says it all. Never decide by it. Valid until this thread's next call of
 *         oe_verify_evidence().
 */
const char *cm_attest_refusal(void);

#ifdef __cplusplus
}
#endif
#endif
