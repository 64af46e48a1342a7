/*
 * See decide_gather.h. What is missing for a report is known from the verification that failed for want of
 * it: whatever wraps the report (a table, JSON, Azure's evidence), its claims say which chip and TCB it is.
 * Such a failure comes before any signature, so it costs little.
 */
#include "decide/decide_gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "cvm/azure.h"
#include "decide/decide_proven.h"
#include "evidence/claims.h"
#include "evidence/dcap_part.h"
#include "evidence/quote.h"
#include "verify/unwrap.h"

#define CERT_CHAIN 5u
#define ROUNDS     4u /* a chip's certificate, a chain; one that neither helps */

static const char *const lines[] = {"Milan", "Genoa", "Turin"};
static const char *const models[] = {"snp-milan", "snp-genoa", "snp-turin"};

void cm_gather_end(struct cm_gather *g)
{
    cm_enrolled_drop(g->enrolled);
    cm_kept_drop(g->dcap);
    for (size_t i = 0; i < g->amd_count; i++) {
        cm_kept_drop(g->amd[i]);
    }
    free(g->materials);
    free(g->unwrapped);
}

static bool past_recovery(enum cm_status st)
{
    return st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO || st == CM_ERR_BUSY;
}

/* ------------------------------------------------------------------- Intel */

/* The quote: the evidence, what it is the text of, or what stands beside a vTPM's. */
static enum cm_status find_quote(struct cm_gather *g)
{
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (cm_dcap_recognise(g->job.evidence)) {
        g->quote = g->job.evidence;
        return CM_OK;
    }
    if (g->job.format == CM_FORMAT_AZURE_CVM) { /* inside JSON, or padded */
        st = cm_azure_td_quote(&g->job, &g->unwrapped, &len);
        g->quote = cm_span_make(g->unwrapped, len);
        return st;
    }
    for (size_t i = 0; g->job.format != CM_FORMAT_DCAP && i < g->job.material_count; i++) {
        const struct cm_material *m = &g->job.materials[i];

        if (m->kind == CM_MATERIAL_QUOTE && cm_dcap_recognise(m->bytes)) {
            g->quote = cm_quote_unpadded(m->bytes);
            return CM_OK;
        }
    }
    for (int form = CM_WRAPPING_HEX; g->job.format == CM_FORMAT_DCAP && form <= CM_WRAPPING_ARMOUR;
         form++) {
        st = cm_unwrap(g->job.evidence, (enum cm_wrapping)form, &g->unwrapped, &len);
        if (st == CM_ERR_NOMEM) {
            return st;
        }
        if (st == CM_OK && cm_dcap_recognise(cm_span_make(g->unwrapped, len))) {
            g->quote = cm_span_make(g->unwrapped, len);
            return CM_OK;
        }
        if (st == CM_OK) {
            free(g->unwrapped);
            g->unwrapped = NULL;
        }
    }
    return CM_OK;
}

/*
 * What a quote needs, and whether a trusted chain says so: else anybody could have us ask for as many
 * platforms as he can invent.
 */
static enum cm_status want_of(struct cm_gather *g, const struct cm_quote *q, struct cm_want *want,
                              struct cm_keeper_ask *ask)
{
    const bool tdx = q->tee == CM_QUOTE_TEE_TDX;
    struct cm_collateral_key key;
    enum cm_status st = CM_OK;

    if (q->cert_type == CERT_CHAIN && cm_seen_find(g->seen, q->cert_data, tdx, want)) {
        ask->vouched = true;
        ask->issuers = q->cert_data;
        return CM_OK;
    }
    CM_TRY(cm_collateral_key_of(g->quote, &key, &g->missing));
    CM_TRY(cm_want_dcap(&key, want));
    if (q->cert_type == CERT_CHAIN) {
        st = cm_pck_chain_trusted(q->cert_data, g->settings->roots, g->settings->root_count,
                                  &g->missing);
        if (st == CM_OK) {
            ask->vouched = true;
            ask->issuers = q->cert_data;
            cm_seen_keep(g->seen, q->cert_data, want);
        }
        st = past_recovery(st) ? st : CM_OK;
    }
out:
    return st;
}

