#!/bin/bash
# usage: service_image_test.sh BUILD: the service's container, from nothing: a Debian 12 by mmdebstrap instead
# of a registry's, then deploy/service/Containerfile; it serves in it, as a user of its own.
# Needs root (chroot isolation) and the Debian mirrors that apt knows.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
if [ "$(id -u)" -ne 0 ]; then
    echo "skip service_image_test: needs root for buildah's chroot isolation"
    exit 77
fi
for tool in buildah mmdebstrap; do
    command -v $tool > /dev/null || { echo "skip service_image_test: $tool is not installed"; exit 77; }
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
step "service" b bud --isolation chroot --network host --build-arg BASE=localhost/base \
    -f deploy/service/Containerfile -t localhost/service "$work/context"
c=$(b from localhost/service) || { echo "FAIL buildah from service"; exit 1; }
cat > "$work/inside" << 'IN'
set -eu
/opt/openenclave/bin/casemate-service serve --listen 127.0.0.1:0 --log json > /tmp/out &
pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
i=0
until grep -q '^casemate: serving at' /tmp/out; do
    i=$((i + 1))
    [ $i -lt 600 ] && kill -0 $pid
    sleep 0.1
done
[ "$(id -u)" = 10443 ]
[ -s /var/lib/casemate/setup-code ]
port=$(sed -n 's/^casemate: serving at .*://p' /tmp/out)
printf 'GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
    openssl s_client -quiet -verify_return_error -CAfile /var/lib/casemate/ca.pem -connect "127.0.0.1:$port" \
        -verify_hostname localhost 2> /dev/null || true # it ends with 1 when the server closes first
kill $pid && wait $pid
IN
step "copy" b copy "$c" "$work/inside" /tmp/inside
step "it serves" b run --isolation chroot "$c" -- sh /tmp/inside
grep -q '"status":"ready"' "$work/log" || { cat "$work/log"; echo FAIL; exit 1; }
echo "all passed"
