/* Debugged by oe_gdb_test.sh: an ecall on the main thread, one on a thread that came after the enclave. */
#include <openenclave/host.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "oegdb_u.h"

static oe_enclave_t *enclave;

int gdb_ask(int question)
{
    const int reply = question + 1;

    if (getenv("OEGDB_WAIT") != NULL) { /* for who attaches */
        (void)puts("waits");
        (void)fflush(stdout);
        (void)pause();
    }
    return reply;
}

static void *on_thread(void *result)
{
    if (gdb_sum(enclave, result, 100, 200) != OE_OK) { /* MARK thread */
        *(int *)result = -1;
    }
    return NULL;
}

/* A thread whose stack lies below everything that the kernel has placed. */
static int run_low(int *result)
{
    const size_t size = (size_t)1 << 20;
    void *stack = mmap((void *)0x100000000000, size, PROT_READ | PROT_WRITE, /* NOLINT */
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    pthread_attr_t attributes;
    pthread_t thread;

    return stack != MAP_FAILED && pthread_attr_init(&attributes) == 0 &&
                   pthread_attr_setstack(&attributes, stack, size) == 0 &&
                   pthread_create(&thread, &attributes, on_thread, result) == 0 &&
                   pthread_join(thread, NULL) == 0
               ? 0
               : -1;
}

int main(int argc, char **argv)
{
    int on_main = 0;
    int elsewhere = 0;

    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    if (argc != 2 || oe_create_oegdb_enclave(argv[1], OE_ENCLAVE_TYPE_SGX,
                                             OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL,
                                             0, &enclave) != OE_OK) {
        return 1;
    }
    if (gdb_sum(enclave, &on_main, 3, 4) != OE_OK) { /* MARK main */
        return 1;
    }
    if (run_low(&elsewhere) != 0) {
        return 1;
    }
    (void)printf("%d %d\n", on_main, elsewhere);
    (void)fflush(stdout);
    if (getenv("OEGDB_FAULT") != NULL) {
        (void)gdb_divide(enclave, &on_main, 5, 0); /* MARK faulty */
    }
    return oe_terminate_enclave(enclave) != OE_OK;
}
