/*
 * The state file: opened, made once, renewed, changed, thrown away. Readers take no lock, since the
 * file is only ever replaced as a whole; whoever changes it holds the lock file. Private to
 * src/emuplat and its tests, which give the time; everybody else takes the clock's.
 */
#ifndef CM_EMUPLAT_STORE_H
#define CM_EMUPLAT_STORE_H

#include "emuplat/emuplat_state.h"

/* Processor and state that belong together. */
struct cm_emuplat {
    struct cm_emuplat_cpu cpu;
    struct cm_emuplat_state *state; /* owned */
};

/** Now, in seconds since 1970. */
uint64_t cm_emuplat_clock(void);

/**
 * The platform as it is, made or renewed first when it has to be.
 * @param out  set only on CM_OK; cm_emuplat_close() it
 * Errors are those of casemate/emuplat.h.
 */
CM_MUST_USE enum cm_status cm_emuplat_open(uint64_t now, struct cm_emuplat *out,
                                           struct cm_why *why);
/** Wipes and frees. Accepts one that was never opened, if zeroed. */
void cm_emuplat_close(struct cm_emuplat *e);

enum cm_emuplat_change {
    CM_EMUPLAT_SET_TCB, /* to the given status */
    CM_EMUPLAT_REVOKE,  /* the present PCK certificate */
    CM_EMUPLAT_ROTATE,  /* new attestation, PCK and TCB signing keys */
};

/**
 * Change the state and issue lists and documents anew.
 * @retval CM_ERR_PARAM  not a status that a platform can have
 * @retval CM_ERR_LIMIT  too many revoked certificates: reset
 */
CM_MUST_USE enum cm_status cm_emuplat_apply(uint64_t now, enum cm_emuplat_change change,
                                            enum cm_dcap_tcb tcb, struct cm_why *why);

/** Remove state and processor secrets, also damaged ones. The next call makes new ones. */
CM_MUST_USE enum cm_status cm_emuplat_discard(struct cm_why *why);

#endif
