/*
 * Basic types of the public enclave API. Depends on nothing but the compiler, so that it serves
 * inside and outside and beside any C library (the compiler's own type macros agree with it).
 */
#ifndef _OE_BITS_TYPES_H
#define _OE_BITS_TYPES_H

#include "defs.h"

#ifndef NULL
#ifdef __cplusplus
#define NULL 0L
#else
#define NULL ((void *)0)
#endif
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long oe_ssize_t;
typedef long oe_off_t;

#define OE_INT8_MIN   (-1 - 0x7f)
#define OE_INT8_MAX   (0x7f)
#define OE_UINT8_MAX  (0xff)
#define OE_INT16_MIN  (-1 - 0x7fff)
#define OE_INT16_MAX  (0x7fff)
#define OE_UINT16_MAX (0xffff)
#define OE_INT32_MIN  (-1 - 0x7fffffff)
#define OE_INT32_MAX  (0x7fffffff)
#define OE_UINT32_MAX (0xffffffffu)
#define OE_INT64_MIN  (-1 - 0x7fffffffffffffff)
#define OE_INT64_MAX  (0x7fffffffffffffff)
#define OE_UINT64_MAX (0xffffffffffffffffu)
#define OE_CHAR_BIT   8
#define OE_CHAR_MIN   (-128)
#define OE_CHAR_MAX   127
#define OE_SCHAR_MIN  OE_INT8_MIN
#define OE_SCHAR_MAX  OE_INT8_MAX
#define OE_UCHAR_MAX  OE_UINT8_MAX
#define OE_SHRT_MIN   OE_INT16_MIN
#define OE_SHRT_MAX   OE_INT16_MAX
#define OE_USHRT_MAX  OE_UINT16_MAX
#define OE_INT_MIN    OE_INT32_MIN
#define OE_INT_MAX    OE_INT32_MAX
#define OE_UINT_MAX   OE_UINT32_MAX
#define OE_LONG_MIN   OE_INT64_MIN
#define OE_LONG_MAX   OE_INT64_MAX
#define OE_ULONG_MAX  OE_UINT64_MAX
#define OE_LLONG_MIN  OE_INT64_MIN
#define OE_LLONG_MAX  OE_INT64_MAX
#define OE_ULLONG_MAX OE_UINT64_MAX
#define OE_SSIZE_MAX  OE_INT64_MAX
#define OE_SIZE_MAX   OE_UINT64_MAX

OE_EXTERNC_BEGIN

/** The kind of Trusted Execution Environment an enclave runs in. */
__extension__ typedef enum _oe_enclave_type {
    OE_ENCLAVE_TYPE_AUTO = 1,  /**< the one that the image was built for */
    OE_ENCLAVE_TYPE_SGX = 2,   /**< Intel SGX, or its emulation */
    OE_ENCLAVE_TYPE_OPTEE = 3, /**< a trusted application of OP-TEE */
    __OE_ENCLAVE_TYPE_MAX = OE_ENUM_MAX,
} oe_enclave_type_t;

/** An enclave as its host sees it; opaque. */
typedef struct _oe_enclave oe_enclave_t;

/** What a seal key is bound to. */
__extension__ typedef enum _oe_seal_policy {
    OE_SEAL_POLICY_UNIQUE = 1,  /**< this very enclave (MRENCLAVE) */
    OE_SEAL_POLICY_PRODUCT = 2, /**< enclaves of the same signer and product */
    _OE_SEAL_POLICY_MAX = OE_ENUM_MAX,
} oe_seal_policy_t;

/** A date and time in UTC. */
typedef struct _oe_datetime {
    uint32_t year;    /**< full year, such as 2026 */
    uint32_t month;   /**< 1 to 12 */
    uint32_t day;     /**< 1 to 31 */
    uint32_t hours;   /**< 0 to 23 */
    uint32_t minutes; /**< 0 to 59 */
    uint32_t seconds; /**< 0 to 59 */
} oe_datetime_t;

typedef int oe_clockid_t;

OE_EXTERNC_END

#endif
