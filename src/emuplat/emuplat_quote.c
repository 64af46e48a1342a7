/*
 * The emulated quoting enclave: REPORTs in, quotes out, in Intel's layout of version 3 (DCAP, "ECDSA
 * quote"); and the proof for enclaves that they run on this emulated processor.
 */
#include <casemate/emuplat.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"
#include "emuplat/emuplat_issue.h"
#include "emuplat/emuplat_store.h"

#define QUOTE_VERSION 3u
#define ATT_KEY_ECDSA 2u
#define CERT_TYPE_PEM 5u
#define HEADER_SIZE   48u
#define BODY_SIZE     384u
#define SIG_SIZE      64u
#define AUTH_SIZE     32u
/* to certification data: header, body, length, signature, key, QE report, its signature, QE
 * authentication data with length, type, length */
#define FIXED_SIZE                                                                                \
    (HEADER_SIZE + BODY_SIZE + 4u + SIG_SIZE + SIG_SIZE + BODY_SIZE + SIG_SIZE + 2u + AUTH_SIZE + \
     2u + 4u)

_Static_assert(sizeof(struct sgx_targetinfo) == CM_EMUPLAT_TARGET_INFO_SIZE, "TARGETINFO");
_Static_assert(sizeof(struct sgx_report) == CM_EMUPLAT_REPORT_SIZE, "REPORT");

enum cm_status cm_emuplat_target_info(uint8_t out[CM_EMUPLAT_TARGET_INFO_SIZE], struct cm_why *why)
{
    struct sgx_targetinfo target;
    struct cm_emu_ident qe;

    (void)why;
    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    cm_emuplat_qe_ident(&qe);
    memset(&target, 0, sizeof(target));
    memcpy(target.mrenclave, qe.mrenclave, sizeof(target.mrenclave));
    target.attributes = qe.attributes;
    target.miscselect = qe.misc;
    memcpy(out, &target, sizeof(target));
    return CM_OK;
}

/* leaf, CA, root, as one text */
static struct cm_span chain_part(const struct cm_emuplat_state *s, unsigned i)
{
    static const enum cm_emuplat_part parts[] = {CM_EMUPLAT_CERT_PCK, CM_EMUPLAT_CERT_CA,
                                                 CM_EMUPLAT_CERT_ROOT};

    return cm_emuplat_part_get(s, parts[i]);
}

static size_t chain_size(const struct cm_emuplat_state *s)
{
    size_t len = 0;

    for (unsigned i = 0; i < 3; i++) {
        len += chain_part(s, i).len; /* each at most CM_EMUPLAT_MAX_PART */
    }
    return len;
}

/* The public half of the attestation key as x || y. */
static enum cm_status att_point(const struct cm_privkey *att, uint8_t out[SIG_SIZE])
{
    struct cm_pubkey *pub = NULL;
    enum cm_curve curve = CM_CURVE_P256;
    uint8_t x[66] = {0};
    uint8_t y[66] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_public(att, &pub));
    CM_TRY(cm_pubkey_ec(pub, &curve, x, y, &len));
    if (curve != CM_CURVE_P256 || len != 32) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    memcpy(out, x, 32);
    memcpy(out + 32, y, 32);
out:
    cm_pubkey_free(pub);
    return st;
}

/* The QE's report body: it vouches for the attestation key by the hash of key and auth data. */
static enum cm_status qe_report(const struct cm_emuplat_cpu *cpu, const uint8_t point[SIG_SIZE],
                                const uint8_t auth[AUTH_SIZE], struct sgx_report_body *out)
{
    struct cm_emu_ident qe;
    struct sgx_targetinfo pce; /* the PCE would check the MAC; it is left out of the quote */
    struct sgx_report report;
    uint8_t bound[SIG_SIZE + AUTH_SIZE];
    uint8_t data[64] = {0};
    enum cm_status st = CM_OK;

    memcpy(bound, point, SIG_SIZE);
    memcpy(bound + SIG_SIZE, auth, AUTH_SIZE);
    CM_TRY(cm_sha256_of(cm_span_make(bound, sizeof(bound)), data));
    cm_emuplat_qe_ident(&qe);
    memset(&pce, 0, sizeof(pce));
    if (cm_emu_report_make(&cpu->fuses, &qe, &pce, data, &report) != SGX_SUCCESS) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    *out = report.body;
out:
    return st;
}

static void write_header(struct cm_wr *w, const struct cm_emuplat_cpu *cpu)
{
    static const uint8_t intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                         0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

    cm_wr_u16le(w, QUOTE_VERSION);
    cm_wr_u16le(w, ATT_KEY_ECDSA);
    cm_wr_u32le(w, 0); /* SGX */
    cm_wr_u16le(w, CM_EMUPLAT_QE_ISVSVN);
    cm_wr_u16le(w, CM_EMUPLAT_PCESVN);
    cm_wr_bytes(w, intel_qe, sizeof(intel_qe)); /* the format's, so verifiers demand it */
    cm_wr_bytes(w, cpu->qe_id, sizeof(cpu->qe_id));
    cm_wr_u32le(w, 0);
}

static enum cm_status sign(const struct cm_privkey *key, struct cm_span data, struct cm_wr *w)
{
    uint8_t sig[SIG_SIZE] = {0};
    size_t len = 0;
    enum cm_status st = cm_privkey_sign(key, CM_SIG_ES256, &data, 1, sig, sizeof(sig), &len);

    cm_wr_bytes(w, sig, sizeof(sig));
    return st;
}

