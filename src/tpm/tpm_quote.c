/* A quote with the key that signed it: claims and checks; see tpm.h. */
#include <stdlib.h>

#include "common/try.h"
#include "evidence/claims.h"
#include "evidence/material.h"
#include "tpm/tcg_log.h"

struct run {
    const struct cm_tpm_quote *quote;
    const struct cm_verify_input *in;
    struct cm_evidence *ev;
    size_t submod;
    struct cm_tpm_attest att;
    uint16_t hash; /* of the signature's scheme */
    enum cm_status first;
};

static void step(struct run *r, const char *name, enum cm_status st, const struct cm_why *why)
{
    cm_check_status(r->ev, r->submod, name, st, "%s", st == CM_OK ? "" : why->text);
    r->first = r->first == CM_OK ? st : r->first;
}

void cm_tpm_attest_claims(const struct cm_tpm_attest *a, struct cm_evidence *ev, size_t submod)
{
    cm_claim_text(ev, submod, CM_CLAIM_TEE, "tpm");
    cm_claim_bytes(ev, submod, CM_CLAIM_NONCE, a->extra_data);
    cm_claim_bytes(ev, submod, "tpm.attest", a->bytes);
    cm_claim_bytes(ev, submod, "tpm.qualified_signer", a->signer);
    cm_claim_uint(ev, submod, "tpm.clock", a->clock);
    cm_claim_uint(ev, submod, "tpm.reset_count", a->reset_count);
    cm_claim_uint(ev, submod, "tpm.restart_count", a->restart_count);
    cm_claim_bool(ev, submod, "tpm.safe", a->safe);
    cm_claim_uint(ev, submod, "tpm.firmware_version", a->firmware_version);
    cm_claim_bytes(ev, submod, "tpm.pcr_digest", a->pcr_digest);
    for (size_t i = 0; i < a->sel_count; i++) {
        static const char *const names[] = {"tpm.selected.sha-1", "tpm.selected.sha-256",
                                            "tpm.selected.sha-384", "tpm.selected.sha-512",
                                            "tpm.selected.other"};
        uint16_t alg = a->sel[i].alg;
        size_t at = alg == CM_TPM_ALG_SHA1     ? 0
                    : alg == CM_TPM_ALG_SHA256 ? 1
                    : alg == CM_TPM_ALG_SHA384 ? 2
                    : alg == CM_TPM_ALG_SHA512 ? 3
                                               : 4;

        cm_claim_uint(ev, submod, names[at], a->sel[i].mask);
    }
}

/* SHA-1 registers prove nothing by default: a quote of nothing else is refused, others are not raised. */
static void check_banks(struct run *r)
{
    struct cm_why why = {{0}};
    bool sha1 = false;
    bool other = false;
    bool refused = false;

    for (size_t i = 0; i < r->att.sel_count; i++) {
        if (r->att.sel[i].mask != 0) {
            sha1 = sha1 || r->att.sel[i].alg == CM_TPM_ALG_SHA1;
            other = other || r->att.sel[i].alg != CM_TPM_ALG_SHA1;
        }
    }
    refused = sha1 && !other && (r->in->flags & CM_VERIFY_ALLOW_SHA1) == 0;
    if (refused) {
        cm_why_set(&why, "only PCRs of the SHA-1 bank are quoted");
    }
    step(r, "tpm.bank", refused ? CM_ERR_POLICY : CM_OK, &why);
}

/* The values as measurements; those of SHA-1 stay self-asserted unless the caller trusts SHA-1. */
static void pcr_claims(struct run *r, const struct cm_tpm_pcrs *pcrs, bool vouched)
{
    for (size_t b = 0; b < pcrs->count; b++) {
        const struct cm_tpm_bank *bank = &pcrs->bank[b];
        const size_t from = cm_evidence_mark(r->ev, r->submod);

        for (unsigned i = 0; i < CM_TPM_PCRS; i++) {
            struct cm_digest d = {cm_tpm_pcr_name(i), cm_tpm_hash_name(bank->alg), CM_ROLE_RUNTIME,
                                  cm_tpm_pcrs_get(pcrs, bank->alg, i)};

            if (d.value.ptr != NULL) {
                cm_claim_digest(r->ev, r->submod, &d);
            }
        }
        if (vouched &&
            (bank->alg != CM_TPM_ALG_SHA1 || (r->in->flags & CM_VERIFY_ALLOW_SHA1) != 0)) {
            cm_evidence_raise(r->ev, r->submod, from, r->quote->authority);
        }
    }
}

