/*
 * Thread data: one page per TCS, found through GS, which EENTER loads from the measured TCS. The
 * host cannot write it. entry.S uses it by offsets that td_offsets.c generates.
 */
#ifndef CM_ENCLAVE_TD_H
#define CM_ENCLAVE_TD_H

#include <stddef.h>
#include <stdint.h>

#include "abi/layout.h"
#include "arch/sgx.h"
#include "enclave/heap_cache.h"

/* What a TCS is doing: decides which entries are legal (A6). */
enum cm_td_state {
    CM_TD_IDLE = 0,         /* no ecall; the only state in which one may begin */
    CM_TD_RUNNING = 1,      /* inside an ecall */
    CM_TD_IN_OCALL = 2,     /* outside, waiting for the answer of the ocall at `callsite` */
    CM_TD_FIRST_LEVEL = 3,  /* judging an exception, at CSSA 1, on the exception stack */
    CM_TD_SECOND_LEVEL = 4, /* exception handlers run, at CSSA 0, on the thread's own stack */
    CM_TD_ABORTED = 5,      /* this thread found the enclave broken; nothing may enter */
    CM_TD_LEAVING = 6,      /* the ecall is over, its traces are being wiped; nothing may enter */
};

struct cm_td {
    uint8_t musl[CM_TD_MUSL_SIZE]; /* musl's struct pthread: FS:0 is its self pointer */

    uint64_t self; /* this structure's address; 0 until the TCS was first used */
    uint64_t tcs;
    uint32_t state;                /* enum cm_td_state */
    uint32_t saved_state;          /* state that an exception interrupted */
    uint64_t host_return[CM_NSSA]; /* RCX of the last EENTER at each CSSA: where EEXIT goes (A7) */
    uint64_t callsite;             /* innermost live struct cm_callsite, on this thread's stack */
    uint64_t stack_base;           /* lowest address of the stack */
    uint64_t stack_low;   /* lowest stack pointer seen by the runtime during this ecall (D4) */
    uint64_t stack_look;  /* the slice of the stack to look at after the next ecall */
    uint64_t stack_shape; /* struct cm_stack_shape to learn from this ecall, all of whose stack is
                             looked at; or 0 */
    uint64_t canary;      /* of the stack protector; random, for the life of the TCS */
    uint64_t tid;

    /* host memory for this ecall's own ocalls; checked when the ecall began */
    uint64_t arena;
    uint64_t arena_size;
    uint64_t arena_used;
    uint64_t arena_owned; /* nonzero: obtained by MALLOC, to be given back */
    uint64_t host_args;   /* the ecall's own argument structure in host memory */

    /* enclave memory for the buffers of larger ecalls, kept between them; all zero when not in use */
    uint64_t marshal;
    uint64_t marshal_size;
    uint64_t marshal_used;

    uint64_t exceptions; /* how many second-level handlers are nested */

    struct cm_heap_cache heap;
};

/*
 * How deep the calls of an ecall's function went, learned from its first ones (ecall.c). Functions
 * whose numbers are congruent share one.
 */
struct cm_stack_shape {
    uint32_t calls; /* that were looked at in full; no more than CM_STACK_LEARN */
    uint32_t depth; /* bytes */
};
#define CM_STACK_SHAPES 256
#define CM_STACK_LEARN  4

/* The rest of the page is the stack of the first-level exception handler. */
#define CM_TD_EXCEPTION_STACK 2048
_Static_assert(offsetof(struct cm_td, self) == CM_TD_RUNTIME_OFF, "runtime part of TD");
_Static_assert(sizeof(struct cm_td) <= CM_TD_SIZE - CM_TD_EXCEPTION_STACK, "exception stack");

/*
 * What an ocall leaves on the enclave stack; an ORET is legal only with such a frame on top whose
 * mark fits its own address.
 */
struct cm_callsite {
    uint64_t mark; /* CM_CALLSITE_MARK ^ address of this frame */
    uint64_t previous;
    uint32_t func;  /* the ocall, which the answer must name */
    uint32_t state; /* of the thread, to return to */
    uint32_t mxcsr;
    uint16_t fcw;
    uint16_t unused;
    uint64_t rflags;
    uint64_t answer; /* where the ORET's argument goes */
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
};
#define CM_CALLSITE_MARK 0x43616c6c73697465

/*
 * What the first level of exception handling leaves on the interrupted thread's stack, below its red
 * zone and a gap, for the second level.
 */
struct cm_exception_frame {
    struct sgx_ssa_gpr gpr; /* of the interrupted code; what the handlers leave is resumed */
    uint64_t faulting_address;
    uint32_t error_code;
    uint32_t vector;
    uint32_t type;
    uint32_t state; /* of the thread, to return to */
    uint64_t unused[2];
};
_Static_assert(sizeof(struct cm_exception_frame) % 16 == 0, "stack alignment");
#define CM_RED_ZONE      128
#define CM_EXCEPTION_GAP 1024 /* a handler may lower RSP into it, as a simulated call does */
#define CM_XSAVE_AREA    4096 /* an SSA frame of one page cannot hold more */

/* Offset from the TCS of the general-purpose registers in SSA frame n. */
#define CM_TCS_TO_GPR(n) (CM_TCS_TO_SSA + ((n) + 1) * CM_SSA_FRAME_PAGES * CM_PAGE_SIZE - 184)
_Static_assert(sizeof(struct sgx_ssa_gpr) == 184, "CM_TCS_TO_GPR");

/* How cm_xstate_mode tells entry.S to reset the extended register state (A3, A4). */
enum cm_xstate_mode {
    CM_XSTATE_XRSTOR = 0, /* by XRSTOR of an initial image: until XFRM is known, and for rarities */
    CM_XSTATE_SSE = 1,
    CM_XSTATE_AVX = 2,
    CM_XSTATE_AVX512 = 3,
};

/* Calling thread's data, through GS: FS belongs to code that may change it (A8). */
static inline struct cm_td *cm_td(void)
{
    struct cm_td *td;

    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(td) : "i"(offsetof(struct cm_td, self)));
    return td;
}

#endif
