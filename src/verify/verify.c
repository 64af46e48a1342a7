/*
 * The table of formats and what holds for all of them; see casemate/verify.h. Untrusted: the evidence
 * and the materials marked so; only the formats' own verifiers look into them.
 */
#include <casemate/verify.h>
#include <stdlib.h>
#include <string.h>

#include "arm/arm.h"
#include "common/try.h"
#include "corim/corim.h"
#include "cvm/azure.h"
#include "cvm/gce.h"
#include "cvm/gcp_token.h"
#include "evidence/claims.h"
#include "evidence/dcap_part.h"
#include "nitro/nitro.h"
#include "nvidia/nvidia.h"
#include "snp/snp.h"
#include "tpm/tpm_verify.h"
#include "verify/ccel.h"
#include "verify/refvalues.h"
#include "verify/unwrap.h"
#include "verify/whole.h"

/* what a caller gives to have it compared: a format that would not must not look as if it had */
#define TAKES(kind) (1u << CM_MATERIAL_##kind)
#define TAKES_VTPM  (TAKES(SIGNATURE) | TAKES(PCRS) | TAKES(EVENT_LOG))
#define COMPARED \
    (TAKES_VTPM | TAKES(TPM_PUBLIC) | TAKES(QUOTE) | TAKES(REQUEST) | TAKES(FIRMWARE) | TAKES(KEY))

struct format {
    enum cm_format id;
    unsigned takes;     /* TAKES bits of the materials that it verifies with */
    const char *submod; /* the first submodule's name */
    bool (*recognise)(struct cm_span bytes);
    enum cm_status (*verify)(const struct cm_verify_job *job, struct cm_evidence *ev,
                             size_t submod);
};

/* one line a format; recognised in this order, and no two recognise the same bytes */
static const struct format formats[] = {
    {CM_FORMAT_DCAP, TAKES(EVENT_LOG), "cpu", cm_dcap_recognise, cm_dcap_verify_part},
    {CM_FORMAT_SNP, TAKES(SIGNATURE) | TAKES(FIRMWARE), "cpu", cm_snp_recognise, cm_snp_verify},
    {CM_FORMAT_TPM, TAKES_VTPM | TAKES(TPM_PUBLIC) | TAKES(KEY), "tpm", cm_tpm_recognise,
     cm_tpm_verify},
    {CM_FORMAT_NITRO, 0, "enclave", cm_nitro_recognise, cm_nitro_verify},
    {CM_FORMAT_AZURE_CVM, TAKES_VTPM | TAKES(QUOTE) | TAKES(FIRMWARE), "cpu", cm_azure_recognise,
     cm_azure_verify},
    {CM_FORMAT_GCE, TAKES(KEY), "vtpm", cm_gce_recognise, cm_gce_verify},
    {CM_FORMAT_GCP_TOKEN, TAKES(KEY), "token", cm_gcp_token_recognise, cm_gcp_token_verify},
    {CM_FORMAT_CCA, TAKES(KEY), "platform", cm_cca_recognise, cm_cca_verify},
    {CM_FORMAT_PSA, TAKES(KEY), "platform", cm_psa_recognise, cm_psa_verify},
    {CM_FORMAT_OPTEE, TAKES(KEY), "tee", cm_optee_recognise, cm_optee_verify},
    {CM_FORMAT_NVIDIA, TAKES(REQUEST), "device0", cm_nvidia_recognise, cm_nvidia_verify},
};

const char *cm_format_name(enum cm_format format)
{
    switch (format) {
    case CM_FORMAT_ANY:
        return "any";
    case CM_FORMAT_DCAP:
        return "dcap";
    case CM_FORMAT_SNP:
        return "snp";
    case CM_FORMAT_NITRO:
        return "nitro";
    case CM_FORMAT_TPM:
        return "tpm";
    case CM_FORMAT_AZURE_CVM:
        return "azure-cvm";
    case CM_FORMAT_GCE:
        return "gce";
    case CM_FORMAT_GCP_TOKEN:
        return "gcp-token";
    case CM_FORMAT_CCA:
        return "cca";
    case CM_FORMAT_PSA:
        return "psa";
    case CM_FORMAT_OPTEE:
        return "optee";
    case CM_FORMAT_NVIDIA:
        return "nvidia";
    }
    return NULL;
}

/* The format that takes these bytes as they are; NULL: none, or not the wanted one. */
static const struct format *find(struct cm_span bytes, enum cm_format wanted)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if ((wanted == CM_FORMAT_ANY || wanted == formats[i].id) && formats[i].recognise(bytes)) {
            return &formats[i];
        }
    }
    return NULL;
}

static const struct format *named(enum cm_format wanted)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (wanted == formats[i].id) {
            return &formats[i];
        }
    }
    return NULL;
}

/*
 * The format and the bytes to verify: the evidence itself, or what it is the text of. Text is taken
 * only where a format recognises what is inside. *owned is the caller's to free.
 * @retval CM_ERR_UNSUPPORTED nothing takes it
 */
