/*
 * What the processor defines (Intel SDM volume 3D, chapters on SGX). Our own facts never stand
 * here. Structures are used for memory that the processor (or the emulator) itself reads and
 * writes; bytes from files and peers are taken apart with common/reader.h instead.
 */
#ifndef CM_ARCH_SGX_H
#define CM_ARCH_SGX_H

#include <stddef.h>
#include <stdint.h>

#define SGX_PAGE_SIZE  4096u
#define SGX_HASH_SIZE  32u
#define SGX_KEY_SIZE   384u /* RSA-3072 */
#define SGX_CHUNK_SIZE 256u /* EEXTEND */

/* ENCLS leaf numbers are the kernel's; these are ENCLU's */
enum sgx_enclu {
    SGX_EREPORT = 0,
    SGX_EGETKEY = 1,
    SGX_EENTER = 2,
    SGX_ERESUME = 3,
    SGX_EEXIT = 4,
    SGX_EACCEPT = 5,
    SGX_EMODPE = 6,
    SGX_EACCEPTCOPY = 7,
};

/* error codes that leaves return in RAX (SDM, table of SGX error codes) */
enum sgx_error {
    SGX_SUCCESS = 0,
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_BLKSTATE = 3,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_NOTBLOCKABLE = 5,
    SGX_PG_INVLD = 6,
    SGX_EPC_PAGE_CONFLICT = 7,
    SGX_INVALID_SIGNATURE = 8,
    SGX_MAC_COMPARE_FAIL = 9,
    SGX_PAGE_NOT_BLOCKED = 10,
    SGX_NOT_TRACKED = 11,
    SGX_VA_SLOT_OCCUPIED = 12,
    SGX_CHILD_PRESENT = 13,
    SGX_ENCLAVE_ACT = 14,
    SGX_ENTRYEPOCH_LOCKED = 15,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_PREV_TRK_INCMPL = 17,
    SGX_PG_IS_SECS = 18,
    SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
    SGX_PAGE_NOT_MODIFIABLE = 20,
    SGX_PAGE_NOT_DEBUGGABLE = 21,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_EVENT_UNMASKED = 128, /* the API has the SDM's name for it */
    SGX_INVALID_KEYNAME = 256,
};

/* ATTRIBUTES.FLAGS */
#define SGX_ATTR_INIT         0x001ull
#define SGX_ATTR_DEBUG        0x002ull
#define SGX_ATTR_MODE64       0x004ull
#define SGX_ATTR_PROVISIONKEY 0x010ull
#define SGX_ATTR_EINITTOKEN   0x020ull
#define SGX_ATTR_CET          0x040ull
#define SGX_ATTR_KSS          0x080ull
#define SGX_ATTR_AEXNOTIFY    0x400ull
#define SGX_ATTR_KNOWN        0x4f7ull

#define SGX_XFRM_LEGACY       0x03ull /* x87 and SSE: always set */
#define SGX_XFRM_YMM          0x04ull /* what AVX adds */
#define SGX_XFRM_ZMM          0xe0ull /* what AVX-512 adds */

#define SGX_MISC_EXINFO       0x1u

/* SECINFO.FLAGS: permissions, EPCM state bits, page type in bits 8-15 */
#define SGX_SECINFO_R        0x01ull
#define SGX_SECINFO_W        0x02ull
#define SGX_SECINFO_X        0x04ull
#define SGX_SECINFO_PENDING  0x08ull
#define SGX_SECINFO_MODIFIED 0x10ull
#define SGX_SECINFO_PR       0x20ull
#define SGX_SECINFO_TYPE(t)  ((uint64_t)(t) << 8)

enum sgx_page_type {
    SGX_PT_SECS = 0,
    SGX_PT_TCS = 1,
    SGX_PT_REG = 2,
    SGX_PT_VA = 3,
    SGX_PT_TRIM = 4,
};

struct sgx_attributes {
    uint64_t flags;
    uint64_t xfrm;
};

