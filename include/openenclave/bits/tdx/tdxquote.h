/*
 * TDX quotes as they are on the wire (Intel's TDX DCAP quote format, versions 4 and 5, and the TDX module's
 * report). For programs that look into a quote: the layout only. Whether a quote is genuine, the
 * verifier says (openenclave/attestation/verifier.h). Numbers are little endian.
 */
#ifndef _OE_BITS_TDX_TDXQUOTE_H
#define _OE_BITS_TDX_TDXQUOTE_H

#include "../sgx/sgxtypes.h"

OE_EXTERNC_BEGIN

/** Security versions of the TDX module and of what runs beside it. */
typedef struct _tee_tcb_svn {
    uint8_t seam0;
    uint8_t seam1;
    uint8_t reserved[14];
} tee_tcb_svn_t;
OE_CHECK_SIZE(sizeof(tee_tcb_svn_t), 16);

/** TDATTRIBUTES: under debug (tud), of the security of the domain (sec), other. */
typedef struct _tdx_attributes_t {
    union {
        struct {
            uint8_t debug : 1;
            uint8_t reserved0 : 3;
            uint8_t hgs_plus_prof : 1;
            uint8_t perf_prof : 1;
            uint8_t pmt_prof : 1;
            uint8_t reserved1 : 1;
            uint8_t reserved2;
        } d;
        uint8_t u[2];
    } tud_tup;
    union {
        struct {
            uint8_t icssd : 1;
            uint8_t servtd_ext : 1;
            uint8_t reserved0 : 6;
            uint8_t reserved1 : 3;
            uint8_t lass : 1;
            uint8_t sept_ve_disable : 1;
            uint8_t migratable : 1;
            uint8_t pks : 1;
            uint8_t kl : 1;
        } d;
        uint8_t u[2];
    } sec;
    union {
        struct {
            uint8_t reserved0[3];
            uint8_t reserved1 : 7;
            uint8_t perfmon : 1;
        } d;
        uint8_t u[4];
    } other;
} tdx_attributes_t;
OE_CHECK_SIZE(sizeof(tdx_attributes_t), 8);

/* What the bodies of all versions begin with. */
#define __OE_TDX_REPORT_FIELDS      \
    tee_tcb_svn_t tee_tcb_svn;      \
    uint8_t mrseam[48];             \
    uint8_t mrseamsigner[48];       \
    uint8_t seam_attributes[8];     \
    tdx_attributes_t td_attributes; \
    uint8_t xfam[8];                \
    uint8_t mrtd[48];               \
    uint8_t mrconfigid[48];         \
    uint8_t mrowner[48];            \
    uint8_t mrownerconfig[48];      \
    uint8_t rtmr0[48];              \
    uint8_t rtmr1[48];              \
    uint8_t rtmr2[48];              \
    uint8_t rtmr3[48];              \
    uint8_t report_data[64];

OE_PACK_BEGIN

/** Of a TDX 1.0 report: quotes of version 4, and of version 5 with type 2. */
typedef struct _tdx_report_body_t {
    __OE_TDX_REPORT_FIELDS
} tdx_report_body_t;
OE_CHECK_SIZE(sizeof(tdx_report_body_t), 584);

/** Of a TDX 1.5 report: quotes of version 5 with type 3. */
typedef struct _tdx_report_body_v5_t {
    __OE_TDX_REPORT_FIELDS
    tee_tcb_svn_t tee_tcb_svn2;
    uint8_t mrservicetd[48];
} tdx_report_body_v5_t;
OE_CHECK_SIZE(sizeof(tdx_report_body_v5_t), 648);

/** With the service TD extension: quotes of version 5 with type 4. */
typedef struct _tdx_report_body_v1_5_ex_t {
    __OE_TDX_REPORT_FIELDS
    tee_tcb_svn_t tee_tcb_svn2;
    uint8_t mrservicetd[48];
    uint8_t vmid;
    uint8_t td_id[32];
    uint8_t devinfo[48];
    uint8_t init_server_td_hash[48]; /**< of the service TD that the domain was built with */
    uint8_t init_server_td_attr[8];
    uint8_t init_cpu_svn[16]; /**< this and the two below: the platform at that time */
    tee_tcb_svn_t init_tee_tcb_svn;
    uint8_t init_tee_fmspc[12];
    uint8_t curr_server_td_hash[48]; /**< of the service TD that it is bound to now */
    uint8_t curr_server_td_attr[8];
} tdx_report_body_v1_5_ex_t;
OE_CHECK_SIZE(sizeof(tdx_report_body_v1_5_ex_t), 885);

/** A quote of version 4; signature_len bytes follow. */
typedef struct _tdx_quote_t {
    uint16_t version;
    uint16_t sign_type;
    uint32_t tee_type;
    uint16_t qe_svn;
    uint16_t pce_svn;
    uint8_t uuid[16];
    uint8_t user_data[SGX_USERDATA_SIZE];
    tdx_report_body_t report_body;
    uint32_t signature_len;
    OE_ZERO_SIZED_ARRAY uint8_t signature[0];
} tdx_quote_t;
OE_CHECK_SIZE(sizeof(tdx_quote_t), 636);

/** The head of a quote of version 5; a body of size bytes, a length and the signature follow. */
typedef struct _tdx_quote_v5_t {
    uint16_t version;
    uint16_t sign_type;
    uint32_t tee_type;
    uint16_t qe_svn;
    uint16_t pce_svn;
    uint8_t uuid[16];
    uint8_t user_data[SGX_USERDATA_SIZE];
    uint16_t type;
    uint32_t size;
    OE_ZERO_SIZED_ARRAY uint8_t body[0];
} tdx_quote_v5_t;
OE_CHECK_SIZE(sizeof(tdx_quote_v5_t), 54);

/** The beginning of a quote's signature; a tdx_qe_certification_data_t follows. */
typedef struct _tdx_quote_auth_data {
    sgx_ecdsa256_signature_t signature;
    sgx_ecdsa256_key_t attestation_key;
    OE_ZERO_SIZED_ARRAY uint8_t certification_data[0];
} tdx_quote_auth_data_t;
OE_CHECK_SIZE(sizeof(tdx_quote_auth_data_t), 128);

#define TDX_QE_CERTIFICATION_DATA_TYPE_PCK_CERT_CHAIN 5
#define TDX_QE_CERTIFICATION_DATA_TYPE_QE_REPORT      6

/** size bytes follow, of a kind that type (TDX_QE_CERTIFICATION_DATA_TYPE_*) says. */
typedef struct _tdx_qe_certification_data_t {
    uint16_t type;
    uint32_t size;
    OE_ZERO_SIZED_ARRAY uint8_t certification_data[0];
} tdx_qe_certification_data_t;
OE_CHECK_SIZE(sizeof(tdx_qe_certification_data_t), 6);

/** Of type QE_REPORT; the QE's authentication data and its certificates follow. */
typedef struct _tdx_qe_report_certification_data_t {
    sgx_report_body_t qe_report_body;
    sgx_ecdsa256_signature_t signature;
    OE_ZERO_SIZED_ARRAY uint8_t auth_certification_data[0];
} tdx_qe_report_certification_data_t;
OE_CHECK_SIZE(sizeof(tdx_qe_report_certification_data_t), 448);

OE_PACK_END

OE_EXTERNC_END

#endif
