/*
 * A lock for sections of a few loads and stores, without any call out while it is held. The host
 * may stop a holder for as long as it likes: that delays others, as stopping all of them would.
 */
#ifndef CM_ENCLAVE_SPIN_H
#define CM_ENCLAVE_SPIN_H

#include <stdint.h>

/* all zero = free */
struct cm_spin {
    uint32_t taken;
};

static inline void cm_spin_lock(struct cm_spin *lock)
{
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0) {
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED) != 0) {
            __builtin_ia32_pause();
        }
    }
}

static inline void cm_spin_unlock(struct cm_spin *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
