/* Kept collateral: names, numbers, dates; see decide_kept.h. Untrusted: every part. */
#include "decide/decide_kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"
#include "common/hex.h"
#include "common/same.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "decide/decide_kds.h"
#include "evidence/certs.h"
#include "evidence/collateral.h"

#define PART_MAX CM_COLLATERAL_MAX_PART

/* ------------------------------------------------------------------ wants */

/* What a platform without certificates is asked for by, as one digest. */
static enum cm_status pck_digest(const struct cm_pck_key *pck, char out[65])
{
    struct cm_sha256 *h = NULL;
    uint8_t digest[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, pck->qe_id, sizeof(pck->qe_id)));
    CM_TRY(cm_sha256_update(h, pck->ppid, pck->ppid_len));
    CM_TRY(cm_sha256_update(h, pck->cpusvn, sizeof(pck->cpusvn)));
    CM_TRY(cm_sha256_update(h, pck->pcesvn, sizeof(pck->pcesvn)));
    CM_TRY(cm_sha256_update(h, pck->pceid, sizeof(pck->pceid)));
    CM_TRY(cm_sha256_final(h, digest));
    cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, out);
out:
    cm_sha256_free(h);
    return st;
}

enum cm_status cm_want_dcap(const struct cm_collateral_key *key, struct cm_want *out)
{
    const char *tee = key->tdx ? "tdx" : "sgx";
    char hex[65] = "";
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    out->kind = CM_KEPT_DCAP;
    out->key = *key;
    if (key->without_chain) { /* the set has the PCK chain in it, and so is one machine's */
        CM_TRY(pck_digest(&key->pck, hex));
        (void)snprintf(out->name, sizeof(out->name), "dcap/%s/pck/%s", tee, hex);
    } else {
        memset(&out->key.pck, 0, sizeof(out->key.pck)); /* one machine's, of no use to others */
        cm_hex_encode(cm_span_make(key->fmspc, sizeof(key->fmspc)), CM_HEX_UPPER, hex);
        (void)snprintf(out->name, sizeof(out->name), "dcap/%s/%s/%s", tee, hex,
                       key->platform_ca ? "platform" : "processor");
    }
out:
    return st;
}