/* After asking the keeper: what is stale comes with the reason that it is. */
static bool is_down(const struct cm_gather *g, enum cm_status st)
{
    return g->down || st == CM_ERR_IO || (st == CM_OK && g->missing.text[0] != '\0');
}

static enum cm_status get_dcap(struct cm_gather *g)
{
    struct cm_keeper_ask ask = {g->ask->now, g->ask->may_wait, false, {NULL, 0}, g->client};
    struct cm_want want;
    struct cm_quote q;
    enum cm_status st = CM_OK;

    if (cm_quote_parse(g->quote, &q, NULL) != CM_OK) {
        return CM_OK; /* the verifier says what is wrong with it */
    }
    st = want_of(g, &q, &want, &ask);
    if (st != CM_OK) {
        return past_recovery(st) ? st : CM_OK;
    }
    if (q.cert_type == CERT_CHAIN && !ask.vouched) {
        g->dcap = cm_keeper_peek(g->keeper, want.name);
    } else {
        st = cm_keeper_get(g->keeper, &want, &ask, &g->dcap, &g->missing);
        g->down = is_down(g, st);
        if (past_recovery(st)) { /* busy, too: the evidence is not refused for others' haste */
            return st;
        }
    }
    if (g->dcap != NULL) {
        g->view = cm_kept_dcap(g->dcap);
        g->job.dcap = &g->view;
    }
    return CM_OK;
}

/* Within the grace collateral counts as it did at its last moment. */
static void apply_grace(struct cm_gather *g, const struct cm_kept *k)
{
    uint64_t now = g->ask->now;

    if (now > k->facts.not_after && now - k->facts.not_after <= g->settings->config.grace &&
        k->facts.not_after < g->in->now) {
        g->in->now = k->facts.not_after;
    }
}

/* ---------------------------------------------------------------- enrolled */

const char *cm_gather_type(enum cm_format format, struct cm_span quote)
{
    static const char *const types[] = {
        [CM_FORMAT_ANY] = NULL,       [CM_FORMAT_DCAP] = NULL,
        [CM_FORMAT_SNP] = "SevSnpVm", [CM_FORMAT_NITRO] = "Nitro",
        [CM_FORMAT_TPM] = "Tpm",      [CM_FORMAT_AZURE_CVM] = "AzureGuest",
        [CM_FORMAT_GCE] = "Gce",      [CM_FORMAT_GCP_TOKEN] = "GcpToken",
        [CM_FORMAT_CCA] = "Cca",      [CM_FORMAT_PSA] = "Psa",
        [CM_FORMAT_OPTEE] = "OpTee",  [CM_FORMAT_NVIDIA] = "Nvidia",
    };
    struct cm_quote q;

    if (format == CM_FORMAT_DCAP) {
        return cm_quote_parse(quote, &q, NULL) == CM_OK && q.tee == CM_QUOTE_TEE_TDX ? "TdxVm"
                                                                                     : "SgxEnclave";
    }
    return (size_t)format < sizeof(types) / sizeof(types[0]) ? types[format] : NULL;
}

/*
 * The client's materials and what the operator enrolled for such evidence, with room behind them. Beside an activated
 * attestation key no enrolled one counts: whoever has that would quote with it, and the report would name the
 * endorsement key of another machine.
 */
static enum cm_status add_materials(struct cm_gather *g)
{
    const size_t count = g->job.material_count;
    const size_t enrolled = g->enrolled == NULL ? 0 : g->enrolled->count;
    const char *type = enrolled == 0        ? NULL
                       : g->natural != NULL ? g->natural
                                            : cm_gather_type(g->job.format, g->quote);

