/* Reading TCG event logs; see tcg_log.h. Untrusted: every byte. */
#include "tpm/tcg_log.h"

#include <string.h>

#define SHA1_SIZE     20
#define SPEC_ID       "Spec ID Event03" /* with its NUL: 16 bytes */
#define LOCALITY      "StartupLocality"
#define SIGNATURE_LEN 16
#define NO_REGISTER   0xFFFFFFFFu /* EV_NO_ACTION for no register in particular */

static bool starts_with(struct cm_span data, const char *mark)
{
    return data.len >= SIGNATURE_LEN && memcmp(data.ptr, mark, SIGNATURE_LEN) == 0;
}

/* TCG_PCClientPCREvent: one SHA-1 digest without an identifier. */
static void read_old(struct cm_rd *r, struct cm_tcg_event *out)
{
    out->pcr = cm_rd_u32le(r);
    out->type = cm_rd_u32le(r);
    out->digests = cm_rd_take(r, SHA1_SIZE);
    out->data = cm_rd_take(r, cm_rd_u32le(r));
}

static bool has_alg(const struct cm_tcg_log *log, uint16_t alg)
{
    for (size_t i = 0; i < log->alg_count; i++) {
        if (log->alg[i] == alg) {
            return true;
        }
    }
    return false;
}

/* TCG_PCR_EVENT2. Each bank at most once, and only banks that the header names. */
static void read_agile(const struct cm_tcg_log *log, struct cm_rd *r, struct cm_tcg_event *out)
{
    const uint8_t *begin = NULL;
    uint32_t count = 0;
    uint16_t seen[CM_TPM_MAX_BANKS];

    out->pcr = cm_rd_u32le(r);
    out->type = cm_rd_u32le(r);
    count = cm_rd_u32le(r);
    begin = r->ptr;
    if (count > log->alg_count) {
        r->bad = true;
    }
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        seen[i] = cm_rd_u16le(r);
        for (uint32_t k = 0; k < i; k++) {
            r->bad = r->bad || seen[k] == seen[i];
        }
        r->bad = r->bad || !has_alg(log, seen[i]);
        (void)cm_rd_take(r, cm_tpm_hash_size(seen[i]));
    }
    out->digests = r->bad ? cm_span_make(NULL, 0) : cm_span_make(begin, (size_t)(r->ptr - begin));
    out->data = cm_rd_take(r, cm_rd_u32le(r));
}

static void read_event(const struct cm_tcg_log *log, struct cm_rd *r, struct cm_tcg_event *out)
{
    memset(out, 0, sizeof(*out));
    if (log->agile) {
        read_agile(log, r, out);
    } else {
        read_old(r, out);
    }
}

bool cm_tcg_next(const struct cm_tcg_log *log, struct cm_rd *at, struct cm_tcg_event *out)
{
    if (at->bad || at->left == 0) {
        return false;
    }
    read_event(log, at, out);
    return !at->bad;
}

struct cm_span cm_tcg_digest(const struct cm_tcg_log *log, const struct cm_tcg_event *event,
                             uint16_t alg)
{
    struct cm_rd r = cm_rd_init(event->digests);

    if (!log->agile) {
        return alg == CM_TPM_ALG_SHA1 ? event->digests : cm_span_make(NULL, 0);
    }
    while (r.left != 0 && !r.bad) {
        uint16_t id = cm_rd_u16le(&r);
        struct cm_span digest = cm_rd_take(&r, cm_tpm_hash_size(id));

        if (id == alg) {
            return digest;
        }
    }
    return cm_span_make(NULL, 0);
}

