/* The enclave: runs protected on real SGX hardware. `name` was copied inside before this runs. */
#include <stdio.h>

#include "hello_t.h"

int enclave_hello(const char *name)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "Hello from inside the enclave: hello %s", name);
    return host_print(text) == OE_OK ? 0 : 1;
}

/* product 1, version 1, debugging allowed; heap and stack in pages of 4 KiB, one thread */
OE_SET_ENCLAVE_SGX(1, 1, 1, 64, 16, 1);
