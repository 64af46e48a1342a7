/* SNP evidence and certificates in the JSON of other tools. UNTRUSTED: every byte. Private to src/snp. */
#ifndef CM_SNP_JSON_H
#define CM_SNP_JSON_H

#include <casemate/status.h>
#include <stdbool.h>

#include "common/span.h"

#define CM_SNP_JSON_MAX   (256u << 10)
#define CM_SNP_JSON_CERTS 6

/** What was in it, decoded; freed with cm_snp_json_free(). */
struct cm_snp_json {
    struct cm_span report;                   /* {NULL, 0}: none */
    struct cm_span certs[CM_SNP_JSON_CERTS]; /* each PEM or DER */
    size_t cert_count;
    uint8_t *owned[CM_SNP_JSON_CERTS + 1];
    size_t owned_count;
};

/** Evidence: an object with attestation_report as a text, alone or as {"platform", "evidence"}. */
bool cm_snp_json_recognise(struct cm_span bytes);

/**
 * Evidence as above, with cert_chain: an object of texts in base64 or PEM; or certificates as Azure's THIM
 * service gives them: vcekCert and certificateChain. What else is there is not looked at.
 * @param out  to be freed in any case.
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT
 */
CM_MUST_USE enum cm_status cm_snp_json_read(struct cm_span bytes, struct cm_snp_json *out);
void cm_snp_json_free(struct cm_snp_json *json);

#endif
