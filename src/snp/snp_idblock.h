/*
 * ID block and ID authentication information (AMD 56860, SNP_LAUNCH_FINISH): who signed what a guest was
 * launched with. UNTRUSTED: they count because the report, which is signed, has the digests of the keys.
 */
#ifndef CM_SNP_IDBLOCK_H
#define CM_SNP_IDBLOCK_H

#include "snp/snp.h"

#define CM_SNP_ID_BLOCK_SIZE 96u
#define CM_SNP_ID_AUTH_SIZE  4096u
#define CM_SNP_ID_KEY_SIZE   0x404u

struct cm_snp_id_block {
    struct cm_span bytes;
    struct cm_span measurement;
    struct cm_span family_id;
    struct cm_span image_id;
    uint32_t version;
    uint32_t guest_svn;
    uint64_t policy;
};

struct cm_snp_id_auth {
    uint8_t block_signature[96]; /* r || s, big endian; over the ID block */
    struct cm_span id_key;       /* CM_SNP_ID_KEY_SIZE bytes */
    bool has_author;
    uint8_t key_signature[96]; /* over id_key */
    struct cm_span author_key;
};

/** @retval CM_ERR_FORMAT wrong size   @retval CM_ERR_UNSUPPORTED another version than 1 */
CM_MUST_USE enum cm_status cm_snp_id_block_parse(struct cm_span bytes, struct cm_snp_id_block *out);

/** @retval CM_ERR_FORMAT wrong size, reserved bytes   @retval CM_ERR_UNSUPPORTED another algorithm */
CM_MUST_USE enum cm_status cm_snp_id_auth_parse(struct cm_span bytes, struct cm_snp_id_auth *out);

/** The digest that a report has of a key: SHA-384 of all CM_SNP_ID_KEY_SIZE bytes. */
CM_MUST_USE enum cm_status cm_snp_id_key_digest(struct cm_span key, uint8_t out[48]);

/**
 * Hold what CM_MATERIAL_SIGNATURE gives (an ID block of 96 bytes, ID authentication of 4096 bytes, or both
 * one behind the other) against the report: the checks snp.id_block, snp.id_key and snp.author_key. No
 * such material: no check.
 */
CM_MUST_USE enum cm_status cm_snp_id_check(const struct cm_verify_job *job,
                                           const struct cm_snp_report *r, struct cm_evidence *ev,
                                           size_t submod);

#endif
