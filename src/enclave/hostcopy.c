/*
 * The only functions that touch host memory, apart from the range checks before them. Host memory
 * is read in aligned 8-byte steps only (AEPIC leak, F-2) and written in whole aligned 8-byte words,
 * or, at ragged ends, between VERW and fences (MMIO stale data, F-1). REP MOVSQ and STOSQ keep that
 * promise: on the uncacheable memory that matters here they go word by word.
 *
 * dst and src on the enclave side may have any alignment. UNTRUSTED: the bytes that come in.
 */
#include <string.h>

#include "enclave/edge.h"

enum { WORD = 8, STRING_FROM = 32 /* words, from where on REP is faster than a loop */ };

/*
 * The host may change its memory at any time, so each word is loaded exactly once, by this.
 * The cast is where a host address becomes one that is used (style: once, here).
 */
static inline uint64_t load_word(uint64_t addr)
{
    uint64_t v;

    __asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static inline void store_word(uint64_t addr, uint64_t v)
{
    __asm__ volatile("movq %1, (%0)" : : "r"(addr), "r"(v) : "memory");
}

/* n < 8 bytes inside one aligned word of the host's */
static void store_bytes(uint64_t addr, const uint8_t *src, size_t n)
{
    uint16_t selector;

    __asm__ volatile("mov %%ds, %0" : "=m"(selector));
    __asm__ volatile("verw %0" : : "m"(selector) : "cc", "memory");
    for (size_t i = 0; i < n; i++) {
        __asm__ volatile("movb %1, (%0)" : : "r"(addr + i), "q"(src[i]) : "memory");
    }
    __asm__ volatile("mfence; lfence" : : : "memory");
}

static void read_words(uint8_t *dst, uint64_t addr, size_t words)
{
    if (words >= STRING_FROM) {
        __asm__ volatile("rep movsq" : "+D"(dst), "+S"(addr), "+c"(words) : : "memory");
        return;
    }
    for (size_t i = 0; i < words; i++) {
        const uint64_t v = load_word(addr + i * WORD);

        memcpy(dst + i * WORD, &v, WORD);
    }
}

static void write_words(uint64_t addr, const uint8_t *src, size_t words)
{
    if (words >= STRING_FROM) {
        __asm__ volatile("rep movsq" : "+D"(addr), "+S"(src), "+c"(words) : : "memory");
        return;
    }
    for (size_t i = 0; i < words; i++) {
        uint64_t v;

        memcpy(&v, src + i * WORD, WORD);
        store_word(addr + i * WORD, v);
    }
}

/* Copies `want` bytes that begin `skip` bytes into the aligned word at addr. */
static void read_part(uint8_t *dst, uint64_t addr, size_t skip, size_t want)
{
    const uint64_t v = load_word(addr);
    uint8_t bytes[WORD];

    memcpy(bytes, &v, WORD);
    memcpy(dst, bytes + skip, want);
}

/* Bytes up to the next word boundary, at most n. */
static size_t head_len(uint64_t addr, size_t n)
{
    const size_t to_boundary = (size_t)(-addr & (WORD - 1));

    return to_boundary < n ? to_boundary : n;
}

void cm_copy_in(void *dst, const void *host_src, size_t n)
{
    uint8_t *to = dst;
    uint64_t from = (uint64_t)host_src;
    const size_t head = head_len(from, n);

    if (head != 0) {
        read_part(to, from & ~(uint64_t)(WORD - 1), (size_t)(from & (WORD - 1)), head);
        to += head;
        from += head;
        n -= head;
    }
    read_words(to, from, n / WORD);
    if (n % WORD != 0) {
        read_part(to + n / WORD * WORD, from + n / WORD * WORD, 0, n % WORD);
    }
}

void cm_copy_out(void *host_dst, const void *src, size_t n)
{
    const uint8_t *from = src;
    uint64_t to = (uint64_t)host_dst;
    const size_t head = head_len(to, n);

    if (head != 0) {
        store_bytes(to, from, head);
        to += head;
        from += head;
        n -= head;
    }
    write_words(to, from, n / WORD);
    if (n % WORD != 0) {
        store_bytes(to + n / WORD * WORD, from + n / WORD * WORD, n % WORD);
    }
}

void cm_zero_out(void *host_dst, size_t n)
{
    static const uint8_t zeros[WORD];
    uint64_t to = (uint64_t)host_dst;
    const size_t head = head_len(to, n);
    size_t words;

    if (head != 0) {
        store_bytes(to, zeros, head);
        to += head;
        n -= head;
    }
    words = n / WORD;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
    if (n % WORD != 0) {
        store_bytes(to, zeros, n % WORD);
    }
}
