#!/bin/bash
# usage: module_sdk_test.sh BUILD: an enclave with a shared library, built with the installed SDK by CMake (our
# function, and a library made in the plain way of Open Enclave's users) and by pkg-config, with gcc and clang; what the
# tools say of it; and that names such as -lm, said from habit, do not make a library of the host a part of it.
set -uo pipefail
build=$1
. "$(dirname "$0")/../sdk.sh"
use_sdk "$work/sdk"
mkdir "$work/app"
cd "$work/app" || exit 1
cat > app.edl << 'EDL'
enclave {
    trusted { public int work(int a); };
    untrusted { void unused(void); };
};
EDL
cat > lib.c << 'C'
#include <stdio.h>
#include <string.h>
int from_image(int a);
int calls = 100;
static __thread int mine = 3;
int in_library(int a)
{
    char text[16];
    calls++;
    mine += snprintf(text, sizeof(text), "%d", a);
    return from_image(a) + mine;
}
C
cat > enc.c << 'C'
#include "app_t.h"
#include <openenclave/enclave.h>
#include <math.h>
int in_library(int a);
extern int calls;
__attribute__((visibility("default"))) int from_image(int a) { return 2 * a; }
int work(int a) { return in_library((int)sqrt(a)) + calls; }
OE_SET_ENCLAVE_SGX(1, 1, true, 64, 16, 2);
C
cat > host.c << 'C'
#include "app_u.h"
#include <openenclave/host.h>
#include <stdio.h>
void unused(void) {}
int main(int argc, char **argv)
{
    oe_enclave_t *e = NULL;
    int r = 0;
    oe_result_t result = oe_create_app_enclave(argv[argc - 1], OE_ENCLAVE_TYPE_AUTO,
                                               OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &e);
    if (result == OE_OK) {
        result = work(e, &r, 400);
        oe_terminate_enclave(e);
    }
    printf("%s %d\n", oe_result_str(result), r);
    return result != OE_OK;
}
C
cat > CMakeLists.txt << 'CM'
cmake_minimum_required(VERSION 3.11)
project(app C)
find_package(OpenEnclave CONFIG REQUIRED)
if(PLAIN)
  add_library(helper SHARED lib.c)
  target_compile_options(helper PRIVATE -fPIC -fno-omit-frame-pointer)
  target_link_libraries(helper PRIVATE openenclave::oelibc_includes -nostdlib -nodefaultlibs -Wl,-z,noexecstack -Wl,-z,now)
else()
  cm_add_enclave_module(helper lib.c)
endif()
cm_add_app(app EDL app.edl HOST host.c ENCLAVE enc.c ENCLAVE_LIBS helper m)
CM
for way in OFF ON; do
    for compiler in gcc clang; do
        command -v $compiler > /dev/null || continue
        out=out-$way-$compiler
        step "configure $out" cmake -S . -B $out -DPLAIN=$way -DCMAKE_C_COMPILER=$compiler
        step "build $out" cmake --build $out
        step "run $out" $out/app_host $out/app_enclave.signed
        says "OE_OK 146" # 2 * 20 + 3 + 2 + 101
    done
done

# --- pkg-config
mkdir pc
step "edl" oeedger8r --search-path "$work/sdk/include" --trusted-dir pc --untrusted-dir pc app.edl
# shellcheck disable=SC2046,SC2086 # words
for compiler in gcc clang; do
    command -v $compiler > /dev/null || continue
    flags=$(pkg-config oeenclave-$compiler --cflags)
    step "library of $compiler" $compiler -O1 -fPIC ${flags/-fPIE -ftls-model=local-exec -fvisibility=hidden/} -nostdlib -shared \
        -Wl,-soname,libpc.so -o pc/libpc.so lib.c
    step "image of $compiler" $compiler -O1 $flags -Ipc -o pc/enc enc.c pc/app_t.c pc/libpc.so $(pkg-config oeenclave-$compiler --libs) -lm
    step "host of $compiler" $compiler -O1 $(pkg-config oehost-$compiler --cflags) -Ipc -o pc/host host.c pc/app_u.c \
        $(pkg-config oehost-$compiler --libs)
    step "key" openssl genrsa -3 -out pc/key.pem 3072
    step "sign" oesign sign -e pc/enc -k pc/key.pem
    step "run of $compiler" pc/host pc/enc.signed
    says "OE_OK 146"
done

# --- what stands in for functions of Debian's libraries is there for the library of an image too
cat > uses.c << 'C'
#include <mbedtls/timing.h>
#include <openssl/crypto.h>
int from_image(int a);
int calls;
int in_library(int a)
{
    int secret = a;
    OPENSSL_cleanse(&secret, sizeof(secret));
    return from_image(a) + CRYPTO_memcmp(&a, &secret, sizeof(a)) + (int)mbedtls_timing_hardclock();
}
C
flags=$(pkg-config oeenclave-gcc --cflags)
# shellcheck disable=SC2086 # words
step "library that uses others" gcc -O1 ${flags/-fPIE -ftls-model=local-exec -fvisibility=hidden/-fPIC} -nostdlib -shared \
    -Wl,-soname,libuses.so -o pc/libuses.so uses.c