static enum cm_status write_quote(const struct cm_emuplat *e, const struct sgx_report_body *body,
                                  struct cm_wr *w)
{
    struct cm_privkey *att = NULL;
    struct cm_privkey *pck = NULL;
    struct sgx_report_body qe;
    uint8_t point[SIG_SIZE] = {0};
    uint8_t auth[AUTH_SIZE];
    size_t chain = chain_size(e->state);
    enum cm_status st = CM_OK;

    for (unsigned i = 0; i < AUTH_SIZE; i++) {
        auth[i] = (uint8_t)i; /* the pattern that Intel's quoting enclave has */
    }
    CM_TRY(cm_emuplat_key(e->state, CM_EMUPLAT_KEY_ATT, &att));
    CM_TRY(cm_emuplat_key(e->state, CM_EMUPLAT_KEY_PCK, &pck));
    CM_TRY(att_point(att, point));
    CM_TRY(qe_report(&e->cpu, point, auth, &qe));
    write_header(w, &e->cpu);
    cm_wr_bytes(w, body, sizeof(*body));
    cm_wr_u32le(w, (uint32_t)(FIXED_SIZE - HEADER_SIZE - BODY_SIZE - 4 + chain));
    CM_TRY(sign(att, cm_span_make(w->start, HEADER_SIZE + BODY_SIZE), w));
    cm_wr_bytes(w, point, sizeof(point));
    cm_wr_bytes(w, &qe, sizeof(qe));
    CM_TRY(sign(pck, cm_span_make(&qe, sizeof(qe)), w));
    cm_wr_u16le(w, AUTH_SIZE);
    cm_wr_bytes(w, auth, sizeof(auth));
    cm_wr_u16le(w, CERT_TYPE_PEM);
    cm_wr_u32le(w, (uint32_t)chain);
    for (unsigned i = 0; i < 3; i++) {
        struct cm_span part = chain_part(e->state, i);

        cm_wr_bytes(w, part.ptr, part.len);
    }
    st = cm_wr_finish(w);
out:
    cm_privkey_free(att);
    cm_privkey_free(pck);
    return st;
}

/* Made aside, so that the caller's buffer stays as it was when something fails. */
static enum cm_status make_quote(const struct cm_emuplat *e, const struct sgx_report_body *body,
                                 uint8_t *quote, size_t size)
{
    uint8_t *made = malloc(size);
    struct cm_wr w = cm_wr_init(made, made == NULL ? 0 : size);
    enum cm_status st = CM_OK;

    if (made == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(write_quote(e, body, &w));
    if (w.used != size) {
        st = CM_ERR_SPACE;
        goto out;
    }
    memcpy(quote, made, size);
out:
    free(made);
    return st;
}

enum cm_status cm_emuplat_quote(const uint8_t report[CM_EMUPLAT_REPORT_SIZE], uint8_t *quote,
                                size_t capacity, size_t *size, struct cm_why *why)
{
    struct cm_emuplat e;
    struct sgx_report copy;
    size_t need = 0;
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    if (size == NULL || (quote != NULL && report == NULL)) {
        cm_why_set(why, "a REPORT, room and a place for the size are needed");
        return CM_ERR_PARAM;
    }
    if (quote != NULL) {
        memcpy(&copy, report, sizeof(copy)); /* what is checked is what is signed */
    }
    CM_TRY(cm_emuplat_open(cm_emuplat_clock(), &e, why));
    need = FIXED_SIZE + chain_size(e.state);
    *size = need;
    if (quote == NULL) {
        goto out;
    }
    CM_TRY(cm_emuplat_report_check(&e.cpu, &copy, why));
    if (capacity < need) {
        st = CM_ERR_SPACE;
        cm_why_set(why, "the quote needs %zu bytes", need);
        goto out;
    }
    CM_TRY(make_quote(&e, &copy.body, quote, need));
out:
    cm_emuplat_close(&e);
    return st;
}

enum cm_status cm_emuplat_prove(const uint8_t target_info[CM_EMUPLAT_TARGET_INFO_SIZE],
                                uint8_t report_out[CM_EMUPLAT_REPORT_SIZE], struct cm_why *why)
{
    struct cm_emuplat_cpu cpu;
    struct cm_emu_ident prover;
    struct sgx_targetinfo target;
    struct sgx_report report;
    uint8_t root[CM_EMUPLAT_ROOT_KEY_SIZE] = {0};
    uint8_t data[64] = {0};
    enum cm_status st = CM_OK;
    int r = 0;

    memset(&cpu, 0, sizeof(cpu));
    if (target_info == NULL || report_out == NULL) {
        return CM_ERR_PARAM;
    }
    memcpy(&target, target_info, sizeof(target));
    CM_TRY(cm_emuplat_root_key(root, why));
    CM_TRY(cm_sha256_of(cm_span_make(root, sizeof(root)), data));
    CM_TRY(cm_emuplat_cpu_load(&cpu, why));
    cm_emuplat_qe_ident(&prover);
    memset(prover.mrenclave, 0, sizeof(prover.mrenclave));
    memcpy(prover.mrenclave, CM_EMUPLAT_PROOF_MRENCLAVE, strlen(CM_EMUPLAT_PROOF_MRENCLAVE));
    r = cm_emu_report_make(&cpu.fuses, &prover, &target, data, &report);
    if (r != SGX_SUCCESS) {
        st = r == CM_EMU_LEAF_GP ? CM_ERR_FORMAT : CM_ERR_CRYPTO;
        cm_why_set(why, "the TARGETINFO is malformed: reserved bytes are not zero");
        goto out;
    }
    memcpy(report_out, &report, sizeof(report));
out:
    cm_wipe(&cpu, sizeof(cpu));
    return st;
}
