/*
 * Between the test loader (a plain Linux program) and an image that it runs: what the image gets to
 * know at its start. Stands in for the host and the runtime until both run the same cases as an
 * enclave.
 */
#ifndef CM_TESTS_INSIDE_BOOT_H
#define CM_TESTS_INSIDE_BOOT_H

/* Offsets in a thread's TD, behind musl's part; the loader's assembly uses them. */
#define CM_TEST_TD_HOST_FS  512
#define CM_TEST_TD_SELECTOR 520

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* What the image asks of the loader; cm_test_ocall(what, a, b, c). */
enum cm_test_ask {
    CM_TEST_WRITE, /* a: device, b: text, c: length */
    CM_TEST_TIME,  /* returns nanoseconds since 1970 */
    CM_TEST_WAIT,  /* sleep until a wake for this thread */
    CM_TEST_WAKE,  /* a: the other thread's td */
    CM_TEST_ABORT, /* does not return */
};

enum cm_test_op {
    CM_TEST_INIT,
    CM_TEST_RUN,
    CM_TEST_FINI,
};

struct cm_test_cpuid {
    uint32_t leaf, subleaf, regs[4];
};

struct cm_test_boot {
    uint64_t (*ocall)(uint64_t what, uint64_t a, uint64_t b, uint64_t c);
    uint64_t heap;
    uint64_t heap_size;
    const struct cm_test_cpuid *cpuid;
    uint64_t cpuid_count;
    /* for CM_TEST_RUN */
    const char *name; /* of the case */
    uint64_t thread;  /* number of this thread, 0 .. threads - 1 */
    uint64_t threads; /* that run the case at the same time */
};
#endif

#endif
