/* What holds for the evidence of every format; see whole.h. */
#include "verify/whole.h"

#include "evidence/claims.h"

/* The status of the first required check that failed; CM_OK: none did. */
static enum cm_status first_failure(const struct cm_evidence *ev, size_t submod, bool *any)
{
    const struct cm_check *c = NULL;

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        *any = *any || c->required;
        if (c->required && c->result != CM_CHECK_PASS) {
            return c->status != CM_OK ? c->status : CM_ERR_POLICY;
        }
    }
    return CM_OK;
}

enum cm_status cm_verify_whole(struct cm_evidence *ev, enum cm_status said)
{
    enum cm_status st = said;

    for (size_t i = 0; i < cm_evidence_submods(ev); i++) {
        bool any = false;
        enum cm_status own = first_failure(ev, i, &any);

        if (own == CM_OK && !any) {
            own = CM_ERR_POLICY;
            cm_check_status(ev, i, "checked", own, "%s", "nothing about it was verified");
        }
        if (own == CM_OK && !cm_evidence_genuine(ev, i)) {
            own = CM_ERR_MISMATCH;
            cm_check_status(ev, i, "bound", own, "%s", "nothing genuine vouches for this part");
        }
        if (i != 0 && !cm_evidence_genuine(ev, i)) {
            cm_evidence_raise(ev, i, 0, CM_AUTHORITY_SELF);
        }
        st = st == CM_OK ? own : st;
    }
    return st;
}
