#!/bin/bash
# usage: platform_cli_test.sh CASEMATE QUOTE_FILE
# casemate platform and casemate pccs from outside: what they print, write, serve and refuse.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/expect.sh
. "$here/../expect.sh"
casemate=$1
quote_file=$2
pccs=
# shellcheck disable=SC2317 # called by the trap
end() {
    [ -z "$pccs" ] || kill "$pccs" 2> /dev/null
    rm -rf "$work"
}
trap end EXIT
cd "$work" || exit 1

# --- platform: first use, identity
expect 0 "EMULATED" "$casemate" platform show
expect 0 '"emulated":true' "$casemate" platform show --json
expect 0 '"tcb_status":"UpToDate"' "$casemate" platform show --json
[ "$("$casemate" platform show --json)" = "$("$casemate" platform show --json)" ] || fail "show differs from show"
[ "$(stat -c %a state/sgx-attestation)" = 600 ] || fail "the state is not private"
long=$("$casemate" platform show | awk 'length > 80')
[ -z "$long" ] || fail "longer than 80 columns: $long"

# --- export, and what casemate verify makes of it
"$quote_file" quote.bin || fail "no quote"
expect 0 "casemate verify --collateral" "$casemate" platform export out
verify=("$casemate" verify --collateral out quote.bin)
emulated=("${verify[@]}" --root out/root_ca.pem --allow-emulated)
expect 0 "GENUINE" "${emulated[@]}"
expect 0 "emulated            yes" "${emulated[@]}"
expect 8 "EMULATED" "${verify[@]}" --root out/root_ca.pem
expect 8 "root.trusted" "${verify[@]}"
expect 8 "root.trusted" "${verify[@]}" --allow-emulated
expect 0 '"accepted":true' "${emulated[@]}" --json --report-data dadadadada

# --- each status, as casemate verify sees it (its exit status; without and with --accept)
status() { # STATUS EXIT
    expect 0 "$1" "$casemate" platform set-tcb "$1"
    expect 0 "\"tcb_status\":\"$1\"" "$casemate" platform show --json
    expect 0 "" "$casemate" platform export out
    expect "$2" "$1" "${emulated[@]}"
    [ "$2" != 8 ] || expect 0 "GENUINE" "${emulated[@]}" --accept "$1"
}
status SWHardeningNeeded 8
status ConfigurationNeeded 8
status ConfigurationAndSWHardeningNeeded 8
status OutOfDate 8
status OutOfDateConfigurationNeeded 8
status Revoked 7
status UpToDate 0
expect 0 '"tcb_evaluation":8' "$casemate" platform show --json

# --- revoked, and another PCK
expect 0 "revoked" "$casemate" platform revoke
expect 0 "REVOKED" "$casemate" platform show
expect 0 "" "$casemate" platform export out
expect 7 "pck.revocation" "${emulated[@]}"
expect 0 "same root" "$casemate" platform rotate
expect 0 '"pck_revoked":false' "$casemate" platform show --json
expect 0 "" "$casemate" platform export out
expect 7 "pck.revocation" "${emulated[@]}"
"$quote_file" quote.bin || fail "no quote"
expect 0 "GENUINE" "${emulated[@]}"

# --- wrong usage
expect 2 "casemate platform --help" "$casemate" platform set-tcb uptodate
expect 2 "platform takes" "$casemate" platform set-tcb
expect 2 "platform takes" "$casemate" platform
expect 2 "platform takes" "$casemate" platform frobnicate
expect 2 "takes nothing" "$casemate" platform rotate --yes
expect 2 "reset --yes" "$casemate" platform reset
expect 2 "unknown option" "$casemate" platform show --xml
expect 0 "set-tcb STATUS" "$casemate" platform --help
expect 1 "" "$casemate" platform export missing/out
: > file
expect 1 "" "$casemate" platform export file

# --- PCCS
"$casemate" pccs --port 0 > pccs.out 2> pccs.err &
pccs=$!
for _ in $(seq 300); do
    grep -q http pccs.out && break
    sleep 0.1
