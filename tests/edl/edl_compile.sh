#!/bin/bash
# Generated code compiles without a warning: gcc and clang, C99 to C17 and C++11 to C++17, both
# sides. usage: edl_compile.sh <oeedger8r> <source root>
set -euo pipefail
tool=$(realpath "$1")
root=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
both="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla -Wcast-qual
    -Wcast-align -Wpointer-arith -Wwrite-strings -Wswitch-enum -Wformat=2 -Wimplicit-fallthrough
    -Wnull-dereference -Werror -O2 -I$root/include -I$root/tests/edl -I$work"
c_only="-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition"
quiet="-Wno-user-check -Wno-non-portable-type -Wno-signed-size-or-count"
count=0

compile() { # compiler, standard, file, further options
    local cc=$1 std=$2 file=$3
    shift 3
    # shellcheck disable=SC2086
    "$cc" -std="$std" $both "$@" -c "$file" -o "$work/out.o"
    count=$((count + 1))
}

generate() { # file, options
    local edl=$1
    shift
    # shellcheck disable=SC2086
    "$tool" $quiet "$@" --search-path "$root/include" --trusted-dir "$work" --untrusted-dir "$work" \
        "$edl" > /dev/null
}

# both ends of the range of each language; one compiler has the old end and one the new
compile_all() {
    # shellcheck disable=SC2086
    compile gcc c99 "$1" $c_only -Wjump-misses-init
    # shellcheck disable=SC2086
    compile clang c17 "$1" $c_only
    compile g++ c++17 "$1" -x c++
    compile clang++ c++11 "$1" -x c++
}

for edl in "$root"/tests/edl/pair.edl "$root"/tests/edl/cases/*.edl; do
    name=$(basename "$edl" .edl)
    generate "$edl"
    compile_all "$work/${name}_u.c"
    compile_all "$work/${name}_t.c"
    # row B13: fences_in_generated_code
    # a fence in each ecall stub, two in each ocall wrapper; in the object file too
    stubs=$(grep -c '^static void ecall_' "$work/${name}_t.c" || true)
    wrappers=$(grep -c 'call_host_function(' "$work/${name}_t.c" || true)
    fences=$(objdump -d "$work/out.o" | grep -c lfence || true)
    if [ "$fences" -lt $((stubs + 2 * wrappers)) ]; then
        echo "FAIL B13_fences_in_generated_code: $name: $fences fences for $stubs ecalls and $wrappers ocalls"
        exit 1
    fi
    # and between the checks of an ecall's data and the first access to them
    if ! awk '/oe_lfence\(\);/ {f = NR} /oe_edger8r_direct_begin\(/ {if (f == 0 || NR - f > 2) exit 1}
        /cm_copy_in|_bring\(|_blank\(/ {if (f == 0) exit 1} /^static void ecall_/ {f = 0}' \
        "$work/${name}_t.c"; then
        echo "FAIL B13_fences_in_generated_code: $name: data of an ecall are touched before the fence"
        exit 1
    fi
    # B2: never "not within" where "outside" is meant; B5: no access past the three functions
    if grep -nE '!oe_is_within|[^_a-z](memcpy|memset|strlen|strcpy|wcslen) *\(' "$work/${name}_t.c"; then
        echo "$name: a forbidden call in the trusted half"
        exit 1
    fi
done
echo "ok   B13_fences_in_generated_code"
generate "$root/tests/edl/cases/basic.edl" --use-prefix
compile_all "$work/basic_u.c"
echo "compiled $count times without a warning"
