/*
 * Exceptions, in two levels. The first is entered at CSSA 1, on a stack of its own, with the
 * interrupted registers in SSA frame 0. What happened is read there and nowhere else (E2): the
 * host's word about signals and addresses is not even looked at. If the application has handlers,
 * the first level redirects the thread to the second, which runs at CSSA 0 on the thread's stack.
 */
#include <string.h>

#include "arch/sgx.h"
#include "enclave/address.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/vectored.h"

enum {
    DEPTH_MAX = 4,            /* exceptions in handlers of exceptions (E4) */
    HANDLER_ROOM = 16 * 1024, /* stack that handlers find at least */
    SMALL_LOWERING = 512,     /* how far handlers may lower RSP */
    TSC_STEP = 1024,
    XSAVE_BV_OFF = 512,
    MXCSR_OFF = 24,
};

#define RFLAGS_USER 0x240cd5ull /* arithmetic flags, DF, AC, ID: what user code can set (E5) */
#define RFLAGS_ONE  0x2ull      /* bit 1 is always set */
#define MXCSR_VALID 0xffffu

void cm_exception_enter(void);
void cm_exception_second_level(struct cm_exception_frame *frame, uint8_t *xsave);

static struct cm_stack_shape of_exceptions;

static bool in_image(uint64_t rip, uint64_t len)
{
    const uint64_t size = cm_properties()->image_info.heap_rva;

    return rip >= cm_image_base && rip - cm_image_base < size &&
           len <= size - (rip - cm_image_base);
}

static uint64_t stack_top(const struct cm_td *td)
{
    return td->tcs - CM_GUARD_SIZE;
}

/*
 * Whether the interrupted context is enclave code on this thread's own stack. It is not, when the
 * host interrupted the entry or exit path, where RSP is still or again the host's (E1, SmashEx), or
 * when the host had its own RSP in the enclave.
 */
static bool on_own_stack(const struct cm_td *td, const struct sgx_ssa_gpr *gpr)
{
    return gpr->rsp > td->stack_base && gpr->rsp <= stack_top(td) && cm_outside(gpr->ursp, 1) &&
           in_image(gpr->rip, 1);
}

static bool answer_cpuid(struct sgx_ssa_gpr *gpr)
{
    uint32_t regs[4];

    if (!cm_cpuid_lookup((uint32_t)gpr->rax, (uint32_t)gpr->rcx, regs)) {
        return false;
    }
    gpr->rax = regs[0];
    gpr->rbx = regs[1];
    gpr->rcx = regs[2];
    gpr->rdx = regs[3];
    return true;
}

/*
 * There is no clock to ask here, and one of the host's would tell what it likes. So the counter
 * counts: each look sees more than any before it, and code that waits for it to advance goes on.
 */
static void answer_rdtsc(struct sgx_ssa_gpr *gpr)
{
    static uint64_t counter;
    const uint64_t now = __atomic_add_fetch(&counter, TSC_STEP, __ATOMIC_SEQ_CST);

    gpr->rax = (uint32_t)now;
    gpr->rdx = now >> 32;
}

/*
 * CPUID, RDTSC and RDTSCP are illegal inside, on processors with SGX1 all three; these and no other
 * instructions are emulated (E6), and only where all their bytes are in the image.
 */
static bool emulate(struct sgx_ssa_gpr *gpr)
{
    const uint8_t *code = cm_ptr(gpr->rip);

    if (!in_image(gpr->rip, 2) || code[0] != 0x0f) {
        return false;
    }
    if (code[1] == 0xa2 && answer_cpuid(gpr)) {
        gpr->rip += 2;
        return true;
    }
    if (code[1] == 0x31) {
        answer_rdtsc(gpr);
        gpr->rip += 2;
        return true;
    }
    if (code[1] == 0x01 && in_image(gpr->rip, 3) && code[2] == 0xf9) {
        answer_rdtsc(gpr);
        gpr->rcx = 0; /* which processor is not told */
        gpr->rip += 3;
        return true;
    }
    return false;
}

