#!/bin/bash
# usage: attest_install_test.sh BUILD: what an application that attests, and one that only
# verifies, find in the installed SDK: headers for C and C++, EDL files, libraries, CMake and pkg-config.
set -uo pipefail
build=$1
. "$(dirname "$0")/../sdk.sh"
use_sdk "$work/sdk"
cd "$work" || exit 1

# --- every header by itself, in the languages that hosts are written in
headers="attestation/verifier.h attestation/custom_claims.h attestation/sgx/evidence.h attestation/sgx/report.h
    attestation/tdx/evidence.h bits/attestation.h bits/evidence.h bits/report.h host_verify.h host.h"
for h in $headers; do
    printf '#include <openenclave/%s>\nint main(void) { return 0; }\n' "$h" > one.c
    cp one.c one.cpp
    step "C99 $h" gcc -std=c99 -Wall -Wextra -Werror -fsyntax-only -I"$work/sdk/include" one.c
    step "C++11 $h" g++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only -I"$work/sdk/include" one.cpp
done
printf '#include <casemate/attest.h>\nint main(void) { return 0; }\n' > one.cpp
step "C++11 casemate/attest.h" clang++ -std=c++11 -Wall -Werror -fsyntax-only -I"$work/sdk/include" one.cpp

# --- an application of two parts: the enclave's evidence goes into a file
mkdir app
cat > app/app.edl << 'EDL'
enclave {
    from "openenclave/edl/core.edl" import *;
    from "openenclave/edl/sgx/platform.edl" import *;
    trusted {
        public oe_result_t app_evidence([out, size=cap] uint8_t *to, size_t cap, [out] size_t *size);
        public oe_result_t app_verify([in, size=size] const uint8_t *evidence, size_t size);
    };
};
EDL
cat > app/enc.c << 'ENC'
#include <openenclave/attestation/attester.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/enclave.h>
#include <string.h>
#include "app_t.h"
oe_result_t app_evidence(uint8_t *to, size_t cap, size_t *size)
{
    static const oe_uuid_t id = {OE_FORMAT_UUID_SGX_ECDSA};
    uint8_t *made = NULL;
    oe_result_t r = oe_attester_initialize();
    if (r == OE_OK)
        r = oe_get_evidence(&id, OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID, "key", 3, NULL, 0, &made, size, NULL, NULL);
    if (r == OE_OK && *size <= cap) memcpy(to, made, *size);
    oe_free_evidence(made);
    return r;
}
oe_result_t app_verify(const uint8_t *evidence, size_t size)
{
    oe_result_t r = oe_verifier_initialize();
    return r == OE_OK ? oe_verify_evidence(NULL, evidence, size, NULL, 0, NULL, 0, NULL, NULL) : r;
}
OE_SET_ENCLAVE_SGX(1, 1, true, 2048, 64, 1);
ENC
cat > app/host.c << 'HOST'
#include <openenclave/attestation/verifier.h>
#include <openenclave/host.h>
#include "app_u.h"
int main(int argc, char **argv)
{
    static uint8_t buffer[65536];
    oe_enclave_t *e = NULL;
    oe_result_t r = OE_FAILURE;
    size_t size = 0;
    FILE *f = argc == 3 ? fopen(argv[2], "wb") : NULL;
    if (f == NULL || oe_create_app_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, 0, NULL, 0, &e) != OE_OK ||
        app_evidence(e, &r, buffer, sizeof(buffer), &size) != OE_OK || r != OE_OK) return 1;
    if (oe_verifier_initialize() != OE_OK ||
        oe_verify_evidence(NULL, buffer, size, NULL, 0, NULL, 0, NULL, NULL) != OE_OK) return 2;
    if (app_verify(e, &r, buffer, size) != OE_OK || r != OE_OK) return 3;
    if (fwrite(buffer, 1, size, f) != size || fclose(f) != 0) return 4;
    return oe_terminate_enclave(e) != OE_OK;
}
HOST
cat > app/CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(app C CXX)
find_package(OpenEnclave CONFIG REQUIRED COMPONENTS OEHOSTVERIFY)
cm_add_app(app EDL app.edl HOST host.c ENCLAVE enc.c ENCLAVE_LIBS openenclave::oecryptoopenssl_3)
add_executable(check check.cpp)
target_link_libraries(check openenclave::oehostverify)
CMAKE
# --- and a verifier without enclaves, in C++: exit status 0 only if the evidence is believed
cat > app/check.cpp << 'CHECK'
#include <cstdio>
#include <cstring>
#include <openenclave/attestation/verifier.h>
#include <openenclave/host_verify.h>
#include <vector>
int main(int argc, char **argv)
{
    std::vector<uint8_t> data(65536);
    FILE *f = argc == 2 ? std::fopen(argv[1], "rb") : nullptr;
    oe_claim_t *claims = nullptr;
    size_t n = 0;
    bool mine = false;
    if (f == nullptr || oe_verifier_initialize() != OE_OK) return 1;
    data.resize(std::fread(data.data(), 1, data.size(), f));
    std::fclose(f);
    if (oe_verify_evidence(nullptr, data.data(), data.size(), nullptr, 0, nullptr, 0, &claims, &n) != OE_OK) return 2;
    for (size_t i = 0; i < n; i++)
        mine = mine || (std::strcmp(claims[i].name, OE_CLAIM_CUSTOM_CLAIMS_BUFFER) == 0 &&
                        claims[i].value_size == 3 && std::memcmp(claims[i].value, "key", 3) == 0);
    oe_free_claims(claims, n);
    return mine ? 0 : 3;
}
CHECK
step "configure" cmake -S app -B app-build
step "build" cmake --build app-build -j2
step "attest, verify in host and enclave" env CASEMATE_ACCEPT_EMULATED=1 app-build/app_host app-build/app_enclave.signed evidence
step "verify without enclaves, by CMake" env CASEMATE_ACCEPT_EMULATED=1 app-build/check evidence
step "G5 refused by default" sh -c '! app-build/check evidence'
for cc in gcc clang; do
    cxx=$([ $cc = gcc ] && echo g++ || echo clang++)
    # shellcheck disable=SC2046
    step "build by pkg-config, $cxx" "$cxx" -std=c++11 $(pkg-config --cflags oehostverify-"$cxx") app/check.cpp -o check-$cc \
        $(pkg-config --libs oehostverify-"$cxx")
    step "verify without enclaves, $cxx" env CASEMATE_ACCEPT_EMULATED=1 ./check-$cc evidence
    step "pkg-config of C, $cc" pkg-config --exists oehostverify-$cc
done
if nm -C check-gcc | grep -qE ' [TtWw] (oe_create_enclave|cm_sgxemu_device|cm_load)$'; then
    fail "oehostverify has code that loads enclaves"
fi
finish
