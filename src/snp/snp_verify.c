/*
 * The verification of a report; see snp.h and docs/evidence-snp.md. Untrusted: report, certificates,
 * certificate table and revocation lists. SIGNING_KEY, which is signed, says what kind of certificate must
 * have signed: never which one happens to be there.
 */
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/same.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/pubkey.h"
#include "evidence/chain.h"
#include "snp/snp.h"
#include "snp/snp_idblock.h"
#include "snp/snp_json.h"
#include <casemate/snp_launch.h>

/* A verification on its way. */
struct run {
    struct cm_verify_job
        job; /* the caller's, with the table's revocation list among the materials */
    struct cm_material *materials;
    const struct cm_snp_use *use;
    struct cm_evidence *ev;
    size_t submod;
    struct cm_snp_report report;
    struct cm_certs *pool;
    const struct cm_cert *vek_cert;
    struct cm_snp_vek vek;
    struct cm_chain chain;
    enum cm_status first; /* the first required check that failed */
};

/* Record a required check; the first failure is the verdict. */
static bool judge(struct run *run, const char *name, enum cm_status st, const char *detail)
{
    cm_check_status(run->ev, run->submod, name, st, "%s", st == CM_OK ? "" : detail);
    if (run->first == CM_OK) {
        run->first = st;
    }
    return st == CM_OK;
}

/* An absent or empty place in a table is none. */
static enum cm_status add_some(struct run *run, struct cm_span bytes)
{
    return bytes.len == 0 ? CM_OK : cm_certs_add(run->pool, bytes, NULL, 0, NULL);
}

static enum cm_status add_table(struct run *run, struct cm_span bytes)
{
    struct cm_snp_table t = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_snp_table_parse(bytes, &t));
    CM_TRY(add_some(run, t.vcek));
    CM_TRY(add_some(run, t.vlek));
    CM_TRY(add_some(run, t.ask));
    CM_TRY(add_some(run, t.ark));
    if (t.crl.len != 0) {
        run->materials[run->job.material_count++] =
            (struct cm_material){CM_MATERIAL_CRL, "certificate table", t.crl};
    }
out:
    return st;
}

/* Certificates as Azure's THIM service gives them. */
static enum cm_status add_json(struct run *run, struct cm_span bytes)
{
    struct cm_snp_json json;
    enum cm_status st = cm_snp_json_read(bytes, &json);

    for (size_t i = 0; st == CM_OK && i < json.cert_count; i++) {
        st = add_some(run, json.certs[i]);
    }
    if (st == CM_OK && json.cert_count == 0) {
        st = CM_ERR_FORMAT;
    }
    cm_snp_json_free(&json);
    return st;
}

/* One material: a table, JSON, or certificates. */
static enum cm_status add_material(struct run *run, struct cm_span bytes)
{
    if (cm_snp_table_recognise(bytes)) {
        return add_table(run, bytes);
    }
    if (bytes.len != 0 && bytes.ptr[0] == '{') {
        return add_json(run, bytes);
    }
    return cm_certs_add(run->pool, bytes, NULL, 0, NULL);
}

/* All certificates that were given, whatever they claim to be. */
static enum cm_status gather(struct run *run, const struct cm_verify_job *job, struct cm_span table)
{
    const struct cm_material *m = NULL;
    size_t tables = 1; /* each may bring a revocation list */
    enum cm_status st = CM_OK;

    for (size_t i = 0; cm_material(job, CM_MATERIAL_CERTS, i) != NULL; i++) {
        tables++;
    }
    run->job = *job;
    run->materials = calloc(job->material_count + tables, sizeof(*run->materials));
    if (run->materials == NULL) {
        return CM_ERR_NOMEM;
    }
    if (job->material_count != 0) {
        memcpy(run->materials, job->materials, job->material_count * sizeof(*run->materials));
    }
    run->job.materials = run->materials;
    CM_TRY(cm_certs_create_general(job->cert_cache, &run->pool));
    if (table.len != 0) {
        CM_TRY(add_table(run, table));
    }
    for (size_t i = 0; (m = cm_material(job, CM_MATERIAL_CERTS, i)) != NULL; i++) {
        CM_TRY(add_material(run, m->bytes));
    }
out:
    return st;
}

