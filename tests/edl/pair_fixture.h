/*
 * What the programs over pair.edl share: the untrusted half of the generated code (included, so
 * that a test knows the layout of its buffers as an attacker does), set-up, and the two places
 * where a hostile host changes bytes.
 */
#ifndef PAIR_FIXTURE_H
#define PAIR_FIXTURE_H

#include "harness.h"

#include "pair_u.c"

#include "loopback.h"
#include "pair_drive.h"
#include "pair_model.h"

static oe_enclave_t *enclave;
static void (*change_input)(uint8_t *in, size_t in_size);
static void (*change_answer)(uint8_t *out, size_t out_size, size_t *written);

static inline void start(void)
{
    loop_before_ecall = NULL;
    loop_after_ecall = NULL;
    loop_after_ocall = NULL;
    loop_after_copy_in = NULL;
    loop_next_allocation = NULL;
    if (enclave == NULL) {
        CHECK_EQ(oe_create_pair_enclave("pair", OE_ENCLAVE_TYPE_SGX, 0, NULL, 0, &enclave), OE_OK);
    }
}

/* nothing is left allocated on either side */
static inline void finish(void)
{
    CHECK_EQ(loop_peer()->live_blocks(), 0);
    CHECK_EQ(loop_host_blocks(), 0);
    start();
}

static inline size_t region_of(size_t n)
{
    return oe_edger8r_region(1, n);
}

/* the input of an ecall, between the wrapper and the stub */
static inline void on_input(const char *name, uint8_t *in, size_t in_size, size_t out_size)
{
    (void)name;
    (void)out_size;
    change_input(in, in_size);
}

/* the answer to an ocall, between the stub and the wrapper */
static inline void on_answer(uint64_t id, uint8_t *out, size_t out_size, size_t *written)
{
    (void)id;
    change_answer(out, out_size, written);
}

/* each read of host memory, which changes as soon as it was read */
static struct {
    size_t from;
    size_t to;
} reads[64];
static size_t read_count;
static bool read_twice;

static inline void scribble(void *host_src, size_t n)
{
    size_t from = (size_t)host_src;

    for (size_t i = 0; i < read_count; i++) {
        read_twice = read_twice || (from < reads[i].to && reads[i].from < from + n);
    }
    if (read_count < sizeof(reads) / sizeof(reads[0])) {
        reads[read_count].from = from;
        reads[read_count].to = from + n;
        read_count++;
    }
    memset(host_src, 0xee, n);
}

static inline void watch_reads(void)
{
    read_count = 0;
    read_twice = false;
    loop_after_copy_in = scribble;
}

#endif
