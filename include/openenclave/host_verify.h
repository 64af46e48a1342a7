/*
 * Verifying on a machine without enclaves: link oehostverify. Beside the function here it has all of
 * verifier.h, custom_claims.h and the sgx and tdx headers below openenclave/attestation.
 */
#ifndef _OE_HOST_VERIFY_H
#define _OE_HOST_VERIFY_H

#ifdef _OE_ENCLAVE_H
#error "openenclave/host_verify.h is for hosts, openenclave/enclave.h for enclaves"
#endif

#include "bits/defs.h"
#include "bits/evidence.h"
#include "bits/report.h"
#include "bits/result.h"

OE_EXTERNC_BEGIN

/**
 * Verify a remote report (oe_get_report() with OE_REPORT_FLAGS_REMOTE_ATTESTATION).
 *
 * @param report         UNTRUSTED.
 * @param endorsements   UNTRUSTED; NULL: they are fetched.
 * @param parsed_report  or NULL; set with OE_OK and OE_TCB_LEVEL_INVALID, points into report.
 * @retval OE_INVALID_PARAMETER, OE_REPORT_PARSE_ERROR
 * @retval OE_UNSUPPORTED  a local report
 * @return else the results of oe_verify_evidence()
 *
 * Thread-safe.
 */
oe_result_t oe_verify_remote_report(const uint8_t *report, size_t report_size,
                                    const uint8_t *endorsements, size_t endorsements_size,
                                    oe_report_t *parsed_report);

OE_EXTERNC_END

#endif