/* Values that hash to the quote's digest, and what the log makes of them. */
static enum cm_status check_values(struct run *r)
{
    struct cm_tpm_pcrs *pcrs = NULL;
    const struct cm_tpm_pcrs *values = r->quote->labelled;
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (values == NULL && r->quote->pcrs.ptr == NULL) {
        cm_check_note(r->ev, r->submod, "tpm.pcrs", CM_CHECK_NOT_CHECKED,
                      "the values of the PCRs were not given: the quote proves their digest only");
        return CM_OK;
    }
    if (values == NULL) {
        pcrs = malloc(sizeof(*pcrs)); /* 16 KiB that need no zeros: count says what is there */
        if (pcrs == NULL) {
            return CM_ERR_NOMEM;
        }
        pcrs->count = 0;
        st = cm_tpm_pcrs_read(r->quote->pcrs, &r->att, pcrs, &why);
        values = pcrs;
    }
    if (st == CM_OK) {
        st = cm_tpm_pcrs_check(values, &r->att, r->hash);
        if (st != CM_OK) {
            cm_why_set(&why, "the values are not those whose digest was quoted");
        }
    }
    step(r, "tpm.pcrs", st, &why);
    pcr_claims(r, values, r->first == CM_OK);
    if (r->first == CM_OK && r->quote->log.ptr != NULL) {
        const struct cm_tcg_want want = {r->quote->authority,
                                         (r->in->flags & CM_VERIFY_EVENTS) != 0};

        st = cm_tcg_check(r->quote->log, values, want, r->ev, r->submod);
        r->first = r->first == CM_OK ? st : r->first;
    }
    free(pcrs);
    return CM_OK;
}

enum cm_status cm_tpm_quote_verify(const struct cm_tpm_quote *quote,
                                   const struct cm_verify_input *in, struct cm_evidence *ev,
                                   size_t submod)
{
    struct run r = {.quote = quote, .in = in, .ev = ev, .submod = submod, .first = CM_OK};
    struct cm_tpm_signature sig;
    struct cm_why why = {{0}};
    const size_t from = cm_evidence_mark(ev, submod);
    enum cm_status st = cm_tpm_attest_parse(quote->attest, &r.att, &why);

    step(&r, "tpm.attest", st, &why);
    if (st != CM_OK) {
        return st;
    }
    if (!quote->more) {
        cm_tpm_attest_claims(&r.att, ev, submod);
    }
    r.hash = quote->verified;
    st = r.hash != 0 ? CM_OK : cm_tpm_signature_parse(quote->signature, true, &sig, &why);
    if (st == CM_OK && r.hash == 0) {
        st = cm_tpm_signature_verify(&sig, &r.att, quote->ak, &r.hash);
    }
    if (st != CM_OK) {
        cm_why_set(&why, st == CM_ERR_UNSUPPORTED ? "the signature's hash is not accepted"
                         : st == CM_ERR_MISMATCH
                             ? "the attestation key is of another kind than the signature"
                             : "the quote's signature does not verify with the attestation key");
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    step(&r, "tpm.signature", st, &why);
    if (r.first == CM_OK) {
        cm_evidence_raise(ev, submod, from, quote->authority);
    }
    st = cm_check_nonce(in, ev, submod, r.att.extra_data, true);
    r.first = r.first == CM_OK ? st : r.first;
    if (!quote->more) {
        check_banks(&r);
    }
    CM_TRY(check_values(&r));
    st = r.first;
out:
    return st;
}
