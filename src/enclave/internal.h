/* What the runtime's own files share. */
#ifndef CM_ENCLAVE_INTERNAL_H
#define CM_ENCLAVE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <openenclave/bits/properties.h>
#include <openenclave/bits/result.h>

#include "abi/call.h"
#include "enclave/td.h"

/* entry.S */
struct cm_eret {
    uint64_t word;
    uint64_t argument;
};
struct cm_eret cm_ecall_main(uint64_t word, uint64_t argument, uint64_t tcs);
uint64_t cm_ocall_switch(uint64_t word, uint64_t argument, uint64_t *answer);
_Noreturn void cm_leave_aborted(uint64_t why);
oe_result_t cm_exception_first_level(struct cm_td *td);
extern uint32_t cm_abort_latch;
extern struct cm_stack_shape cm_stack_shapes[CM_STACK_SHAPES];
extern uint32_t cm_xstate_mode;
extern uint64_t cm_xstate_mask;
extern uint32_t cm_xstate_xinuse;

/* life of the enclave; changed by compare-and-swap only (D2) */
enum cm_life { CM_LIFE_NEW = 0, CM_LIFE_STARTING, CM_LIFE_UP, CM_LIFE_ENDING, CM_LIFE_DOWN };
extern uint32_t cm_life;

/* startup.c */
bool cm_relocate(void);
oe_result_t cm_start(uint64_t host_args);
oe_result_t cm_end(void);
extern bool cm_allocator_up; /* between oe_allocator_init and oe_allocator_cleanup */

/* thread.c */
void cm_thread_bind(uint64_t tcs);
void cm_thread_init_tls(void);
void cm_thread_begin(struct cm_td *td);
void cm_thread_end(struct cm_td *td);
bool cm_others_idle(const struct cm_td *self);

/* enclave_range.c: constants of the running image */
extern uint64_t cm_image_base;
void cm_enclave_range_init(void);
bool cm_outside(uint64_t p, uint64_t n);
const volatile oe_sgx_enclave_properties_t *cm_properties(void);

/* ecall.c */
oe_result_t cm_call_function(uint64_t host_args);
/* a call whose arguments are the enclave's own copy; by a worker, which has the ecall's arena */
oe_result_t cm_call_taken(struct cm_td *td, const struct cm_call_args *args, uint64_t *written);

/* ocall.c: CALL_FUNCTION or CALL_FUNCTION_WAKE; *written is set on OE_OK alone */
bool cm_ocall_buffers_ok(const struct cm_call_args *args);
oe_result_t cm_call_host(uint16_t func, const struct cm_call_args *asked, size_t *written);

/* Whether the host may give this memory for the buffers of ocalls; a fence must follow (B13). */
bool cm_arena_ok(uint64_t arena, uint64_t size);

/* hostmem.c */
void cm_arena_begin(struct cm_td *td, uint64_t host_args, uint64_t arena, uint64_t size);
void cm_arena_end(struct cm_td *td);

/* processor.c, random.c, cpuid.c, atexit.c */
void cm_processor_init(void);
uint32_t cm_miscselect(void);
uint64_t cm_random_u64(void);
oe_result_t cm_cpuid_init(uint64_t host_table, uint64_t count);
void cm_run_atexit(void);

/* A result code that the host gave, held to those that exist. */
static inline oe_result_t cm_host_result(uint64_t value)
{
    return value <= (uint64_t)OE_SGX_QUOTE_LIBRARY_ERROR ? (oe_result_t)value : OE_UNEXPECTED;
}

/* No load after it starts before the checks ahead of it are decided (Spectre v1, B13). */
static inline void cm_lfence(void)
{
    __builtin_ia32_lfence();
}

/* Called with the stack protector's value not set yet, or about to change. */
#define CM_NO_CANARY __attribute__((no_stack_protector))

#endif
