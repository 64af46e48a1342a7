/*
 * First level of exception handling: entered at CSSA 1 on a stack of its own, with the interrupted
 * registers in SSA frame 0. What happened is read there and nowhere else (E2): the host's word about
 * signals and addresses is not even looked at.
 */
#include "enclave/internal.h"
#include "enclave/runtime.h"

static struct sgx_ssa_gpr *interrupted(const struct cm_td *td)
{
    return (struct sgx_ssa_gpr *)(td->tcs + CM_TCS_TO_GPR(0));
}

/*
 * Whether the interrupted context is enclave code on this thread's own stack. It is not, when the
 * host interrupted the entry or exit path, where RSP is still or again the host's (E1, SmashEx).
 */
static bool on_own_stack(const struct cm_td *td, const struct sgx_ssa_gpr *gpr)
{
    const uint64_t top = td->tcs - CM_GUARD_SIZE;

    return gpr->rsp >= td->stack_base && gpr->rsp <= top && gpr->rsp != gpr->ursp &&
           cm_outside(gpr->ursp, 1);
}

/* Answers OE_OK when the host may resume the thread, which then goes on where it was. */
oe_result_t cm_exception_first_level(struct cm_td *td)
{
    struct sgx_ssa_gpr *gpr = interrupted(td);
    const uint32_t info = gpr->exitinfo;

    if ((info & SGX_EXITINFO_VALID) == 0) {
        return OE_OK; /* no exception happened, whatever the host says */
    }
    gpr->exitinfo = 0; /* believed once */
    if (!on_own_stack(td, gpr)) {
        oe_abort();
    }
    oe_abort(); /* no handler */
}
