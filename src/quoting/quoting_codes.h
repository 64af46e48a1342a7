/* Private to src/quoting: what Intel's result codes mean here. */
#ifndef CM_QUOTING_CODES_H
#define CM_QUOTING_CODES_H

#include <casemate/status.h>
#include <stdint.h>

/** quote3_error_t of libsgx_dcap_ql and libdcap_quoteprov; 0 is CM_OK. */
CM_MUST_USE enum cm_status cm_quoting_ql_status(uint32_t code, const char *function,
                                                struct cm_why *why);

#define CM_AESM_KEY_UNINITIALIZED 0x8003u

/** sgx_status_t of libsgx_quote_ex; 0 is CM_OK. */
CM_MUST_USE enum cm_status cm_quoting_aesm_status(uint32_t code, const char *function,
                                                  struct cm_why *why);

#endif
