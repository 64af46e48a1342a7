/* The runtime's side of the loopback: arena, copy functions, entry. See loopback.h. */
#include "loopback.h"

#include <openenclave/edger8r/enclave.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_SIZE ((size_t)64 * 1024 * 1024)
#define RED        0xc5
#define HEAD       32 /* size and state in front, red bytes around */

struct head {
    size_t size;
    size_t live;
};

static uint8_t *arena;
static size_t arena_used;
static size_t live;
static long fail_at = -1;
static const struct loop_host *peer;

static void die(const char *what)
{
    (void)fprintf(stderr, "loopback: %s\n", what);
    abort();
}

static void *arena_allocate(size_t n)
{
    size_t size = (n + 15) & ~(size_t)15;
    struct head *h = NULL;
    uint8_t *p = NULL;

    if (fail_at > 0 && --fail_at == 0) {
        fail_at = -1;
        return NULL;
    }
    if (live == 0) {
        arena_used = 0;
    }
    if (size < n || size > ARENA_SIZE - 2 * HEAD || arena_used > ARENA_SIZE - 2 * HEAD - size) {
        return NULL;
    }
    h = (struct head *)(void *)(arena + arena_used);
    p = arena + arena_used + HEAD;
    h->size = n;
    h->live = 1;
    memset(p, 0xa7, size); /* never zero by luck */
    memset(p + n, RED, size - n + HEAD);
    arena_used += size + 2 * HEAD;
    live++;
    return p;
}

void *oe_malloc(size_t size)
{
    return arena_allocate(size);
}

void *oe_calloc(size_t count, size_t size)
{
    size_t n = 0;
    void *p = __builtin_mul_overflow(count, size, &n) ? NULL : arena_allocate(n);

    return p == NULL ? NULL : memset(p, 0, n);
}

void oe_free(void *ptr)
{
    uint8_t *p = ptr;
    struct head *h = NULL;

    if (p == NULL) {
        return;
    }
    if (p < arena + HEAD || p >= arena + ARENA_SIZE) {
        die("oe_free of memory that is not the enclave's");
    }
    h = (struct head *)(void *)(p - HEAD);
    if (h->live != 1) {
        die("oe_free twice, or of no block");
    }
    for (size_t i = h->size; i < ((h->size + 15) & ~(size_t)15) + HEAD; i++) {
        if (p[i] != RED) {
            die("written past the end of a block");
        }
    }
    h->live = 0;
    live--;
}

bool oe_is_within_enclave(const void *p, size_t size)
{
    size_t a = (size_t)p;
    size_t base = (size_t)arena;

    size = size == 0 ? 1 : size;
    return a >= base && a - base < ARENA_SIZE && size <= ARENA_SIZE - (a - base);
}

bool oe_is_outside_enclave(const void *p, size_t size)
{
    size_t a = (size_t)p;
    size_t base = (size_t)arena;
    size_t end = 0;

    size = size == 0 ? 1 : size;
    if (p == NULL || __builtin_add_overflow(a, size, &end)) {
        return false;
    }
    return end <= base || a >= base + ARENA_SIZE;
}

static void need_outside(const void *p, size_t n)
{
    if (n != 0 && !oe_is_outside_enclave(p, n)) {
        die("a copy function was given an address that is not the host's");
    }
}

void cm_copy_in(void *dst, const void *host_src, size_t n)
{
    need_outside(host_src, n);
    peer->open_gate();
    memcpy(dst, host_src, n);
    if (peer->after_copy_in != NULL) {
        peer->after_copy_in((void *)(size_t)host_src, n);
    }
    peer->close_gate();
}

void cm_copy_out(void *host_dst, const void *src, size_t n)
{
    need_outside(host_dst, n);
    peer->open_gate();
    memcpy(host_dst, src, n);
    peer->close_gate();
}

void cm_zero_out(void *host_dst, size_t n)
{
    need_outside(host_dst, n);
    peer->open_gate();
    memset(host_dst, 0, n);
    peer->close_gate();
}

/* dirty memory, and every other time clean */
void *cm_call_memory(size_t size, bool *zero)
{
    static bool clean;

    clean = !clean;
    *zero = clean;
    return clean ? oe_calloc(1, size) : oe_malloc(size);
}

