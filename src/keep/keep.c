/*
 * Which root key, and the store key under it; see keep.h. The store has one record of it, the setting
 * "keep.root": "CMR1", the way's number, the way's note (with its length), the wrapped store key. Untrusted:
 * that record; whoever changes it can at most make the store unusable.
 */
#include "keep/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/keyenc.h"
#include "keep/keep_root.h"
#include "store/schema.h"

#define MAGIC       "CMR1"
#define MAGIC_SIZE  4u
#define STORE_KEY   "store key" /* its name, as keep.h has names */
#define WRAPPED_MAX (CM_ROOT_SIZE + CM_KEEP_OVERHEAD)
#define RECORD_MAX  (MAGIC_SIZE + 1u + 4u + CM_ROOT_NOTE_MAX + WRAPPED_MAX)
#define RECORD_NAME "keep.root"
#define KEEP_BYTES  sizeof(struct cm_keep)

/* In pages of its own, which are neither swapped out nor in core files, as far as the system allows. */
struct cm_keep {
    uint8_t key[CM_ROOT_SIZE];
    char says[CM_ROOT_SAYS_MAX];
    bool emulated;
    struct kept_enclave *enclave; /* NULL: none keeps the root key */
};

/* How the enclave that keeps the root key is had again. No secret. */
struct kept_enclave {
    const struct cm_root_way *way;
    struct cm_root_note note;
    char rest[]; /* behind the scheme */
};

static const struct cm_root_way *const ways[] = {
    &cm_root_file, &cm_root_phrase, &cm_root_token, &cm_root_enclave, &cm_root_enclave_exact,
};
#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

struct record {
    uint8_t bytes[RECORD_MAX];
    size_t len; /* 0: there is none */
    bool too_long;
};

/* ------------------------------------------------------------------ places */

static const struct cm_root_way *way_of(const char *where, const char **rest, struct cm_why *why)
{
    for (size_t i = 0; i < WAY_COUNT; i++) {
        size_t n = strlen(ways[i]->scheme);

        if (strncmp(where, ways[i]->scheme, n) == 0 && where[n] == ':' && where[n + 1] != '\0') {
            *rest = ways[i]->whole ? where : where + n + 1;
            return ways[i];
        }
    }
    cm_why_set(why, "the root key is in file:PATH, passphrase-file:PATH, enclave:IMAGE or a token "
                    "(pkcs11:...)");
    return NULL;
}

static struct cm_keep *keep_alloc(void)
{
    struct cm_keep *keep =
        mmap(NULL, KEEP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (keep == MAP_FAILED) {
        return NULL;
    }
    (void)mlock(keep, KEEP_BYTES);
    (void)madvise(keep, KEEP_BYTES, MADV_DONTDUMP);
    return keep;
}

void cm_keep_close(struct cm_keep *keep)
{
    if (keep != NULL) {
        free(keep->enclave);
        cm_wipe(keep, KEEP_BYTES);
        (void)munmap(keep, KEEP_BYTES);
    }
}

/* ------------------------------------------------------------------ record */

static bool take_record(void *arg, const struct cm_db_value *columns, size_t count)
{
    struct record *out = arg;

    out->too_long = count != 1 || columns[0].type != CM_DB_BLOB || columns[0].bytes.len == 0 ||
                    columns[0].bytes.len > sizeof(out->bytes);
    if (!out->too_long) {
        memcpy(out->bytes, columns[0].bytes.ptr, columns[0].bytes.len);
        out->len = columns[0].bytes.len;
    }
    return false;
}

static enum cm_status malformed(struct cm_why *why)
{
    cm_why_set(why, "the store's record of its root key is malformed");
    return CM_ERR_FORMAT;
}

static enum cm_status read_record(struct cm_db *db, struct record *out, struct cm_why *why)
{
    const struct cm_db_value name = cm_db_text(RECORD_NAME);
    enum cm_status st = CM_OK;

