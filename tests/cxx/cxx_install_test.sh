#!/bin/bash
# usage: cxx_install_test.sh BUILD: an application of C++ on both sides, built with the installed and
# moved SDK by CMake and by pkg-config, with g++ and with clang++. Neither this build nor Debian's libc++
# may be needed.
set -uo pipefail
build=$1
. "$(dirname "$0")/../sdk.sh"
use_sdk "$work/sdk"
mkdir "$work/app"
cd "$work/app" || exit 1
cat > app.edl << 'EDL'
enclave {
    from "openenclave/edl/logging.edl" import oe_write_ocall;
    trusted { public int count([in, string] const char* text); };
    untrusted { int answer(int question); };
};
EDL
cat > enc.cpp << 'CPP'
#include "app_t.h"
#include <iostream>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>
#include <openssl/evp.h>
int count(const char *text)
{
    std::map<std::string, int> words;
    const std::string s(text);
    const std::regex word("[[:alpha:]]+");
    for (std::sregex_iterator i(s.begin(), s.end(), word), end; i != end; ++i) {
        words[i->str()]++;
    }
    int doubled = 0;
    if (answer(&doubled, 21) != OE_OK || doubled != 42 || EVP_MD_get_size(EVP_sha256()) != 32) {
        return -1;
    }
    try {
        (void)words.at("missing");
    } catch (const std::out_of_range &e) {
        std::cout << "caught in the enclave: " << e.what() << std::endl;
    }
    return static_cast<int>(words.size());
}
OE_SET_ENCLAVE_SGX(1, 1, true, 512, 64, 2);
CPP
cat > host.cpp << 'CPP'
#include "app_u.h"
#include <iostream>
#include <openenclave/host.h>
int answer(int question)
{
    return 2 * question;
}
int main(int argc, char **argv)
{
    oe_enclave_t *enclave = nullptr;
    int n = 0;
    if (argc != 2 ||
        oe_create_app_enclave(argv[1], OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                              nullptr, 0, &enclave) != OE_OK ||
        count(enclave, &n, "one two two, three") != OE_OK || oe_terminate_enclave(enclave) != OE_OK) {
        return 1;
    }
    std::cout << n << " different words" << std::endl;
    return 0;
}
CPP
cat > CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.11)
project(app LANGUAGES C CXX)
find_package(OpenEnclave CONFIG REQUIRED)
add_custom_command(OUTPUT app_t.c app_u.c DEPENDS app.edl
  COMMAND openenclave::oeedger8r ${CMAKE_CURRENT_SOURCE_DIR}/app.edl --search-path ${OE_INCLUDEDIR})
add_executable(enc enc.cpp app_t.c)
target_include_directories(enc PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(enc openenclave::oeenclave openenclave::oecryptoopenssl_3 openenclave::oelibcxx openenclave::oelibc)
add_executable(host host.cpp app_u.c)
target_include_directories(host PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(host openenclave::oehost)
CMAKE
for cxx in g++ clang++; do
    cc=${cxx/clang++/clang} cc=${cc/g++/gcc}
    step "configure, $cxx" env CC=$cc CXX=$cxx cmake -S . -B "$cxx" -G Ninja
    step "build, $cxx" cmake --build "$cxx" -j2 -v
    step "sign, $cxx" sh -c "openssl genrsa -3 -out key.pem 3072 && oesign sign -e $cxx/enc -k key.pem"
    step "run, $cxx" "$cxx/host" "$cxx/enc.signed"
    says "3 different words"
    says "caught in the enclave"
done

# the sample, as it is installed
for cxx in g++ clang++; do
    cc=${cxx/clang++/clang} cc=${cc/g++/gcc}
    step "configure redact, $cxx" env CC=$cc CXX=$cxx cmake -S "$work/sdk/share/openenclave/samples/redact" -B "redact-$cxx"
    step "build redact, $cxx" cmake --build "redact-$cxx" -j2
    step "run redact, $cxx" "redact-$cxx/redact_host" "redact-$cxx/redact_enclave.signed" --simulate
    says "from <mail> to <mail>"
done

# by pkg-config, as Open Enclave's samples are built
for cxx in g++ clang++; do
    cc=${cxx/clang++/clang} cc=${cc/g++/gcc}
    step "edl" oeedger8r app.edl --search-path "$(pkg-config oehost-$cxx --variable=includedir)"
    step "pkg-config, $cxx" sh -ec "
        $cxx \$(pkg-config oehost-$cxx --cflags) -std=c++11 -c host.cpp -o host.o
        $cc \$(pkg-config oehost-$cc --cflags) -c app_u.c -o app_u.o
        $cxx -o host host.o app_u.o \$(pkg-config oehost-$cxx --libs)
        $cxx -MD -MF deps \$(pkg-config oeenclave-$cxx --variable=openssl_3flags) \$(pkg-config oeenclave-$cxx --cflags) -std=c++17 -c enc.cpp -o enc.o
        $cc \$(pkg-config oeenclave-$cc --cflags) -c app_t.c -o app_t.o
        $cxx -o enc enc.o app_t.o \$(pkg-config oeenclave-$cxx --libs) \$(pkg-config oeenclave-$cxx --variable=openssl_3libs)
        oesign sign -e enc -k key.pem
        ./host enc.signed"
    says "3 different words"
    if grep -qE ' /usr/(include|lib/llvm-[0-9]+/include/c\+\+)' deps; then fail "$cxx: the system's headers: $(grep -m3 ' /usr' deps)"; fi
done
finish
