#!/bin/bash
# usage: run_test.sh CASEMATE SGX_PROGRAM: which programs `casemate run` starts and serves, and what
# it says of the others. SGX_PROGRAM uses /dev/sgx_enclave and knows nothing of the emulator.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
sgx_program=$2
export CASEMATE_EMU_QUIET=1
cd "$work" || exit 1

# The smallest static program: exit(7). Bytes: ELF header, one PT_LOAD, three instructions.
static_program() { # MACHINE CLASS as printf escapes
    printf '\177ELF%b\1\1\0\0\0\0\0\0\0\0\0\2\0%b\0\1\0\0\0' "$2" "$1"
    printf '\170\0\100\0\0\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    printf '\0\0\0\0\100\0\70\0\1\0\0\0\0\0\0\0'
    printf '\1\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\100\0\0\0\0\0\0\0\100\0\0\0\0\0'
    printf '\204\0\0\0\0\0\0\0\204\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0'
    printf '\277\7\0\0\0\270\74\0\0\0\17\5'
}
static_program '\76' '\2' > static
static_program '\267' '\2' > foreign
static_program '\3' '\1' > narrow
head -c 50 static > cut
{ head -c 56 static; printf '\377\377'; tail -c +59 static; } > endless
{ head -c 32 static; printf '\377\377\377\377\377\377\377\377'; tail -c +41 static; } > beyond
printf '#!%s\n' "$work/static" > script_static
printf '#! /bin/sh\nexit 5\n' > cm_script
printf '#!%s\nexit 5\n' "$work/cm_script" > script_script
printf '#!/bin/nowhere\n' > script_nowhere
printf '#!/nowhere/%0300d\n' 0 > script_long
printf '#!%s\n' "$work/script_loop" > script_loop
printf '#!\n' > script_empty
printf 'exit 6\n' > plain_text
chmod +x static foreign narrow cut endless beyond cm_script script* plain_text
printf '#!/bin/sh\n' > not_executable
mkdir folder

# --- static: silently without the device is what must not happen
expect 7 "" "$casemate" run ./static
expect 126 "./static is static" "$casemate" run --preload ./static
expect 126 "./static is static" "$casemate" run --preload --profile ./static
expect 126 "static" env PATH="$work" "$casemate" run --preload static
expect 126 "./foreign is static or not x86-64" "$casemate" run --preload ./foreign
expect 126 "./narrow is static or not x86-64" "$casemate" run --preload ./narrow
for broken in cut endless beyond; do
    expect 126 "./$broken is damaged" "$casemate" run --preload "./$broken"
done

# --- scripts: it is the interpreter that counts
expect 5 "" "$casemate" run --preload ./cm_script
expect 5 "" "$casemate" run --preload ./script_script
expect 6 "" "$casemate" run --preload ./plain_text
expect 126 "the interpreter of ./script_static is static" "$casemate" run --preload ./script_static
expect 127 "the interpreter of ./script_nowhere is not there" "$casemate" run --preload ./script_nowhere
expect 127 "interpreter" "$casemate" run ./script_nowhere
expect 126 "./script_long is damaged" "$casemate" run --preload ./script_long
expect 126 "./script_empty is damaged" "$casemate" run --preload ./script_empty
expect 126 "script_loop" "$casemate" run --preload ./script_loop
printf '#!/bin/sh\nexec "%s"\n' "$sgx_program" > script_sgx
chmod +x script_sgx
expect 0 "0 failed" "$casemate" run --preload ./script_sgx

# --- rights of others: the dynamic linker ignores what is preloaded
cp /bin/true privileged
if [ "$(id -u)" -eq 0 ] && chown nobody privileged 2> /dev/null && chmod u+s privileged; then
    expect 126 "./privileged runs with the rights of others" "$casemate" run --preload ./privileged
    expect 0 "" "$casemate" run ./privileged
    chown root:nogroup privileged && chmod 02755 privileged
    expect 126 "./privileged runs with the rights of others" "$casemate" run --preload ./privileged
    chown root:root privileged && chmod 04755 privileged # one's own: no rights are gained
    expect 0 "" "$casemate" run --preload ./privileged
else
    echo "skip setuid: not root"
fi

# --- what is no program
for how in "" --preload --profile; do
    # shellcheck disable=SC2086
    {
        expect 127 "./nothere: not found" "$casemate" run $how ./nothere
        expect 127 "nothere: not found in PATH" "$casemate" run $how nothere
        expect 127 "cm_script: not found in PATH" "$casemate" run $how cm_script
        expect 127 ": not found" "$casemate" run $how ""
        expect 127 "not found" "$casemate" run $how ./cm_script/below
        expect 126 "./not_executable: not executable" "$casemate" run $how ./not_executable
        expect 126 "./folder: not executable" "$casemate" run $how ./folder
        expect 126 "not executable" env PATH="$work" "$casemate" run $how not_executable
        expect 5 "" env PATH="/nowhere:$work:/bin" "$casemate" run $how cm_script
        expect 5 "" env PATH="/nowhere:" "$casemate" run $how cm_script # an empty place is this folder
    }
done
for refused in static privileged nothere not_executable; do
    "$casemate" run --preload ./$refused > said 2>&1
    if awk 'length > 80 {exit 1}' said; then ok; else fail "wider than 80: $(cat said)"; fi
done

finish
