/*
 * Keys and headers of a protected file. The two headers at its start are written in turn; which one
 * counts, and which pairs of them cannot be, is said in docs/protected-files.md.
 */
#include <errno.h>
#include <string.h>

#include "common/wipe.h"
#include "pfs/pfs_inner.h"

enum { BODY_LEN = CM_PFS_BLOCK - CM_PFS_BODY_AT, PLACES = 2 };

static const uint8_t zero_nonce[CM_GCM_IV_SIZE];

long cm_pfs_errno(enum cm_status st)
{
    if (st == CM_OK) {
        return 0;
    }
    if (st == CM_ERR_NOMEM || st == CM_ERR_CRYPTO) { /* OpenSSL fails at nothing else here */
        return -ENOMEM;
    }
    if (st == CM_ERR_UNSUPPORTED) {
        return -EOPNOTSUPP;
    }
    return st == CM_ERR_FORMAT || st == CM_ERR_SIGNATURE ? -EBADMSG : -EIO;
}

/* The next nonce. Numbers from a random start of 96 bits: two sessions do not meet. */
static void next_nonce(struct cm_pfs_file *f, uint8_t out[CM_PFS_NONCE])
{
    memcpy(out, f->nonce, CM_PFS_NONCE);
    for (size_t i = 0; i < CM_PFS_NONCE && ++f->nonce[i] == 0; i++) {
    }
}

static void place_of(int level, uint64_t index, uint32_t gen, uint8_t out[16])
{
    struct cm_wr w = cm_wr_init(out, 16);

    cm_wr_u32le(&w, (uint32_t)level);
    cm_wr_u32le(&w, gen);
    cm_wr_u64le(&w, index);
}

long cm_pfs_seal_block(struct cm_pfs_file *f, int level, uint64_t index, const uint8_t *plain,
                       struct cm_pfs_entry *entry, uint8_t *out)
{
    uint8_t place[16];

    next_nonce(f, entry->nonce);
    place_of(level, index, entry->gen, place);
    return cm_pfs_errno(cm_gcm_seal_with(f->gcm, entry->nonce, cm_span_make(place, sizeof(place)),
                                         cm_span_make(plain, CM_PFS_BLOCK), out, entry->tag));
}

long cm_pfs_open_block(struct cm_pfs_file *f, int level, uint64_t index,
                       const struct cm_pfs_entry *entry, const uint8_t *sealed, uint8_t *out)
{
    uint8_t place[16];

    place_of(level, index, entry->gen, place);
    return cm_pfs_errno(cm_gcm_open_with(f->gcm, entry->nonce, cm_span_make(place, sizeof(place)),
                                         cm_span_make(sealed, CM_PFS_BLOCK), entry->tag, out));
}

void cm_pfs_next_slot(const struct cm_pfs_file *f, struct cm_pfs_entry *entry)
{
    const uint32_t now = cm_pfs_gen(f);

    if (entry->gen == 0) {
        entry->slot = 0;
    } else if (entry->gen != now) {
        entry->slot = 1 - entry->slot;
    }
    entry->gen = now;
}

void cm_pfs_reach(struct cm_pfs_file *f, uint64_t block)
{
    if (f->body.blocks < block + 1) {
        f->body.blocks = block + 1;
    }
}

/* The key that wraps the file's own: of the base key, and of this file alone. */
static enum cm_status wrapping_key(const struct cm_pfs_base *base, const struct cm_pfs_head *head,
                                   uint8_t out[CM_SHA256_SIZE])
{
    static const char label[] = "casemate protected file 1";
    uint8_t fixed[sizeof(label) + CM_PFS_ID + CM_PFS_SALT];
    struct cm_wr w = cm_wr_init(fixed, sizeof(fixed));

    cm_wr_bytes(&w, label, sizeof(label));
    cm_wr_bytes(&w, head->id, sizeof(head->id));
    cm_wr_bytes(&w, head->salt, sizeof(head->salt));
    return cm_kdf_counter(cm_span_make(base->bytes, base->len), cm_span_make(fixed, sizeof(fixed)),
                          out);
}

