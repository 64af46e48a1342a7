/* The state in memory and as a file's bytes; see emuplat_state.h. */
#include "emuplat/emuplat_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/crypto.h"

#define MAGIC    "CMSGXATT"
#define VERSION  1u
#define TRAILERS (CM_CMAC_SIZE + CM_SHA256_SIZE)
#define LATEST   UINT64_C(253402300799) /* the last second of the year 9999 */

struct cm_emuplat_state *cm_emuplat_state_new(void)
{
    return calloc(1, sizeof(struct cm_emuplat_state));
}

static void part_free(struct cm_emuplat_bytes *b)
{
    if (b->ptr != NULL) {
        cm_wipe(b->ptr, b->len);
        free(b->ptr);
    }
    b->ptr = NULL;
    b->len = 0;
}

void cm_emuplat_state_free(struct cm_emuplat_state *s)
{
    if (s != NULL) {
        for (size_t i = 0; i < CM_EMUPLAT_PARTS; i++) {
            part_free(&s->part[i]);
        }
        free(s);
    }
}

enum cm_status cm_emuplat_part_set(struct cm_emuplat_state *s, enum cm_emuplat_part part,
                                   struct cm_span bytes)
{
    uint8_t *copy = NULL;

    if (bytes.len == 0 || bytes.len > CM_EMUPLAT_MAX_PART) {
        return CM_ERR_LIMIT;
    }
    copy = malloc(bytes.len + 1);
    if (copy == NULL) {
        return CM_ERR_NOMEM;
    }
    memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = 0;
    part_free(&s->part[part]);
    s->part[part].ptr = copy;
    s->part[part].len = bytes.len;
    return CM_OK;
}

struct cm_span cm_emuplat_part_get(const struct cm_emuplat_state *s, enum cm_emuplat_part part)
{
    return cm_span_make(s->part[part].ptr, s->part[part].len);
}

bool cm_emuplat_is_revoked(const struct cm_emuplat_state *s)
{
    for (uint32_t i = 0; i < s->revoked_count; i++) {
        if (memcmp(s->revoked[i], s->pck_serial, sizeof(s->pck_serial)) == 0) {
            return true;
        }
    }
    return false;
}

