/*
 * The functions of pair.edl, written once and compiled twice: as ecalls (PAIR_TRUSTED, in the
 * shared object) and as ocalls. Their results depend on every byte that they are given.
 */
#ifndef PAIR_MODEL_H
#define PAIR_MODEL_H

#ifdef PAIR_TRUSTED
#include "pair_t.h"
#define CALLEE(name) e_##name /* what this side implements */
#else
#include "pair_u.h"
#define CALLEE(name) o_##name
#endif

#include <stdlib.h>
#include <string.h>

#ifdef PAIR_TRUSTED
#include <openenclave/edger8r/enclave.h>
#define pair_malloc oe_malloc
#define pair_free   oe_free
#else
#define pair_malloc malloc
#define pair_free   free
#endif

/* splitmix64 */
static inline uint64_t pair_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t pair_hash(uint64_t h, const void *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;

    for (size_t i = 0; b != NULL && i < n; i++) {
        h = (h ^ b[i]) * 0x100000001b3u;
    }
    return (h ^ (p == NULL)) * 0x100000001b3u;
}

#define PAIR_MIX(h, x) pair_hash(h, &(x), sizeof(x))

uint64_t pair_hash_point(uint64_t h, const point *p);
uint64_t pair_hash_mixed(uint64_t h, const mixed *m);
uint64_t pair_hash_leaf(uint64_t h, const leaf *l);
uint64_t pair_hash_tree(uint64_t h, const tree *t);
void pair_fill_point(uint64_t *rng, point *p);
void pair_fill_mixed(uint64_t *rng, mixed *m);
/* members from malloc; any of them may be NULL */
void pair_fill_leaf(uint64_t *rng, leaf *l);
void pair_fill_tree(uint64_t *rng, tree *t);
void pair_free_leaf(leaf *l);
void pair_free_tree(tree *t);
/* what the deep in-out functions do to a tree; sizes and pointers stay */
void pair_change_tree(uint64_t *rng, tree *t);

#endif
