/* The host: gives rules and lines to the enclave and shows what comes back. */
#include <array>
#include <iostream>
#include <string>

#include <openenclave/host.h>

#include "redact_u.h"

/* called by the enclave */
void redact_log(const char *text)
{
    std::cout << "enclave: " << text << '\n';
}

namespace
{

bool add_rule(oe_enclave_t *enclave, const char *name, const char *pattern)
{
    redact_result result = REDACT_BAD_RULE;

    return redact_rule(enclave, &result, name, pattern) == OE_OK && result == REDACT_OK;
}

bool show(oe_enclave_t *enclave, const std::string &line, uint32_t &total)
{
    redact_result result = REDACT_TOO_LONG;
    std::array<char, 512> clean{};
    uint32_t removed = 0;

    if (redact_line(enclave, &result, line.c_str(), clean.data(), clean.size(), &removed) !=
            OE_OK ||
        result != REDACT_OK) {
        return false;
    }
    total += removed;
    std::cout << clean.data() << '\n';
    return true;
}

int run(oe_enclave_t *enclave)
{
    uint32_t total = 0;

    if (!add_rule(enclave, "mail", R"([\w.]+@[\w.]+\.\w+)") ||
        !add_rule(enclave, "number", R"(\b(\d{4}[- ]?){3}\d{4}\b)") ||
        !show(enclave, "order 7: from ann@example.org to Bob.B@example.net", total) ||
        !show(enclave, "card 5555-4444 3333 2222 for order 7", total)) {
        return 1;
    }
    std::cout << total << " removed\n";
    if (!show(enclave, std::string(5000, 'x'), total)) {
        std::cout << "a line that is too long is refused\n";
    }
    if (!add_rule(enclave, "broken", "(")) {
        std::cout << "what is not a rule is refused\n";
    }
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    uint32_t flags = OE_ENCLAVE_FLAG_DEBUG;
    oe_enclave_t *enclave = nullptr;

    if (argc == 3 && std::string(argv[2]) == "--simulate") {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        std::cout << "EMULATED: this run shows how it works and protects nothing.\n";
    } else if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " ENCLAVE.signed [--simulate]\n";
        return 2;
    }
    const oe_result_t result =
        oe_create_redact_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, nullptr, 0, &enclave);

    if (result != OE_OK) {
        std::cerr << "failed: " << oe_result_str(result) << '\n';
        return 1;
    }
    const int status = run(enclave);

    return oe_terminate_enclave(enclave) == OE_OK ? status : 1;
}
