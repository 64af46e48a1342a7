/* See nvidia_claims.h. */
#include "nvidia/nvidia_claims.h"

#include <stdio.h>
#include <string.h>

#include "common/reader.h"
#include "evidence/der.h"
#include "evidence/material.h"

#define NVDEC_OFF 0x55
#define SET       0xaa /* NVIDIA's "yes" in one byte; 0x55 is "no" */

#define TEN(t)                                                                                 \
    "msr" t "0", "msr" t "1", "msr" t "2", "msr" t "3", "msr" t "4", "msr" t "5", "msr" t "6", \
        "msr" t "7", "msr" t "8", "msr" t "9"

const char *cm_nvidia_label(uint8_t index)
{
    static const char *const labels[] = {
        TEN(""),   TEN("1"),  TEN("2"),  TEN("3"),  TEN("4"),  TEN("5"),  TEN("6"),
        TEN("7"),  TEN("8"),  TEN("9"),  TEN("10"), TEN("11"), TEN("12"), TEN("13"),
        TEN("14"), TEN("15"), TEN("16"), TEN("17"), TEN("18"), TEN("19"), TEN("20"),
        TEN("21"), TEN("22"), TEN("23"), TEN("24"), TEN("25"),
    };

    return labels[index];
}

bool cm_nvidia_nvdec_off(const struct cm_spdm_report *r)
{
    struct cm_span status = cm_spdm_field(r, CM_NVIDIA_NVDEC0_STATUS);

    return status.len == 1 && status.ptr[0] == NVDEC_OFF;
}

static const char *hash_of(size_t len)
{
    return len == 32 ? "sha-256" : (len == 48 ? "sha-384" : (len == 64 ? "sha-512" : NULL));
}

static void measurement(struct cm_evidence *ev, size_t submod, const struct cm_spdm_block *b)
{
    struct cm_digest d = {cm_nvidia_label(b->index), hash_of(b->value.len), CM_ROLE_LAUNCH,
                          b->value};

    if (b->raw || d.alg == NULL) { /* a value and no digest of one */
        cm_claim_uint(ev, submod, "nvidia.raw_index", b->index);
        cm_claim_bytes(ev, submod, "nvidia.raw_measurement", b->value);
        return;
    }
    cm_claim_digest(ev, submod, &d);
}

/* Text of a device, NULs cut off; false when it is none. */
static bool text_of(struct cm_span v, char *out, size_t cap)
{
    while (v.len != 0 && v.ptr[v.len - 1] == '\0') {
        v.len--;
    }
    if (v.len == 0 || v.len >= cap) {
        return false;
    }
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < ' ' || v.ptr[i] > '~') {
            return false;
        }
        out[i] = (char)v.ptr[i];
    }
    out[v.len] = '\0';
    return true;
}

/* GPUs give their version in eight bytes, the first four reversed: 96.00.A5.00.01; switches as text. */
static bool vbios_text(struct cm_span v, char *out, size_t cap)
{
    if (v.len == 8) {
        (void)snprintf(out, cap, "%02X.%02X.%02X.%02X.%02X", v.ptr[3], v.ptr[2], v.ptr[1], v.ptr[0],
                       v.ptr[4]);
        return true;
    }
    return text_of(v, out, cap);
}

