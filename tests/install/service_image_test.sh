#!/bin/bash
# usage: service_image_test.sh BUILD: the service's container, from nothing: a Debian 12 by mmdebstrap instead
# of a registry's, then deploy/service/Containerfile; it serves in it, as a user of its own.
# Needs root (chroot isolation) and the Debian mirrors that apt knows.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
. tests/install/image.sh

image service deploy/service/Containerfile
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
