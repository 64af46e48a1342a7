/* The enclave of the D7 tests. */
#include <openenclave/enclave.h>

#include <casemate/state.h>

#include "vault_t.h"

enum { NEW, UNLOCKED, LOCKED };

static oe_state_t vault = OE_STATE_INIT(NEW);
static uint64_t secret; /* plain memory: the machine alone keeps threads apart */
static uint64_t unlocked;

oe_result_t vault_unlock(uint64_t key)
{
    const oe_result_t r = oe_begin_state(&vault, OE_STATE(NEW));

    if (r != OE_OK) {
        return r;
    }
    secret = key;
    unlocked++;
    return oe_end_state(&vault, UNLOCKED);
}

oe_result_t vault_use(uint64_t *key)
{
    const oe_result_t r = oe_enter_state(&vault, OE_STATE(UNLOCKED));

    if (r != OE_OK) {
        return r;
    }
    *key = secret;
    return oe_leave_state(&vault);
}

oe_result_t vault_change(uint64_t key)
{
    const oe_result_t r = oe_begin_state(&vault, OE_STATE(UNLOCKED));

    if (r != OE_OK) {
        return r;
    }
    secret = 0; /* half a step, and the host gets its turn */
    (void)host_meanwhile();
    secret = key;
    return oe_end_state(&vault, UNLOCKED);
}

oe_result_t vault_use_long(void)
{
    oe_result_t r = oe_enter_state(&vault, OE_STATE(UNLOCKED));
    uint64_t before = secret;

    if (r != OE_OK) {
        return r;
    }
    (void)host_meanwhile();
    r = oe_leave_state(&vault);
    return r == OE_OK && before != secret ? OE_FAILURE : r;
}

oe_result_t vault_lock(void)
{
    const oe_result_t r = oe_begin_state(&vault, OE_STATE(UNLOCKED) | OE_STATE(NEW));

    if (r != OE_OK) {
        return r;
    }
    secret = 0;
    return oe_end_state(&vault, LOCKED);
}

oe_result_t vault_look(void)
{
    return oe_require_state(&vault, OE_STATE(NEW) | OE_STATE(LOCKED));
}

void vault_reset(void)
{
    vault = (oe_state_t)OE_STATE_INIT(NEW);
    unlocked = 0;
    secret = 0;
}

uint64_t vault_unlocked(void)
{
    return unlocked;
}

oe_result_t vault_of_the_host(void *machine, uint32_t what)
{
    switch (what) {
    case 0:
        return oe_require_state(machine, UINT64_MAX);
    case 1:
        return oe_begin_state(machine, UINT64_MAX);
    case 2:
        return oe_end_state(machine, 0);
    case 3:
        return oe_enter_state(machine, UINT64_MAX);
    default:
        return oe_leave_state(machine);
    }
}

OE_SET_ENCLAVE_SGX(1, 1, true, 256, 32, 6);
