/*
 * What the SGX architecture defines, as far as applications meet it: identities, reports, quotes,
 * key requests (Intel SDM Vol. 3D, chapters 38 and 40; Intel's ECDSA quote format). All numbers are
 * little endian; the structures are exactly the bytes.
 */
#ifndef _OE_SGXTYPES_H
#define _OE_SGXTYPES_H

#include "../defs.h"
#include "../properties.h"
#include "../result.h"
#include "../types.h"
#include "epid.h"

OE_EXTERNC_BEGIN

#define OE_SHA256_SIZE 32

/* ATTRIBUTES.FLAGS */
#define SGX_FLAGS_INITTED        0x0000000000000001ULL
#define SGX_FLAGS_DEBUG          0x0000000000000002ULL
#define SGX_FLAGS_MODE64BIT      0x0000000000000004ULL
#define SGX_FLAGS_PROVISION_KEY  0x0000000000000010ULL
#define SGX_FLAGS_EINITTOKEN_KEY 0x0000000000000020ULL
#define SGX_FLAGS_KSS            0x0000000000000080ULL

#define SGX_FLAGS_RESERVED                                                                   \
    (~(SGX_FLAGS_INITTED | SGX_FLAGS_DEBUG | SGX_FLAGS_MODE64BIT | SGX_FLAGS_PROVISION_KEY | \
       SGX_FLAGS_EINITTOKEN_KEY))

/* ATTRIBUTES.XFRM */
#define SGX_XFRM_LEGACY              0x03ull
#define SGX_XFRM_AVX                 0x0000000000000006ULL
#define SGX_XFRM_MPX                 0x0000000000000018ULL
#define SGX_XFRM_AVX512              0x00000000000000E6ULL

#define SGX_ATTRIBUTES_DEFAULT_FLAGS 0x0000000000000006ULL
#define SGX_ATTRIBUTES_DEFAULT_XFRM  0x0000000000000003ULL

/* SECINFO.FLAGS: what may be done with a page, and what it is */
#define SGX_SECINFO_R     0x01ull
#define SGX_SECINFO_W     0x02ull
#define SGX_SECINFO_X     0x04ull
#define SGX_SECINFO_SECS  0x000ull
#define SGX_SECINFO_TCS   0x100ull
#define SGX_SECINFO_REG   0x200ull

#define SGX_CPUSVN_SIZE   16
#define SGX_KEYID_SIZE    32
#define SGX_MAC_SIZE      16
#define SGX_USERDATA_SIZE 20
#define SGX_QUOTE_IV_SIZE 12

/* of lists of revoked EPID signatures: see epid.h */
#define SGX_SE_EPID_SIG_RL_VERSION 0x200
#define SGX_SE_EPID_SIG_RL_ID      0xE00

#define SGX_UNMASKED_EVENT         128 /**< EINIT was interrupted and is to be asked again */

#define ENCLU_INSTRUCTION          0xd7010f

/** The leaves of ENCLU. */
__extension__ typedef enum _sgx_enclu_leaf {
    ENCLU_EREPORT = 0x00,
    ENCLU_EGETKEY = 0x01,
    ENCLU_EENTER = 0x02,
    ENCLU_ERESUME = 0x03,
    ENCLU_EEXIT = 0x04,
    ENCLU_EACCEPT = 0x05,
    ENCLU_EMODPE = 0x06,
    ENCLU_EACCEPTCOPY = 0x07,
    ENCLU_UNDEFINED = OE_ENUM_MAX,
} sgx_enclu_leaf_t;

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

