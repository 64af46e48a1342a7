/*
 * The verification of Azure's evidence; see azure.h. The order of trust: hardware report (SNP report or TD
 * quote), the hash in its report data, the runtime data of exactly that hash, the key that it names, the
 * quote that this key signed, the values that the quote selects.
 */
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "cvm/azure.h"
#include "cvm/azure_hcl.h"
#include "cvm/azure_parts.h"
#include "evidence/dcap_part.h"
#include "evidence/quote.h"
#include "snp/snp.h"
#include "tpm/tpm.h"

#define BINDING "hash of the runtime data in report_data"

struct run {
    const struct cm_verify_job *job;
    struct cm_evidence *ev;
    size_t cpu;
    size_t vtpm;
    struct cm_azure_parts parts;
    struct cm_hcl hcl;
    struct cm_hcl_runtime runtime;
    bool bound; /* by genuine hardware */
    enum cm_status first;
};

static bool judge(struct run *run, size_t submod, const char *name, enum cm_status st,
                  const char *detail)
{
    cm_check_status(run->ev, submod, name, st, "%s", st == CM_OK ? "" : detail);
    run->first = run->first == CM_OK ? st : run->first;
    return st == CM_OK;
}

static void note(struct run *run, enum cm_status st)
{
    run->first = run->first == CM_OK ? st : run->first;
}

/* The SNP report inside, at the paravisor's privilege level, with the evidence's own certificate added. */
static enum cm_status verify_snp(struct run *run, struct cm_span *report_data)
{
    static const struct cm_snp_use use = {.has_vmpl = true, .vmpl = 0, .no_nonce = true};
    struct cm_verify_job job = *run->job;
    struct cm_snp_report report = {0};
    struct cm_material *materials = NULL;
    enum cm_status st = CM_OK;

    if (run->parts.vcek.len != 0) {
        materials = calloc(job.material_count + 1, sizeof(*materials));
        if (materials == NULL) {
            return CM_ERR_NOMEM;
        }
        materials[0] =
            (struct cm_material){CM_MATERIAL_CERTS, "vcek of the evidence", run->parts.vcek};
        if (job.material_count != 0) {
            memcpy(materials + 1, job.materials, job.material_count * sizeof(*materials));
        }
        job.materials = materials;
        job.material_count++;
    }
    st = cm_snp_verify_report(&job, run->hcl.report, &use, run->ev, run->cpu, &report);
    *report_data = report.report_data;
    free(materials);
    return st;
}

/* Some clients send no TD report: its place is zeros then, and the quote alone counts, as it does anyway. */
static bool has_td_report(const struct cm_hcl *hcl)
{
    uint8_t any = 0;

    for (size_t i = 0; i < hcl->report.len; i++) {
        any |= hcl->report.ptr[i];
    }
    return any != 0;
}

/* The TD quote; the TDREPORT inside is signed by nobody who is not on that machine. */
static enum cm_status verify_tdx(struct run *run, struct cm_span *report_data)
{
    struct cm_verify_job job = *run->job;
    struct cm_verify_input in = *run->job->in;
    struct cm_quote quote = {0};
    struct cm_span local = cm_hcl_td_report_data(&run->hcl);
    enum cm_status st = CM_OK;

    if (has_td_report(&run->hcl)) {
        (void)judge(run, run->cpu, "azure.tdreport",
                    local.ptr == NULL ? CM_ERR_FORMAT : cm_hcl_bound(&run->hcl, local),
                    "the TD report is none, or has another hash than the runtime data's");
    } else {
        cm_check_note(run->ev, run->cpu, "azure.tdreport", CM_CHECK_NOT_CHECKED,
                      "no TD report was given: the TD quote has to have the hash");
    }
    run->parts.td_quote = cm_quote_unpadded(run->parts.td_quote);
    if (run->parts.td_quote.ptr == NULL) {
        (void)judge(run, run->cpu, "azure.td_quote", CM_ERR_NOTFOUND,
                    "a TD report proves nothing elsewhere: the TD quote was not given");
        return CM_ERR_NOTFOUND;
    }
    if (!judge(run, run->cpu, "azure.td_quote",
               cm_quote_parse(run->parts.td_quote, &quote, NULL) != CM_OK ? CM_ERR_FORMAT
               : quote.tee != CM_QUOTE_TEE_TDX                            ? CM_ERR_MISMATCH
                                                                          : CM_OK,
               "what was given is no TD quote")) {
        return run->first;
    }
    *report_data = quote.td.reportdata;
    in.report_data = cm_span_make(NULL, 0); /* the challenge is the vTPM's */
    job.in = &in;
    job.evidence = run->parts.td_quote;
    st = cm_dcap_verify_part(&job, run->ev, run->cpu);
    return st;
}

