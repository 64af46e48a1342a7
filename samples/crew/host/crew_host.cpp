/* The host: asks for a sum, first with as many threads as the enclave has room for, then with more. */
#include <openenclave/host.h>

#include <cstring>
#include <iostream>

#include "crew_u.h"

int main(int argc, char **argv)
{
    std::uint32_t flags = OE_ENCLAVE_FLAG_DEBUG;
    oe_enclave_t *enclave = nullptr;
    crew_result answer = CREW_NO_THREAD;
    std::uint64_t sum = 0;

    if (argc == 3 && std::strcmp(argv[2], "--simulate") == 0) {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        std::cout << "EMULATED: this run shows how it works and protects nothing." << std::endl;
    } else if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " ENCLAVE.signed [--simulate]" << std::endl;
        return 2;
    }
    oe_result_t result =
        oe_create_crew_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, nullptr, 0, &enclave);
    if (result == OE_OK) {
        result = crew_sum(enclave, &answer, 3000, 3, &sum); /* and one TCS is ours */
    }
    if (result == OE_OK && answer == CREW_OK) {
        std::cout << "1 + 4 + ... + 3000 * 3000 = " << sum << std::endl;
        result = crew_sum(enclave, &answer, 10, 8, &sum);
    }
    if (result == OE_OK) {
        std::cout << (answer == CREW_NO_THREAD ? "eight threads are too many"
                                               : "eight threads came")
                  << std::endl;
    }
    if (enclave != nullptr) {
        const oe_result_t end = oe_terminate_enclave(enclave);

        result = result == OE_OK ? end : result;
    }
    if (result != OE_OK) {
        std::cerr << "failed: " << oe_result_str(result) << std::endl;
        return 1;
    }
    return 0;
}
