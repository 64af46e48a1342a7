/*
 * Reports of the older attestation API, and the identity of an enclave. The functions are declared in
 * openenclave/enclave.h, openenclave/host.h and openenclave/host_verify.h.
 */
#ifndef _OE_BITS_REPORT_H
#define _OE_BITS_REPORT_H

#include "defs.h"
#include "types.h"

OE_EXTERNC_BEGIN

/** For oe_get_report(): a report for a verifier elsewhere. Without it: for this machine. */
#define OE_REPORT_FLAGS_REMOTE_ATTESTATION 0x00000001

/** Bytes that an enclave can bind to its report. */
#define OE_REPORT_DATA_SIZE 64

/** No report is longer: 10 KiB. */
#define OE_MAX_REPORT_SIZE 10240

#define OE_UNIQUE_ID_SIZE  32
#define OE_SIGNER_ID_SIZE  32
#define OE_PRODUCT_ID_SIZE 16

/** Of oe_identity_t.attributes: the enclave can be debugged, so it keeps no secret from its host. */
#define OE_REPORT_ATTRIBUTES_DEBUG 0x0000000000000001ULL
/** Of oe_identity_t.attributes: the report can be verified on another machine. */
#define OE_REPORT_ATTRIBUTES_REMOTE   0x0000000000000002ULL
#define OE_REPORT_ATTRIBUTES_RESERVED (~(OE_REPORT_ATTRIBUTES_DEBUG | OE_REPORT_ATTRIBUTES_REMOTE))

/** Who an enclave is. id_version says which fields there are; 0: all below. */
typedef struct _oe_identity {
    uint32_t id_version;
    uint32_t security_version;              /**< ISVSVN */
    uint64_t attributes;                    /**< OE_REPORT_ATTRIBUTES_* */
    uint8_t unique_id[OE_UNIQUE_ID_SIZE];   /**< MRENCLAVE */
    uint8_t signer_id[OE_SIGNER_ID_SIZE];   /**< MRSIGNER */
    uint8_t product_id[OE_PRODUCT_ID_SIZE]; /**< ISVPRODID, little endian, then zeros */
} oe_identity_t;

/** A report taken apart. The pointers point into the report's bytes. */
typedef struct _oe_report {
    size_t size;                /**< of this structure */
    oe_enclave_type_t type;     /**< OE_ENCLAVE_TYPE_SGX */
    size_t report_data_size;    /**< OE_REPORT_DATA_SIZE */
    size_t enclave_report_size; /**< of a local report 432, of a remote one the quote's */
    uint8_t *report_data;       /**< what the enclave bound to it */
    uint8_t *enclave_report;    /**< REPORT or quote */
    oe_identity_t identity;
    uint32_t verification_result; /**< of a verified remote report: oe_sgx_tcb_status_t */
} oe_report_t;

OE_EXTERNC_END

#endif
