#!/bin/bash
# usage: casemate_test.sh CASEMATE OESIGN IMAGE_DIR SGX_PROGRAM: the tool from outside. SGX_PROGRAM uses
# /dev/sgx_enclave and knows nothing of the emulator.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
oesign=$2
images=$3
sgx_program=$4
cd "$work" || exit 1

# --- usage: help everywhere, unknown things refused, errors say what to do next
expect 0 "Usage: casemate <command>" "$casemate" --help
expect 0 "casemate " "$casemate" --version
expect 2 "Usage: casemate <command>" "$casemate"
expect 2 "casemate --help" "$casemate" frobnicate
for c in new doctor inspect run; do
    expect 0 "Usage: casemate $c" "$casemate" $c --help
    expect 2 "casemate --help" "$casemate" $c --frobnicate
done
expect 2 "needs an IMAGE" "$casemate" inspect
expect 2 "one IMAGE" "$casemate" inspect a b
expect 1 "/bin/sh: " "$casemate" inspect /bin/sh
expect 2 "needs one NAME" "$casemate" new
expect 2 "needs a PROGRAM" "$casemate" run
expect 2 "hardware or emulator" "$casemate" doctor --require luck
for c in "" new doctor inspect run; do
    # shellcheck disable=SC2086
    [ "$("$casemate" $c --help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "help of '$c' is wider than 80"
done

# --- inspect
cp "$images"/mini_{rela,cpuid,stripped} . || exit 1
openssl genrsa -3 -out key.pem 3072 2> /dev/null
expect 0 "not signed" "$casemate" inspect mini_rela
expect 0 "signature          none" "$casemate" inspect mini_rela
"$oesign" sign -e mini_rela -k key.pem > /dev/null 2>&1 || fail "oesign sign"
expect 0 "signature          good" "$casemate" inspect mini_rela.signed
field() { "$oesign" dump -e mini_rela.signed | sed -n "s/^$1=//p"; }
expect 0 "MRENCLAVE          $(field mrenclave)" "$casemate" inspect mini_rela.signed
expect 0 "MRSIGNER           $(field mrsigner)" "$casemate" inspect mini_rela.signed
expect 0 "debugging is allowed" "$casemate" inspect mini_rela.signed
expect 0 "instructions such as CPUID" "$casemate" inspect mini_cpuid
expect 0 "not scanned" "$casemate" inspect mini_stripped
expect 0 '"mrenclave":"'"$(field mrenclave)"'"' "$casemate" inspect --json mini_rela.signed
expect 0 '"signature_good":true' "$casemate" inspect --json mini_rela.signed
# the code changed after signing: the first byte of the entry's section
cp mini_rela.signed changed
at=$((16#$(readelf -SW changed | sed -n 's/.* \.text *PROGBITS *[0-9a-f]* *\([0-9a-f]*\).*/\1/p')))
printf '\xcc' | dd of=changed bs=1 seek="$at" conv=notrunc 2> /dev/null
expect 0 "the file was changed after signing" "$casemate" inspect changed
expect 0 "signature          NOT good: of another measurement" "$casemate" inspect changed
expect 0 '"signature_good":false' "$casemate" inspect --json changed
expect 1 "nothere" "$casemate" inspect nothere
: > empty
expect 1 "casemate: " "$casemate" inspect empty
head -c 100 mini_rela > cut
expect 1 "casemate: " "$casemate" inspect cut
expect 1 "casemate: " "$casemate" inspect /bin/sh

# --- new
expect 0 "cmake -B build" "$casemate" new shop
expect 1 "nothing was changed" "$casemate" new shop
expect 1 "letter" "$casemate" new Shop
[ -f shop/CMakeLists.txt ] && [ -f shop/.vscode/tasks.json ] && ok || fail "new: files are missing"
[ -z "$(find . -maxdepth 1 -name '.shop*')" ] && ok || fail "new: something was left behind"

# --- output that is lost is a failure, and not a silent one
lost="standard output is incomplete"
expect 1 "$lost" sh -c '"$0" --help > /dev/full' "$casemate"
expect 1 "$lost" sh -c '"$0" --version >&-' "$casemate"
expect 1 "$lost" sh -c '"$0" inspect mini_rela > /dev/full' "$casemate"
expect 1 "$lost" sh -c '"$0" inspect --json mini_rela >&-' "$casemate"
expect 1 "$lost" sh -c '"$0" new store > /dev/full' "$casemate"
expect 1 "$lost" sh -c '"$0" verify --help > /dev/full' "$casemate"
expect 2 "needs an IMAGE" sh -c '"$0" inspect >&-' "$casemate" # nothing was to be printed there
expect 5 "" sh -c '"$0" run sh -c "exit 5" >&-' "$casemate"

# --- doctor
"$casemate" doctor > text
rc=$?
[ "$(awk 'length > 80' text | wc -l)" -eq 0 ] && ok || fail "doctor is wider than 80"
"$casemate" doctor --json > json
[ $? -eq $rc ] && ok || fail "doctor --json ends otherwise than doctor"
if grep -q '"enclaves_emulated":true' json; then want=0; else want=1; fi
"$casemate" doctor --require emulator > /dev/null
[ $? -eq $want ] && ok || fail "doctor --require emulator"
if grep -q '"enclaves_on_hardware":true' json; then want=0; else want=1; fi
"$casemate" doctor --require hardware > /dev/null
[ $? -eq $want ] && ok || fail "doctor --require hardware"

# --- run
expect 0 "OE_SIMULATION=1" env -u OE_SIMULATION "$casemate" run env
expect 0 "OE_SIMULATION=0" env OE_SIMULATION=0 "$casemate" run env
if env OE_SIMULATION=1 "$casemate" run --hardware env | grep -q OE_SIMULATION; then fail "run --hardware"; else ok; fi
expect 7 "" "$casemate" run sh -c 'exit 7'
expect 7 "" "$casemate" run --profile sh -c 'exit 7'
expect 143 "" "$casemate" run --profile sh -c 'kill -TERM $$'
expect 127 "nothere" "$casemate" run nothere
expect 127 "nothere" "$casemate" run --profile nothere
expect 0 "--profile" "$casemate" run -- echo --profile
expect 0 "no ecall was made" "$casemate" run --profile true
expect 2 "not given" "$casemate" run --json true
expect 2 "exclude" "$casemate" run --hardware --preload true
# a program of another SDK: without hardware it works with --preload only
expect 0 "0 failed" "$casemate" run --preload "$sgx_program"
# what any program could write into the profile
expect 125 "damaged at line 1" "$casemate" run --profile sh -c 'echo garbage > "$CASEMATE_PROFILE"'
expect 0 "own_ns" "$casemate" run --profile --json sh -c \
    'printf "casemate-profile 1\necall\tf\t1\t2\t3\t4\t5\n" > "$CASEMATE_PROFILE"'
"$casemate" run --profile --output table true && grep -q "no ecall" table && ok || fail "run --output"

finish
