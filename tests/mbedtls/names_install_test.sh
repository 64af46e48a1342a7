#!/bin/bash
# usage: names_install_test.sh BUILD: the crypto names that builds made for Open Enclave use, in the
# installed and moved SDK: mbedTLS and OpenSSL by CMake and by pkg-config; and the names that would
# promise what is not there, each of which has to stop with a sentence.
set -uo pipefail
build=$1
. "$(dirname "$0")/../sdk.sh"
# refuses TEXT COMMAND...: it must fail and say that
refuses() {
    local text=$1
    shift
    if "$@" > "$work/log" 2>&1; then fail "is not refused: $*"; else says "$text"; fi
}

use_sdk "$work/sdk"
mkdir "$work/app"
cd "$work/app" || exit 1
cat > app.edl << 'EDL'
enclave {
    from "openenclave/edl/logging.edl" import oe_write_ocall;
    trusted { public int digest([out] unsigned char first[4]); };
};
EDL
cat > mbed.c << 'C'
#include "app_t.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/sha256.h>
#include <mbedtls/ssl.h>
#include <string.h>
int digest(unsigned char first[4])
{
    static mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
    unsigned char hash[32];
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&drbg);
    if (mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
        mbedtls_sha256_ret((const unsigned char *)"abc", 3, hash, 0) != 0) {
        return -1;
    }
    memcpy(first, hash, 4);
    return mbedtls_ssl_list_ciphersuites()[0] != 0 ? 0 : -2;
}
OE_SET_ENCLAVE_SGX(1, 1, true, 512, 64, 2);
C
cat > open.c << 'C'
#include "app_t.h"
#include <openssl/sha.h>
#include <string.h>
int digest(unsigned char first[4])
{
    unsigned char hash[32];
    SHA256((const unsigned char *)"abc", 3, hash);
    memcpy(first, hash, 4);
    return 0;
}
OE_SET_ENCLAVE_SGX(1, 1, true, 512, 64, 2);
C
cat > host.c << 'C'
#include "app_u.h"
#include <openenclave/host.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    oe_enclave_t *e = NULL;
    unsigned char h[4] = {0};
    int r = -9;
    if (argc != 2 ||
        oe_create_app_enclave(argv[1], OE_ENCLAVE_TYPE_AUTO, OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE,
                              NULL, 0, &e) != OE_OK ||
        digest(e, &r, h) != OE_OK || r != 0 || oe_terminate_enclave(e) != OE_OK) {
        return 1;
    }
    printf("begins with %02x%02x%02x%02x\n", h[0], h[1], h[2], h[3]);
    return 0;
}
C
cat > CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.11)
project(app LANGUAGES C)
find_package(OpenEnclave CONFIG REQUIRED)
add_custom_command(OUTPUT app_t.c app_u.c DEPENDS app.edl
  COMMAND openenclave::oeedger8r ${CMAKE_CURRENT_SOURCE_DIR}/app.edl --search-path ${OE_INCLUDEDIR})
include_directories(${CMAKE_CURRENT_BINARY_DIR})
foreach(pair "mbed;oecryptombedtls" "mbed;mbedtls" "open;oecryptoopenssl_3" "open;oecryptoopenssl" "open;openssl")
  list(GET pair 0 source)
  list(GET pair 1 lib)
  add_executable(enc_${lib} ${source}.c app_t.c)
  target_link_libraries(enc_${lib} openenclave::oeenclave openenclave::${lib} openenclave::oelibc)
endforeach()
add_executable(host host.c app_u.c)
target_link_libraries(host openenclave::oehost)
CMAKE
step "configure" cmake -S . -B out -G Ninja
step "build" cmake --build out -j2 -v
step "key" openssl genrsa -3 -out key.pem 3072
for lib in oecryptombedtls mbedtls oecryptoopenssl_3 oecryptoopenssl openssl; do
    step "sign $lib" oesign sign -e "out/enc_$lib" -k key.pem
    step "run $lib" out/host "out/enc_$lib.signed"
    says "begins with ba7816bf"
done

step "edl" oeedger8r app.edl --search-path "$(pkg-config oehost-gcc --variable=includedir)"
for cc in gcc clang; do
    for pair in mbed:mbedtlslibs open:openssl_3libs open:openssllibs; do
        step "pkg-config, $cc, $pair" sh -ec "
            $cc \$(pkg-config oeenclave-$cc --cflags) -c ${pair%:*}.c app_t.c
            $cc -o enc ${pair%:*}.o app_t.o \$(pkg-config oeenclave-$cc --libs) \$(pkg-config oeenclave-$cc --variable=${pair#*:})
            oesign sign -e enc -k key.pem
            out/host enc.signed"
        says "begins with ba7816bf"
    done
done

# --- names that would promise what is not there
mkdir "$work/refused"
cd "$work/refused" || exit 1
mkdir sub
echo "int a;" > sub/a.c
cat > CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.11)
project(refused C)
find_package(OpenEnclave CONFIG REQUIRED)
if(APPLY)
  apply_lvi_mitigation(a)
endif()
add_subdirectory(sub)
CMAKE
cat > sub/CMakeLists.txt << 'CMAKE'
add_library(a STATIC a.c)
target_link_libraries(a openenclave::oeenclave ${NAME})
CMAKE
step "nothing refused" cmake -S . -B fine
for name in oeenclave oelibc oelibcxx oecryptombedtls oecryptoopenssl_3 oehostsock; do
    refuses "a links openenclave::$name-lvi-cfg: the archives inside are not hardened against LVI" \
        cmake -S . -B "lvi-$name" "-DNAME=openenclave::$name-lvi-cfg"
done
for name in oesymcryptengine oesymcryptprovider; do
    refuses "a links openenclave::$name: SymCrypt and FIPS are not in this SDK" \
        cmake -S . -B "symcrypt-$name" "-DNAME=openenclave::$name"
done
refuses "apply_lvi_mitigation: the archives inside are not hardened" cmake -S . -B apply -DAPPLY=1
refuses "LVI_MITIGATION=ControlFlow: the archives inside are not hardened" cmake -S . -B mode -DLVI_MITIGATION=ControlFlow
for compiler in gcc g++ clang clang++; do
    refuses "the-archives-inside-are-not-hardened-against-LVI" pkg-config --cflags "oeenclave-$compiler-lvi-cfg"
done
echo "int main(void) { return 0; }" > m.c
for name in openssl_symcrypt_fipslibs openssl_3_symcrypt_prov_fipslibs; do
    refuses "SymCrypt_and_FIPS_are_not_in_this_SDK" gcc m.c "$(pkg-config oeenclave-gcc --variable=$name)"
done
finish
