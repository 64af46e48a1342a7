#!/bin/bash
# usage: install_test.sh BUILD: install into a new prefix, move it, and build and run from there.
set -uo pipefail
build=$1
. "$(dirname "$0")/../sdk.sh"
sdk=$work/sdk
use_sdk "$sdk"
step "tools on PATH" sh -c "[ \"\$(command -v casemate)\" = '$sdk/bin/casemate' ]"
for tool in casemate oesign oeedger8r oegdb; do
    step "$tool runs" sh -c "$tool --help || [ $tool = oeedger8r ]" # oeedger8r --help ends with 1
done
if grep -rlI -- "$build" "$sdk" > "$work/log"; then fail "files that name the build folder: $(cat "$work/log")"; fi

# --- by CMake, with both compilers: a new project, and the samples as they are installed
cd "$work" || exit 1
step "new" casemate new shop
for cc in gcc clang; do
    export CC=$cc
    step "configure shop, $cc" cmake -S shop -B "shop-$cc"
    step "build shop, $cc" cmake --build "shop-$cc" -j2
    step "run shop, $cc" "shop-$cc/shop_host" "shop-$cc/shop_enclave.signed"
    says "enclave says: hello, world"
    step "configure hello, $cc" cmake -S "$sdk/share/openenclave/samples/hello" -B "hello-$cc"
    step "build hello, $cc" cmake --build "hello-$cc" -j2
    step "run hello, $cc" "hello-$cc/hello_host" "hello-$cc/hello_enclave.signed"
    says "hello world"
done
unset CC
step "configure bank" cmake -S "$sdk/share/openenclave/samples/bank" -B bank
step "build bank" cmake --build bank -j2
step "run bank" bank/bank --accept-emulated --rows 20000
says "The generator had planted 4 circles."
says "Circles                   4"
step "profile bank" casemate run --profile bank/bank --accept-emulated --rows 20000
says "ecall ecall_bank_file_chunk"

step "configure notes" cmake -S "$sdk/share/openenclave/samples/notes" -B notes
step "build notes" cmake --build notes -j2
step "run notes" bash "$sdk/share/openenclave/samples/notes/demo.sh" notes/notes_host notes/notes_enclave.signed
says "changed: notes: Bad message"

# --- sealing: the plugin is an object that the package names
mkdir vault
cat > vault/vault.edl << 'EDL'
enclave {
    from "openenclave/edl/core.edl" import *;
    trusted { public int vault_try(); };
};
EDL
cat > vault/enc.c << 'ENC'
#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/sgx/seal.h>
#include "vault_t.h"
int vault_try(void)
{
    const oe_seal_setting_t settings[] = {OE_SEAL_SET_POLICY(OE_SEAL_POLICY_UNIQUE)};
    uint8_t *blob = NULL, *plain = NULL;
    size_t size = 0, plain_size = 0;
    oe_result_t r = oe_seal(NULL, settings, 1, (const uint8_t *)"x", 1, NULL, 0, &blob, &size);
    if (r == OE_OK) r = oe_unseal(blob, size, NULL, 0, &plain, &plain_size);
    return r == OE_OK && plain_size == 1 && plain[0] == 'x' ? 0 : (int)r + 1000;
}
OE_SET_ENCLAVE_SGX(1, 1, true, 512, 64, 1);
ENC
cat > vault/host.c << 'HOST'
#include <openenclave/host.h>
#include "vault_u.h"
int main(int argc, char **argv)
{
    oe_asymmetric_key_params_t params = {OE_ASYMMETRIC_KEY_EC_SECP256P1, OE_ASYMMETRIC_KEY_PEM, NULL, 0};
    oe_enclave_t *e = NULL;
    uint8_t *key = NULL;
    size_t size = 0;
    int r = -1;
    if (argc != 2 || oe_create_vault_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e) != OE_OK ||
        vault_try(e, &r) != OE_OK || r != 0 ||
        oe_get_public_key_by_policy(e, OE_SEAL_POLICY_UNIQUE, &params, &key, &size, NULL, NULL) != OE_OK) return 1;
    printf("%s", key);
    oe_free_key(key, size, NULL, 0);
    return oe_terminate_enclave(e) != OE_OK;
}
HOST
cat > vault/CMakeLists.txt << 'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(vault C)
find_package(OpenEnclave CONFIG REQUIRED)
foreach(tool oesign oeedger8r oeutil oegdb casemate)
  get_target_property(file openenclave::${tool} IMPORTED_LOCATION)
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "openenclave::${tool} is ${file}")
  endif()
endforeach()
cm_add_app(vault EDL vault.edl HOST host.c ENCLAVE enc.c
  ENCLAVE_LIBS $<TARGET_OBJECTS:openenclave::oeseal_gcmaes> openenclave::oecryptoopenssl_3)
