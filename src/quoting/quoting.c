/*
 * Choosing who makes quotes, and checking what came out: sizes, form, and that the quote is of the
 * report that was given.
 */
#include "quoting/quoting.h"

#include <stdlib.h>
#include <string.h>

#include "collateral/collateral_parts.h"
#include "common/reader.h"
#include "common/try.h"
#include "evidence/quote.h"
#include "quoting/quoting_backend.h"

#define REPORT_BODY 384u
#define MIN_QUOTE   (48u + REPORT_BODY + 4u)
#define MAX_QUOTE   CM_QUOTING_MAX_QUOTE

struct cm_quoting_collateral {
    struct cm_collateral_parts *parts;
};

static enum cm_status choose_hardware(const struct cm_quoting **out, struct cm_why *why)
{
    struct cm_why in_process = {""};
    struct cm_why aesm = {""};
    enum cm_status st = CM_ERR_NOTFOUND;

    /* Open Enclave's and Intel's variable: its presence asks for quoting outside this process */
    if (getenv("SGX_AESM_ADDR") != NULL) {
        st = cm_quoting_aesm(out, &aesm);
        if (st != CM_OK) {
            cm_why_set(why, "SGX_AESM_ADDR asks for AESM, but %s", aesm.text);
        }
        return st;
    }
    st = cm_quoting_ql(out, &in_process);
    if (st != CM_ERR_NOTFOUND) {
        cm_why_set(st == CM_OK ? NULL : why, "%s", in_process.text);
        return st;
    }
    st = cm_quoting_aesm(out, &aesm);
    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "no quoting library (libsgx_dcap_ql.so.1): install Intel's package "
                        "libsgx-dcap-ql, or libsgx-quote-ex for quoting by AESM");
    } else if (st != CM_OK) {
        cm_why_set(why, "%s; %s", in_process.text, aesm.text);
    }
    return st;
}

enum cm_status cm_quoting_choose(bool emulated, const struct cm_quoting **out, struct cm_why *why)
{
    *out = NULL;
    if (emulated) {
        *out = cm_quoting_emulated();
        return CM_OK;
    }
    return choose_hardware(out, why);
}

const char *cm_quoting_name(const struct cm_quoting *q)
{
    return q->name;
}

enum cm_status cm_quoting_target_info(const struct cm_quoting *q,
                                      uint8_t out[CM_QUOTING_TARGET_INFO_SIZE], struct cm_why *why)
{
    static const uint8_t nothing[32];
    _Alignas(64) uint8_t info[CM_QUOTING_TARGET_INFO_SIZE] = {0};
    enum cm_status st = q->target_info(info, why);

    memset(out, 0, CM_QUOTING_TARGET_INFO_SIZE);
    if (st == CM_OK && memcmp(info, nothing, sizeof(nothing)) == 0) {
        cm_why_set(why, "%s gave a target without a measurement", q->name);
        st = CM_ERR_FORMAT;
    }
    if (st == CM_OK) {
        memcpy(out, info, sizeof(info));
    }
    return st;
}

/* The quote in a buffer that a library filled: its own lengths say where it ends. */
static enum cm_status trim(const uint8_t *buffer, size_t cap, size_t *size)
{
    struct cm_rd rd = cm_rd_init(cm_span_make(buffer, cap));
    uint16_t version = cm_rd_u16le(&rd);
    uint32_t auth_len = 0;

    if (version < 3 || version > 5) {
        return CM_ERR_FORMAT;
    }
    (void)cm_rd_take(&rd, 46); /* the rest of the header */
    (void)cm_rd_take(&rd, version == 5 ? 6 : 0);
    (void)cm_rd_take(&rd, REPORT_BODY);
    auth_len = cm_rd_u32le(&rd);
    (void)cm_rd_take(&rd, auth_len);
    *size = cap - rd.left;
    cm_rd_zero(&rd, rd.left); /* the buffer was zeroed: nobody wrote there */
    return cm_rd_finish(&rd);
}

/* Well formed, and of this report. */
static enum cm_status check_quote(struct cm_span bytes, const uint8_t *report, struct cm_why *why)
{
    struct cm_quote q;
    enum cm_status st = CM_OK;

