/* Endorsements, as they stand in files and are passed on. */
#ifndef _OE_BITS_ATTESTATION_H
#define _OE_BITS_ATTESTATION_H

#include "defs.h"
#include "evidence.h"
#include "types.h"

OE_EXTERNC_BEGIN

/** No endorsements are longer: 200 KiB. */
#define OE_ATTESTATION_ENDORSEMENT_MAX_SIZE 204800
#define OE_ATTESTATION_ENDORSEMENT_VERSION  (1)

/**
 * Endorsements: what the maker of a platform says about it. Little endian. buffer begins with
 * num_elements offsets (uint32_t), relative to their end; the elements follow in their order
 * without gaps. Text ends with a zero byte, which counts.
 */
typedef struct _oe_endorsements_t {
    uint32_t version;      /**< OE_ATTESTATION_ENDORSEMENT_VERSION */
    uint32_t enclave_type; /**< oe_enclave_type_t */
    uint32_t buffer_size;  /**< bytes at buffer */
    uint32_t num_elements; /**< OE_SGX_ENDORSEMENT_COUNT */
    OE_ZERO_SIZED_ARRAY uint8_t buffer[0];
} oe_endorsements_t;

#define OE_SGX_ENDORSEMENTS_VERSION   (1)
#define OE_SGX_ENDORSEMENTS_CRL_COUNT (2)

/** The elements of SGX and TDX endorsements. */
typedef enum _oe_sgx_endorsements_fields_t {
    OE_SGX_ENDORSEMENT_FIELD_VERSION, /**< uint32_t, OE_SGX_ENDORSEMENTS_VERSION */
    OE_SGX_ENDORSEMENT_FIELD_TCB_INFO,
    OE_SGX_ENDORSEMENT_FIELD_TCB_ISSUER_CHAIN,
    OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_CERT,    /**< the PCK CA's revocation list */
    OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_PROC_CA, /**< the root's revocation list */
    OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT,
    OE_SGX_ENDORSEMENT_FIELD_QE_ID_INFO,
    OE_SGX_ENDORSEMENT_FIELD_QE_ID_ISSUER_CHAIN,
    OE_SGX_ENDORSEMENT_FIELD_CREATION_DATETIME, /**< "YYYY-MM-DDTHH:MM:SSZ"; said by nobody */
    OE_SGX_ENDORSEMENT_COUNT
} oe_sgx_endorsements_fields_t;

OE_EXTERNC_END

#endif