/* The values of a list as the signed selection names them: a value at a place that was not quoted is
   refused, since nobody vouches for it. */
static enum cm_status label_pcrs(const struct run *run, const struct cm_tpm_attest *att,
                                 struct cm_tpm_pcrs *out)
{
    const uint32_t selected = cm_tpm_selected(att, CM_TPM_ALG_SHA256);
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < run->parts.pcr_count; i++) {
        if ((selected >> i & 1) == 0) {
            return CM_ERR_MISMATCH;
        }
        CM_TRY(cm_tpm_pcrs_set(out, CM_TPM_ALG_SHA256, (unsigned)i,
                               cm_span_make(run->parts.pcrs[i], 32)));
    }
out:
    return st;
}

/* Version 2 puts the challenge into the runtime data as well, padded with zeros. */
static void check_user_data(struct run *run, const struct cm_tpm_attest *att)
{
    uint8_t want[64] = {0};
    bool same = run->runtime.has_user_data && att->extra_data.len <= sizeof(want);

    if (run->parts.version != 2) {
        return;
    }
    if (same && att->extra_data.len != 0) {
        memcpy(want, att->extra_data.ptr, att->extra_data.len);
    }
    same = same && memcmp(want, run->runtime.user_data, sizeof(want)) == 0;
    (void)judge(run, run->vtpm, "azure.user_data", same ? CM_OK : CM_ERR_MISMATCH,
                "the user data of the runtime data is not the quote's challenge");
}

static enum cm_status verify_quote(struct run *run)
{
    struct cm_tpm_attest att = {0};
    struct cm_tpm_pcrs *labelled = NULL;
    const struct cm_material *log = cm_material(run->job, CM_MATERIAL_EVENT_LOG, 0);
    struct cm_tpm_quote quote = {.attest = run->parts.message,
                                 .signature = run->parts.signature,
                                 .ak = run->runtime.ak,
                                 .authority = run->bound ? CM_AUTHORITY_KEY : CM_AUTHORITY_SELF};
    enum cm_status st = CM_OK;

    if (quote.attest.ptr == NULL || quote.signature.ptr == NULL) {
        (void)judge(run, run->vtpm, "tpm.attest", CM_ERR_NOTFOUND,
                    "the vTPM's quote or its signature was not given");
        return CM_OK;
    }
    quote.log = log == NULL ? cm_span_make(NULL, 0) : log->bytes;
    quote.pcrs = run->parts.pcr_file;
    if (run->parts.has_pcrs && cm_tpm_attest_parse(quote.attest, &att, NULL) == CM_OK) {
        labelled = malloc(sizeof(*labelled));
        if (labelled == NULL) {
            return CM_ERR_NOMEM;
        }
        labelled->count = 0;
        if (judge(run, run->vtpm, "azure.pcrs", label_pcrs(run, &att, labelled),
                  "the list has values of PCRs that were not quoted")) {
            quote.labelled = labelled;
        }
    }
    st = cm_tpm_quote_verify(&quote, run->job->in, run->ev, run->vtpm);
    note(run, st);
    if (cm_tpm_attest_parse(quote.attest, &att, NULL) == CM_OK) {
        check_user_data(run, &att);
    }
    free(labelled);
    return st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO ? st : CM_OK;
}

/* The runtime data, and that genuine hardware vouches for exactly these bytes. */
static enum cm_status verify_vtpm(struct run *run, struct cm_span report_data, bool genuine)
{
    struct cm_why why = {""};
    size_t mark = 0;
    enum cm_status st = CM_OK;
    bool same = false;

