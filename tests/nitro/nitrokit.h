/* Nitro documents made by the tests: every field and certificate is the test's to change. */
#ifndef CM_TESTS_NITROKIT_H
#define CM_TESTS_NITROKIT_H

#include <casemate/verify.h>

#include "certkit.h"
#include "crypto/pubkey.h"

#define NK_CERTS 4 /* root, two intermediates, leaf */

/* A field that is not what it should be: cbor of length 0 leaves it out. */
struct nk_patch {
    const char *name; /* NULL: none */
    struct cm_span cbor;
};

struct nk_doc {
    struct ck_cert certs[NK_CERTS];
    size_t bundle_count; /* of the certificates before the leaf */
    bool reversed;       /* the bundle's order */
    const struct cm_privkey *signer;
    enum cm_sig_alg alg;
    bool tagged;
    bool indefinite;
    bool nulls;        /* absent fields are there as null */
    uint8_t pcr_first; /* first byte of PCR0 to PCR2; 0: debug mode */
    size_t pcr_count;
    size_t pcr_size;
    const char *module_id;
    struct cm_span nonce;
    struct cm_span user_data;
    struct cm_span public_key;
    struct nk_patch patch;
};

void nk_defaults(struct nk_doc *d);
size_t nk_make(const struct nk_doc *d, uint8_t *out, size_t cap);
/** The root of the defaults, as a caller trusts it. */
struct cm_trust_root nk_root(void);
/** Keys on P-384; index 0 to 5. */
const struct cm_privkey *nk_key(int index);

#endif
