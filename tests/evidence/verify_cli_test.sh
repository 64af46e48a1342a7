#!/bin/bash
# usage: verify_cli_test.sh CASEMATE PKI_FILES SOURCE_DIR: `casemate verify` and `quote show` from outside, on
# bundles of our own hierarchy and on the real vectors where they are.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
vectors=$3/../shared/vectors/dcap
"$2" "$work" || exit 1
cd "$work" || exit 1
now=(--time 1700000000)

verify() {
    local status=$1 text=$2 kind=$3
    shift 3
    expect "$status" "$text" "$casemate" verify "${now[@]}" --root "$kind/root.pem" "$@" "$kind/quote.bin"
}

# --- quotes behind headers
for kind in sgx3 tdx5; do
    mkdir head_$kind && cp $kind/* head_$kind
    with_header "$SGX_ECDSA" $kind/quote.bin head_$kind/quote.bin
    verify 0 "Evidence with an attestation header; the quote is taken out." head_$kind
    verify 0 "GENUINE and accepted" head_$kind
    verify 0 '"unverified_bytes_behind_quote":0' head_$kind --json
    { cat $kind/quote.bin && printf claims; } > more.bin
    with_header "$SGX_ECDSA" more.bin head_$kind/quote.bin
    verify 0 "The 6 bytes behind it (custom claims) are NOT looked at" head_$kind
    verify 0 '"unverified_bytes_behind_quote":6' head_$kind --json
    expect 0 "NOTHING HERE IS VERIFIED" "$casemate" quote show head_$kind/quote.bin
    expect 0 "The 6 bytes behind it (custom claims) are NOT looked at" "$casemate" quote show head_$kind/quote.bin
    expect 1 "127.0.0.1" "$casemate" collateral --url http://127.0.0.1:1/ --no-cache --output x.json head_$kind/quote.bin
    with_header report $kind/quote.bin head_$kind/quote.bin
    verify 0 "A report with its header; the quote is taken out." head_$kind
    with_header report more.bin head_$kind/quote.bin
    verify 3 "casemate: " head_$kind
    cp more.bin head_$kind/quote.bin # no header: no bytes behind
    verify 3 "casemate: " head_$kind
    expect 3 "casemate: " "$casemate" quote show head_$kind/quote.bin
    with_header "$SGX_ECDSA" $kind/root.pem head_$kind/quote.bin # a header, and no quote behind it
    verify 3 "casemate: " head_$kind
done

# --- every exit status, each for its own reason
for kind in sgx3 sgx4 tdx4 tdx5 tdx5ex leaf ppid; do
    verify 0 "GENUINE and accepted" $kind
    verify 0 "GENUINE and accepted" $kind --collateral $kind
    expect 0 "NOTHING HERE IS VERIFIED" "$casemate" quote show $kind/quote.bin
    wide=$("$casemate" quote show $kind/quote.bin | awk 'length > 80' | wc -l)
    [ "$wide" -eq 0 ] && passed=$((passed + 1)) || { echo "FAIL $kind: lines beyond 80 columns"; failed=$((failed + 1)); }
    wide=$("$casemate" verify "${now[@]}" --root $kind/root.pem $kind/quote.bin | awk 'length > 80' | wc -l)
    [ "$wide" -eq 0 ] && passed=$((passed + 1)) || { echo "FAIL $kind: lines beyond 80 columns"; failed=$((failed + 1)); }
done
verify 3 "is not 3, 4 or 5" unknown
verify 4 "FAIL  quote.signature" forged
verify 5 "FAIL  tcb_info.platform" mixed
verify 6 "TCB info: expired" expired
verify 7 "FAIL  pck.revocation" revoked
verify 8 "FAIL  debug" debug
verify 0 "GENUINE" debug --allow-debug
verify 8 "OutOfDate" old
verify 0 "INTEL-SA-??[31mRED" old --accept OutOfDate # what a terminal would obey is not printed
verify 0 "GENUINE" old --accept ConfigurationNeeded,OutOfDate
verify 8 "OutOfDate" old --accept ConfigurationNeeded
verify 8 "EMULATED" emulated
verify 0 "(EMULATED)" emulated --allow-emulated
expect 8 "trusted root" "$casemate" verify "${now[@]}" sgx3/quote.bin # Intel's root, and now it is not
expect 6 "FAIL  validity" "$casemate" verify --root sgx3/root.pem sgx3/quote.bin # the clock's time

# --- time, report data, JSON
expect 0 "GENUINE" "$casemate" verify --time 2023-11-14T22:13:20Z --root sgx3/root.pem sgx3/quote.bin
expect 6 "expired" "$casemate" verify --time 2024-11-14T22:13:20Z --root sgx3/root.pem sgx3/quote.bin
verify 0 "pass  report_data" sgx3 --report-data dadada
verify 0 "pass  report_data" tdx4 --report-data "$(printf 'DA%.0s' {1..64})"
verify 5 "FAIL  report_data" sgx3 --report-data dadadb
verify 0 '"accepted":true,"exit_status":0' sgx3 --json
verify 0 '"name":"quote.signature"' sgx3 --json
verify 8 '"accepted":false,"exit_status":8' debug --json
verify 3 '"accepted":false,"exit_status":3' unknown --json

# --- collateral in one file, whole and taken apart
for form in bundle apart; do
    for kind in sgx3 tdx5; do
        verify 0 "GENUINE" $kind --collateral $kind/$form.json
    done
    verify 7 "REFUSED" revoked --collateral revoked/$form.json
done
sed 's/"pck_crl"/"pck_crx"/' sgx3/bundle.json > less.json
verify 1 'no member "pck_crl"' sgx3 --collateral less.json
sed 's/"tcb_info":{"tcbInfo"/"tcb_info":{ "tcbInfo"/' sgx3/bundle.json > spaced.json
verify 0 "GENUINE" sgx3 --collateral spaced.json # outside of what is signed
sed 's/"version":3/"version": 3/' sgx3/bundle.json > changed.json
verify 4 "FAIL  tcb_info.signature" sgx3 --collateral changed.json
head -c 500 sgx3/bundle.json > cut.json
verify 3 "casemate: " sgx3 --collateral cut.json
sed 's/"tcb_info":{/"tcb_info":[{/; s/},"qe_identity"/}],"qe_identity"/' sgx3/bundle.json > list.json
verify 3 'member "tcb_info"' sgx3 --collateral list.json
verify 1 "no such file or folder" sgx3 --collateral nowhere
mkdir part && cp sgx3/*.json sgx3/*.pem part
verify 1 "root_ca_crl.der" sgx3 --collateral part

# --- usage: nothing is guessed
expect 0 "Usage: casemate verify" "$casemate" verify --help
expect 0 "Usage: casemate quote" "$casemate" quote --help
expect 2 "needs a FILE" "$casemate" verify
expect 2 "one FILE" "$casemate" verify a b
expect 2 "unknown option" "$casemate" verify --fast x
expect 2 "unknown option" "$casemate" verify sgx3/quote.bin --time
for bad in "--time yesterday" "--time 0" "--time -1" "--time 17x" "--time 2023-13-01T00:00:00Z" \
    "--accept Fine" "--accept Revoked" "--accept NotSupported" "--accept ," "--accept OutOfDat" \
    "--report-data x" "--report-data abc" "--report-data zz"; do
    # shellcheck disable=SC2086
    expect 2 "not understood" "$casemate" verify $bad sgx3/quote.bin
done
expect 2 "quote show FILE" "$casemate" quote
expect 2 "quote show FILE" "$casemate" quote list x
expect 1 "casemate: " "$casemate" quote show nowhere
touch empty
expect 3 "shorter than its header" "$casemate" quote show empty
expect 1 "casemate: " "$casemate" verify nowhere
expect 3 "root certificate" "$casemate" verify --root sgx3/quote.bin sgx3/quote.bin
expect 3 "root certificate" "$casemate" verify --root sgx3/tcb_info_issuer_chain.pem sgx3/quote.bin
expect 1 "casemate: " "$casemate" verify --root nowhere sgx3/quote.bin
expect 1 "casemate: " sh -c "'$casemate' verify ${now[*]} --root sgx3/root.pem sgx3/quote.bin > /dev/full"

# --- a quote that is cut anywhere is an error and nothing worse
for n in 1 47 48 400 432 435 436 900 1100 3000; do
    head -c $n sgx3/quote.bin > cut.bin
    expect 3 "casemate: " "$casemate" quote show cut.bin
    expect 3 "casemate: " "$casemate" verify "${now[@]}" --collateral sgx3 cut.bin
done

# --- real evidence, where it is
if [ -d "$vectors" ]; then
    for expectation in "$vectors"/*/bundle-2*/expect.json; do
        dir=$(dirname "$expectation")
        time=$(sed -n 's/.*"time": *\([0-9]*\).*/\1/p' "$expectation" | head -1)
        expect 0 "NOTHING HERE IS VERIFIED" "$casemate" quote show "$dir/quote.bin"
        out=$("$casemate" verify --time "$time" --allow-debug "$dir/quote.bin")
        rc=$?
        case $rc in 0 | 5 | 8) passed=$((passed + 1)) ;; *) echo "FAIL $dir: $rc: $out"; failed=$((failed + 1)) ;; esac
        case $(sed -n 's/.* quote=\([A-Z_]*\).*/\1/p' "$expectation" | head -1):$rc in
        STATUS_OK:0 | STATUS_TCB_NOT_SUPPORTED:5 | STATUS_TCB_[A-MO-Z]*:8) passed=$((passed + 1)) ;;
        *) echo "FAIL $dir: another verdict, $rc"; failed=$((failed + 1)) ;;
        esac
    done
fi

finish
