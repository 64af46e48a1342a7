/* The SGX extension of a PCK certificate, OID 1.2.840.113741.1.13.1 (Intel's PCK profile). */
#ifndef CM_EVIDENCE_PCK_EXT_H
#define CM_EVIDENCE_PCK_EXT_H

#include "evidence/certs.h"

struct cm_pck_ext {
    uint8_t ppid[16];
    uint8_t comp_svn[16];
    uint16_t pcesvn;
    uint8_t cpusvn[16];
    uint8_t pceid[2];
    uint8_t fmspc[6];
    uint8_t sgx_type; /* 0 standard, 1 scalable, 2 scalable with integrity */
    bool platform;    /* issued by the Platform CA: the fields below are there */
    uint8_t platform_instance_id[16];
    bool dynamic_platform;
    bool cached_keys;
    bool smt_enabled;
};

/** The content of a certificate's SGX extension; {NULL, 0} when it is no PCK certificate. */
struct cm_span cm_pck_extension_of(const struct cm_cert *cert);

/**
 * @param value  UNTRUSTED: the content of the extension (a SEQUENCE).
 * @retval CM_ERR_FORMAT anything missing, doubled, unknown, out of range or left over
 */
CM_MUST_USE enum cm_status cm_pck_ext_parse(struct cm_span value, struct cm_pck_ext *out);

#endif
