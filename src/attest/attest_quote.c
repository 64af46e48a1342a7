/*
 * From a quote and endorsements to a result of the public API; see attest_quote.h. The verification
 * itself is cm_dcap_verify(), the same for host and enclave; here is what it is given (roots, time,
 * flags) and how its checks are told to callers of oe_verify_evidence().
 */
#include "attest/attest_quote.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <casemate/attest.h>

#include "arch/sgx.h"
#include "attest/attest_side.h"
#include "attest/attest_trust.h"
#include "common/wipe.h"
#include "evidence/certs.h"

#define CPU           0
#define EMULATED_ROOT "Casemate EMULATED SGX Root CA"

/* every status that can be accepted: whether it is, is decided here and not by the verifier */
#define ACCEPT_ALL 0xffu

/* platforms whose signatures are not checked again; made at first use, lives as long as we do */
#define CACHED_PLATFORMS 4
static struct cm_dcap_cache *_Atomic platforms;

static struct cm_dcap_cache *cache(void)
{
    struct cm_dcap_cache *have = atomic_load(&platforms);
    struct cm_dcap_cache *made = NULL;

    if (have == NULL && cm_dcap_cache_create(CACHED_PLATFORMS, &made) == CM_OK) {
        if (atomic_compare_exchange_strong(&platforms, &have, made)) {
            return made;
        }
        cm_dcap_cache_free(made); /* another thread was first */
    }
    return have; /* NULL: without one all works the same */
}

/* what cm_attest_refusal() gives out: a line of the log from behind "evidence refused: " on */
#define LINE 256u
static _Thread_local char refusal[LINE];

void cm_attest_refusal_clear(void)
{
    refusal[0] = '\0';
}

const char *cm_attest_refusal(void)
{
    return refusal;
}

/* The log shows control characters escaped; whoever prints the text that is kept may not. */
static void refuse(const char *line)
{
    (void)snprintf(refusal, sizeof(refusal), "%s", line + sizeof(CM_ATTEST_REFUSED) - 1);
    for (char *c = refusal; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            *c = '?';
        }
    }
    cm_attest_show(line);
}

void cm_attest_refused(const char *what, const char *why)
{
    char line[LINE];

    (void)snprintf(line, sizeof(line), CM_ATTEST_REFUSED "%s: %s", what, why);
    refuse(line);
}

static void say_debug(void)
{
    refuse(CM_ATTEST_SAY_DEBUG);
    cm_attest_show(CM_ATTEST_HOW_DEBUG);
}

bool cm_attest_debug_allowed(uint64_t flags)
{
    struct cm_attest_trust trust;
    struct cm_attest_wish wish = {.debug = false};

    if ((flags & SGX_ATTR_DEBUG) == 0) {
        return true;
    }
    cm_attest_trust_get(&trust);
    if (!trust.debug) {
        cm_attest_ask(&wish);
    }
    if (!trust.debug && !wish.debug) {
        say_debug();
    }
    return trust.debug || wish.debug;
}

/* --------------------------------------------------------------- policies */

static oe_result_t read_policy(const oe_policy_t *p, struct cm_attest_policy *out)
{
    oe_datetime_t time;

    switch ((uint32_t)p->type) {
    case OE_POLICY_ENDORSEMENTS_TIME:
        if (out->has_time || p->policy == NULL || p->policy_size != sizeof(time)) {
            return OE_INVALID_PARAMETER;
        }
        memcpy(&time, p->policy, sizeof(time));
        out->has_time = cm_datetime_seconds(&time, &out->time);
        return out->has_time ? OE_OK : OE_INVALID_PARAMETER;
    case OE_POLICY_ENDORSEMENTS_BASELINE:
        if (out->baseline.ptr != NULL || p->policy == NULL || p->policy_size == 0) {
            return OE_INVALID_PARAMETER;
        }
        out->baseline = cm_span_make(p->policy, p->policy_size);
        return OE_OK;
    case OE_POLICY_TCB_BASELINE_DATE:
        if (out->has_date || p->policy == NULL || p->policy_size != sizeof(out->date)) {
            return OE_INVALID_PARAMETER;
        }
        memcpy(&out->date, p->policy, sizeof(out->date));
        out->has_date = true;
        return OE_OK;
    default:
        return OE_INVALID_PARAMETER;
    }
}

oe_result_t cm_attest_policies(const oe_policy_t *policies, size_t count,
                               struct cm_attest_policy *out)
{
    oe_result_t result = OE_OK;

