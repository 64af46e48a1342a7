/*
 * AES-128-CMAC (FIPS 197, NIST SP 800-38B) without allocation and without locks.
 *
 * EREPORT and EGETKEY are instructions, so a host may run them anywhere: a handler of its own that
 * has interrupted malloc, or a lock of OpenSSL's, may call an enclave that asks for a report.
 * cm_cmac_aes128 allocates its context and fetches its algorithm under locks, and would wait there
 * for ever for its own thread.
 *
 * With the processor's AES instructions, or else plain C with a table, whose time depends on key and
 * data. It protects nothing that is secret from this process (docs/emulator.md); nobody else may
 * use it.
 */
#include "sgxemu/emu_cmac.h"

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "common/wipe.h"

#define BLOCK  16u
#define ROUNDS 10u

struct schedule {
    bool ni; /* the processor encrypts; then there is no box */
    uint8_t box[256];
    uint8_t key[ROUNDS + 1][BLOCK];
};

__attribute__((target("sse2"))) static __m128i load(const uint8_t from[BLOCK])
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

/* times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 */
static uint8_t times_x(uint8_t a)
{
    return (uint8_t)((a << 1) ^ ((a >> 7) * 0x1b));
}

static uint8_t rotate(uint8_t a, unsigned by)
{
    return (uint8_t)((a << by) | (a >> (8 - by)));
}

/*
 * FIPS 197's substitution by its definition: the inverse in the field, then an affine map. p runs
 * through all elements but 0 as powers of 3 while q runs through their inverses.
 */
static void make_box(uint8_t box[256])
{
    uint8_t p = 1;
    uint8_t q = 1;

    box[0] = 0x63;
    do {
        p = (uint8_t)(p ^ times_x(p));
        q ^= (uint8_t)(q << 1);
        q ^= (uint8_t)(q << 2);
        q ^= (uint8_t)(q << 4);
        q ^= (q & 0x80) != 0 ? 0x09 : 0;
        box[p] = (uint8_t)(q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63);
    } while (p != 1);
}

/* The next round key; word is the last word of the one before, substituted and rotated. */
static void expand_round(struct schedule *s, unsigned r, const uint8_t word[4], uint8_t constant)
{
    const uint8_t *before = s->key[r - 1];
    uint8_t *now = s->key[r];

    for (unsigned i = 0; i < BLOCK; i++) {
        now[i] = before[i] ^ (i < 4 ? word[i] : now[i - 4]) ^ (i == 0 ? constant : 0);
    }
}

static void expand(struct schedule *s, const uint8_t key[BLOCK])
{
    uint8_t constant = 1;

    make_box(s->box);
    memcpy(s->key[0], key, BLOCK);
    for (unsigned r = 1; r <= ROUNDS; r++) {
        uint8_t word[4];

        for (unsigned i = 0; i < 4; i++) {
            word[i] = s->box[s->key[r - 1][12 + (i + 1) % 4]];
        }
        expand_round(s, r, word, constant);
        constant = times_x(constant);
        cm_wipe(word, sizeof(word));
    }
}

__attribute__((target("aes,sse2"))) static void expand_ni(struct schedule *s,
                                                          const uint8_t key[BLOCK])
{
    uint8_t constant = 1;

    memcpy(s->key[0], key, BLOCK);
    for (unsigned r = 1; r <= ROUNDS; r++) {
        /* word 3 of the answer: the last word, substituted and rotated */
        __m128i answer = _mm_aeskeygenassist_si128(load(s->key[r - 1]), 0);
        uint8_t bytes[BLOCK];

        _mm_storeu_si128((__m128i *)(void *)bytes, answer);
        expand_round(s, r, bytes + 12, constant);
        constant = times_x(constant);
        cm_wipe(bytes, sizeof(bytes));
    }
}

static void add(uint8_t a[BLOCK], const uint8_t b[BLOCK])
{
    for (unsigned i = 0; i < BLOCK; i++) {
        a[i] ^= b[i];
    }
}

/* SubBytes and ShiftRows: byte r of column c comes from column c + r */
static void substitute(uint8_t a[BLOCK], const uint8_t box[256])
{
    uint8_t t[BLOCK];

    for (unsigned i = 0; i < BLOCK; i++) {
        t[i] = box[a[(i + 4 * (i % 4)) % BLOCK]];
    }
    memcpy(a, t, BLOCK);
}

static void mix_columns(uint8_t a[BLOCK])
{
    for (unsigned c = 0; c < BLOCK; c += 4) {
        uint8_t all = a[c] ^ a[c + 1] ^ a[c + 2] ^ a[c + 3];
        uint8_t first = a[c];

        for (unsigned i = 0; i < 4; i++) {
            uint8_t next = i < 3 ? a[c + i + 1] : first;

            a[c + i] ^= all ^ times_x(a[c + i] ^ next);
        }
    }
}

/* The same as encrypt by the processor: no table, and a small part of the time. */
__attribute__((target("aes,sse2"))) static void encrypt_ni(const struct schedule *s,
                                                           uint8_t a[BLOCK])
{
    __m128i x = _mm_xor_si128(load(a), load(s->key[0]));

    for (unsigned r = 1; r < ROUNDS; r++) {
        x = _mm_aesenc_si128(x, load(s->key[r]));
    }
    _mm_storeu_si128((__m128i *)(void *)a, _mm_aesenclast_si128(x, load(s->key[ROUNDS])));
}

static void encrypt(const struct schedule *s, uint8_t a[BLOCK])
{
    if (s->ni) {
        encrypt_ni(s, a);
        return;
    }
    add(a, s->key[0]);
    for (unsigned r = 1; r < ROUNDS; r++) {
        substitute(a, s->box);
        mix_columns(a);
        add(a, s->key[r]);
    }
    substitute(a, s->box);
    add(a, s->key[ROUNDS]);
}

/* times x in GF(2^128), most significant bit first: the subkeys */
static void double_block(uint8_t a[BLOCK])
{
    uint8_t carry = a[0] >> 7;

    for (unsigned i = 0; i < BLOCK; i++) {
        a[i] = (uint8_t)((a[i] << 1) | (i + 1 < BLOCK ? a[i + 1] >> 7 : 0));
    }
    a[BLOCK - 1] ^= (uint8_t)(carry * 0x87);
}

void cm_emu_cmac_by(bool ni, const uint8_t key[16], struct cm_span data, uint8_t out[16])
{
    struct schedule s = {.ni = ni};
    uint8_t subkey[BLOCK] = {0};
    uint8_t last[BLOCK] = {0};
    uint8_t mac[BLOCK] = {0};
    size_t at = 0;

    if (ni) {
        expand_ni(&s, key);
    } else {
        expand(&s, key);
    }
    encrypt(&s, subkey);
    double_block(subkey);
    for (; data.len - at > BLOCK; at += BLOCK) {
        add(mac, data.ptr + at);
        encrypt(&s, mac);
    }
    if (data.len != at) {
        memcpy(last, data.ptr + at, data.len - at);
    }
    if (data.len - at < BLOCK) {
        last[data.len - at] = 0x80;
        double_block(subkey);
    }
    add(mac, last);
    add(mac, subkey);
    encrypt(&s, mac);
    memcpy(out, mac, BLOCK);
    cm_wipe(&s, sizeof(s));
    cm_wipe(subkey, sizeof(subkey));
    cm_wipe(last, sizeof(last));
    cm_wipe(mac, sizeof(mac));
}

void cm_emu_cmac(const uint8_t key[16], struct cm_span data, uint8_t out[16])
{
    cm_emu_cmac_by(__builtin_cpu_supports("aes"), key, data, out);
}
