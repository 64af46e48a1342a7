/*
 * The root key out of a passphrase in a file, by Argon2id; see keep.h. Untrusted: the note, whose numbers say
 * how much memory and time are spent.
 */
#include <argon2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "common/writer.h"
#include "crypto/keyenc.h"
#include "keep/keep_root.h"
#include "os/os.h"

#define SALT_SIZE  16u
#define PHRASE_MIN 12u
#define PHRASE_MAX 1024u

/* RFC 9106 section 4, the second recommended choice; the note's may be up to 16 times as dear */
static const struct cost {
    uint32_t passes;
    uint32_t kib;
    uint32_t lanes;
} new_cost = {3, 64 * 1024, 4}, max_cost = {48, 1024 * 1024, 64};

static enum cm_status read_phrase(const char *path, uint8_t **out, size_t *out_len, size_t *used,
                                  struct cm_why *why)
{
    enum cm_status st = cm_file_read_private(path, PHRASE_MAX, out, out_len, why);

    if (st != CM_OK) {
        return st;
    }
    *used = *out_len;
    *used -= *used > 0 && (*out)[*used - 1] == '\n' ? 1 : 0;
    *used -= *used > 0 && *used != *out_len && (*out)[*used - 1] == '\r' ? 1 : 0;
    if (*used < PHRASE_MIN) {
        cm_why_set(why, "%s: a passphrase has at least %u bytes", path, PHRASE_MIN);
        return CM_ERR_LIMIT;
    }
    return CM_OK;
}

static enum cm_status derive(struct cm_span phrase, const struct cost *cost,
                             const uint8_t salt[SALT_SIZE], uint8_t key[CM_ROOT_SIZE],
                             struct cm_why *why)
{
    int r = argon2id_hash_raw(cost->passes, cost->kib, cost->lanes, phrase.ptr, phrase.len, salt,
                              SALT_SIZE, key, CM_ROOT_SIZE);

    if (r == ARGON2_OK) {
        return CM_OK;
    }
    cm_wipe(key, CM_ROOT_SIZE);
    cm_why_set(why, "the root key cannot be derived: %s", argon2_error_message(r));
    return r == ARGON2_MEMORY_ALLOCATION_ERROR ? CM_ERR_NOMEM : CM_ERR_CRYPTO;
}

static enum cm_status find_phrase(const char *path, const struct cm_root_note *note,
                                  struct cm_root *root, struct cm_why *why)
{
    struct cm_rd rd = cm_rd_init(cm_span_make(note->bytes, note->len));
    struct cost cost = {0, 0, 0};
    uint8_t salt[SALT_SIZE] = {0};
    uint8_t *phrase = NULL;
    size_t len = 0;
    size_t used = 0;
    enum cm_status st = CM_OK;

    cost.passes = cm_rd_u32le(&rd);
    cost.kib = cm_rd_u32le(&rd);
    cost.lanes = cm_rd_u32le(&rd);
    cm_rd_copy(&rd, salt, sizeof(salt));
    if (cm_rd_finish(&rd) != CM_OK || cost.passes == 0 || cost.passes > max_cost.passes ||
        cost.lanes == 0 || cost.lanes > max_cost.lanes || cost.kib < 8 * cost.lanes ||
        cost.kib > max_cost.kib) {
        cm_why_set(why, "the store's record of its root key is malformed");
        return CM_ERR_FORMAT;
    }
    CM_TRY(read_phrase(path, &phrase, &len, &used, why));
    CM_TRY(derive(cm_span_make(phrase, used), &cost, salt, root->key, why));
    (void)snprintf(root->says, sizeof(root->says), "a passphrase in the file %s", path);
out:
    cm_wipe(phrase, len);
    free(phrase);
    return st;
}

static enum cm_status make_phrase(const char *path, struct cm_root_note *note, struct cm_root *root,
                                  struct cm_why *why)
{
    struct cm_wr wr = cm_wr_init(note->bytes, sizeof(note->bytes));
    uint8_t salt[SALT_SIZE] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(salt, sizeof(salt)));
    cm_wr_u32le(&wr, new_cost.passes);
    cm_wr_u32le(&wr, new_cost.kib);
    cm_wr_u32le(&wr, new_cost.lanes);
    cm_wr_bytes(&wr, salt, sizeof(salt));
    note->len = wr.used;
    CM_TRY(cm_wr_finish(&wr));
    CM_TRY(find_phrase(path, note, root, why));
out:
    return st;
}

const struct cm_root_way cm_root_phrase = {.scheme = "passphrase-file",
                                           .number = 2,
                                           .says = "a passphrase",
                                           .make = make_phrase,
                                           .find = find_phrase};
