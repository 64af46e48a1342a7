/*
 * `casemate quote show`: every field of a quote with its meaning. Nothing is verified: the file is
 * UNTRUSTED, and so is all that is printed from it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_evidence.h"
#include "cli/cli_quote_file.h"
#include "cli/cli_text.h"
#include "common/reader.h"
#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/pck_ext.h"
#include "evidence/quote.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define HEX_LINE 28u /* bytes; with the lead 78 columns */

struct flag {
    unsigned bit;
    const char *name;
};

static const struct flag sgx_flags[] = {
    {0, "INIT"},          {1, "DEBUG"}, {2, "MODE64BIT"}, {4, "PROVISIONKEY"},
    {5, "EINITTOKENKEY"}, {6, "CET"},   {7, "KSS"},       {10, "AEXNOTIFY"},
};

static const struct flag td_flags[] = {
    {0, "DEBUG"}, {27, "LASS"},      {28, "SEPT_VE_DISABLE"}, {29, "MIGRATABLE"},
    {30, "PKS"},  {31, "KEYLOCKER"}, {63, "PERFMON"},
};

static void line(FILE *out, const char *name, const char *meaning)
{
    char lead[24] = "";

    (void)snprintf(lead, sizeof(lead), "  %-18s", name);
    cm_print_wrapped(out, lead, meaning);
}

static void number(FILE *out, const char *name, uint64_t v, const char *meaning)
{
    char text[160] = "";

    (void)snprintf(text, sizeof(text), "%" PRIu64 "%s%s%s", v, meaning[0] == '\0' ? "" : " (",
                   meaning, meaning[0] == '\0' ? "" : ")");
    line(out, name, text);
}

static void bytes(FILE *out, const char *name, struct cm_span v, const char *meaning)
{
    char hex[2 * HEX_LINE + 1];

    line(out, name, meaning);
    for (size_t at = 0; at < v.len; at += HEX_LINE) {
        size_t n = v.len - at < HEX_LINE ? v.len - at : HEX_LINE;

        cm_cli_hex(v.ptr + at, n, hex);
        (void)fprintf(out, "                      %s\n", hex);
    }
}

static void flags(FILE *out, const char *name, uint64_t v, const struct flag *known, size_t count)
{
    char text[200] = "";
    int n = snprintf(text, sizeof(text), "0x%" PRIx64 ":", v);

    for (size_t i = 0; i < count && n > 0 && (size_t)n < sizeof(text); i++) {
        if ((v >> known[i].bit & 1) != 0) {
            n += snprintf(text + n, sizeof(text) - (size_t)n, " %s", known[i].name);
            v &= ~(UINT64_C(1) << known[i].bit);
        }
    }
    if (v != 0 && n > 0 && (size_t)n < sizeof(text)) {
        (void)snprintf(text + n, sizeof(text) - (size_t)n, " and unnamed bits 0x%" PRIx64, v);
    }
    line(out, name, text);
}

#define FLAGS(out, name, v, table) flags(out, name, v, table, sizeof(table) / sizeof((table)[0]))

static uint64_t le64(struct cm_span s)
{
    struct cm_rd rd = cm_rd_init(s);

    return cm_rd_u64le(&rd);
}

static void show_sgx(FILE *out, const struct cm_sgx_body *b, const char *of)
{
    (void)fprintf(out, "\nreport of %s (384 bytes)\n", of);
    bytes(out, "cpusvn", b->cpusvn, "security version of the processor");
    number(out, "miscselect", b->miscselect, "extended state information; bit 0: fault details");
    FLAGS(out, "attributes", b->flags, sgx_flags);
    (void)fprintf(out, "  xfrm              0x%" PRIx64 " (processor state that it may use)\n",
                  b->xfrm);
    bytes(out, "mrenclave", b->mrenclave, "measurement of its code and data");
    bytes(out, "mrsigner", b->mrsigner, "hash of the key that signed it");
    number(out, "isvprodid", b->isvprodid, "product number, the signer's");
    number(out, "isvsvn", b->isvsvn, "security version, the signer's");
    bytes(out, "isvextprodid", b->isvextprodid, "KSS: extended product number");
    bytes(out, "isvfamilyid", b->isvfamilyid, "KSS: family");
    bytes(out, "configid", b->configid, "KSS: configuration, given by the host");
    number(out, "configsvn", b->configsvn, "KSS: its version");
    bytes(out, "report data", b->reportdata, "64 bytes that it chose itself");
}