struct sgx_secs {
    uint64_t size;
    uint64_t base;
    uint32_t ssaframesize; /* pages */
    uint32_t miscselect;
    uint8_t reserved1[24];
    struct sgx_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t configid[64];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    uint8_t reserved4[3834];
};
_Static_assert(sizeof(struct sgx_secs) == 4096, "SECS");
_Static_assert(offsetof(struct sgx_secs, attributes) == 48, "SECS.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_secs, configid) == 192, "SECS.CONFIGID");

#define SGX_TCS_DBGOPTIN 1ull

struct sgx_tcs {
    uint64_t state;
    uint64_t flags;
    uint64_t ossa;
    uint32_t cssa;
    uint32_t nssa;
    uint64_t oentry;
    uint64_t aep;
    uint64_t ofsbase;
    uint64_t ogsbase;
    uint32_t fslimit;
    uint32_t gslimit;
    uint8_t reserved[4024];
};
_Static_assert(sizeof(struct sgx_tcs) == 4096, "TCS");
_Static_assert(offsetof(struct sgx_tcs, oentry) == 32, "TCS.OENTRY");

/* the general-purpose part at the very end of an SSA frame */
struct sgx_ssa_gpr {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags;
    uint64_t rip;
    uint64_t ursp;
    uint64_t urbp;
    uint32_t exitinfo; /* vector 0-7, type 8-10, valid 31 */
    uint8_t reserved[3];
    uint8_t aexnotify;
    uint64_t fsbase;
    uint64_t gsbase;
};
_Static_assert(sizeof(struct sgx_ssa_gpr) == 184, "GPRSGX");

#define SGX_EXITINFO_VALID     0x80000000u
#define SGX_EXITINFO_VECTOR(v) ((v)&0xffu)
#define SGX_EXITINFO_TYPE(v)   (((v) >> 8) & 7u)
#define SGX_EXIT_HARDWARE      3u
#define SGX_EXIT_SOFTWARE      6u

/* the MISC region, directly below GPRSGX, when MISCSELECT.EXINFO is set */
struct sgx_exinfo {
    uint64_t maddr;
    uint32_t errcd;
    uint32_t reserved;
};
_Static_assert(sizeof(struct sgx_exinfo) == 16, "EXINFO");

struct sgx_secinfo {
    uint64_t flags;
    uint8_t reserved[56];
};
_Static_assert(sizeof(struct sgx_secinfo) == 64, "SECINFO");

struct sgx_sigstruct {
    uint8_t header[16];
    uint32_t vendor;
    uint32_t date; /* BCD yyyymmdd */
    uint8_t header2[16];
    uint32_t swdefined;
    uint8_t reserved1[84];
    uint8_t modulus[384];
    uint32_t exponent;
    uint8_t signature[384];
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t reserved2[4];
    uint8_t isvfamilyid[16];
    struct sgx_attributes attributes;
    struct sgx_attributes attributemask;
    uint8_t mrenclave[32];
    uint8_t reserved3[16];
    uint8_t isvextprodid[16];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint8_t reserved4[12];
    uint8_t q1[384];
    uint8_t q2[384];
} __attribute__((packed));
_Static_assert(sizeof(struct sgx_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sgx_sigstruct, miscselect) == 900, "SIGSTRUCT.MISCSELECT");
_Static_assert(offsetof(struct sgx_sigstruct, mrenclave) == 960, "SIGSTRUCT.ENCLAVEHASH");
_Static_assert(offsetof(struct sgx_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");

struct sgx_report_body {
    uint8_t cpusvn[16];
    uint32_t miscselect;
    uint8_t reserved1[12];
    uint8_t isvextprodid[16];
    struct sgx_attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t configid[64];
    uint16_t isvprodid;
    uint16_t isvsvn;
    uint16_t configsvn;
    uint8_t reserved4[42];
    uint8_t isvfamilyid[16];
    uint8_t reportdata[64];
};
_Static_assert(sizeof(struct sgx_report_body) == 384, "REPORT body");

struct sgx_report {
    struct sgx_report_body body;
    uint8_t keyid[32];
    uint8_t mac[16];
};
_Static_assert(sizeof(struct sgx_report) == 432, "REPORT");

struct sgx_targetinfo {
    uint8_t mrenclave[32];
    struct sgx_attributes attributes;
    uint8_t reserved1[2];
    uint16_t configsvn;
    uint32_t miscselect;
    uint8_t reserved2[8];
    uint8_t configid[64];
    uint8_t reserved3[384];
};
_Static_assert(sizeof(struct sgx_targetinfo) == 512, "TARGETINFO");

enum sgx_key_name {
    SGX_KEY_EINITTOKEN = 0,
    SGX_KEY_PROVISION = 1,
    SGX_KEY_PROVISION_SEAL = 2,
    SGX_KEY_REPORT = 3,
    SGX_KEY_SEAL = 4,
};

#define SGX_KEYPOLICY_MRENCLAVE    0x01u
#define SGX_KEYPOLICY_MRSIGNER     0x02u
#define SGX_KEYPOLICY_NOISVPRODID  0x04u
#define SGX_KEYPOLICY_CONFIGID     0x08u
#define SGX_KEYPOLICY_ISVFAMILYID  0x10u
#define SGX_KEYPOLICY_ISVEXTPRODID 0x20u

struct sgx_keyrequest {
    uint16_t keyname;
    uint16_t keypolicy;
    uint16_t isvsvn;
    uint16_t reserved1;
    uint8_t cpusvn[16];
    struct sgx_attributes attributemask;
    uint8_t keyid[32];
    uint32_t miscmask;
    uint16_t configsvn;
    uint8_t reserved2[434];
};
_Static_assert(sizeof(struct sgx_keyrequest) == 512, "KEYREQUEST");

/* exception vectors */
enum sgx_vector {
    SGX_VEC_DE = 0,
    SGX_VEC_DB = 1,
    SGX_VEC_BP = 3,
    SGX_VEC_BR = 5,
    SGX_VEC_UD = 6,
    SGX_VEC_GP = 13,
    SGX_VEC_PF = 14,
    SGX_VEC_MF = 16,
    SGX_VEC_AC = 17,
    SGX_VEC_XM = 19,
};

#endif