static const struct {
    const char *name;
    uint16_t type;
    bool text;
} fields[] = {
    {"nvidia.driver_version", CM_NVIDIA_DRIVER_VERSION, true},
    {"nvidia.gpu_info", CM_NVIDIA_GPU_INFO, false},
    {"nvidia.vbios_version", CM_NVIDIA_VBIOS_VERSION, true},
    {"nvidia.nvdec0_status", CM_NVIDIA_NVDEC0_STATUS, false},
    {"nvidia.measurement_counts", CM_NVIDIA_MSR_COUNT, false},
    {"nvidia.cpr_info", CM_NVIDIA_CPR_INFO, false},
    {"nvidia.board_id", CM_NVIDIA_BOARD_ID, false},
    {"nvidia.chip_sku", CM_NVIDIA_CHIP_SKU, true},
    {"nvidia.chip_sku_mod", CM_NVIDIA_CHIP_SKU_MOD, true},
    {"nvidia.project", CM_NVIDIA_PROJECT, true},
    {"nvidia.project_sku", CM_NVIDIA_PROJECT_SKU, true},
    {"nvidia.project_sku_mod", CM_NVIDIA_PROJECT_SKU_MOD, true},
    {"nvidia.fwid", CM_NVIDIA_FWID, false},
    {"nvidia.protected_pcie_status", CM_NVIDIA_PROTECTED_PCIE, false},
    {"nvidia.switch_pdi", CM_NVIDIA_SWITCH_PDI, false},
    {"nvidia.floorswept_ports", CM_NVIDIA_FLOORSWEPT_PORTS, false},
    {"nvidia.position_id", CM_NVIDIA_POSITION_ID, false},
    {"nvidia.lock_switch_status", CM_NVIDIA_LOCK_SWITCH, false},
    {"nvidia.gpu_pdis", CM_NVIDIA_GPU_PDIS, false},
    {"nvidia.opaque_version", CM_NVIDIA_OPAQUE_VERSION, false},
    {"nvidia.chip_info", CM_NVIDIA_CHIP_INFO, true},
    {"nvidia.feature_flag", CM_NVIDIA_FEATURE_FLAG, false},
};

static void field(struct cm_evidence *ev, size_t submod, const struct cm_nvidia_field *f)
{
    char text[128] = "";

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].type != f->type) {
            continue;
        }
        if (fields[i].text &&
            (f->type == CM_NVIDIA_VBIOS_VERSION ? vbios_text(f->value, text, sizeof(text))
                                                : text_of(f->value, text, sizeof(text)))) {
            cm_claim_text(ev, submod, fields[i].name, text);
        } else {
            cm_claim_bytes(ev, submod, fields[i].name, f->value);
        }
        return;
    }
    cm_claim_uint(ev, submod, "nvidia.unknown_field", f->type);
    cm_claim_bytes(ev, submod, "nvidia.unknown_value", f->value);
}

/* What the flags mean, beside their bytes. */
static void meanings(struct cm_evidence *ev, size_t submod, const struct cm_spdm_report *r)
{
    static const char *const modes[] = {"spt", "mpt", "ppcie"};
    struct cm_span flag = cm_spdm_field(r, CM_NVIDIA_FEATURE_FLAG);
    struct cm_span pcie = cm_spdm_field(r, CM_NVIDIA_PROTECTED_PCIE);

    if (flag.len == 2 && flag.ptr[1] == 0 && flag.ptr[0] < 3) {
        cm_claim_text(ev, submod, "nvidia.mode", modes[flag.ptr[0]]);
    }
    if (pcie.len == 1 && (pcie.ptr[0] == SET || pcie.ptr[0] == NVDEC_OFF)) {
        cm_claim_bool(ev, submod, "nvidia.protected_pcie", pcie.ptr[0] == SET);
    }
    cm_claim_bool(ev, submod, "nvidia.nvdec0_off", cm_nvidia_nvdec_off(r));
    if (cm_nvidia_nvdec_off(r)) {
        cm_claim_text(ev, submod, CM_CLAIM_EXEMPT, cm_nvidia_label(CM_NVIDIA_NVDEC_MSR));
    }
}

void cm_nvidia_report_claims(struct cm_evidence *ev, size_t submod, const struct cm_spdm_report *r)
{
    cm_claim_bytes(ev, submod, CM_CLAIM_NONCE, r->nonce);
    cm_claim_bytes(ev, submod, "nvidia.response_nonce", r->response_nonce);
    cm_claim_uint(ev, submod, "nvidia.slot", r->slot);
    for (size_t i = 0; i < r->field_count; i++) {
        field(ev, submod, &r->fields[i]);
    }
    meanings(ev, submod, r);
    for (size_t i = 0; i < r->block_count; i++) {
        measurement(ev, submod, &r->blocks[i]);
    }
}

