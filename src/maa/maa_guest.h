/* Private to src/maa: what a confidential virtual machine of Azure sent. */
#ifndef CM_MAA_MAA_GUEST_H
#define CM_MAA_MAA_GUEST_H

#include "maa/maa_private.h"

#define CM_MAA_MAX_PCRS 24u

/** What the answer needs beside the decision. Owns what it points to. */
struct cm_maa_guest {
    json_t *info;
    bool isolated; /* by a TEE; else a Trusted Launch machine, for which its TPM alone stands */
    struct cm_maa_bytes runtime; /* what the hardware's report is bound to */
    struct cm_maa_bytes
        enc_pub; /* the key to which the token is sealed, and the TPM's word for it */
    struct cm_maa_bytes enc_info;
    struct cm_maa_bytes enc_sig;
};

/** Take a body apart. Both are freed by the caller in any case. */
CM_MUST_USE enum cm_status cm_maa_guest_read(const json_t *body, struct cm_maa_request *r,
                                             struct cm_maa_guest *g, struct cm_why *why);
/** Accepts NULL. */
void cm_maa_guest_free(void *guest);

/** What a machine says about its system, under Azure's names: for policies that name its issuer, and the token. */
CM_MUST_USE enum cm_status cm_maa_guest_words(const json_t *info, json_t **out);

/** The answer to a permitted guest: a token that its TPM alone can open. As of struct cm_maa_finish. */
CM_MUST_USE enum cm_status cm_maa_guest_answer(struct cm_call *call, const struct cm_maa_request *r,
                                               struct cm_decision *d, void *arg, json_t **out,
                                               struct cm_why *why);

#endif
