/*
 * casemate/state.h: the machine is one word, changed by compare-and-swap, so that of two threads that the host
 * sends in at once one alone takes a step (D7).
 *   bits 0-7 state, bit 8 a step is under way, bits 16-31 threads that use the state
 */
#include <casemate/state.h>

#include <stddef.h>

#define STATE UINT64_C(0xff)
#define STEP  UINT64_C(0x100)
#define USER  UINT64_C(0x10000)
#define USERS UINT64_C(0xffff0000)

bool oe_is_within_enclave(const void *p, size_t size);

static bool is_machine(const oe_state_t *machine)
{
    return machine != NULL && oe_is_within_enclave(machine, sizeof(*machine));
}

static uint64_t load(const oe_state_t *machine)
{
    return __atomic_load_n(&machine->word, __ATOMIC_ACQUIRE);
}

/* from: what it was; looked at again when another thread was faster */
/* NOLINTNEXTLINE(readability-non-const-parameter): stored to below */
static bool change(oe_state_t *machine, uint64_t *from, uint64_t to)
{
    return __atomic_compare_exchange_n(&machine->word, from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static oe_result_t judge(uint64_t word, uint64_t allowed)
{
    if ((word & STEP) != 0) {
        return OE_BUSY;
    }
    return (word & STATE) <= OE_STATE_MAX && (allowed >> (word & STATE) & 1) != 0
               ? OE_OK
               : OE_CONSTRAINT_FAILED;
}

oe_result_t oe_require_state(const oe_state_t *machine, uint64_t allowed)
{
    return is_machine(machine) ? judge(load(machine), allowed) : OE_INVALID_PARAMETER;
}

oe_result_t oe_begin_state(oe_state_t *machine, uint64_t allowed)
{
    oe_result_t result;
    uint64_t word;

    if (!is_machine(machine)) {
        return OE_INVALID_PARAMETER;
    }
    word = load(machine);
    do {
        result = judge(word, allowed);
        if (result == OE_OK && (word & USERS) != 0) {
            result = OE_BUSY;
        }
    } while (result == OE_OK && !change(machine, &word, word | STEP));
    return result;
}

oe_result_t oe_end_state(oe_state_t *machine, uint32_t next)
{
    uint64_t word;

    if (!is_machine(machine) || next > OE_STATE_MAX) {
        return OE_INVALID_PARAMETER;
    }
    word = load(machine);
    return (word & STEP) != 0 && change(machine, &word, next) ? OE_OK : OE_UNEXPECTED;
}

oe_result_t oe_enter_state(oe_state_t *machine, uint64_t allowed)
{
    oe_result_t result;
    uint64_t word;

    if (!is_machine(machine)) {
        return OE_INVALID_PARAMETER;
    }
    word = load(machine);
    do {
        result = judge(word, allowed);
        if (result == OE_OK && (word & USERS) == USERS) {
            result = OE_BUSY;
        }
    } while (result == OE_OK && !change(machine, &word, word + USER));
    return result;
}

oe_result_t oe_leave_state(oe_state_t *machine)
{
    uint64_t word;

    if (!is_machine(machine)) {
        return OE_INVALID_PARAMETER;
    }
    word = load(machine);
    do {
        if ((word & USERS) == 0) {
            return OE_UNEXPECTED;
        }
    } while (!change(machine, &word, word - USER));
    return OE_OK;
}
