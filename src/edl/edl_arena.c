/* The arena of the EDL front end: blocks from malloc, freed together. Used by every edl_*.c. */
#include "edl/edl_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checked.h"

#define BLOCK_SIZE ((size_t)64 * 1024)
#define MAX_TOTAL  ((size_t)256 * 1024 * 1024)

struct cm_edl_block {
    struct cm_edl_block *next;
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

static bool add_block(struct cm_edl_arena *a, size_t need)
{
    size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
    struct cm_edl_block *b = NULL;

    if (size > MAX_TOTAL - a->total) {
        return false;
    }
    b = malloc(sizeof(*b) + size);
    if (b == NULL) {
        return false;
    }
    b->next = a->blocks;
    b->size = size;
    a->blocks = b;
    a->used = 0;
    a->total += size;
    return true;
}

void *cm_edl_alloc(struct cm_edl_arena *a, size_t n)
{
    uint64_t rounded = 0;
    void *p = NULL;

    if (cm_round_up_ovf(n, alignof(max_align_t), &rounded) || rounded > MAX_TOTAL) {
        return NULL;
    }
    if (a->blocks == NULL || rounded > a->blocks->size - a->used) {
        if (!add_block(a, (size_t)rounded)) {
            return NULL;
        }
    }
    p = a->blocks->data + a->used;
    a->used += (size_t)rounded;
    memset(p, 0, n);
    return p;
}

char *cm_edl_copy_text(struct cm_edl_arena *a, const char *text, size_t n)
{
    char *p = NULL;

    if (n == SIZE_MAX) {
        return NULL;
    }
    p = cm_edl_alloc(a, n + 1);
    if (p != NULL && n != 0) {
        memcpy(p, text, n);
    }
    return p;
}

void cm_edl_arena_free(struct cm_edl_arena *a)
{
    while (a->blocks != NULL) {
        struct cm_edl_block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
    a->total = 0;
}

bool cm_edl_list_add(struct cm_edl_arena *a, struct cm_edl_list *l, void *item)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 8 : l->cap * 2;
        void **items = cm_edl_alloc(a, cap * sizeof(*items));

        if (items == NULL) {
            return false;
        }
        if (l->count != 0) {
            memcpy(items, l->items, l->count * sizeof(*items));
        }
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = item;
    return true;
}
