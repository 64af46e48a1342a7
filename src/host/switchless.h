/*
 * Calls without a transition on the host's side: worker threads, the lines through which calls reach
 * them (abi/line.h), and the caller's half of ecalls.
 *
 * A worker sleeps when no call has come for a while, without using the processor and, an enclave's
 * worker, without occupying a TCS. It is woken when a call finds no worker that polls; that call itself
 * is made in the ordinary way.
 */
#ifndef CM_HOST_SWITCHLESS_H
#define CM_HOST_SWITCHLESS_H

#include <openenclave/host.h>
#include <stdbool.h>

#include "host/handle.h"

struct cm_call_args;

/**
 * Start workers; at most as many of each kind as the enclave has TCS. For a handle in state RUNNING.
 *
 * @retval OE_UNSUPPORTED         the enclave does not import sgx/switchless.edl; it is logged
 * @retval OE_OUT_OF_MEMORY, OE_THREAD_CREATE_ERROR
 */
oe_result_t cm_switchless_start(oe_enclave_t *enclave, size_t host_workers, size_t enclave_workers);

/**
 * Keep every new call from the workers and get those in the enclave out, so that its TCSs are free.
 * False when a call is under way; then all is as before. For a caller who has set the state to STOPPING.
 */
bool cm_switchless_pause(oe_enclave_t *enclave);
void cm_switchless_resume(oe_enclave_t *enclave);

/** End the threads of paused workers. alive: false in a forked child, where there are none. */
void cm_switchless_stop(oe_enclave_t *enclave, bool alive);

/**
 * Let an ecall be made by a worker of the enclave.
 *
 * @param id    The function's global number (names.h).
 * @param args  The buffers; on true, result and output_bytes_written are set.
 * @return      false when no worker polled for it: it did not run, and a sleeping one was woken.
 */
bool cm_switchless_ecall(oe_enclave_t *enclave, uint64_t id, struct cm_call_args *args);

/** An ocall found no worker: wake one that sleeps. */
void cm_switchless_wake_host_worker(oe_enclave_t *enclave);

/** A thread wants a TCS and there is none: send an idle worker of the enclave out. True when one left. */
bool cm_switchless_make_room(oe_enclave_t *enclave);

/* CM_OCALL_LINE_WAIT and _WAKE. */
oe_result_t cm_switchless_line_wait(oe_enclave_t *enclave, uint64_t index);
oe_result_t cm_switchless_line_wake(oe_enclave_t *enclave, uint64_t line);

/* The ocalls of sgx/switchless.edl, by the address of the line. */
void cm_switchless_wake(oe_enclave_t *enclave, const void *line);
void cm_switchless_sleep(oe_enclave_t *enclave, const void *line);

/* What workers did since the start, for tests. */
struct cm_switchless_counts {
    uint64_t ecalls; /* served by workers of the enclave */
    uint64_t ocalls; /* served by workers of the host */
    uint64_t sleeps;
};
struct cm_switchless_counts cm_switchless_counts(const oe_enclave_t *enclave);

#endif
