#!/bin/bash
# usage: collateral_cli_test.sh CASEMATE SELFTEST_HOST ENCLAVE: `casemate collateral` against `casemate pccs`, and
# what it wrote used offline.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
pccs=
cleanup() {
    [ -z "$pccs" ] || { kill "$pccs" && wait "$pccs"; } 2> /dev/null
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
unset CASEMATE_PCCS_URL CASEMATE_COLLATERAL AZDCAP_BASE_CERT_URL
export QCNL_CONF_PATH=/dev/null/no/place # nobody is asked but who is named

expect 2 "needs --output" "$casemate" collateral quote.bin
expect 2 "or --fmspc with --pck-ca" "$casemate" collateral --output x
expect 2 "or --fmspc with --pck-ca" "$casemate" collateral --output x --fmspc 000000000000
expect 2 "or --fmspc with --pck-ca" "$casemate" collateral --output x --fmspc 000000000000 --pck-ca platform quote.bin
expect 2 "12 hexadecimal digits" "$casemate" collateral --output x --fmspc 0000 --pck-ca platform
expect 2 "not a value" "$casemate" collateral --output x --pck-ca other quote.bin
expect 1 "quote.bin" "$casemate" collateral --output x quote.bin
expect 1 "/dev/null/no/place" "$casemate" collateral --output x --fmspc 000000000000 --pck-ca platform
expect 1 "must be https" "$casemate" collateral --output x --fmspc 000000000000 --pck-ca platform \
    --url http://pccs.example/sgx/certification/v4/
[ "$("$casemate" collateral --help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "help is wider than 80"

# --- a quote of the emulated platform, and its service on loopback
"$2" --emulated "$3" > steps 2> /dev/null || fail "no emulated quote could be made"
"$casemate" platform show > show 2>&1 || fail "platform show"
fmspc=$(grep -i fmspc show | grep -oiE '[0-9a-f]{12}' | head -1)
[ -n "$fmspc" ] && ok || fail "platform show names no FMSPC: $(cat show)"
"$casemate" pccs --port 0 > pccs.log 2>&1 &
pccs=$!
for _ in $(seq 1200); do
    port=$(grep -oE '127\.0\.0\.1:[0-9]+' pccs.log | head -1 | cut -d: -f2)
    [ -n "$port" ] && break
    sleep 0.05
done
[ -n "$port" ] && ok || fail "casemate pccs does not say its port: $(cat pccs.log)"
for version in v3 v4; do
    url=http://127.0.0.1:$port/sgx/certification/$version/
    for ca in platform processor; do
        "$casemate" collateral --output $version-$ca.json --fmspc "$fmspc" --pck-ca $ca --url "$url" > out 2>&1 &&
            grep -q "Nothing of it is verified" out && got=$ca
    done
    [ -s "$version-${got:-none}.json" ] && ok || fail "$version: $(cat out)"
done
expect 1 "does not have it" "$casemate" collateral --output y --fmspc 112233445566 --pck-ca "$got" --url "$url" --no-cache
[ ! -e y ] && ok || fail "a failure left a file"

# --- the cache: the service is gone, what is fresh is still there
kill "$pccs" && wait "$pccs" 2> /dev/null
pccs=
expect 0 "FMSPC" "$casemate" collateral --output again.json --fmspc "$fmspc" --pck-ca "$got" --url "$url"
cmp -s again.json "v4-$got.json" && ok || fail "the cache gave something else"
expect 1 "127.0.0.1" "$casemate" collateral --output again.json --fmspc "$fmspc" --pck-ca "$got" --url "$url" --no-cache
mkdir folder
expect 0 "FMSPC" "$casemate" collateral --output folder --fmspc "$fmspc" --pck-ca "$got" --url "$url"
[ -s folder/tcb_info.json ] && [ -s folder/pck_crl.der ] && ok || fail "the folder is not complete"

# --- offline: what was fetched verifies a quote
CASEMATE_COLLATERAL=$work/v4-$got.json expect 0 '"passed":true' "$2" --emulated "$3"
CASEMATE_COLLATERAL=$work/folder expect 0 '"passed":true' "$2" --emulated "$3"
finish
