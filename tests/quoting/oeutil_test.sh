#!/bin/bash
# usage: oeutil_test.sh OEUTIL OEVERIFY PKI_FILES: the Open Enclave SDK's tools on the emulated platform and on
# quotes of our own hierarchy.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oeutil=$1
oeverify=$2
"$3" "$work" || exit 1
cd "$work" || exit 1
export QCNL_CONF_PATH=/dev/null/no/place # nobody is asked
unset CASEMATE_PCCS_URL CASEMATE_COLLATERAL CASEMATE_ACCEPT_EMULATED CASEMATE_ACCEPT_DEBUG SGX_AESM_ADDR
emulated() { OE_SIMULATION=1 "$@"; }
accepting() { CASEMATE_ACCEPT_EMULATED=1 "$@"; }

# --- usage
for tool in "$oeutil" "$oeverify"; do
    expect 0 "Usage: " "$tool" --help
    expect 2 "Usage: " "$tool"
    expect 2 "--help" "$tool" --frobnicate
done
for c in generate-evidence get-endorsements get-fmspc; do
    expect 0 "Usage: oeutil $c" "$oeutil" $c --help
    [ "$("$oeutil" $c --help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "help of $c is wider than 80"
done
[ "$("$oeverify" --help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "help of oeverify is wider than 80"
expect 2 "unknown command" "$oeutil" ge # of which there are several
expect 2 "cannot be made" "$oeutil" gen -f SGX_EPID_LINKABLE
expect 2 "two keys" "$oeutil" gen -f cert key.pem
expect 2 "only SGX_ECDSA" "$oeutil" gen -f cert a b -e c
expect 2 "not two" "$oeverify" -r x -c y
expect 2 "neither" "$oeverify" -g -c y
expect 2 "neither" "$oeverify" -c y -e z
expect 2 "-f FORMAT" "$oeutil" gen -v
expect 2 "in or out" "$oeutil" gen -f sgx_ecdsa -p sideways
expect 2 "not a date" "$oeverify" -r x -b yesterday
expect 2 "unknown format" "$oeverify" -r x -f SGX_EPID_LINKABLE
expect 2 "evidence is missing" "$oeverify" -g
expect 1 "nowhere" "$oeverify" -r nowhere
[ -e /dev/sgx_enclave ] || expect 1 "no evidence could be made" "$oeutil" gen -f sgx_ecdsa

# --- evidence, its endorsements, verified by both tools; refused unless emulation is accepted
emulated expect 1 "Verification failed (OE_VERIFY_FAILED)" "$oeutil" gen -f sgx_ecdsa -v
emulated accepting expect 0 "Verification succeeded" "$oeutil" GENERATE -F Sgx_Ecdsa --OUT ev.bin -e end.bin --Verify
emulated accepting expect 0 "emulated: 0x454d554c4154454400" "$oeutil" gen -f sgx_ecdsa -v --verbose
expect 1 "failed (OE_VERIFY_FAILED)" "$oeverify" -r ev.bin -e end.bin
accepting expect 1 "failed (OE_VERIFY_FAILED)" "$oeverify" -r ev.bin -e end.bin # a debug enclave
accepting expect 0 "succeeded (OE_OK)" "$oeverify" -r ev.bin -e end.bin --allow-debug
accepting expect 0 "succeeded (OE_OK)" "$oeverify" -r ev.bin -e end.bin --allow-debug -b 2020-01-31
accepting expect 1 "failed" "$oeverify" -r ev.bin -e end.bin --allow-debug -f LEGACY_REPORT_REMOTE
emulated expect 0 "Made" "$oeutil" gen -f legacy_report_remote -o report.bin -l messages
grep -q EMULATED messages && ok || fail "the log has no messages"
accepting expect 0 "succeeded" "$oeverify" -r report.bin -f legacy_report_remote -e end.bin --allow-debug

# --- evidence behind an attestation header names its format
with_header "$SGX_ECDSA" ev.bin ev.head
with_header "$SGX_ECDSA" end.bin end.head
with_header "$RAW_SGX_QUOTE_ECDSA" end.bin end.other
for end in end.bin end.head; do # endorsements with or without a header
    accepting expect 0 "succeeded (OE_OK)" "$oeverify" -r ev.head -e $end --allow-debug
    accepting expect 0 "succeeded (OE_OK)" "$oeverify" -r ev.head -e $end --allow-debug -f sgx_ecdsa
    accepting expect 1 "another format than -f" "$oeverify" -r ev.head -e $end --allow-debug -f TDX_QUOTE_ECDSA
    expect 1 "failed (OE_VERIFY_FAILED)" "$oeverify" -r ev.head -e $end
done
accepting expect 1 "failed (OE_CONSTRAINT_FAILED)" "$oeverify" -r ev.head -e end.other --allow-debug
emulated accepting expect 0 "succeeded (OE_OK)" "$oeverify" -r ev.head --allow-debug
expect 0 "FMSPC: " "$oeverify" -g -r ev.head
with_header 00112233445566778899aabbccddeeff ev.bin ev.unknown
accepting expect 1 "failed (OE_NOT_FOUND)" "$oeverify" -r ev.unknown -e end.bin --allow-debug
accepting expect 1 "failed (OE_NOT_FOUND)" "$oeverify" -r ev.unknown -e end.head --allow-debug
{ cat ev.head && printf x; } > ev.long # not the size that the header says
accepting expect 1 "failed" "$oeverify" -r ev.long -e end.bin --allow-debug

# --- a certificate with evidence of its key
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem || exit 1
openssl pkey -in key.pem -pubout -out pub.pem || exit 1
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout -out other.pem
emulated accepting expect 0 "Verification succeeded" "$oeutil" gen -f cert key.pem pub.pem -o cert.der -v
emulated expect 1 "Verification failed" "$oeutil" gen -f cert key.pem pub.pem -v
emulated expect 1 "OE_INVALID_PARAMETER" "$oeutil" gen -f cert key.pem other.pem
emulated expect 1 "nowhere" "$oeutil" gen -f cert nowhere pub.pem
emulated accepting expect 0 "succeeded (OE_OK)" "$oeverify" -c cert.der --allow-debug
emulated expect 1 "failed" "$oeverify" -c cert.der --allow-debug
emulated accepting expect 1 "failed" "$oeverify" -c cert.der # a debug enclave
emulated accepting expect 1 "failed" "$oeverify" -c ev.bin --allow-debug
size=$(stat -c %s cert.der)
for at in 30 300 2000 $((size - 1)); do
    cp cert.der bad.der
    printf '\377' | dd of=bad.der bs=1 seek="$at" conv=notrunc status=none
    cmp -s cert.der bad.der && continue
    emulated accepting expect 1 "failed" "$oeverify" -c bad.der --allow-debug
done

# --- endorsements and FMSPC of what is in files
emulated expect 0 "Endorsements" "$oeutil" get-endorsements --input ev.bin --out end2.bin
accepting expect 0 "succeeded" "$oeverify" -r ev.bin -e end2.bin --allow-debug
expect 1 "/dev/null/no/place" "$oeutil" get-e -i ev.bin -o end3.bin
[ ! -e end3.bin ] && ok || fail "a failure left a file"
for file in ev.bin report.bin sgx3/quote.bin tdx4/quote.bin tdx5/quote.bin; do
    expect 0 "FMSPC: " "$oeutil" get-fmspc -i $file
    expect 0 "FMSPC: " "$oeverify" -g -r $file
done
expect 0 "FMSPC: c0" "$oeutil" get-fmspc -i tdx4/quote.bin
CASEMATE_COLLATERAL=tdx4 expect 0 "Endorsements" "$oeutil" get-endorsements -i tdx4/quote.bin -o tdx.end
expect 1 "failed" "$oeverify" -r tdx4/quote.bin -e tdx.end -f TDX_QUOTE_ECDSA # under a root that nobody trusts
for kind in leaf ppid; do # their PCK chain is in the collateral, for which endorsements have no place
    CASEMATE_COLLATERAL=$kind expect 1 "casemate verify" "$oeutil" get-endorsements -i $kind/quote.bin -o no.end
    CASEMATE_COLLATERAL=$kind expect 1 "OE_MISSING_CERTIFICATE_CHAIN" "$oeverify" -r $kind/quote.bin \
        -f RAW_SGX_QUOTE_ECDSA
done
[ ! -e no.end ] && ok || fail "a refusal left endorsements"
expect 1 "no quote" "$oeutil" get-fmspc -i sgx3/root.pem
expect 1 "no quote" "$oeverify" -g -r sgx3/root.pem
: > empty
expect 1 "empty" "$oeutil" get-fmspc -i empty

# --- any change of the evidence
size=$(stat -c %s ev.bin)
for at in 0 48 100 500 1000 $((size - 1)); do
    cp ev.bin bad.bin
    printf '\377' | dd of=bad.bin bs=1 seek="$at" conv=notrunc status=none
    cmp -s ev.bin bad.bin && continue
    accepting expect 1 "failed" "$oeverify" -r bad.bin -e end.bin --allow-debug
done
finish
