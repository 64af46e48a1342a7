/*
 * SNP reports whose members were taken apart into JSON, as the Rust crate "sev" does and guest-components
 * passes on: put together again as the firmware signed them (SEV Secure Nested Paging Firmware ABI, table
 * 23). Untrusted: everything; what is put together wrongly does not verify.
 */
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "kbs/kbs_private.h"

/* An unsigned number, little endian; absent or null is zero. */
static enum cm_status number(struct cm_json_value object, const char *name, uint8_t *at,
                             size_t size)
{
    struct cm_json_value v = cm_json_get(object, name);
    uint64_t n = 0;

    if (v.doc == NULL || cm_json_is(v, CM_JSON_NULL)) {
        return CM_OK;
    }
    if (cm_json_u64(v, &n) != CM_OK || (size < 8 && n >> (8 * size) != 0)) {
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(n >> (8 * i));
    }
    return CM_OK;
}

/* Bytes of exactly that size: an array of numbers or hexadecimal. */
static enum cm_status field(struct cm_json_value object, const char *name, uint8_t *at, size_t size)
{
    struct cm_json_value v = cm_json_get(object, name);
    struct cm_span text = {NULL, 0};
    size_t n = 0;

    if (cm_json_plain(v, &text) == CM_OK) {
        return cm_hex_decode(text, at, size) ? CM_OK : CM_ERR_FORMAT;
    }
    if (!cm_json_is(v, CM_JSON_ARRAY) || cm_json_count(v) != size) {
        return CM_ERR_FORMAT;
    }
    for (struct cm_json_value e = cm_json_first(v); e.doc != NULL; e = cm_json_next(e)) {
        uint64_t byte = 0;

        if (cm_json_u64(e, &byte) != CM_OK || byte > 255) {
            return CM_ERR_FORMAT;
        }
        at[n++] = (uint8_t)byte;
    }
    return CM_OK;
}

/* TCB_VERSION: from Turin on another order, which is the one with an FMC. */
static enum cm_status tcb(struct cm_json_value report, const char *name, uint8_t at[8])
{
    struct cm_json_value v = cm_json_get(report, name);
    struct cm_json_value fmc = cm_json_get(v, "fmc");
    bool turin = fmc.doc != NULL && !cm_json_is(fmc, CM_JSON_NULL);
    enum cm_status st = CM_OK;

    if (cm_json_is(v, CM_JSON_NUMBER)) {
        return number(report, name, at, 8);
    }
    CM_TRY(number(v, "fmc", at, 1));
    CM_TRY(number(v, "bootloader", at + (turin ? 1 : 0), 1));
    CM_TRY(number(v, "tee", at + (turin ? 2 : 1), 1));
    CM_TRY(number(v, "snp", at + (turin ? 3 : 6), 1));
    st = number(v, "microcode", at + 7, 1);
out:
    return st;
}

/* "current": {major, minor, build}, or in old versions current_major, ... */
static enum cm_status firmware(struct cm_json_value report, const char *name, uint8_t at[3])
{
    static const char *const parts[] = {"build", "minor", "major"};
    struct cm_json_value v = cm_json_get(report, name);
    char old[24] = "";
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(old, sizeof(old), "%s_%s", name, parts[i]);
        CM_TRY(v.doc != NULL ? number(v, parts[i], at + i, 1) : number(report, old, at + i, 1));
    }
out:
    return st;
}

static enum cm_status identity_of(struct cm_json_value v, uint8_t *out)
{
    enum cm_status st = CM_OK;

    CM_TRY(number(v, "version", out, 4));
    CM_TRY(number(v, "guest_svn", out + 0x04, 4));
    CM_TRY(number(v, "policy", out + 0x08, 8));
    CM_TRY(field(v, "family_id", out + 0x10, 16));
    CM_TRY(field(v, "image_id", out + 0x20, 16));
    CM_TRY(number(v, "vmpl", out + 0x30, 4));
    CM_TRY(number(v, "sig_algo", out + 0x34, 4));
    CM_TRY(tcb(v, "current_tcb", out + 0x38));
    CM_TRY(number(v, "plat_info", out + 0x40, 8));
    CM_TRY(number(v, "_author_key_en", out + 0x48, 4)); /* of old versions */
    CM_TRY(number(v, "key_info", out + 0x48, 4));
    CM_TRY(field(v, "report_data", out + 0x50, 64));
    CM_TRY(field(v, "measurement", out + 0x90, 48));
    CM_TRY(field(v, "host_data", out + 0xc0, 32));
    CM_TRY(field(v, "id_key_digest", out + 0xe0, 48));
    CM_TRY(field(v, "author_key_digest", out + 0x110, 48));
    CM_TRY(field(v, "report_id", out + 0x140, 32));
    st = field(v, "report_id_ma", out + 0x160, 32);
out:
    return st;
}

static enum cm_status platform_of(struct cm_json_value v, uint8_t *out)
{
    struct cm_json_value signature = cm_json_get(v, "signature");
    enum cm_status st = CM_OK;

    CM_TRY(tcb(v, "reported_tcb", out + 0x180));
    CM_TRY(number(v, "cpuid_fam_id", out + 0x188, 1));
    CM_TRY(number(v, "cpuid_mod_id", out + 0x189, 1));
    CM_TRY(number(v, "cpuid_step", out + 0x18a, 1));
    CM_TRY(field(v, "chip_id", out + 0x1a0, 64));
    CM_TRY(tcb(v, "committed_tcb", out + 0x1e0));
    CM_TRY(firmware(v, "current", out + 0x1e8));
    CM_TRY(firmware(v, "committed", out + 0x1ec));
    CM_TRY(tcb(v, "launch_tcb", out + 0x1f0));
    CM_TRY(number(v, "launch_mit_vector", out + 0x1f8, 8));
    CM_TRY(number(v, "current_mit_vector", out + 0x200, 8));
    CM_TRY(field(signature, "r", out + 0x2a0, 72));
    st = field(signature, "s", out + 0x2e8, 72);
out:
    return st;
}

enum cm_status cm_kbs_snp_report(struct cm_json_value v, uint8_t out[CM_KBS_SNP_REPORT])
{
    enum cm_status st = CM_OK;

    memset(out, 0, CM_KBS_SNP_REPORT);
    CM_TRY(identity_of(v, out));
    st = platform_of(v, out);
out:
    return st;
}