static bool same_tcb(const struct cm_snp_vek *vek, const struct cm_snp_report *r)
{
    const struct cm_snp_tcb t =
        cm_snp_tcb_decode(r->reported_tcb, cm_snp_product_new_layout(vek->product));

    return cm_snp_tcb_at_most(&t, &vek->tcb) && cm_snp_tcb_at_most(&vek->tcb, &t);
}

/* The id fills the field from its beginning; the rest of the field is zero. */
static bool same_chip(const struct cm_snp_vek *vek, const struct cm_snp_report *r)
{
    return vek->hwid.len <= r->chip_id.len &&
           cm_ct_equal(vek->hwid.ptr, r->chip_id.ptr, vek->hwid.len) &&
           cm_span_is_zero(
               cm_span_make(r->chip_id.ptr + vek->hwid.len, r->chip_id.len - vek->hwid.len));
}

/* The certificate of the kind that SIGNING_KEY names: the one that says what the report says, else the
   first, so that the checks can say what differs. */
static const struct cm_cert *find_vek(const struct run *run)
{
    const struct cm_cert *first = NULL;
    const struct cm_cert *c = NULL;

    for (size_t i = 0; (c = cm_certs_at(run->pool, i)) != NULL; i++) {
        enum cm_snp_signer kind = CM_SNP_NO_KEY;
        struct cm_snp_vek vek = {0};

        if (!cm_snp_vek_kind(c, &kind) || kind != run->report.signing_key) {
            continue;
        }
        first = first == NULL ? c : first;
        if (cm_snp_vek_read(c, &vek, NULL) == CM_OK && same_tcb(&vek, &run->report) &&
            (kind == CM_SNP_VLEK || same_chip(&vek, &run->report))) {
            return c;
        }
    }
    return first;
}

/* SIGNING_KEY and MASK_CHIP_KEY: whether it is signed, and by what. */
static bool check_signing_key(struct run *run)
{
    const struct cm_snp_report *r = &run->report;

    if (r->signing_key == CM_SNP_NO_KEY || r->mask_chip_key) {
        return judge(run, "snp.signing_key", CM_ERR_SIGNATURE, "the report is not signed");
    }
    if (r->signing_key > CM_SNP_VLEK) {
        return judge(run, "snp.signing_key", CM_ERR_UNSUPPORTED, "an unknown kind of key signed");
    }
    return judge(run, "snp.signing_key", CM_OK, "");
}

static bool check_vek(struct run *run)
{
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    if (run->vek_cert == NULL) {
        return judge(run, "snp.vek", CM_ERR_NOTFOUND,
                     run->report.signing_key == CM_SNP_VLEK ? "no VLEK certificate was given"
                                                            : "no VCEK certificate was given");
    }
    st = cm_snp_vek_read(run->vek_cert, &run->vek, &why);
    return judge(run, "snp.vek", st, why.text);
}

/* Version 2 does not say what it runs on; every later one must agree with its key. */
static bool check_product(struct run *run)
{
    if (run->report.product == CM_SNP_UNKNOWN) {
        run->report.product = run->vek.product;
    }
    return judge(run, "snp.product",
                 run->report.product == run->vek.product ? CM_OK : CM_ERR_MISMATCH,
                 "the key is one of another line of processors than the report's");
}

/* The chain, and that its root is the one of this line: "ARK-Milan". */
static bool check_chain(struct run *run)
{
    static const struct cm_chain_rule rule = {
        .family = "snp", .names = CM_CHAIN_NAMES("snp"), .max = 3};
    enum cm_status st = cm_chain_verify(&run->job, run->ev, run->submod, run->pool, run->vek_cert,
                                        &rule, &run->chain);
    const char *name = cm_snp_product_name(run->vek.product);
    struct cm_span cn = {NULL, 0};

    if (st != CM_OK) {
        run->first = run->first == CM_OK ? st : run->first;
        return false;
    }
    if (run->chain.count < 3) { /* the caller pinned the intermediate: its name has been checked */
        return true;
    }
    cn = cm_cert_cn(run->chain.certs[2]);
    return judge(run, "snp.root_product",
                 cn.len > 4 && memcmp(cn.ptr, "ARK-", 4) == 0 &&
                         cm_cert_name_is(cm_span_make(cn.ptr + 4, cn.len - 4), name)
                     ? CM_OK
                     : CM_ERR_MISMATCH,
                 "the root is that of another line of processors");
}

