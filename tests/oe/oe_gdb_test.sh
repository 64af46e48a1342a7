#!/bin/bash
# usage: oe_gdb_test.sh SOURCE_FOLDER BUILD_FOLDER: oegdb breaks and steps inside an enclave, shows its locals, and
# walks from an ocall through the enclave to the host; on each kind of thread, and in a process it attaches to.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oegdb=$1/deploy/debugger/oegdb
here=$1/tests/oe
program=$2/oegdb_host
image=$2/oegdb_enclave.signed
cd "$work" || exit 1
if ! gdb -nx -batch -ex "break main" -ex run -ex bt --args "$program" "$image" 2>&1 | grep -q '^#0 *main'; then
    echo "SKIP oe.gdb_test: gdb may not trace here"
    exit 77
fi

# line FILE MARK
line() { grep -n "MARK $2" "$here/$1" | cut -d: -f1; }
# debug NAME COMMAND...: what gdb says to these goes to the file NAME
debug() {
    local name=$1 command
    shift
    { echo "set pagination off"; echo "set width 0"; printf '%s\n' "$@"; } > "$name.gdb"
    timeout 300 "$oegdb" -nx -batch -x "$name.gdb" --args "$program" "$image" > "$name" 2>&1 || fail "$name: gdb ended with $?"
}
# frames FILE FUNCTION...: these functions, in this order, in its one backtrace; FUNCTION@FILE:LINE as well
frames() {
    local file=$1 at=0 want function place found
    shift
    for want in "$@"; do
        function=${want%%@*}
        place=${want#"$function"}
        found=$(grep -nE "^#[0-9]+ +(0x[0-9a-f]+ in )?$function \(" "$file" | awk -F: -v at="$at" '$1 > at {print $1; exit}')
        if [ -z "$found" ]; then
            fail "$file: no frame of $function behind line $at"
            cat "$file"
            return
        fi
        if [ -n "$place" ] && ! sed -n "${found}p" "$file" | grep -q "${place#@}\$"; then
            fail "$file: $want: $(sed -n "${found}p" "$file")"
            return
        fi
        at=$found
    done
    ok
}
shows() { if grep -qF -- "$2" "$1"; then ok; else fail "$1: not shown: $2"; cat "$1"; fi; }
hides() { if grep -qF -- "$2" "$1"; then fail "$1: shown: $2"; else ok; fi; }
to_host="ecall_gdb_sum cm_ecall_main cm_enclave_entry"

# a breakpoint that is set before there is an enclave; another line; locals; the way to the host's main
debug inside "break ask_twice_of" run bt "advance oegdb_enclave.c:$(line oegdb_enclave.c ocall)" "print number" "print doubled" "print answer" \
    "up" "print total" "print second" "delete" continue
frames inside ask_twice_of gdb_sum@oegdb_enclave.c:"$(line oegdb_enclave.c outer)" \
    $to_host cm_enter run_call oegdb_gdb_sum main@oegdb_host.c:"$(line oegdb_host.c main)"
shows inside '$1 = 3'
shows inside '$2 = 6'
shows inside '$3 = 0'
shows inside '$4 = 0'
shows inside '$5 = 4'
shows inside "30 1202"
hides inside "Backtrace stopped"
hides inside "Python Exception"

# a step over an ocall, and one out of a function, stay inside
debug over "break oegdb_enclave.c:$(line oegdb_enclave.c ocall)" run delete next "info source" "print answer" finish continue
shows over 'oegdb_enclave.c'
shows over '$1 = 7'
shows over 'Value returned is $2 = 13'
shows over "30 1202"

# from an ocall into the enclave and out of it, with the variables of each
debug ocall "break oegdb_host.c:gdb_ask" run bt "frame function ask_twice_of" "print doubled" "frame function gdb_sum" \
    "print first" "frame function main" "print on_main" "print argc" delete continue
frames ocall gdb_ask ocall_gdb_ask cm_ocall_bridge cm_ocall_switch oe_call_host_function gdb_ask \
    ask_twice_of@oegdb_enclave.c:"$(line oegdb_enclave.c ocall)" gdb_sum@oegdb_enclave.c:"$(line oegdb_enclave.c outer)" \
    $to_host run_call oegdb_gdb_sum main@oegdb_host.c:"$(line oegdb_host.c main)"
shows ocall '$1 = 6'
shows ocall '$2 = 3'
shows ocall '$3 = 0'
shows ocall '$4 = 2'
hides ocall "Backtrace stopped"
hides ocall "signal handler called" # what stands between the stacks is hidden
shows ocall "30 1202"

# on a thread whose stack lies below the enclave, where gdb would take the turn for a corrupt stack
for place in ask_twice_of oegdb_host.c:gdb_ask; do
    debug "thread-$place" "break on_thread" run delete "break $place" continue bt delete continue
    frames "thread-$place" ask_twice_of gdb_sum $to_host run_call oegdb_gdb_sum \
        on_thread@oegdb_host.c:"$(line oegdb_host.c thread)"
    hides "thread-$place" "Backtrace stopped"
    shows "thread-$place" "30 1202"
done

# a fault inside stops there
OEGDB_FAULT=1 debug fault run bt "print dividend" continue
shows fault "SIGFPE"
frames fault gdb_divide@oegdb_enclave.c:"$(line oegdb_enclave.c fault)" ecall_gdb_divide cm_ecall_main cm_enclave_entry \
    run_call main@oegdb_host.c:"$(line oegdb_host.c faulty)"
shows fault '$1 = 5'
shows fault "it is aborted"

# a program that runs already
OEGDB_WAIT=1 "$program" "$image" > waiting 2> errors &
pid=$!
for ((i = 0; i < 2400; i++)); do grep -q waits waiting && break; sleep 0.05; done
timeout 300 "$oegdb" -nx -batch -ex "set width 0" -ex bt -p $pid > attached 2>&1
kill $pid
wait $pid 2> /dev/null
frames attached gdb_ask cm_ocall_bridge ask_twice_of@oegdb_enclave.c:"$(line oegdb_enclave.c ocall)" gdb_sum main
hides attached "Backtrace stopped"

expect 0 "Usage: oegdb" "$oegdb" --help
finish
