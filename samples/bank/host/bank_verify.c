/* See bank_verify.h. */
#include "bank_verify.h"

#include <casemate/attest.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include <string.h>

#include "../common/bank_text.h"

struct claims {
    oe_claim_t *list;
    size_t count;
};

/* the value of a claim that has exactly this size; NULL when there is none */
static const uint8_t *claim(const struct claims *c, const char *name, size_t size)
{
    for (size_t i = 0; i < c->count; i++) {
        if (strcmp(c->list[i].name, name) == 0 && c->list[i].value_size == size) {
            return c->list[i].value;
        }
    }
    return NULL;
}

static bool claim_is(const struct claims *c, const char *name, const void *want, size_t size)
{
    const uint8_t *value = claim(c, name, size);

    return value != NULL && memcmp(value, want, size) == 0;
}

/* what the library's refusal means here, else the library's own sentence */
static const char *meaning(oe_result_t r)
{
    static const struct {
        oe_result_t result;
        const char *text;
    } texts[] = {
        {OE_QUOTE_HASH_MISMATCH, "swapped key: it is not the one in the enclave's quote"},
        {OE_VERIFY_REVOKED, "revoked platform: its maker took its certificate back"},
        {OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD, "expired: certificates are not valid now"},
        {OE_QUOTE_PROVIDER_CALL_ERROR, "nothing of the platform's maker can be had to verify it"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].result == r) {
            return texts[i].text;
        }
    }
    return cm_attest_refusal()[0] != '\0' ? cm_attest_refusal() : "this is no quote";
}

/* Nobody else can look inside: neither a debugger nor, but for tests, an emulator's owner. Without
 * being told otherwise the library refuses both; this holds whatever somebody told it. */
static enum bank_status check_protected(const struct claims *c, const struct bank_policy *policy,
                                        struct bank_verdict *v, struct bank_why *why)
{
    const uint8_t *value = claim(c, OE_CLAIM_ATTRIBUTES, sizeof(uint64_t));
    uint64_t attributes = OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG;

    if (value != NULL) {
        memcpy(&attributes, value, sizeof(attributes));
    }
    if ((attributes & OE_EVIDENCE_ATTRIBUTES_SGX_DEBUG) != 0) {
        return bank_fail(why, BANK_REFUSED, "debug enclave: its host can read all that is in it");
    }
    for (size_t i = 0; i < c->count; i++) {
        v->emulated = v->emulated || strcmp(c->list[i].name, CM_OE_CLAIM_EMULATED) == 0;
    }
    if (v->emulated && !policy->emulated) {
        return bank_fail(why, BANK_REFUSED,
                         "EMULATED platform: it protects nothing, and --accept-emulated was not "
                         "given");
    }
    return BANK_OK;
}

/* It is the enclave that the policy names. */
static enum bank_status check_identity(const struct claims *c, const struct bank_policy *policy,
                                       struct bank_why *why)
{
    const uint8_t *svn = claim(c, OE_CLAIM_SECURITY_VERSION, sizeof(uint32_t));
    uint8_t product[16] = {(uint8_t)policy->product, (uint8_t)(policy->product >> 8)};
    uint32_t have = 0;

    if (policy->by_enclave && !claim_is(c, OE_CLAIM_UNIQUE_ID, policy->enclave, 32)) {
        return bank_fail(why, BANK_REFUSED,
                         "wrong measurement: this is another enclave than the policy's "
                         "(MRENCLAVE)");
    }
    if (!policy->by_signer) {
        return policy->by_enclave ? BANK_OK
                                  : bank_fail(why, BANK_REFUSED, "the policy names no enclave");
    }
    if (!claim_is(c, OE_CLAIM_SIGNER_ID, policy->signer, 32)) {
        return bank_fail(why, BANK_REFUSED,
                         "wrong signer: the enclave is not of the policy's (MRSIGNER)");
    }
    if (!claim_is(c, OE_CLAIM_PRODUCT_ID, product, sizeof(product))) {
        return bank_fail(why, BANK_REFUSED, "wrong product: another enclave of the same signer");
    }
    if (svn != NULL) {
        memcpy(&have, svn, sizeof(have));
    }
    if (svn == NULL || have < policy->minimum_svn) {
        return bank_fail(why, BANK_REFUSED,
                         "old enclave: security version %u, the policy asks for %u or higher", have,
                         (unsigned)policy->minimum_svn);
    }
    return BANK_OK;
}

static enum bank_status check_platform(const struct claims *c, const struct bank_policy *policy,
                                       struct bank_verdict *v, struct bank_why *why)
{
    const uint8_t *value = claim(c, OE_CLAIM_TCB_STATUS, sizeof(v->status));

    v->status = OE_SGX_TCB_STATUS_INVALID;
    if (value != NULL) {
        memcpy(&v->status, value, sizeof(v->status));
    }
    return bank_policy_status_ok(policy, v->status)
               ? BANK_OK
               : bank_fail(why, BANK_REFUSED,
                           "platform: its maker calls it %s, which the policy does not accept",
                           bank_policy_status_name(v->status));
}

static enum bank_status check_bound(const struct claims *c, const uint8_t nonce[BANK_NONCE_SIZE],
                                    struct bank_verdict *v, struct bank_why *why)
{
    const uint8_t *value = claim(c, OE_CLAIM_CUSTOM_CLAIMS_BUFFER, sizeof(struct bank_bound));
    struct bank_bound bound;

    if (value == NULL) {
        return bank_fail(why, BANK_REFUSED, "the quote binds something else than nonce and key");
    }
    memcpy(&bound, value, sizeof(bound));
    if (memcmp(bound.nonce, nonce, BANK_NONCE_SIZE) != 0) {
        return bank_fail(why, BANK_REFUSED,
                         "stale quote: it answers another nonce than this bank's");
    }
    memcpy(v->key, bound.key, BANK_KEY_SIZE);
    return BANK_OK;
}

enum bank_status bank_verify(const struct bank_policy *policy, const struct bank_answer *a,
                             struct bank_verdict *out, struct bank_why *why)
{
    static const oe_uuid_t format = {OE_FORMAT_UUID_SGX_ECDSA};
    struct bank_verdict v = {.emulated = false};
    struct claims c = {NULL, 0};
    enum bank_status st = BANK_OK;
    oe_result_t r = OE_OK;

    memset(out, 0, sizeof(*out));
    if (a->age > policy->max_age) {
        return bank_fail(why, BANK_REFUSED,
                         "stale quote: it came %llu s after the nonce, the policy allows %llu s",
                         (unsigned long long)a->age, (unsigned long long)policy->max_age);
    }
    if (policy->emulated) {
        cm_attest_accept_emulated();
    }
    r = oe_verifier_initialize();
    if (r == OE_OK) {
        r = oe_verify_evidence(&format, a->evidence, a->size, NULL, 0, NULL, 0, &c.list, &c.count);
    }
    /* genuine, whatever the platform's status: that one is the policy's to judge */
    if (r != OE_OK && r != OE_TCB_LEVEL_INVALID) {
        st = bank_fail(why, BANK_REFUSED, "%s (%s)", meaning(r), oe_result_str(r));
    }
    if (st == BANK_OK) {
        st = check_protected(&c, policy, &v, why);
    }
    if (st == BANK_OK) {
        st = check_identity(&c, policy, why);
    }
    if (st == BANK_OK) {
        st = check_platform(&c, policy, &v, why);
    }
    if (st == BANK_OK) {
        st = check_bound(&c, a->nonce, &v, why);
    }
    if (st == BANK_OK) {
        *out = v;
    }
    (void)oe_free_claims(c.list, c.count);
    return st;
}
