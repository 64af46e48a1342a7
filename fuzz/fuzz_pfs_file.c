/*
 * A protected file in the hands of its host. The first byte says what the others are: a header, or a
 * decrypted body, which must be written again as it was read; or changes of a genuine file of two
 * times (bytes, blocks of either time, blocks swapped, its length), after which what is read is one of
 * those times, whole, or nothing. Then it is written to, which must not crash.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pfs/pfs_file.h"
#include "pfs/pfs_info.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { ROOM = 64 * CM_PFS_BLOCK, TEXT = 3 * CM_PFS_BLOCK - 7, CHANGES = 64 };

struct store {
    uint8_t bytes[ROOM];
    size_t len;
};

static struct store times[2];
static struct store work;
static uint8_t texts[2][TEXT];
static const uint8_t name[CM_PFS_NAME] = "name";
static uint8_t number; /* what random bytes are made of */

static long store_read(void *ctx, void *buf, size_t n, uint64_t at)
{
    const struct store *s = ctx;

    if (at > s->len || n > s->len - at) {
        return -EBADMSG;
    }
    memcpy(buf, s->bytes + at, n);
    return 0;
}

static long store_write(void *ctx, const void *buf, size_t n, uint64_t at)
{
    struct store *s = ctx;

    if (at > ROOM || n > ROOM - at) {
        return -ENOSPC;
    }
    memcpy(s->bytes + at, buf, n);
    s->len = at + n > s->len ? at + n : s->len;
    return 0;
}

static long store_resize(void *ctx, uint64_t len)
{
    struct store *s = ctx;

    if (len > ROOM) {
        return -ENOSPC;
    }
    s->len = len;
    return 0;
}

static long store_sync(void *ctx)
{
    (void)ctx;
    return 0;
}

static long store_length(void *ctx, uint64_t *len)
{
    *len = ((const struct store *)ctx)->len;
    return 0;
}

static long key_make(void *ctx, struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    (void)ctx;
    head->kind = CM_PFS_KIND_GIVEN;
    out->len = 32;
    memset(out->bytes, 9, out->len);
    return 0;
}

static long key_find(void *ctx, const struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    static const uint8_t none[CM_PFS_INFO];
    struct cm_pfs_head same = *head;

    return head->kind != CM_PFS_KIND_GIVEN || !cm_pfs_info_lawful(head->info, none)
               ? -EKEYREJECTED
               : key_make(ctx, &same, out);
}

static long key_random(void *out, size_t n)
{
    memset(out, ++number, n);
    return 0;
}

static const struct cm_pfs_under under = {store_read, store_write, store_resize, store_sync,
                                          store_length};
static const struct cm_pfs_keys keys = {key_make, key_find, key_random};

static void must(int good)
{
    if (!good) {
        abort();
    }
}

static struct cm_pfs_file *opened(struct store *s)
{
    struct cm_pfs_ground g = {&under, s, &keys, NULL};
    struct cm_pfs_file *f = NULL;

    return cm_pfs_open(&g, name, CM_PFS_OPEN_WRITE, &f) == 0 ? f : NULL;
}

static void make_times(void)
{
    struct cm_pfs_ground g = {&under, &work, &keys, NULL};

    must(cm_pfs_create(&g, name) == 0);
    for (unsigned i = 0; i < 2; i++) {
        struct cm_pfs_file *f = opened(&work);

        memset(texts[i], (int)i + 1, TEXT);
        must(f != NULL && cm_pfs_write(f, texts[i], TEXT, 0) == TEXT && cm_pfs_close(f) == 0);
        times[i] = work;
    }
}

static void on_header(struct cm_span in)
{
    uint8_t block[CM_PFS_BLOCK] = {0};
    uint8_t again[CM_PFS_BLOCK] = {0};
    struct cm_pfs_head head;

    memcpy(block, in.ptr, in.len < sizeof(block) ? in.len : sizeof(block));
    if (cm_pfs_head_read(block, &head) == CM_OK) {
        cm_pfs_head_write(&head, again);
        must(memcmp(block, again, CM_PFS_BODY_AT) == 0);
    }
}

static void on_body(struct cm_span in)
{
    uint8_t bytes[CM_PFS_BLOCK - CM_PFS_BODY_AT] = {0};
    uint8_t again[sizeof(bytes)];
    struct cm_pfs_body body;

    memcpy(bytes, in.ptr, in.len < sizeof(bytes) ? in.len : sizeof(bytes));
    if (cm_pfs_body_read(bytes, &body) == CM_OK) {
        cm_pfs_body_write(&body, again);
        must(memcmp(bytes, again, sizeof(bytes)) == 0);
    }
}

static void change(struct cm_rd *r)
{
    const size_t a = cm_rd_u16le(r) % (ROOM / CM_PFS_BLOCK) * CM_PFS_BLOCK;
    const size_t b = cm_rd_u16le(r) % (ROOM / CM_PFS_BLOCK) * CM_PFS_BLOCK;
    const size_t in_block = cm_rd_u16le(r) % CM_PFS_BLOCK;
    const uint8_t value = cm_rd_u8(r);
    uint8_t kept[CM_PFS_BLOCK];

    switch (cm_rd_u8(r) % 5) {
    case 0:
        work.bytes[a + in_block] ^= value;
        break;
    case 1:
        memcpy(work.bytes + a, times[value & 1].bytes + a, CM_PFS_BLOCK);
        break;
    case 2:
        memcpy(work.bytes + a, times[value & 1].bytes + b, CM_PFS_BLOCK);
        break;
    case 3:
        memcpy(kept, work.bytes + a, CM_PFS_BLOCK);
        memcpy(work.bytes + a, work.bytes + b, CM_PFS_BLOCK);
        memcpy(work.bytes + b, kept, CM_PFS_BLOCK);
        break;
    default:
        work.len = a + in_block;
        break;
    }
}

static void on_changes(struct cm_span in)
{
    static uint8_t got[TEXT + 1];
    struct cm_rd r = cm_rd_init(in);
    struct cm_pfs_file *f;
    long n;

    work = times[cm_rd_u8(&r) & 1];
    for (unsigned i = 0; i < CHANGES && r.left != 0; i++) {
        change(&r);
    }
    f = opened(&work);
    if (f == NULL) {
        return;
    }
    n = cm_pfs_read(f, got, sizeof(got), 0);
    must(n == -EBADMSG ||
         (n == TEXT && (memcmp(got, texts[0], TEXT) == 0 || memcmp(got, texts[1], TEXT) == 0)));
    (void)cm_pfs_write(f, "text", 4, 5000);
    (void)cm_pfs_resize(f, 100);
    (void)cm_pfs_close(f);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static int ready;

    if (!ready) {
        make_times();
        ready = 1;
    }
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        on_header(cm_span_make(data + 1, size - 1));
        break;
    case 1:
        on_body(cm_span_make(data + 1, size - 1));
        break;
    default:
        on_changes(cm_span_make(data + 1, size - 1));
        break;
    }
    return 0;
}