static enum cm_status recognise(struct cm_span evidence, enum cm_format wanted,
                                const struct format **format, struct cm_span *bytes,
                                uint8_t **owned)
{
    *owned = NULL;
    *bytes = evidence;
    *format = find(evidence, wanted);
    if (*format == NULL) {
        evidence = cm_unmarked(evidence);
        *format = find(evidence, wanted);
        *bytes = *format == NULL ? *bytes : evidence;
    }
    for (int form = CM_WRAPPING_HEX; *format == NULL && form <= CM_WRAPPING_ARMOUR; form++) {
        uint8_t *text = NULL;
        size_t len = 0;
        enum cm_status st = cm_unwrap(evidence, (enum cm_wrapping)form, &text, &len);

        if (st == CM_ERR_NOMEM) {
            return st;
        }
        if (st != CM_OK) {
            continue;
        }
        *format = find(cm_span_make(text, len), wanted);
        if (*format != NULL) {
            *bytes = cm_span_make(text, len);
            *owned = text;
        } else {
            free(text);
        }
    }
    if (*format == NULL && wanted != CM_FORMAT_ANY) {
        *format = named(wanted); /* the caller says so: its verifier says what is wrong with it */
    }
    return *format == NULL ? CM_ERR_UNSUPPORTED : CM_OK;
}

enum cm_format cm_verify_recognise(struct cm_span evidence)
{
    const struct format *format = NULL;
    struct cm_span bytes = {NULL, 0};
    uint8_t *owned = NULL;
    enum cm_status st = recognise(evidence, CM_FORMAT_ANY, &format, &bytes, &owned);

    free(owned);
    return st == CM_OK ? format->id : CM_FORMAT_ANY;
}

static bool span_usable(struct cm_span s)
{
    return s.ptr != NULL || s.len == 0;
}

static bool usable(const struct cm_verify_job *job)
{
    if (job == NULL || job->in == NULL || !span_usable(job->evidence) ||
        (job->materials == NULL && job->material_count != 0) ||
        (job->in->roots == NULL && job->in->root_count != 0) ||
        (job->in->floors == NULL && job->in->floor_count != 0) ||
        !span_usable(job->in->report_data) ||
        (job->format != CM_FORMAT_ANY && cm_format_name(job->format) == NULL)) {
        return false;
    }
    for (size_t i = 0; i < job->material_count; i++) {
        if (!span_usable(job->materials[i].bytes)) {
            return false;
        }
    }
    return true;
}

/* Nothing is known about the evidence: not a verdict on it. */
static bool no_verdict(enum cm_status st)
{
    return st == CM_ERR_NOMEM || st == CM_ERR_PARAM || st == CM_ERR_CRYPTO;
}

static const char *material_name(enum cm_material_kind kind)
{
    switch (kind) {
    case CM_MATERIAL_SIGNATURE:
        return "signature";
    case CM_MATERIAL_PCRS:
        return "list of PCRs";
    case CM_MATERIAL_EVENT_LOG:
        return "event log";
    case CM_MATERIAL_TPM_PUBLIC:
        return "TPM public area";
    case CM_MATERIAL_QUOTE:
        return "quote";
    case CM_MATERIAL_REQUEST:
        return "request";
    case CM_MATERIAL_FIRMWARE:
        return "firmware image";
    case CM_MATERIAL_KEY:
        return "key: its roots are certificates";
    case CM_MATERIAL_CERTS:
    case CM_MATERIAL_CRL:
    case CM_MATERIAL_REFERENCE:
        break;
    }
    return "file";
}

/* Nothing that was given to be compared is passed over in silence. */
static void judge_materials(const struct format *format, const struct cm_verify_job *job,
                            struct cm_evidence *ev)
{
    for (size_t i = 0; i < job->material_count; i++) {
        const struct cm_material *m = &job->materials[i];
        const unsigned bit = (unsigned)m->kind < 32 ? 1u << m->kind : 0;

        if ((bit & COMPARED & ~format->takes) != 0) {
            cm_check_status(ev, 0, "materials", CM_ERR_UNSUPPORTED,
                            "%s evidence is verified without a %s", cm_format_name(format->id),
                            material_name(m->kind));
        } else if (m->kind == CM_MATERIAL_REFERENCE && !cm_refvalues_recognise(m->bytes) &&
                   !cm_corim_recognise(m->bytes)) {
            cm_check_status(ev, 0, "reference.file", CM_ERR_FORMAT, "%s",
                            "neither reference values in JSON nor a CoRIM");
        }
    }
}

/* The caller's reference values: what differs is a check, and so part of cm_verify_whole()'s verdict. */
static enum cm_status judge_references(const struct cm_verify_job *job, struct cm_evidence *ev,
                                       enum cm_status verdict)
{
    enum cm_status st = cm_refvalues_check(job, ev);

    st = no_verdict(st) ? st : cm_reference_check(job, ev);
    return no_verdict(st) ? st : verdict;
}

enum cm_status cm_verify(const struct cm_verify_job *job, struct cm_evidence **out)
{
    const struct format *format = NULL;
    struct cm_verify_job own = {0};
    struct cm_evidence *ev = NULL;
    uint8_t *text = NULL;
    enum cm_status verdict = CM_OK;
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    *out = NULL;
    if (!usable(job)) {
        return CM_ERR_PARAM;
    }
    own = *job;
    CM_TRY(recognise(job->evidence, job->format, &format, &own.evidence, &text));
    own.format = format->id;
    ev = cm_evidence_new(format->submod);
    if (ev == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    verdict = format->verify(&own, ev, 0);
    if (format->id == CM_FORMAT_DCAP && !no_verdict(verdict)) {
        verdict = cm_verify_ccel(&own, ev, verdict);
    }
    if (!no_verdict(verdict)) {
        judge_materials(format, &own, ev);
        verdict = judge_references(&own, ev, verdict);
    }
    if (no_verdict(verdict)) {
        st = verdict;
        goto out;
    }
    verdict = cm_verify_whole(ev, verdict);
    CM_TRY(cm_evidence_done(ev));
    *out = ev;
    ev = NULL;
    st = verdict;
out:
    cm_evidence_free(ev);
    free(text);
    return st;
}
