/* Reports of the older API, for what host and enclave build upon. */
#ifndef CM_ATTEST_REPORT_H
#define CM_ATTEST_REPORT_H

#include "attest/attest_quote.h"

/** @retval OE_INVALID_PARAMETER  no report header @retval OE_REPORT_PARSE_ERROR */
oe_result_t cm_report_parse(struct cm_span report, enum cm_report_type *type, oe_report_t *out);

/**
 * @param endorsements   ptr NULL: fetch them.
 * @param parsed_report  or NULL; set with OE_OK and OE_TCB_LEVEL_INVALID.
 * @retval OE_UNSUPPORTED  a local report; else as of oe_verify_evidence()
 */
oe_result_t cm_report_verify_remote(struct cm_span report, struct cm_span endorsements,
                                    oe_report_t *parsed_report);

/* The API's functions of both sides, which enclave.h, host.h and host_verify.h declare. */
oe_result_t oe_parse_report(const uint8_t *report, size_t report_size, oe_report_t *parsed_report);
oe_result_t oe_get_target_info_v2(const uint8_t *report, size_t report_size,
                                  void **target_info_buffer, size_t *target_info_size);
void oe_free_target_info(void *target_info_buffer);
void oe_free_report(uint8_t *report_buffer);
oe_result_t oe_verify_remote_report(const uint8_t *report, size_t report_size,
                                    const uint8_t *endorsements, size_t endorsements_size,
                                    oe_report_t *parsed_report);

#endif