static bool known_line(const char *line)
{
    static const char *const lines[] = {"Milan", "Genoa", "Turin"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strcmp(line, lines[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum cm_status cm_want_snp_ca(const char *line, bool vlek, struct cm_want *out)
{
    memset(out, 0, sizeof(*out));
    if (!known_line(line)) {
        return CM_ERR_PARAM;
    }
    out->kind = CM_KEPT_SNP_CA;
    out->kds.vlek = vlek;
    (void)snprintf(out->kds.line, sizeof(out->kds.line), "%s", line);
    (void)snprintf(out->name, sizeof(out->name), "snp/%s/%s", line, vlek ? "vlek" : "vcek");
    return CM_OK;
}

enum cm_status cm_want_snp_key(const char *line, struct cm_span chip, struct cm_span tcb,
                               struct cm_want *out)
{
    char chip_hex[2 * sizeof(out->kds.chip) + 1] = "";
    char tcb_hex[2 * sizeof(out->kds.tcb) + 1] = "";

    memset(out, 0, sizeof(*out));
    if (!known_line(line) || chip.len != sizeof(out->kds.chip) || tcb.len != sizeof(out->kds.tcb) ||
        cm_span_is_zero(chip)) {
        return CM_ERR_PARAM;
    }
    out->kind = CM_KEPT_SNP_KEY;
    (void)snprintf(out->kds.line, sizeof(out->kds.line), "%s", line);
    memcpy(out->kds.chip, chip.ptr, chip.len);
    memcpy(out->kds.tcb, tcb.ptr, tcb.len);
    cm_hex_encode(chip, CM_HEX_LOWER, chip_hex);
    cm_hex_encode(tcb, CM_HEX_LOWER, tcb_hex);
    (void)snprintf(out->name, sizeof(out->name), "snp/%s/vcek/%s/%s", line, chip_hex, tcb_hex);
    return CM_OK;
}

/* ------------------------------------------------------------------ facts */

const char *cm_kept_number_name(enum cm_kept_kind kind, size_t index)
{
    static const char *const dcap[] = {
        "TCB evaluation data number",      "TCB info's issue date",
        "QE identity's evaluation number", "QE identity's issue date",
        "root revocation list's number",   "PCK revocation list's number",
    };

    return kind != CM_KEPT_DCAP                     ? "revocation list's number"
           : index < sizeof(dcap) / sizeof(dcap[0]) ? dcap[index]
                                                    : "number";
}

static void earlier(struct cm_kept_facts *f, size_t part, uint64_t not_after)
{
    f->part_after[part] = not_after;
    f->not_after = not_after < f->not_after ? not_after : f->not_after;
}

static void note_number(struct cm_kept_facts *f, size_t index, uint64_t value)
{
    f->number[index] = value;
    f->has_number[index] = true;
}

static enum cm_status tcb_facts(struct cm_span text, const struct cm_collateral_key *key,
                                struct cm_kept_facts *f, struct cm_why *why)
{
    struct cm_tcb_info *info = calloc(1, sizeof(*info));
    enum cm_status st = CM_OK;

    if (info == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_tcb_info_parse(text, info, why));
    if (info->tdx != key->tdx ||
        (key->known && memcmp(info->fmspc, key->fmspc, sizeof(key->fmspc)) != 0)) {
        cm_why_set(why, "the TCB info is another platform's");
        st = CM_ERR_MISMATCH;
        goto out;
    }
    note_number(f, 0, info->dates.evaluation_number);
    note_number(f, 1, info->dates.issue_date);
    earlier(f, 0, info->dates.next_update);
out:
    if (info != NULL) {
        cm_tcb_info_free(info);
    }
    free(info);
    return st;
}

static enum cm_status qe_facts(struct cm_span text, struct cm_kept_facts *f, struct cm_why *why)
{
    struct cm_qe_identity *id = calloc(1, sizeof(*id));
    enum cm_status st = CM_OK;

    if (id == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_qe_identity_parse(text, id, why));
    note_number(f, 2, id->dates.evaluation_number);
    note_number(f, 3, id->dates.issue_date);
    earlier(f, 1, id->dates.next_update);
out:
    cm_qe_identity_free(id);
    free(id);
    return st;
}

static enum cm_status crl_facts(struct cm_span bytes, bool general, size_t index,
                                struct cm_kept_facts *f, struct cm_why *why)
{
    struct cm_crl *crl = NULL;
    enum cm_status st = general ? cm_crl_parse_general(bytes, &crl) : cm_crl_parse(bytes, &crl);

    if (st == CM_OK) {
        note_number(f, index, cm_crl_number(crl));
        earlier(f, general ? 0 : index - 2, cm_crl_period(crl).not_after);
    } else {
        cm_why_set(why, "a revocation list cannot be read: %s", cm_status_str(st));
    }
    cm_crl_free(crl);
    return st;
}

static enum cm_status dcap_facts(const struct cm_want *want,
                                 const struct cm_span part[CM_PART_COUNT], struct cm_kept_facts *f,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(tcb_facts(part[CM_PART_TCB_INFO], &want->key, f, why));
    CM_TRY(qe_facts(part[CM_PART_QE_IDENTITY], f, why));
    CM_TRY(crl_facts(part[CM_PART_ROOT_CA_CRL], false, 4, f, why));
    CM_TRY(crl_facts(part[CM_PART_PCK_CRL], false, 5, f, why));
out:
    return st;
}

static enum cm_status ca_facts(const struct cm_want *want, const struct cm_span part[CM_PART_COUNT],
                               struct cm_kept_facts *f, struct cm_why *why)
{
    enum cm_status st = cm_kds_check_chain(part[0], &want->kds, why);

    return st == CM_OK && part[1].len != 0 ? crl_facts(part[1], true, 0, f, why) : st;
}

static enum cm_status read_facts(const struct cm_want *want,
                                 const struct cm_span part[CM_PART_COUNT], struct cm_kept_facts *f,
                                 struct cm_why *why)
{
    enum cm_status st = CM_OK;

    memset(f, 0, sizeof(*f));
    f->not_after = CM_KEPT_NEVER;
    switch (want->kind) {
    case CM_KEPT_DCAP:
        st = dcap_facts(want, part, f, why);
        break;
    case CM_KEPT_SNP_CA:
        st = ca_facts(want, part, f, why);
        break;
    case CM_KEPT_SNP_KEY:
        st = cm_kds_check_key(part[0], &want->kds, &f->not_after, why);
        f->part_after[0] = f->not_after;
        break;
    }
    return st;
}

enum cm_status cm_kept_follows(const struct cm_kept *old, const struct cm_kept *next,
                               struct cm_why *why)
{
    for (size_t i = 0; i < sizeof(old->facts.number) / sizeof(old->facts.number[0]); i++) {
        if (old->facts.has_number[i] &&
            (!next->facts.has_number[i] || next->facts.number[i] < old->facts.number[i])) {
            cm_why_set(why, "%.120s: rolled back: the %s went from %llu to %llu", old->want.name,
                       cm_kept_number_name(old->want.kind, i),
                       (unsigned long long)old->facts.number[i],
                       (unsigned long long)next->facts.number[i]);
            return CM_ERR_POLICY;
        }
    }
    return CM_OK;
}

/* ------------------------------------------------------------------ object */

static enum cm_status complete(const struct cm_want *want, const struct cm_span part[CM_PART_COUNT],
                               struct cm_why *why)
{
    for (unsigned i = 0; i < CM_PART_COUNT; i++) {
        bool needed =
            want->kind == CM_KEPT_DCAP ? i != CM_PART_PCK_CHAIN || want->key.without_chain : i == 0;

        if (needed && part[i].len == 0) {
            cm_why_set(why, "%.120s: %s is missing", want->name,
                       want->kind == CM_KEPT_DCAP ? cm_part_name((enum cm_collateral_part)i)
                                                  : "the certificate");
            return CM_ERR_FORMAT;
        }
        if (part[i].len > PART_MAX) {
            return CM_ERR_LIMIT;
        }
    }
    return CM_OK;
}

static enum cm_status hash_part(struct cm_kept *k, size_t i)
{
    uint8_t digest[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (k->part[i].len != 0) {
        st = cm_sha256_of(k->part[i], digest);
        cm_hex_encode(cm_span_make(digest, sizeof(digest)), CM_HEX_LOWER, k->hash[i]);
    }
    return st;
}

enum cm_status cm_kept_make(const struct cm_want *want, const struct cm_span part[CM_PART_COUNT],
                            uint64_t fetched, struct cm_kept **out, struct cm_why *why)
{
    struct cm_kept *k = NULL;
    size_t total = 0;
    size_t at = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(complete(want, part, why));
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        total += part[i].len; /* each at most PART_MAX */
    }
    k = calloc(1, sizeof(*k) + total);
    if (k == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    atomic_init(&k->refs, 1);
    k->want = *want;
    k->fetched = fetched;
    for (size_t i = 0; i < CM_PART_COUNT; i++) {
        if (part[i].len != 0) {
            memcpy(k->bytes + at, part[i].ptr, part[i].len);
            k->part[i] = cm_span_make(k->bytes + at, part[i].len);
            at += part[i].len;
        }
        CM_TRY(hash_part(k, i));
    }
    CM_TRY(read_facts(want, k->part, &k->facts, why));
    *out = k;
    k = NULL;
out:
    cm_kept_drop(k);
    return st;
}

struct cm_kept *cm_kept_hold(struct cm_kept *k)
{
    if (k != NULL) {
        (void)atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    }
    return k;
}

void cm_kept_drop(struct cm_kept *k)
{
    if (k != NULL && atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) == 1) {
        free(k);
    }
}

struct cm_dcap_collateral cm_kept_dcap(const struct cm_kept *k)
{
    struct cm_dcap_collateral out = {
        .tcb_info = k->part[CM_PART_TCB_INFO],
        .tcb_info_chain = k->part[CM_PART_TCB_INFO_CHAIN],
        .qe_identity = k->part[CM_PART_QE_IDENTITY],
        .qe_identity_chain = k->part[CM_PART_QE_IDENTITY_CHAIN],
        .root_ca_crl = k->part[CM_PART_ROOT_CA_CRL],
        .pck_crl = k->part[CM_PART_PCK_CRL],
    };

    if (k->want.key.without_chain) { /* else each quote has its own */
        out.pck_chain = k->part[CM_PART_PCK_CHAIN];
    }
    return out;
}
