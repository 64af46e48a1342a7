/*
 * Memory of one compilation: everything the front end builds lives until cm_edl_arena_free(), so no
 * node has an owner of its own. The total is capped; a request beyond the cap fails like malloc.
 */
#ifndef CM_EDL_ARENA_H
#define CM_EDL_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct cm_edl_block;

struct cm_edl_arena {
    struct cm_edl_block *blocks;
    size_t used;  /* in the newest block */
    size_t total; /* bytes of all blocks */
};

/** Zeroed memory for n bytes, or NULL. Aligned for every type. */
void *cm_edl_alloc(struct cm_edl_arena *a, size_t n);

/** A NUL-terminated copy of n bytes, or NULL. */
char *cm_edl_copy_text(struct cm_edl_arena *a, const char *text, size_t n);

void cm_edl_arena_free(struct cm_edl_arena *a);

/* A growable array of borrowed pointers. */
struct cm_edl_list {
    void **items;
    size_t count;
    size_t cap;
};

/** False when memory ran out; the list is then unchanged. */
bool cm_edl_list_add(struct cm_edl_arena *a, struct cm_edl_list *l, void *item);

#endif
