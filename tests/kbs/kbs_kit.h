/*
 * A guest of the key broker, as guest-components are one: a key, a challenge, evidence that binds both, a
 * token, resources. Its evidence is of the emulated platform; what is bound it works out by itself (OpenSSL
 * and a text written by hand), not by what it tests.
 */
#ifndef CM_TESTS_KBS_KIT_H
#define CM_TESTS_KBS_KIT_H

#include "crypto/pubkey.h"
#include "service_kit.h"

/** The service with all that the key broker needs, at the time that it is. */
struct cm_service *kbs_start(void);
struct cm_service *kbs_start_with(bool accept_emulated);
/** The same at another time, for evidence of tests' own makers; nothing of an emulator is taken. */
struct cm_service *kbs_start_at(uint64_t now);
void kbs_stop(void);
/** For tests that can share a service: one that has a resource bank/key/one, policies that let guests of the kit
 * have it, and the time that it is; whatever the test before has left. */
void kbs_ready(void);
#define KBS_SECRET "the bank's key: 7f3c9a1e5b2d"
/** Another instance over the same store; kit_use() says who is asked. */
struct kit *kbs_beside(void);

enum kbs_key { KBS_P256, KBS_P384, KBS_P521, KBS_RSA };

struct kbs_guest {
    struct cm_privkey *key;
    char jwk[1024]; /* canonical */
    char version[16];
    char tee[32];
    char cookie[256]; /* "Cookie: ..." */
    char nonce[64];
    char hash[16];
    char additional[4096]; /* JSON of the text; "\"\"" */
    char init_data[2048];  /* JSON of the member's value; "null" */
    char token[65536];
    /* of the enclave */
    bool debug;
    uint8_t mrenclave; /* every byte */
    uint8_t configid[64];
};

struct kbs_guest *kbs_guest(enum kbs_key kind);
void kbs_guest_free(struct kbs_guest *g);

/** POST auth; the status. Cookie and nonce are the guest's. */
int kbs_auth(struct kbs_guest *g);
/** The quote for this guest's key and challenge, in base64. Static. */
const char *kbs_quote(const struct kbs_guest *g);
/** What evidence must bind: the hash of challenge, key and additional evidence, zeros behind it. */
void kbs_bound(const struct kbs_guest *g, uint8_t out[64]);
/** The body of POST attest of the guest's dialect, with this quote or this evidence (JSON). Static. */
const char *kbs_body(const struct kbs_guest *g, const char *quote);
const char *kbs_body_of(const struct kbs_guest *g, const char *evidence);
/** POST attest with a body; the token is the guest's. */
int kbs_post_attest(struct kbs_guest *g, const char *body);
/** All of it. */
int kbs_attest(struct kbs_guest *g);

/** GET resource by cookie, or by the token. */
int kbs_get(struct kbs_guest *g, const char *path, bool bearer);
/** The last answer, opened with the guest's key, by our own code; "" when it does not open. Static. */
const char *kbs_open(const struct kbs_guest *g);
/** The same by the program jose; NULL: it is not installed, or the key is of RSA: it cannot do RSA-OAEP-256. */
const char *kbs_open_jose(const struct kbs_guest *g);

/** What is in the guest's token: a text by "a.b.c" with '/' between names. The caller frees *claims. */
json_t *kbs_claims(const struct kbs_guest *g);
json_t *kbs_cpu(json_t *claims);

/** By an author, must succeed. */
void kbs_put(const char *path, const char *bytes);
/** Upload a policy for resources, or for a kind of evidence; the status. */
int kbs_resource_policy(const char *text);
int kbs_attestation_policy(const char *id, const char *text);
/** Appraise the guests' enclave as affirming, though it is emulated. */
void kbs_affirm(void);
#define KBS_MRENCLAVE "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"

/** Whether bytes, or their text in base64, base64url or hexadecimal, stood in any answer since kbs_start(). */
bool kbs_seen(const char *bytes);
/** Whether they stand in the files of the store. */
bool kbs_stored(const char *bytes);

/** JSON of base64 of a text, such as a policy. Static. */
const char *kbs_base64(const char *text);
/** The digest of a text, as many bytes as out has, zeros behind it. */
void kbs_digest(const char *hash, const char *text, uint8_t out[64]);

#endif
