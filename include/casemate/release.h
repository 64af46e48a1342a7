/*
 * Key release policies of Azure Key Vault and Managed HSM: to whom a key may be released, as JSON.
 *
 *   {"version":"1.0.0","anyOf":[{"authority":"https://maa.example.net",
 *    "allOf":[{"claim":"x-ms-attestation-type","equals":"sevsnpvm"}]}]}
 *
 * A policy names authorities: issuers of attestation tokens. A token of one of them releases the key if
 * its claims satisfy the conditions that stand beside that authority. The caller has verified the token;
 * docs/policy.md has the language as built.
 *
 * The default is to refuse: a claim that is absent satisfies nothing but {"exists": false}.
 *
 * NOT promised: that a token is genuine, fresh, or of the authority that it names: that is verified before.
 */
#ifndef CASEMATE_RELEASE_H
#define CASEMATE_RELEASE_H

#include <casemate/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A parsed release policy. Opaque and immutable: any number of threads may evaluate it at once. */
struct cm_release;

/**
 * Parse a release policy, or what an interface wraps it in: {"contentType", "data", "immutable"}, where
 * data is the policy in base64url without padding or in ordinary base64.
 *
 * Refused because nobody means them: members that are not known, groups without conditions, authorities
 * without any, a condition with two comparisons.
 *
 * @param text   UNTRUSTED, at most CM_POLICY_MAX_TEXT bytes (wrapped: twice that); borrowed for the call.
 * @param out    set only on CM_OK; free it with cm_release_free().
 * @param error  optional; filled on every failure, with the place in the policy itself.
 *
 * @retval CM_ERR_SYNTAX not a release policy   @retval CM_ERR_UNSUPPORTED another version
 * @retval CM_ERR_FORMAT, CM_ERR_LIMIT, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_release_parse(struct cm_span text, struct cm_release **out,
                                            struct cm_policy_error *error);

/** Accepts NULL. No evaluation may be using it. */
void cm_release_free(struct cm_release *release);

/** Whether it came wrapped as immutable: then nobody may replace it. */
bool cm_release_immutable(const struct cm_release *release);

/** The index-th authority as it stands in the policy; false beyond the end. Belongs to the policy. */
bool cm_release_authority(const struct cm_release *release, size_t index, struct cm_span *out);

/** What decided, for a person. */
struct cm_release_reason {
    char text[512];
};

/**
 * Evaluate.
 *
 * @param issuer  who issued the token ("iss", or the address of its keys): compared with each authority
 *                without regard to the case of scheme and host, to :443 and to slashes at the end.
 * @param claims  the token's payload: a JSON object. UNTRUSTED only as far as its issuer is.
 * @param reason  optional; set in every case but CM_ERR_NOMEM.
 *
 * @retval CM_OK         the key may be released
 * @retval CM_ERR_POLICY refused: no authority of this name, or its conditions are not met
 * @retval CM_ERR_SYNTAX, CM_ERR_FORMAT, CM_ERR_LIMIT  the claims are no JSON object
 * @retval CM_ERR_NOMEM
 *
 * Thread-safe.
 */
CM_MUST_USE enum cm_status cm_release_evaluate(const struct cm_release *release,
                                               struct cm_span issuer, struct cm_span claims,
                                               struct cm_release_reason *reason);

#ifdef __cplusplus
}
#endif
#endif
