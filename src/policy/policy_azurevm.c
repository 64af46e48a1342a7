/*
 * What Azure Attestation calls the claims of its virtual machines (its page "claim sets": x-ms-azurevm-*). Only
 * what the machine's virtual TPM proves is here: a finding that nothing proves is absent, and so is neither
 * true nor false to a rule.
 */
#include <string.h>

#include "common/span.h"
#include "common/try.h"
#include "policy/policy_azure.h"

struct machine {
    const struct cm_evidence *ev;
    size_t vtpm;
    enum cm_authority least;
    struct cm_policy_claims *set;
};

/* The one claim of a name that the TPM's key or the hardware vouches for. */
static const struct cm_claim *known(const struct machine *m, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(m->ev, m->vtpm, name, 0);

    return c == NULL || c->authority < m->least || cm_evidence_find(m->ev, m->vtpm, name, 1) != NULL
               ? NULL
               : c;
}

static bool is_true(const struct cm_claim *c)
{
    return c != NULL && c->type == CM_CLAIM_TYPE_BOOL && c->number != 0;
}

static bool is_false(const struct cm_claim *c)
{
    return c != NULL && c->type == CM_CLAIM_TYPE_BOOL && c->number == 0;
}

static enum cm_status put_bool(const struct machine *m, const char *name, bool value)
{
    return cm_policy_claims_bool(m->set, name, value, CM_POLICY_SERVICE);
}

/* Whether a measurement is among the operator's reference values; one that is not makes evidence void. */
static bool is_reference(const struct machine *m, const char *label)
{
    const struct cm_claim *c = NULL;

    for (size_t n = 0; (c = cm_evidence_find(m->ev, m->vtpm, "reference.matched", n)) != NULL;
         n++) {
        if (c->authority >= m->least && strcmp(c->text, label) == 0) {
            return true;
        }
    }
    return false;
}

/* What secure boot goes by, where the operator has named it. */
static enum cm_status add_databases(const struct machine *m)
{
    static const struct {
        const char *label;
        const char *name; /* NULL: only for all of them together */
    } keys[] = {{"uefi-pk", NULL},
                {"uefi-kek", NULL},
                {"uefi-db", "x-ms-azurevm-dbvalidated"},
                {"uefi-dbx", "x-ms-azurevm-dbxvalidated"}};
    bool all = true;
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && st == CM_OK; i++) {
        const bool good = is_reference(m, keys[i].label);

        all = all && good;
        st = good && keys[i].name != NULL ? put_bool(m, keys[i].name, true) : CM_OK;
    }
    return st == CM_OK && all ? put_bool(m, "x-ms-azurevm-default-securebootkeysvalidated", true)
                              : st;
}

static enum cm_status add_secure_boot(const struct machine *m)
{
    const struct cm_claim *on = known(m, "tpm.secure_boot");
    enum cm_status st = CM_OK;

    on = on == NULL ? known(m, "azure.secure_boot") : on;
    if (on != NULL && on->type == CM_CLAIM_TYPE_BOOL) {
        st = put_bool(m, "secureboot", on->number != 0);
    }
    return st == CM_OK ? add_databases(m) : st;
}

/* What Windows measured about its own start. */
static enum cm_status add_findings(const struct machine *m)
{
    static const struct {
        const char *name;
        const char *ours;
    } plain[] = {{"x-ms-azurevm-bootdebug-enabled", "tpm.windows.boot_debug"},
                 {"x-ms-azurevm-kerneldebug-enabled", "tpm.windows.kernel_debug"},
                 {"x-ms-azurevm-hypervisordebug-enabled", "tpm.windows.hypervisor_debug"},
                 {"x-ms-azurevm-testsigning-enabled", "tpm.windows.test_signing"},
                 {"x-ms-azurevm-flightsigning-enabled", "tpm.windows.flight_signing"},
                 {"x-ms-azurevm-elam-enabled", "tpm.windows.elam"}};
    enum cm_status st = put_bool(m, "x-ms-azurevm-is-windows", true);

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]) && st == CM_OK; i++) {
        const struct cm_claim *c = known(m, plain[i].ours);

        st = c != NULL ? put_bool(m, plain[i].name, c->number != 0) : CM_OK;
    }
    return st;
}

