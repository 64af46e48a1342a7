/*
 * SPDM 1.1 measurements of NVIDIA's GPUs and switches (DMTF DSP0274 1.1, sections 10.11): the request
 * GET_MEASUREMENTS and the response MEASUREMENTS, one behind the other as NVIDIA's tools keep them, and
 * the opaque data in the response. Taking apart only; nothing is verified.
 */
#ifndef CM_NVIDIA_SPDM_H
#define CM_NVIDIA_SPDM_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_SPDM_REQUEST_SIZE   37u
#define CM_SPDM_NONCE_SIZE     32u
#define CM_SPDM_SIGNATURE_SIZE 96u /* ECDSA on P-384, r and s, big endian */
#define CM_SPDM_MAX_BLOCKS     255u
#define CM_SPDM_MAX_OPAQUE     64u

/* One measurement block (DSP0274 tables 44 and 45). */
struct cm_spdm_block {
    uint8_t index;
    uint8_t type; /* DMTFSpecMeasurementValueType without its bit 7 */
    bool raw;     /* bit 7: the value itself and not its digest */
    struct cm_span value;
};

/* What NVIDIA puts into the opaque data, by number. */
enum cm_nvidia_opaque {
    CM_NVIDIA_DRIVER_VERSION = 3,
    CM_NVIDIA_GPU_INFO = 4,
    CM_NVIDIA_VBIOS_VERSION = 6,
    CM_NVIDIA_NVDEC0_STATUS = 11,
    CM_NVIDIA_MSR_COUNT = 12,
    CM_NVIDIA_CPR_INFO = 13,
    CM_NVIDIA_BOARD_ID = 14,
    CM_NVIDIA_CHIP_SKU = 15,
    CM_NVIDIA_CHIP_SKU_MOD = 16,
    CM_NVIDIA_PROJECT = 17,
    CM_NVIDIA_PROJECT_SKU = 18,
    CM_NVIDIA_PROJECT_SKU_MOD = 19,
    CM_NVIDIA_FWID = 20,
    CM_NVIDIA_PROTECTED_PCIE = 21,
    CM_NVIDIA_SWITCH_PDI = 22,
    CM_NVIDIA_FLOORSWEPT_PORTS = 23,
    CM_NVIDIA_POSITION_ID = 24,
    CM_NVIDIA_LOCK_SWITCH = 25,
    CM_NVIDIA_GPU_PDIS = 26,
    CM_NVIDIA_OPAQUE_VERSION = 34,
    CM_NVIDIA_CHIP_INFO = 35,
    CM_NVIDIA_FEATURE_FLAG = 36,
};

struct cm_nvidia_field {
    uint16_t type;
    uint16_t value_type; /* of opaque data with a header; else 0 */
    struct cm_span value;
};

struct cm_spdm_report {
    struct cm_span nonce;        /* the request's: what the verifier asked with */
    struct cm_span signed_bytes; /* request and response without the signature */
    struct cm_span response_nonce;
    struct cm_span signature;
    struct cm_span opaque; /* as a whole */
    uint8_t slot;
    struct cm_spdm_block blocks[CM_SPDM_MAX_BLOCKS];
    size_t block_count;
    struct cm_nvidia_field fields[CM_SPDM_MAX_OPAQUE];
    size_t field_count;
};

/**
 * Take request and response apart. Blocks come in rising order of their index, each once; the opaque data
 * are fields to their last byte, each type once, with or without NVIDIA's header.
 *
 * @param bytes  UNTRUSTED; borrowed as long as out is used. One NUL or new line may follow, which no
 *               signature covers and which one of NVIDIA's tools writes.
 * @param why    names what is wrong.
 * @retval CM_ERR_FORMAT @retval CM_ERR_UNSUPPORTED another version, message, hash or opaque format
 */
CM_MUST_USE enum cm_status cm_spdm_parse(struct cm_span bytes, struct cm_spdm_report *out,
                                         struct cm_why *why);

/** The value of a field of the opaque data; {NULL, 0} when it is not there. */
struct cm_span cm_spdm_field(const struct cm_spdm_report *r, enum cm_nvidia_opaque type);

#endif
