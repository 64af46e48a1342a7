/* Reports of the older attestation API, on the host; part of openenclave/host.h. */
#ifndef _OE_BITS_HOST_REPORTS_H
#define _OE_BITS_HOST_REPORTS_H

#include "report.h"
#include "result.h"

OE_EXTERNC_BEGIN

#define oe_get_report      oe_get_report_v2
#define oe_get_target_info oe_get_target_info_v2

/**
 * A report of an enclave, which imports openenclave/edl/sgx/attestation.edl. Its report data are
 * zeros: data are bound by the enclave itself.
 *
 * @param flags          0, or OE_REPORT_FLAGS_REMOTE_ATTESTATION.
 * @param opt_params     of local reports: for whom, from oe_get_target_info(); NULL: for nobody.
 * @param report_buffer  set only on OE_OK; to be freed with oe_free_report().
 *
 * @retval OE_INVALID_PARAMETER  NULL, unknown flags, opt_params that are no TARGETINFO
 * @retval OE_UNSUPPORTED        the enclave does not import the EDL file
 * @return else what the enclave's oe_get_report() gives, or why the enclave could not be called
 *
 * Thread-safe, as is everything here.
 */
oe_result_t oe_get_report_v2(oe_enclave_t *enclave, uint32_t flags, const void *opt_params,
                             size_t opt_params_size, uint8_t **report_buffer,
                             size_t *report_buffer_size);

/** Accepts NULL. */
void oe_free_report(uint8_t *report_buffer);

/**
 * Whom to make a report for so that the enclave which made this one can verify it.
 *
 * @param report              UNTRUSTED; local or remote. Nothing of it is verified.
 * @param target_info_buffer  set only on OE_OK; to be freed with oe_free_target_info().
 * @retval OE_INVALID_PARAMETER, OE_REPORT_PARSE_ERROR, OE_OUT_OF_MEMORY
 */
oe_result_t oe_get_target_info_v2(const uint8_t *report, size_t report_size,
                                  void **target_info_buffer, size_t *target_info_size);

/** Accepts NULL. */
void oe_free_target_info(void *target_info_buffer);

/**
 * Take a report apart. Nothing is verified.
 *
 * @param parsed_report  set only on OE_OK; points into report.
 * @retval OE_INVALID_PARAMETER   NULL, or no report header
 * @retval OE_REPORT_PARSE_ERROR  its content is neither REPORT nor quote
 */
oe_result_t oe_parse_report(const uint8_t *report, size_t report_size, oe_report_t *parsed_report);

/**
 * Verify a report.
 *
 * @param enclave        of a local report: the enclave that it was made for, which verifies it (and
 *                       imports openenclave/edl/sgx/attestation.edl). NULL for a remote one.
 * @param parsed_report  or NULL; set with OE_OK and OE_TCB_LEVEL_INVALID, points into report.
 * @retval OE_INVALID_PARAMETER  a local report without an enclave
 * @retval OE_UNSUPPORTED        the enclave does not import the EDL file
 * @return else the results of oe_parse_report() and of oe_verify_evidence()
 */
oe_result_t oe_verify_report(oe_enclave_t *enclave, const uint8_t *report, size_t report_size,
                             oe_report_t *parsed_report);

OE_EXTERNC_END

#endif
