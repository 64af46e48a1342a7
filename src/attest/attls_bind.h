/*
 * What ties evidence to one TLS connection, and the two messages that carry it: bytes only, no TLS
 * library and no evidence. casemate/attls.h says what it is for.
 */
#ifndef CM_ATTEST_ATTLS_BIND_H
#define CM_ATTEST_ATTLS_BIND_H

#include <casemate/attls.h>

#include "common/span.h"

#define CM_ATTLS_HASH_SIZE  32u
#define CM_ATTLS_NONCE_SIZE 32u

enum cm_attls_role {
    CM_ATTLS_CLIENT = 'C',
    CM_ATTLS_SERVER = 'S',
};

/* One end of a connection, as that end sees it. */
struct cm_attls {
    enum cm_attls_role role;
    uint8_t exporter[CM_ATTLS_HASH_SIZE];
    uint8_t service[CM_ATTLS_HASH_SIZE];
    uint8_t own_key[CM_ATTLS_HASH_SIZE];  /* SHA-256 of the SubjectPublicKeyInfo; zeros: none */
    uint8_t peer_key[CM_ATTLS_HASH_SIZE]; /* likewise */
    uint8_t nonce[CM_ATTLS_NONCE_SIZE];   /* of the open challenge */
    bool open;
};

/** What the evidence of an attester must bind. */
CM_MUST_USE enum cm_status cm_attls_binding(const struct cm_attls *a, enum cm_attls_role attester,
                                            const uint8_t key[CM_ATTLS_HASH_SIZE],
                                            const uint8_t nonce[CM_ATTLS_NONCE_SIZE],
                                            uint8_t out[CM_ATTLS_HASH_SIZE]);

/** The open challenge: magic, nonce, and which key this side sees on the other. */
CM_MUST_USE enum cm_status cm_attls_challenge_write(const struct cm_attls *a,
                                                    uint8_t out[CM_ATTLS_CHALLENGE_SIZE]);

/**
 * Read a challenge for this side.
 * @param key    The key that this side's evidence has to name: its own, or zeros for a client that
 *               was not asked for its certificate.
 * @retval CM_ERR_FORMAT
 * @retval CM_ERR_MISMATCH  one's own challenge, or another key
 */
CM_MUST_USE enum cm_status cm_attls_challenge_read(const struct cm_attls *a, struct cm_span in,
                                                   uint8_t nonce[CM_ATTLS_NONCE_SIZE],
                                                   uint8_t key[CM_ATTLS_HASH_SIZE],
                                                   struct cm_why *why);

#define CM_ATTLS_ANSWER_HEADER 20u

/* An answer: header, evidence, endorsements. Spans point into the message. */
struct cm_attls_answer {
    enum cm_attls_role role;
    struct cm_span evidence;
    struct cm_span endorsements;
};

/** The header in front of both. @retval CM_ERR_LIMIT  longer than CM_ATTLS_MAX_ANSWER */
CM_MUST_USE enum cm_status cm_attls_answer_write(const struct cm_attls_answer *m,
                                                 uint8_t header[CM_ATTLS_ANSWER_HEADER]);
/** @retval CM_ERR_FORMAT, CM_ERR_LIMIT */
CM_MUST_USE enum cm_status cm_attls_answer_read(struct cm_span in, struct cm_attls_answer *out);

#endif