/* Wraps or unwraps the file's key, and makes the cipher of it. block: the header so far. */
static long with_key(struct cm_pfs_file *f, struct cm_pfs_head *head,
                     const struct cm_pfs_base *base, bool fresh, const uint8_t *block,
                     struct cm_gcm **out)
{
    const struct cm_span fixed = cm_span_make(block, CM_PFS_FIXED_LEN);
    uint8_t kek[CM_SHA256_SIZE] = {0};
    uint8_t key[CM_PFS_KEY] = {0};
    enum cm_status st = wrapping_key(base, head, kek);
    long r = cm_pfs_errno(st);

    if (r == 0 && fresh) {
        r = f->ground.keys->random(key, sizeof(key));
    }
    if (r == 0) {
        st = fresh ? cm_gcm_seal(cm_span_make(kek, sizeof(kek)), zero_nonce, fixed,
                                 cm_span_make(key, sizeof(key)), head->wrapped, head->wrap_tag)
                   : cm_gcm_open(cm_span_make(kek, sizeof(kek)), zero_nonce, fixed,
                                 cm_span_make(head->wrapped, sizeof(head->wrapped)), head->wrap_tag,
                                 key);
        r = cm_pfs_errno(st);
    }
    if (r == 0) {
        r = cm_pfs_errno(cm_gcm_create(key, out));
    }
    cm_wipe(kek, sizeof(kek));
    cm_wipe(key, sizeof(key));
    return r;
}

long cm_pfs_header_make(struct cm_pfs_file *f)
{
    struct cm_pfs_base base = {.len = 0};
    uint8_t block[CM_PFS_BLOCK] = {0};
    long r = f->ground.keys->random(f->head.id, sizeof(f->head.id));

    if (r == 0) {
        r = f->ground.keys->random(f->head.salt, sizeof(f->head.salt));
    }
    if (r == 0) {
        r = f->ground.keys->make(f->ground.key_ctx, &f->head, &base);
    }
    if (r == 0) {
        cm_pfs_head_write(&f->head, block);
        r = with_key(f, &f->head, &base, true, block, &f->gcm);
    }
    cm_wipe(&base, sizeof(base));
    return r;
}

/* One header that was read. */
struct read_header {
    uint8_t block[CM_PFS_BLOCK];
    struct cm_pfs_head head;
    struct cm_pfs_body body;
};

static long read_one(struct cm_pfs_file *f, unsigned place, struct read_header *out,
                     struct cm_gcm **gcm)
{
    struct cm_pfs_base base = {.len = 0};
    uint8_t plain[BODY_LEN];
    long r = f->ground.under->read(f->ground.storage, out->block, CM_PFS_BLOCK,
                                   (uint64_t)place * CM_PFS_BLOCK);

    if (r == 0) {
        r = cm_pfs_errno(cm_pfs_head_read(out->block, &out->head));
    }
    if (r == 0) {
        r = f->ground.keys->find(f->ground.key_ctx, &out->head, &base);
    }
    if (r == 0) {
        r = with_key(f, &out->head, &base, false, out->block, gcm);
    }
    if (r == 0) {
        r = cm_pfs_errno(cm_gcm_open_with(
            *gcm, out->head.nonce, cm_span_make(out->block, CM_PFS_BODY_TAG_AT),
            cm_span_make(out->block + CM_PFS_BODY_AT, BODY_LEN), out->head.tag, plain));
    }
    if (r == 0) {
        r = cm_pfs_errno(cm_pfs_body_read(plain, &out->body));
    }
    if (r != 0) {
        cm_gcm_free(*gcm);
        *gcm = NULL;
    }
    cm_wipe(&base, sizeof(base));
    cm_wipe(plain, sizeof(plain));
    return r;
}

/* Whether both can stand there at once: two of one closed file, or one and the next. */
static bool pair_is_lawful(const struct read_header h[PLACES], unsigned *newer)
{
    const unsigned n = h[1].body.version > h[0].body.version ? 1 : 0;

    *newer = n;
    if (memcmp(h[0].block, h[1].block, CM_PFS_BLOCK) == 0) {
        return !h[0].body.open;
    }
    return memcmp(h[n].body.before, h[1 - n].head.tag, CM_PFS_TAG) == 0;
}