    memset(out, 0, sizeof(*out));
    if (policies == NULL && count != 0) {
        return OE_INVALID_PARAMETER;
    }
    for (size_t i = 0; result == OE_OK && i < count; i++) {
        result = read_policy(&policies[i], out);
    }
    return result;
}

/* ---------------------------------------------------------------- results */

static oe_result_t of_status(enum cm_status st)
{
    switch (st) {
    case CM_OK:
        return OE_OK;
    case CM_ERR_NOMEM:
        return OE_OUT_OF_MEMORY;
    case CM_ERR_CRYPTO:
        return OE_CRYPTO_ERROR;
    case CM_ERR_UNSUPPORTED:
        return OE_UNSUPPORTED;
    case CM_ERR_FORMAT:
    case CM_ERR_SYNTAX:
    case CM_ERR_LIMIT:
    case CM_ERR_OVERFLOW:
    case CM_ERR_PARAM:
        return OE_INVALID_PARAMETER;
    case CM_ERR_EXPIRED:
        return OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD;
    case CM_ERR_REVOKED:
        return OE_VERIFY_REVOKED;
    case CM_ERR_STATE:
    case CM_ERR_SPACE:
    case CM_ERR_EXISTS:
    case CM_ERR_SIGNATURE:
    case CM_ERR_MISMATCH:
    case CM_ERR_POLICY:
    case CM_ERR_DENIED:
    case CM_ERR_IO:
    case CM_ERR_NOTFOUND:
    case CM_ERR_PLATFORM:
    case CM_ERR_BUSY:
        break;
    }
    return OE_VERIFY_FAILED;
}

/* What a failed check is in the API's codes, where it is not just "failed". */
static oe_result_t of_check(const struct cm_check *c)
{
    static const struct {
        const char *name;
        oe_result_t malformed;
        oe_result_t other;
    } map[] = {
        {"pck.source", OE_MISSING_CERTIFICATE_CHAIN, OE_MISSING_CERTIFICATE_CHAIN},
        {"pck.chain", OE_VERIFY_FAILED, OE_VERIFY_FAILED},
        {"root_crl", OE_INVALID_REVOCATION_INFO, OE_INVALID_REVOCATION_INFO},
        {"pck_crl", OE_INVALID_REVOCATION_INFO, OE_INVALID_REVOCATION_INFO},
        {"tcb_info.chain", OE_INVALID_ENDORSEMENT, OE_VERIFY_FAILED},
        {"tcb_info.signature", OE_JSON_INFO_PARSE_ERROR, OE_VERIFY_FAILED},
        {"tcb_info.platform", OE_VERIFY_FAILED, OE_VERIFY_FAILED},
        {"qe_identity.chain", OE_INVALID_QE_IDENTITY_INFO, OE_VERIFY_FAILED},
        {"qe_identity.signature", OE_INVALID_QE_IDENTITY_INFO, OE_VERIFY_FAILED},
        {"qe.identity", OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED,
         OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED},
    };
    bool malformed = c->status == CM_ERR_FORMAT || c->status == CM_ERR_UNSUPPORTED ||
                     c->status == CM_ERR_SYNTAX || c->status == CM_ERR_LIMIT;

    if (c->status == CM_ERR_REVOKED) {
        return OE_VERIFY_REVOKED;
    }
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (strcmp(map[i].name, c->name) == 0) {
            return malformed ? map[i].malformed : map[i].other;
        }
    }
    return of_status(c->status);
}

/* The first failed required check that the TCB's status does not explain; NULL: none. */
static const struct cm_check *first_failure(const struct cm_evidence *ev)
{
    const struct cm_check *c = NULL;

    for (size_t i = 0; (c = cm_evidence_check(ev, CPU, i)) != NULL; i++) {
        if (c->required && c->result == CM_CHECK_FAIL && strcmp(c->name, "tcb.status") != 0) {
            return c;
        }
    }
    return NULL;
}

