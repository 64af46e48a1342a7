#!/bin/bash
# usage: blank_test.sh BUILD: install, move, build and run in folders whose names have blanks and what
# a shell would act on. Attack: whoever names a folder that is built in must not get commands run.
set -uo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
. "$(dirname "$0")/../sdk.sh"

# --- make install hands the prefix on as it is: a cmake that prints what it was given
mkdir "$work/fake"
printf '#!/bin/sh\nprintf "<%%s>\\n" "$@"\n' > "$work/fake/cmake"
chmod +x "$work/fake/cmake"
prefix="$work/a b;touch injected; \$(touch injected)'\`touch injected\`\"touch"
mkdir "$work/make"
cp "$source/Makefile" "$work/make/"
mkdir "$work/make/build"
step "make install" env PATH="$work/fake:$PATH" PREFIX="$prefix" make -C "$work/make" -o configure install
grep -qxF "<$prefix>" "$work/make/build/install.log" || fail "make install: $(cat "$work/make/build/install.log")"
[ -z "$(find "$work" -name injected)" ] || fail "make install ran what the prefix says"

# without a prefix the packages' place, by make and by cmake alike
step "make install" env -u PREFIX PATH="$work/fake:$PATH" make -C "$work/make" -o configure install
grep -qxF "</opt/openenclave>" "$work/make/build/install.log" || fail "make install: $(cat "$work/make/build/install.log")"
grep -qx "prefix=/opt/openenclave" "$source/scripts/package" || fail "the packages go elsewhere"
grep -q "set(CMAKE_INSTALL_PREFIX /opt/openenclave CACHE" "$source/CMakeLists.txt" || fail "cmake --install goes elsewhere"

# --- the whole way
mkdir "$work/my work"
use_sdk "$work/my work/new sdk"
cd "$work/my work" || exit 1
step "new" casemate new vault
for cc in gcc clang; do
    step "configure, $cc" env CC=$cc cmake -S vault -B "out $cc"
    step "build, $cc" cmake --build "out $cc" -j2
    step "run, $cc" cmake --build "out $cc" --target run
    says "enclave says: hello, world"
done
[ "$(stat -c %a "out gcc/signing-key.pem")" = 600 ] || fail "others can read the signing key"

# --- the key: a folder's name runs nothing, and a failure gives openssl's reason
evil="$work/x\$(touch injected)'; touch injected #"
mkdir "$evil"
key() { cmake -DOPENSSL=openssl "-DKEY=$1" -P "$work/my work/new sdk/lib/openenclave/cmake/signing-key.cmake"; }
step "key" key "$evil/key.pem"
[ -s "$evil/key.pem" ] || fail "no key in $evil"
[ -z "$(find "$work" -name injected)" ] || fail "a folder's name was run"
if key "$work/not there/key.pem" > "$work/log" 2>&1; then fail "a key in a folder that is not there"; fi
says "No such file or directory"

finish
