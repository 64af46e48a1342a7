/* Private to src/collect: a TPM through libtss2-esys, which is loaded at run time. */
#ifndef CM_COLLECT_COLLECT_TSS_H
#define CM_COLLECT_COLLECT_TSS_H

#include "collect/collect.h"

struct cm_tss; /* a connection to a TPM */

/** @retval CM_ERR_NOTFOUND no library or no TPM there */
CM_MUST_USE enum cm_status cm_tss_open(const char *tcti, struct cm_tss **out, struct cm_why *why);
/** Accepts NULL. Flushes what was loaded. */
void cm_tss_close(struct cm_tss *tss);

/** Choose the key: a persistent handle, or 0 for the fixed template. @retval CM_ERR_NOTFOUND */
CM_MUST_USE enum cm_status cm_tss_use_key(struct cm_tss *tss, uint32_t handle, struct cm_why *why);

/** A quote of PCR 0 to 23 of SHA-256 with exactly the values that it is of. */
struct cm_tss_quote {
    uint8_t attest[1024]; /* TPMS_ATTEST */
    size_t attest_len;
    uint8_t signature[1200]; /* TPMT_SIGNATURE */
    size_t signature_len;
    uint8_t pcrs[24 * 32];
    uint8_t area[1024]; /* TPM2B_PUBLIC of the key */
    size_t area_len;
};

/** @retval CM_ERR_BUSY the values changed at every try */
CM_MUST_USE enum cm_status cm_tss_quote(struct cm_tss *tss, struct cm_span nonce,
                                        struct cm_tss_quote *out, struct cm_why *why);

/** Read an NV index as a whole. @retval CM_ERR_NOTFOUND no such index @retval CM_ERR_SPACE */
CM_MUST_USE enum cm_status cm_tss_nv_read(struct cm_tss *tss, uint32_t index, uint8_t *out,
                                          size_t cap, size_t *len, struct cm_why *why);

/** Write an NV index from its beginning; it is defined when missing, with room for these bytes. */
CM_MUST_USE enum cm_status cm_tss_nv_write(struct cm_tss *tss, uint32_t index, struct cm_span bytes,
                                           struct cm_why *why);

#endif
