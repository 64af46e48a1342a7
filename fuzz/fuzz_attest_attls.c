/*
 * Any bytes as a certificate of attested TLS, as a challenge and as an answer (the first byte says
 * which): nothing crashes, and what is accepted lies inside the input and is what writing it gives.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/attls_bind.h"
#include "attest/attls_cert.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void certificate(struct cm_span in)
{
    struct cm_attls_cert cert;
    char pem[CM_ATTLS_MAX_PEM];
    size_t len = 0;

    if (cm_attls_cert_read(in, &cert, NULL) != CM_OK) {
        if (cert.statement.ptr != NULL) {
            abort();
        }
        return;
    }
    if (cert.statement.ptr < in.ptr || cert.statement.len > in.len || cert.spki.len > in.len ||
        cert.statement.len == 0 || cm_attls_pem(cert.spki, pem, sizeof(pem), &len) != CM_OK) {
        abort();
    }
}

static void challenge(struct cm_span in)
{
    struct cm_attls a = {.role = CM_ATTLS_CLIENT};
    uint8_t nonce[CM_ATTLS_NONCE_SIZE];
    uint8_t again[CM_ATTLS_CHALLENGE_SIZE];

    /* own_key stays zeros: only the challenge that names no key is for this client */
    if (cm_attls_challenge_read(&a, in, nonce, a.peer_key, NULL) == CM_OK) {
        memcpy(a.nonce, nonce, sizeof(nonce));
        if (cm_attls_challenge_write(&a, again) != CM_OK || in.len != sizeof(again) ||
            memcmp(again, in.ptr, sizeof(again)) != 0) {
            abort();
        }
    }
}

static void answer(struct cm_span in)
{
    struct cm_attls_answer m;
    uint8_t header[CM_ATTLS_ANSWER_HEADER];

    if (cm_attls_answer_read(in, &m) == CM_OK &&
        (cm_attls_answer_write(&m, header) != CM_OK ||
         memcmp(header, in.ptr, sizeof(header)) != 0 ||
         in.len != sizeof(header) + m.evidence.len + m.endorsements.len)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_span in = {NULL, 0};

    if (size == 0) {
        return 0;
    }
    in = cm_span_make(data + 1, size - 1);
    if (data[0] % 3 == 0) {
        certificate(in);
    } else if (data[0] % 3 == 1) {
        challenge(in);
    } else {
        answer(in);
    }
    return 0;
}
