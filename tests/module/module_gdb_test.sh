#!/bin/bash
# usage: module_gdb_test.sh SOURCE_FOLDER BUILD_FOLDER: oegdb breaks in the shared library of an enclave, shows its
# variables, and walks from there through the image to the host.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oegdb=$1/deploy/debugger/oegdb
program=$2/module_test
cd "$work" || exit 1
if ! gdb -nx -batch -ex "break main" -ex run --args "$program" 2>&1 | grep -q 'Breakpoint 1, main'; then
    echo "SKIP module.gdb_test: gdb may not trace here"
    exit 77
fi
printf '%s\n' "set pagination off" "set width 0" "break mod_square" run bt "print a" "print mod_greeting" "info symbol mod_square" \
    delete "break img_double" continue bt "delete" kill > commands
CASEMATE_STATE_DIR=$work/state timeout 300 "$oegdb" -nx -batch -x commands --args "$program" > said 2>&1
shows() { if grep -qE -- "$1" said; then ok; else fail "not shown: $1"; fi; }
shows "^with .*/libmodt.so at 0x"
shows '^#0 +mod_square \(a=(a@entry=)?8\) at '
shows '= 8$'
shows '"from the library"'
shows '^mod_square in section .text of .*(casemate-gdb-|libmodt)'
# the way from the library to the host, and from the image back through the library
for way in "mod_square modt_calls ecall_modt_calls cm_ecall_main cm_enclave_entry cm_enter main" \
    "img_double mod_through_image modt_calls ecall_modt_calls cm_enclave_entry main"; do
    at=0
    for function in $way; do
        found=$(grep -nE "^#[0-9]+ +(0x[0-9a-f]+ in )?$function \(" said | awk -F: -v at="$at" '$1 > at {print $1; exit}')
        [ -n "$found" ] || { fail "no frame of $function behind line $at"; break; }
        at=$found
        ok
    done
done
[ "$failed" -eq 0 ] || cat said
finish
