/*
 * The caller of every function of pair.edl, written once and compiled twice: the host calls the
 * ecalls, the enclave (PAIR_TRUSTED) the ocalls. Each result is compared with what the same
 * function gives when it is called directly on a copy.
 */
#include "pair_drive.h"

#include <wchar.h>

#include "pair_model.h"

#ifdef PAIR_TRUSTED
#define CALL(name, ...) o_##name(__VA_ARGS__)
#else
#define CALL(name, ...) e_##name((oe_enclave_t *)enclave, __VA_ARGS__)
#endif

/* ends the round; the line number says which check failed */
#define NEED(cond)           \
    do {                     \
        if (!(cond)) {       \
            return __LINE__; \
        }                    \
    } while (0)

/* up to 800 bytes of each, so that both ways in which an ecall moves data are taken */
#define MAX_ITEMS 200

static void fill(uint64_t *rng, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)p)[i] = (uint8_t)pair_random(rng);
    }
}

static int drive_scalars(void *enclave, uint64_t *rng)
{
    uint64_t r = pair_random(rng);
    uint64_t got = 0;
    uint64_t want = 0;
    bool a = (r & 1) != 0;
    enum color l = (r & 2) != 0 ? GREEN : BLUE;
    point m;
    mixed n;

    (void)enclave;
    pair_fill_point(rng, &m);
    pair_fill_mixed(rng, &n);
    NEED(CALL(scalars, &got, a, (char)r, (short)r, (int)r, (long long)r, (float)a, (double)a,
              (unsigned)r, (int8_t)r, r, r, l, m, n, (unsigned char)r) == OE_OK);
    want = CALLEE(scalars)(a, (char)r, (short)r, (int)r, (long long)r, (float)a, (double)a,
                           (unsigned)r, (int8_t)r, r, r, l, m, n, (unsigned char)r);
    NEED(got == want);
    return 0;
}

static int drive_buffers(void *enclave, uint64_t *rng)
{
    uint32_t in[MAX_ITEMS], io[2][MAX_ITEMS], out[2][MAX_ITEMS];
    uint8_t raw[900], back[2][900];
    bool flags[2][2] = {{true, false}, {true, false}};
    point made[2];
    size_t n = pair_random(rng) % MAX_ITEMS;
    uint32_t bytes = (uint32_t)(pair_random(rng) % sizeof(raw));
    uint64_t mask = pair_random(rng);
    uint64_t got = 0;
    uint64_t want = 0;
    int one = (int)mask;

    (void)enclave;
    fill(rng, in, sizeof(in));
    fill(rng, io[0], sizeof(io[0]));
    fill(rng, raw, sizeof(raw));
    memcpy(io[1], io[0], sizeof(io[0]));
    memset(out, 0, sizeof(out));
    memset(back, 0, sizeof(back));
    memset(made, 0, sizeof(made));
/* NULL now and then, for the same parameters in both calls */
#define ARGS(i)                                                                                  \
    (mask & 1) ? in : NULL, (mask & 2) ? io[i] : NULL, (mask & 4) ? out[i] : NULL, n,            \
        (mask & 8) ? raw : NULL, (mask & 16) ? back[i] : NULL, bytes, (mask & 32) ? &one : NULL, \
        (mask & 64) ? &made[i] : NULL, (mask & 128) ? flags[i] : NULL
    NEED(CALL(buffers, &got, ARGS(0)) == OE_OK);
    want = CALLEE(buffers)(ARGS(1));
#undef ARGS
    NEED(got == want);
    NEED(memcmp(io[0], io[1], sizeof(io[0])) == 0);
    NEED(memcmp(out[0], out[1], sizeof(out[0])) == 0);
    NEED(memcmp(back[0], back[1], sizeof(back[0])) == 0);
    NEED(pair_hash_point(0, &made[0]) == pair_hash_point(0, &made[1]));
    NEED(flags[0][0] == flags[1][0] && flags[0][1] == flags[1][1]);
    return 0;
}

static int drive_strings(void *enclave, uint64_t *rng)
{
    char a[700] = "", b[2][700] = {"", ""};
    wchar_t c[700] = L"", d[2][700] = {L"", L""};
    size_t n = pair_random(rng) % (pair_random(rng) % 2 == 0 ? 39 : 699);
    uint64_t mask = pair_random(rng);
    size_t got = 0;
    size_t want = 0;

    (void)enclave;
    for (size_t i = 0; i < n; i++) {
        a[i] = (char)('a' + pair_random(rng) % 26);
        b[0][i] = b[1][i] = (char)('a' + pair_random(rng) % 26);
        c[i] = (wchar_t)(L'a' + (wchar_t)(pair_random(rng) % 26));
        d[0][i] = d[1][i] = c[i];
    }
    NEED(CALL(strings, &got, (mask & 1) ? a : NULL, (mask & 2) ? b[0] : NULL, (mask & 4) ? c : NULL,
              (mask & 8) ? d[0] : NULL) == OE_OK);
    want = CALLEE(strings)((mask & 1) ? a : NULL, (mask & 2) ? b[1] : NULL, (mask & 4) ? c : NULL,
                           (mask & 8) ? d[1] : NULL);
    NEED(got == want);
    NEED(strcmp(b[0], b[1]) == 0);
    NEED(wcscmp(d[0], d[1]) == 0);
    return 0;
}

