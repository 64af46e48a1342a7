/* A quote's fields as claims; see dcap_claims.h. */
#include "evidence/dcap_claims.h"

#include <string.h>

static void digest(struct cm_evidence *ev, size_t submod, const char *label,
                   enum cm_measurement_role role, struct cm_span value)
{
    struct cm_digest d = {label, value.len == 32 ? "sha-256" : "sha-384", role, value};

    cm_claim_digest(ev, submod, &d);
}

static void bytes(struct cm_evidence *ev, size_t submod, const char *name, struct cm_span value)
{
    cm_claim_bytes(ev, submod, name, value);
}

static void sgx_claims(struct cm_evidence *ev, size_t submod, const struct cm_sgx_body *b)
{
    cm_claim_text(ev, submod, CM_CLAIM_DBGSTAT, (b->flags & 2) != 0 ? "enabled" : "disabled");
    digest(ev, submod, "mrenclave", CM_ROLE_LAUNCH, b->mrenclave);
    digest(ev, submod, "mrsigner", CM_ROLE_SIGNER, b->mrsigner);
    bytes(ev, submod, "sgx.mrenclave", b->mrenclave);
    bytes(ev, submod, "sgx.mrsigner", b->mrsigner);
    cm_claim_uint(ev, submod, "sgx.isvprodid", b->isvprodid);
    cm_claim_uint(ev, submod, "sgx.isvsvn", b->isvsvn);
    bytes(ev, submod, "sgx.attributes", b->attributes);
    cm_claim_uint(ev, submod, "sgx.miscselect", b->miscselect);
    bytes(ev, submod, "sgx.cpusvn", b->cpusvn);
    bytes(ev, submod, "sgx.isvextprodid", b->isvextprodid);
    bytes(ev, submod, "sgx.isvfamilyid", b->isvfamilyid);
    bytes(ev, submod, "sgx.configid", b->configid);
    cm_claim_uint(ev, submod, "sgx.configsvn", b->configsvn);
    bytes(ev, submod, CM_CLAIM_REPORT_DATA, b->reportdata);
}

static void tdx_claims(struct cm_evidence *ev, size_t submod, const struct cm_td_body *b)
{
    static const char *const rtmr[4] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    static const char *const names[4] = {"tdx.rtmr0", "tdx.rtmr1", "tdx.rtmr2", "tdx.rtmr3"};

    cm_claim_text(ev, submod, CM_CLAIM_DBGSTAT,
                  b->td_attributes.ptr[0] != 0 ? "enabled" : "disabled");
    digest(ev, submod, "mrtd", CM_ROLE_LAUNCH, b->mrtd);
    bytes(ev, submod, "tdx.mrtd", b->mrtd);
    for (size_t i = 0; i < 4; i++) {
        digest(ev, submod, rtmr[i], CM_ROLE_RUNTIME, b->rtmr[i]);
        bytes(ev, submod, names[i], b->rtmr[i]);
    }
    digest(ev, submod, "mrconfigid", CM_ROLE_CONFIG, b->mrconfigid);
    bytes(ev, submod, "tdx.mrconfigid", b->mrconfigid);
    bytes(ev, submod, "tdx.mrowner", b->mrowner);
    bytes(ev, submod, "tdx.mrownerconfig", b->mrownerconfig);
    bytes(ev, submod, "tdx.mrseam", b->mrseam);
    bytes(ev, submod, "tdx.mrsignerseam", b->mrsignerseam);
    bytes(ev, submod, "tdx.seam_attributes", b->seam_attributes);
    bytes(ev, submod, "tdx.td_attributes", b->td_attributes);
    bytes(ev, submod, "tdx.xfam", b->xfam);
    bytes(ev, submod, "tdx.tee_tcb_svn", b->tee_tcb_svn);
    if (b->tee_tcb_svn2.ptr != NULL) {
        bytes(ev, submod, "tdx.tee_tcb_svn2", b->tee_tcb_svn2);
        bytes(ev, submod, "tdx.mrservicetd", b->mrservicetd);
    }
    if (b->extended.ptr != NULL) {
        bytes(ev, submod, "tdx.extended", b->extended);
    }
    bytes(ev, submod, CM_CLAIM_REPORT_DATA, b->reportdata);
}

void cm_dcap_body_claims(struct cm_evidence *ev, size_t submod, const struct cm_quote *q)
{
    bool sgx = q->tee == CM_QUOTE_TEE_SGX;

    cm_claim_text(ev, submod, CM_CLAIM_TEE, sgx ? "sgx" : "tdx");
    cm_claim_text(ev, submod, CM_CLAIM_OEMID, "Intel");
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, sgx ? "sgx" : "tdx");
    cm_claim_uint(ev, submod, "quote.version", q->version);
    cm_claim_uint(ev, submod, "quote.body_type", (uint64_t)q->body_type);
    bytes(ev, submod, "quote.user_data", q->user_data);
    if (sgx) {
        sgx_claims(ev, submod, &q->sgx);
    } else {
        tdx_claims(ev, submod, &q->td);
    }
}

