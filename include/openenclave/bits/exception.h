/* Exceptions inside the enclave: what a vectored exception handler sees. Enclave side. */
#ifndef _OE_BITS_EXCEPTION_H
#define _OE_BITS_EXCEPTION_H

#include "defs.h"
#include "types.h"

OE_EXTERNC_BEGIN

/* oe_exception_record_t.code */
#define OE_EXCEPTION_DIVIDE_BY_ZERO      0x0
#define OE_EXCEPTION_BREAKPOINT          0x1
#define OE_EXCEPTION_BOUND_OUT_OF_RANGE  0x2
#define OE_EXCEPTION_ILLEGAL_INSTRUCTION 0x3
#define OE_EXCEPTION_ACCESS_VIOLATION    0x4
#define OE_EXCEPTION_PAGE_FAULT          0x5
#define OE_EXCEPTION_X87_FLOAT_POINT     0x6
#define OE_EXCEPTION_MISALIGNMENT        0x7
#define OE_EXCEPTION_SIMD_FLOAT_POINT    0x8
#define OE_EXCEPTION_UNKNOWN             0xffffffff

/* oe_exception_record_t.flags */
#define OE_EXCEPTION_FLAGS_HARDWARE 0x1
#define OE_EXCEPTION_FLAGS_SOFTWARE 0x2

/* what a handler answers */
#define OE_EXCEPTION_CONTINUE_SEARCH    0x0        /**< not mine: ask the next handler */
#define OE_EXCEPTION_CONTINUE_EXECUTION 0xFFFFFFFF /**< go on with the context as it is now */
#define OE_EXCEPTION_ABORT_EXECUTION    0xFFFFFFF0 /**< stop the enclave */

/* oe_exception_record_t.error_code of a page fault */
#define OE_SGX_PAGE_FAULT_P_FLAG    0x1
#define OE_SGX_PAGE_FAULT_WR_FLAG   0x2
#define OE_SGX_PAGE_FAULT_US_FLAG   0x4
#define OE_SGX_PAGE_FAULT_RSVD_FLAG 0x8
#define OE_SGX_PAGE_FAULT_ID_FLAG   0x10
#define OE_SGX_PAGE_FAULT_PK_FLAG   0x20
#define OE_SGX_PAGE_FAULT_SGX_FLAG  0x8000

#define OE_BASIC_XSTATE_SIZE        512

/** x87 and SSE state, as FXSAVE64 lays it out. */
typedef struct _oe_basic_xstate {
    uint8_t blob[OE_BASIC_XSTATE_SIZE];
} OE_ALIGNED(16) oe_basic_xstate_t;

/** The interrupted registers. A handler may change them; what is not the thread's own is refused. */
typedef struct _oe_context {
    uint64_t flags;
    uint64_t rax, rbx, rcx, rdx, rbp, rsp, rdi, rsi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip;
    uint32_t mxcsr;
    oe_basic_xstate_t basic_xstate;
} oe_context_t;

typedef struct _oe_exception_record {
    uint32_t code;    /**< OE_EXCEPTION_* */
    uint32_t flags;   /**< OE_EXCEPTION_FLAGS_* */
    uint64_t address; /**< of the instruction */
    /** of the data, for page faults in an enclave that captures them; otherwise 0 */
    uint64_t faulting_address;
    uint32_t error_code;         /**< OE_SGX_PAGE_FAULT_*, under the same condition */
    uint16_t host_signal_number; /**< always 0: signals of the host are not delivered */
    oe_context_t *context;
} oe_exception_record_t;

/**
 * A handler of exceptions. Runs on the stack of the thread that raised the exception, with all
 * vector registers clear.
 *
 * @return OE_EXCEPTION_CONTINUE_SEARCH, _CONTINUE_EXECUTION or _ABORT_EXECUTION
 */
typedef uint64_t (*oe_vectored_exception_handler_t)(oe_exception_record_t *exception_context);

OE_EXTERNC_END

#endif
