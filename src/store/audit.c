/* See audit.h. A record's hash is over the hash before it and every field with its length. */
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"

static enum cm_status add_number(struct cm_sha256 *h, uint64_t n)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    }
    return cm_sha256_update(h, bytes, sizeof(bytes));
}

static enum cm_status add_text(struct cm_sha256 *h, const char *text)
{
    enum cm_status st = CM_OK;

    CM_TRY(add_number(h, strlen(text)));
    CM_TRY(cm_sha256_update(h, text, strlen(text)));
out:
    return st;
}

static enum cm_status hash_of(const struct cm_audit_record *r, const uint8_t before[CM_AUDIT_HASH],
                              uint8_t out[CM_AUDIT_HASH])
{
    const char *const texts[] = {r->actor, r->action, r->object, r->detail};
    struct cm_sha256 *h = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_sha256_create(&h));
    CM_TRY(cm_sha256_update(h, before, CM_AUDIT_HASH));
    CM_TRY(add_number(h, (uint64_t)r->seq));
    CM_TRY(add_number(h, (uint64_t)r->time));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CM_TRY(add_text(h, texts[i]));
    }
    CM_TRY(cm_sha256_final(h, out));
out:
    cm_sha256_free(h);
    return st;
}

struct head {
    int64_t seq;
    uint8_t hash[CM_AUDIT_HASH];
    bool good;
};

/* before the first record there is no hash */
static bool read_head(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct head *head = arg;

    head->good = count == 2 && columns[0].type == CM_DB_INT &&
                 (columns[1].bytes.len == CM_AUDIT_HASH ||
                  (columns[0].number <= 1 && columns[1].bytes.len == 0));
    if (head->good) {
        head->seq = columns[0].number;
        memset(head->hash, 0, sizeof(head->hash));
        if (columns[1].bytes.len != 0) {
            memcpy(head->hash, columns[1].bytes.ptr, CM_AUDIT_HASH);
        }
    }
    return false;
}

static enum cm_status get_head(struct cm_db *db, struct head *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    out->good = false;
    CM_TRY(cm_db_run(db, "SELECT seq, hash FROM audit_head", cm_db_none(),
                     cm_db_into(read_head, out), why));
    if (!out->good) {
        cm_why_set(why, "the audit log has no head");
        st = CM_ERR_SIGNATURE;
    }
out:
    return st;
}

enum cm_status cm_audit_append(struct cm_db *db, struct cm_audit_record *r, struct cm_why *why)
{
    struct head head;
    struct cm_db_value values[7];
    enum cm_status st = CM_OK;

    /* the change comes first: where others write, too, it makes them wait for this record's end */
    CM_TRY(
        cm_db_run(db, "UPDATE audit_head SET seq = seq + 1", cm_db_none(), cm_db_nowhere(), why));
    CM_TRY(get_head(db, &head, why));
    r->seq = head.seq;
    CM_TRY(hash_of(r, head.hash, r->hash));
    values[0] = cm_db_int(r->seq);
    values[1] = cm_db_int(r->time);
    values[2] = cm_db_text(r->actor);
    values[3] = cm_db_text(r->action);
    values[4] = cm_db_text(r->object);
    values[5] = cm_db_text(r->detail);
    values[6] = cm_db_blob(cm_span_make(r->hash, CM_AUDIT_HASH));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO audit (seq, time, actor, action, object, detail, hash)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?)",
                     cm_db_with(values, 7), cm_db_nowhere(), why));
    CM_TRY(cm_db_run(db, "UPDATE audit_head SET hash = ?", cm_db_with(&values[6], 1),
                     cm_db_nowhere(), why));
out:
    return st;
}

struct reading {
    cm_audit_each *each;
    void *arg;
    bool malformed;
};

static bool read_record(void *arg, const struct cm_db_value *c, size_t count)
{
    struct reading *r = arg;
    struct cm_audit_record record = {0};

    r->malformed = count != 7 || c[0].type != CM_DB_INT || c[1].type != CM_DB_INT ||
                   c[2].type != CM_DB_TEXT || c[3].type != CM_DB_TEXT || c[4].type != CM_DB_TEXT ||
                   c[5].type != CM_DB_TEXT || c[6].bytes.len != CM_AUDIT_HASH;
    if (r->malformed) {
        return false;
    }
    record.seq = c[0].number;
    record.time = c[1].number;
    record.actor = (const char *)c[2].bytes.ptr;
    record.action = (const char *)c[3].bytes.ptr;
    record.object = (const char *)c[4].bytes.ptr;
    record.detail = (const char *)c[5].bytes.ptr;
    memcpy(record.hash, c[6].bytes.ptr, CM_AUDIT_HASH);
    return r->each(r->arg, &record);
}

