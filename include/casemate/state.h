/*
 * The order of calls, demanded by the enclave. Enclave side.
 *
 * The host decides which ecall comes when, how often, and on how many threads at once; it may repeat calls,
 * leave some out, and call from within an ocall. An enclave whose functions make sense in one order only
 * keeps a state machine and lets each function demand the states in which it may run.
 *
 *     static oe_state_t vault = OE_STATE_INIT(NEW);
 *
 *     oe_result_t unlock(...)                          // once, and nothing else meanwhile
 *     {
 *         oe_result_t r = oe_begin_state(&vault, OE_STATE(NEW));
 *         if (r != OE_OK) return r;
 *         ...
 *         return oe_end_state(&vault, ok ? UNLOCKED : NEW);
 *     }
 *
 *     oe_result_t use(...)                             // by many threads, and nobody locks it meanwhile
 *     {
 *         oe_result_t r = oe_enter_state(&vault, OE_STATE(UNLOCKED));
 *         if (r != OE_OK) return r;
 *         ...
 *         return oe_leave_state(&vault);
 *     }
 *
 * All functions are thread-safe, never wait, allocate or leave the enclave, and change nothing when they
 * fail. A function that ends without oe_end_state or oe_leave_state leaves the machine busy for good: refused
 * is the safe side.
 *
 * NOT promised: anything beyond this enclave's life. A host can end it and start another, whose machine
 * begins anew; what must not be repeated even then needs a counter outside (docs/call-order.md).
 *
 * An extension of Casemate's.
 */
#ifndef CASEMATE_STATE_H
#define CASEMATE_STATE_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

OE_EXTERNC_BEGIN

/** A machine. In enclave memory; its content is not for anyone else. */
typedef struct _oe_state {
    uint64_t word;
} oe_state_t;

#define OE_STATE_MAX 63 /**< states are 0 to 63, with names of the application's */

/** The initialiser of a machine in the given state. */
#define OE_STATE_INIT(state) \
    {                        \
        (uint64_t)(state)    \
    }

/** The set of one state; sets are joined with |. */
#define OE_STATE(state) ((uint64_t)1 << (state))

/**
 * Whether the machine is in one of these states now, and nothing is changing it. Another thread may change it
 * right after: for answers that say something, not for what must hold during the call.
 *
 * @retval OE_OK                 it is
 * @retval OE_CONSTRAINT_FAILED  it is in another state: this call comes too early, too late or again
 * @retval OE_BUSY               a call is in the middle of a step (oe_begin_state)
 * @retval OE_INVALID_PARAMETER  NULL, or a machine outside the enclave, where the host could set it
 */
oe_result_t oe_require_state(const oe_state_t *machine, uint64_t allowed);

/**
 * Begin a step alone: until oe_end_state every other call of these functions is refused with OE_BUSY.
 * Results as of oe_require_state; OE_BUSY also while a thread is between oe_enter_state and oe_leave_state.
 */
oe_result_t oe_begin_state(oe_state_t *machine, uint64_t allowed);

/**
 * End the step in this state.
 *
 * @retval OE_INVALID_PARAMETER  no such state, or no machine
 * @retval OE_UNEXPECTED         no step was begun
 */
oe_result_t oe_end_state(oe_state_t *machine, uint32_t next);

/**
 * Use the state together with others: until oe_leave_state no step can begin. Results as of oe_require_state;
 * OE_BUSY also when 65,535 threads use it.
 */
oe_result_t oe_enter_state(oe_state_t *machine, uint64_t allowed);

/** @retval OE_UNEXPECTED  nobody uses it. */
oe_result_t oe_leave_state(oe_state_t *machine);

OE_EXTERNC_END

#endif