/* Makes the host's ERESUME continue in cm_exception_enter instead of where it was interrupted. */
static bool redirect(struct cm_td *td, struct sgx_ssa_gpr *gpr, uint32_t info)
{
    const struct sgx_exinfo *exinfo = cm_ptr((uint64_t)gpr - sizeof(struct sgx_exinfo));
    const uint32_t vector = SGX_EXITINFO_VECTOR(info);
    const uint64_t need = CM_RED_ZONE + CM_EXCEPTION_GAP + sizeof(struct cm_exception_frame) +
                          2ull * CM_XSAVE_AREA + HANDLER_ROOM;
    struct cm_exception_frame *frame;

    if (td->exceptions >= DEPTH_MAX || gpr->rsp - td->stack_base < need) {
        return false;
    }
    frame = cm_ptr((gpr->rsp - CM_RED_ZONE - CM_EXCEPTION_GAP - sizeof(*frame)) & ~15ull);
    memset(frame, 0, sizeof(*frame));
    frame->gpr = *gpr;
    frame->vector = vector;
    frame->type = SGX_EXITINFO_TYPE(info);
    frame->state = td->saved_state;
    if ((vector == SGX_VEC_PF || vector == SGX_VEC_GP) &&
        (cm_miscselect() & SGX_MISC_EXINFO) != 0) {
        frame->faulting_address = exinfo->maddr;
        frame->error_code = exinfo->errcd;
    }
    gpr->rip = (uint64_t)cm_exception_enter;
    gpr->rsp = (uint64_t)frame;
    gpr->rdi = (uint64_t)frame;
    gpr->rflags = RFLAGS_ONE; /* DF and AC of the interrupted code do not reach the handler (A1) */
    if (td->stack_shape == 0) {
        td->stack_shape = (uint64_t)&of_exceptions; /* look at all of the stack afterwards (D4) */
    }
    td->exceptions++;
    td->saved_state = CM_TD_SECOND_LEVEL;
    return true;
}

/* Answers OE_OK when the host may resume the thread. */
oe_result_t cm_exception_first_level(struct cm_td *td)
{
    struct sgx_ssa_gpr *gpr = cm_ptr(td->tcs + CM_TCS_TO_GPR(0));
    const uint32_t info = gpr->exitinfo;

    if ((info & SGX_EXITINFO_VALID) == 0) {
        return OE_OK; /* no exception happened, whatever the host says */
    }
    gpr->exitinfo = 0; /* believed once */
    if (!on_own_stack(td, gpr)) {
        cm_abort_with(CM_ABORT_EXCEPTION);
    }
    if (SGX_EXITINFO_VECTOR(info) == SGX_VEC_UD && emulate(gpr)) {
        return OE_OK;
    }
    if (!cm_have_handlers() || !redirect(td, gpr, info)) {
        cm_abort_at(CM_ABORT_EXCEPTION, gpr->rip, gpr->rbp);
    }
    return OE_OK;
}

/* ------------------------------------------------------------------ second level */

static uint32_t code_of(uint32_t vector)
{
    switch (vector) {
    case SGX_VEC_DE:
        return OE_EXCEPTION_DIVIDE_BY_ZERO;
    case SGX_VEC_BP:
        return OE_EXCEPTION_BREAKPOINT;
    case SGX_VEC_BR:
        return OE_EXCEPTION_BOUND_OUT_OF_RANGE;
    case SGX_VEC_UD:
        return OE_EXCEPTION_ILLEGAL_INSTRUCTION;
    case SGX_VEC_GP:
        return OE_EXCEPTION_ACCESS_VIOLATION;
    case SGX_VEC_PF:
        return OE_EXCEPTION_PAGE_FAULT;
    case SGX_VEC_MF:
        return OE_EXCEPTION_X87_FLOAT_POINT;
    case SGX_VEC_AC:
        return OE_EXCEPTION_MISALIGNMENT;
    case SGX_VEC_XM:
        return OE_EXCEPTION_SIMD_FLOAT_POINT;
    default:
        return OE_EXCEPTION_UNKNOWN;
    }
}

