/*
 * Storage for the tests of protected files: bytes in memory, each write of which is remembered, so
 * that a test can stop the world after any of them; and keys that are the test's own.
 */
#ifndef CM_TESTS_PFS_MEMORY_H
#define CM_TESTS_PFS_MEMORY_H

#include "harness.h"

#include <errno.h>
#include <sys/random.h>

#include "pfs/pfs_file.h"

enum memory_act { MEMORY_WRITE, MEMORY_RESIZE, MEMORY_SYNC };

struct memory_step {
    enum memory_act act;
    uint64_t at; /* the new length of a resize */
    size_t n;
    uint8_t *bytes;
};

struct memory {
    uint8_t *bytes;
    size_t len;
    size_t cap;
    bool remembers;
    struct memory_step *steps;
    size_t count;
    long fail;         /* what the next writes answer, when not 0 */
    uint64_t fail_end; /* those that begin before it, when not 0 */
};

static long memory_resize_to(struct memory *m, uint64_t len)
{
    if (len > m->cap) {
        uint8_t *grown = __real_realloc(m->bytes, len * 2);

        if (grown == NULL) {
            return -ENOSPC;
        }
        m->bytes = grown;
        m->cap = len * 2;
    }
    if (len > m->len) {
        memset(m->bytes + m->len, 0, len - m->len);
    }
    m->len = len;
    return 0;
}

static void memory_put(struct memory *m, const void *buf, size_t n, uint64_t at)
{
    if (at + n > m->len) {
        (void)memory_resize_to(m, at + n);
    }
    memcpy(m->bytes + at, buf, n);
}

static void memory_note(struct memory *m, enum memory_act act, uint64_t at, const void *buf,
                        size_t n)
{
    struct memory_step *s;

    if (!m->remembers) {
        return;
    }
    m->steps = __real_realloc(m->steps, (m->count + 1) * sizeof(*m->steps));
    s = &m->steps[m->count++];
    *s = (struct memory_step){.act = act, .at = at, .n = n, .bytes = NULL};
    if (n != 0) {
        s->bytes = __real_malloc(n);
        memcpy(s->bytes, buf, n);
    }
}

static long memory_read(void *ctx, void *buf, size_t n, uint64_t at)
{
    const struct memory *m = ctx;

    if (at > m->len || n > m->len - at) {
        return -EBADMSG;
    }
    memcpy(buf, m->bytes + at, n);
    return 0;
}

static long memory_write(void *ctx, const void *buf, size_t n, uint64_t at)
{
    struct memory *m = ctx;

    if (m->fail != 0 && (m->fail_end == 0 || at < m->fail_end)) {
        return m->fail;
    }
    memory_note(m, MEMORY_WRITE, at, buf, n);
    memory_put(m, buf, n, at);
    return 0;
}

static long memory_resize(void *ctx, uint64_t len)
{
    memory_note(ctx, MEMORY_RESIZE, len, NULL, 0);
    return memory_resize_to(ctx, len);
}

static long memory_sync(void *ctx)
{
    memory_note(ctx, MEMORY_SYNC, 0, NULL, 0);
    return 0;
}

static long memory_length(void *ctx, uint64_t *len)
{
    *len = ((struct memory *)ctx)->len;
    return 0;
}

static inline void memory_copy(const struct memory *from, struct memory *to)
{
    *to = (struct memory){.bytes = NULL};
    (void)memory_resize_to(to, from->len);
    if (from->len != 0) {
        memcpy(to->bytes, from->bytes, from->len);
    }
}

static inline void memory_free(struct memory *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->steps[i].bytes);
    }
    free(m->steps);
    free(m->bytes);
    *m = (struct memory){.bytes = NULL};
}

/* keys: the context is the byte that the test's key is made of */
static long key_make(void *ctx, struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    head->kind = CM_PFS_KIND_GIVEN;
    out->len = 32;
    memset(out->bytes, *(const int *)ctx, out->len);
    return 0;
}

static long key_find(void *ctx, const struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    struct cm_pfs_head same = *head;

    return head->kind != CM_PFS_KIND_GIVEN ? -EKEYREJECTED : key_make(ctx, &same, out);
}

static long key_random(void *out, size_t n)
{
    return getrandom(out, n, 0) == (ssize_t)n ? 0 : -EIO;
}

static const struct cm_pfs_under memory_under = {memory_read, memory_write, memory_resize,
                                                 memory_sync, memory_length};
static const struct cm_pfs_keys memory_keys = {key_make, key_find, key_random};

/* A file in this storage, under the key of this number. */
static inline struct cm_pfs_ground memory_ground(struct memory *m, int *key)
{
    return (struct cm_pfs_ground){&memory_under, m, &memory_keys, key};
}

static inline void memory_name(const char *text, uint8_t name[CM_PFS_NAME])
{
    memset(name, 0, CM_PFS_NAME);
    memcpy(name, text, strlen(text));
}

/* Does the first `count` steps again, in fresh storage. */
static inline void memory_replay(const struct memory *from, size_t count, struct memory *to)
{
    for (size_t i = 0; i < count; i++) {
        const struct memory_step *s = &from->steps[i];

        if (s->act == MEMORY_WRITE) {
            memory_put(to, s->bytes, s->n, s->at);
        } else if (s->act == MEMORY_RESIZE) {
            (void)memory_resize_to(to, s->at);
        }
    }
}

#endif
