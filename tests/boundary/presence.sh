#!/bin/bash
# What no emulator can show: that the instructions against stale data and speculation are in the
# enclave that was built, where they must be. usage: presence.sh <enclave image, with symbols>
set -euo pipefail
image=$1
bad=0

code() { # functions: those of the image, as "address: instruction" lines
    local f
    for f in "$@"; do
        objdump -d --no-show-raw-insn --disassemble="$f" "$image" | grep -E '^ +[0-9a-f]+:' || true
    done
}

report() { # test, what is wrong or nothing
    if [ -z "$2" ]; then
        echo "ok   $1"
    else
        echo "FAIL $1: $2"
        bad=1
    fi
}

# row F1: bytes_go_out_between_verw_and_fences
# Whether store_bytes was inlined or not, each byte that is stored through a pointer comes after a
# VERW, and MFENCE and LFENCE follow before the next one.
wrong=
for f in cm_copy_out cm_zero_out; do
    why=$(code "$f" store_bytes | awk '
        /\tverw/ {if (open) print "no MFENCE, LFENCE after a VERW"; open = 1; verws++}
        /\tmov +%([abcd]l|[sd]il|r[0-9]+b),/ && !/\(%r[bs]p/ {
            stores++
            if (!open) print "a byte is stored without a VERW before it"
        }
        /\tlfence/ && before ~ /\tmfence/ {open = 0}
        {before = $0}
        END {
            if (open) print "no MFENCE, LFENCE after the last VERW"
            if (verws == 0 || stores == 0) print "no VERW or no byte is stored at all"
        }' | sort -u)
    wrong+=${why:+$f: $why }
done
report F1_bytes_go_out_between_verw_and_fences "$wrong"

# the last of fence, call and branch before the first line that matches must be the fence
fenced_before() { # pattern; the code comes from stdin
    awk -v pattern="$1" '
        !seen && $0 ~ pattern {seen = 1; if (last !~ /lfence/) print "no LFENCE right before " $0}
        /\t(lfence|call|j[a-z]+|ret)/ {last = $0}
        END {if (!seen) print "nothing matches " pattern}'
}

# row B13: fence_before_the_arguments_are_copied
report B13_fence_before_the_arguments_are_copied \
    "$(code cm_call_function | fenced_before 'call .*<cm_copy_in>')"

# row B13: fence_before_the_table_of_ecalls_is_read
checker=cm_call_function
[ -z "$(code check_args)" ] || checker=check_args # inlined or not
report B13_fence_before_the_table_of_ecalls_is_read \
    "$(code "$checker" | fenced_before '<oe_ecalls_table>')"

# row B13: fence_before_the_data_of_the_start_are_read
report B13_fence_before_the_data_of_the_start_are_read \
    "$(code cm_start | fenced_before 'call .*<cm_copy_in>')$(code cm_cpuid_init |
        fenced_before 'call .*alloc')"
exit $bad
