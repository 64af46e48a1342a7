/* Identities and keys of the emulated PCE and QE; see emuplat_cpu.h. */
#include "emuplat/emuplat_cpu.h"

#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

/* An architectural enclave: as Intel's, it may ask for provisioning keys. */
static void architectural(struct cm_emu_ident *out, const char *mrenclave)
{
    memset(out, 0, sizeof(*out));
    out->attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64 | SGX_ATTR_PROVISIONKEY;
    out->attributes.xfrm = SGX_XFRM_LEGACY;
    memcpy(out->mrenclave, mrenclave, strlen(mrenclave));
    memcpy(out->mrsigner, CM_EMUPLAT_MRSIGNER, strlen(CM_EMUPLAT_MRSIGNER));
}

/* A measurement is a hash: that some enclave hashes to this text is as likely as a collision. */
void cm_emuplat_qe_ident(struct cm_emu_ident *out)
{
    architectural(out, "CASEMATE EMULATED QE");
    out->isvprodid = CM_EMUPLAT_QE_ISVPRODID;
    out->isvsvn = CM_EMUPLAT_QE_ISVSVN;
}

static void pce_ident(struct cm_emu_ident *out)
{
    architectural(out, "CASEMATE EMULATED PCE");
    out->isvsvn = CM_EMUPLAT_PCESVN;
}

/* CMAC, under a key that only this identity gets for this name and label, of the label. */
static enum cm_status derive(const struct cm_emu_platform *fuses, const struct cm_emu_ident *id,
                             uint16_t keyname, const char *label, uint8_t out[16])
{
    struct sgx_keyrequest req;
    uint8_t key[CM_EMU_KEY_SIZE] = {0};
    enum cm_status st = CM_ERR_CRYPTO;

    memset(&req, 0, sizeof(req)); /* CPUSVN and ISVSVN 0: the same after an update */
    req.keyname = keyname;
    if (keyname == SGX_KEY_SEAL) {
        req.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
        memcpy(req.keyid, label, strlen(label));
    }
    if (cm_emu_key_get(fuses, id, &req, key) == SGX_SUCCESS) {
        st = cm_cmac_aes128(key, cm_span_make(label, strlen(label)), out);
    }
    cm_wipe(key, sizeof(key));
    return st;
}

enum cm_status cm_emuplat_cpu_from(const struct cm_emu_platform *fuses, struct cm_emuplat_cpu *out,
                                   struct cm_why *why)
{
    struct cm_emuplat_cpu cpu;
    struct cm_emu_ident pce;
    struct cm_emu_ident qe;
    enum cm_status st = CM_OK;

    memset(&cpu, 0, sizeof(cpu));
    cpu.fuses = *fuses;
    pce_ident(&pce);
    cm_emuplat_qe_ident(&qe);
    CM_TRY(derive(fuses, &pce, SGX_KEY_SEAL, "platform state", cpu.state_key));
    CM_TRY(derive(fuses, &pce, SGX_KEY_PROVISION, "PPID", cpu.ppid));
    CM_TRY(derive(fuses, &qe, SGX_KEY_SEAL, "QE ID", cpu.qe_id));
    *out = cpu;
out:
    if (st != CM_OK) {
        cm_why_set(why, "the emulated processor's keys could not be derived");
    }
    cm_wipe(&cpu, sizeof(cpu));
    return st;
}

enum cm_status cm_emuplat_cpu_load(struct cm_emuplat_cpu *out, struct cm_why *why)
{
    struct cm_emu_platform fuses;
    enum cm_status st = CM_OK;

    memset(&fuses, 0, sizeof(fuses));
    CM_TRY(cm_emu_platform_load(&fuses, why));
    CM_TRY(cm_emuplat_cpu_from(&fuses, out, why));
out:
    cm_wipe(&fuses, sizeof(fuses));
    return st;
}

enum cm_status cm_emuplat_report_check(const struct cm_emuplat_cpu *cpu,
                                       const struct sgx_report *report, struct cm_why *why)
{
    struct cm_emu_ident qe;
    struct sgx_keyrequest req;
    uint8_t key[CM_EMU_KEY_SIZE] = {0};
    uint8_t mac[CM_CMAC_SIZE] = {0};
    enum cm_status st = CM_ERR_CRYPTO;

    cm_emuplat_qe_ident(&qe);
    memset(&req, 0, sizeof(req));
    req.keyname = SGX_KEY_REPORT;
    memcpy(req.keyid, report->keyid, sizeof(req.keyid));
    if (cm_emu_key_get(&cpu->fuses, &qe, &req, key) != SGX_SUCCESS ||
        cm_cmac_aes128(key, cm_span_make(&report->body, sizeof(report->body)), mac) != CM_OK) {
        cm_why_set(why, "the report key could not be derived");
    } else if (!cm_ct_equal(mac, report->mac, sizeof(mac))) {
        st = CM_ERR_SIGNATURE;
        cm_why_set(why, "the REPORT was not made by this emulated processor for its quoting "
                        "enclave, or it was changed");
    } else {
        st = CM_OK;
    }
    cm_wipe(key, sizeof(key));
    cm_wipe(mac, sizeof(mac));
    return st;
}