/* TCG_EfiSpecIDEvent */
static enum cm_status read_header(struct cm_span data, struct cm_tcg_log *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(data);
    uint32_t count = 0;

    (void)cm_rd_take(&r, SIGNATURE_LEN + 4 + 4); /* mark, platform class, version, word size */
    count = cm_rd_u32le(&r);
    if (r.bad || count == 0 || count > CM_TPM_MAX_BANKS) {
        cm_why_set(why, "the event log's header names %u banks", count);
        return CM_ERR_FORMAT;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint16_t alg = cm_rd_u16le(&r);
        uint16_t size = cm_rd_u16le(&r);

        if (r.bad || has_alg(out, alg) ||
            (cm_tpm_hash_size(alg) != 0 && cm_tpm_hash_size(alg) != size)) {
            cm_why_set(why, "the event log's header is malformed");
            return CM_ERR_FORMAT;
        }
        if (cm_tpm_hash_size(alg) == 0) {
            cm_why_set(why, "the event log has an unknown bank 0x%04x", alg);
            return CM_ERR_UNSUPPORTED;
        }
        out->alg[out->alg_count++] = alg;
    }
    (void)cm_rd_take(&r, cm_rd_u8(&r)); /* vendor information */
    if (cm_rd_finish(&r) != CM_OK) {
        cm_why_set(why, "the event log's header is malformed");
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}

/* What the fixed areas of firmware hold behind the last event. */
static bool is_padding(const struct cm_rd *r)
{
    if (r->left == 0 || (r->ptr[0] != 0 && r->ptr[0] != 0xff)) {
        return false;
    }
    for (size_t i = 1; i < r->left; i++) {
        if (r->ptr[i] != r->ptr[0]) {
            return false;
        }
    }
    return true;
}

/* Rules beyond lengths; and the locality that the TPM was started from. */
static enum cm_status look_at(struct cm_tcg_log *log, const struct cm_tcg_event *e,
                              bool *pcr0_extended, struct cm_why *why)
{
    if (e->type != CM_TCG_NO_ACTION) {
        if (e->pcr >= CM_TPM_PCRS) {
            cm_why_set(why, "event %zu extends register %u", log->event_count, e->pcr);
            return CM_ERR_FORMAT;
        }
        *pcr0_extended = *pcr0_extended || e->pcr == 0;
        return CM_OK;
    }
    if (e->pcr >= CM_TPM_PCRS && e->pcr != NO_REGISTER) {
        cm_why_set(why, "event %zu is of register %u", log->event_count, e->pcr);
        return CM_ERR_FORMAT;
    }
    if (e->pcr == 0 && starts_with(e->data, LOCALITY)) {
        if (e->data.len != SIGNATURE_LEN + 1 || *pcr0_extended || log->locality != 0) {
            cm_why_set(why, "event %zu sets the start's locality too late, twice or wrongly",
                       log->event_count);
            return CM_ERR_FORMAT;
        }
        log->locality = e->data.ptr[SIGNATURE_LEN];
    }
    return CM_OK;
}

enum cm_status cm_tcg_log_parse(struct cm_span bytes, struct cm_tcg_log *out, struct cm_why *why)
{
    struct cm_rd r = cm_rd_init(bytes);
    struct cm_tcg_event e;
    bool pcr0_extended = false;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    if (bytes.len > CM_TCG_MAX_LOG) {
        cm_why_set(why, "the event log has %zu bytes", bytes.len);
        return CM_ERR_LIMIT;
    }
    out->alg[0] = CM_TPM_ALG_SHA1;
    out->alg_count = 1;
    read_event(out, &r, &e); /* the first event has the old form in both */
    if (!r.bad && e.type == CM_TCG_NO_ACTION && starts_with(e.data, SPEC_ID)) {
        out->agile = true;
        out->alg_count = 0;
        st = read_header(e.data, out, why);
        if (st != CM_OK) {
            return st;
        }
    } else {
        r = cm_rd_init(bytes);
    }
    out->events = cm_span_make(r.ptr, r.left);
    while (r.left != 0 && !is_padding(&r)) {
        if (out->event_count == CM_TCG_MAX_EVENTS) {
            cm_why_set(why, "the event log has more than %d events", CM_TCG_MAX_EVENTS);
            return CM_ERR_LIMIT;
        }
        read_event(out, &r, &e);
        if (r.bad) {
            cm_why_set(why, "event %zu of the log is malformed or truncated", out->event_count);
            return CM_ERR_FORMAT;
        }
        st = look_at(out, &e, &pcr0_extended, why);
        if (st != CM_OK) {
            return st;
        }
        out->event_count++;
    }
    if (r.bad || out->event_count == 0) {
        cm_why_set(why, "it is no event log");
        return CM_ERR_FORMAT;
    }
    out->events.len -= r.left; /* without the padding */
    return CM_OK;
}
