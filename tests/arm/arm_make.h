/* Arm's tokens made by the tests: every claim can be left out or replaced by other CBOR. */
#ifndef CM_TESTS_ARM_MAKE_H
#define CM_TESTS_ARM_MAKE_H

#include <casemate/verify.h>

#include "crypto/pubkey.h"

enum { MAKE_LEGACY, MAKE_2023, MAKE_2024 };

/* A claim that is not what it should be: cbor "" (len 0) leaves it out. */
struct make_patch {
    int64_t label;
    struct cm_span cbor;
    bool used;
};

struct make_cca {
    int generation;
    const struct cm_privkey *cpak;
    enum cm_sig_alg cpak_alg;
    const struct cm_privkey *rak;         /* named in the realm token */
    const struct cm_privkey *rak_signing; /* signs it */
    uint64_t lifecycle;
    struct make_patch platform;
    struct make_patch realm;
    bool cmw;         /* tag 907 instead of 399 */
    bool other_bytes; /* the platform vouches for the same key, written in another way */
    const char *key_hash;
    enum cm_sig_alg rak_alg;
    const char *device_type; /* of 2024 */
    bool device_vca;
    bool third_part;      /* in the collection */
    size_t challenge_len; /* of the hash that the platform vouches with; 0: all of it */
};

/* The usual token of a generation, with keys of the test. */
void make_cca_defaults(struct make_cca *m, int generation);
size_t make_cca(const struct make_cca *m, uint8_t *out, size_t cap);

struct make_psa {
    int profile; /* 1, 2, 3: RFC 9783 */
    const struct cm_privkey *iak;
    enum cm_sig_alg alg;
    uint64_t lifecycle;
    struct make_patch patch;
    bool mac;
    bool cwt;
    size_t nonce_len;
};

void make_psa_defaults(struct make_psa *m, int profile);
size_t make_psa(const struct make_psa *m, uint8_t *out, size_t cap);

/* Keys of the tests, made once. */
const struct cm_privkey *make_key(int which); /* 0..3 on P-384, 4..7 on P-256, 8 RSA-2048 */

/* Public parts in the forms that cm_enrolled_find() takes; returns the length. */
enum { FORM_PEM, FORM_DER, FORM_JWK, FORM_JWKS, FORM_COSE, FORM_COSE_SET, FORM_STORE, FORM_COUNT };
size_t make_enrolled(const struct cm_privkey *key, int form, const uint8_t instance[33],
                     uint8_t *out, size_t cap);
/* A COSE_Key; with_kid: the same key in other bytes */
size_t make_cose_key(const struct cm_privkey *key, bool with_kid, uint8_t *out, size_t cap);

extern const uint8_t make_instance[33];
extern const uint8_t make_implementation[32];
extern const uint8_t make_nonce[64];

#endif
