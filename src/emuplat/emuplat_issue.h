/* What the emulated maker issues: everything in a state that is signed. Private to src/emuplat. */
#ifndef CM_EMUPLAT_ISSUE_H
#define CM_EMUPLAT_ISSUE_H

#include "crypto/pubkey.h"
#include "emuplat/emuplat_state.h"

#define CM_EMUPLAT_DAY       UINT64_C(86400)
#define CM_EMUPLAT_PERIOD    (CM_EMUPLAT_DAY * 30)       /* of lists and documents, as Intel's */
#define CM_EMUPLAT_RENEW     (CM_EMUPLAT_DAY * 20)       /* renewed when this old */
#define CM_EMUPLAT_CERT_LIFE (CM_EMUPLAT_DAY * 365 * 30) /* of all certificates */

/* the same on every emulated platform: a model, not a machine */
extern const uint8_t cm_emuplat_fmspc[6];

/** A private key of the state. The caller frees it. */
CM_MUST_USE enum cm_status cm_emuplat_key(const struct cm_emuplat_state *s,
                                          enum cm_emuplat_part part, struct cm_privkey **out);

/** A new platform: every key, every certificate, first issue. */
CM_MUST_USE enum cm_status cm_emuplat_make(const struct cm_emuplat_cpu *cpu, uint64_t now,
                                           struct cm_emuplat_state **out);

/** New attestation, PCK and TCB signing keys with their certificates. To be issued afterwards. */
CM_MUST_USE enum cm_status cm_emuplat_rekey(const struct cm_emuplat_cpu *cpu, uint64_t now,
                                            struct cm_emuplat_state *s);

/** Lists and documents anew, by what the state says; the next number; no date ever goes back. */
CM_MUST_USE enum cm_status cm_emuplat_issue(const struct cm_emuplat_cpu *cpu, uint64_t now,
                                            struct cm_emuplat_state *s);

/** TCB info (both versions) and QE identity into their parts, signed. */
CM_MUST_USE enum cm_status cm_emuplat_documents(const struct cm_emuplat_cpu *cpu,
                                                const struct cm_privkey *signer,
                                                struct cm_emuplat_state *s);

#endif