/* Which of the headers counts. failed: why each cannot be read, 0 for those that can. */
static long choose(const struct read_header h[PLACES], const long failed[PLACES], unsigned flags,
                   unsigned *which)
{
    unsigned good;

    for (unsigned i = 0; i < PLACES; i++) {
        /* a header that says that somebody writes has its place by its number */
        if (failed[i] == 0 && h[i].body.open && (h[i].body.version & 1) != i) {
            return -EBADMSG;
        }
    }
    if (failed[0] == 0 && failed[1] == 0) {
        return pair_is_lawful(h, which) ? 0 : -EBADMSG;
    }
    if (failed[0] != 0 && failed[1] != 0) {
        return failed[0] == -ENOMEM || failed[1] == -ENOMEM ? -ENOMEM : failed[0];
    }
    good = failed[0] == 0 ? 0 : 1;
    if (failed[1 - good] != -EBADMSG) {
        return failed[1 - good]; /* it could not be judged */
    }
    *which = good;
    /* while a commit writes one, the other says so; a file that is closed has two */
    return h[good].body.open ? 0 : (flags & CM_PFS_OPEN_RECOVER) != 0 ? 0 : -EUCLEAN;
}

/* The host's file is of so many blocks, or when not exact, of more. */
static long check_length(struct cm_pfs_file *f, uint64_t blocks, bool exact)
{
    const uint64_t want = blocks * CM_PFS_BLOCK;
    uint64_t len = 0;
    long r = f->ground.under->length(f->ground.storage, &len);

    if (r == 0 && (len < want || (exact && len != want))) {
        r = -EBADMSG;
    }
    return r;
}

static long put(struct cm_pfs_file *f, const uint8_t *block, unsigned place)
{
    long r = f->ground.under->write(f->ground.storage, block, CM_PFS_BLOCK,
                                    (uint64_t)place * CM_PFS_BLOCK);

    return r != 0 ? r : f->ground.under->sync(f->ground.storage);
}

long cm_pfs_header_load(struct cm_pfs_file *f, unsigned flags)
{
    struct read_header h[PLACES];
    struct cm_gcm *gcm[PLACES] = {NULL, NULL};
    long failed[PLACES];
    unsigned which = 0;
    long r;

    r = check_length(f, PLACES, false);
    if (r != 0) {
        return r;
    }
    for (unsigned i = 0; i < PLACES; i++) {
        failed[i] = read_one(f, i, &h[i], &gcm[i]);
    }
    r = choose(h, failed, flags, &which);
    if (r == 0) {
        f->head = h[which].head;
        f->body = h[which].body;
        f->gcm = gcm[which];
        gcm[which] = NULL;
        r = check_length(f, f->body.blocks, !f->body.open && failed[1 - which] == 0);
    }
    if (r == 0 && !f->body.open && failed[1 - which] != 0 && (flags & CM_PFS_OPEN_WRITE) != 0) {
        r = put(f, h[which].block,
                1 - which); /* what is about to be written may go over this one */
    }
    cm_gcm_free(gcm[0]);
    cm_gcm_free(gcm[1]);
    return r;
}

long cm_pfs_header_store(struct cm_pfs_file *f, bool closing)
{
    struct cm_pfs_body next = f->body;
    uint8_t plain[BODY_LEN];
    uint8_t block[CM_PFS_BLOCK];
    long r;

    if (next.version >= CM_PFS_GEN_MAX) {
        return -EFBIG;
    }
    next.version++;
    next.open = !closing;
    memcpy(next.before, f->head.tag, CM_PFS_TAG);
    next_nonce(f, f->head.nonce);
    cm_pfs_body_write(&next, plain);
    cm_pfs_head_write(&f->head, block);
    r = cm_pfs_errno(
        cm_gcm_seal_with(f->gcm, f->head.nonce, cm_span_make(block, CM_PFS_BODY_TAG_AT),
                         cm_span_make(plain, BODY_LEN), block + CM_PFS_BODY_AT, f->head.tag));
    if (r == 0) {
        memcpy(block + CM_PFS_BODY_TAG_AT, f->head.tag, CM_PFS_TAG);
        r = put(f, block, (unsigned)next.version & 1);
    }
    if (r == 0 && closing) {
        r = put(f, block, 1 - ((unsigned)next.version & 1));
    }
    if (r == 0) {
        f->body = next;
    }
    cm_wipe(plain, sizeof(plain));
    return r;
}
