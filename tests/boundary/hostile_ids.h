/* The ecalls of the boundary tests' enclave, and what travels in their buffers. */
#ifndef CM_TESTS_HOSTILE_IDS_H
#define CM_TESTS_HOSTILE_IDS_H

#include <stdint.h>

enum hostile_ecall {
    HE_NULL,   /* nothing */
    HE_ECHO,   /* output = input */
    HE_STATE,  /* out: struct hostile_state */
    HE_POISON, /* in: u64 that fills the registers before returning */
    HE_OCALL,  /* in: u64 count: null ocalls to host function 7; out: struct hostile_ocall */
    HE_MALLOC, /* in: u64 size, u64 count; out: u64[16] addresses from oe_host_malloc */
    HE_ABORT,  /* in: u64 how */
    HE_LEAVE,  /* in: u64 canary: leaves it in stack, TLS and heap; out: u64[4] where */
    HE_FIND,   /* in: u64 canary; out: u64[3] how often it stands in stack, TLS, new heap blocks */
    HE_RANDOM, /* out: 64 bytes */
    HE_SPIN,   /* counts up `hostile_spinning`, waits until hostile_go; in: u64: then an ocall;
                   out: u64 its result */
    HE_GO,     /* in: u64: sets hostile_go; out: u64 hostile_spinning */
    HE_WAIT,   /* in: u64: first until the enclave has aborted; cm_thread_wait until hostile_go;
                   out: u64 waits */
    HE_FAULT,  /* in: u64 which; out: struct hostile_fault */
    HE_RESULT, /* in: u64: 1 or 2: with enclave memory for its input or output; out u64: what oe_call_host_function returned and *written: 2 u64 */
    HE_HANDLER, /* in: u64: 1 adds a handler, 0 removes it, 2.. what it answers */
    HE_FLAGS,   /* ocall with own MXCSR, FCW; out: u64[4] before and after */
    HE_TD,      /* out: u64[4]: own TD, stack now, a heap block, address of hostile_go */
    HE_CPUID,   /* in: u64 leaf; out: u64[5] found, regs */
    HE_REALLOC, /* host realloc, calloc and strndup; out: u64 0 when all was right */
    HE_SHORT,   /* writes only 16 of the output's bytes, and says so */
    HE_LIE,     /* says that it wrote more than there is */
    HE_MEMORY,  /* in: data; out: u64: bytes of cm_call_memory that were to be zero and were not */
    HE_SEEN,    /* out: struct hostile_fault: what the handler saw since HE_FAULT */
    HE_JUMP,    /* recursion without end in frames of 20,000 bytes of which one is written */
    HE_DEEP,    /* in: u64 canary, u64 whether: leaves it 60 KiB down, and nothing on the way */
    HE_COUNT,
};

struct hostile_state {
    uint64_t rflags, mxcsr, fcw, ftw;
    uint64_t rsp, fs0, gs_self;
    uint64_t r10, r11; /* unused */
    double third;      /* 1.0 / 3 with a rounding that the test knows */
    double x87;        /* the same through x87 */
};

struct hostile_ocall {
    uint64_t result;
    uint64_t written;
    uint64_t rounds;
    uint64_t unused;
};

struct hostile_fault {
    uint64_t code, address, faulting_address, error_code;
    uint64_t flags, handler_rflags, handler_mxcsr, calls;
    uint64_t kept;  /* registers of the interrupted code that changed */
    uint64_t stray; /* calls of the handler, ever, on another stack than the thread's own */
    uint64_t total; /* calls of the handler, ever */
    uint64_t unused;
};

enum hostile_fault_kind {
    HF_UD2,
    HF_DIV,
    HF_NULL_READ,
    HF_STD_UD2,   /* with DF and AC set */
    HF_NESTED,    /* the handler faults as well */
    HF_BAD_RIP,   /* the handler sends RIP outside */
    HF_BAD_RSP,   /* the handler sends RSP outside */
    HF_BAD_MXCSR, /* the handler sets MXCSR bits that do not exist */
    HF_BAD_FLAGS, /* the handler sets flags that user code cannot, and the trap flag */
    HF_CPUID,     /* no fault in the emulator; its instructions are what row E6 is tested with */
    HF_VECTORS,   /* vector registers live across the fault */
    HF_STAY, /* what is not an illegal instruction goes on where it was; in: u64: executes one */
};

#define HOSTILE_OCALL_ID 7

#endif
