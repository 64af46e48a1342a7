#!/bin/bash
# usage: verify_options_test.sh CASEMATE PKI_FILES: what `casemate verify` takes beside the evidence and what it
# does not, and `casemate evidence show`; on a quote of our own.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
"$2" "$work" || exit 1
cd "$work" || exit 1
verify=("$casemate" verify --time 1700000000 --root sgx3/root.pem)

# --- text of evidence, and evidence by name
base64 -w 64 sgx3/quote.bin > quote.b64
od -An -v -tx1 sgx3/quote.bin | tr -d ' \n' > quote.hex
expect 0 "GENUINE" "${verify[@]}" --collateral sgx3 quote.b64
expect 0 "GENUINE" "${verify[@]}" --collateral sgx3 quote.hex
xxd -p sgx3/quote.bin > quote.hex 2> /dev/null || fold -w 60 quote.hex > quote.lines
[ ! -s quote.lines ] || mv quote.lines quote.hex
[ "$(wc -l < quote.hex)" -gt 10 ] || fail "the hexadecimal is not in lines"
expect 0 "GENUINE" "${verify[@]}" --collateral sgx3 quote.hex
{ printf '0x'; od -An -v -tx1 sgx3/quote.bin | tr -d ' \n'; } > quote.0x
expect 0 "GENUINE" "${verify[@]}" --collateral sgx3 quote.0x
mark=$(printf '\357\273\277') # as editors put it before UTF-8
{ printf '%s' "$mark"; cat quote.b64; } > marked.b64
expect 0 "GENUINE" "${verify[@]}" --collateral sgx3 marked.b64
{ printf '%s' "$mark"; cat sgx3/root.pem; } > marked.pem
expect 0 "GENUINE" "$casemate" verify --time 1700000000 --root marked.pem --with marked.pem sgx3/quote.bin
{ printf '%s' "$mark"; cat sgx3/quote.bin; } > marked.bin # no text: its bytes begin with the quote
expect 3 "no evidence that is known" "${verify[@]}" --collateral sgx3 marked.bin
expect 0 "GENUINE" "${verify[@]}" --format dcap sgx3/quote.bin
expect 0 '"format":"dcap"' "${verify[@]}" --json sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --format sgx sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --format any sgx3/quote.bin
echo "some text" > text
expect 3 "no evidence that is known" "${verify[@]}" --collateral sgx3 text

# --- roots: several, and each for every format
expect 0 "under 2 roots given" "${verify[@]}" --root tdx5/root.pem sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --root 1 --root 2 --root 3 --root 4 --root 5 --root 6 --root 7 --root 8 sgx3/quote.bin

# --- files beside it are told by their content, and nothing trusted is taken without a word
openssl ecparam -name prime256v1 -genkey -noout -out private.pem
openssl pkey -in private.pem -pubout -out public.pem
openssl pkey -in private.pem -pubout -outform der -out public.der
echo '{"measurements":[]}' > values.json
for f in sgx3/root.pem sgx3/root_ca_crl.der; do
    expect 0 "GENUINE" "${verify[@]}" --with "$f" sgx3/quote.bin
done
expect 2 "give it with --key" "${verify[@]}" --with public.pem sgx3/quote.bin
expect 2 "give it with --key" "${verify[@]}" --with public.der sgx3/quote.bin
expect 2 "give it with --reference" "${verify[@]}" --with values.json sgx3/quote.bin
expect 2 "cannot tell what this is" "${verify[@]}" --with text sgx3/quote.bin
expect 3 "without a quote" "${verify[@]}" --with sgx3/quote.bin sgx3/quote.bin # not passed over in silence
expect 3 "FAIL  materials" "${verify[@]}" --with pcrs:text sgx3/quote.bin
expect 3 "FAIL  materials" "${verify[@]}" --key public.pem sgx3/quote.bin # a quote has no use for it
expect 1 "No such file" "${verify[@]}" --with nowhere sgx3/quote.bin
expect 1 "No such file" "${verify[@]}" --with nothing:text sgx3/quote.bin # no such kind: a file's name
expect 2 "not understood" "${verify[@]}" --with certs: sgx3/quote.bin

