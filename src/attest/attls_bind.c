/* Evidence and one TLS connection; see attls_bind.h. Untrusted: every message. */
#include "attest/attls_bind.h"

#include <string.h>

#include "common/checked.h"
#include "common/reader.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"

static const char domain[] = "casemate attested tls 1"; /* its terminator separates it */
static const uint8_t challenge_magic[8] = {'C', 'M', 'A', 'T', 'T', 'Q', 0, 1};
static const uint8_t answer_magic[8] = {'C', 'M', 'A', 'T', 'T', 'A', 0, 1};

enum cm_status cm_attls_binding(const struct cm_attls *a, enum cm_attls_role attester,
                                const uint8_t key[CM_ATTLS_HASH_SIZE],
                                const uint8_t nonce[CM_ATTLS_NONCE_SIZE],
                                uint8_t out[CM_ATTLS_HASH_SIZE])
{
    uint8_t bytes[sizeof(domain) + 1 + sizeof(uint8_t[4][CM_ATTLS_HASH_SIZE])];
    struct cm_wr w = cm_wr_init(bytes, sizeof(bytes));
    enum cm_status st = CM_OK;

    cm_wr_bytes(&w, domain, sizeof(domain));
    cm_wr_u8(&w, (uint8_t)attester);
    cm_wr_bytes(&w, key, CM_ATTLS_HASH_SIZE);
    cm_wr_bytes(&w, nonce, CM_ATTLS_NONCE_SIZE);
    cm_wr_bytes(&w, a->exporter, CM_ATTLS_HASH_SIZE);
    cm_wr_bytes(&w, a->service, CM_ATTLS_HASH_SIZE);
    st = cm_wr_finish(&w);
    if (st == CM_OK) {
        st = cm_sha256_of(cm_span_make(bytes, w.used), out);
    }
    cm_wipe(bytes, sizeof(bytes));
    return st;
}

enum cm_status cm_attls_challenge_write(const struct cm_attls *a,
                                        uint8_t out[CM_ATTLS_CHALLENGE_SIZE])
{
    struct cm_wr w = cm_wr_init(out, CM_ATTLS_CHALLENGE_SIZE);

    cm_wr_bytes(&w, challenge_magic, sizeof(challenge_magic));
    cm_wr_bytes(&w, a->nonce, sizeof(a->nonce));
    cm_wr_bytes(&w, a->peer_key, sizeof(a->peer_key));
    return cm_wr_finish(&w);
}

enum cm_status cm_attls_challenge_read(const struct cm_attls *a, struct cm_span in,
                                       uint8_t nonce[CM_ATTLS_NONCE_SIZE],
                                       uint8_t key[CM_ATTLS_HASH_SIZE], struct cm_why *why)
{
    static const uint8_t none[CM_ATTLS_HASH_SIZE];
    struct cm_rd r = cm_rd_init(in);
    uint8_t magic[sizeof(challenge_magic)];

    cm_rd_copy(&r, magic, sizeof(magic));
    cm_rd_copy(&r, nonce, CM_ATTLS_NONCE_SIZE);
    cm_rd_copy(&r, key, CM_ATTLS_HASH_SIZE);
    if (cm_rd_finish(&r) != CM_OK || !cm_ct_equal(magic, challenge_magic, sizeof(magic))) {
        cm_why_set(why, "this is no challenge");
        return CM_ERR_FORMAT;
    }
    if (a->open && cm_ct_equal(nonce, a->nonce, CM_ATTLS_NONCE_SIZE)) {
        cm_why_set(why, "this side's own challenge came back");
        return CM_ERR_MISMATCH;
    }
    if (a->role == CM_ATTLS_CLIENT && cm_ct_equal(key, none, sizeof(none))) {
        return CM_OK; /* the server did not ask for a certificate */
    }
    if (!cm_ct_equal(key, a->own_key, CM_ATTLS_HASH_SIZE)) {
        cm_why_set(why, "the peer sees another key than this side's: somebody is in between");
        return CM_ERR_MISMATCH;
    }
    return CM_OK;
}

enum cm_status cm_attls_answer_write(const struct cm_attls_answer *m,
                                     uint8_t header[CM_ATTLS_ANSWER_HEADER])
{
    struct cm_wr w = cm_wr_init(header, CM_ATTLS_ANSWER_HEADER);
    size_t total = 0;

    if (cm_add_ovf(m->evidence.len, m->endorsements.len, &total) ||
        total > CM_ATTLS_MAX_ANSWER - CM_ATTLS_ANSWER_HEADER) {
        return CM_ERR_LIMIT;
    }
    cm_wr_bytes(&w, answer_magic, sizeof(answer_magic));
    cm_wr_u8(&w, (uint8_t)m->role);
    cm_wr_fill(&w, 0, 3);
    cm_wr_u32le(&w, (uint32_t)m->evidence.len);
    cm_wr_u32le(&w, (uint32_t)m->endorsements.len);
    return cm_wr_finish(&w);
}

enum cm_status cm_attls_answer_read(struct cm_span in, struct cm_attls_answer *out)
{
    struct cm_rd r = cm_rd_init(in);
    uint8_t magic[sizeof(answer_magic)];
    uint8_t role = 0;
    uint32_t evidence_len = 0;
    uint32_t endorsements_len = 0;

    memset(out, 0, sizeof(*out));
    if (in.len > CM_ATTLS_MAX_ANSWER) {
        return CM_ERR_LIMIT;
    }
    cm_rd_copy(&r, magic, sizeof(magic));
    role = cm_rd_u8(&r);
    cm_rd_zero(&r, 3);
    evidence_len = cm_rd_u32le(&r);
    endorsements_len = cm_rd_u32le(&r);
    out->evidence = cm_rd_take(&r, evidence_len);
    out->endorsements = cm_rd_take(&r, endorsements_len);
    if (cm_rd_finish(&r) != CM_OK || !cm_ct_equal(magic, answer_magic, sizeof(magic)) ||
        (role != CM_ATTLS_CLIENT && role != CM_ATTLS_SERVER) || evidence_len == 0) {
        memset(out, 0, sizeof(*out));
        return CM_ERR_FORMAT;
    }
    out->role = (enum cm_attls_role)role;
    return CM_OK;
}