done
expect 0 "EMULATED PCCS at http://127.0.0.1:" cat pccs.out
url=$(grep -o 'http://[^ ]*/sgx/certification' pccs.out)
host=${url#http://}
port=${host#*:}
port=${port%%/*}
get() { curl -s --max-time 20 -D "$1.head" -o "$1" "$url/$2"; }
header() { # FILE NAME: a header's value, unescaped
    local value
    value=$(tr -d '\r' < "$1.head" | sed -n "s/^$2: //Ip")
    printf '%b' "${value//%/\\x}"
}

# everything over the network: the same verdict as from the folder
mkdir net
fmspc=$("$casemate" platform show --json | grep -o '"fmspc":"[0-9a-f]*' | cut -d'"' -f4)
get net/tcb_info.json "v4/tcb?fmspc=$fmspc" || fail "tcb"
header net/tcb_info.json TCB-Info-Issuer-Chain > net/tcb_info_issuer_chain.pem
get net/qe_identity.json "v4/qe/identity" || fail "identity"
header net/qe_identity.json SGX-Enclave-Identity-Issuer-Chain > net/qe_identity_issuer_chain.pem
get net/root_ca_crl.der "v4/rootcacrl" || fail "root list"
get net/pck_crl.der "v4/pckcrl?ca=platform" || fail "pck list"
over_net=("$casemate" verify --collateral net --root out/root_ca.pem --allow-emulated quote.bin)
expect 0 "GENUINE" "${over_net[@]}"
get net/tcb_info.json "v3/tcb?fmspc=$fmspc" || fail "tcb of version 3"
header net/tcb_info.json SGX-TCB-Info-Issuer-Chain > net/tcb_info_issuer_chain.pem
get net/pck_crl.der "v3/pckcrl?ca=platform&encoding=der" || fail "pck list of version 3"
expect 0 "GENUINE" "${over_net[@]}"
expect 0 "version\":2" cat net/tcb_info.json

# the PCK certificate that the service gives is the one in the quote
show() { "$casemate" platform show --json | grep -o "\"$1\":\"[0-9a-f]*" | cut -d'"' -f4; }
get pck.pem "v4/pckcert?qeid=$(show qe_id)&encrypted_ppid=$(printf '0%.0s' $(seq 768))&cpusvn=$(show cpusvn)&pcesvn=0D00&pceid=0000" || fail "pckcert"
{ cat pck.pem && header pck.pem SGX-PCK-Certificate-Issuer-Chain; } > net/pck_chain.pem
expect 0 "GENUINE" "${over_net[@]}"

# a change is served at once
"$casemate" platform set-tcb OutOfDate > /dev/null
get net/tcb_info.json "v4/tcb?fmspc=$fmspc"
header net/tcb_info.json TCB-Info-Issuer-Chain > net/tcb_info_issuer_chain.pem
expect 8 "OutOfDate" "${over_net[@]}"

# --- requests that are refused
code() { curl -s --max-time 20 -o body -w '%{http_code}' "$@"; }
asks() { # CODE CURL-ARGS...
    local want=$1 got
    shift
    got=$(code "$@")
    if [ "$got" = "$want" ]; then ok; else fail "$got, not $want: $*"; fi
}
asks 400 "$url/v4/tcb?fmspc=1"
asks 404 "$url/v4/tcb?fmspc=000000000000"
asks 404 "$url/v4/nothing"
asks 404 "http://127.0.0.1:$port/"
asks 405 -X DELETE "$url/v4/tcb?fmspc=$fmspc"
asks 405 -X POST "$url/v4/rootcacrl"
asks 413 -X POST -d x "$url/v4/rootcacrl"
asks 413 -X GET -d x "$url/v4/rootcacrl"
asks 413 -X GET -H "Transfer-Encoding: chunked" -d x "$url/v4/rootcacrl"
asks 413 -H "Content-Length: 0" -H "content-length: 5" "$url/v4/rootcacrl"
asks 200 -H "Content-Length: 0" "$url/v4/rootcacrl"
asks 413 -X POST -d "$(printf 'x%.0s' $(seq 5000))" "$url/v4/rootcacrl"
asks 200 -I "$url/v4/rootcacrl"
asks 414 "$url/v4/tcb?$(printf 'x%.0s' $(seq 5000))"
asks 400 -H "X: $(printf 'x%.0s' $(seq 20000))" "$url/v4/rootcacrl"
# what is no HTTP at all, and connections that say nothing, keep nobody else out
exec 5<> "/dev/tcp/127.0.0.1/$port"
printf '\x16\x03\x01\x00\x05hello\r\n\r\n' >&5
exec 6<> "/dev/tcp/127.0.0.1/$port"
asks 200 "$url/v4/rootcacrl"
seq 40 | xargs -P 8 -I{} curl -s --max-time 20 -o /dev/null -w '%{http_code}\n' "$url/v4/qe/identity" > codes
[ "$(sort -u codes)" = 200 ] && [ "$(wc -l < codes)" = 40 ] || fail "concurrent requests: $(sort codes | uniq -c)"
# damage is answered by 500 and told on standard error, and ends when it is repaired
cp state/sgx-attestation kept
truncate -s 100 state/sgx-attestation
asks 500 "$url/v4/rootcacrl"
expect 0 "damaged" cat pccs.err
cp kept state/sgx-attestation
asks 200 "$url/v4/rootcacrl"
kill -TERM "$pccs"
wait "$pccs"
rc=$?
pccs=
[ $rc = 0 ] || fail "SIGTERM: exit status $rc"
exec 5>&- 6>&-
"$casemate" pccs --port "$port" --listen ::1 > pccs.out 2>&1 &
pccs=$!
for _ in $(seq 300); do
    grep -q . pccs.out && break
    sleep 0.1
done
if grep -q 'http://\[::1\]' pccs.out; then # not every container has it
    asks 200 -g "http://[::1]:$port/sgx/certification/v4/rootcacrl"
    kill -INT "$pccs"
else
    kill -TERM "$pccs" 2> /dev/null
fi
wait "$pccs"
pccs=
expect 1 "--port 0" "$casemate" pccs --listen 192.0.2.1
expect 2 "numeric" "$casemate" pccs --listen localhost
expect 2 "0 to 65535" "$casemate" pccs --port 65536
expect 2 "0 to 65535" "$casemate" pccs --port ""
expect 2 "unknown option" "$casemate" pccs --port
expect 0 "--listen ADDRESS" "$casemate" pccs --help

# --- damage, and the way out of it
truncate -s 100 state/sgx-attestation
expect 1 "damaged" "$casemate" platform show
expect 1 "platform reset --yes" "$casemate" platform set-tcb OutOfDate
expect 1 "damaged" "$casemate" pccs --port 0
[ "$(stat -c %s state/sgx-attestation)" = 100 ] || fail "a damaged state was replaced"
expect 0 "new root" "$casemate" platform reset --yes
expect 0 '"tcb_evaluation":1' "$casemate" platform show --json
expect 0 "" "$casemate" platform export out
expect 5 "pck_crl" "${emulated[@]}"

finish