static bool check_chip(struct run *run)
{
    const struct cm_snp_report *r = &run->report;

    if (run->vek.kind == CM_SNP_VLEK) {
        cm_check_note(run->ev, run->submod, "snp.chip_id", CM_CHECK_NOT_APPLICABLE, "%s",
                      "a VLEK belongs to a provider, not to a chip");
        return true;
    }
    if (cm_span_is_zero(r->chip_id)) {
        return judge(run, "snp.chip_id",
                     (run->job.in->flags & CM_VERIFY_ALLOW_MASKED_ID) != 0 ? CM_OK : CM_ERR_POLICY,
                     "the chip's id is masked");
    }
    return judge(run, "snp.chip_id", same_chip(&run->vek, r) ? CM_OK : CM_ERR_MISMATCH,
                 "the certificate is another chip's");
}

static bool check_signature(struct run *run)
{
    const struct cm_snp_report *r = &run->report;
    const struct cm_span raw = {r->bytes.ptr, CM_SNP_SIGNED_SIZE};
    enum cm_status st = cm_pubkey_verify(cm_cert_key(run->vek_cert), CM_SIG_ES384, &raw, 1,
                                         cm_span_make(r->signature, sizeof(r->signature)));

    return judge(run, "snp.signature", st, "the report's signature does not verify");
}

/* What the certificate adds to the report. */
static void claim_vek(struct run *run)
{
    const struct cm_snp_vek *v = &run->vek;
    char text[256] = "";
    const struct cm_span *s = v->kind == CM_SNP_VLEK ? &v->csp_id : &v->product_name;

    cm_claim_text(run->ev, run->submod, "snp.signer", v->kind == CM_SNP_VLEK ? "vlek" : "vcek");
    if (s->len < sizeof(text)) {
        memcpy(text, s->ptr, s->len);
        text[s->len] = '\0';
        cm_claim_text(run->ev, run->submod,
                      v->kind == CM_SNP_VLEK ? "snp.csp_id" : "snp.product_name", text);
    }
    cm_chain_claims(&run->chain, run->ev, run->submod);
}

/* Everything between the report and the root. True when the report's statements are the hardware's. */
static bool check_origin(struct run *run)
{
    bool ok = check_signing_key(run);

    run->vek_cert = run->report.signing_key > CM_SNP_VLEK ? NULL : find_vek(run);
    if (!ok || !check_vek(run)) {
        return false;
    }
    ok = check_product(run) && ok;
    ok = check_chain(run) && ok;
    ok = judge(run, "snp.tcb_cert", same_tcb(&run->vek, &run->report) ? CM_OK : CM_ERR_MISMATCH,
               "the key is one of another TCB than the reported one") &&
         ok;
    ok = check_chip(run) && ok;
    return check_signature(run) && ok;
}

static uint32_t firmware_number(const struct cm_snp_firmware *f)
{
    return (uint32_t)f->major << 16 | (uint32_t)f->minor << 8 | f->build;
}

/* reported <= committed <= current, each component for itself (AMD 56860, TCB versions) */
static void check_tcb_order(struct run *run)
{
    const struct cm_snp_report *r = &run->report;
    bool layout = cm_snp_product_new_layout(r->product);
    const struct cm_snp_tcb reported = cm_snp_tcb_decode(r->reported_tcb, layout);
    const struct cm_snp_tcb committed = cm_snp_tcb_decode(r->committed_tcb, layout);
    const struct cm_snp_tcb current = cm_snp_tcb_decode(r->current_tcb, layout);

    (void)judge(run, "snp.tcb_order",
                cm_snp_tcb_at_most(&reported, &committed) &&
                        cm_snp_tcb_at_most(&committed, &current) &&
                        firmware_number(&r->committed) <= firmware_number(&r->current)
                    ? CM_OK
                    : CM_ERR_MISMATCH,
                "reported, committed and current TCB are not in order");
}