/* The registers that the context and the frame name alike, one way or the other. */
#define EACH_REGISTER(X) \
    X(rax)               \
    X(rbx)               \
    X(rcx)               \
    X(rdx) X(rbp) X(rsp) X(rdi) X(rsi) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip)

static void context_from(oe_context_t *c, const struct sgx_ssa_gpr *g, const uint8_t *xsave)
{
#define TAKE(r) c->r = g->r;
    EACH_REGISTER(TAKE)
#undef TAKE
    c->flags = g->rflags;
    memcpy(c->basic_xstate.blob, xsave, sizeof(c->basic_xstate.blob));
    memcpy(&c->mxcsr, xsave + MXCSR_OFF, sizeof(c->mxcsr));
}

/* What a handler may change, within bounds; anything else ends the enclave (E5). */
static bool context_to(const oe_context_t *c, struct sgx_ssa_gpr *g, uint8_t *xsave,
                       const struct cm_td *td)
{
    const uint64_t lowest = g->rsp - SMALL_LOWERING;
    uint32_t old_mxcsr;
    uint32_t mxcsr;
    uint64_t bv;

    if (c->rsp < lowest || c->rsp > stack_top(td) || !in_image(c->rip, 1)) {
        return false;
    }
    memcpy(&old_mxcsr, xsave + MXCSR_OFF, sizeof(old_mxcsr));
    memcpy(&mxcsr, c->basic_xstate.blob + MXCSR_OFF, sizeof(mxcsr));
    mxcsr = c->mxcsr != old_mxcsr ? c->mxcsr : mxcsr;
    mxcsr &= MXCSR_VALID;
    memcpy(xsave, c->basic_xstate.blob, sizeof(c->basic_xstate.blob));
    memcpy(xsave + MXCSR_OFF, &mxcsr, sizeof(mxcsr));
    memcpy(&bv, xsave + XSAVE_BV_OFF, sizeof(bv));
    bv |= SGX_XFRM_LEGACY; /* or XRSTOR would take the initial state instead of the blob */
    memcpy(xsave + XSAVE_BV_OFF, &bv, sizeof(bv));
#define GIVE(r) g->r = c->r;
    EACH_REGISTER(GIVE)
#undef GIVE
    g->rflags = (c->flags & RFLAGS_USER) | RFLAGS_ONE;
    return true;
}

void cm_exception_second_level(struct cm_exception_frame *frame, uint8_t *xsave)
{
    struct cm_td *td = cm_td();
    oe_context_t context;
    oe_exception_record_t record;

    memset(&record, 0, sizeof(record));
    memset(&context, 0, sizeof(context));
    context_from(&context, &frame->gpr, xsave);
    record.code = code_of(frame->vector);
    record.flags = frame->type == SGX_EXIT_HARDWARE   ? OE_EXCEPTION_FLAGS_HARDWARE
                   : frame->type == SGX_EXIT_SOFTWARE ? OE_EXCEPTION_FLAGS_SOFTWARE
                                                      : 0;
    record.address = frame->gpr.rip;
    record.faulting_address = frame->faulting_address;
    record.error_code = frame->error_code;
    record.context = &context;
    if (cm_ask_handlers(&record) != OE_EXCEPTION_CONTINUE_EXECUTION ||
        !context_to(&context, &frame->gpr, xsave, td)) {
        cm_abort_at(CM_ABORT_EXCEPTION, frame->gpr.rip, frame->gpr.rbp);
    }
    td->exceptions--;
    __atomic_store_n(&td->state, frame->state, __ATOMIC_SEQ_CST);
}