void cm_dcap_pck_claims(struct cm_evidence *ev, size_t submod, const struct cm_pck_ext *ext)
{
    bytes(ev, submod, CM_CLAIM_UEID, cm_span_make(ext->ppid, sizeof(ext->ppid)));
    bytes(ev, submod, "pck.fmspc", cm_span_make(ext->fmspc, sizeof(ext->fmspc)));
    bytes(ev, submod, "pck.pceid", cm_span_make(ext->pceid, sizeof(ext->pceid)));
    bytes(ev, submod, "pck.cpusvn", cm_span_make(ext->cpusvn, sizeof(ext->cpusvn)));
    bytes(ev, submod, "pck.tcb_components", cm_span_make(ext->comp_svn, sizeof(ext->comp_svn)));
    cm_claim_uint(ev, submod, "pck.pcesvn", ext->pcesvn);
    cm_claim_uint(ev, submod, "pck.sgx_type", ext->sgx_type);
    if (ext->platform) {
        bytes(ev, submod, "pck.platform_instance_id",
              cm_span_make(ext->platform_instance_id, sizeof(ext->platform_instance_id)));
        cm_claim_bool(ev, submod, "pck.dynamic_platform", ext->dynamic_platform);
        cm_claim_bool(ev, submod, "pck.cached_keys", ext->cached_keys);
        cm_claim_bool(ev, submod, "pck.smt_enabled", ext->smt_enabled);
    }
}

/* Each advisory once, though platform, QE and module may name the same one. */
static void advisories(struct cm_evidence *ev, size_t submod, const char *name,
                       struct cm_json_value list)
{
    for (struct cm_json_value e = cm_json_first(list); e.doc != NULL; e = cm_json_next(e)) {
        char text[65] = "";
        bool known = false;

        if (cm_json_string(e, text, sizeof(text), NULL) != CM_OK) {
            continue; /* the parser has seen to it that this does not happen */
        }
        for (size_t n = 0; !known; n++) {
            const struct cm_claim *c = cm_evidence_find(ev, submod, name, n);

            if (c == NULL) {
                break;
            }
            known = strcmp(c->text, text) == 0;
        }
        if (!known) {
            cm_claim_text(ev, submod, name, text);
        }
    }
}

static void level_claims(struct cm_evidence *ev, size_t submod, const char *date,
                         const char *advisory, const struct cm_tcb_verdict *v)
{
    if (v->level == NULL) {
        return; /* no level: no date and no advisories either */
    }
    cm_claim_time(ev, submod, date, v->tcb_date);
    advisories(ev, submod, advisory, v->level->advisories);
    if (v->qe_level != NULL) {
        advisories(ev, submod, advisory, v->qe_level->advisories);
    }
    if (v->module_level != NULL) {
        advisories(ev, submod, advisory, v->module_level->advisories);
    }
}

void cm_dcap_tcb_claims(struct cm_evidence *ev, size_t submod, const struct cm_platform *p,
                        const struct cm_tcb_verdict *launch, enum cm_dcap_tcb merged)
{
    cm_claim_text(ev, submod, CM_CLAIM_TCB_STATUS, cm_dcap_tcb_str(merged));
    cm_claim_text(ev, submod, "tcb.platform_status", cm_dcap_tcb_str(launch->platform));
    cm_claim_text(ev, submod, "tcb.qe_status", cm_dcap_tcb_str(launch->qe));
    if (p->tcb.tdx) {
        cm_claim_text(ev, submod, "tcb.module_status", cm_dcap_tcb_str(launch->module));
    }
    cm_claim_uint(ev, submod, "tcb.evaluation_number", p->tcb.dates.evaluation_number);
    cm_claim_uint(ev, submod, "tcb.qe_evaluation_number", p->qe.dates.evaluation_number);
    cm_claim_time(ev, submod, "tcb.issue_date", p->tcb.dates.issue_date);
    cm_claim_time(ev, submod, "tcb.qe_issue_date", p->qe.dates.issue_date);
    level_claims(ev, submod, CM_CLAIM_TCB_DATE, CM_CLAIM_ADVISORY, launch);
}

void cm_dcap_current_claims(struct cm_evidence *ev, size_t submod, const struct cm_tcb_verdict *now)
{
    cm_claim_text(ev, submod, "tcb.current_status", cm_dcap_tcb_str(now->merged));
    level_claims(ev, submod, "tcb.current_date", "tcb.current_advisory_id", now);
}
