/*
 * The call protocol between our host library and our enclave runtime.
 *
 * EENTER: RDI = packed call word, RSI = argument (a host address or a value).
 * EEXIT:  RDI = packed call word, RSI = argument, every other register scrubbed.
 * The word is code | function | flags | result; both sides check every field's range (A6).
 * Structures here live in HOST memory: the enclave copies them in once and looks at the copy only.
 */
#ifndef CM_ABI_CALL_H
#define CM_ABI_CALL_H

#include <stddef.h>
#include <stdint.h>

enum cm_call_code {
    CM_CODE_ECALL = 1, /* host -> enclave */
    CM_CODE_ERET = 2,  /* enclave -> host: the ecall has ended */
    CM_CODE_OCALL = 3, /* enclave -> host */
    CM_CODE_ORET = 4,  /* host -> enclave: the ocall has ended */
};

enum cm_ecall_func {
    CM_ECALL_DESTRUCTOR =
        0, /* arg: host address of a cm_host_alloc_args, for the ocalls made then */
    CM_ECALL_INIT = 1,
    CM_ECALL_CALL_FUNCTION = 2,
    CM_ECALL_VIRTUAL_EXCEPTION = 3, /* entry at CSSA 1, after an asynchronous exit */
    CM_ECALL_MAX
};

enum cm_ocall_func {
    CM_OCALL_CALL_FUNCTION = 0x8000,
    CM_OCALL_THREAD_WAKE = 0x8001, /* arg: address of the TCS to wake */
    CM_OCALL_THREAD_WAIT = 0x8002, /* arg: address of the waiting thread's own TCS */
    CM_OCALL_MALLOC = 0x8003,      /* arg: struct cm_host_alloc_args */
    CM_OCALL_FREE = 0x8004,        /* arg: host address */
    CM_OCALL_GET_TIME = 0x8005, /* arg: host address of a u64: nanoseconds since 1970; UNTRUSTED */
    CM_OCALL_WRITE = 0x8006,    /* arg: struct cm_write_args */
    CM_OCALL_THREAD_WAIT_FOR = 0x8007, /* arg: struct cm_wait_args */
    CM_OCALL_SYMBOLS = 0x8008,         /* arg: struct cm_symbols_args */
    CM_OCALL_CALL_FUNCTION_WAKE =
        0x8009,                  /* CALL_FUNCTION; and a worker may wake for the next one */
    CM_OCALL_LINE_WAIT = 0x800a, /* arg: index of the line whose call the thread waits for */
    CM_OCALL_LINE_WAKE = 0x800b, /* arg: host address of the line that was answered */
    CM_OCALL_MAX
};

/*
 * Why an enclave aborted: RSI of an ERET with OE_ENCLAVE_ABORTING, from the thread that set the latch
 * or one that it caught. For the host's message only; 0 where an enclave does not say.
 */
enum cm_abort_cause {
    CM_ABORT_UNSAID = 0,
    CM_ABORT_ASKED,     /* oe_abort() */
    CM_ABORT_ABORT,     /* abort() */
    CM_ABORT_EXIT,      /* exit() and its like: an enclave has no process to end */
    CM_ABORT_SMASHED,   /* a function found its stack protector's value overwritten */
    CM_ABORT_EXCEPTION, /* one that no handler took */
    CM_ABORT_WRITTEN,   /* a failed assertion, a damaged heap: the enclave wrote a line about it */
    CM_ABORT_MAX
};

/*
 * Beside the cause, an enclave with the DEBUG attribute says how many return addresses of the functions
 * that were active it has left at the beginning of the ecall's arena, innermost first.
 */
#define CM_ABORT_WORD(cause, frames) ((uint64_t)(cause) | (uint64_t)(frames) << 8)
#define CM_ABORT_CAUSE(word)         ((uint32_t)(word)&0xffu)
#define CM_ABORT_FRAMES(word)        ((uint64_t)(word) >> 8)
#define CM_ABORT_FRAMES_MAX          32

/* the packed word in RDI */
#define CM_CALL_WORD(code, func, flags, result)                                        \
    (((uint64_t)(code) << 48) | ((uint64_t)(func) << 32) | ((uint64_t)(flags) << 16) | \
     (uint64_t)(result))
#define CM_CALL_CODE(word)   ((uint32_t)((word) >> 48) & 0xffffu)
#define CM_CALL_FUNC(word)   ((uint32_t)((word) >> 32) & 0xffffu)
#define CM_CALL_FLAGS(word)  ((uint32_t)((word) >> 16) & 0xffffu)
#define CM_CALL_RESULT(word) ((uint32_t)(word)&0xffffu) /* an oe_result_t */

/*
 * CM_ECALL_INIT. The host names the ecalls of its X_u.c; the enclave answers with its own number
 * for each name (UINT64_MAX when it has none), so both sides may list them in different orders.
 */
struct cm_init_args {
    uint64_t names; /* in: host address of name_count NUL-terminated strings, one after another */
    uint64_t names_size;  /* in: bytes at names */
    uint64_t name_count;  /* in */
    uint64_t ids;         /* out: host address of name_count u64 */
    uint64_t enclave;     /* in: the host's opaque handle, given back by oe_get_enclave */
    uint64_t cpuid_table; /* in: host address of struct cm_cpuid_entry[], or 0 */
    uint64_t cpuid_count; /* in */
    uint64_t arena;       /* in: as of struct cm_call_args, for what constructors do; 0 for none */
    uint64_t arena_size;  /* in */
};

struct cm_cpuid_entry {
    uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

/* CM_ECALL_CALL_FUNCTION, and CM_OCALL_CALL_FUNCTION with the parts exchanged */
struct cm_call_args {
    uint64_t function_id;
    uint64_t input_buffer; /* host address, 8-aligned; size a multiple of 16 (B12) */
    uint64_t input_buffer_size;
    uint64_t output_buffer;
    uint64_t output_buffer_size;
    uint64_t output_bytes_written; /* out */
    uint64_t result;               /* out: oe_result_t */
    /*
     * ecall only: host memory that this thread's ocalls may use for their buffers, so that an
     * ocall needs no MALLOC round trip. Checked by the enclave like any host range; 0 for none.
     */
    uint64_t arena;
    uint64_t arena_size;
};

struct cm_host_alloc_args {
    uint64_t size;
    uint64_t address; /* out; 0 when the host has none */
};

struct cm_wait_args {
    uint64_t tcs;         /* of the waiting thread */
    uint64_t nanoseconds; /* after which it comes back in any case */
};

struct cm_write_args {
    uint64_t device; /* 0 stdout, 1 stderr */
    uint64_t data;   /* host address */
    uint64_t size;
};

/* The host writes a name, or nothing, and a zero into the room of each address. */
struct cm_symbols_args {
    uint64_t count;
    uint64_t addresses; /* host address of count u64: addresses inside the enclave */
    uint64_t names;     /* host address of count times CM_SYMBOL_SIZE bytes */
};
#define CM_SYMBOL_SIZE 128

/*
 * CM_ECALL_VIRTUAL_EXCEPTION: RSI is 0. What happened is read from the SSA alone, never from the
 * host (E2). The answer in the ERET word's result: OE_OK = resume, anything else = the enclave is
 * aborting and must not be resumed.
 */

#endif
