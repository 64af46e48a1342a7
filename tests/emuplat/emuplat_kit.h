/* What the tests of the emulated platform share: a state folder of their own, REPORTs, verdicts. */
#ifndef CM_TESTS_EMUPLAT_KIT_H
#define CM_TESTS_EMUPLAT_KIT_H

#include "harness.h"

#include <sys/stat.h>
#include <unistd.h>

#include "emuplat/emuplat_admin.h"
#include "emuplat/emuplat_issue.h"
#include "emuplat/emuplat_store.h"
#include "emuplat_report.h"

static char kit_dir[64];
static char kit_state[96];
static char kit_fuses[96];

static inline bool kit_fresh(void)
{
    (void)snprintf(kit_dir, sizeof(kit_dir), "/tmp/cm_emuplat_test_XXXXXX");
    if (mkdtemp(kit_dir) == NULL || setenv("CASEMATE_STATE_DIR", kit_dir, 1) != 0) {
        return false;
    }
    (void)snprintf(kit_state, sizeof(kit_state), "%s/" CM_EMUPLAT_FILE, kit_dir);
    (void)snprintf(kit_fuses, sizeof(kit_fuses), "%s/" CM_EMU_PLATFORM_FILE, kit_dir);
    return true;
}

/* Fails when anything but the three known files was left. */
static inline void kit_remove(void)
{
    char lock[112] = "";

    (void)snprintf(lock, sizeof(lock), "%s.lock", kit_state);
    (void)unlink(kit_state);
    (void)unlink(kit_fuses);
    (void)unlink(lock);
    CHECK_EQ(rmdir(kit_dir), 0);
}

/* The verdict on a quote with given collateral at a time; the check that failed in *check. */
struct kit_verdict {
    enum cm_status status;
    char check[32];
    char tcb[64];
    bool emulated;
    enum cm_authority authority; /* of the measurement */
};

static inline struct kit_verdict kit_judge(struct cm_span quote,
                                           const struct cm_dcap_collateral *col,
                                           const struct cm_verify_input *in, unsigned accept)
{
    struct kit_verdict v = {CM_OK, "", "", false, CM_AUTHORITY_HARDWARE};
    struct cm_evidence *ev = NULL;
    const struct cm_check *c = NULL;
    const struct cm_claim *claim = NULL;

    v.status = cm_dcap_verify(quote, col, in, accept, NULL, &ev);
    for (size_t i = 0; ev != NULL && (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        if (c->result == CM_CHECK_FAIL && v.check[0] == '\0') {
            (void)snprintf(v.check, sizeof(v.check), "%s", c->name);
        }
    }
    claim = ev == NULL ? NULL : cm_evidence_find(ev, 0, CM_CLAIM_TCB_STATUS, 0);
    if (claim != NULL) {
        (void)snprintf(v.tcb, sizeof(v.tcb), "%s", claim->text);
    }
    claim = ev == NULL ? NULL : cm_evidence_find(ev, 0, "sgx.isvsvn", 0);
    v.authority = claim == NULL ? CM_AUTHORITY_HARDWARE : claim->authority;
    v.emulated = ev != NULL && cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 0) != NULL;
    if (ev != NULL && cm_evidence_find(ev, 0, CM_CLAIM_EMULATED, 1) != NULL) {
        TEST_FAIL("said twice that it is emulated");
    }
    cm_evidence_free(ev);
    return v;
}

/* With the platform's own collateral and root, now, as a caller that allows emulated evidence. */
static inline struct kit_verdict kit_verify(struct cm_span quote, unsigned accept)
{
    struct kit_verdict v = {CM_ERR_STATE, "no collateral", "", false, CM_AUTHORITY_HARDWARE};
    struct cm_emuplat_bundle *b = NULL;
    struct cm_trust_root root;
    struct cm_dcap_collateral col;

    if (cm_emuplat_collateral(&b, NULL) == CM_OK && cm_emuplat_trust_root(&root, NULL) == CM_OK) {
        const struct cm_verify_input in = {.now = cm_emuplat_clock(),
                                           .roots = &root,
                                           .root_count = 1,
                                           .flags = CM_VERIFY_ALLOW_EMULATED};

        col = cm_emuplat_bundle_view(b);
        v = kit_judge(quote, &col, &in, accept);
    }
    cm_emuplat_bundle_free(b);
    return v;
}

#endif