/* what every SIGSTRUCT has in its fixed fields, and the masks that oesign uses unless told otherwise */
#define SGX_SIGSTRUCT_HEADER              "\006\000\000\000\341\000\000\000\000\000\001\000"
#define SGX_SIGSTRUCT_HEADER_SIZE         (sizeof(SGX_SIGSTRUCT_HEADER) - 1)
#define SGX_SIGSTRUCT_HEADER2             "\001\001\000\000\140\000\000\000\140\000\000\000\001\000\000\000"
#define SGX_SIGSTRUCT_HEADER2_SIZE        (sizeof(SGX_SIGSTRUCT_HEADER2) - 1)
#define SGX_SIGSTRUCT_MISCSELECT          0x00000000
#define SGX_SIGSTRUCT_MISCMASK            0xffffffff
#define SGX_SIGSTRUCT_ATTRIBUTEMASK_FLAGS 0xfffffffffffffffbULL
#define SGX_SIGSTRUCT_ATTRIBUTEMASK_XFRM  0x0000000000000000ULL
OE_CHECK_SIZE(OE_FIELD_SIZE(sgx_sigstruct_t, header), SGX_SIGSTRUCT_HEADER_SIZE);
OE_CHECK_SIZE(OE_FIELD_SIZE(sgx_sigstruct_t, header2), SGX_SIGSTRUCT_HEADER2_SIZE);

/** The two ranges that the signature is over. */
OE_INLINE const void *sgx_sigstruct_header(const sgx_sigstruct_t *ss)
{
    return ss;
}

OE_INLINE size_t sgx_sigstruct_header_size(void)
{
    return OE_OFFSETOF(sgx_sigstruct_t, modulus);
}

OE_INLINE const void *sgx_sigstruct_body(const sgx_sigstruct_t *ss)
{
    return (const uint8_t *)ss + OE_OFFSETOF(sgx_sigstruct_t, miscselect);
}

OE_INLINE size_t sgx_sigstruct_body_size(void)
{
    return OE_OFFSETOF(sgx_sigstruct_t, reserved4) - OE_OFFSETOF(sgx_sigstruct_t, miscselect);
}

/** SECS: an enclave as the processor keeps it. */
typedef struct _sgx_secs {
    uint64_t size;
    uint64_t base;
    uint32_t ssaframesize; /**< pages */
    uint32_t misc_select;
    uint8_t reserved1[24];
    uint64_t flags;
    uint64_t xfrm;
    uint32_t mrenclave[8];
    uint8_t reserved2[32];
    uint32_t mrsigner[8];
    uint8_t reserved3[96];
    uint16_t isvvprodid;
    uint16_t isvsvn;
    uint8_t reserved[3836];
} sgx_secs_t;
OE_CHECK_SIZE(sizeof(sgx_secs_t), 4096);
OE_CHECK_SIZE(OE_OFFSETOF(sgx_secs_t, isvvprodid), 256);

/** SECINFO: what a page is to be. */
typedef struct _sgx_secinfo {
    uint64_t flags; /**< SGX_SECINFO_* */
    uint64_t reserved[7];
} OE_ALIGNED(128) sgx_secinfo_t;

/** TCS: a thread's way in. Software reads and writes it only before it is added. */
typedef struct _sgx_tcs {
    uint64_t state;
    uint64_t flags;
    uint64_t ossa; /**< these offsets count from the enclave's base */
    uint32_t cssa;
    uint32_t nssa;
    uint64_t oentry;
    uint64_t aep;
    uint64_t fsbase;
    uint64_t gsbase;
    uint32_t fslimit;
    uint32_t gslimit;
    union {
        uint8_t reserved[4024];
        void (*entry)(void);
    } u;
} sgx_tcs_t;
OE_CHECK_SIZE(sizeof(sgx_tcs_t), 4096);
OE_CHECK_SIZE(OE_OFFSETOF(sgx_tcs_t, u), 72);

/** The token of a launch enclave. Linux launches without one. */
typedef struct _sgx_launch_token {
    unsigned char contents[1024];
} sgx_launch_token_t;

#pragma pack(push, 1)
/** EINITTOKEN, which a launch token holds. */
typedef struct _sgx_einittoken {
    uint32_t valid;
    uint8_t reserved1[44];
    sgx_attributes_t attributes;
    uint8_t mrenclave[OE_SHA256_SIZE];
    uint8_t reserved2[32];
    uint8_t mrsigner[OE_SHA256_SIZE];
    uint8_t reserved3[32];
    uint8_t cpusvnle[SGX_CPUSVN_SIZE];
    uint16_t isvprodidle;
    uint16_t isvsvnle;
    uint8_t reserved4[24];
    uint32_t maskedmiscselectle;
    sgx_attributes_t maskedattributesle;
    uint8_t keyid[SGX_KEYID_SIZE];
    uint8_t mac[SGX_MAC_SIZE];
} sgx_einittoken_t;
#pragma pack(pop)
OE_CHECK_SIZE(sizeof(sgx_einittoken_t), 304);

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
} sgx_ssa_gpr_t, *PSGX_SsaGpr;
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

