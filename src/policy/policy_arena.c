/* A bump allocator with a maximum; see policy_arena.h. */
#include "policy/policy_arena.h"

#include <stdlib.h>
#include <string.h>

#include "common/checked.h"

#define FIRST_CHUNK 8192u

struct cm_arena_chunk {
    struct cm_arena_chunk *next;
    _Alignas(16) uint8_t data[];
};

struct cm_arena cm_arena_init(size_t max)
{
    struct cm_arena a = {.max = max};

    return a;
}

void cm_arena_free(struct cm_arena *a)
{
    while (a->chunks != NULL) {
        struct cm_arena_chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
    *a = cm_arena_init(a->max);
}

/* A chunk for at least n bytes in front of the others. */
static bool add_chunk(struct cm_arena *a, size_t n)
{
    struct cm_arena_chunk *c = NULL;
    size_t cap = a->chunks == NULL ? FIRST_CHUNK : 2 * a->cap;

    if (cap < n) {
        cap = n;
    }
    if (cap > a->max - a->total) {
        cap = n; /* near the maximum: just what is needed */
    }
    if (n > a->max - a->total) {
        a->status = CM_ERR_LIMIT;
        return false;
    }
    c = malloc(sizeof(*c) + cap); /* cap is below max, which is far below SIZE_MAX */
    if (c == NULL) {
        a->status = CM_ERR_NOMEM;
        return false;
    }
    c->next = a->chunks;
    a->chunks = c;
    a->cap = cap;
    a->used = 0;
    a->total += cap;
    return true;
}

void *cm_arena_get(struct cm_arena *a, size_t n)
{
    void *p = NULL;
    uint64_t rounded = 0;

    if (a->status != CM_OK) {
        return NULL;
    }
    if (cm_round_up_ovf(n == 0 ? 1 : n, 16, &rounded) || rounded > a->max) {
        a->status = CM_ERR_LIMIT;
        return NULL;
    }
    if ((a->chunks == NULL || rounded > a->cap - a->used) && !add_chunk(a, (size_t)rounded)) {
        return NULL;
    }
    p = a->chunks->data + a->used;
    a->used += (size_t)rounded;
    memset(p, 0, (size_t)rounded);
    return p;
}

void *cm_arena_array(struct cm_arena *a, size_t count, size_t size)
{
    size_t bytes = 0;

    if (cm_mul_ovf(count, size, &bytes)) {
        a->status = CM_ERR_LIMIT;
        return NULL;
    }
    return cm_arena_get(a, bytes);
}

struct cm_span cm_arena_copy(struct cm_arena *a, struct cm_span s)
{
    size_t bytes = 0;
    uint8_t *p = NULL;

    if (cm_add_ovf(s.len, (size_t)1, &bytes)) {
        a->status = CM_ERR_LIMIT;
        return cm_span_make(NULL, 0);
    }
    p = cm_arena_get(a, bytes);
    if (p == NULL) {
        return cm_span_make(NULL, 0);
    }
    if (s.len != 0) {
        memcpy(p, s.ptr, s.len);
    }
    return cm_span_make(p, s.len);
}