enum cm_status cm_audit_read(struct cm_db *db, int64_t after, cm_audit_each *each, void *arg,
                             struct cm_why *why)
{
    struct reading r = {.each = each, .arg = arg};
    const struct cm_db_value from = cm_db_int(after);
    enum cm_status st = CM_OK;

    CM_TRY(cm_db_run(db,
                     "SELECT seq, time, actor, action, object, detail, hash FROM audit"
                     " WHERE seq > ? ORDER BY seq",
                     cm_db_with(&from, 1), cm_db_into(read_record, &r), why));
    if (r.malformed) {
        cm_why_set(why, "the audit log holds a record that is none");
        st = CM_ERR_SIGNATURE;
    }
out:
    return st;
}

/* ---------------------------------------------------------------------- cut */

#define CUT_ACTION  "audit.cut"
#define CUT_AT_ONCE 5000
#define CUT_DETAIL  200

/* What was cut off ends so; seq 0: nothing was. */
struct cut {
    int64_t seq;
    uint8_t hash[CM_AUDIT_HASH];
    bool bad;
};

static bool read_cut(void *arg, const struct cm_db_value *c, size_t count)
{
    struct cut *cut = arg;

    cut->bad =
        count != 2 || c[0].type != CM_DB_INT || c[0].number <= 0 || c[1].bytes.len != CM_AUDIT_HASH;
    if (!cut->bad) {
        cut->seq = c[0].number;
        memcpy(cut->hash, c[1].bytes.ptr, CM_AUDIT_HASH);
    }
    return false;
}

static enum cm_status get_cut(struct cm_db *db, struct cut *out, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_db_run(db, "SELECT seq, hash FROM audit_cut", cm_db_none(), cm_db_into(read_cut, out),
                     why));
    if (out->bad) {
        cm_why_set(why, "what the audit log says of its cut is nothing of the kind");
        st = CM_ERR_SIGNATURE;
    }
out:
    return st;
}

/* What the record of a cut says: part of the chain, so that the cut is as hard to forge as that. */
static void cut_texts(const struct cut *cut, char object[24], char detail[CUT_DETAIL])
{
    char hash[2 * CM_AUDIT_HASH + 1] = "";

    cm_hex_encode(cm_span_make(cut->hash, CM_AUDIT_HASH), CM_HEX_LOWER, hash);
    (void)snprintf(object, 24, "%" PRId64, cut->seq);
    (void)snprintf(detail, CUT_DETAIL, "{\"upto\":%" PRId64 ",\"hash\":\"%s\"}", cut->seq, hash);
}

static bool read_number(void *arg, const struct cm_db_value *c, size_t count)
{
    *(int64_t *)arg = count == 1 && c[0].type == CM_DB_INT ? c[0].number : 0;
    return false;
}

/* The number of the last record that may go; 0: none. Whoever else writes waits: the head is changed first. */
static enum cm_status cut_upto(struct cm_db *db, int64_t before, int64_t *first, int64_t *upto,
                               struct cm_why *why)
{
    const struct cm_db_value v[] = {cm_db_int(CUT_AT_ONCE), cm_db_int(before)};
    struct head head;
    int64_t kept = 0;
    enum cm_status st = CM_OK;

    *upto = 0;
    *first = 0;
    CM_TRY(cm_db_run(db, "UPDATE audit_head SET seq = seq", cm_db_none(), cm_db_nowhere(), why));
    CM_TRY(get_head(db, &head, why));
    CM_TRY(cm_db_run(db, "SELECT seq FROM audit ORDER BY seq LIMIT 1", cm_db_none(),
                     cm_db_into(read_number, first), why));
    CM_TRY(cm_db_run(db,
                     "SELECT MIN(seq) FROM (SELECT seq, time FROM audit ORDER BY seq LIMIT ?) AS f"
                     " WHERE time >= ?",
                     cm_db_with(v, 2), cm_db_into(read_number, &kept), why));
    if (*first == 0) {
        goto out;
    }
    *upto = kept != 0 ? kept - 1 : *first + CUT_AT_ONCE - 1;
    *upto = *upto >= head.seq ? head.seq - 1 : *upto;
out:
    return st;
}

enum cm_status cm_audit_cut(struct cm_db *db, int64_t now, int64_t before, int64_t *cut,
                            struct cm_why *why)
{
    struct cut at = {0};
    char object[24] = "";
    char detail[CUT_DETAIL] = "";
    struct cm_audit_record record = {
        .time = now, .actor = "the service", .action = CUT_ACTION, .object = object};
    struct cm_db_value v[2];
    int64_t first = 0;
    int64_t upto = 0;
    enum cm_status st = CM_OK;

