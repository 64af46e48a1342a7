/*
 * What the host library knows of an enclave: struct _oe_enclave behind oe_enclave_t, its thread
 * slots and its life.
 *
 * Handles and slots are never returned to malloc but reused: a thread that calls an enclave while
 * another terminates it finds a state, not freed memory.
 */
#ifndef CM_HOST_HANDLE_H
#define CM_HOST_HANDLE_H

#include <openenclave/host.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <casemate/sgxemu.h>
#include <casemate/status.h>

#define CM_HANDLE_MAGIC 0x454c43564e455343ull

/* host memory for the buffers of one thread's ocalls; see struct cm_call_args */
#define CM_ARENA_SIZE (UINT64_C(256) * 1024)

enum cm_enclave_state {
    CM_ENCLAVE_FREE = 0,
    CM_ENCLAVE_CREATING,
    CM_ENCLAVE_RUNNING,
    CM_ENCLAVE_ABORTED,  /* never entered again, except to end ocalls that are under way */
    CM_ENCLAVE_STOPPING, /* the destructor runs */
    CM_ENCLAVE_LOST,     /* we are a forked child: the enclave stayed with the parent */
};

/* Messages that a program which calls on would repeat for ever: each once for an enclave. */
enum cm_handle_said {
    CM_SAID_REFUSED = 1,
    CM_SAID_NO_TCS = 2,
};

/* One TCS. Each has its own cache line: threads that call in parallel share nothing. */
struct cm_slot {
    _Alignas(64) atomic_uint busy; /* a host thread has it, from its outermost ecall to its end */
    atomic_int event;              /* THREAD_WAIT and THREAD_WAKE: a binary semaphore on a futex */
    uint64_t tcs;
    uint64_t arena;
};

struct _oe_enclave {
    uint64_t magic;
    atomic_uint state;     /* enum cm_enclave_state */
    atomic_uint abort_why; /* oe_result_t of the call that found the enclave aborting */
    atomic_uint said;      /* enum cm_handle_said: what the log has of it already */
    const struct cm_sgx_device *device;
    int fd;
    uint64_t base;
    uint64_t size;
    uint64_t reserved; /* where its address space begins */
    char *path;        /* of the image, for names in messages; NULL when memory ran out */
    struct cm_debug_enclave *listed; /* for debuggers; NULL: not debuggable */
    uint64_t tcs_first;
    uint64_t tcs_stride;
    bool told_faults; /* the processor tells the enclave of #PF and #GP (MISCSELECT.EXINFO) */
    const oe_ocall_func_t *ocalls;
    uint64_t ocall_count;
    uint64_t *ecall_ids; /* by global id (names.h); UINT64_MAX: not an ecall of this enclave */
    uint64_t ecall_id_count;
    void *slot_memory; /* as allocated */
    struct cm_slot *slots;
    uint32_t slot_count;
    uint32_t slot_cap;
    void *arenas;                               /* slot_count * CM_ARENA_SIZE */
    _Atomic(struct cm_switchless *) switchless; /* workers; kept with the handle, NULL before any */
    atomic_uint lent; /* threads that run for the enclave's pthread_create (sys_threads.c) */
    struct _oe_enclave *next;
};

/** A handle in state CREATING with slot_count free slots, or NULL when memory ran out. */
oe_enclave_t *cm_handle_get(uint32_t slot_count);

/** Give a handle back; its fields' memory must have been released. */
void cm_handle_put(oe_enclave_t *enclave);

/* One ecall that is under way on this thread; lies on its stack. */
struct cm_frame {
    oe_enclave_t *enclave;
    struct cm_slot
        *slot; /* NULL: a worker of the host's, which serves ocalls without being inside */
    struct cm_frame *outer;
    bool nested; /* the thread is inside this enclave already, in an ocall */
};

/**
 * Bind this thread to a TCS for one call. A thread that is in an ocall of the same enclave gets
 * the same TCS again: the enclave is what refuses the nested call.
 *
 * @param life  The state that the enclave must be in.
 * @retval OE_OUT_OF_THREADS  all TCS are in use
 * @retval OE_REENTRANT_ECALL  a worker of the host's, which serves an ocall of this enclave
 * @retval OE_ENCLAVE_ABORTING after the enclave broke; OE_ENCLAVE_ABORTED in a forked child
 * @retval OE_INVALID_PARAMETER  terminated, or not created yet
 */
oe_result_t cm_bind(oe_enclave_t *enclave, enum cm_enclave_state life, struct cm_frame *frame);
void cm_unbind(struct cm_frame *frame);

/** The enclave whose ocall this thread serves, or that it is calling; NULL: none. */
oe_enclave_t *cm_handle_current(void);

/**
 * Take a TCS for this thread, which is lent and counted in enclave->lent; its next cm_bind of the same
 * enclave cannot fail for want of one then. Results as cm_bind with the state RUNNING. The call must
 * follow. When none is free it waits for those of the lent threads, beside this one, that are more
 * than `others`, but no longer than a second.
 */
oe_result_t cm_reserve(oe_enclave_t *enclave, uint64_t others);

/** As cm_reserve, for a worker: nobody has to make room for it, and nothing is logged. */
oe_result_t cm_reserve_for_worker(oe_enclave_t *enclave);

/** This thread serves the enclave's ocalls until cm_unbind, without being in it. */
void cm_worker_frame(oe_enclave_t *enclave, struct cm_frame *frame);

/** Whether this thread is in an ocall of the enclave, or serves them. */
bool cm_is_bound(const oe_enclave_t *enclave);

/** Wait until no thread that was lent to the enclave is left in it, but no longer than a second. */
void cm_handle_wait_lent(oe_enclave_t *enclave);

/** Whether any thread is bound. */
bool cm_handle_in_use(const oe_enclave_t *enclave);

/** Mark as aborted and wake every waiting thread, so that each can leave. True for the first. */
bool cm_handle_abort(oe_enclave_t *enclave, oe_result_t why);

/** Why an enclave that does not run cannot be called; the first time it is logged, too. */
oe_result_t cm_handle_refusal(oe_enclave_t *enclave);

/* THREAD_WAIT and THREAD_WAKE; tcs is the address of the waiting thread's TCS. */
oe_result_t cm_slot_wait(oe_enclave_t *enclave, uint64_t tcs);
oe_result_t cm_slot_wait_for(oe_enclave_t *enclave, uint64_t tcs, uint64_t nanoseconds);
oe_result_t cm_slot_wake(oe_enclave_t *enclave, uint64_t tcs);

#endif