static oe_sgx_tcb_status_t tcb_of(const struct cm_evidence *ev)
{
    static const oe_sgx_tcb_status_t statuses[] = {
        [CM_DCAP_UP_TO_DATE] = OE_SGX_TCB_STATUS_UP_TO_DATE,
        [CM_DCAP_SW_HARDENING_NEEDED] = OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED,
        [CM_DCAP_CONFIGURATION_NEEDED] = OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED,
        [CM_DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED] =
            OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED,
        [CM_DCAP_OUT_OF_DATE] = OE_SGX_TCB_STATUS_OUT_OF_DATE,
        [CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED] =
            OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED,
        [CM_DCAP_TD_RELAUNCH_ADVISED] = OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED,
        [CM_DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] =
            OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED_CONFIG_NEEDED,
        [CM_DCAP_REVOKED] = OE_SGX_TCB_STATUS_REVOKED,
    };
    const struct cm_claim *c = cm_evidence_find(ev, CPU, CM_CLAIM_TCB_STATUS, 0);

    for (size_t i = 0; c != NULL && i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (strcmp(c->text, cm_dcap_tcb_str((enum cm_dcap_tcb)i)) == 0) {
            return statuses[i];
        }
    }
    return OE_SGX_TCB_STATUS_INVALID;
}

/* OE_POLICY_TCB_BASELINE_DATE: out of date, but not older than the caller cares for. */
static void apply_baseline(const struct cm_attest_policy *policy, struct cm_attest_verdict *v)
{
    const struct cm_claim *date = cm_evidence_find(v->evidence, CPU, CM_CLAIM_TCB_DATE, 0);

    if (!policy->has_date || date == NULL || (int64_t)date->number < policy->date) {
        return;
    }
    if (v->status == OE_SGX_TCB_STATUS_OUT_OF_DATE) {
        v->status = OE_SGX_TCB_STATUS_UP_TO_DATE;
    } else if (v->status == OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED) {
        v->status = OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED;
    }
}

/* ------------------------------------------------------------ verification */

static bool says_emulated(const struct cm_cert *root)
{
    return cm_cert_self_issued(root) && cm_cert_cn(root).len == sizeof(EMULATED_ROOT) - 1 &&
           cm_cert_cn_contains(root, EMULATED_ROOT);
}

bool cm_attest_names_emulated(struct cm_span quote)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    struct cm_quote q;
    size_t count = 0;
    bool found = false;

    if (cm_quote_parse(quote, &q, NULL) == CM_OK && q.cert_type == 5 &&
        cm_certs_create(&set) == CM_OK && cm_certs_pem(set, q.cert_data, chain, &count) == CM_OK) {
        for (size_t i = 0; i < count; i++) {
            found = found || says_emulated(chain[i]);
        }
    }
    cm_certs_free(set);
    return found;
}

/* Whether an emulated platform with this root is accepted; then the root is in trust. */
static bool accept_emulated(const uint8_t spki[32], struct cm_attest_trust *trust)
{
    struct cm_attest_wish wish;

    if (!trust->emulated) {
        cm_attest_ask(&wish);
        if (!wish.emulated && !(wish.has_root && cm_ct_equal(wish.root, spki, 32))) {
            refuse(CM_ATTEST_SAY_EMULATED);
            cm_attest_show(CM_ATTEST_HOW_EMULATED);
            return false;
        }
    }
    cm_attest_trust_add(trust, spki, true);
    return true;
}

static bool quote_debug(const struct cm_quote *q)
{
    return q->tee == CM_QUOTE_TEE_SGX ? (q->sgx.flags & SGX_ATTR_DEBUG) != 0
                                      : q->td.td_attributes.ptr[0] != 0;
}

static enum cm_status run(struct cm_span quote, const struct cm_attest_trust *trust, uint64_t now,
                          struct cm_attest_verdict *v)
{
    struct cm_verify_input in = {
        .now = now,
        .roots = trust->roots,
        .root_count = trust->root_count,
        /* an emulated root stands in the list only if it is accepted */
        .flags = CM_VERIFY_ALLOW_EMULATED | (trust->debug ? CM_VERIFY_ALLOW_DEBUG : 0),
    };

    cm_evidence_free(v->evidence);
    v->evidence = NULL;
    cm_platform_release(&v->lent);
    return cm_dcap_verify_lent(quote, &v->endorsements.collateral, &in, ACCEPT_ALL, cache(),
                               &v->lent, &v->evidence);
}

/* __oe_sgx_set_minimum_crl_tcb_issue_date() */
static bool new_enough(const struct cm_platform *p)
{
    const uint64_t dates[] = {p->tcb.dates.issue_date, p->qe.dates.issue_date,
                              cm_crl_period(p->root_crl).not_before,
                              cm_crl_period(p->pck_crl).not_before};
    uint64_t minimum = cm_attest_minimum_date();
    bool ok = true;

    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        ok = ok && dates[i] >= minimum;
    }
    return ok;
}