/* What follows of it. A hypervisor that was not started, and flights of which nothing is said, are off. */
static enum cm_status add_conclusions(const struct machine *m)
{
    const struct cm_claim *hvci = known(m, "tpm.windows.hvci_policy");
    const bool debuggers_off = is_false(known(m, "tpm.windows.boot_debug")) &&
                               is_false(known(m, "tpm.windows.kernel_debug")) &&
                               !is_true(known(m, "tpm.windows.hypervisor_debug"));
    const bool signing_off = is_false(known(m, "tpm.windows.test_signing")) &&
                             !is_true(known(m, "tpm.windows.flight_signing"));
    enum cm_status st = put_bool(m, "x-ms-azurevm-debuggersdisabled", debuggers_off);

    st = st == CM_OK ? put_bool(m, "x-ms-azurevm-signingdisabled", signing_off) : st;
    if (st == CM_OK && hvci != NULL && hvci->number <= INT64_MAX) {
        st = cm_policy_claims_int(m->set, "x-ms-azurevm-hvci-policy", (int64_t)hvci->number,
                                  CM_POLICY_SERVICE);
    }
    return st;
}

static enum cm_status add_windows(const struct machine *m)
{
    enum cm_status st = CM_OK;

    if (is_true(known(m, "tpm.windows"))) {
        st = add_findings(m);
        st = st == CM_OK ? add_conclusions(m) : st;
    }
    return st;
}

static enum cm_status add_pcrs(const struct machine *m)
{
    const struct cm_claim *mask = known(m, "tpm.selected.sha-256");
    enum cm_status st = CM_OK;

    for (unsigned i = 0; mask != NULL && i < 24 && st == CM_OK; i++) {
        st = (mask->number >> i & 1) != 0
                 ? cm_policy_claims_int(m->set, "x-ms-azurevm-attested-pcrs", i, CM_POLICY_SERVICE)
                 : CM_OK;
    }
    return st;
}

/* Log and registers under the names without a submodule's, too: Azure's policies ask for those. */
static enum cm_status add_measured(const struct machine *m)
{
    static const char *const names[] = {"events", "bootEvents"};
    const struct cm_claim *events = known(m, "tpm.events");
    enum cm_status st = CM_OK;

    if (m->vtpm == 0) {
        return CM_OK; /* they have no other names then */
    }
    for (size_t i = 0; events != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        CM_TRY(cm_policy_claims_json(m->set, names[i], cm_span_make(events->text, events->len),
                                     CM_POLICY_SERVICE));
    }
    st = cm_policy_add_pcrs(m->set, "pcrs", m->ev, m->vtpm, m->least);
out:
    return st;
}

enum cm_status cm_policy_claims_azurevm(struct cm_policy_claims *set, const struct cm_evidence *ev,
                                        size_t vtpm, const char *isolation)
{
    const struct machine m = {ev, vtpm, CM_AUTHORITY_KEY, set};
    const struct cm_claim *id = NULL;
    enum cm_status st = CM_OK;

    if (!cm_evidence_genuine(ev, vtpm)) {
        return CM_OK;
    }
    if (isolation != NULL) {
        CM_TRY(cm_policy_claims_text(set, CM_POLICY_ISOLATION,
                                     cm_span_make(isolation, strlen(isolation)),
                                     CM_POLICY_SERVICE));
    }
    CM_TRY(add_secure_boot(&m));
    CM_TRY(add_windows(&m));
    CM_TRY(add_pcrs(&m));
    CM_TRY(add_measured(&m));
    id = known(&m, "azure.vm_unique_id");
    if (id != NULL && id->type == CM_CLAIM_TYPE_TEXT) {
        CM_TRY(cm_policy_claims_text(set, "x-ms-azurevm-vmid", cm_span_make(id->text, id->len),
                                     CM_POLICY_SERVICE));
    }
out:
    return st == CM_ERR_FORMAT ? CM_OK : st; /* a name that is no text: nobody can ask for it */
}
