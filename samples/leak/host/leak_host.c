/* The host: has words counted, and says what ending the enclave brought to light. */
#include <openenclave/host.h>

#include <stdio.h>
#include <string.h>

#include "leak_u.h"

int main(int argc, char **argv)
{
    uint32_t flags = OE_ENCLAVE_FLAG_DEBUG; /* only then are functions named */
    oe_enclave_t *enclave = NULL;
    oe_result_t answer = OE_OK;
    oe_result_t result = OE_FAILURE;
    uint32_t words = 0;

    if (argc == 3 && strcmp(argv[2], "--simulate") == 0) {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        (void)puts("EMULATED: this run shows how it works and protects nothing.");
    } else if (argc != 2) {
        (void)fprintf(stderr, "usage: %s ENCLAVE.signed [--simulate]\n", argv[0]);
        return 2;
    }
    (void)fflush(stdout); /* the enclave writes past our buffer */
    result = oe_create_leak_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &enclave);
    if (result == OE_OK) {
        result = leak_count(enclave, &answer, "the cat and the dog", &words);
        if (result == OE_OK && answer == OE_OK) {
            (void)printf("%u words\n", words);
            (void)fflush(stdout);
            result = leak_explain(enclave, &answer, "a dog");
        }
        if (result == OE_OK) {
            result = answer;
        }
        answer = oe_terminate_enclave(enclave);
        (void)printf("the end: %s\n", oe_result_str(answer));
    }
    if (result != OE_OK) {
        (void)fprintf(stderr, "failed: %s\n", oe_result_str(result));
        return 1;
    }
    return answer == OE_OK || answer == OE_MEMORY_LEAK ? 0 : 1;
}
