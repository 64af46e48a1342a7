/* Certificates and revocation lists of the emulated maker, in the form of Intel's (PCK profile). */
#ifndef CM_EMUPLAT_X509_H
#define CM_EMUPLAT_X509_H

#include "crypto/pubkey.h"
#include "emuplat/emuplat_state.h"

#define CM_EMUPLAT_ROOT_CN "Casemate EMULATED SGX Root CA"
#define CM_EMUPLAT_CA_CN   "Casemate EMULATED SGX PCK Platform CA"
#define CM_EMUPLAT_PCK_CN  "Casemate EMULATED SGX PCK Certificate"
#define CM_EMUPLAT_TCB_CN  "Casemate EMULATED SGX TCB Signing"

/* where the lists "are": names that no resolver ever answers (RFC 2606) */
#define CM_EMUPLAT_ROOT_CRL_URI "https://emulated.invalid/CasemateEmulatedSGXRootCA.der"
#define CM_EMUPLAT_PCK_CRL_URI \
    "https://emulated.invalid/sgx/certification/v4/pckcrl?ca=platform&encoding=der"

#define CM_EMUPLAT_EXT_MAX 1024u

/* What one certificate says. */
struct cm_emuplat_cert {
    const char *cn;
    const char *issuer; /* common name */
    const struct cm_privkey *key;
    const struct cm_privkey *signer;
    int pathlen;        /* of a CA; -1: no CA */
    const char *crl;    /* where its issuer's revocation list is */
    struct cm_span sgx; /* value of the SGX extension; may be empty */
    uint64_t not_before;
    uint64_t not_after;
};

/** PEM into a part of s. */
CM_MUST_USE enum cm_status cm_emuplat_cert_make(const struct cm_emuplat_cert *c,
                                                struct cm_emuplat_state *s,
                                                enum cm_emuplat_part part);

/** The serial number of the certificate for a key: a number of its own for each key. */
CM_MUST_USE enum cm_status cm_emuplat_serial(const struct cm_privkey *key,
                                             uint8_t out[CM_EMUPLAT_SERIAL_SIZE]);

/* What one revocation list says; number and dates are the state's. */
struct cm_emuplat_crl {
    const char *issuer;
    const struct cm_privkey *signer;
    bool revoked; /* lists what the state has revoked; else nothing */
};

/** DER into a part of s. */
CM_MUST_USE enum cm_status cm_emuplat_crl_make(const struct cm_emuplat_crl *c,
                                               struct cm_emuplat_state *s,
                                               enum cm_emuplat_part part);

/* What the PCK certificate's SGX extension says. */
struct cm_emuplat_ext {
    const uint8_t *ppid;   /* 16 */
    const uint8_t *cpusvn; /* 16; its bytes are the components' versions as well */
    uint16_t pcesvn;
    const uint8_t *fmspc;       /* 6 */
    const uint8_t *instance_id; /* 16 */
};

/** The extension's value (1.2.840.113741.1.13.1, as the Platform CA issues it). */
CM_MUST_USE enum cm_status cm_emuplat_ext_write(const struct cm_emuplat_ext *e,
                                                uint8_t out[CM_EMUPLAT_EXT_MAX], size_t *len);

#endif
