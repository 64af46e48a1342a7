/* A log held against registers that are signed; see tcg_log.h. */
#include "common/try.h"
#include "common/wipe.h"
#include "evidence/claims.h"
#include "tpm/tcg_index.h"
#include "tpm/tcg_log.h"

#define FIRMWARE_PCRS 0xFFu /* 0 to 7 */

/* How many registers of a bank the values have, if the log has that bank as well. */
static int registers_in(const struct cm_tcg_log *log, const struct cm_tpm_pcrs *pcrs, uint16_t alg)
{
    bool logged = false;
    int have = 0;

    for (size_t k = 0; k < log->alg_count; k++) {
        logged = logged || log->alg[k] == alg;
    }
    for (size_t b = 0; b < pcrs->count; b++) {
        have += pcrs->bank[b].alg == alg ? __builtin_popcount(pcrs->bank[b].mask) : 0;
    }
    return logged ? have : 0;
}

/* The bank that decides: of SHA-2 the one with most registers, the widest of equals; else SHA-1. */
static uint16_t pick_bank(const struct cm_tcg_log *log, const struct cm_tpm_pcrs *pcrs)
{
    static const uint16_t order[] = {CM_TPM_ALG_SHA512, CM_TPM_ALG_SHA384, CM_TPM_ALG_SHA256,
                                     CM_TPM_ALG_SHA1};
    uint16_t best = CM_TPM_ALG_NULL;
    int most = 0;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        int have = registers_in(log, pcrs, order[i]);

        if (have > most && (order[i] != CM_TPM_ALG_SHA1 || most == 0)) {
            best = order[i];
            most = have;
        }
    }
    return best;
}

/* "7 8 9" */
static void list(uint32_t mask, char *out, size_t cap)
{
    size_t used = 0;

    for (unsigned i = 0; i < CM_TPM_PCRS && used + 4 < cap; i++) {
        if ((mask >> i & 1) == 0) {
            continue;
        }
        if (used != 0) {
            out[used++] = ' ';
        }
        if (i >= 10) {
            out[used++] = (char)('0' + i / 10);
        }
        out[used++] = (char)('0' + i % 10);
    }
    out[used] = '\0';
}

/* Registers whose replay equals the signed value, and those where it does not. */
static void compare(const struct cm_tpm_bank *made, const struct cm_tpm_pcrs *pcrs, uint32_t *equal,
                    uint32_t *differ)
{
    const size_t size = cm_tpm_hash_size(made->alg);

    *equal = 0;
    *differ = 0;
    for (unsigned i = 0; i < CM_TPM_PCRS; i++) {
        struct cm_span value = cm_tpm_pcrs_get(pcrs, made->alg, i);

        if ((made->mask >> i & 1) == 0 || value.ptr == NULL) {
            continue;
        }
        *(cm_ct_equal(made->value[i], value.ptr, size) ? equal : differ) |= 1u << i;
    }
}

static enum cm_status refuse(struct cm_evidence *ev, size_t submod, const char *name,
                             enum cm_status st, const struct cm_why *why)
{
    cm_check_status(ev, submod, name, st, "%s", why->text);
    return st;
}

/* What is left of a log whose registers were compared: the check, and the claims. */
static enum cm_status judge(const struct cm_tcg_index *index, struct cm_tcg_claims *to,
                            uint32_t differ)
{
    static const char name[] = "tpm.event_log";
    struct cm_why why = {{0}};
    char which[128] = "";

    if ((differ & FIRMWARE_PCRS) != 0) {
        list(differ & FIRMWARE_PCRS, which, sizeof(which));
        cm_why_set(&why, "the log does not lead to the quoted values of PCR %s", which);
        to->trusted = 0;
        cm_tcg_claim(index, to);
        return refuse(to->ev, to->submod, name, CM_ERR_MISMATCH, &why);
    }
    list(to->trusted, which, sizeof(which));
    if (to->trusted == 0) {
        cm_check_note(to->ev, to->submod, name, CM_CHECK_NOT_CHECKED,
                      "no PCR of the log was quoted: nothing in it is proven");
    } else {
        cm_check_status(to->ev, to->submod, name, CM_OK, "%s: PCR %s", cm_tpm_hash_name(index->alg),
                        which);
    }
    list(differ, which, sizeof(which));
    cm_check_note(to->ev, to->submod, "tpm.event_log_os",
                  differ == 0 ? CM_CHECK_PASS : CM_CHECK_FAIL, "%s", which);
    to->authority = index->alg == CM_TPM_ALG_SHA1 ? CM_AUTHORITY_SELF : to->authority;
    cm_tcg_claim(index, to);
    return CM_OK;
}

