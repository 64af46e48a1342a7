/*
 * A bump allocator with a maximum: what a policy, a claim set or an evaluation is made of, freed in one
 * go. Failure is sticky, so that builders ask once; a zero-sized request gives a valid pointer.
 */
#ifndef CM_POLICY_ARENA_H
#define CM_POLICY_ARENA_H

#include <casemate/status.h>

#include "common/span.h"

struct cm_arena_chunk;

struct cm_arena {
    struct cm_arena_chunk *chunks;
    size_t used; /* of the first chunk */
    size_t cap;  /* of the first chunk */
    size_t total;
    size_t max;
    enum cm_status status; /* sticky: CM_ERR_NOMEM or CM_ERR_LIMIT */
};

/** An empty arena that never holds more than max bytes. Nothing is allocated yet. */
struct cm_arena cm_arena_init(size_t max);

/** Frees all; the arena is empty and usable again. */
void cm_arena_free(struct cm_arena *a);

/** n zeroed bytes aligned for any type; NULL when they cannot be had, see status. */
void *cm_arena_get(struct cm_arena *a, size_t n);

/** count zeroed elements of size bytes. */
void *cm_arena_array(struct cm_arena *a, size_t count, size_t size);

/** A copy with a NUL behind it (not counted); {NULL, 0} on failure. */
struct cm_span cm_arena_copy(struct cm_arena *a, struct cm_span s);

#endif