static int drive_arrays(void *enclave, uint64_t *rng)
{
    int a[PAIR_ROWS];
    short d[4];
    point b[2][2][3];
    uint8_t c[2][PAIR_WIDTH];
    struct pair_foreign p[9];
    pair_foreign_array f[2];
    pair_length n = (pair_length)(pair_random(rng) % 9);
    uint64_t got = 0;
    uint64_t want = 0;

    (void)enclave;
    fill(rng, a, sizeof(a));
    fill(rng, d, sizeof(d));
    fill(rng, p, sizeof(p));
    fill(rng, f[0], sizeof(f[0]));
    memcpy(f[1], f[0], sizeof(f[0]));
    memset(c, 0, sizeof(c));
    for (int i = 0; i < 6; i++) {
        pair_fill_point(rng, &b[0][i / 3][i % 3]);
    }
    memcpy(b[1], b[0], sizeof(b[0]));
    NEED(CALL(arrays, &got, a, b[0], c[0], d) == OE_OK);
    want = CALLEE(arrays)(a, b[1], c[1], d);
    NEED(got == want);
    NEED(memcmp(c[0], c[1], sizeof(c[0])) == 0);
    for (int i = 0; i < 6; i++) {
        NEED(pair_hash_point(0, &b[0][i / 3][i % 3]) == pair_hash_point(0, &b[1][i / 3][i % 3]));
    }
    NEED(CALL(arrays, &got, NULL, NULL, NULL, NULL) == OE_OK);
    NEED(got == CALLEE(arrays)(NULL, NULL, NULL, NULL));
    NEED(CALL(foreign, &got, p, f[0], n) == OE_OK);
    want = CALLEE(foreign)(p, f[1], n);
    NEED(got == want);
    NEED(memcmp(f[0], f[1], sizeof(f[0])) == 0);
    return 0;
}

static int drive_deep_in(void *enclave, uint64_t *rng)
{
    tree t[4];
    size_t n = 1 + pair_random(rng) % 4;
    uint64_t change = pair_random(rng);
    uint64_t local = change;
    uint64_t got = 0;
    uint64_t want = 0;
    uint64_t before = 6;
    tree shape[4];

    (void)enclave;
    for (size_t i = 0; i < n; i++) {
        pair_fill_tree(rng, &t[i]);
        before = pair_hash_tree(before, &t[i]);
    }
    memcpy(shape, t, sizeof(t));
    NEED(CALL(deep_in, &got, t, n) == OE_OK);
    NEED(got == CALLEE(deep_in)(t, n));
    NEED(CALL(deep_in, &got, NULL, n) == OE_OK);
    NEED(got == CALLEE(deep_in)(NULL, n));
    NEED(CALL(deep_inout, &got, t, n, change) == OE_OK);
    NEED(got == before);
    /* undo by the same change (an involution but for the leaf kinds) and compare */
    for (size_t i = 0; i < n; i++) {
        NEED(t[i].pair == shape[i].pair && t[i].wide == shape[i].wide);
        pair_change_tree(&local, &t[i]);
        for (int k = 0; t[i].pair != NULL && k < 2; k++) {
            for (uint32_t m = 0; t[i].pair[k].leaves != NULL && m < t[i].pair[k].leaf_count; m++) {
                t[i].pair[k].leaves[m].kind = (uint8_t)(t[i].pair[k].leaves[m].kind - 2);
            }
        }
    }
    want = 6;
    for (size_t i = 0; i < n; i++) {
        want = pair_hash_tree(want, &t[i]);
        pair_free_tree(&t[i]);
    }
    NEED(want == before);
    return 0;
}

static int drive_deep_out(void *enclave, uint64_t *rng)
{
    tree t[4];
    leaf l;
    size_t n = pair_random(rng) % 5;
    uint64_t seed = pair_random(rng);
    uint64_t got = 0;
    uint64_t have = 7;
    point p;
    point q;
    int anything = 0;
    void *ptr = NULL;

    (void)enclave;
    memset(t, 0x77, sizeof(t)); /* what the caller had there is overwritten, not looked at */
    memset(&l, 0x77, sizeof(l));
    NEED(CALL(deep_out, &got, t, n, seed, &l) == OE_OK);
    for (size_t i = 0; i < n; i++) {
        have = pair_hash_tree(have, &t[i]);
        pair_free_tree(&t[i]);
    }
    have = pair_hash_leaf(have, &l);
    pair_free_leaf(&l);
    NEED(got == have);
    NEED(CALL(deep_out, &got, NULL, n, seed, NULL) == OE_OK);
    NEED(got == 7);
    NEED(CALL(point, &p, seed) == OE_OK);
    q = CALLEE(point)(seed);
    NEED(pair_hash_point(0, &p) == pair_hash_point(0, &q));
    NEED(CALL(pointers, &ptr, &anything, NULL, NULL) == OE_OK);
    NEED(ptr == NULL);
    NEED(CALL(pointers, &ptr, &anything, "q", NULL) == OE_OK);
    NEED(ptr == &anything);
    return 0;
}

int pair_drive(void *enclave, uint64_t seed, unsigned rounds)
{
    static int (*const all[])(void *, uint64_t *) = {drive_scalars, drive_buffers, drive_strings,
                                                     drive_arrays,  drive_deep_in, drive_deep_out};

    for (unsigned i = 0; i < rounds; i++) {
        for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
            int line = all[k](enclave, &seed);

            if (line != 0) {
                return line;
            }
        }
    }
    return 0;
}