/* The statuses that a platform's level can have. */
static bool status_known(uint32_t tcb)
{
    return tcb == CM_DCAP_REVOKED || tcb <= CM_DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool dates_good(const struct cm_emuplat_state *s)
{
    return s->created < s->not_after && s->not_after <= LATEST && s->issued < s->next_update &&
           s->next_update <= LATEST && s->created <= s->issued && s->tcb_changed <= s->next_update;
}

static void read_parts(struct cm_rd *r, struct cm_emuplat_state *s, enum cm_status *st)
{
    for (unsigned i = 0; i < CM_EMUPLAT_PARTS && !r->bad && *st == CM_OK; i++) {
        struct cm_span bytes = cm_rd_take(r, cm_rd_u32le(r));

        r->bad = r->bad || bytes.len == 0 || bytes.len > CM_EMUPLAT_MAX_PART;
        if (!r->bad) {
            *st = cm_emuplat_part_set(s, (enum cm_emuplat_part)i, bytes);
        }
    }
}

enum cm_status cm_emuplat_body_parse(struct cm_span body, struct cm_emuplat_state **out)
{
    struct cm_rd r = cm_rd_init(body);
    struct cm_emuplat_state *s = NULL;
    uint8_t magic[8] = {0};
    uint32_t version = 0;
    uint32_t tcb = 0;
    enum cm_status st = CM_OK;

    *out = NULL;
    s = cm_emuplat_state_new();
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    cm_rd_copy(&r, magic, sizeof(magic));
    version = cm_rd_u32le(&r);
    cm_rd_zero(&r, 4);
    s->created = cm_rd_u64le(&r);
    s->not_after = cm_rd_u64le(&r);
    s->issued = cm_rd_u64le(&r);
    s->next_update = cm_rd_u64le(&r);
    s->tcb_changed = cm_rd_u64le(&r);
    s->evaluation = cm_rd_u32le(&r);
    s->crl_number = cm_rd_u32le(&r);
    tcb = cm_rd_u32le(&r);
    cm_rd_copy(&r, s->instance_id, sizeof(s->instance_id));
    cm_rd_copy(&r, s->pck_serial, sizeof(s->pck_serial));
    s->revoked_count = cm_rd_u32le(&r);
    r.bad = r.bad || s->revoked_count > CM_EMUPLAT_MAX_REVOKED;
    for (uint32_t i = 0; i < s->revoked_count && !r.bad; i++) {
        cm_rd_copy(&r, s->revoked[i], CM_EMUPLAT_SERIAL_SIZE);
    }
    read_parts(&r, s, &st);
    if (st != CM_OK) {
        goto out;
    }
    CM_TRY(cm_rd_finish(&r));
    if (memcmp(magic, MAGIC, sizeof(magic)) != 0 || version != VERSION || !status_known(tcb) ||
        !dates_good(s)) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    s->tcb = (enum cm_dcap_tcb)tcb;
    *out = s;
    s = NULL;
out:
    cm_emuplat_state_free(s);
    return st;
}

enum cm_status cm_emuplat_file_parse(struct cm_span file, const struct cm_emuplat_cpu *cpu,
                                     struct cm_emuplat_state **out)
{
    struct cm_rd r = cm_rd_init(file);
    struct cm_span body = cm_rd_take(&r, file.len < TRAILERS ? 0 : file.len - TRAILERS);
    uint8_t mac[CM_CMAC_SIZE] = {0};
    uint8_t sum[CM_SHA256_SIZE] = {0};
    uint8_t want_mac[CM_CMAC_SIZE] = {0};
    uint8_t want_sum[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    *out = NULL;
    cm_rd_copy(&r, mac, sizeof(mac));
    cm_rd_copy(&r, sum, sizeof(sum));
    CM_TRY(cm_rd_finish(&r));
    CM_TRY(cm_sha256_of(cm_span_make(file.ptr, file.len - sizeof(sum)), want_sum));
    if (!cm_ct_equal(sum, want_sum, sizeof(sum))) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_cmac_aes128(cpu->state_key, body, want_mac));
    if (!cm_ct_equal(mac, want_mac, sizeof(mac))) {
        st = CM_ERR_MISMATCH;
        goto out;
    }
    CM_TRY(cm_emuplat_body_parse(body, out));
out:
    return st;
}

static void write_body(struct cm_wr *w, const struct cm_emuplat_state *s)
{
    cm_wr_bytes(w, MAGIC, 8);
    cm_wr_u32le(w, VERSION);
    cm_wr_u32le(w, 0);
    cm_wr_u64le(w, s->created);
    cm_wr_u64le(w, s->not_after);
    cm_wr_u64le(w, s->issued);
    cm_wr_u64le(w, s->next_update);
    cm_wr_u64le(w, s->tcb_changed);
    cm_wr_u32le(w, s->evaluation);
    cm_wr_u32le(w, s->crl_number);
    cm_wr_u32le(w, (uint32_t)s->tcb);
    cm_wr_bytes(w, s->instance_id, sizeof(s->instance_id));
    cm_wr_bytes(w, s->pck_serial, sizeof(s->pck_serial));
    cm_wr_u32le(w, s->revoked_count);
    for (uint32_t i = 0; i < s->revoked_count; i++) {
        cm_wr_bytes(w, s->revoked[i], CM_EMUPLAT_SERIAL_SIZE);
    }
    for (unsigned i = 0; i < CM_EMUPLAT_PARTS; i++) {
        cm_wr_u32le(w, (uint32_t)s->part[i].len);
        cm_wr_bytes(w, s->part[i].ptr, s->part[i].len);
    }
}

enum cm_status cm_emuplat_file_compose(const struct cm_emuplat_state *s,
                                       const struct cm_emuplat_cpu *cpu, uint8_t **out, size_t *len)
{
    uint8_t *file = malloc(CM_EMUPLAT_MAX_FILE);
    struct cm_wr w = cm_wr_init(file, file == NULL ? 0 : CM_EMUPLAT_MAX_FILE);
    uint8_t mac[CM_CMAC_SIZE] = {0};
    uint8_t sum[CM_SHA256_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (file == NULL) {
        return CM_ERR_NOMEM;
    }
    write_body(&w, s);
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_cmac_aes128(cpu->state_key, cm_span_make(file, w.used), mac));
    cm_wr_bytes(&w, mac, sizeof(mac));
    CM_TRY(cm_wr_finish(&w));
    CM_TRY(cm_sha256_of(cm_span_make(file, w.used), sum));
    cm_wr_bytes(&w, sum, sizeof(sum));
    CM_TRY(cm_wr_finish(&w));
    *out = file;
    *len = w.used;
    file = NULL;
out:
    if (file != NULL) {
        cm_wipe(file, CM_EMUPLAT_MAX_FILE);
        free(file);
    }
    return st;
}
