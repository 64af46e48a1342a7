/* The hostile enclave's exceptions: what it provokes, and the handler that sees it. */
#include <openenclave/enclave.h>

#include <string.h>

#include "enclave/runtime.h"
#include "enclave/td.h"
#include "hostile_ids.h"
#include "hostile_stub.h"

static struct hostile_fault seen;
static uint64_t fault_kind;
static uint64_t fault_len; /* of the instruction to step over */
static uint64_t total;     /* calls of the handler, ever */
static uint64_t stray;

static uint64_t handler(oe_exception_record_t *r)
{
    uint32_t mxcsr;
    uint64_t rflags;

    __asm__ volatile("pushfq; pop %0" : "=r"(rflags));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    seen.calls++;
    total++;
    stray += (uint64_t)__builtin_frame_address(0) - cm_td()->stack_base >=
             cm_td()->tcs - CM_GUARD_SIZE - cm_td()->stack_base;
    seen.code = r->code;
    seen.address = r->address;
    seen.faulting_address = r->faulting_address;
    seen.error_code = r->error_code;
    seen.flags = r->flags;
    seen.handler_rflags = rflags;
    seen.handler_mxcsr = mxcsr;
    if (fault_kind == HF_NESTED) {
        __asm__ volatile("ud2");
    }
    if (fault_kind == HF_BAD_RIP) {
        r->context->rip = 0x1000;
    } else if (fault_kind == HF_BAD_RSP) {
        r->context->rsp = 0x7fff0000;
    } else if (fault_kind != HF_STAY || r->code == OE_EXCEPTION_ILLEGAL_INSTRUCTION) {
        r->context->rip += fault_len;
    }
    if (fault_kind == HF_BAD_FLAGS) {
        r->context->flags |= 0x7100; /* TF, IOPL, NT */
    }
    if (fault_kind == HF_BAD_MXCSR) {
        r->context->mxcsr |= 0xffff0000;
    }
    if ((cm_xfrm() & 4) != 0) {
        __asm__ volatile("vpcmpeqd %%ymm3, %%ymm3, %%ymm3" : : : "xmm3");
    }
    __asm__ volatile("mov $-1, %%r8; mov $-1, %%r9; mov $-1, %%r10" : : : "r8", "r9", "r10");
    return OE_EXCEPTION_CONTINUE_EXECUTION;
}

SHARED_STUB(he_handler)
{
    UNUSED;
    put(out, out_len, 0,
        word(in, in_len, 0) == 1 ? oe_add_vectored_exception_handler(false, handler)
                                 : oe_remove_vectored_exception_handler(handler));
    *written = out_len;
}

/* Faults with known values in registers; returns how many of them changed. */
static uint64_t fault_with_registers(void)
{
    uint64_t bad = 0;

    __asm__ volatile("mov $0x1111, %%r8; mov $0x2222, %%r9; mov $0x3333, %%r10; mov $0x44, %%r11\n"
                     "movq %%r8, %%xmm3; movq %%r9, %%xmm7\n"
                     "mov %%r8, -8(%%rsp); mov %%r9, -128(%%rsp)\n"
                     "ud2\n"
                     "xor %%eax, %%eax\n"
                     "cmp %%r8, -8(%%rsp); setne %%al; add %%rax, %0\n"
                     "cmp %%r9, -128(%%rsp); setne %%al; add %%rax, %0\n"
                     "pushfq; pop %%rcx; test $0x4000, %%ecx; setnz %%al; add %%rax, %0\n"
                     "cmp $0x1111, %%r8; setne %%al; add %%rax, %0\n"
                     "cmp $0x2222, %%r9; setne %%al; add %%rax, %0\n"
                     "cmp $0x3333, %%r10; setne %%al; add %%rax, %0\n"
                     "cmp $0x44, %%r11; setne %%al; add %%rax, %0\n"
                     "movq %%xmm3, %%r8; movq %%xmm7, %%r9\n"
                     "cmp $0x1111, %%r8; setne %%al; add %%rax, %0\n"
                     "cmp $0x2222, %%r9; setne %%al; add %%rax, %0\n"
                     : "+r"(bad)
                     :
                     : "rax", "rcx", "r8", "r9", "r10", "r11", "xmm3", "xmm7", "cc", "memory");
    return bad;
}

SHARED_STUB(he_fault)
{
    uint64_t rflags = 0;

    memset(&seen, 0, sizeof(seen));
    fault_kind = word(in, in_len, 0);
    fault_len = 2;
    switch (fault_kind) {
    case HF_STAY:
        seen.kept = word(in, in_len, 1) != 0 ? fault_with_registers() : 0;
        break;
    case HF_DIV:
        __asm__ volatile("xor %%edx, %%edx; xor %%eax, %%eax; div %%eax" : : : "rax", "rdx", "cc");
        break;
    case HF_NULL_READ:
        __asm__ volatile("xor %%eax, %%eax; mov (%%rax), %%eax" : : : "rax", "memory");
        break;
    case HF_STD_UD2:
        __asm__ volatile("pushfq; orl $0x40400, (%%rsp); popfq; ud2\n"
                         "pushfq; mov (%%rsp), %0; andl $~0x40400, (%%rsp); popfq"
                         : "=r"(rflags)
                         :
                         : "cc", "memory");
        seen.kept = (rflags & 0x40400) != 0x40400;
        break;
    case HF_CPUID:
        __asm__ volatile("cpuid" : : "a"(0), "c"(0) : "rbx", "rdx");
        __asm__ volatile("rdtsc; rdtscp" : : : "rax", "rcx", "rdx");
        break;
    case HF_UD2:
    case HF_VECTORS:
    case HF_BAD_MXCSR:
    case HF_BAD_FLAGS:
        seen.kept = fault_with_registers();
        break;
    default:
        __asm__ volatile("ud2");
    }
    memcpy(out, &seen, sizeof(seen) < out_len ? sizeof(seen) : out_len);
    *written = out_len;
}

SHARED_STUB(he_seen)
{
    (void)in;
    (void)in_len;
    seen.total = total;
    seen.stray = stray;
    memcpy(out, &seen, sizeof(seen) < out_len ? sizeof(seen) : out_len);
    *written = out_len;
}
