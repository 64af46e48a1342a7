/* See ccel.h. Untrusted: the log. */
#include "verify/ccel.h"

#include <string.h>

#include "evidence/claims.h"
#include "tpm/tcg_log.h"

enum cm_status cm_verify_ccel(const struct cm_verify_job *job, struct cm_evidence *ev,
                              enum cm_status verdict)
{
    static const char *const names[4] = {"tdx.rtmr0", "tdx.rtmr1", "tdx.rtmr2", "tdx.rtmr3"};
    const struct cm_material *log = cm_material(job, CM_MATERIAL_EVENT_LOG, 0);
    enum cm_authority authority = CM_AUTHORITY_HARDWARE;
    uint8_t rtmr[4][48];
    enum cm_status st = CM_OK;

    if (log == NULL) {
        return verdict;
    }
    for (size_t i = 0; i < 4; i++) {
        const struct cm_claim *c = cm_evidence_find(ev, 0, names[i], 0);

        if (c == NULL || c->len != sizeof(rtmr[i])) {
            cm_check_status(ev, 0, "ccel.event_log", CM_ERR_UNSUPPORTED, "%s",
                            "the quote has no runtime registers for a log to replay to");
            return verdict == CM_OK ? CM_ERR_UNSUPPORTED : verdict;
        }
        memcpy(rtmr[i], c->bytes, sizeof(rtmr[i]));
        authority = c->authority < authority ? c->authority : authority;
    }
    st = cm_ccel_check(log->bytes, (const uint8_t(*)[48])rtmr, authority, ev, 0);
    return verdict == CM_OK ? st : verdict;
}
