/*
 * Threads of the host for an enclave's pthread_create, over casemate/edl/threads.edl. Each runs one
 * ecall, in which it is the enclave's; what it runs there is the enclave's own affair. Generated code
 * defines the ecall's wrapper when the host's EDL imports the file.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include <openenclave/host.h>

#include "host/handle.h"
#include "host/hostlog.h"
#include "host/sys_ocalls.h"

__attribute__((weak)) oe_result_t cm_thread_run_ecall(oe_enclave_t *enclave, uint64_t thread);

/* Lies on the stack of the thread that asks, which waits until the new one has its TCS. */
struct loan {
    oe_enclave_t *enclave;
    uint64_t thread;
    uint64_t others;
    oe_result_t result;
    sem_t settled;
};

static void *run(void *arg)
{
    struct loan *loan = arg;
    oe_enclave_t *enclave = loan->enclave;
    const uint64_t thread = loan->thread;
    const oe_result_t result = cm_reserve(enclave, loan->others);

    loan->result = result;
    (void)sem_post(&loan->settled); /* *loan is gone from here on */
    if (result == OE_OK) {
        (void)cm_thread_run_ecall(enclave, thread);
    }
    (void)atomic_fetch_sub(&enclave->lent, 1);
    return NULL;
}

uint32_t cm_thread_start_ocall(uint64_t thread, uint64_t others)
{
    struct loan loan = {
        .enclave = cm_handle_current(), .thread = thread, .others = others, .result = OE_FAILURE};
    pthread_attr_t attr;
    pthread_t started;
    int error = 0;

    if (loan.enclave == NULL || cm_thread_run_ecall == NULL) {
        return OE_UNSUPPORTED;
    }
    if (pthread_attr_init(&attr) != 0) {
        return OE_OUT_OF_MEMORY;
    }
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sem_init(&loan.settled, 0, 0);
    (void)atomic_fetch_add(&loan.enclave->lent, 1);
    error = pthread_create(&started, &attr, run, &loan);
    (void)pthread_attr_destroy(&attr);
    if (error != 0) {
        (void)atomic_fetch_sub(&loan.enclave->lent, 1);
        cm_host_log(CM_LOG_ERROR, "an enclave wants a thread, and the host cannot make one");
        loan.result = OE_THREAD_CREATE_ERROR;
    } else {
        while (sem_wait(&loan.settled) != 0) {
        }
    }
    (void)sem_destroy(&loan.settled);
    return (uint32_t)loan.result;
}
