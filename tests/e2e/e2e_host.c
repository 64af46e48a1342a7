/* Ocalls of the end-to-end tests; see e2e.h. */
#include "e2e.h"

#include <stdio.h>
#include <string.h>

_Thread_local void (*e2e_hook)(uint64_t what);
_Thread_local uint64_t e2e_null_ocalls;

void host_null(void)
{
    e2e_null_ocalls++;
}

uint64_t host_echo(uint64_t value)
{
    return value;
}

void host_take(const uint8_t *data, size_t n)
{
    (void)data;
    (void)n;
}

void host_give(uint8_t *data, size_t n)
{
    memset(data, 7, n);
}

void host_hook(uint64_t what)
{
    if (e2e_hook != NULL) {
        e2e_hook(what);
    }
}

oe_enclave_t *e2e_create(void)
{
    oe_enclave_t *e = NULL;
    oe_result_t r =
        oe_create_e2e_enclave(E2E_IMAGE, OE_ENCLAVE_TYPE_SGX,
                              OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e);

    if (r != OE_OK) {
        (void)printf("  creating %s: %s\n", E2E_IMAGE, oe_result_str(r));
    }
    return e;
}
