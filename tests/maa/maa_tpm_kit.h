/*
 * The client's side of the dialogue with a TPM (POST /attest/Tpm), with every choice the test's. Ends the process when
 * something of the kit fails.
 */
#ifndef CM_TESTS_MAA_TPM_KIT_H
#define CM_TESTS_MAA_TPM_KIT_H

#include "certkit.h"
#include "maa_kit.h"
#include "tpm_kit.h"

extern uint8_t tpm_challenge[32]; /* the last that was given */
extern char *tpm_context;         /* its context: base64url, as it came; malloc'd */

/** What a client sends. */
struct tpm_client {
    uint8_t nonce[32];    /* the quote's */
    enum kit_key quoting; /* the attestation key */
    enum kit_key signer;  /* of the request */
    enum kit_key named;   /* attest_key */
    const char *type;     /* of the JWS */
    const char *att_type;
    const char *rp_data;
    bool spoil_pcrs;
    bool beside; /* a first message stands beside the request */
};

/** A service that trusts the TPM makers' root of this kit. */
void tpm_begin(const char *policy);
void tpm_end(void);

/** Send JSON as the dialogue does, and give back the JSON of the answer; NULL: there is none. Takes what. */
json_t *tpm_say(json_t *what);
/** Keep challenge and context of an answer; false: it has none. */
bool tpm_take(const json_t *answer);
/** {"type": "aikcert"} */
bool tpm_get_challenge(void);

json_t *tpm_b64(const void *bytes, size_t len);
json_t *tpm_jwk(enum kit_key key);

/** A good client for the challenge that was taken last. */
void tpm_client_init(struct tpm_client *c);
/** The quote is over the hash of challenge and key, which binds the key to it. */
void tpm_bind(struct tpm_client *c);
/** A certificate for a key as attestation key (use 3) or endorsement key (1), and the kit's CA behind it. */
size_t tpm_certificates(EVP_PKEY *key, uint8_t use, bool with_ca, uint8_t *out);

/** Send the request; tpm_data: {"aik_cert", ...}, beside which current_claim stands; taken. */
json_t *tpm_ask(const struct tpm_client *c, json_t *tpm_data);
/** The claims of a report that is given; NULL: it was refused. */
const json_t *tpm_report(const struct tpm_client *c, json_t *tpm_data);
/** Whether it is refused with words about it. */
bool tpm_refused(const struct tpm_client *c, json_t *tpm_data, const char *words);

#endif
