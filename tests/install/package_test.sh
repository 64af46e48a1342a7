#!/bin/bash
# usage: package_test.sh BUILD: the Debian packages: the same twice, whole, and usable unpacked.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
. tests/expect.sh
export OE_SIMULATION=1

scripts/package "$build" "$work/one" || exit 1
scripts/package "$build" "$work/two" > /dev/null || exit 1
for deb in "$work"/one/*.deb; do
    cmp "$deb" "$work/two/$(basename "$deb")" || fail "not the same twice: $deb"
    dpkg-deb -x "$deb" "$work/root" || fail "unpack $deb"
    dpkg-deb -f "$deb" Conflicts | grep -q open-enclave || fail "$deb does not conflict with open-enclave"
    dpkg-deb -c "$deb" | awk '$2 != "root/root"' | grep . && fail "$deb: files of others"
done
doubles=$(for deb in "$work"/one/*.deb; do dpkg-deb -c "$deb" | awk '!/\/$/ {print $6}'; done | sort | uniq -d)
[ -z "$doubles" ] || fail "in two packages: $doubles"

for file in casemate oesign oeedger8r oeutil oeverify oegdb; do
    [ -s "$work/root/opt/openenclave/share/man/man1/$file.1" ] || fail "no man page of $file"
done
[ -s "$work/root/opt/openenclave/share/man/man1/casemate-serve.1" ] || fail "no man page of casemate serve"
"$work/root/opt/openenclave/bin/casemate" serve --help | grep -q -- --vault-domain || fail "casemate serve does not run"
[ -s "$work/root/lib/systemd/system/casemate.service" ] && [ -s "$work/root/etc/casemate/serve.conf" ] || fail "no unit"
for file in man/man1/casemate.1 bash-completion/completions/casemate; do
    [ "$(readlink "$work/root/usr/share/$file")" = "/opt/openenclave/share/$file" ] &&
        [ -s "$work/root/opt/openenclave/share/$file" ] || fail "/usr/share/$file leads nowhere"
done

# usable from where they were unpacked, which is not where they install
# shellcheck disable=SC1091
. "$work/root/opt/openenclave/share/openenclave/openenclaverc"
cd "$work" || exit 1
casemate new shop > /dev/null && cmake -S shop -B out > log 2>&1 && cmake --build out >> log 2>&1 &&
    out/shop_host out/shop_enclave.signed >> log 2>&1 && grep -q "hello, world" log || { cat log; fail "a project"; }
[ "$failed" -eq 0 ] && echo "all passed"