    *cut = 0;
    CM_TRY(cut_upto(db, before, &first, &upto, why));
    if (first == 0 || upto < first) {
        goto out;
    }
    v[0] = cm_db_int(upto);
    CM_TRY(cm_db_run(db, "SELECT seq, hash FROM audit WHERE seq = ?", cm_db_with(v, 1),
                     cm_db_into(read_cut, &at), why));
    if (at.bad || at.seq != upto) {
        cm_why_set(why, "the audit log is broken at record %" PRId64 ": nothing is cut", upto);
        st = CM_ERR_SIGNATURE;
        goto out;
    }
    v[1] = cm_db_blob(cm_span_make(at.hash, CM_AUDIT_HASH));
    CM_TRY(cm_db_run(db,
                     "INSERT INTO audit_cut (one, seq, hash) VALUES (1, ?, ?) ON CONFLICT (one)"
                     " DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                     cm_db_with(v, 2), cm_db_nowhere(), why));
    CM_TRY(
        cm_db_run(db, "DELETE FROM audit WHERE seq <= ?", cm_db_with(v, 1), cm_db_nowhere(), why));
    cut_texts(&at, object, detail);
    record.detail = detail;
    CM_TRY(cm_audit_append(db, &record, why));
    *cut = upto - first + 1;
out:
    return st;
}

/* ------------------------------------------------------------------- verify */

struct verifying {
    struct cm_audit_verdict *out;
    const uint8_t *known;
    char object[24]; /* of the record of the cut */
    char detail[CUT_DETAIL];
    bool told; /* there is one */
    enum cm_status st;
    int64_t broken; /* the first record that does not fit; 0: none */
};

static bool verify_record(void *arg, const struct cm_audit_record *r)
{
    struct verifying *v = arg;
    uint8_t hash[CM_AUDIT_HASH];

    v->st = hash_of(r, v->out->last, hash);
    if (v->st != CM_OK) {
        return false;
    }
    if (r->seq != v->out->records + 1 || !cm_ct_equal(hash, r->hash, sizeof(hash))) {
        v->broken = v->out->records + 1;
        return false;
    }
    v->told = v->told || (strcmp(r->action, CUT_ACTION) == 0 && strcmp(r->object, v->object) == 0 &&
                          strcmp(r->detail, v->detail) == 0);
    v->out->records = r->seq;
    memcpy(v->out->last, hash, sizeof(hash));
    v->out->found =
        v->out->found || (v->known != NULL && cm_ct_equal(hash, v->known, sizeof(hash)));
    return true;
}

enum cm_status cm_audit_verify(struct cm_db *db, const uint8_t *known, struct cm_audit_verdict *out,
                               struct cm_why *why)
{
    struct verifying v = {.out = out, .known = known};
    struct head head;
    struct cut cut;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    CM_TRY(cm_db_begin_reading(db, why)); /* one state of the log, whoever writes meanwhile */
    CM_TRY(get_head(db, &head, why));
    CM_TRY(get_cut(db, &cut, why));
    if (cut.seq != 0) {
        cut_texts(&cut, v.object, v.detail);
        out->records = cut.seq;
        out->cut = cut.seq;
        memcpy(out->last, cut.hash, sizeof(out->last));
        out->found = known != NULL && cm_ct_equal(cut.hash, known, sizeof(cut.hash));
    }
    CM_TRY(cm_audit_read(db, 0, verify_record, &v, why));
    CM_TRY(v.st);
    if (v.broken != 0) {
        cm_why_set(why, "the audit log is broken at record %" PRId64, v.broken);
        st = CM_ERR_SIGNATURE;
    } else if (head.seq != out->records || !cm_ct_equal(head.hash, out->last, sizeof(head.hash))) {
        cm_why_set(why, "the audit log ends after %" PRId64 " records, its head says %" PRId64,
                   out->records, head.seq);
        st = CM_ERR_SIGNATURE;
    } else if (cut.seq != 0 && !v.told) {
        cm_why_set(why, "the audit log was cut at record %" PRId64 ", and no record of it says so",
                   cut.seq);
        st = CM_ERR_SIGNATURE;
    } else if (known != NULL && !out->found) {
        cm_why_set(why, "the known hash is not in the audit log: it was written anew, or cut%s",
                   cut.seq != 0 ? "; records older than its retention are not there" : "");
        st = CM_ERR_MISMATCH;
    }
out:
    cm_db_rollback(db);
    return st;
}
