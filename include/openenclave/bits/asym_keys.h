/*
 * Parameters of the key pairs that are derived from an enclave's seal key. The same types come from
 * openenclave/edl/asym_keys.edl when an EDL file imports it; the guards keep the two apart.
 */
#ifndef _OE_BITS_ASYM_KEYS_H
#define _OE_BITS_ASYM_KEYS_H

#include "types.h"

#ifndef EDGER8R_ENUM_oe_asymmetric_key_type_t
#define EDGER8R_ENUM_oe_asymmetric_key_type_t
typedef enum oe_asymmetric_key_type_t {
    OE_ASYMMETRIC_KEY_EC_SECP256P1 = 1, /**< NIST P-256 (secp256r1) */
    _OE_ASYMMETRIC_KEY_TYPE_MAX = 2147483647
} oe_asymmetric_key_type_t;
#endif

#ifndef EDGER8R_ENUM_oe_asymmetric_key_format_t
#define EDGER8R_ENUM_oe_asymmetric_key_format_t
typedef enum oe_asymmetric_key_format_t {
    OE_ASYMMETRIC_KEY_PEM = 1, /**< PEM text with its terminator */
    _OE_ASYMMETRIC_KEY_FORMAT_MAX = 2147483647
} oe_asymmetric_key_format_t;
#endif

#ifndef EDGER8R_NAME_oe_asymmetric_key_params_t
#define EDGER8R_NAME_oe_asymmetric_key_params_t
typedef struct oe_asymmetric_key_params_t oe_asymmetric_key_params_t;
#endif

#ifndef EDGER8R_STRUCT_oe_asymmetric_key_params_t
#define EDGER8R_STRUCT_oe_asymmetric_key_params_t
struct oe_asymmetric_key_params_t {
    oe_asymmetric_key_type_t type;
    oe_asymmetric_key_format_t format;
    void *user_data; /**< enters the derivation: different data, different keys. May be NULL */
    size_t user_data_size; /**< bytes at user_data */
};
#endif

#endif
