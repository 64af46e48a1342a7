#!/bin/bash
# usage: floors_cli_test.sh CASEMATE PKI_FILES: `casemate verify --floors` from run to run.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
"$2" "$work" || exit 1
cd "$work" || exit 1

verify() {
    local status=$1 text=$2
    shift 2
    expect "$status" "$text" "$casemate" verify --time 1700000000 --root sgx3/root.pem "$@" sgx3/quote.bin
}

verify 0 "GENUINE and accepted" --floors floors.json
[ -s floors.json ] && ok || fail "the file was not made"
[ "$(stat -c %a floors.json)" = 600 ] && ok || fail "the file is open to others"
cp floors.json first
verify 0 "GENUINE and accepted" --floors floors.json
cmp -s first floors.json && ok || fail "floors changed without a reason"

# a number that was seen higher: the same evidence is older now, and stays refused
sed -i 's/\("dcap[^"]*sgx_tcb_evaluation[^"]*":\)[0-9]*/\199999/' floors.json
cp floors.json raised
verify 8 "older than what was seen before" --floors floors.json
verify 8 "older than what was seen before" --floors floors.json --json
cmp -s raised floors.json && ok || fail "a refusal changed the floors"
verify 0 "GENUINE and accepted"

echo "{" > floors.json
verify 1 "restore the file" --floors floors.json
[ "$(cat floors.json)" = "{" ] && ok || fail "a damaged file was replaced"
verify 1 "" --floors /dev/null/no/floors
verify 2 "" --floors
[ "$(find . -newer raised -name '*.tmp*' | wc -l)" -eq 0 ] && ok || fail "temporary files were left"
finish
