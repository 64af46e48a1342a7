/* The ecalls of pair.edl that have no ocall beside them. Part of the shared object. */
#include <errno.h>
#include <wchar.h>

#include "pair_drive.h"
#include "pair_model.h"

int e_drive(uint64_t seed, unsigned rounds)
{
    return pair_drive(NULL, seed, rounds);
}

int e_call_errno(int value, int *seen)
{
    int r = 0;

    if (o_errno(&r, value) != OE_OK) {
        return -1;
    }
    *seen = errno;
    return r;
}

/* the host may do what it likes with the answer; on an error the strings must be as they were */
oe_result_t e_ocall_strings(size_t *length)
{
    char b[16] = "round trip";
    wchar_t d[16] = L"wide";
    size_t n = 0;
    oe_result_t result = o_strings(&n, "a", b, L"c", d);

    *length = strlen(b);
    if (result != OE_OK && (strcmp(b, "round trip") != 0 || wcscmp(d, L"wide") != 0 || n != 0)) {
        return OE_UNEXPECTED;
    }
    return result;
}

oe_result_t e_ocall_deep_out(uint64_t *hash)
{
    tree t[2];
    leaf l;
    uint64_t ignored = 0;
    uint8_t before[sizeof(t)];
    oe_result_t result = OE_OK;

    memset(t, 0x77, sizeof(t));
    memset(&l, 0x77, sizeof(l));
    memset(before, 0x77, sizeof(before));
    result = o_deep_out(&ignored, t, 2, 42, &l);
    if (result != OE_OK) {
        return memcmp(t, before, sizeof(t)) == 0 ? result : OE_UNEXPECTED;
    }
    *hash = pair_hash_leaf(pair_hash_tree(pair_hash_tree(7, &t[0]), &t[1]), &l);
    pair_free_tree(&t[0]);
    pair_free_tree(&t[1]);
    pair_free_leaf(&l);
    return OE_OK;
}

/* count is more than there is; the wrapper must find the overflow before it touches anything */
oe_result_t e_ocall_big(size_t count, int *untouched)
{
    uint32_t io[4] = {1, 2, 3, 4};
    uint32_t in[4] = {5, 6, 7, 8};
    uint64_t r = 0;
    oe_result_t result = o_buffers(&r, in, io, NULL, count, NULL, NULL, 0, NULL, NULL, NULL);

    *untouched = io[0] == 1 && io[1] == 2 && io[2] == 3 && io[3] == 4;
    return result;
}

/* what goes out only stays what it was, whatever the host writes into its copies */
oe_result_t e_ocall_mine(int *untouched)
{
    static const uint32_t mine[4] = {5, 6, 7, 8};
    uint32_t in[4];
    uint32_t io[4] = {1, 2, 3, 4};
    uint8_t raw[24];
    uint8_t raw_before[24];
    int one = 9;
    uint64_t r = 0;
    oe_result_t result = OE_OK;

    memcpy(in, mine, sizeof(in));
    memset(raw, 0x5c, sizeof(raw));
    memcpy(raw_before, raw, sizeof(raw));
    result = o_buffers(&r, in, io, NULL, 4, raw, NULL, sizeof(raw), &one, NULL, NULL);
    *untouched =
        memcmp(in, mine, sizeof(in)) == 0 && one == 9 && memcmp(raw, raw_before, sizeof(raw)) == 0;
    return result;
}

oe_result_t e_ocall_flags(uint8_t *first, uint8_t *second)
{
    bool flags[2] = {false, true};
    uint64_t r = 0;
    oe_result_t result = o_buffers(&r, NULL, NULL, NULL, 0, NULL, NULL, 0, NULL, NULL, flags);

    memcpy(first, &flags[0], 1);
    memcpy(second, &flags[1], 1);
    return result;
}

/* secrets between the members, as stack memory has them */
void e_dirty(point *p, mixed *m)
{
    uint64_t seed = 1;

    memset(p, 0xaa, sizeof(*p));
    memset(m, 0xaa, 2 * sizeof(*m));
    pair_fill_point(&seed, p);
    pair_fill_mixed(&seed, &m[0]);
    pair_fill_mixed(&seed, &m[1]);
}

point e_dirty_return(void)
{
    point p;
    uint64_t seed = 1;

    memset(&p, 0xaa, sizeof(p));
    pair_fill_point(&seed, &p);
    return p;
}

void e_dirty_many(point *p, size_t n)
{
    uint64_t seed = 1;

    memset(p, 0xaa, n * sizeof(*p));
    for (size_t i = 0; i < n; i++) {
        pair_fill_point(&seed, &p[i]);
    }
}

/* takes the end of its string away, and the characters with it */
int e_unend(char *s, uint8_t *also, size_t n)
{
    memset(s, 'x', strlen(s) + 1);
    memset(also, 0x77, n);
    return 1;
}

/* where the enclave keeps something that a host would like to see or to change */
void *e_secret(void)
{
    static uint64_t secret[2048];

    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        secret[i] = 0x5ec2e7;
    }
    return secret;
}
