/* The attester's half of casemate/attls.h: evidence of this enclave for one TLS connection. */
#include <casemate/attls.h>
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <stdlib.h>
#include <string.h>

#include "attest/attls_bind.h"
#include "common/try.h"

static enum cm_status join(const struct cm_attls_answer *m, uint8_t **out, size_t *len)
{
    uint8_t header[CM_ATTLS_ANSWER_HEADER];
    size_t total = CM_ATTLS_ANSWER_HEADER;
    uint8_t *bytes = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_attls_answer_write(m, header)); /* and holds the sizes to their limit */
    total += m->evidence.len + m->endorsements.len;
    bytes = malloc(total);
    if (bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(bytes, header, sizeof(header));
    memcpy(bytes + sizeof(header), m->evidence.ptr, m->evidence.len);
    if (m->endorsements.len != 0) {
        memcpy(bytes + sizeof(header) + m->evidence.len, m->endorsements.ptr, m->endorsements.len);
    }
    *out = bytes;
    *len = total;
out:
    return st;
}

enum cm_status cm_attls_answer(struct cm_attls *a, struct cm_span challenge, uint8_t **answer,
                               size_t *answer_len, struct cm_why *why)
{
    static const oe_uuid_t format = {OE_FORMAT_UUID_SGX_ECDSA};
    struct cm_attls_answer m = {.role = CM_ATTLS_CLIENT};
    uint8_t nonce[CM_ATTLS_NONCE_SIZE] = {0};
    uint8_t key[CM_ATTLS_HASH_SIZE] = {0};
    uint8_t binding[CM_ATTLS_HASH_SIZE] = {0};
    uint8_t *evidence = NULL;
    uint8_t *endorsements = NULL;
    oe_result_t result = OE_OK;
    enum cm_status st = CM_OK;

    if (answer == NULL || answer_len == NULL) {
        return CM_ERR_PARAM;
    }
    *answer = NULL;
    *answer_len = 0;
    if (a == NULL || challenge.ptr == NULL) {
        return CM_ERR_PARAM;
    }
    m.role = a->role;
    CM_TRY(cm_attls_challenge_read(a, challenge, nonce, key, why));
    CM_TRY(cm_attls_binding(a, a->role, key, nonce, binding));
    result =
        oe_get_evidence(&format, OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID, binding, sizeof(binding), NULL,
                        0, &evidence, &m.evidence.len, &endorsements, &m.endorsements.len);
    if (result != OE_OK) {
        cm_why_set(why, "no evidence can be made: %s", oe_result_str(result));
        st = result == OE_OUT_OF_MEMORY ? CM_ERR_NOMEM : CM_ERR_PLATFORM;
        goto out;
    }
    m.evidence.ptr = evidence;
    m.endorsements.ptr = endorsements;
    st = join(&m, answer, answer_len);
out:
    (void)oe_free_evidence(evidence);
    (void)oe_free_endorsements(endorsements);
    return st;
}

void cm_attls_free_answer(uint8_t *answer)
{
    free(answer);
}
