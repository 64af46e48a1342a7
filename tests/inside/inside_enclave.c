/* The cases as ecalls; sees the same cases as the test loader, on the real runtime. */
#include <string.h>

#include <openenclave/enclave.h>

#include "inside_case.h"
#include "inside_t.h"

/* The real runtime's generator cannot be told to fail; the loader's images test that. */
bool cm_case_random_fails;

int run_case(const char *name, unsigned int thread, unsigned int threads)
{
    const struct cm_case *c;

    for (c = cm_cases; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            return c->run(thread, threads);
        }
    }
    return -1;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 8192, 64, 8);
