/* A TPM's quote, and Azure's evidence around one; see collect.h. UNTRUSTED: what the TPM answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collect/collect_tss.h"
#include "common/hex.h"
#include "common/try.h"
#include "common/writer.h"

#define MAX_LOG      (4u << 20)
#define AZURE_AK     0x81000003u
#define AZURE_REPORT 0x01400001u
#define AZURE_USER   0x01400002u
#define USER_SIZE    64
#define MAX_HCL      4096
#define WAIT_MS      100

enum cm_status cm_collect_log(const char *path, struct cm_collected *out)
{
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = fd < 0 ? NULL : malloc(MAX_LOG);
    size_t len = 0;
    ssize_t n = 1;
    enum cm_status st = CM_OK;

    while (bytes != NULL && n > 0 && len < MAX_LOG) {
        n = read(fd, bytes + len, MAX_LOG - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (fd >= 0 && bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    if (n == 0 && len != 0) { /* whole, or none */
        st = cm_collected_add(out, CM_MATERIAL_EVENT_LOG, ".eventlog", cm_span_make(bytes, len));
    }
    free(bytes);
    return st;
}

static enum cm_status check_nonce(struct cm_span nonce, struct cm_why *why)
{
    if (nonce.len == 0 || nonce.len > CM_COLLECT_MAX_NONCE) {
        cm_why_set(why, "a challenge has 1 to %d bytes", CM_COLLECT_MAX_NONCE);
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

enum cm_status cm_collect_tpm(const char *tcti, uint32_t ak, const char *log, struct cm_span nonce,
                              struct cm_collected *out, struct cm_why *why)
{
    struct cm_tss *tss = NULL;
    struct cm_tss_quote *q = calloc(1, sizeof(*q));
    uint8_t evidence[2 + sizeof(q->attest) + sizeof(q->signature)];
    struct cm_wr w = cm_wr_init(evidence, sizeof(evidence));
    enum cm_status st = CM_ERR_NOMEM;

    cm_collected_free(out);
    if (q == NULL) {
        goto out;
    }
    CM_TRY(check_nonce(nonce, why));
    CM_TRY(cm_tss_open(tcti, &tss, why));
    CM_TRY(cm_tss_use_key(tss, ak, why));
    CM_TRY(cm_tss_quote(tss, nonce, q, why));
    cm_wr_u16be(&w, (uint16_t)q->attest_len); /* TPM2B_ATTEST, then the signature */
    cm_wr_bytes(&w, q->attest, q->attest_len);
    cm_wr_bytes(&w, q->signature, q->signature_len);
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_collected_add(out, (enum cm_material_kind)0, "", cm_span_make(evidence, w.used)));
    CM_TRY(
        cm_collected_add(out, CM_MATERIAL_PCRS, ".pcrs", cm_span_make(q->pcrs, sizeof(q->pcrs))));
    CM_TRY(
        cm_collected_add(out, CM_MATERIAL_TPM_PUBLIC, ".ak", cm_span_make(q->area, q->area_len)));
    CM_TRY(cm_collect_log(log, out));
    out->format = CM_FORMAT_TPM;
    out->missing = "trust in the key: its certificates, or its public area enrolled (--key FILE)";
out:
    cm_tss_close(tss);
    free(q);
    if (st != CM_OK) {
        cm_collected_free(out);
    }
    return st;
}

/* Whether the report's runtime data has the challenge: in hexadecimal, as the paravisor writes it. */
static bool has_challenge(struct cm_span report, const uint8_t user[USER_SIZE])
{
    char upper[2 * USER_SIZE + 1] = "";
    char lower[2 * USER_SIZE + 1] = "";

    cm_hex_encode(cm_span_make(user, USER_SIZE), CM_HEX_UPPER, upper);
    cm_hex_encode(cm_span_make(user, USER_SIZE), CM_HEX_LOWER, lower);
    return memmem(report.ptr, report.len, upper, sizeof(upper) - 1) != NULL ||
           memmem(report.ptr, report.len, lower, sizeof(lower) - 1) != NULL;
}

/* The challenge written, and the report that has it. */
static enum cm_status fresh_report(struct cm_tss *tss, unsigned tries, struct cm_span nonce,
                                   uint8_t report[MAX_HCL], size_t *len, struct cm_why *why)
{
    const struct timespec wait = {0, WAIT_MS * 1000000L};
    uint8_t user[USER_SIZE] = {0};
    struct cm_why said = {{0}};
    enum cm_status st = CM_OK;

    memcpy(user, nonce.ptr, nonce.len);
    st = cm_tss_nv_read(tss, AZURE_REPORT, report, MAX_HCL, len, &said);
    if (st == CM_ERR_NOTFOUND) { /* another machine than Azure's */
        cm_why_set(why, "the TPM has no report at 0x%08x", AZURE_REPORT);
        goto out;
    }
    cm_why_set(why, "%s", said.text);
    CM_TRY(st);
    CM_TRY(cm_tss_nv_write(tss, AZURE_USER, cm_span_make(user, sizeof(user)), why));
    for (unsigned i = 0; i < tries; i++) {
        CM_TRY(cm_tss_nv_read(tss, AZURE_REPORT, report, MAX_HCL, len, why));
        if (has_challenge(cm_span_make(report, *len), user)) {
            goto out;
        }
        (void)nanosleep(&wait, NULL);
    }
    cm_why_set(why, "the report at 0x%08x does not take the challenge", AZURE_REPORT);
    st = CM_ERR_BUSY;
out:
    return st;
}

enum cm_status cm_collect_azure(const char *tcti, unsigned tries, const char *log,
                                struct cm_span nonce, struct cm_collected *out, struct cm_why *why)
{
    struct cm_tss *tss = NULL;
    struct cm_tss_quote *q = calloc(1, sizeof(*q));
    uint8_t report[MAX_HCL];
    size_t len = 0;
    enum cm_status st = CM_ERR_NOMEM;

    cm_collected_free(out);
    if (q == NULL) {
        goto out;
    }
    CM_TRY(check_nonce(nonce, why));
    CM_TRY(cm_tss_open(tcti, &tss, why));
    CM_TRY(fresh_report(tss, tries, nonce, report, &len, why));
    CM_TRY(cm_tss_use_key(tss, AZURE_AK, why));
    CM_TRY(cm_tss_quote(tss, nonce, q, why));
    CM_TRY(cm_collected_add(out, (enum cm_material_kind)0, "", cm_span_make(report, len)));
    CM_TRY(
        cm_collected_add(out, CM_MATERIAL_QUOTE, ".quote", cm_span_make(q->attest, q->attest_len)));
    CM_TRY(cm_collected_add(out, CM_MATERIAL_SIGNATURE, ".sig",
                            cm_span_make(q->signature, q->signature_len)));
    CM_TRY(
        cm_collected_add(out, CM_MATERIAL_PCRS, ".pcrs", cm_span_make(q->pcrs, sizeof(q->pcrs))));
    CM_TRY(cm_collect_log(log, out));
    out->format = CM_FORMAT_AZURE_CVM;
    out->missing = "the processor's certificates (--with certs:FILE) or TD quote, from "
                   "http://169.254.169.254/metadata/THIM/amd/certification or /acc/tdquote";
out:
    cm_tss_close(tss);
    free(q);
    if (st != CM_OK) {
        cm_collected_free(out);
    }
    return st;
}
