/* Reports of the older attestation API, inside an enclave; part of openenclave/enclave.h. */
#ifndef _OE_BITS_ENCLAVE_REPORTS_H
#define _OE_BITS_ENCLAVE_REPORTS_H

#include "report.h"
#include "result.h"

OE_EXTERNC_BEGIN

#define oe_get_report      oe_get_report_v2
#define oe_get_target_info oe_get_target_info_v2

/**
 * A report of this enclave with the caller's data in it.
 *
 * @param flags             0: for an enclave on this machine; OE_REPORT_FLAGS_REMOTE_ATTESTATION: a
 *                          quote, for which the enclave imports openenclave/edl/sgx/attestation.edl.
 * @param report_data       at most OE_REPORT_DATA_SIZE bytes, zeros follow; NULL when the size is 0.
 * @param opt_params        of local reports: for whom, from oe_get_target_info(); NULL: for nobody,
 *                          to tell others this enclave's target info. NULL for remote ones.
 * @param report_buffer     set only on OE_OK; to be freed with oe_free_report().
 *
 * @retval OE_INVALID_PARAMETER  NULL, unknown flags, too much data, opt_params that are no TARGETINFO
 * @return else the results of oe_get_evidence()
 *
 * Thread-safe, as is everything here.
 */
oe_result_t oe_get_report_v2(uint32_t flags, const uint8_t *report_data, size_t report_data_size,
                             const void *opt_params, size_t opt_params_size,
                             uint8_t **report_buffer, size_t *report_buffer_size);

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
 * Verify a report: a local one was made on this processor for this enclave; a remote one as
 * oe_verify_evidence() does, with endorsements from the host and at the host's time.
 *
 * @param parsed_report  or NULL; set with OE_OK and OE_TCB_LEVEL_INVALID, points into report.
 * @return the results of oe_parse_report() and of oe_verify_evidence()
 */
oe_result_t oe_verify_report(const uint8_t *report, size_t report_size, oe_report_t *parsed_report);

/** As oe_verify_report() for a remote report, with endorsements that the caller has. */
oe_result_t oe_verify_remote_report(const uint8_t *report, size_t report_size,
                                    const uint8_t *endorsements, size_t endorsements_size,
                                    oe_report_t *parsed_report);

OE_EXTERNC_END

#endif