bool cm_nvidia_is_switch(const struct cm_cert *leaf)
{
    struct cm_span cn = cm_cert_cn(leaf);

    return cn.len >= 5 && memcmp(cn.ptr, "LS_10", 5) == 0;
}

void cm_nvidia_cert_claims(struct cm_evidence *ev, size_t submod, const struct cm_cert *leaf,
                           const struct cm_cert *issuer)
{
    struct cm_span cn = cm_cert_cn(leaf);
    char model[32] = "nvidia-";
    size_t at = strlen(model);

    cm_claim_text(ev, submod, CM_CLAIM_TEE,
                  cm_nvidia_is_switch(leaf) ? "nvidia-switch" : "nvidia-gpu");
    cm_claim_text(ev, submod, CM_CLAIM_OEMID, "NVIDIA");
    /* "GH100 A01 GSP FMC LF": the chip, its revision, whose firmware */
    for (size_t i = 0; i < cn.len && cn.ptr[i] != ' ' && at + 1 < sizeof(model); i++) {
        if (cn.ptr[i] >= 'A' && cn.ptr[i] <= 'Z') {
            model[at++] = (char)(cn.ptr[i] + ('a' - 'A'));
        } else if (cn.ptr[i] != '_') {
            model[at++] = (char)cn.ptr[i];
        }
    }
    model[at] = '\0';
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, model);
    if (issuer !=
        NULL) { /* the chip's own certificate authority: its serial number is the chip's */
        cm_claim_bytes(ev, submod, CM_CLAIM_UEID, cm_cert_serial(issuer));
    }
}

/* FWID ::= SEQUENCE { hash OBJECT IDENTIFIER, digest OCTET STRING } */
static struct cm_span fwid(struct cm_rd *r)
{
    struct cm_rd in = cm_der_enter(r, CM_DER_SEQUENCE);
    struct cm_span digest = {NULL, 0};

    (void)cm_der_oid(&in);
    digest = cm_der_take(&in, CM_DER_OCTETS);
    if (cm_rd_finish(&in) != CM_OK) {
        r->bad = true;
    }
    return digest;
}

/* DiceTcbInfo: only its seventh member, fwids, is read; the first FWID counts. */
static struct cm_span tcb_info_fwid(struct cm_rd *r)
{
    struct cm_rd seq = cm_der_enter(r, CM_DER_SEQUENCE);
    struct cm_rd list = {NULL, 0, true};

    while (!seq.bad && seq.left != 0) {
        uint8_t tag = *seq.ptr;

        if (tag == CM_DER_EXPLICIT(6)) {
            list = cm_der_enter(&seq, tag);
        } else {
            (void)cm_der_take(&seq, tag);
        }
    }
    struct cm_span digest = fwid(&list);

    r->bad = r->bad || seq.bad || list.bad;
    return digest;
}

enum cm_status cm_nvidia_leaf_fwid(const struct cm_cert *leaf, struct cm_span *out)
{
    static const uint8_t composite[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01};
    static const uint8_t tcb_info[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x01, 0x01};
    struct cm_span one = cm_cert_extension(leaf, cm_span_make(composite, sizeof(composite)));
    struct cm_span two = cm_cert_extension(leaf, cm_span_make(tcb_info, sizeof(tcb_info)));
    struct cm_rd r = cm_rd_init(one.ptr != NULL ? one : two);

    if (one.ptr == NULL && two.ptr == NULL) {
        return CM_ERR_NOTFOUND;
    }
    if (one.ptr != NULL) { /* { version INTEGER, deviceID SubjectPublicKeyInfo, fwid FWID } */
        struct cm_rd seq = cm_der_enter(&r, CM_DER_SEQUENCE);

        (void)cm_der_integer(&seq);
        (void)cm_der_take(&seq, CM_DER_SEQUENCE);
        *out = fwid(&seq);
        r.bad = r.bad || cm_rd_finish(&seq) != CM_OK;
    } else {
        *out = tcb_info_fwid(&r);
    }
    return cm_rd_finish(&r);
}