/* All is genuine but perhaps the platform's status. */
static oe_result_t judge_status(const struct cm_attest_policy *policy, struct cm_attest_verdict *v)
{
    const struct cm_claim *text = cm_evidence_find(v->evidence, CPU, CM_CLAIM_TCB_STATUS, 0);

    if (!new_enough(v->lent.platform)) {
        cm_attest_refused("endorsements", "issued before the minimum date that was set");
        return OE_INVALID_REVOCATION_INFO;
    }
    v->status = tcb_of(v->evidence);
    v->emulated = cm_evidence_find(v->evidence, CPU, CM_CLAIM_EMULATED, 0) != NULL;
    apply_baseline(policy, v);
    if (v->status == OE_SGX_TCB_STATUS_UP_TO_DATE ||
        v->status == OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED) {
        return OE_OK;
    }
    cm_attest_refused("TCB status", text == NULL ? "none" : text->text);
    return OE_TCB_LEVEL_INVALID;
}

/* What the verifier found, in the API's codes. */
static oe_result_t judge(enum cm_status st, const struct cm_attest_policy *policy,
                         struct cm_attest_verdict *v)
{
    const struct cm_check *failed = NULL;

    if (v->evidence == NULL || st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return of_status(st == CM_OK ? CM_ERR_NOMEM : st);
    }
    failed = first_failure(v->evidence);
    if (failed == NULL) {
        return judge_status(policy, v);
    }
    if (strcmp(failed->name, "debug") == 0) {
        say_debug();
    } else {
        cm_attest_refused(failed->name, failed->detail[0] != '\0' ? failed->detail
                                                                  : cm_status_str(failed->status));
    }
    return of_check(failed);
}

static oe_result_t get_endorsements(struct cm_span quote, struct cm_span given,
                                    const struct cm_attest_policy *policy,
                                    struct cm_attest_verdict *v)
{
    oe_result_t result = OE_OK;
    struct cm_why why = {{0}};
    size_t size = 0;

    if (given.ptr == NULL && cm_pck_chain_elsewhere(quote, &why)) {
        cm_attest_refused("pck.source", why.text); /* whatever would be fetched */
        return OE_MISSING_CERTIFICATE_CHAIN;
    }
    if (given.ptr == NULL) {
        result = cm_attest_fetch(quote, policy->baseline, &v->fetched, &size);
        if (result == OE_UNSUPPORTED && policy->baseline.ptr != NULL) {
            cm_attest_refused("policy", "no provider here can choose collateral by a baseline");
        }
        given = cm_span_make(v->fetched, size);
    }
    if (result == OE_OK) {
        result = cm_endorsements_parse(given, &v->endorsements);
    }
    return result;
}

oe_result_t cm_attest_verify_quote(struct cm_span quote, struct cm_span endorsements,
                                   const struct cm_attest_policy *policy,
                                   struct cm_attest_verdict *out)
{
    uint64_t now = policy->has_time ? policy->time : cm_attest_now();
    struct cm_attest_trust trust;
    struct cm_attest_wish wish;
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;
    oe_result_t result = OE_OK;

    memset(out, 0, sizeof(*out));
    st = cm_quote_parse(quote, &out->quote, &why);
    if (st != CM_OK) {
        cm_attest_refused("format", why.text);
        return of_status(st);
    }
    result = get_endorsements(quote, endorsements, policy, out);
    if (result != OE_OK) {
        return result;
    }
    cm_attest_trust_get(&trust);
    if (quote_debug(&out->quote) && !trust.debug) {
        cm_attest_ask(&wish);
        trust.debug = wish.debug;
    }
    st = run(quote, &trust, now, out);
    if (st == CM_ERR_POLICY &&
        cm_evidence_result(out->evidence, CPU, "root.trusted") == CM_CHECK_FAIL &&
        says_emulated(out->lent.platform->root)) {
        if (!accept_emulated(cm_cert_spki_sha256(out->lent.platform->root), &trust)) {
            return OE_VERIFY_FAILED;
        }
        st = run(quote, &trust, now, out);
    }
    return judge(st, policy, out);
}

void cm_attest_verdict_free(struct cm_attest_verdict *v)
{
    cm_evidence_free(v->evidence);
    cm_platform_release(&v->lent);
    free(v->fetched);
    memset(v, 0, sizeof(*v));
}
