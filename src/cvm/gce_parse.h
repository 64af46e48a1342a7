/*
 * The attestation that Google's client writes on Compute Engine: a Protocol Buffers message (attest.proto,
 * message Attestation, of google/go-tpm-tools). UNTRUSTED: every byte.
 */
#ifndef CM_CVM_GCE_PARSE_H
#define CM_CVM_GCE_PARSE_H

#include "tpm/tpm.h"

#define CM_GCE_MAX_QUOTES 8
#define CM_GCE_MAX_CERTS  8

struct cm_gce_quote {
    struct cm_span attest;    /* TPMS_ATTEST */
    struct cm_span signature; /* TPMT_SIGNATURE */
    struct cm_span pcrs;      /* message PCRs: one bank */
};

struct cm_gce_attestation {
    struct cm_span ak_pub; /* TPMT_PUBLIC */
    struct cm_gce_quote quotes[CM_GCE_MAX_QUOTES];
    size_t quote_count;
    struct cm_span event_log;           /* ptr NULL: absent, and so on */
    struct cm_span canonical_event_log; /* of containers: not read */
    struct cm_span ak_cert;             /* DER */
    struct cm_span intermediates[CM_GCE_MAX_CERTS];
    size_t intermediate_count;
    struct cm_span snp; /* another attestation of the machine; nothing binds the two */
    struct cm_span tdx;
};

/** @retval CM_ERR_FORMAT @retval CM_ERR_LIMIT more quotes or certificates than above */
CM_MUST_USE enum cm_status cm_gce_parse(struct cm_span bytes, struct cm_gce_attestation *out,
                                        struct cm_why *why);

/** The labelled values of a quote. @retval CM_ERR_FORMAT @retval CM_ERR_UNSUPPORTED */
CM_MUST_USE enum cm_status cm_gce_pcrs(struct cm_span message, struct cm_tpm_pcrs *out);

/** What the certificate's extension 1.3.6.1.4.1.11129.2.1.21 says of the instance. */
struct cm_gce_instance {
    struct cm_span zone;
    uint64_t project_number;
    struct cm_span project_id;
    uint64_t instance_id;
    struct cm_span instance_name;
    bool has_security; /* the part below is there */
    uint64_t security_version;
    bool production;
};

CM_MUST_USE enum cm_status cm_gce_instance(struct cm_span extension, struct cm_gce_instance *out);

#endif
