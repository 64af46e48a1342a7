#!/bin/bash
# usage: demo_test.sh BUILD: what `make demo` prints: each attack refused for its reason, then the run
# that is accepted; and what a bank makes of each state of the platform.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
sample=$build/samples/bank
unset CASEMATE_ACCEPT_EMULATED CASEMATE_ACCEPT_DEBUG OE_SIMULATION
bank() { timeout 250 "$sample/bank" --rows 1000 --banks 2 "$@"; }
platform() { "$build/tools/casemate" platform "$@" > "$work/log" 2>&1 || fail "platform $*: $(cat "$work/log")"; }

# --- the demo
timeout 250 "$top/scripts/demo" "$build" --rows 20000 > "$work/demo" 2>&1
rc=$?
[ $rc -eq 0 ] && ok || fail "the demo ends with $rc: $(cat "$work/demo")"
shown=$(unwrapped "$(cat "$work/demo")")
for sentence in "releases no key: swapped key" "releases no key: wrong measurement" \
    "releases no key: debug enclave" "releases no key: stale quote: it answers another nonce" \
    "after the nonce, the policy allows 1 s" "releases no key: EMULATED" \
    "6 of 6 refused" "verified: enclave, nonce, UpToDate, EMULATED" "VERIFIED by each bank" \
    "Platform     EMULATED" "The generator had planted 4 circles." "key deposited, for this enclave alone" \
    "the service vouches for this enclave and its key" "key released to the enclave" \
    "The enclave sealed the totals into result.sealed" "the service refuses"; do
    grep -qF -- "$sentence" <<< "$shown" && ok || fail "the demo does not say: $sentence"
done
wide=$(awk 'length > 80' "$work/demo")
[ -z "$wide" ] && ok || fail "wider than 80: $wide"

# --- what nobody asked for is not accepted
expect 1 "EMULATED, it proves nothing" bank --simulate
expect 1 "No such file" bank --simulate --accept-emulated --policy "$work/none"
expect 2 "unknown attack 'x'" bank --simulate --attack x

# --- the platform's status, by policy
platform set-tcb OutOfDate
expect 1 "platform: its maker calls it OutOfDate" bank --simulate --accept-emulated
{ cat "$sample/bank.policy" && echo "tcb=SWHardeningNeeded,OutOfDate"; } > "$work/lenient"
expect 0 "verified: enclave, nonce, OutOfDate, EMULATED" bank --simulate --accept-emulated --policy "$work/lenient"
platform set-tcb SWHardeningNeeded
expect 1 "platform: its maker calls it SWHardeningNeeded" bank --simulate --accept-emulated
expect 0 "verified: enclave, nonce, SWHardeningNeeded" bank --simulate --accept-emulated --policy "$work/lenient"
platform set-tcb ConfigurationNeeded
expect 1 "ConfigurationNeeded, which the policy" bank --simulate --accept-emulated --policy "$work/lenient"
platform set-tcb Revoked
expect 1 "releases no key" bank --simulate --accept-emulated --policy "$work/lenient"
platform set-tcb UpToDate
platform revoke
expect 1 "revoked platform" bank --simulate --accept-emulated
platform rotate
expect 0 "verified: enclave, nonce, UpToDate, EMULATED" bank --simulate --accept-emulated
finish