/* TD 1.5 Ex: what it appends, in order */
static void show_extended(FILE *out, struct cm_span extended)
{
    static const struct {
        const char *name;
        size_t len;
        const char *meaning;
    } fields[] = {
        {"vmid", 1, "index of the virtual machine"},
        {"td id", 32, "identity of the TD"},
        {"device info", 48, "digest about assigned devices"},
        {"init service hash", 48, "service TD, when the TD began"},
        {"init service attr", 8, "its attributes"},
        {"init cpusvn", 16, "processor's version, when the TD began"},
        {"init tee_tcb_svn", 16, "TDX module's version, when the TD began"},
        {"init fmspc", 12, "platform, when the TD began"},
        {"now service hash", 48, "service TD, now"},
        {"now service attr", 8, "its attributes"},
    };
    struct cm_rd rd = cm_rd_init(extended);

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        bytes(out, fields[i].name, cm_rd_take(&rd, fields[i].len), fields[i].meaning);
    }
}

static void show_td(FILE *out, const struct cm_quote *q)
{
    static const char *const kinds[] = {[CM_QUOTE_BODY_TD10] = "TD report 1.0 (584 bytes)",
                                        [CM_QUOTE_BODY_TD15] = "TD report 1.5 (648 bytes)",
                                        [CM_QUOTE_BODY_TD15_EX] =
                                            "TD report 1.5 extended (885 bytes)"};
    const struct cm_td_body *b = &q->td;

    (void)fprintf(out, "\n%s\n", kinds[q->body_type]);
    bytes(out, "tee_tcb_svn", b->tee_tcb_svn, "versions of the TDX module (byte 1: which one)");
    bytes(out, "mrseam", b->mrseam, "measurement of the TDX module");
    bytes(out, "mrsignerseam", b->mrsignerseam, "who signed the module; zero: Intel");
    bytes(out, "seam attributes", b->seam_attributes, "of the module");
    FLAGS(out, "td attributes", le64(b->td_attributes), td_flags);
    bytes(out, "xfam", b->xfam, "processor state that the TD may use");
    bytes(out, "mrtd", b->mrtd, "measurement of the TD's first memory");
    bytes(out, "mrconfigid", b->mrconfigid, "configuration, given by the host");
    bytes(out, "mrowner", b->mrowner, "owner, given by the host");
    bytes(out, "mrownerconfig", b->mrownerconfig, "owner's configuration, given by the host");
    bytes(out, "rtmr0", b->rtmr[0], "extended at run time: firmware and its settings");
    bytes(out, "rtmr1", b->rtmr[1], "extended at run time: kernel and boot loader");
    bytes(out, "rtmr2", b->rtmr[2], "extended at run time: command line, initrd");
    bytes(out, "rtmr3", b->rtmr[3], "extended at run time: applications");
    bytes(out, "report data", b->reportdata, "64 bytes that the TD chose itself");
    if (b->tee_tcb_svn2.ptr != NULL) {
        bytes(out, "tee_tcb_svn2", b->tee_tcb_svn2, "versions of the TDX module now");
        bytes(out, "mrservicetd", b->mrservicetd, "service TDs bound to it; zero: none");
    }
    if (b->extended.ptr != NULL) {
        show_extended(out, b->extended);
    }
}

static void show_pck(FILE *out, struct cm_span value)
{
    struct cm_pck_ext e;

    if (cm_pck_ext_parse(value, &e) != CM_OK) {
        line(out, "SGX extension", "MALFORMED");
        return;
    }
    bytes(out, "ppid", cm_span_make(e.ppid, 16), "identity of the platform's owner period");
    bytes(out, "fmspc", cm_span_make(e.fmspc, 6), "family, model, stepping: selects the TCB info");
    bytes(out, "pceid", cm_span_make(e.pceid, 2), "provisioning certification enclave");
    bytes(out, "tcb components", cm_span_make(e.comp_svn, 16), "security versions, one a byte");
    number(out, "pcesvn", e.pcesvn, "security version of the PCE");
    number(out, "sgx type", e.sgx_type, "0 standard, 1 scalable, 2 with integrity");
    if (e.platform) {
        bytes(out, "platform instance", cm_span_make(e.platform_instance_id, 16),
              "of a platform with several packages");
        line(out, "dynamic platform", e.dynamic_platform ? "yes" : "no");
        line(out, "cached keys", e.cached_keys ? "yes" : "no");
        line(out, "smt enabled", e.smt_enabled ? "yes" : "no");
    }
}

