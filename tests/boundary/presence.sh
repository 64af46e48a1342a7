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
checker=$(nm "$image" | awk '$3 ~ /^check_args([.]|$)/ {if (!n++) print $3}') # or inlined, or cloned
: "${checker:=cm_call_function}"
report B13_fence_before_the_table_of_ecalls_is_read \
    "$(code "$checker" | fenced_before '<oe_ecalls_table>')"

# row B13: fence_before_the_data_of_the_start_are_read
report B13_fence_before_the_data_of_the_start_are_read \
    "$(code cm_start | fenced_before 'call .*<cm_copy_in>')$(code cm_cpuid_init |
        fenced_before 'call .*alloc')"

first_of() { # functions; the first that was not inlined into the next
    local f
    for f in "$@"; do
        [ -z "$(code "$f")" ] || break
    done
    echo "$f"
}

# row B13: fence_before_the_names_of_ecalls_are_read
report B13_fence_before_the_names_of_ecalls_are_read \
    "$(code "$(first_of resolve_names cm_start)" | fenced_before 'call .*oe_allocator_malloc>')"

# row B13: fence_before_the_last_calls_memory_is_used
report B13_fence_before_the_last_calls_memory_is_used \
    "$(code "$(first_of end destroy cm_ecall_main)" | fenced_before 'call .*<cm_arena_begin>')"

# row B13: fence_before_a_block_of_the_hosts_is_used
report B13_fence_before_a_block_of_the_hosts_is_used \
    "$(code "$(first_of ask_host host_block)" | awk '
        /call .*<cm_outside>/ {open = 1; checks++}
        open && /\tlfence/ {open = 0}
        END {if (open || checks == 0) print "no LFENCE behind the check of the address"}')"

# row A1: direction_flag_is_cleared_first
report A1_direction_flag_is_cleared_first \
    "$(code _start | head -1 | awk '!/\tcld/ {print "the first instruction is" $0}')"

# row A3: fence_after_the_state_is_reset
wrong=
for f in _start cm_exception_enter; do # _start is cm_enclave_entry
    why=$(code "$f" | awk '
        /\tldmxcsr/ {open = 1; resets++}
        /\tlfence/ {open = 0}
        /\t(call|ret)/ {if (open) print "no LFENCE between a reset and " $0}
        END {if (resets == 0) print "no reset at all"}')
    wrong+=${why:+$f: $why }
done
report A3_fence_after_the_state_is_reset "$wrong"
exit $bad