CMAKE
step "configure vault" cmake -S vault -B vault-build
step "build vault" cmake --build vault-build -j2
step "run vault" vault-build/vault_host vault-build/vault_enclave.signed
says "BEGIN PUBLIC KEY"

# --- by pkg-config and make, as Open Enclave's samples are built
mkdir make && cp -r "$sdk/share/openenclave/samples/hello/." make/
cat > make/Makefile << 'MAKE'
H := $(shell pkg-config oehost-$(CC) --cflags)
E := $(shell pkg-config oeenclave-$(CC) --cflags)
all: hello_host hello_enclave.signed
hello_host:
	oeedger8r hello.edl --untrusted --search-path $(INCDIR)
	$(CC) $(H) -I. -o $@ host/host.c hello_u.c $(shell pkg-config oehost-$(CC) --libs)
hello_enclave.signed:
	oeedger8r hello.edl --trusted --search-path $(INCDIR)
	$(CC) $(E) -I. -c enclave/enc.c -o enc.o
	$(CC) $(E) -I. -c hello_t.c -o hello_t.o
	$(CC) -o hello_enclave enc.o hello_t.o $(shell pkg-config oeenclave-$(CC) --libs)
	openssl genrsa -3 -out key.pem 3072
	oesign sign -e hello_enclave -k key.pem
clean:
	rm -f hello_host hello_enclave* *.o
MAKE
for cc in gcc clang; do
    step "make clean" make -C make clean
    step "make, $cc" make -C make CC=$cc INCDIR="$(pkg-config oehost-gcc --variable=includedir)"
    step "run what make built, $cc" make/hello_host make/hello_enclave.signed
    says "hello world"
done
step "openssl inside, by pkg-config" sh -c '
    printf "%s\n" "#include <openssl/evp.h>" "#include <stdatomic.h>" "#include <immintrin.h>" \
        "int f(void);" "int f(void) { return EVP_MD_get_size(EVP_sha256()); }" > f.c &&
    gcc $(pkg-config oeenclave-gcc --cflags --variable=openssl_3flags) $(pkg-config oeenclave-gcc --cflags) -c f.c'

step "sealing, by pkg-config" sh -c '
    cd vault && oeedger8r vault.edl --trusted --search-path "$(pkg-config oehost-gcc --variable=includedir)" &&
    E="$(pkg-config oeenclave-gcc --cflags)" && gcc $E -I. -c enc.c && gcc $E -I. -c vault_t.c &&
    gcc -o vault_pc enc.o vault_t.o "$(pkg-config oeenclave-gcc --variable=oeseal_gcmaes)" \
        $(pkg-config oeenclave-gcc --libs) $(pkg-config oeenclave-gcc --variable=openssl_3libs) &&
    openssl genrsa -3 -out key.pem 3072 && oesign sign -e vault_pc -k key.pem && ../vault-build/vault_host vault_pc.signed'
says "BEGIN PUBLIC KEY"
# the debugging heap: named before or behind the C library, and by CMake
leak=$sdk/share/openenclave/samples/leak
step "configure leak" cmake -S "$leak" -B leak-build
step "build leak" cmake --build leak-build -j2
step "run leak" leak-build/leak_host leak-build/leak_enclave.signed --simulate
says "the end: OE_MEMORY_LEAK"
for where in "-loedebugmalloc -loelibc" "-loelibc -loedebugmalloc"; do
    step "leak, by pkg-config, $where" sh -c '
        mkdir -p leak-make && cd leak-make && oeedger8r "$1/leak.edl" --trusted --search-path "$(pkg-config oehost-gcc --variable=includedir)" &&
        E="$(pkg-config oeenclave-gcc --cflags)" && gcc $E -I. -c "$1/enclave/leak_enclave.c" && gcc $E -I. -c leak_t.c &&
        gcc -o leak_pc leak_enclave.o leak_t.o $(pkg-config oeenclave-gcc --libs | sed "s/-loelibc/$2/") &&
        oesign sign -e leak_pc -k ../vault/key.pem && ../leak-build/leak_host leak_pc.signed --simulate' _ "$leak" "$where"
    says "the end: OE_MEMORY_LEAK"
done
step "attested TLS in a host program, by pkg-config" sh -c '
    printf "%s\n" "#include <openenclave/host.h>" "#include <casemate/attls.h>" \
        "int main(void) { struct cm_attls *a; return cm_attls_open(NULL, \"x\", &a, NULL) == CM_ERR_PARAM &&" \
        "oe_verify_attestation_certificate(NULL, 0, NULL, NULL) == OE_INVALID_PARAMETER ? 0 : 1; }" > tls.c &&
    gcc $(pkg-config oehost-gcc --cflags) -o tls tls.c $(pkg-config oehost-gcc --libs) -lssl && ./tls'

finish
