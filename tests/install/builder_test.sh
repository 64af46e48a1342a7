#!/bin/bash
# usage: builder_test.sh BUILD: the builder container, from nothing: a Debian 12 by mmdebstrap instead
# of a registry's, then deploy/builder/Containerfile, then a new project built and run in it.
# Needs root (chroot isolation) and the Debian mirrors that apt knows.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
if [ "$(id -u)" -ne 0 ]; then
    echo "skip builder_test: needs root for buildah's chroot isolation"
    exit 77
fi
for tool in buildah mmdebstrap; do
    command -v $tool > /dev/null || { echo "skip builder_test: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
b() { buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
step() {
    local name=$1
    shift
    if ! "$@" > "$work/log" 2>&1; then
        tail -n 40 "$work/log"
        echo "FAIL $name"
        exit 1
    fi
    echo "ok   $name"
}

step "packages" scripts/package "$build" "$work/context/build/packages"
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/*$')
step "Debian 12" mmdebstrap --variant=minbase --mode=root bookworm "$work/base.tar" \
    "deb $mirror bookworm main"
base=$(b from scratch) || { echo "FAIL buildah from scratch"; exit 1; }
step "base image" b add "$base" "$work/base.tar" /
step "commit base" b commit "$base" localhost/base
step "builder" b bud --isolation chroot --network host --build-arg BASE=localhost/base \
    -f deploy/builder/Containerfile -t localhost/builder "$work/context"
c=$(b from localhost/builder) || { echo "FAIL buildah from builder"; exit 1; }
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
