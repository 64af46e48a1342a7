#!/bin/bash
# usage: builder_test.sh BUILD: the builder container, from nothing: a Debian 12 by mmdebstrap instead
# of a registry's, then deploy/builder/Containerfile, then a new project built and run in it.
# Needs root (chroot isolation) and the Debian mirrors that apt knows.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
. tests/install/image.sh

image builder deploy/builder/Containerfile
cat > "$work/inside" << 'IN'
set -e
casemate doctor --require emulator > /dev/null
cd /tmp && casemate new shop > /dev/null
cmake -S shop -B one -G Ninja > /dev/null && cmake --build one > /dev/null
OE_SIMULATION=1 one/shop_host one/shop_enclave.signed
cp -r shop other && cmake -S other -B two -G Ninja > /dev/null && cmake --build two > /dev/null
a=$(oesign predict -e one/shop_enclave) && b=$(oesign predict -e two/shop_enclave)
[ "$a" = "$b" ] && echo "$a in both folders"
IN
step "copy" b copy "$c" "$work/inside" /tmp/inside
step "an enclave is built and runs in it" b run --isolation chroot "$c" -- sh /tmp/inside
grep -q "hello, world" "$work/log" && grep -q "in both folders" "$work/log" || { cat "$work/log"; echo FAIL; exit 1; }
echo "all passed"
