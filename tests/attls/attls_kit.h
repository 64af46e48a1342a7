/* What the attested TLS tests share: the enclave, and TLS between any two ends. */
#ifndef CM_TESTS_ATTLS_KIT_H
#define CM_TESTS_ATTLS_KIT_H

#include <casemate/attest.h>
#include <casemate/attls.h>
#include <openenclave/host.h>

#include "attls_u.h"
#include "tls_end.h"

enum { MAX_DER = 32768, MAX_MESSAGE = 65536 };

struct message {
    uint8_t bytes[MAX_MESSAGE];
    size_t size;
};

/* A new production enclave in the emulator, set up; NULL after a message. */
oe_enclave_t *kit_enclave(bool accept_emulated);

/* A certificate of an enclave (attls_enc.c names the forms); its private key stays inside. */
oe_result_t kit_certificate(oe_enclave_t *e, int form, bool rsa, struct message *der);

/* An end of TLS: in the host, or one of an enclave's slots. */
struct kit_end {
    oe_enclave_t *enclave; /* NULL: in the host */
    int slot;
    struct tls_end host;
};

struct kit_end kit_inside(oe_enclave_t *e, int slot, bool server, bool ask, bool no_certificate);
struct kit_end kit_outside(const struct tls_setup *s);

/* A self-signed certificate without evidence, and its key in PEM. */
bool kit_plain(char pem[4096], struct message *der);

/* Carry the handshake between two ends; true when both finished. */
bool kit_handshake(struct kit_end *client, struct kit_end *server);

#endif
