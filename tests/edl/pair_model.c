/* Implementations of the functions of pair.edl; see pair_model.h. */
#include "pair_model.h"

#include <errno.h>
#include <wchar.h>

uint64_t pair_hash_point(uint64_t h, const point *p)
{
    h = PAIR_MIX(h, p->tag);
    h = PAIR_MIX(h, p->seen);
    h = PAIR_MIX(h, p->x);
    return PAIR_MIX(h, p->y);
}

uint64_t pair_hash_mixed(uint64_t h, const mixed *m)
{
    h = PAIR_MIX(h, m->small);
    h = pair_hash_point(h, &m->where[0]);
    h = pair_hash_point(h, &m->where[1]);
    h = PAIR_MIX(h, m->w);
    h = pair_hash(h, &m->wide, 10);
    return PAIR_MIX(h, m->name);
}

uint64_t pair_hash_leaf(uint64_t h, const leaf *l)
{
    h = PAIR_MIX(h, l->kind);
    h = PAIR_MIX(h, l->n);
    return pair_hash(h, l->items, l->items == NULL ? 0 : l->n * sizeof(*l->items));
}

static uint64_t hash_branch(uint64_t h, const branch *b)
{
    h = PAIR_MIX(h, b->tag);
    h = PAIR_MIX(h, b->leaf_count);
    for (uint32_t i = 0; b->leaves != NULL && i < b->leaf_count; i++) {
        h = pair_hash_leaf(h, &b->leaves[i]);
    }
    h = pair_hash(h, b->fixed, 16);
    h = PAIR_MIX(h, b->blob_size);
    h = pair_hash(h, b->blob, b->blob_size);
    return PAIR_MIX(h, b->free_member);
}

uint64_t pair_hash_tree(uint64_t h, const tree *t)
{
    for (int i = 0; t->pair != NULL && i < 2; i++) {
        h = hash_branch(h, &t->pair[i]);
    }
    h = PAIR_MIX(h, t->wide_count);
    h = PAIR_MIX(h, t->wide_size);
    h = pair_hash(h, t->wide, (size_t)t->wide_count * (size_t)t->wide_size);
    return PAIR_MIX(h, t->leafy);
}

void pair_fill_point(uint64_t *rng, point *p)
{
    p->tag = (char)pair_random(rng);
    p->seen = (pair_random(rng) & 1) != 0;
    p->x = (double)(pair_random(rng) >> 20);
    p->y = (uint16_t)pair_random(rng);
}

void pair_fill_mixed(uint64_t *rng, mixed *m)
{
    m->small = (uint8_t)pair_random(rng);
    pair_fill_point(rng, &m->where[0]);
    pair_fill_point(rng, &m->where[1]);
    m->w.all = pair_random(rng);
    m->wide = (long double)(pair_random(rng) >> 20);
    for (size_t i = 0; i < sizeof(m->name); i++) {
        m->name[i] = (char)pair_random(rng);
    }
}

/* NULL now and then; n random bytes otherwise */
static void *random_block(uint64_t *rng, size_t n)
{
    uint8_t *p = NULL;

    if (pair_random(rng) % 8 == 0) {
        return NULL;
    }
    p = (uint8_t *)pair_malloc(n == 0 ? 1 : n);
    for (size_t i = 0; p != NULL && i < n; i++) {
        p[i] = (uint8_t)pair_random(rng);
    }
    return p;
}

void pair_fill_leaf(uint64_t *rng, leaf *l)
{
    l->kind = (uint8_t)pair_random(rng);
    l->n = 1 + pair_random(rng) % 40;
    l->items = (uint16_t *)random_block(rng, l->n * sizeof(*l->items));
}

