/*
 * A host of the tests' own, below src/host: loads the signed test enclave through the device seam
 * and drives it by raw entries, so that it can say and withhold whatever it likes.
 */
#ifndef CM_TESTS_HOSTILE_HOST_H
#define CM_TESTS_HOSTILE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openenclave/bits/result.h>

#include "abi/call.h"
#include "arch/sgx.h"
#include "arch/sgx_uapi.h"

struct cm_sgx_device;

struct hh {
    const struct cm_sgx_device *device;
    int fd;
    uint64_t base;
    uint64_t size;
    uint64_t tcs0;
    uint64_t stride;
    uint64_t tcs_count;
    uint64_t heap;
    uint64_t heap_len;
};

/* heap_fill: what every unmeasured page holds when the enclave starts (G1); -1 for random bytes */
bool hh_load(struct hh *e, int heap_fill);
void hh_unload(struct hh *e);
uint64_t hh_tcs(const struct hh *e, unsigned n);

/* Everything that a raw entry sets and gets. hostile_enter.S knows the offsets. */
struct hh_regs {
    uint64_t rdi, rsi, rdx, r8, r9, r10, r11, r12, r13, r14, r15; /* in and out */
    uint64_t rflags;   /* in: AC and DF bits to set; out: as the enclave left them */
    uint64_t rax, rcx; /* out */
    uint32_t mxcsr;    /* in and out */
    uint16_t fcw;      /* in and out */
    uint16_t poison;   /* in: nonzero fills vectors, masks and x87 first and reads them after */
    uint8_t zmm[32][64] __attribute__((aligned(64)));
    uint64_t k[8];
    uint8_t fx[512] __attribute__((aligned(64)));
};

/* Calls the device's enter with these registers; clean C state on return. */
int hh_enter_raw(struct hh_regs *regs, uint32_t function, struct sgx_enclave_run *run);

/* One EENTER with a call word and argument. The answer's word; *arg its argument. 0: it did not end
 * by EEXIT (run says how). */
uint64_t hh_enter(const struct hh *e, unsigned n, uint64_t word, uint64_t *arg,
                  struct sgx_enclave_run *run);

/* What the host does at an ocall: returns the argument of the ORET. */
typedef uint64_t (*hh_ocall)(struct hh *e, unsigned n, uint32_t func, uint64_t arg);

/* An honest host's ocalls; CALL_FUNCTION calls hh_function. */
uint64_t hh_honest(struct hh *e, unsigned n, uint32_t func, uint64_t arg);
extern uint32_t hh_oret_result; /* of every answer; OE_OK unless a test lies */
extern void (*hh_function)(struct hh *e, unsigned n, struct cm_call_args *args);

/* A whole ecall with ocalls served by `serve` (NULL: hh_honest); the ERET's result. */
oe_result_t hh_ecall(struct hh *e, unsigned n, uint32_t func, uint64_t arg, hh_ocall serve);

/* CM_ECALL_INIT as an honest host does it. */
oe_result_t hh_init(struct hh *e);

/* CM_ECALL_CALL_FUNCTION with the given buffers (sizes are rounded up to 16). args->result is
 * returned, or the ERET's result when that is not OE_OK. */
oe_result_t hh_call(struct hh *e, unsigned n, uint64_t id, const void *in, size_t in_len, void *out,
                    size_t out_len);
oe_result_t hh_call_served(struct hh *e, unsigned n, uint64_t id, const void *in, size_t in_len,
                           void *out, size_t out_len, hh_ocall serve);

/* Host memory that calls use: the arena of thread n. */
enum { HH_ARENA = 65536 };
uint8_t *hh_arena(unsigned n);

#endif
