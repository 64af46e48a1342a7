/* The host: creates the enclave, calls it once, ends it. */
#include <openenclave/host.h>
#include <stdio.h>
#include <string.h>

#include "hello_u.h"

/* called by the enclave */
void host_print(const char *text)
{
    (void)puts(text);
}

int main(int argc, char **argv)
{
    uint32_t flags = OE_ENCLAVE_FLAG_DEBUG;
    oe_enclave_t *enclave = NULL;
    oe_result_t result = OE_FAILURE;
    int answer = 1;

    if (argc == 3 && strcmp(argv[2], "--simulate") == 0) {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        (void)puts("EMULATED: this run shows how it works and protects nothing.");
    } else if (argc != 2) {
        (void)fprintf(stderr, "usage: %s ENCLAVE.signed [--simulate]\n", argv[0]);
        return 2;
    }
    result = oe_create_hello_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &enclave);
    if (result == OE_OK) {
        result = enclave_hello(enclave, &answer, "world");
        (void)oe_terminate_enclave(enclave);
    }
    if (result != OE_OK) {
        (void)fprintf(stderr, "failed: %s\n", oe_result_str(result));
        return 1;
    }
    return answer;
}