static void fill_branch(uint64_t *rng, branch *b)
{
    b->tag = (char)pair_random(rng);
    b->leaf_count = 1 + (uint32_t)(pair_random(rng) % 5);
    b->leaves = (leaf *)random_block(rng, b->leaf_count * sizeof(leaf));
    for (uint32_t i = 0; b->leaves != NULL && i < b->leaf_count; i++) {
        pair_fill_leaf(rng, &b->leaves[i]);
    }
    b->fixed = random_block(rng, 16);
    b->blob_size = 1 + (pair_length)(pair_random(rng) % 100);
    b->blob = random_block(rng, b->blob_size);
    b->free_member = pair_random(rng);
}

void pair_fill_tree(uint64_t *rng, tree *t)
{
    t->pair = (branch *)random_block(rng, 2 * sizeof(branch));
    for (int i = 0; t->pair != NULL && i < 2; i++) {
        fill_branch(rng, &t->pair[i]);
    }
    t->wide_count = 1 + (int)(pair_random(rng) % 9);
    t->wide_size = 1 + (int)(pair_random(rng) % 9);
    t->wide = (uint32_t *)random_block(rng, (size_t)(t->wide_count * t->wide_size));
    t->leafy = (pair_random(rng) & 1) != 0;
}

void pair_free_leaf(leaf *l)
{
    pair_free(l->items);
    l->items = NULL;
}

void pair_free_tree(tree *t)
{
    for (int i = 0; t->pair != NULL && i < 2; i++) {
        branch *b = &t->pair[i];

        for (uint32_t k = 0; b->leaves != NULL && k < b->leaf_count; k++) {
            pair_free_leaf(&b->leaves[k]);
        }
        pair_free(b->leaves);
        pair_free(b->fixed);
        pair_free(b->blob);
    }
    pair_free(t->pair);
    pair_free(t->wide);
    memset(t, 0, sizeof(*t));
}

static void change_bytes(uint64_t *rng, void *p, size_t n)
{
    for (size_t i = 0; p != NULL && i < n; i++) {
        ((uint8_t *)p)[i] ^= (uint8_t)pair_random(rng);
    }
}

void pair_change_tree(uint64_t *rng, tree *t)
{
    for (int i = 0; t->pair != NULL && i < 2; i++) {
        branch *b = &t->pair[i];

        b->tag = (char)(b->tag ^ 0x11);
        for (uint32_t k = 0; b->leaves != NULL && k < b->leaf_count; k++) {
            b->leaves[k].kind = (uint8_t)(b->leaves[k].kind + 1);
            change_bytes(rng, b->leaves[k].items, b->leaves[k].n * sizeof(uint16_t));
        }
        change_bytes(rng, b->fixed, 16);
        change_bytes(rng, b->blob, b->blob_size);
        b->free_member = ~b->free_member;
    }
    change_bytes(rng, t->wide, (size_t)(t->wide_count * t->wide_size));
    t->leafy = !t->leafy;
}

uint64_t CALLEE(scalars)(bool a, char b, short c, int d, long long e, float f, double g, unsigned h,
                         int8_t i, uint64_t j, size_t k, enum color l, point m, mixed n,
                         unsigned char o)
{
    uint64_t x = 1;

    x = PAIR_MIX(x, a);
    x = PAIR_MIX(x, b);
    x = PAIR_MIX(x, c);
    x = PAIR_MIX(x, d);
    x = PAIR_MIX(x, e);
    x = PAIR_MIX(x, f);
    x = PAIR_MIX(x, g);
    x = PAIR_MIX(x, h);
    x = PAIR_MIX(x, i);
    x = PAIR_MIX(x, j);
    x = PAIR_MIX(x, k);
    x = PAIR_MIX(x, l);
    x = pair_hash_point(x, &m);
    x = pair_hash_mixed(x, &n);
    return PAIR_MIX(x, o);
}