    CM_TRY(cm_quote_parse(bytes, &q, why));
    if (q.tee != CM_QUOTE_TEE_SGX || q.signed_bytes.len < REPORT_BODY ||
        memcmp(q.signed_bytes.ptr + q.signed_bytes.len - REPORT_BODY, report, REPORT_BODY) != 0) {
        cm_why_set(why, "the quoting library answered with a quote of another report");
        st = CM_ERR_MISMATCH;
    }
out:
    return st;
}

/* How much room the quote may need, as far as the library can be believed. */
static enum cm_status room(const struct cm_quoting *q, size_t *size, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    CM_TRY(q->quote_size(size, why));
    if (*size < MIN_QUOTE || *size > MAX_QUOTE) {
        cm_why_set(why, "%s wants %zu bytes for a quote, which cannot be", q->name, *size);
        st = *size < MIN_QUOTE ? CM_ERR_FORMAT : CM_ERR_LIMIT;
    }
out:
    return st;
}

static enum cm_status make_quote(const struct cm_quoting *q,
                                 const uint8_t report[CM_QUOTING_REPORT_SIZE], uint8_t *buffer,
                                 size_t *size, struct cm_why *why)
{
    _Alignas(64) uint8_t aligned[CM_QUOTING_REPORT_SIZE];
    size_t cap = *size;
    enum cm_status st = CM_OK;

    memcpy(aligned, report, sizeof(aligned));
    CM_TRY(q->quote(aligned, buffer, size, why));
    if (*size > cap) {
        cm_why_set(why, "%s says that it wrote past its buffer", q->name);
        st = CM_ERR_FORMAT;
        goto out;
    }
    if (trim(buffer, *size, size) != CM_OK) {
        cm_why_set(why, "%s answered with something that is no quote", q->name);
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(check_quote(cm_span_make(buffer, *size), report, why));
out:
    return st;
}

enum cm_status cm_quoting_quote(const struct cm_quoting *q,
                                const uint8_t report[CM_QUOTING_REPORT_SIZE], uint8_t *quote,
                                size_t capacity, size_t *size, struct cm_why *why)
{
    uint8_t *buffer = NULL;
    size_t wanted = 0;
    size_t got = 0;
    enum cm_status st = CM_OK;

    *size = 0;
    CM_TRY(room(q, &wanted, why));
    if (quote == NULL) {
        *size = wanted;
        goto out;
    }
    /* a buffer of our own, so that a caller's exact capacity does not depend on the library's
     * idea of an upper bound */
    buffer = calloc(1, wanted);
    if (buffer == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    got = wanted;
    CM_TRY(make_quote(q, report, buffer, &got, why));
    *size = got;
    if (got > capacity) {
        cm_why_set(why, "the quote has %zu bytes; there is room for %zu", got, capacity);
        st = CM_ERR_SPACE;
        goto out;
    }
    memcpy(quote, buffer, got);
out:
    free(buffer);
    return st;
}

enum cm_status cm_quoting_collateral(const struct cm_quoting *q, struct cm_span quote,
                                     struct cm_span baseline, struct cm_quoting_collateral **out,
                                     struct cm_why *why)
{
    struct cm_quoting_collateral *c = calloc(1, sizeof(*c));
    enum cm_status st = CM_ERR_NOMEM;

    *out = NULL;
    if (c == NULL) {
        goto out;
    }
    st = q != NULL ? q->collateral(quote, baseline, &c->parts, why)
                   : cm_quoting_fetch(quote, baseline, &c->parts, why);
    if (st != CM_OK) {
        goto out;
    }
    CM_TRY(cm_parts_complete(c->parts, why));
    *out = c;
    c = NULL;
out:
    cm_quoting_collateral_free(c);
    return st;
}

void cm_quoting_collateral_free(struct cm_quoting_collateral *c)
{
    if (c != NULL) {
        cm_parts_free(c->parts);
        free(c);
    }
}

struct cm_dcap_collateral cm_quoting_collateral_view(const struct cm_quoting_collateral *c)
{
    return cm_parts_view(c->parts);
}
