/*
 * The SGX properties structure in the section .oeinfo, and the macros that emit it. The layout is
 * shared by the enclave's compiler, the signer, the loader and the runtime.
 */
#ifndef _OE_BITS_SGX_SGXPROPERTIES_H
#define _OE_BITS_SGX_SGXPROPERTIES_H

#include "../properties.h"

#define OE_SGX_MAX_TCS         1024

#define OE_SGX_FLAGS_DEBUG     0x0000000000000002ULL
#define OE_SGX_FLAGS_MODE64BIT 0x0000000000000004ULL
#define OE_SGX_FLAGS_KSS       0x0000000000000080ULL
#define OE_SGX_SIGSTRUCT_SIZE  1808

typedef struct _oe_sgx_enclave_flags_t {
    uint32_t capture_pf_gp_exceptions : 1;
    uint32_t create_zero_base_enclave : 1;
    uint32_t reserved : 30;
} oe_sgx_enclave_flags_t;

typedef struct _oe_sgx_enclave_config_t {
    uint16_t product_id;
    uint16_t security_version;
    oe_sgx_enclave_flags_t flags;
    uint8_t family_id[16];
    uint8_t extended_product_id[16];
    uint64_t attributes; /* OE_SGX_FLAGS_*; DEBUG means that debugging is allowed */
    uint64_t xfrm;
    uint64_t start_address; /* of a 0-base enclave */
} oe_sgx_enclave_config_t;

/* Where things are in the image, relative to its base; written by the signer. */
typedef struct _oe_sgx_enclave_image_info_t {
    uint64_t oeinfo_rva;
    uint64_t oeinfo_size;
    uint64_t reloc_rva;
    uint64_t reloc_size;
    uint64_t heap_rva;
    uint64_t enclave_size;
} oe_sgx_enclave_image_info_t;

#define OE_SGX_INFO_END_MARKER 0xececececececececULL

typedef struct _oe_sgx_enclave_properties {
    oe_enclave_properties_header_t header;
    oe_sgx_enclave_config_t config;
    oe_sgx_enclave_image_info_t image_info;
    uint8_t sigstruct[OE_SGX_SIGSTRUCT_SIZE]; /* zero in the measured image */
    uint64_t end_marker;
} oe_sgx_enclave_properties_t;

OE_CHECK_SIZE(sizeof(oe_sgx_enclave_config_t), 64);
OE_CHECK_SIZE(sizeof(oe_sgx_enclave_image_info_t), 48);
OE_CHECK_SIZE(sizeof(oe_sgx_enclave_properties_t), 32 + 64 + 48 + 1808 + 8);

#define OE_INFO_SECTION_NAME     ".oeinfo"

#define __OE_UNPAREN(...)        __VA_ARGS__
#define OE_REMOVE_PARENTHESES(X) __OE_UNPAREN X

#define __OE_SGX_ATTRIBUTES(DEBUG, KSS)                               \
    (OE_SGX_FLAGS_MODE64BIT | ((DEBUG) ? OE_SGX_FLAGS_DEBUG : 0ULL) | \
     ((KSS) ? OE_SGX_FLAGS_KSS : 0ULL))

/**
 * The properties of an enclave with every setting of key separation and sharing (KSS).
 *
 * Extended product and family id: initialisers of 16 bytes in parentheses, ({1, 2, ...}).
 * Page counts are of 4096 bytes; the stack is each thread's; TCS_COUNT is at most OE_SGX_MAX_TCS.
 * Use it once, at file scope, in the enclave's source.
 */
#define OE_SET_ENCLAVE_SGX2(PRODUCT_ID, SECURITY_VERSION, EXTENDED_PRODUCT_ID, FAMILY_ID,   \
                            ALLOW_DEBUG, CAPTURE_PF_GP_EXCEPTIONS, REQUIRE_KSS,             \
                            CREATE_ZERO_BASE_ENCLAVE, START_ADDRESS, HEAP_PAGE_COUNT,       \
                            STACK_PAGE_COUNT, TCS_COUNT)                                    \
    OE_EXTERNC __attribute__((                                                              \
        section(OE_INFO_SECTION_NAME), used,                                                \
        aligned(8))) volatile const oe_sgx_enclave_properties_t oe_enclave_properties_sgx = \
        {/* header */                                                                       \
         {sizeof(oe_sgx_enclave_properties_t),                                              \
          OE_ENCLAVE_TYPE_SGX,                                                              \
          {(HEAP_PAGE_COUNT), (STACK_PAGE_COUNT), (TCS_COUNT)}}, /* config */               \
         {(PRODUCT_ID),                                                                     \
          (SECURITY_VERSION),                                                               \
          {(CAPTURE_PF_GP_EXCEPTIONS), (CREATE_ZERO_BASE_ENCLAVE), 0},                      \
          OE_REMOVE_PARENTHESES(FAMILY_ID),                                                 \
          OE_REMOVE_PARENTHESES(EXTENDED_PRODUCT_ID),                                       \
          __OE_SGX_ATTRIBUTES(ALLOW_DEBUG, REQUIRE_KSS),                                    \
          0,                                                                                \
          (START_ADDRESS)},  /* image_info, filled by the signer */                         \
         {0, 0, 0, 0, 0, 0}, /* sigstruct, filled by the signer */                          \
         {0},                                                                               \
         OE_SGX_INFO_END_MARKER};                                                           \
    OE_STATIC_ASSERT((TCS_COUNT) >= 1 && (TCS_COUNT) <= OE_SGX_MAX_TCS)

/** The properties of an enclave; see OE_SET_ENCLAVE_SGX2 for those with KSS. */
#define OE_SET_ENCLAVE_SGX(PRODUCT_ID, SECURITY_VERSION, ALLOW_DEBUG, HEAP_PAGE_COUNT,       \
                           STACK_PAGE_COUNT, TCS_COUNT)                                      \
    OE_SET_ENCLAVE_SGX2(PRODUCT_ID, SECURITY_VERSION, ({0}), ({0}), ALLOW_DEBUG, 0, 0, 0, 0, \
                        HEAP_PAGE_COUNT, STACK_PAGE_COUNT, TCS_COUNT)

#endif
