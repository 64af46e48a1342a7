/* What the tests of attestation share: evidence made from the tests' own hierarchy, claims found. */
#ifndef CM_TESTS_ATTEST_KIT_H
#define CM_TESTS_ATTEST_KIT_H

#include "harness.h"

#include <casemate/attest.h>
#include <openenclave/attestation/custom_claims.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/sgx/report.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/bits/attestation.h>
#include <openenclave/host_verify.h>

#include "attest/attest_claims.h"
#include "crypto/crypto.h"
#include "pki.h"

static const oe_uuid_t kit_ecdsa = {OE_FORMAT_UUID_SGX_ECDSA};
static const oe_uuid_t kit_raw = {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA};
static const oe_uuid_t kit_legacy = {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE};
static const oe_uuid_t kit_local = {OE_FORMAT_UUID_SGX_LOCAL_ATTESTATION};
static const oe_uuid_t kit_tdx = {OE_FORMAT_UUID_TDX_QUOTE_ECDSA};

static const char kit_claims[] = "what the enclave says";

/* evidence and endorsements, malloced */
struct kit {
    struct pki_bundle *bundle;
    uint8_t *evidence;
    size_t evidence_size;
    uint8_t *endorsements;
    size_t endorsements_size;
    oe_claim_t *claims;
    size_t claim_count;
};

static inline const oe_claim_t *kit_find(const struct kit *k, const char *name)
{
    for (size_t i = 0; i < k->claim_count; i++) {
        if (strcmp(k->claims[i].name, name) == 0) {
            return &k->claims[i];
        }
    }
    return NULL;
}

static inline void kit_free(struct kit *k)
{
    (void)oe_free_claims(k->claims, k->claim_count);
    free(k->evidence);
    free(k->endorsements);
    pki_free(k->bundle);
    memset(k, 0, sizeof(*k));
}

static inline void kit_must(bool ok, const char *what)
{
    if (!ok) {
        (void)printf("cannot go on: %s\n", what);
        exit(2);
    }
}

/* Evidence of a format from a specification; embed: both parts behind headers. */
static inline struct kit kit_make(struct pki_spec *s, const oe_uuid_t *format, bool embed)
{
    struct kit k = {NULL, NULL, 0, NULL, 0, NULL, 0};
    struct cm_span claims = {(const uint8_t *)kit_claims, sizeof(kit_claims)};
    struct cm_span part = {NULL, 0};
    struct cm_span parts[2];
    const oe_uuid_t *id = embed ? format : NULL;
    uint8_t *plain = NULL;
    size_t plain_size = 0;

    if (cm_uuid_equal(format, &kit_ecdsa)) {
        kit_must(cm_sha256_of(claims, s->body + 320) == CM_OK, "hash");
        memset(s->body + 352, 0, 32);
    } else {
        claims.len = 0;
    }
    k.bundle = pki_make(s);
    parts[0] = k.bundle->quote;
    parts[1] = claims;
    if (cm_uuid_equal(format, &kit_legacy)) {
        kit_must(cm_report_wrap(CM_REPORT_REMOTE, k.bundle->quote, &plain, &plain_size) == OE_OK,
                 "report");
        parts[0] = cm_span_make(plain, plain_size);
    }
    kit_must(cm_attest_join(id, parts, 2, &k.evidence, &k.evidence_size) == OE_OK, "evidence");
    free(plain);
    kit_must(cm_endorsements_make(&k.bundle->col, k.bundle->quote, PKI_NOW, &plain, &plain_size) ==
                 OE_OK,
             "endorsements");
    part = cm_span_make(plain, plain_size);
    kit_must(cm_attest_join(id, &part, 1, &k.endorsements, &k.endorsements_size) == OE_OK,
             "endorsements");
    free(plain);
    return k;
}

static inline oe_datetime_t kit_date(uint64_t t)
{
    oe_datetime_t d;

    cm_datetime_of(t, &d);
    return d;
}

/* Verify at a time; format NULL: the headers name it. */
static inline oe_result_t kit_verify_at(struct kit *k, const oe_uuid_t *format, uint64_t now)
{
    oe_datetime_t date = kit_date(now);
    oe_policy_t policy = {OE_POLICY_ENDORSEMENTS_TIME, &date, sizeof(date)};

    (void)oe_free_claims(k->claims, k->claim_count);
    k->claims = NULL;
    k->claim_count = 0;
    return oe_verify_evidence(format, k->evidence, k->evidence_size, k->endorsements,
                              k->endorsements_size, &policy, 1, &k->claims, &k->claim_count);
}

static inline oe_result_t kit_verify(struct kit *k, const oe_uuid_t *format)
{
    return kit_verify_at(k, format, PKI_NOW);
}

static inline void claim_is(const struct kit *k, const char *name, const void *value, size_t size)
{
    const oe_claim_t *c = kit_find(k, name);

    if (c == NULL || c->value_size != size || memcmp(c->value, value, size) != 0) {
        TEST_FAIL("claim %s", name);
    }
}

static inline void claim_flag(const struct kit *k, const char *name, bool value)
{
    claim_is(k, name, &value, sizeof(value));
}

/* another root of the same shape, with a name of its own */
static inline void kit_under_root(struct pki_spec *s, const char *name)
{
    s->root.cn = name;
    s->root.issuer = name;
    s->root.key = PKI_OTHER;
    s->root.signer = PKI_OTHER;
    s->tcb_root = s->root;
    s->ca.issuer = name;
    s->ca.signer = PKI_OTHER;
    s->tcb.issuer = name;
    s->tcb.signer = PKI_OTHER;
    s->root_crl.issuer = name;
    s->root_crl.signer = PKI_OTHER;
}

static inline void kit_trust_tests_root(void)
{
    uint8_t spki[32];

    pki_spki(PKI_ROOT, spki);
    kit_must(cm_attest_trust_root(spki, false) == CM_OK, "root");
}

#endif
