/*
 * musl's own locks (__lock of its internals, the lock of a FILE), on our waiting room. Replaces the
 * members that hold inline futex calls.
 */
#include <stdint.h>
#include <stdio.h>

#include "libc/inside_lock.h"
#include "libc/inside_musl.h"

#define MAYBE_WAITERS 0x40000000

void __lock(volatile int *lock);
void __unlock(volatile int *lock);
void __wait(volatile int *addr, volatile int *waiters, int value, int priv);
int __lockfile(FILE *f);
void __unlockfile(FILE *f);
void __vm_lock(void);
void __vm_unlock(void);
void __vm_wait(void);
void __tl_lock(void);
void __tl_unlock(void);

/* nobody but these functions looks at the word, so its meaning is ours */
void __lock(volatile int *lock)
{
    cm_lock((int *)(uintptr_t)lock);
}

void __unlock(volatile int *lock)
{
    cm_unlock((int *)(uintptr_t)lock);
}

void __wait(volatile int *addr, volatile int *waiters, int value, int priv)
{
    (void)priv;
    if (waiters != NULL) {
        __atomic_add_fetch(waiters, 1, __ATOMIC_SEQ_CST);
    }
    while (*addr == value) {
        (void)cm_futex_wait((const int *)(uintptr_t)addr, value, CLOCK_REALTIME, NULL);
    }
    if (waiters != NULL) {
        __atomic_sub_fetch(waiters, 1, __ATOMIC_SEQ_CST);
    }
}

static int own_tid(void)
{
    int tid;

    __builtin_memcpy(&tid, (char *)__builtin_thread_pointer() + CM_MUSL_PTHREAD_TID, sizeof(tid));
    return tid;
}

/* The lock word holds the owner's tid, as musl's flockfile family (kept) expects. */
int __lockfile(FILE *file)
{
    int *lock = &((struct cm_musl_file *)(void *)file)->lock;
    int tid = own_tid();
    int owner = *lock;

    if ((owner & ~MAYBE_WAITERS) == tid) {
        return 0;
    }
    owner = 0;
    if (__atomic_compare_exchange_n(lock, &owner, tid, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return 1;
    }
    for (;;) {
        owner = 0;
        if (__atomic_compare_exchange_n(lock, &owner, tid | MAYBE_WAITERS, 0, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
            return 1;
        }
        if ((owner & MAYBE_WAITERS) == 0 &&
            !__atomic_compare_exchange_n(lock, &owner, owner | MAYBE_WAITERS, 0, __ATOMIC_RELAXED,
                                         __ATOMIC_RELAXED)) {
            continue;
        }
        (void)cm_futex_wait(lock, owner | MAYBE_WAITERS, CLOCK_REALTIME, NULL);
    }
}

void __unlockfile(FILE *file)
{
    int *lock = &((struct cm_musl_file *)(void *)file)->lock;

    if ((__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) & MAYBE_WAITERS) != 0) {
        cm_futex_wake(lock, 1);
    }
}

/* memory mappings and the list of threads are not musl's here */
void __vm_lock(void)
{
}

void __vm_unlock(void)
{
}

void __vm_wait(void)
{
}

void __tl_lock(void)
{
}

void __tl_unlock(void)
{
}
