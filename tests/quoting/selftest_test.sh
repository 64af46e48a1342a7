#!/bin/bash
# usage: selftest_test.sh CASEMATE SELFTEST_HOST ENCLAVE MACHINES: the hardware self-test from outside: the whole
# way on the emulator, honest words where there is no hardware, nothing in the report that names anybody.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
host=$2
enclave=$3
machines=$4
cd "$work" || exit 1

# --- the same steps on the emulator: an enclave, its report, a quote, collateral, verified
expect 0 '"passed":true,"emulated":true,"tcb_status":"UpToDate"' "$host" --emulated "$enclave"
"$host" --emulated "$enclave" > steps 2> /dev/null
[ "$(grep -o '"result":"pass"' steps | wc -l)" -eq 7 ] && ok || fail "not all steps passed: $(cat steps)"
expect 1 '"name":"enclave.create","result":"fail"' "$host" --emulated /dev/null
expect 1 '"name":"quote.verify","result":"not reached"' "$host" --emulated /dev/null
expect 2 "usage" "$host"

# --- never emulated unasked, whatever the environment says
if [ ! -e /dev/sgx_enclave ]; then
    OE_SIMULATION=1 expect 1 '"emulated":false' "$host" "$enclave"
    OE_SIMULATION=1 expect 1 "no usable SGX hardware here: nothing was tested on it" \
        "$casemate" doctor --hardware-selftest
    expect 1 "nothing was tested on it" "$casemate" doctor --hardware-selftest --output report.json
    # the report says why; nobody is told to ask for the emulator, who may have done that already
    expect 1 '"detail":"no SGX: /dev/sgx_enclave' "$host" "$enclave"
    OE_SIMULATION=1 "$casemate" doctor --hardware-selftest > /dev/null 2> said
    [ ! -s said ] && ok || fail "the self-test logs: $(cat said)"
    [ -s report.json ] && ok || fail "no report was written"
fi

# --- what others may read
export CASEMATE_PCCS_URL=https://pccs.secret-company.example/sgx/certification/v4/
LD_LIBRARY_PATH=$machines/all "$casemate" doctor --hardware-selftest > report 2> /dev/null
grep -q '"libsgx_dcap_ql.so.1":"libsgx_dcap_ql.so.1"' report && ok || fail "the libraries are not in the report"
grep -q '"dcap.maker","state":"ok","detail":"libsgx_dcap_ql.so.1 (in process)"' report && ok || fail "who quotes is not in the report"
for name in secret-company "$work" "$HOME/" "$(hostname)" BEGIN; do
    grep -qF -- "$name" report && fail "the report says '$name'" || ok
done
CASEMATE_COLLATERAL=$work/nothing "$host" --emulated "$enclave" > steps 2> /dev/null
grep -q '"name":"collateral.get","result":"fail"' steps && ok || fail "a missing bundle passed"
grep -qF -- "$work" steps && fail "a step says '$work'" || ok
expect 2 "goes with --output" "$casemate" doctor --hardware-selftest --json
expect 2 "--output" "$casemate" doctor --output x

# --- a self-test that crashes, hangs up or babbles is in the report, not in the way
mkdir copy && cp "$casemate" copy/casemate && cp "$enclave" copy/selftest_enclave
try() {
    printf '#!/bin/sh\n%s\n' "$1" > copy/selftest_host
    chmod +x copy/selftest_host
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-} expect 1 "$2" copy/casemate doctor --hardware-selftest
}
try 'kill -SEGV $$' '"ending":"ended by signal 11","selftest":null'
try 'exit 7' '"ending":"exit status 7","selftest":null'
try 'echo not json' '"selftest":null'
try 'echo "[1]"' '"selftest":null'
try 'head -c 200000 /dev/zero' '"selftest":null'
rm copy/selftest_host
expect 1 "the self-test is not installed" copy/casemate doctor --hardware-selftest
finish