    out->len = 0;
    out->too_long = false;
    st = cm_db_run(db, "SELECT value FROM setting WHERE name = ?", cm_db_with(&name, 1),
                   cm_db_into(take_record, out), why);
    return st == CM_OK && out->too_long ? malformed(why) : st;
}

/* A new root key, with the store key given under it. */
static enum cm_status make_record(const struct cm_root_way *way, const char *rest,
                                  const uint8_t store_key[CM_ROOT_SIZE], struct record *out,
                                  struct cm_why *why)
{
    struct cm_wr wr = cm_wr_init(out->bytes, sizeof(out->bytes));
    struct cm_root_note note = {.len = 0};
    struct cm_root root = {.says = ""};
    uint8_t wrapped[WRAPPED_MAX];
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(way->make(rest, &note, &root, why));
    CM_TRY(cm_keep_wrap_with(root.key, STORE_KEY, cm_span_make(store_key, CM_ROOT_SIZE), wrapped,
                             sizeof(wrapped), &len));
    cm_wr_bytes(&wr, MAGIC, MAGIC_SIZE);
    cm_wr_u8(&wr, way->number);
    cm_wr_u32le(&wr, (uint32_t)note.len);
    cm_wr_bytes(&wr, note.bytes, note.len);
    cm_wr_bytes(&wr, wrapped, len);
    CM_TRY(cm_wr_finish(&wr));
    out->len = wr.used;
out:
    cm_wipe(&root, sizeof(root));
    return st;
}

static const char *way_says(uint8_t number)
{
    for (size_t i = 0; i < WAY_COUNT; i++) {
        if (ways[i]->number == number) {
            return ways[i]->says;
        }
    }
    return "a way that this version does not know";
}

static enum cm_status remember(struct cm_keep *keep, const struct cm_root_way *way,
                               const char *rest, const struct cm_root_note *note)
{
    const size_t len = strlen(rest) + 1;
    struct kept_enclave *e = malloc(sizeof(*e) + len);

    if (e == NULL) {
        return CM_ERR_NOMEM;
    }
    e->way = way;
    e->note = *note;
    memcpy(e->rest, rest, len);
    free(keep->enclave);
    keep->enclave = e;
    return CM_OK;
}

/* The store key out of a record. */
static enum cm_status open_record(const struct record *record, const struct cm_root_way *way,
                                  const char *rest, struct cm_keep *keep, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(cm_span_make(record->bytes, record->len));
    struct cm_span magic = cm_rd_take(&rd, MAGIC_SIZE);
    uint8_t number = cm_rd_u8(&rd);
    struct cm_span note_bytes = cm_rd_take(&rd, cm_rd_u32le(&rd));
    struct cm_span wrapped = cm_rd_rest(&rd);
    struct cm_root_note note = {.len = note_bytes.len};
    struct cm_root root = {.says = ""};
    size_t len = 0;
    enum cm_status st = CM_OK;

    if (cm_rd_finish(&rd) != CM_OK || memcmp(magic.ptr, MAGIC, MAGIC_SIZE) != 0 ||
        note_bytes.len > sizeof(note.bytes)) {
        return malformed(why);
    }
    if (number != way->number) {
        cm_why_set(why,
                   "this store's root key is kept by %s, not by %s: \"casemate serve rewrap\" "
                   "changes that",
                   way_says(number), way->says);
        return CM_ERR_MISMATCH;
    }
    memcpy(note.bytes, note_bytes.ptr, note_bytes.len);
    CM_TRY(way->find(rest, &note, &root, why));
    st = cm_keep_unwrap_with(root.key, STORE_KEY, wrapped, keep->key, sizeof(keep->key), &len);
    if (st == CM_ERR_SIGNATURE || st == CM_ERR_SPACE || (st == CM_OK && len != sizeof(keep->key))) {
        cm_why_set(why, "%s is not the root key that this store was made with", root.says);
        st = CM_ERR_MISMATCH;
    }
    CM_TRY(st);
    memcpy(keep->says, root.says, sizeof(keep->says));
    keep->emulated = root.emulated;
    st = way->quote == NULL ? CM_OK : remember(keep, way, rest, &note);
out:
    cm_wipe(&root, sizeof(root));
    return st;
}

/* ------------------------------------------------------------------ public */

/* The first record wins: of two instances that start at once, one has made a key for nothing. */
static enum cm_status first_record(struct cm_db *db, const struct cm_root_way *way,
                                   const char *rest, struct record *record, struct cm_why *why)
{
    uint8_t store_key[CM_ROOT_SIZE] = {0};
    struct cm_db_value values[2];
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(store_key, sizeof(store_key)));
    CM_TRY(make_record(way, rest, store_key, record, why));
    values[0] = cm_db_text(RECORD_NAME);
    values[1] = cm_db_blob(cm_span_make(record->bytes, record->len));
    CM_TRY(cm_db_run(
        db, "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        cm_db_with(values, 2), cm_db_nowhere(), why));
    CM_TRY(read_record(db, record, why));
    if (record->len == 0) {
        CM_TRY(malformed(why));
    }
out:
    cm_wipe(store_key, sizeof(store_key));
    return st;
}

enum cm_status cm_keep_open(const char *where, struct cm_db *db, struct cm_keep **out,
                            struct cm_why *why)
{
    const char *rest = NULL;
    const struct cm_root_way *way = way_of(where, &rest, why);
    struct record record = {.len = 0};
    struct cm_keep *keep = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    if (way == NULL) {
        return CM_ERR_PARAM;
    }
    keep = keep_alloc();
    if (keep == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_schema_apply(db, why));
    CM_TRY(read_record(db, &record, why));
    if (record.len == 0) {
        CM_TRY(first_record(db, way, rest, &record, why));
    }
    CM_TRY(open_record(&record, way, rest, keep, why));
    *out = keep;
    keep = NULL;
out:
    cm_keep_close(keep);
    return st;
}

enum cm_status cm_keep_rewrap(const char *from, const char *to, struct cm_db *db,
                              struct cm_why *why)
{
    const char *old_rest = NULL;
    const char *new_rest = NULL;
    const struct cm_root_way *old_way = way_of(from, &old_rest, why);
    const struct cm_root_way *new_way = way_of(to, &new_rest, why);
    struct record old = {.len = 0};
    struct record new = {.len = 0};
    struct cm_keep *keep = NULL;
    struct cm_db_value values[3];
    enum cm_status st = CM_OK;

    if (old_way == NULL || new_way == NULL) {
        return CM_ERR_PARAM;
    }
    keep = keep_alloc();
    if (keep == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_schema_apply(db, why));
    CM_TRY(read_record(db, &old, why));
    if (old.len == 0) {
        cm_why_set(why, "this store has no root key yet");
        CM_TRY(CM_ERR_NOTFOUND);
    }
    CM_TRY(open_record(&old, old_way, old_rest, keep, why));
    CM_TRY(make_record(new_way, new_rest, keep->key, &new, why));
    values[0] = cm_db_blob(cm_span_make(new.bytes, new.len));
    values[1] = cm_db_text(RECORD_NAME);
    values[2] = cm_db_blob(cm_span_make(old.bytes, old.len));
    CM_TRY(cm_db_run(db, "UPDATE setting SET value = ? WHERE name = ? AND value = ?",
                     cm_db_with(values, 3), cm_db_nowhere(), why));
    if (cm_db_changed(db) != 1) {
        cm_why_set(why, "somebody else has changed the root key meanwhile");
        st = CM_ERR_BUSY;
    }
out:
    cm_keep_close(keep);
    return st;
}

const char *cm_keep_says(const struct cm_keep *keep)
{
    return keep->says;
}

bool cm_keep_emulated(const struct cm_keep *keep)
{
    return keep->emulated;
}

bool cm_keep_quotes(const struct cm_keep *keep)
{
    return keep->enclave != NULL;
}

enum cm_status cm_keep_quote(const struct cm_keep *keep, const uint8_t data[32], uint8_t **out,
                             size_t *len, struct cm_why *why)
{
    const struct kept_enclave *e = keep->enclave;

    *out = NULL;
    *len = 0;
    if (e == NULL) {
        cm_why_set(why, "no enclave keeps the root key");
        return CM_ERR_UNSUPPORTED;
    }
    return e->way->quote(e->rest, &e->note, data, out, len, why);
}

enum cm_status cm_keep_wrap(const struct cm_keep *keep, const char *name, struct cm_span plain,
                            uint8_t *out, size_t cap, size_t *len)
{
    return cm_keep_wrap_with(keep->key, name, plain, out, cap, len);
}

enum cm_status cm_keep_unwrap(const struct cm_keep *keep, const char *name, struct cm_span wrapped,
                              uint8_t *out, size_t cap, size_t *len)
{
    return cm_keep_unwrap_with(keep->key, name, wrapped, out, cap, len);
}
