/*
 * A service with Azure's API in this process, over platforms of our own: the emulated one (by the real
 * clock), or invented Intel and AMD ones at the time that their certificates are of (pki.h, snpkit.h).
 */
#ifndef CM_TESTS_MAA_KIT_H
#define CM_TESTS_MAA_KIT_H

#include "decide_kit.h"
#include "pki.h"
#include "service_kit.h"
#include "snpkit.h"

/** With the emulated platform; the service takes what it makes. */
void maa_start_emulated(void);
/** What the source of the emulated platform's collateral answers from now on. */
void maa_source(enum cm_status st);
/** With invented makers, at PKI_NOW; what they sign counts as genuine. bundle and snp may be NULL. A service that
 * runs already trusts these makers from now on, and no others: making its keys takes its time. */
void maa_start_invented(const struct pki_bundle *bundle, const struct sk_world *snp);
void maa_stop(void);

/** base64url without padding; malloc'd. */
char *maa_b64(struct cm_span bytes);
/** Standard base64 with padding; malloc'd. */
char *maa_b64_std(struct cm_span bytes);

/** A quote of the emulated platform whose report data is SHA-256(data), then zeros. */
size_t maa_quote(const char *data, uint8_t out[DECIDE_QUOTE_MAX]);

/** {"quote": base64url}, to be completed and given to maa_attest(). */
json_t *maa_body(const char *name, struct cm_span evidence);
/** Add "runtimeData" or "initTimeData". */
void maa_data(json_t *body, const char *name, const char *data, const char *type);

/** POST /attest/TYPE?api-version=2022-08-01; takes the body. */
struct kit_answer *maa_attest(const char *type, json_t *body);

/**
 * The claims of the last answer's token, verified as clients do: RS256, by the key of /certs that its header
 * names. NULL: there is none, or it does not verify. Valid until the next call; leaves the last answer alone.
 */
json_t *maa_claims(void);
/** The same of a token that came otherwise. */
json_t *maa_claims_of(const char *token);
/** The header of that token. */
json_t *maa_header(void);
/** The claims of a token that is not signed (alg none); NULL: it is, or is none. */
json_t *maa_claims_unsigned(void);
/** The same of a token of the native API, by /.well-known/jwks.json. */
json_t *maa_result(void);

/** A member of the last claims by a path; "" or NULL when absent. */
const char *maa_text(const json_t *claims, const char *name);

/** How many attestations are recorded. */
int64_t maa_records(void);

/** Isolated mode with one registered signer: POST /test/isolate as admin, its certificate in PEM. */

/** Set a policy from text, as an author; its status. */
int maa_policy(const char *type, const char *text);

#endif
