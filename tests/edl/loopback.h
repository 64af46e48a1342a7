/*
 * Both sides of the boundary in one process, for tests of generated code before and without an
 * enclave. The "enclave" is a shared object whose heap is one marked arena, so that "outside" means
 * something; "host memory" that an ocall uses is a region without any access rights while enclave
 * code runs, except inside the three copy functions: any other access ends the test with SIGSEGV.
 *
 * loopback_enclave.c implements the runtime's contract (edger8r/enclave.h) in the shared object,
 * loopback_host.c the host library's (edger8r/host.h) in the test program.
 */
#ifndef CM_TESTS_LOOPBACK_H
#define CM_TESTS_LOOPBACK_H

#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

/* what the enclave side asks of the host side */
struct loop_host {
    void *(*allocate)(size_t size);
    void (*release)(void *p);
    void *(*host_malloc)(size_t size); /* the host's own heap: not behind the gate */
    void (*host_free)(void *p);
    oe_result_t (*ocall)(uint64_t id, const void *in, size_t in_size, void *out, size_t out_size,
                         size_t *written);
    void (*open_gate)(void);  /* host memory may be touched */
    void (*close_gate)(void); /* host memory must not be touched */
    /* a hostile host's chance: called after each copy from host memory, with the gate open */
    void (*after_copy_in)(void *host_src, size_t n);
};

/* what the host side asks of the enclave side */
struct loop_enclave {
    uint8_t *arena;
    size_t arena_size;
    size_t (*find)(const char *name); /* SIZE_MAX when there is none */
    oe_result_t (*enter)(size_t id, const void *in, size_t in_size, void *out, size_t out_size,
                         size_t *written);
    size_t (*live_blocks)(void);
    /* whether freed memory of the arena holds the 8 bytes of pattern */
    bool (*residue)(uint64_t pattern);
    void (*fail_allocation)(long k); /* the k-th from now; negative for none */
    void *(*enclave_malloc)(size_t n);
    void (*enclave_free)(void *p);
};

/* exported by the shared object */
OE_EXTERNC const struct loop_enclave *loop_connect(const struct loop_host *host);

/* for tests, implemented by loopback_host.c */
const struct loop_enclave *loop_peer(void);
extern void (*loop_before_ecall)(const char *name, uint8_t *in, size_t in_size, size_t out_size);
extern void (*loop_after_ecall)(const char *name, uint8_t *out, size_t out_size);
extern void (*loop_after_ocall)(uint64_t id, uint8_t *out, size_t out_size, size_t *written);
extern void (*loop_after_copy_in)(void *host_src, size_t n);
/* host memory behind the gate; every block must be released again */
void *loop_host_allocate(size_t size);
void loop_host_release(void *p);
size_t loop_host_blocks(void);
/* when set, the next host allocation for an ocall or a deep copy gives this address */
extern void *loop_next_allocation;

#endif