# --- one challenge, by either name
expect 0 "pass  report_data" "${verify[@]}" --nonce dadada sgx3/quote.bin
expect 5 "FAIL  report_data" "${verify[@]}" --nonce dadadb sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --nonce da --report-data da sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --nonce "$(printf 'da%.0s' {1..513})" sgx3/quote.bin

# --- the appraisal: of accepted and of refused evidence, in every form
expect 0 "runtime-opaque" "${verify[@]}" --ear ear.json sgx3/quote.bin
expect 0 '"ear.status":"warning"' cat ear.json
expect 5 "97 contraindicated" "${verify[@]}" --nonce dadadb --ear ear.json sgx3/quote.bin
expect 0 '"ear.status":"contraindicated"' cat ear.json
expect 0 "GENUINE" "${verify[@]}" --ear ear.json --ear-profile ietf sgx3/quote.bin
expect 0 '"ear_status":"warning"' cat ear.json
expect 0 "GENUINE" "${verify[@]}" --ear ear.jwt --ear-form jwt --ear-key private.pem sgx3/quote.bin
expect 0 "." grep -E '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$' ear.jwt
expect 0 "GENUINE" "${verify[@]}" --ear ear.cbor --ear-form cbor sgx3/quote.bin
expect 0 "GENUINE" "${verify[@]}" --ear ear.cwt --ear-form cbor --ear-key private.pem sgx3/quote.bin
printf 'version=1.0;\nauthorizationrules\n{\n  => permit();\n};\n' > permits
printf 'version=1.0;\nauthorizationrules\n{\n  => deny();\n};\n' > denies
expect 0 "GENUINE" "${verify[@]}" --ear ear.json --policy permits sgx3/quote.bin
expect 0 '"ear.status":"warning"' cat ear.json
expect 0 '"ear.appraisal-policy-id":"policy:' cat ear.json
expect 8 "REFUSED" "${verify[@]}" --ear ear.json --policy denies sgx3/quote.bin
expect 0 '"ear.status":"contraindicated"' cat ear.json
expect 2 "needs an --ear-key" "${verify[@]}" --ear ear.x --ear-form jwt sgx3/quote.bin
expect 2 "json takes none" "${verify[@]}" --ear ear.x --ear-key private.pem sgx3/quote.bin
expect 2 "not given" "${verify[@]}" --ear-form cbor sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --ear ear.x --ear-form xml sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --ear ear.x --ear-profile x sgx3/quote.bin
expect 2 "not understood" "${verify[@]}" --ear ear.x --ear-sign x sgx3/quote.bin
expect 2 "not a private key" "${verify[@]}" --ear ear.x --ear-form jwt --ear-key public.pem sgx3/quote.bin
expect 1 "casemate: " "${verify[@]}" --ear /nowhere/ear.x sgx3/quote.bin
expect 1 "No such file" cat ear.x

# --- what it says of itself
expect 0 "NOTHING HERE IS VERIFIED" "$casemate" evidence show sgx3/quote.bin
expect 0 '"authority":"self-asserted"' "$casemate" evidence show --json sgx3/quote.bin
for authority in hardware-signed endorser key-bound; do
    "$casemate" evidence show --json sgx3/quote.bin | grep -q "$authority" && fail "show: $authority" || ok
done
expect 0 "Usage: casemate evidence" "$casemate" evidence --help
expect 2 "evidence show" "$casemate" evidence
expect 2 "evidence show" "$casemate" evidence list x
expect 3 "no evidence that is known" "$casemate" evidence show text
expect 1 "No such file" "$casemate" evidence show nowhere
for help in "verify --help" "evidence --help" "--help"; do
    # shellcheck disable=SC2086 # words
    [ "$("$casemate" $help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "$help: beyond 80 columns"
done
finish