/* The least TCB that the caller takes, one floor a component. */
static void check_floors(struct run *run)
{
    const struct cm_verify_input *in = run->job.in;
    const struct cm_snp_tcb t =
        cm_snp_tcb_decode(run->report.reported_tcb, cm_snp_product_new_layout(run->report.product));
    bool below = cm_floor_below(in, "snp.tcb.bootloader", t.bootloader) ||
                 cm_floor_below(in, "snp.tcb.tee", t.tee) ||
                 cm_floor_below(in, "snp.tcb.snp", t.snp) ||
                 cm_floor_below(in, "snp.tcb.microcode", t.microcode) ||
                 cm_floor_below(in, "snp.tcb.fmc", t.fmc) ||
                 cm_floor_below(in, "snp.guest_svn", run->report.guest_svn);

    if (in->floor_count != 0) {
        (void)judge(run, "snp.tcb_floor", below ? CM_ERR_POLICY : CM_OK,
                    "a TCB component or the guest's SVN is below the least that is accepted");
    }
}

static void check_policy(struct run *run)
{
    const struct cm_snp_report *r = &run->report;
    unsigned flags = run->job.in->flags;
    bool debug = (r->policy & CM_SNP_POLICY_DEBUG) != 0 && (flags & CM_VERIFY_ALLOW_DEBUG) == 0;
    bool migrate =
        (r->policy & CM_SNP_POLICY_MIGRATE_MA) != 0 && (flags & CM_VERIFY_ALLOW_MIGRATION) == 0;
    bool vmpl = r->vmpl > 3 || (run->use->has_vmpl && r->vmpl != run->use->vmpl);

    (void)judge(run, "snp.debug", debug ? CM_ERR_POLICY : CM_OK,
                "the guest's policy lets the host debug it");
    (void)judge(run, "snp.migration", migrate ? CM_ERR_POLICY : CM_OK,
                "the guest's policy lets a migration agent read it");
    (void)judge(run, "snp.vmpl", vmpl ? CM_ERR_POLICY : CM_OK,
                r->vmpl > 3 ? "the host asked for the report, no guest"
                            : "the report is of another privilege level");
}

/* Firmware that the caller expects: one of those given, as QEMU or EC2 launch it without a kernel. */
static enum cm_status check_firmware(struct run *run)
{
    const struct cm_material *m = NULL;
    struct cm_snp_launch found = {0};
    struct cm_why why = {""};
    enum cm_status st = CM_OK;

    for (size_t i = 0; (m = cm_material(&run->job, CM_MATERIAL_FIRMWARE, i)) != NULL; i++) {
        st = cm_snp_launch_find(m->bytes, run->report.measurement.ptr, &found, &why);
        if (st == CM_OK || st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
            break;
        }
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    if (cm_material(&run->job, CM_MATERIAL_FIRMWARE, 0) != NULL) {
        cm_why_set(&why, "the measurement is not that of the firmware given, without a kernel");
        (void)judge(run, "snp.firmware", st, why.text);
    }
    return CM_OK;
}

static enum cm_status run_all(struct run *run, const struct cm_verify_job *job,
                              struct cm_span table)
{
    enum cm_status st = gather(run, job, table);
    size_t mark = 0;
    bool hardware = false;

    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) {
        return st;
    }
    if (!judge(run, "snp.certificates", st,
               "the certificates or their table are malformed or of an unknown kind")) {
        cm_snp_claim(&run->report, run->ev, run->submod);
        return st;
    }
    mark = cm_evidence_mark(run->ev, run->submod);
    hardware = check_origin(run);
    cm_snp_claim(&run->report, run->ev, run->submod);
    if (hardware) {
        cm_evidence_raise(run->ev, run->submod, mark, CM_AUTHORITY_HARDWARE);
        mark = cm_evidence_mark(run->ev, run->submod);
        claim_vek(run);
        cm_evidence_raise(run->ev, run->submod, mark,
                          run->chain.root->emulated ? CM_AUTHORITY_SELF : CM_AUTHORITY_ENDORSER);
    }
    check_tcb_order(run);
    check_floors(run);
    check_policy(run);
    CM_TRY(check_firmware(run));
    if (!run->use->no_nonce) {
        st = cm_check_nonce(job->in, run->ev, run->submod, run->report.report_data, false);
        run->first = run->first == CM_OK ? st : run->first;
    }
    st = cm_snp_id_check(job, &run->report, run->ev, run->submod);
    st = run->first == CM_OK ? st : run->first;
out:
    return st;
}