    g->materials = calloc(count + enrolled + (size_t)2 * CM_GATHER_KEPT + 1, sizeof(*g->materials));
    if (g->materials == NULL) {
        return CM_ERR_NOMEM;
    }
    if (count != 0) {
        memcpy(g->materials, g->job.materials, count * sizeof(*g->materials));
    }
    for (size_t i = 0; type != NULL && i < enrolled; i++) {
        const struct cm_material *m = &g->enrolled->item[i].material;
        const bool ousted = m->kind == CM_MATERIAL_KEY && g->activated.len != 0;

        if (strcmp(g->enrolled->item[i].type, type) == 0 && !ousted && !cm_enrolled_is_ek(m)) {
            g->materials[g->job.material_count++] = *m;
        }
    }
    if (g->activated.len != 0) {
        g->materials[g->job.material_count++] =
            (struct cm_material){CM_MATERIAL_KEY, "activated", g->activated};
    }
    g->job.materials = g->materials;
    return CM_OK;
}

/* --------------------------------------------------------------------- AMD */

static void add_amd(struct cm_gather *g, struct cm_kept *k)
{
    struct cm_material *m = NULL;

    if (g->amd_count == CM_GATHER_KEPT) {
        cm_kept_drop(k);
        return;
    }
    g->amd[g->amd_count++] = k;
    m = &g->materials[g->job.material_count++];
    *m = (struct cm_material){CM_MATERIAL_CERTS, k->want.name, k->part[0]};
    if (k->want.kind == CM_KEPT_SNP_CA && k->part[1].len != 0) {
        m = &g->materials[g->job.material_count++];
        *m = (struct cm_material){CM_MATERIAL_CRL, k->want.name, k->part[1]};
        apply_grace(g, k);
    }
}

/* What is kept of AMD's chains. */
static void start_amd(struct cm_gather *g)
{
    struct cm_want want;

    for (size_t i = 0; i < 2 * sizeof(lines) / sizeof(lines[0]); i++) {
        struct cm_kept *k = NULL;

        if (cm_want_snp_ca(lines[i / 2], i % 2 != 0, &want) == CM_OK) {
            k = cm_keeper_peek(g->keeper, want.name);
        }
        if (k != NULL && g->ask->now <= k->facts.not_after) {
            add_amd(g, k); /* a stale one is asked for when it is needed */
        } else {
            cm_kept_drop(k);
        }
    }
}

