#!/bin/bash
# usage: serve_keeper_test.sh BUILD: a service whose root key an enclave keeps (EMULATED): its signing certificate
# carries that enclave's quote over its key, /certs and overview say so, and it verifies. Without one none is claimed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
keeper=$build/src/keep/cm_keeper.signed
[ -f "$keeper" ] || { echo "skip: no keeper"; exit 77; }
. tests/expect.sh
. tests/serve/serve.sh
admin() { ask "$1" -H "Authorization: Bearer $(cat "$state/dev-token")"; }

# certificate: that of the key that signs tokens, in PEM
certificate() {
    printf -- '-----BEGIN CERTIFICATE-----\n'
    ask /certs | sed -n 's/.*"x5c": *\["\([^"]*\)".*/\1/p' | fold -w 64
    printf -- '-----END CERTIFICATE-----\n'
}

begin --dev
expect 0 '"state":"none"' admin /api/v1/overview
! ask /certs | grep -q casemate.evidence && ok || fail "evidence that is not there"
end
rm -rf "$state"

export OE_SIMULATION=1
begin --dev --root-key "enclave:$keeper"
says_log "EMULATED"
expect 0 '"casemate.evidence":"EMULATED sgx"' ask /certs
expect 0 '"state":"ok","tee":"sgx"' admin /api/v1/overview
expect 0 'EMULATED: the enclave that keeps the root key' admin /api/v1/overview
certificate > "$work/cert.pem"
at=$(openssl asn1parse -in "$work/cert.pem" | grep -A1 ':1.2.840.113556.10.1.1' | sed -n 's/^ *\([0-9]*\):.*OCTET STRING.*/\1/p')
openssl asn1parse -in "$work/cert.pem" -strparse "$at" -out "$work/inner" > /dev/null
tail -c +5 "$work/inner" > "$work/quote" # behind tag and length
expected=$({ openssl x509 -in "$work/cert.pem" -noout -pubkey; printf '\0'; } | sha256sum | cut -d' ' -f1)
"$casemate" platform export "$work/platform" > /dev/null 2>&1
expect 0 "GENUINE" "$casemate" verify --allow-emulated --collateral "$work/platform" --root "$work/platform/root_ca.pem" \
    --nonce "$expected$(printf '%064d' 0)" "$work/quote"
expect 5 "" "$casemate" verify --allow-emulated --collateral "$work/platform" --root "$work/platform/root_ca.pem" \
    --nonce "$(printf '%0128d' 1)" "$work/quote"
end
finish