enum cm_status cm_snp_verify_report(const struct cm_verify_job *job, struct cm_span bytes,
                                    const struct cm_snp_use *use, struct cm_evidence *ev,
                                    size_t submod, struct cm_snp_report *report)
{
    struct run run = {.use = use, .ev = ev, .submod = submod};
    struct cm_rd rd = cm_rd_init(bytes);
    struct cm_span head =
        cm_rd_take(&rd, bytes.len < CM_SNP_REPORT_SIZE ? bytes.len : CM_SNP_REPORT_SIZE);
    struct cm_why why = {""};
    enum cm_status st = cm_snp_report_parse(head, &run.report, &why);

    if (!judge(&run, "snp.report", st, why.text)) {
        return st;
    }
    st = run_all(&run, job, cm_rd_rest(&rd));
    if (report != NULL) {
        *report = run.report;
    }
    cm_certs_free(run.pool);
    free(run.materials);
    return st;
}

static bool is_report(struct cm_span bytes)
{
    struct cm_rd rd = cm_rd_init(bytes);
    uint32_t version = cm_rd_u32le(&rd);
    uint64_t policy = 0;
    uint32_t algo = 0;

    (void)cm_rd_u32le(&rd);
    policy = cm_rd_u64le(&rd);
    (void)cm_rd_take(&rd, 0x34 - 0x10);
    algo = cm_rd_u32le(&rd);
    return !rd.bad && bytes.len >= CM_SNP_REPORT_SIZE && version >= 1 && version <= 16 &&
           algo == 1 && (policy & CM_SNP_POLICY_ONE) != 0;
}

bool cm_snp_recognise(struct cm_span bytes)
{
    return is_report(bytes) || cm_snp_json_recognise(bytes);
}

/* The report inside of JSON, with the certificates beside it added to the job's. */
static enum cm_status verify_json(const struct cm_verify_job *job, const struct cm_snp_json *json,
                                  struct cm_evidence *ev, size_t submod)
{
    static const struct cm_snp_use alone = {0};
    struct cm_verify_job all = *job;
    struct cm_material *materials =
        calloc(job->material_count + CM_SNP_JSON_CERTS, sizeof(*materials));
    enum cm_status st = CM_OK;

    if (materials == NULL) {
        return CM_ERR_NOMEM;
    }
    if (job->material_count != 0) {
        memcpy(materials, job->materials, job->material_count * sizeof(*materials));
    }
    for (size_t i = 0; i < json->cert_count; i++) {
        materials[all.material_count++] =
            (struct cm_material){CM_MATERIAL_CERTS, "the evidence's JSON", json->certs[i]};
    }
    all.materials = materials;
    st = cm_snp_verify_report(&all, json->report, &alone, ev, submod, NULL);
    free(materials);
    return st;
}

enum cm_status cm_snp_verify(const struct cm_verify_job *job, struct cm_evidence *ev, size_t submod)
{
    static const struct cm_snp_use alone = {0};
    struct cm_snp_json json;
    enum cm_status st = CM_OK;

    if (!cm_snp_json_recognise(job->evidence)) {
        return cm_snp_verify_report(job, job->evidence, &alone, ev, submod, NULL);
    }
    st = cm_snp_json_read(job->evidence, &json);
    if (st == CM_OK) {
        st = verify_json(job, &json, ev, submod);
    } else if (st != CM_ERR_NOMEM) {
        cm_check_status(ev, submod, "snp.report", st, "%s", "the JSON around it is malformed");
    }
    cm_snp_json_free(&json);
    return st;
}
