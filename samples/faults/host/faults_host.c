/* The host: has an enclave divide by zero and look where nothing is. */
#include <openenclave/host.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "faults_u.h"

static oe_result_t divide(oe_enclave_t *enclave, int64_t dividend, int64_t divisor)
{
    int64_t quotient = 0;
    bool possible = false;
    oe_result_t result = faults_divide(enclave, &possible, dividend, divisor, &quotient);

    if (result == OE_OK && possible) {
        (void)printf("%" PRId64 " / %" PRId64 " = %" PRId64 "\n", dividend, divisor, quotient);
    } else if (result == OE_OK) {
        (void)printf("%" PRId64 " / %" PRId64 " cannot be\n", dividend, divisor);
    }
    return result;
}

int main(int argc, char **argv)
{
    uint32_t flags = OE_ENCLAVE_FLAG_DEBUG;
    oe_enclave_t *enclave = NULL;
    oe_result_t result = OE_FAILURE;
    uint32_t pages[3] = {0, 0, 0};

    if (argc == 3 && strcmp(argv[2], "--simulate") == 0) {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        (void)puts("EMULATED: this run shows how it works and protects nothing.");
    } else if (argc != 2) {
        (void)fprintf(stderr, "usage: %s ENCLAVE.signed [--simulate]\n", argv[0]);
        return 2;
    }
    result = oe_create_faults_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &enclave);
    if (result == OE_OK) {
        result = divide(enclave, -84, 2);
    }
    if (result == OE_OK) {
        result = divide(enclave, 1, 0);
    }
    for (int64_t page = -512; result == OE_OK && page < 512; page++) {
        faults_place place = FAULTS_OUTSIDE;

        result = faults_probe(enclave, &place, page * 4096);
        pages[place <= FAULTS_NOTHING ? place : FAULTS_OUTSIDE]++;
    }
    if (result == OE_OK) {
        (void)printf("around its own data: %s, and %s\n",
                     pages[FAULTS_READABLE] != 0 ? "pages that can be read" : "no page",
                     pages[FAULTS_NOTHING] != 0 ? "pages that are not there" : "no hole");
    } else {
        (void)fprintf(stderr, "failed: %s\n", oe_result_str(result));
    }
    if (enclave != NULL && oe_terminate_enclave(enclave) != OE_OK) {
        return 1;
    }
    return result == OE_OK ? 0 : 1;
}