    run->vtpm = cm_evidence_add_submod(run->ev, "vtpm");
    mark = cm_evidence_mark(run->ev, run->vtpm);
    st = cm_hcl_runtime_read(run->hcl.runtime, run->ev, run->vtpm, &run->runtime, &why);
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    if (!judge(run, run->vtpm, "azure.runtime_data", st, why.text)) {
        return CM_OK;
    }
    same = judge(run, run->vtpm, "azure.binding",
                 report_data.ptr == NULL ? CM_ERR_NOTFOUND : cm_hcl_bound(&run->hcl, report_data),
                 "the hardware's report data is not the hash of the runtime data and zeros");
    cm_evidence_bind(run->ev, BINDING, run->cpu, run->vtpm, same ? CM_CHECK_PASS : CM_CHECK_FAIL);
    run->bound =
        same && genuine && cm_evidence_find(run->ev, run->cpu, CM_CLAIM_EMULATED, 0) == NULL;
    if (run->bound) {
        cm_evidence_raise(run->ev, run->vtpm, mark, CM_AUTHORITY_KEY);
    }
    return verify_quote(run);
}

static enum cm_status run_all(struct run *run)
{
    struct cm_span report_data = {NULL, 0};
    struct cm_why why = {""};
    enum cm_status st = cm_azure_parts_gather(run->job, &run->parts, &why);

    if (st == CM_ERR_NOMEM) {
        return st;
    }
    if (!judge(run, run->cpu, "azure.evidence", st, why.text)) {
        return st;
    }
    st = run->parts.hcl.ptr == NULL ? CM_ERR_NOTFOUND
                                    : cm_hcl_parse(run->parts.hcl, &run->hcl, &why);
    if (!judge(run, run->cpu, "azure.hcl", st, why.text)) {
        return st;
    }
    cm_claim_uint(run->ev, run->cpu, "azure.hcl.version", run->hcl.version);
    cm_claim_text(run->ev, run->cpu, "azure.hcl.hash", cm_hash_name(run->hcl.hash));
    st =
        run->hcl.kind == CM_HCL_SNP ? verify_snp(run, &report_data) : verify_tdx(run, &report_data);
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    note(run, st);
    CM_TRY(verify_vtpm(run, report_data, run->first == CM_OK));
    st = run->first;
out:
    return st;
}

bool cm_azure_recognise(struct cm_span bytes)
{
    static const char *const words[] = {"\"message\"", "\"signature\"", "report\""};

    if (bytes.len >= 4 && memcmp(bytes.ptr, "HCLA", 4) == 0) {
        return true;
    }
    if (bytes.len < 2 || bytes.ptr[0] != '{' || bytes.len > CM_AZURE_MAX_JSON) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (memmem(bytes.ptr, bytes.len, words[i], strlen(words[i])) == NULL) {
            return false;
        }
    }
    return memmem(bytes.ptr, bytes.len, "\"vcek\"", 6) != NULL ||
           memmem(bytes.ptr, bytes.len, "\"td_quote\"", 10) != NULL;
}

enum cm_status cm_azure_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                               size_t submod)
{
    struct run run = {.job = job, .ev = ev, .cpu = submod};
    enum cm_status st = run_all(&run);

    cm_pubkey_free(run.runtime.ak);
    cm_azure_parts_free(&run.parts);
    return st;
}

enum cm_status cm_azure_td_quote(const struct cm_verify_job *job, uint8_t **out, size_t *len)
{
    struct cm_azure_parts parts;
    struct cm_span quote = {NULL, 0};
    enum cm_status st = cm_azure_parts_gather(job, &parts, NULL);

    *out = NULL;
    *len = 0;
    quote = st == CM_OK ? cm_quote_unpadded(parts.td_quote) : quote;
    if (quote.len != 0) {
        *out = malloc(quote.len);
        if (*out != NULL) {
            memcpy(*out, quote.ptr, quote.len);
            *len = quote.len;
        }
        st = *out == NULL ? CM_ERR_NOMEM : CM_OK;
    }
    cm_azure_parts_free(&parts);
    return st == CM_ERR_NOMEM ? st : CM_OK;
}
