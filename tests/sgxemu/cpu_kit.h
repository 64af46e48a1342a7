/*
 * The enclave of the transition tests, and how to call it. Built on emu_kit.h; no dependence on our
 * host or runtime.
 */
#ifndef CM_TESTS_CPU_KIT_H
#define CM_TESTS_CPU_KIT_H

#include "emu_kit.h"

#define CPU_NSSA 4u

/* operations of cpu_enclave.S */
enum cpu_op {
    OP_NULL,
    OP_RAW, /* leave by an ENCLU that is not described */
    OP_UD2,
    OP_DIV,
    OP_INT3,
    OP_HOST_FAULT, /* write to 0x123 */
    OP_SYSCALL,
    OP_HLT,
    OP_AC,
    OP_AC_UD2,
    OP_COUNT,        /* counter of this TCS to *rdx */
    OP_SPIN,         /* until *rsi; counts *rdx up */
    OP_REGISTERS,    /* rsi rounds; *rdx = 0 if all registers kept */
    OP_EXIT_ADDRESS, /* where a normal exit goes, to *rdx */
    OP_LEAF,         /* rsi: struct cpu_leaf */
    OP_STORE,        /* *rsi = rdx */
    OP_EXIT_TO,
    OP_READONLY,
    OP_INT80,
    OP_MF,
    OP_XM,
    OP_TF,
    OP_LEAF_RAW,
    OP_REGS512,
    OP_FLAGS,
    OP_FSBASE,
    OP_FAR,              /* leave by the site of the second copy, rsi = its offset */
    OP_ANY_CSSA = 0x100, /* added: runs at CSSA > 0, too */
};

struct cpu_leaf {
    uint64_t rax, rbx, rcx, rdx;
    uint64_t rflags, xmm9, r12, fsbase; /* out */
};

/* what an entry at CSSA > 0 reports of the frame below */
struct cpu_ssa {
    uint64_t exitinfo, rip, maddr, errcd, rflags, rsp;
};

/* the pages of cpu_enclave.S */
enum {
    CPU_CODE = 0,
    CPU_DATA = 1,
    CPU_TCS = 2,
    CPU_SSA = 4,
    CPU_FS = 12,
    CPU_GS = 14,
    CPU_READONLY = 15,
    CPU_PAGES = 16,
};

struct cpu_options {
    uint64_t size; /* 0: 64 KiB */
    uint64_t xfrm; /* 0: 7 */
    bool no_exinfo;
    bool production; /* without DEBUG */
    uint64_t code2;  /* offset of a second copy of the code page, or 0 */
};

/* Build, sign, initialise, map. False (and said) on failure. */
bool cpu_build(struct kit_enclave *e, const struct cpu_options *o);

static inline uint64_t cpu_tcs(const struct kit_enclave *e, unsigned n)
{
    return (uint64_t)(uintptr_t)e->base + (CPU_TCS + n) * KIT_PAGE;
}

/*
 * __vdso_sgx_enter_enclave as a C compiler may call it (all callee-saved registers kept, DF and AC
 * clear afterwards).
 */
int cpu_enter(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
              unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);

/* The same, flags as the enclave leaves them: for the bench. */
int cpu_enter_plain(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
                    unsigned long r8, unsigned long r9, struct sgx_enclave_run *run);

/* EENTER of TCS n; run is filled anew. */
int cpu_call(const struct kit_enclave *e, unsigned n, unsigned long op, uint64_t a, uint64_t b,
             struct sgx_enclave_run *run);
/* ERESUME */
int cpu_resume(const struct kit_enclave *e, unsigned n, struct sgx_enclave_run *run);
/* Did the call return by EEXIT? */
bool cpu_ok(int rc, const struct sgx_enclave_run *run);

/* False when CASEMATE_SGXEMU takes the fast ways away: then a transition costs 10 us. */
bool cpu_fast(void);

/* user handler: asks for EENTER once, then returns -7; counts in *(int *)user_data */
void cpu_handler_twice(void);

/* ENCLU executed by the host itself: leaf 2 or 3, AEP = a raw ENCLU. */
void cpu_raw(uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t leaf, uint64_t tcs);
void cpu_raw_with_aep(uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t leaf, uint64_t tcs,
                      uint64_t aep);
extern char cpu_raw_aep[], cpu_raw_end[];

#endif