static bool has_amd(const struct cm_gather *g, const char *name)
{
    for (size_t i = 0; i < g->amd_count; i++) {
        if (strcmp(g->amd[i]->want.name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* @param more  set when there is something new to verify with */
static enum cm_status get_amd(struct cm_gather *g, const struct cm_want *want, bool *more)
{
    const struct cm_keeper_ask ask = {
        g->ask->now, g->ask->may_wait, want->kind == CM_KEPT_SNP_CA, {NULL, 0}, g->client};
    struct cm_kept *k = NULL;
    enum cm_status st = CM_OK;

    if (has_amd(g, want->name)) {
        return CM_OK;
    }
    st = cm_keeper_get(g->keeper, want, &ask, &k, &g->missing);
    g->down = is_down(g, st);
    if (st == CM_OK) {
        add_amd(g, k);
        *more = true;
    } else if (past_recovery(st)) {
        return st;
    }
    return CM_OK;
}

static const struct cm_check *check_of(const struct cm_evidence *ev, size_t submod,
                                       const char *name)
{
    const struct cm_check *c = NULL;

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static bool lacks(const struct cm_evidence *ev, size_t submod, const char *name)
{
    const struct cm_check *c = check_of(ev, submod, name);

    return c != NULL && c->result == CM_CHECK_FAIL && c->status == CM_ERR_NOTFOUND;
}

/* What a submodule says of the chip that signed it. */
struct chip {
    const char *line; /* NULL: it does not say */
    bool vlek;
    struct cm_span id;
    struct cm_span tcb;
};

static bool chip_of(const struct cm_evidence *ev, size_t submod, struct chip *out)
{
    const struct cm_claim *tee = cm_evidence_find(ev, submod, CM_CLAIM_TEE, 0);
    const struct cm_claim *model = cm_evidence_find(ev, submod, CM_CLAIM_HWMODEL, 0);
    const struct cm_claim *key = cm_evidence_find(ev, submod, "snp.signing_key", 0);
    const struct cm_claim *id = cm_evidence_find(ev, submod, "snp.chip_id", 0);
    const struct cm_claim *tcb = cm_evidence_find(ev, submod, "snp.tcb.reported", 0);

    memset(out, 0, sizeof(*out));
    if (tee == NULL || tee->type != CM_CLAIM_TYPE_TEXT || strcmp(tee->text, "snp") != 0 ||
        key == NULL || key->number > 1 || id == NULL || tcb == NULL) {
        return false;
    }
    for (size_t i = 0; model != NULL && i < sizeof(models) / sizeof(models[0]); i++) {
        if (strcmp(model->text, models[i]) == 0) {
            out->line = lines[i];
        }
    }
    out->vlek = key->number == 1;
    out->id = cm_span_make(id->bytes, id->len);
    out->tcb = cm_span_make(tcb->bytes, tcb->len);
    return true;
}

/* The certificate of the chip, once there is what it is verified by. */
static enum cm_status supply_key(struct cm_gather *g, const struct chip *chip, bool *more)
{
    struct cm_want ca;
    struct cm_want want;

    if (chip->vlek) {
        cm_why_set(&g->missing, "the report is signed with a provider's key (VLEK): its "
                                "certificate must come with it");
        return CM_OK;
    }
    if (cm_want_snp_ca(chip->line, false, &ca) != CM_OK || !has_amd(g, ca.name) ||
        cm_want_snp_key(chip->line, chip->id, chip->tcb, &want) != CM_OK) {
        return CM_OK;
    }
    return get_amd(g, &want, more);
}

/* Get what one submodule's verification lacked. */
static enum cm_status supply(struct cm_gather *g, const struct cm_evidence *ev, size_t submod,
                             bool *more)
{
    /* whatever list came along: our own must be held against it */
    const bool verified = check_of(ev, submod, "snp.chain_crl") != NULL;
    const bool no_key = lacks(ev, submod, "snp.vek");
    struct cm_want want;
    struct chip chip;
    enum cm_status st = CM_OK;

    if (!chip_of(ev, submod, &chip) || !(verified || no_key || lacks(ev, submod, "snp.chain"))) {
        return CM_OK;
    }
    if (chip.line == NULL) {
        cm_why_set(&g->missing, "the report does not say of which line its processor is: its "
                                "certificate must come with it");
        return CM_OK;
    }
    CM_TRY(cm_want_snp_ca(chip.line, chip.vlek, &want));
    CM_TRY(get_amd(g, &want, more));
    st = no_key ? supply_key(g, &chip, more) : CM_OK;
out:
    return st;
}

/* Our own chain and list of a submodule's line, which was held against it; NULL: not, or only one that came
   along with the evidence. */
static const struct cm_kept *list_applied(const struct cm_gather *g, const struct cm_evidence *ev,
                                          size_t submod, const struct chip *chip)
{
    const struct cm_check *crl = check_of(ev, submod, "snp.chain_crl");

    for (size_t i = 0; chip->line != NULL && i < g->amd_count; i++) {
        const struct cm_want *w = &g->amd[i]->want;

        if (w->kind == CM_KEPT_SNP_CA && g->amd[i]->part[1].len != 0 && w->kds.vlek == chip->vlek &&
            strcmp(w->kds.line, chip->line) == 0 && crl != NULL && crl->result == CM_CHECK_PASS) {
            return g->amd[i];
        }
    }
    return NULL;
}

/* Not older than any list that was ever used: its number is a floor, like those of Intel's collateral. */
static enum cm_status judge_list(struct cm_gather *g, struct cm_evidence *ev, size_t submod,
                                 const struct cm_kept *list)
{
    char name[96] = "";
    enum cm_status st = CM_OK;

    (void)snprintf(name, sizeof(name), "snp.%s.crl", list->want.kds.line);
    if (cm_floor_below(g->in, name, list->facts.number[0])) {
        st = CM_ERR_POLICY;
    }
    cm_check_status(ev, submod, "revocation", st, "%s",
                    st == CM_OK ? ""
                                : "AMD's revocation list is older than one seen before: rollback");
    if (st == CM_OK) {
        cm_evidence_reach(ev, name, list->facts.number[0]);
    }
    return st;
}

static enum cm_status judge_revocation(struct cm_gather *g, struct cm_evidence *ev)
{
    struct chip chip;
    enum cm_status st = CM_OK;

    for (size_t s = 0; s < cm_evidence_submods(ev) && st == CM_OK; s++) {
        const struct cm_kept *list = NULL;

        if (!chip_of(ev, s, &chip)) {
            continue;
        }
        list = list_applied(g, ev, s, &chip);
        if (list != NULL) {
            st = judge_list(g, ev, s, list);
        } else if (g->settings->config.crl_optional) {
            cm_check_note(ev, s, "revocation", CM_CHECK_NOT_CHECKED, "%s", "optional here");
        } else {
            st = CM_ERR_NOTFOUND;
            cm_check_status(ev, s, "revocation", st, "%s", "AMD's revocation list cannot be had");
            cm_why_set(&g->missing, "AMD's revocation list is not there");
        }
    }
    return st == CM_OK ? cm_evidence_done(ev) : st;
}

/* ------------------------------------------------------------------- whole */

static enum cm_status verify_amd(struct cm_gather *g, struct cm_evidence **ev)
{
    enum cm_status st = CM_OK;
    bool more = true;

    for (unsigned round = 0; more && round < ROUNDS; round++) {
        enum cm_status got = CM_OK;

        cm_evidence_free(*ev);
        more = false;
        st = cm_verify(&g->job, ev);
        for (size_t s = 0; *ev != NULL && s < cm_evidence_submods(*ev) && got == CM_OK; s++) {
            got = supply(g, *ev, s, &more);
        }
        if (got != CM_OK) {
            return got;
        }
    }
    if (st == CM_OK) {
        st = judge_revocation(g, *ev);
    }
    return st;
}

/* Hashes of what was used, under the names of Azure's claim. */
static json_t *hashes(const struct cm_gather *g)
{
    const struct cm_kept *k = g->dcap;
    uint8_t digest[CM_SHA256_SIZE] = {0};
    char quote[65] = "";

    if (cm_sha256_of(g->quote, digest) != CM_OK) {
        return NULL;
    }
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, quote);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "qeidcertshash", k->hash[CM_PART_QE_IDENTITY_CHAIN],
        "qeidcrlhash", k->hash[CM_PART_ROOT_CA_CRL], "qeidhash", k->hash[CM_PART_QE_IDENTITY],
        "quotehash", quote, "tcbinfocertshash", k->hash[CM_PART_TCB_INFO_CHAIN], "tcbinfocrlhash",
        k->hash[CM_PART_ROOT_CA_CRL], "tcbinfohash", k->hash[CM_PART_TCB_INFO]);
}

enum cm_status cm_gather_verify(struct cm_gather *g, struct cm_decision *d)
{
    struct cm_evidence *ev = NULL;
    enum cm_status st = CM_OK;

    if (g->job.format == CM_FORMAT_ANY) {
        g->job.format = cm_verify_recognise(g->job.evidence);
    }
    CM_TRY(find_quote(g));
    CM_TRY(add_materials(g));
    if (g->quote.ptr != NULL) {
        CM_TRY(get_dcap(g));
    }
    if (g->dcap != NULL) {
        apply_grace(g, g->dcap);
    }
    if (g->job.format == CM_FORMAT_SNP || g->job.format == CM_FORMAT_AZURE_CVM) {
        start_amd(g);
        st = verify_amd(g, &ev);
    } else {
        st = cm_verify(&g->job, &ev);
    }
    if (past_recovery(st)) {
        goto out;
    }
    if (st == CM_OK && g->dcap != NULL) {
        d->collateral = hashes(g);
        if (d->collateral == NULL) {
            st = CM_ERR_NOMEM;
            goto out;
        }
    }
    if ((st == CM_ERR_NOTFOUND || st == CM_ERR_EXPIRED) && g->missing.text[0] != '\0') {
        cm_why_set(&d->why, "%s: %s",
                   st == CM_ERR_EXPIRED ? "collateral is stale, and no newer can be had"
                                        : "collateral cannot be had",
                   g->missing.text);
        d->unavailable = g->down;
    }
    d->evidence = ev;
    ev = NULL;
out:
    cm_evidence_free(ev);
    return st;
}