/** What follows in a quote's signature, once found there: bytes at data. */
typedef struct _sgx_qe_auth_data {
    uint16_t size;
    uint8_t *data;
} sgx_qe_auth_data_t;

typedef struct _sgx_qe_cert_data {
    uint16_t type; /**< oe_sgx_pckid_t */
    uint32_t size;
    uint8_t *data;
} sgx_qe_cert_data_t;

/** How a quote names its PCK. */
__extension__ typedef enum _oe_sgx_pckid {
    OE_SGX_PCK_ID_PLAIN_PPID = 1,
    OE_SGX_PCK_ID_ENCRYPTED_PPID_2048 = 2,
    OE_SGX_PCK_ID_ENCRYPTED_PPID_3072 = 3,
    OE_SGX_PCK_ID_PCK_CERTIFICATE = 4,
    OE_SGX_PCK_ID_PCK_CERT_CHAIN = 5,
    __OE_SGX_PCKID_MAX = OE_ENUM_MAX
} oe_sgx_pckid_t;

/* ---------------------------------- EPID quotes: names only, see epid.h */

typedef struct _sgx_epid_group_id {
    uint8_t id[4];
} sgx_epid_group_id_t;

#pragma pack(push, 1)
typedef struct _sgx_sig_rl {
    uint16_t protocol_version; /* big endian */
    uint16_t epid_identifier;  /* big endian */
    sgx_epid_sig_rl_t sig_rl;
} sgx_sig_rl_t;

typedef struct _sgx_wrap_key {
    uint8_t encrypted_key[256];
    uint8_t key_hash[32];
} sgx_wrap_key_t;

typedef struct _sgx_quote_signature {
    sgx_wrap_key_t wrap_key;
    uint8_t iv[SGX_QUOTE_IV_SIZE];
    uint32_t payload_size;
    sgx_epid_basic_signature_t basic_signature; /* from here on encrypted */
    uint32_t rl_ver;
    uint32_t rl_num;
    OE_ZERO_SIZED_ARRAY uint8_t nrp_mac[0];
} sgx_quote_signature_t;
#pragma pack(pop)
OE_CHECK_SIZE(sizeof(sgx_quote_signature_t), 664);

__extension__ typedef enum _sgx_quote_type {
    SGX_QUOTE_TYPE_UNLINKABLE_SIGNATURE,
    SGX_QUOTE_TYPE_LINKABLE_SIGNATURE,
    __SGX_QUOTE_TYPE_MAX = OE_ENUM_MAX,
} sgx_quote_type_t;

typedef struct _sgx_spid {
    uint8_t id[16];
} sgx_spid_t;

typedef struct _sgx_nonce {
    uint8_t rand[16];
} sgx_nonce_t;

/* --------------------------------------------------------------------- keys */

/* what EGETKEY answers in RAX, as a mask */
#define SGX_EGETKEY_SUCCESS           0
#define SGX_EGETKEY_INVALID_ATTRIBUTE (1 << (1))
#define SGX_EGETKEY_INVALID_CPUSVN    (1 << (5))
#define SGX_EGETKEY_INVALID_ISVSVN    (1 << (6))
#define SGX_EGETKEY_INVALID_KEYNAME   (1 << (8))

#define SGX_KEY_REQUEST_ALIGNMENT     512
#define SGX_KEY_ALIGNMENT             16

#define SGX_KEYSELECT_EINITTOKEN      0x0000
#define SGX_KEYSELECT_PROVISION       0x0001
#define SGX_KEYSELECT_PROVISION_SEAL  0x0002
#define SGX_KEYSELECT_REPORT          0x0003
#define SGX_KEYSELECT_SEAL            0x0004

#define SGX_KEYPOLICY_MRENCLAVE       0x01u
#define SGX_KEYPOLICY_MRSIGNER        0x02u
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