uint64_t CALLEE(buffers)(const uint32_t *in, uint32_t *io, uint32_t *out, size_t n, const void *raw,
                         void *back, uint32_t bytes, const int *one, point *made, bool *flags)
{
    uint64_t x = pair_hash(2, in, n * sizeof(*in));

    x = pair_hash(x, io, n * sizeof(*io));
    x = pair_hash(x, raw, bytes);
    x = pair_hash(x, one, sizeof(*one));
    x = pair_hash(x, flags, flags == NULL ? 0 : 2);
    for (size_t i = 0; i < n; i++) {
        if (out != NULL) {
#ifdef PAIR_TRUSTED
            x += out[i] != 0; /* B7: an output that was not zeroed */
#endif
            out[i] = (uint32_t)i * 3;
        }
        if (io != NULL) {
            io[i] = ~io[i];
        }
    }
    if (back != NULL) {
        memset(back, 0x33, bytes);
    }
    if (made != NULL) {
        pair_fill_point(&x, made);
    }
    if (flags != NULL) {
        flags[0] = !flags[0];
    }
    return x;
}

size_t CALLEE(strings)(const char *a, char *b, const wchar_t *c, wchar_t *d)
{
    size_t n = (a == NULL ? 0 : strlen(a)) + 1000 * (c == NULL ? 0 : wcslen(c));

    for (size_t i = 0, k = b == NULL ? 0 : strlen(b); i + 1 < k; i++, k--) {
        char t = b[i];

        b[i] = b[k - 1];
        b[k - 1] = t;
    }
    if (d != NULL && d[0] != L'\0') {
        d[0]++;
        d[1] = L'\0'; /* shorter is fine */
    }
    return n;
}

uint64_t CALLEE(arrays)(int a[PAIR_ROWS], point b[2][3], uint8_t c[PAIR_WIDTH], const short d[4])
{
    uint64_t x = pair_hash(3, a, PAIR_ROWS * sizeof(int));

    x = pair_hash(x, d, 4 * sizeof(short));
    for (int i = 0; b != NULL && i < 6; i++) {
        x = pair_hash_point(x, &b[i / 3][i % 3]);
        b[i / 3][i % 3].y++;
    }
    if (c != NULL) {
        memset(c, 0x44, PAIR_WIDTH);
    }
    return x;
}

uint64_t CALLEE(foreign)(pair_foreign_ptr p, pair_foreign_array a, pair_length n)
{
    uint64_t x = pair_hash(4, p, n * sizeof(*p));

    for (int i = 0; a != NULL && i < 5; i++) {
        x = PAIR_MIX(x, a[i]);
        a[i] = (uint16_t)(a[i] + 1);
    }
    return x;
}

uint64_t CALLEE(deep_in)(const tree *t, size_t n)
{
    uint64_t x = 5;

    for (size_t i = 0; t != NULL && i < n; i++) {
        x = pair_hash_tree(x, &t[i]);
    }
    return x;
}

uint64_t CALLEE(deep_inout)(tree *t, size_t n, uint64_t seed)
{
    uint64_t x = 6;

    for (size_t i = 0; t != NULL && i < n; i++) {
        x = pair_hash_tree(x, &t[i]);
        pair_change_tree(&seed, &t[i]);
    }
    return x;
}

uint64_t CALLEE(deep_out)(tree *t, size_t n, uint64_t seed, leaf *l)
{
    uint64_t x = 7;

    for (size_t i = 0; t != NULL && i < n; i++) {
        pair_fill_tree(&seed, &t[i]);
        x = pair_hash_tree(x, &t[i]);
    }
    if (l != NULL) {
        pair_fill_leaf(&seed, l);
        x = pair_hash_leaf(x, l);
    }
    return x;
}

point CALLEE(point)(uint64_t seed)
{
    point p;

    pair_fill_point(&seed, &p);
    return p;
}

void *CALLEE(pointers)(int *p, const char *q, int r[4])
{
    return q != NULL ? (void *)p : (void *)r;
}

void CALLEE(nothing)(void)
{
}

/* B6: a callee that says there is more than there is */
uint64_t CALLEE(grow)(leaf *l, size_t by)
{
    uint64_t x = pair_hash_leaf(8, l);

    l->n += by;
    l->items = NULL;
    return x;
}

#ifndef PAIR_TRUSTED
int o_errno(int value)
{
    errno = value;
    return -value;
}
#endif
