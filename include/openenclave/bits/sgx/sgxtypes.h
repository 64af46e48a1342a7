/*
 * What the SGX architecture defines, as far as applications meet it: identities, reports, quotes,
 * key requests (Intel SDM Vol. 3D, chapters 38 and 40; Intel's ECDSA quote format). All numbers are
 * little endian; the structures are exactly the bytes.
 */
#ifndef _OE_SGXTYPES_H
#define _OE_SGXTYPES_H

#include "../defs.h"
#include "../types.h"

OE_EXTERNC_BEGIN

#define OE_SHA256_SIZE 32

/* ATTRIBUTES.FLAGS */
#define SGX_FLAGS_INITTED        0x0000000000000001ULL
#define SGX_FLAGS_DEBUG          0x0000000000000002ULL
#define SGX_FLAGS_MODE64BIT      0x0000000000000004ULL
#define SGX_FLAGS_PROVISION_KEY  0x0000000000000010ULL
#define SGX_FLAGS_EINITTOKEN_KEY 0x0000000000000020ULL
#define SGX_FLAGS_KSS            0x0000000000000080ULL

#define SGX_CPUSVN_SIZE          16
#define SGX_KEYID_SIZE           32
#define SGX_MAC_SIZE             16

typedef struct _sgx_attributes {
    uint64_t flags;
    uint64_t xfrm;
} sgx_attributes_t;
OE_CHECK_SIZE(sizeof(sgx_attributes_t), 16);

/* ------------------------------------------------- enclaves and their threads */

#define OE_KEY_SIZE      384
#define OE_EXPONENT_SIZE 4

/** SIGSTRUCT: who signed which enclave. Numbers are little endian, the modulus and signature too. */
#pragma pack(push, 1)
typedef struct _sgx_sigstruct {
    uint8_t header[12];
    uint32_t type;
    uint32_t vendor;
    uint32_t date; /* 0xYYYYMMDD */
    uint8_t header2[16];
    uint32_t swdefined;
    uint8_t reserved[84];
    uint8_t modulus[OE_KEY_SIZE];
    uint8_t exponent[OE_EXPONENT_SIZE];
    uint8_t signature[OE_KEY_SIZE];
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t reserved2[4];
    uint8_t isvfamilyid[16];
    sgx_attributes_t attributes;
    sgx_attributes_t attributemask;
    uint8_t enclavehash[OE_SHA256_SIZE];
    uint8_t reserved3[16];
    uint8_t isvextprodid[16];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint8_t reserved4[12];
    uint8_t q1[OE_KEY_SIZE];
    uint8_t q2[OE_KEY_SIZE];
} sgx_sigstruct_t;
#pragma pack(pop)
OE_CHECK_SIZE(sizeof(sgx_sigstruct_t), 1808);

/** EXITINFO: why an enclave was left. */
typedef union {
    struct {
        uint32_t vector : 8;
        uint32_t exit_type : 3;
        uint32_t mbz : 20;
        uint32_t valid : 1;
    } as_fields;
    uint32_t as_uint32;
} sgx_exit_info;

/** The general-purpose registers at the end of a frame of the state save area. */
typedef struct sgx_ssa_gpr_t {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags;
    uint64_t rip;
    uint64_t ursp;
    uint64_t urbp;
    sgx_exit_info exit_info;
    uint32_t reserved;
    uint64_t fs_base;
    uint64_t gs_base;
} sgx_ssa_gpr_t;
OE_CHECK_SIZE(sizeof(sgx_ssa_gpr_t), 184);

/* ------------------------------------------------------------------ reports */

/** TARGETINFO: for whom EREPORT makes a report. */
typedef struct _sgx_target_info {
    uint8_t mrenclave[OE_SHA256_SIZE];
    sgx_attributes_t attributes;
    uint8_t cet_attributes;
    uint8_t reserved1;
    uint16_t config_svn;
    uint32_t misc_select;
    uint8_t reserved2[8];
    uint8_t config_id[64];
    uint8_t reserved3[384];
} sgx_target_info_t;
OE_CHECK_SIZE(sizeof(sgx_target_info_t), 512);

typedef struct _sgx_report_data {
    unsigned char field[64];
} sgx_report_data_t;
OE_CHECK_SIZE(sizeof(sgx_report_data_t), 64);

/** The part of a report that its MAC covers, and that a quote carries. */
typedef struct _sgx_report_body {
    uint8_t cpusvn[SGX_CPUSVN_SIZE];
    uint32_t miscselect;
    uint8_t reserved1[12];
    uint8_t isvextprodid[16];
    sgx_attributes_t attributes;
    uint8_t mrenclave[OE_SHA256_SIZE];
    uint8_t reserved2[32];
    uint8_t mrsigner[OE_SHA256_SIZE];
    uint8_t reserved3[32];
    uint8_t configid[64];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    uint8_t reserved4[42];
    uint8_t isvfamilyid[16];
    sgx_report_data_t report_data;
} sgx_report_body_t;
OE_CHECK_SIZE(sizeof(sgx_report_body_t), 384);

/** REPORT. Only the target it was made for can check the MAC. */
typedef struct _sgx_report {
    sgx_report_body_t body;
    uint8_t keyid[SGX_KEYID_SIZE];
    uint8_t mac[SGX_MAC_SIZE];
} sgx_report_t;
OE_CHECK_SIZE(sizeof(sgx_report_t), 432);

/* ------------------------------------------------------------------- quotes */