void cm_call_memory_end(void *p, size_t size)
{
    if (p != NULL) {
        memset(p, 0, size);
        oe_free(p);
    }
}

oe_result_t oe_call_host_function(uint64_t function_id, const void *input_buffer,
                                  size_t input_buffer_size, void *output_buffer,
                                  size_t output_buffer_size, size_t *output_bytes_written)
{
    oe_result_t result = OE_FAILURE;

    peer->open_gate();
    result = peer->ocall(function_id, input_buffer, input_buffer_size, output_buffer,
                         output_buffer_size, output_bytes_written);
    peer->close_gate();
    return result;
}

oe_result_t oe_switchless_call_host_function(uint64_t function_id, const void *input_buffer,
                                             size_t input_buffer_size, void *output_buffer,
                                             size_t output_buffer_size,
                                             size_t *output_bytes_written)
{
    return oe_call_host_function(function_id, input_buffer, input_buffer_size, output_buffer,
                                 output_buffer_size, output_bytes_written);
}

void *oe_allocate_ocall_buffer(size_t size)
{
    return peer->allocate(size);
}

void oe_free_ocall_buffer(void *buffer)
{
    peer->release(buffer);
}

void *oe_allocate_switchless_ocall_buffer(size_t size)
{
    return peer->allocate(size);
}

void oe_free_switchless_ocall_buffer(void *buffer)
{
    peer->release(buffer);
}

void *oe_host_malloc(size_t size)
{
    return peer->host_malloc(size);
}

void oe_host_free(void *p)
{
    peer->host_free(p);
}

oe_result_t oe_get_enclave_status(void)
{
    return OE_OK;
}

static size_t find(const char *name)
{
    for (size_t i = 0; i < oe_ecalls_table_size; i++) {
        if (strcmp(oe_ecalls_names[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* what the runtime does around a stub: copies, zeroes, calls, copies back, wipes */
static oe_result_t enter(size_t id, const void *in, size_t in_size, void *out, size_t out_size,
                         size_t *written)
{
    long armed = fail_at;
    uint8_t *in_copy = NULL;
    uint8_t *out_copy = NULL;

    fail_at = -1; /* the stub's allocations are counted, not these */
    in_copy = arena_allocate(in_size);
    out_copy = arena_allocate(out_size);
    if (in_copy == NULL || out_copy == NULL) {
        die("the arena is too small");
    }
    memcpy(in_copy, in, in_size);
    memset(out_copy, 0, out_size);
    *written = 0;
    fail_at = armed;
    peer->close_gate();
    oe_ecalls_table[id](in_copy, in_size, out_copy, out_size, written);
    peer->open_gate();
    memcpy(out, out_copy, out_size);
    memset(in_copy, 0, in_size);
    memset(out_copy, 0, out_size);
    oe_free(in_copy);
    oe_free(out_copy);
    return OE_OK;
}

static size_t live_blocks(void)
{
    return live;
}

static bool residue(uint64_t pattern)
{
    for (size_t off = 0; off + 2 * HEAD <= arena_used;) {
        const struct head *h = (const struct head *)(const void *)(arena + off);
        const uint8_t *p = arena + off + HEAD;

        for (size_t i = 0; h->live == 0 && i + sizeof(pattern) <= h->size; i++) {
            if (memcmp(p + i, &pattern, sizeof(pattern)) == 0) {
                return true;
            }
        }
        off += ((h->size + 15) & ~(size_t)15) + 2 * HEAD;
    }
    return false;
}

static void fail_allocation(long k)
{
    fail_at = k;
}

OE_EXPORT const struct loop_enclave *loop_connect(const struct loop_host *host)
{
    static struct loop_enclave self;

    if (arena == NULL) {
        arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (arena == MAP_FAILED) {
            die("no memory for the arena");
        }
    }
    peer = host;
    self.arena = arena;
    self.arena_size = ARENA_SIZE;
    self.find = find;
    self.enter = enter;
    self.live_blocks = live_blocks;
    self.residue = residue;
    self.fail_allocation = fail_allocation;
    self.enclave_malloc = oe_malloc;
    self.enclave_free = oe_free;
    return &self;
}
