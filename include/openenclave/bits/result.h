/* Result codes of the public enclave API. Values are fixed; new ones are appended. */
#ifndef _OE_BITS_RESULT_H
#define _OE_BITS_RESULT_H

#include "types.h"

OE_EXTERNC_BEGIN

/* clang-format off */
__extension__ typedef enum _oe_result {
    OE_OK = 0, /**< success */
    OE_FAILURE = 1, /**< failed for no more specific reason */
    OE_BUFFER_TOO_SMALL = 2, /**< the caller's buffer is too small; the size needed was returned */
    OE_INVALID_PARAMETER = 3, /**< an argument is invalid */
    OE_REENTRANT_ECALL = 4, /**< an ecall was made from within an ocall on the same thread */
    OE_OUT_OF_MEMORY = 5, /**< memory ran out */
    OE_OUT_OF_THREADS = 6, /**< every thread slot (TCS) of the enclave is in use */
    OE_UNEXPECTED = 7, /**< something happened that should be impossible */
    OE_VERIFY_FAILED = 8, /**< a check of evidence or data failed */
    OE_NOT_FOUND = 9, /**< an object, file or function does not exist */
    OE_INTEGER_OVERFLOW = 10, /**< a computed size does not fit */
    OE_PUBLIC_KEY_NOT_FOUND = 11, /**< no public key for this purpose */
    OE_OUT_OF_BOUNDS = 12, /**< an index or address is out of range */
    OE_OVERLAPPED_COPY = 13, /**< source and destination overlap */
    OE_CONSTRAINT_FAILED = 14, /**< a stated constraint does not hold */
    OE_IOCTL_FAILED = 15, /**< a call to a driver failed */
    OE_UNSUPPORTED = 16, /**< not supported here */
    OE_READ_FAILED = 17, /**< reading failed */
    OE_SERVICE_UNAVAILABLE = 18, /**< a required service is not running */
    OE_ENCLAVE_ABORTING = 19, /**< the enclave is aborting */
    OE_ENCLAVE_ABORTED = 20, /**< the enclave has aborted */
    OE_PLATFORM_ERROR = 21, /**< the platform failed */
    OE_INVALID_CPUSVN = 22, /**< the CPU security version is newer than the platform's */
    OE_INVALID_ISVSVN = 23, /**< the enclave security version is newer than the enclave's */
    OE_INVALID_KEYNAME = 24, /**< the platform does not know the key name */
    OE_DEBUG_DOWNGRADE = 25, /**< a debug enclave was asked for but the signature forbids it */
    OE_REPORT_PARSE_ERROR = 26, /**< a report is malformed */
    OE_MISSING_CERTIFICATE_CHAIN = 27, /**< the certificate chain is missing */
    OE_BUSY = 28, /**< in use */
    OE_NOT_OWNER = 29, /**< the caller does not own the object */
    OE_INVALID_SGX_CERTIFICATE_EXTENSIONS = 30, /**< the SGX extensions of a certificate are malformed */
    OE_MEMORY_LEAK = 31, /**< the enclave ended with memory that was not freed */
    OE_BAD_ALIGNMENT = 32, /**< an address is not aligned as required */
    OE_JSON_INFO_PARSE_ERROR = 33, /**< signed JSON is malformed */
    OE_TCB_LEVEL_INVALID = 34, /**< the platform's TCB level is not acceptable */
    OE_QUOTE_PROVIDER_LOAD_ERROR = 35, /**< the quote provider library could not be loaded */
    OE_QUOTE_PROVIDER_CALL_ERROR = 36, /**< the quote provider library failed */
    OE_INVALID_REVOCATION_INFO = 37, /**< revocation data are invalid */
    OE_INVALID_UTC_DATE_TIME = 38, /**< a date or time is invalid */
    OE_INVALID_QE_IDENTITY_INFO = 39, /**< the quoting enclave's identity data are invalid */
    OE_INVALID_ENDORSEMENT = 40, /**< endorsements are invalid */
    OE_UNSUPPORTED_ENCLAVE_IMAGE = 41, /**< the image uses a feature that enclaves may not */
    OE_VERIFY_CRL_EXPIRED = 42, /**< a revocation list has expired */
    OE_VERIFY_CRL_MISSING = 43, /**< a revocation list is missing */
    OE_VERIFY_REVOKED = 44, /**< a certificate is revoked */
    OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD = 45, /**< no period in which all parts are valid */
    OE_CRYPTO_ERROR = 46, /**< the cryptographic library failed */
    OE_INCORRECT_REPORT_SIZE = 47, /**< a report has the wrong size */
    OE_QUOTE_VERIFICATION_ERROR = 48, /**< a quote does not verify */
    OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED = 49, /**< the quoting enclave's identity does not verify */
    OE_QUOTE_ENCLAVE_IDENTITY_UNIQUEID_MISMATCH = 50, /**< the quoting enclave's unique id differs */
    OE_QE_QUOTE_ENCLAVE_IDENTITY_PRODUCTID_MISMATCH = 51, /**< the quoting enclave's product id differs */
    OE_VERIFY_FAILED_AES_CMAC_MISMATCH = 52, /**< a report's MAC does not match */
    OE_CONTEXT_SWITCHLESS_OCALL_MISSED = 53, /**< no worker took the switchless call */
    OE_THREAD_CREATE_ERROR = 54, /**< a thread could not be created */
    OE_THREAD_JOIN_ERROR = 55, /**< a thread could not be joined */
    OE_ALREADY_EXISTS = 56, /**< it exists already */
    OE_ALREADY_INITIALIZED = 57, /**< it is initialised already */
    OE_QUOTE_HASH_MISMATCH = 58, /**< a hash in a quote differs */
    OE_INVALID_SGX_SIGNING_KEY = 59, /**< the signing key is not RSA-3072 with exponent 3 */
    OE_INVALID_IMAGE = 60, /**< the image is malformed */
    OE_QUOTE_LIBRARY_LOAD_ERROR = 61, /**< the quoting library could not be loaded */
    OE_SGX_QUOTE_LIBRARY_ERROR = 62, /**< the quoting library failed */
    __OE_RESULT_MAX = OE_ENUM_MAX,
} oe_result_t;
/* clang-format on */

/**
 * The name of a result code, such as "OE_OK"; for an unknown value "UNKNOWN". Never NULL, static.
 * Thread-safe. Both sides of the boundary.
 */
const char *oe_result_str(oe_result_t result);

OE_EXTERNC_END

#endif