static void show_certificate(FILE *out, const struct cm_cert *c)
{
    struct cm_span cn = cm_cert_cn(c);
    struct cm_span extension = cm_pck_extension_of(c);
    char from[24] = "";
    char to[24] = "";
    char text[64] = "";

    cm_time_text(cm_cert_period(c).not_before, from);
    cm_time_text(cm_cert_period(c).not_after, to);
    (void)snprintf(text, sizeof(text), "%s to %s", from, to);
    (void)fprintf(out, "\ncertificate \"%.*s\"\n", (int)(cn.len < 60 ? cn.len : 60),
                  cn.ptr == NULL ? "" : (const char *)cn.ptr);
    line(out, "valid", text);
    bytes(out, "key", cm_span_make(cm_cert_spki_sha256(c), 32), "SHA-256 of the public key");
    if (extension.len != 0) {
        show_pck(out, extension);
    }
}

static void show_ppid(FILE *out, const struct cm_quote *q)
{
    static const size_t sizes[] = {0, 16, 256, 384};
    struct cm_rd rd = cm_rd_init(q->cert_data);

    if (q->cert_data.len != sizes[q->cert_type] + 20) {
        line(out, "MALFORMED", "not of the length that its type has");
        return;
    }
    bytes(out, "ppid", cm_rd_take(&rd, sizes[q->cert_type]),
          q->cert_type == 1 ? "identity of the platform" : "encrypted for Intel");
    bytes(out, "cpusvn", cm_rd_take(&rd, 16), "that the PCK certificate is for");
    number(out, "pcesvn", cm_rd_u16le(&rd), "");
    number(out, "pceid", cm_rd_u16le(&rd), "");
}

static enum cm_status show_certification(FILE *out, const struct cm_quote *q)
{
    static const char *const types[] = {"",
                                        "PPID, plain: the PCK chain must be had elsewhere",
                                        "PPID, RSA-2048: the PCK chain must be had elsewhere",
                                        "PPID, RSA-3072: the PCK chain must be had elsewhere",
                                        "PCK certificate in PEM",
                                        "PCK chain in PEM"};
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *set = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    (void)fprintf(out, "\ncertification data (%zu bytes, not signed)\n", q->cert_data.len);
    number(out, "type", q->cert_type, types[q->cert_type]);
    if (q->cert_type <= 3) {
        show_ppid(out, q);
        return CM_OK;
    }
    CM_TRY(cm_certs_create(&set));
    st = cm_certs_pem(set, q->cert_data, chain, &count);
    if (st == CM_ERR_NOMEM) {
        goto out;
    }
    if (st != CM_OK) {
        line(out, "MALFORMED", cm_status_str(st));
        st = CM_OK;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        show_certificate(out, chain[i]);
    }
out:
    cm_certs_free(set);
    return st;
}

static enum cm_status show(FILE *out, size_t len, const struct cm_quote *q)
{
    bool sgx = q->tee == CM_QUOTE_TEE_SGX;

    (void)fprintf(out, "%s quote, version %u, %zu bytes. NOTHING HERE IS VERIFIED.\n\nheader\n",
                  sgx ? "SGX" : "TDX", q->version, len);
    number(out, "version", q->version, "layout of the quote");
    line(out, "attestation key", "2 (ECDSA on P-256 with SHA-256)");
    line(out, "tee type", sgx ? "0x0 (SGX: an enclave)" : "0x81 (TDX: a virtual machine)");
    bytes(out, "qe vendor", q->qe_vendor, "who made the quoting enclave: Intel");
    bytes(out, "user data", q->user_data, "the first 16: identity of the quoting enclave");
    if (sgx) {
        show_sgx(out, &q->sgx, "the enclave");
    } else {
        show_td(out, q);
    }
    (void)fputs("\nsignature\n", out);
    number(out, "signed", q->signed_bytes.len, "bytes: header and report");
    bytes(out, "quote signature", q->signature, "by the attestation key, r and s");
    bytes(out, "attestation key", q->att_key, "x and y; the quoting enclave vouches for it");
    show_sgx(out, &q->qe, "the quoting enclave");
    bytes(out, "report signature", q->qe_signature, "by the PCK, r and s");
    bytes(out, "auth data", q->qe_auth, "hashed with the key into its report data");
    return show_certification(out, q);
}

enum cm_status cm_cli_quote_show(const char *path, FILE *out, struct cm_why *why)
{
    struct cm_quote q;
    struct cm_cli_quote_file file = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_cli_quote_open(path, &file, why));
    CM_TRY(cm_quote_parse(file.quote, &q, why));
    cm_cli_quote_note(&file, out);
    CM_TRY(show(out, file.quote.len, &q));
    if (fflush(out) != 0) {
        st = CM_ERR_IO;
    }
out:
    cm_cli_quote_close(&file);
    return st;
}
