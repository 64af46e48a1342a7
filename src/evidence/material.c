/* What beside the evidence itself a verifier looks up in its caller's input. */
#include "evidence/material.h"

#include <string.h>

#include "common/wipe.h"
#include "evidence/claims.h"

const struct cm_material *cm_material(const struct cm_verify_job *job, enum cm_material_kind kind,
                                      size_t nth)
{
    for (size_t i = 0; i < job->material_count; i++) {
        if (job->materials[i].kind == kind && nth-- == 0) {
            return &job->materials[i];
        }
    }
    return NULL;
}

const struct cm_trust_root *cm_root_find(const struct cm_verify_input *in, const char *family,
                                         const uint8_t spki_sha256[32])
{
    for (size_t i = 0; i < in->root_count; i++) {
        const struct cm_trust_root *root = &in->roots[i];

        if (root->family != NULL && strcmp(root->family, family) == 0 &&
            cm_ct_equal(root->spki_sha256, spki_sha256, 32)) {
            return root;
        }
    }
    return NULL;
}

enum cm_status cm_check_nonce(const struct cm_verify_input *in, struct cm_evidence *ev,
                              size_t submod, struct cm_span held, bool exact)
{
    const struct cm_span want = in->report_data;
    bool same = false;

    if (want.ptr == NULL) {
        cm_check_note(ev, submod, "nonce", CM_CHECK_NOT_CHECKED, "%s", "none was expected");
        return CM_OK;
    }
    same = want.len != 0 && (exact ? want.len == held.len : want.len <= held.len) &&
           cm_ct_equal(want.ptr, held.ptr, want.len);
    cm_check_status(ev, submod, "nonce", same ? CM_OK : CM_ERR_MISMATCH, "%s",
                    same ? "" : "the evidence answers another challenge than the expected one");
    return same ? CM_OK : CM_ERR_MISMATCH;
}
