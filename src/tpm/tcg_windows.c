/*
 * What Windows measured about its own start, as single claims ("tpm.windows.*"): registers 11 to 14. Only of
 * registers that lead to signed values and in which every digest is explained by its data: else an event that
 * says "debugging is on" could be given other data. UNTRUSTED: the log.
 */
#include "evidence/claims.h"
#include "tpm/tcg_index.h"
#include "tpm/wbcl.h"

#define FIRST_PCR 11u
#define LAST_PCR  14u

enum finding { BOOT_DEBUG, KERNEL_DEBUG, HYPERVISOR_DEBUG, TEST_SIGNING, FLIGHT_SIGNING, FINDINGS };

static const struct {
    uint32_t type; /* of wbcl.h in the Windows SDK */
    const char *name;
} findings[FINDINGS] = {
    [BOOT_DEBUG] = {0x00040001u, "tpm.windows.boot_debug"},
    [KERNEL_DEBUG] = {0x00050001u, "tpm.windows.kernel_debug"},
    [HYPERVISOR_DEBUG] = {0x0005000du, "tpm.windows.hypervisor_debug"},
    [TEST_SIGNING] = {0x00050003u, "tpm.windows.test_signing"},
    [FLIGHT_SIGNING] = {0x00050021u, "tpm.windows.flight_signing"},
};
#define HVCI_POLICY      0x000a0007u
#define ELAM_AGGREGATION 0x40010002u
#define TRUSTBOUNDARY    0x40010001u

struct windows {
    bool found;          /* an event of Windows' */
    bool seen[FINDINGS]; /* said at all */
    bool set[FINDINGS];  /* said to be on, or said in a way that is no answer */
    bool elam;           /* an early anti-malware driver was measured */
    bool has_hvci;
    uint64_t hvci; /* the least of what was said */
};

static void note_finding(struct windows *win, uint32_t type, struct cm_span data)
{
    for (size_t i = 0; i < FINDINGS; i++) {
        if (findings[i].type == type) {
            win->seen[i] = true;
            win->set[i] = win->set[i] || data.len != 1 || data.ptr[0] != 0;
        }
    }
}

static void note_hvci(struct windows *win, struct cm_span data)
{
    uint64_t v = 0;

    for (size_t i = data.len <= 8 ? data.len : 0; i > 0; i--) {
        v = v << 8 | data.ptr[i - 1];
    }
    win->hvci = !win->has_hvci || v < win->hvci ? v : win->hvci;
    win->has_hvci = true;
}

static void on_part(void *arg, uint32_t type, struct cm_span data)
{
    struct windows *win = arg;

    win->found = win->found || type == TRUSTBOUNDARY;
    win->elam = win->elam || type == ELAM_AGGREGATION;
    if (type == HVCI_POLICY) {
        note_hvci(win, data);
    } else {
        note_finding(win, type, data);
    }
}

/* One event: false where its data could be other than what was measured. */
static bool read_event(const struct cm_tcg_index *index, struct cm_tcg_entry *e,
                       struct windows *win)
{
    struct cm_span proven = {NULL, 0};

    if (e->separator) {
        return true;
    }
    if (!cm_tcg_proven(index, e, &proven) || proven.ptr != e->event.data.ptr ||
        proven.len != e->event.data.len) {
        return false;
    }
    if (cm_wbcl_valid(e->event.data)) {
        cm_wbcl_walk(e->event.data, on_part, win);
    }
    return true;
}

void cm_tcg_claim_windows(const struct cm_tcg_index *index, const struct cm_tcg_claims *to)
{
    const size_t from = cm_evidence_mark(to->ev, to->submod);
    struct windows win = {.found = false};

    for (size_t i = 0; i < index->count; i++) {
        struct cm_tcg_entry *e = &index->entries[i];

        if (e->event.pcr >= FIRST_PCR && e->event.pcr <= LAST_PCR &&
            e->event.type != CM_TCG_NO_ACTION && (to->trusted >> e->event.pcr & 1) != 0 &&
            !read_event(index, e, &win)) {
            return; /* what stands there might say otherwise */
        }
    }
    /* what Windows says about itself stands in 12 and 13: one that is not quoted might say otherwise */
    if (!win.found || (to->trusted >> 12 & 3) != 3) {
        return;
    }
    cm_claim_bool(to->ev, to->submod, "tpm.windows", true);
    for (size_t i = 0; i < FINDINGS; i++) {
        if (win.seen[i]) {
            cm_claim_bool(to->ev, to->submod, findings[i].name, win.set[i]);
        }
    }
    cm_claim_bool(to->ev, to->submod, "tpm.windows.elam", win.elam);
    if (win.has_hvci) {
        cm_claim_uint(to->ev, to->submod, "tpm.windows.hvci_policy", win.hvci);
    }
    cm_evidence_raise(to->ev, to->submod, from, to->authority);
}
