/*
 * Enclave image files of AWS Nitro Enclaves (EIF, versions 2 to 4; aws-nitro-enclaves-image-format): read,
 * measured as the hypervisor measures them, written and signed. docs/eif.md.
 *
 * Layout, big endian: a header of 548 bytes with the offsets and sizes of up to 32 sections and a CRC of
 * everything else; then each section behind a header of 12 bytes.
 */
#ifndef CM_NITRO_EIF_H
#define CM_NITRO_EIF_H

#include "crypto/cert_key.h"

#define CM_EIF_MAX_SECTIONS 32
#define CM_EIF_MAX_BYTES    (UINT64_C(4) << 30)
#define CM_EIF_MAX_SIGNING  (1u << 20) /* of the signature section */
#define CM_EIF_PCR_SIZE     48
#define CM_EIF_VERSION      4
#define CM_EIF_ARM64        1u /* header flag */

enum cm_eif_type {
    CM_EIF_KERNEL = 1,
    CM_EIF_CMDLINE = 2,
    CM_EIF_RAMDISK = 3,
    CM_EIF_SIGNATURE = 4,
    CM_EIF_METADATA = 5,
};

struct cm_eif_section {
    enum cm_eif_type type;
    uint16_t flags;
    struct cm_span data;
};

/* An image: what is read, and what is written. */
struct cm_eif {
    uint16_t version;
    uint16_t flags;
    uint64_t default_memory; /* bytes */
    uint64_t default_cpus;
    struct cm_eif_section sections[CM_EIF_MAX_SECTIONS]; /* in the order of the file */
    size_t section_count;
    uint32_t crc;
};

/**
 * Take an image apart: one kernel, one command line, one ramdisk at least, at most one signature and one
 * metadata section, all one behind the other up to the end, as the header's tables say they are.
 *
 * @param file  UNTRUSTED; borrowed as long as out is used.
 * @retval CM_ERR_FORMAT malformed, or the tables say something else than the sections
 * @retval CM_ERR_MISMATCH the CRC is another   @retval CM_ERR_UNSUPPORTED another version or section
 * @retval CM_ERR_LIMIT too large
 */
CM_MUST_USE enum cm_status cm_eif_parse(struct cm_span file, struct cm_eif *out,
                                        struct cm_why *why);

/** The first section of a type; NULL: none. */
const struct cm_eif_section *cm_eif_find(const struct cm_eif *eif, enum cm_eif_type type);

/* What the hypervisor measures: PCRn = SHA384(48 zeros || SHA384(parts)). */
struct cm_eif_pcrs {
    uint8_t pcr0[CM_EIF_PCR_SIZE]; /* kernel, command line, ramdisks */
    uint8_t pcr1[CM_EIF_PCR_SIZE]; /* kernel, command line, first ramdisk */
    uint8_t pcr2[CM_EIF_PCR_SIZE]; /* the other ramdisks */
    bool is_signed;
    uint8_t pcr8[CM_EIF_PCR_SIZE]; /* the signing certificate in DER; zeros when there is none */
};

/**
 * Measure an image. A signature section is taken apart for its certificate, and not verified.
 * @retval CM_ERR_FORMAT, CM_ERR_UNSUPPORTED of the signature section
 */
CM_MUST_USE enum cm_status cm_eif_measure(const struct cm_eif *eif, struct cm_eif_pcrs *out,
                                          struct cm_why *why);

/**
 * Verify the signature section: every entry is a COSE_Sign1, by the key of its certificate and the
 * algorithm of that key's curve, over the number and value of one of this image's registers; PCR0 is
 * among them, and all have one certificate.
 *
 * @param now     seconds since 1970 at which the certificate must be valid; 0: not checked.
 * @param signer  freed by the caller with cm_cert_facts_free(), also after a failure.
 * @retval CM_ERR_NOTFOUND not signed   @retval CM_ERR_SIGNATURE   @retval CM_ERR_EXPIRED
 * @retval CM_ERR_MISMATCH signed was another image, or nothing about PCR0
 *
 * NOT promised: that the signer is somebody. A policy that pins PCR8 pins his certificate.
 */
CM_MUST_USE enum cm_status cm_eif_verify(const struct cm_eif *eif, uint64_t now,
                                         struct cm_cert_facts *signer, struct cm_why *why);

/**
 * Make the signature section for an image (its present one, if any, counts for nothing).
 * @param out  set only on CM_OK; the caller frees it.
 * @retval CM_ERR_MISMATCH  the certificate is another key's   @retval CM_ERR_UNSUPPORTED  no EC key
 */
CM_MUST_USE enum cm_status cm_eif_sign(const struct cm_eif *eif, struct cm_span certificate_pem,
                                       const struct cm_privkey *key, uint8_t **out, size_t *len,
                                       struct cm_why *why);

/**
 * Write an image: header of version CM_EIF_VERSION with tables and CRC, sections in the given order.
 * The version and the CRC that are in eif count for nothing.
 *
 * @param out  set only on CM_OK; the caller frees it. What cm_eif_parse() would refuse is refused.
 */
CM_MUST_USE enum cm_status cm_eif_write(const struct cm_eif *eif, uint8_t **out, size_t *len,
                                        struct cm_why *why);

/** CRC-32 (IEEE 802.3), continued: begin with 0. */
uint32_t cm_crc32(uint32_t crc, struct cm_span data);

#endif