enum cm_status cm_tcg_check(struct cm_span log, const struct cm_tpm_pcrs *pcrs,
                            struct cm_tcg_want want, struct cm_evidence *ev, size_t submod)
{
    static const char name[] = "tpm.event_log";
    struct cm_tcg_claims to = {ev, submod, want.authority, 0, false, want.events};
    struct cm_tcg_index index = {.count = 0};
    struct cm_tcg_log parsed;
    struct cm_tpm_bank made;
    struct cm_why why = {{0}};
    uint32_t differ = 0;
    uint16_t alg = CM_TPM_ALG_NULL;
    enum cm_status st = cm_tcg_log_parse(log, &parsed, &why);

    if (st != CM_OK) {
        return refuse(ev, submod, name, st, &why);
    }
    alg = pick_bank(&parsed, pcrs);
    if (alg == CM_TPM_ALG_NULL) {
        cm_why_set(&why, "the log and the quote have no bank in common");
        return refuse(ev, submod, name, CM_ERR_MISMATCH, &why);
    }
    CM_TRY(cm_tcg_index_make(&parsed, alg, &index));
    st = cm_tcg_replay(&index, false, &made);
    if (st != CM_OK) {
        cm_why_set(&why, "an event of the log has no digest in bank %s", cm_tpm_hash_name(alg));
        (void)refuse(ev, submod, name, st, &why);
        goto out;
    }
    compare(&made, pcrs, &to.trusted, &differ);
    st = judge(&index, &to, differ);
out:
    cm_tcg_index_free(&index);
    return st;
}

/* As judge(), of the registers of a TD: the log's register 1 is RTMR 0. */
static enum cm_status judge_rtmrs(const struct cm_tcg_index *index, struct cm_tcg_claims *to,
                                  uint32_t differ)
{
    static const char name[] = "ccel.event_log";
    struct cm_why why = {{0}};
    char which[128] = "";

    list(differ >> 1, which, sizeof(which));
    if ((differ & 6) != 0) { /* RTMR 0 and 1: firmware's alone */
        cm_why_set(&why, "the log does not lead to the quoted values of RTMR %s", which);
        to->trusted = 0;
        cm_tcg_claim(index, to);
        return refuse(to->ev, to->submod, name, CM_ERR_MISMATCH, &why);
    }
    cm_check_note(to->ev, to->submod, "ccel.event_log_os",
                  differ == 0 ? CM_CHECK_PASS : CM_CHECK_FAIL, "%s", which);
    list(to->trusted >> 1, which, sizeof(which));
    cm_check_status(to->ev, to->submod, name, CM_OK, "RTMR %s", which);
    cm_tcg_claim(index, to);
    return CM_OK;
}

enum cm_status cm_ccel_check(struct cm_span log, const uint8_t rtmr[4][48],
                             enum cm_authority authority, struct cm_evidence *ev, size_t submod)
{
    struct cm_tcg_claims to = {ev, submod, authority, 0, true, false};
    struct cm_tcg_index index = {.count = 0};
    struct cm_tcg_log parsed;
    struct cm_tpm_bank made;
    struct cm_tpm_pcrs want = {.count = 0};
    struct cm_why why = {{0}};
    uint32_t differ = 0;
    enum cm_status st = cm_tcg_log_parse(log, &parsed, &why);

    for (unsigned i = 0; i < 4 && st == CM_OK; i++) {
        st = cm_tpm_pcrs_set(&want, CM_TPM_ALG_SHA384, i + 1, cm_span_make(rtmr[i], 48));
    }
    if (st == CM_OK) {
        st = cm_tcg_index_make(&parsed, CM_TPM_ALG_SHA384, &index);
    }
    if (st == CM_OK) {
        st = cm_tcg_replay(&index, true, &made);
    }
    if (st == CM_OK) {
        compare(&made, &want, &to.trusted, &differ);
        st = judge_rtmrs(&index, &to, differ);
    } else {
        cm_why_set(&why, "the log has no SHA-384 digests");
        st = refuse(ev, submod, "ccel.event_log", st, &why);
    }
    cm_tcg_index_free(&index);
    return st;
}
