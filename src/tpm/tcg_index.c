/* Events in one bank, replayed and held against their data; see tcg_index.h. Untrusted: the log. */
#include "tpm/tcg_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"

#define SEPARATORS 3

/* The digests of what firmware measures when it hands over: zeros, ones, or an error's number. */
struct separators {
    uint8_t digest[SEPARATORS][CM_TPM_MAX_DIGEST];
};

static enum cm_status make_separators(struct cm_hasher *hasher, struct separators *out)
{
    static const uint8_t values[SEPARATORS][4] = {
        {0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {1, 0, 0, 0}};
    enum cm_status st = CM_OK;

    for (size_t i = 0; i < SEPARATORS && st == CM_OK; i++) {
        const struct cm_span part = cm_span_make(values[i], sizeof(values[i]));

        st = cm_hasher_parts(hasher, &part, 1, out->digest[i]);
    }
    return st;
}

static bool is_separator(struct cm_span digest, const struct separators *separators)
{
    for (size_t i = 0; i < SEPARATORS && digest.ptr != NULL; i++) {
        if (memcmp(separators->digest[i], digest.ptr, digest.len) == 0) {
            return true;
        }
    }
    return false;
}

enum cm_status cm_tcg_index_make(const struct cm_tcg_log *log, uint16_t alg,
                                 struct cm_tcg_index *out)
{
    struct cm_tcg_index index = {.log = log, .alg = alg};
    struct cm_rd at = cm_rd_init(log->events);
    struct separators separators;
    enum cm_hash_alg hash = CM_HASH_SHA256;
    enum cm_status st = CM_OK;

    if (!cm_tpm_hash_alg(alg, &hash)) {
        return CM_ERR_UNSUPPORTED;
    }
    index.entries =
        malloc(log->event_count * sizeof(*index.entries)); /* CM_TCG_MAX_EVENTS bounds it */
    if (index.entries == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(cm_hasher_create(hash, &index.hasher));
    CM_TRY(make_separators(index.hasher, &separators));
    while (index.count < log->event_count) {
        struct cm_tcg_entry *e = &index.entries[index.count];

        *e = (struct cm_tcg_entry){.looked = false};
        if (!cm_tcg_next(log, &at, &e->event)) {
            break; /* cannot be: as many were counted */
        }
        e->digest = cm_tcg_digest(log, &e->event, alg);
        e->separator = is_separator(e->digest, &separators);
        index.count++;
    }
    *out = index;
    return CM_OK;
out:
    cm_tcg_index_free(&index);
    return st;
}

void cm_tcg_index_free(struct cm_tcg_index *index)
{
    cm_hasher_free(index->hasher);
    free(index->entries);
    index->hasher = NULL;
    index->entries = NULL;
    index->count = 0;
}

enum cm_status cm_tcg_replay(const struct cm_tcg_index *index, bool ccel, struct cm_tpm_bank *out)
{
    const size_t size = cm_tpm_hash_size(index->alg);

    memset(out, 0, sizeof(*out));
    out->alg = index->alg;
    if (!ccel) {
        out->value[0][size - 1] = index->log->locality;
    }
    for (size_t i = 0; i < index->count; i++) {
        const struct cm_tcg_entry *e = &index->entries[i];
        struct cm_span parts[2] = {{NULL, 0}, e->digest};
        enum cm_status st = CM_OK;

        if (e->event.type == CM_TCG_NO_ACTION) {
            continue;
        }
        if (e->digest.ptr == NULL) { /* a bank that was not extended leads nowhere */
            return CM_ERR_NOTFOUND;
        }
        parts[0] = cm_span_make(out->value[e->event.pcr], size);
        st = cm_hasher_parts(index->hasher, parts, 2, out->value[e->event.pcr]);
        if (st != CM_OK) {
            return st;
        }
        out->mask |= 1u << e->event.pcr;
    }
    return CM_OK;
}

/* The end of GRUB's mark ("grub_cmd: "): short, lower case and underscores; 0: there is none. */
static size_t mark_end(struct cm_span data)
{
    for (size_t i = 0; i + 1 < data.len && i < 32; i++) {
        uint8_t c = data.ptr[i];

        if (c == ':' && i != 0 && data.ptr[i + 1] == ' ') {
            return i + 2;
        }
        if (!((c >= 'a' && c <= 'z') || c == '_')) {
            return 0;
        }
    }
    return 0;
}

static bool is_hash_of(const struct cm_tcg_index *index, struct cm_span digest, struct cm_span part)
{
    uint8_t made[CM_TPM_MAX_DIGEST] = {0};

    return cm_hasher_parts(index->hasher, &part, 1, made) == CM_OK &&
           memcmp(made, digest.ptr, digest.len) == 0;
}

/* The parts of an event's data that may have been hashed, the likeliest first. */
static size_t candidates(const struct cm_tcg_event *event, struct cm_span out[3])
{
    const struct cm_span data = event->data;
    const size_t mark = event->type == CM_TCG_IPL ? mark_end(data) : 0;
    struct cm_span bare = data;
    size_t n = 0;

    bare.len -= data.len != 0 && data.ptr[data.len - 1] == 0 ? 1 : 0;
    if (mark != 0 && mark <= bare.len) {
        out[n++] = cm_span_make(data.ptr + mark, bare.len - mark);
    }
    out[n++] = data;
    if (bare.len != data.len) {
        out[n++] = bare;
    }
    return n;
}

bool cm_tcg_proven(const struct cm_tcg_index *index, struct cm_tcg_entry *entry,
                   struct cm_span *proven)
{
    struct cm_span parts[3] = {{NULL, 0}};

    if (!entry->looked && entry->digest.ptr != NULL) {
        const size_t count = candidates(&entry->event, parts);

        for (size_t i = 0; i < count && !entry->is_proven; i++) {
            entry->is_proven = is_hash_of(index, entry->digest, parts[i]);
            entry->proven = entry->is_proven ? parts[i] : cm_span_make(NULL, 0);
        }
    }
    entry->looked = true;
    *proven = entry->proven;
    return entry->is_proven;
}
