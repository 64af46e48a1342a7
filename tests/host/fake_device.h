/*
 * An SGX device without SGX: ioctls and mappings are recorded and say yes; entering runs a script
 * in C. For tests of the host library alone.
 */
#ifndef CM_TESTS_HOST_FAKE_DEVICE_H
#define CM_TESTS_HOST_FAKE_DEVICE_H

#include <stdbool.h>

#include "arch/sgx.h"
#include "host/create.h"
#include "host/invoke.h"

/* the ecalls of the fake enclave; its own numbers run the other way than the host's table */
enum fake_ecall {
    FAKE_NULL,
    FAKE_SUM,       /* output word = input word + 1 */
    FAKE_OCALLS,    /* input word: how many ocalls of function 0 to make */
    FAKE_OCALL_RAW, /* makes the ocall fake_raw_func with fake_raw_arg; its result is the call's */
    FAKE_FAULT,     /* an exception that the enclave handles */
    FAKE_CRASH,     /* an exception that it does not handle */
    FAKE_FAULT_BAD, /* the exception handler leaves with an ocall word */
    FAKE_WORD,      /* leaves with a word of no meaning */
    FAKE_NO_ENTRY,  /* EENTER itself faults: TCS busy */
    FAKE_EINVAL,    /* the device refuses the entry */
    FAKE_ABORT,     /* leaves saying that it is aborting */
    FAKE_COUNT,
    FAKE_ABSENT = FAKE_COUNT, /* in the host's table, not in the enclave */
    FAKE_NAMES,
};

extern const oe_ecall_info_t fake_names[FAKE_NAMES];
extern _Thread_local uint32_t fake_raw_func;
extern _Thread_local uint64_t fake_word; /* what FAKE_WORD leaves with */
extern _Thread_local uint64_t fake_raw_arg;
extern _Thread_local uint64_t fake_last_tcs;
extern _Thread_local uint64_t fake_arena;
extern oe_result_t fake_init_result;
extern int fake_fail_ioctl; /* the n-th ioctl from now fails with fake_errno; 0 = none */
extern int fake_errno;
extern bool fake_partial; /* ADD_PAGES adds one page at a time, every third time with EINTR */
extern int fake_open_count;
extern size_t fake_mapped; /* bytes of enclave mappings now */
extern uint64_t fake_pages_added;
extern struct sgx_secs fake_secs; /* of the last CREATE */

extern const struct cm_sgx_device fake_device;

/* A well-formed image file, made once; the path. */
const char *fake_image(void);

/* Create on the fake device with the names above and the given ocalls. */
oe_result_t fake_create(const oe_ocall_func_t *ocalls, uint32_t ocall_count, oe_enclave_t **out);

/* Call a function of the fake enclave; out may be NULL. */
oe_result_t fake_call(oe_enclave_t *e, enum fake_ecall which, uint64_t in, uint64_t *out);

int cm_fake_enter(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                  unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);
int cm_fake_enclave(struct cm_regs *regs, uint32_t function, struct sgx_enclave_run *run);
uint64_t cm_kept(int (*f)(void *), void *arg);

#endif