#define OE_SGX_QUOTE_VERSION (3)

/** Header and report body of an ECDSA quote; signature_len bytes follow. */
#pragma pack(push, 1)
typedef struct _sgx_quote {
    uint16_t version;
    uint16_t sign_type;
    uint8_t reserved[4];
    uint16_t qe_svn;
    uint16_t pce_svn;
    uint8_t uuid[16];
    uint8_t user_data[20];
    sgx_report_body_t report_body;
    uint32_t signature_len;
    OE_ZERO_SIZED_ARRAY uint8_t signature[0];
} sgx_quote_t;
#pragma pack(pop)
OE_CHECK_SIZE(sizeof(sgx_quote_t), 436);

/** The bytes of a quote that its signature covers. */
#define SGX_QUOTE_SIGNED_DATA_SIZE OE_OFFSETOF(sgx_quote_t, signature_len)

typedef struct _sgx_ecdsa256_signature {
    uint8_t r[32];
    uint8_t s[32];
} sgx_ecdsa256_signature_t;
OE_CHECK_SIZE(sizeof(sgx_ecdsa256_signature_t), 64);

typedef struct _sgx_ecdsa256_key {
    uint8_t x[32];
    uint8_t y[32];
} sgx_ecdsa256_key_t;
OE_CHECK_SIZE(sizeof(sgx_ecdsa256_key_t), 64);

/** The beginning of a quote's signature; the QE's authentication data and certificates follow. */
typedef struct _sgx_quote_auth_data {
    sgx_ecdsa256_signature_t signature;
    sgx_ecdsa256_key_t attestation_key;
    sgx_report_body_t qe_report_body;
    sgx_ecdsa256_signature_t qe_report_body_signature;
} sgx_quote_auth_data_t;
OE_CHECK_SIZE(sizeof(sgx_quote_auth_data_t), 576);

/** How a quote names its PCK. */
__extension__ typedef enum _oe_sgx_pckid {
    OE_SGX_PCK_ID_PLAIN_PPID = 1,
    OE_SGX_PCK_ID_ENCRYPTED_PPID_2048 = 2,
    OE_SGX_PCK_ID_ENCRYPTED_PPID_3072 = 3,
    OE_SGX_PCK_ID_PCK_CERTIFICATE = 4,
    OE_SGX_PCK_ID_PCK_CERT_CHAIN = 5,
    __OE_SGX_PCKID_MAX = OE_ENUM_MAX
} oe_sgx_pckid_t;

/* --------------------------------------------------------------------- keys */

#define SGX_KEYSELECT_EINITTOKEN     0x0000
#define SGX_KEYSELECT_PROVISION      0x0001
#define SGX_KEYSELECT_PROVISION_SEAL 0x0002
#define SGX_KEYSELECT_REPORT         0x0003
#define SGX_KEYSELECT_SEAL           0x0004

#define SGX_KEYPOLICY_MRENCLAVE      0x01u
#define SGX_KEYPOLICY_MRSIGNER       0x02u
/* these need SGX_FLAGS_KSS */
#define SGX_KEYPOLICY_NOISVPRODID  0x04u
#define SGX_KEYPOLICY_CONFIGID     0x08u
#define SGX_KEYPOLICY_ISVFAMILYID  0x10u
#define SGX_KEYPOLICY_ISVEXTPRODID 0x20u
#define SGX_KEYPOLICY_ALL                                                           \
    (SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER | SGX_KEYPOLICY_NOISVPRODID | \
     SGX_KEYPOLICY_CONFIGID | SGX_KEYPOLICY_ISVFAMILYID | SGX_KEYPOLICY_ISVEXTPRODID)

/** KEYREQUEST: the key info of oe_get_seal_key_by_policy(). */
typedef struct _sgx_key_request {
    uint16_t key_name;   /* SGX_KEYSELECT_* */
    uint16_t key_policy; /* SGX_KEYPOLICY_* */
    uint16_t isv_svn;
    uint16_t reserved1;
    uint8_t cpu_svn[SGX_CPUSVN_SIZE];
    sgx_attributes_t attribute_mask;
    uint8_t key_id[SGX_KEYID_SIZE];
    uint32_t misc_attribute_mask;
    uint16_t config_svn;
    uint8_t reserved2[434];
} sgx_key_request_t;
OE_CHECK_SIZE(sizeof(sgx_key_request_t), 512);

typedef struct _sgx_key {
    uint8_t buf[16];
} sgx_key_t;
OE_CHECK_SIZE(sizeof(sgx_key_t), 16);

/* Bits that say nothing about security: they stay out of a key, so that sealed data survive a change
 * of them. INIT and DEBUG always go in, whatever a mask says. */
#define SGX_FLAGS_NON_SECURITY_BITS \
    (0xFFFFFFFFFFFFC0ULL | SGX_FLAGS_MODE64BIT | SGX_FLAGS_PROVISION_KEY | SGX_FLAGS_EINITTOKEN_KEY)
#define SGX_MISC_NON_SECURITY_BITS   0x0FFFFFFFU

#define OE_SEALKEY_DEFAULT_FLAGSMASK (~SGX_FLAGS_NON_SECURITY_BITS)
#define OE_SEALKEY_DEFAULT_MISCMASK  (~SGX_MISC_NON_SECURITY_BITS)
#define OE_SEALKEY_DEFAULT_XFRMMASK  (0X0ULL)

OE_EXTERNC_END

#endif