# shellcheck disable=SC2046,SC2086 # words
step "image of it" gcc -O1 $flags -Ipc -o pc/uses enc.c pc/app_t.c pc/libuses.so $(pkg-config oeenclave-gcc --libs) \
    $(pkg-config oeenclave-gcc --variable=mbedtlslibs)
step "predict" oesign predict -e pc/uses

# --- what the tools say
step "predict" oesign predict -e pc/enc --explain
says "module text"
says "module data"
says " links"
mrenclave=$(sed -n 's/^mrenclave=//p' "$work/log")
step "dump" oesign dump -e pc/enc.signed
says "module=libpc.so"
says "mrenclave=$mrenclave"
step "inspect" casemate inspect pc/enc.signed
says "module libpc.so, beside it and measured with it"
says "MRENCLAVE $mrenclave"
step "inspect --json" casemate inspect --json pc/enc.signed
says '"module":"libpc.so"'
printf 'CreateZeroBaseEnclave=1\nStartAddress=0x20000\nNumHeapPages=64\nNumStackPages=16\nNumTCS=2\nDebug=1\n' > zero.conf
step "sign from address 0" oesign sign -e pc/enc -c zero.conf -k pc/key.pem -o pc/zero.signed
if [ "$(cat /proc/sys/vm/mmap_min_addr)" -le $((0x20000)) ]; then
    step "run from address 0" pc/host pc/zero.signed
    says "OE_OK 146"
fi

# --- all ways of signing are of one opinion, and notice another library
step "digest" oesign digest -e pc/enc -d pc/digest
step "certificate" openssl req -new -x509 -key pc/key.pem -subj /CN=signer -out pc/cert.pem
step "signature elsewhere" openssl pkeyutl -sign -pkeyopt digest:sha256 -inkey pc/key.pem -in pc/digest -out pc/sig
step "sign with it" oesign sign -e pc/enc -x pc/cert.pem -d pc/sig -o pc/ext.signed
step "the same file" cmp pc/enc.signed pc/ext.signed
cp pc/libpc.so pc/kept.so
# shellcheck disable=SC2086 # words
step "library of another day" gcc -O2 -fPIC ${flags/-fPIE -ftls-model=local-exec -fvisibility=hidden/} -nostdlib -shared \
    -Wl,-soname,libpc.so -o pc/libpc.so lib.c
expect 1 "or its shared library, was changed after it was signed" oesign dump -e pc/enc.signed
expect 1 "digest" oesign sign -e pc/enc -x pc/cert.pem -d pc/sig -o pc/no.signed
[ ! -e pc/no.signed ] || fail "a file was written"
expect 1 "OE_VERIFY_FAILED" pc/host pc/enc.signed
mv pc/libpc.so pc/away.so
expect 1 "OE_NOT_FOUND" pc/host pc/enc.signed
expect 1 "(needed beside pc/enc.signed)" pc/host pc/enc.signed
expect 1 "pc/libpc.so" oesign dump -e pc/enc.signed
mv pc/kept.so pc/libpc.so

cp pc/libpc.so full.so
strip pc/libpc.so
step "predict of what is stripped" oesign predict -e pc/enc
says "mrenclave=$mrenclave"
expect 1 "not scanned: the image, or its shared library, has no function symbols" \
    oesign sign -e pc/enc -k pc/key.pem --strict -o pc/no.signed
mv full.so pc/libpc.so

# --- refused, with a sentence
mv pc/libpc.so pc/away.so
expect 1 "needed beside pc/enc" oesign predict -e pc/enc
expect 1 "pc/libpc.so" oesign sign -e pc/enc -k pc/key.pem -o pc/no.signed
[ ! -e pc/no.signed ] || fail "a file was written"
expect 1 "pc/libpc.so" casemate inspect pc/enc.signed
mv pc/away.so pc/libpc.so
step "library that makes a system call" gcc -O1 -fPIC -nostdlib -shared -fno-stack-protector -Wl,-soname,libpc.so -o pc/libpc.so \
    -x c - <<< 'int calls = 1; int from_image(int); int in_library(int a) { __asm__ volatile("syscall"); return from_image(a); }'
expect 1 "syscall at 0x" oesign sign -e pc/enc -k pc/key.pem -o pc/no.signed
step "library without the function" gcc -O1 -fPIC -nostdlib -shared -Wl,-soname,libpc.so -o pc/libpc.so -x c - <<< 'int calls = 1;'
expect 1 "in_library, which the image uses" oesign predict -e pc/enc
finish
