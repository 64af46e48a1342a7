/*
 * Runs one case as ecalls of a signed enclave in the emulator: THREADS host threads at once.
 *   inside_enclave_test ENCLAVE CASE THREADS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openenclave/host.h>

#include "inside_u.h"

#define MAX_THREADS 8

struct call {
    oe_enclave_t *enclave;
    const char *name;
    unsigned thread;
    unsigned threads;
    int failed;
    pthread_t pthread;
};

static void *run(void *arg)
{
    struct call *c = arg;
    oe_result_t r = run_case(c->enclave, &c->failed, c->name, c->thread, c->threads);

    if (r != OE_OK) {
        (void)printf("run_case: %s\n", oe_result_str(r));
        c->failed = -1;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    struct call calls[MAX_THREADS];
    oe_enclave_t *enclave = NULL;
    oe_result_t r;
    int failed = 0;
    unsigned i;

    if (count == 0 || count > MAX_THREADS) {
        (void)fprintf(stderr, "usage: inside_enclave_test ENCLAVE CASE THREADS\n");
        return 2;
    }
    r = oe_create_inside_enclave(argv[1], OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                 &enclave);
    if (r != OE_OK) {
        (void)printf("%s: %s\n", argv[1], oe_result_str(r));
        return 1;
    }
    for (i = 0; i < count; i++) {
        calls[i] = (struct call){enclave, argv[2], i, count, 0, 0};
        if (pthread_create(&calls[i].pthread, NULL, run, &calls[i]) != 0) {
            return 1;
        }
    }
    for (i = 0; i < count; i++) {
        (void)pthread_join(calls[i].pthread, NULL);
        failed |= calls[i].failed;
    }
    r = oe_terminate_enclave(enclave);
    (void)printf("%s: %s\n", argv[2], failed == 0 && r == OE_OK ? "passed" : "FAILED");
    return failed == 0 && r == OE_OK ? 0 : 1;
}
