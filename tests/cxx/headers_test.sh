#!/bin/bash
# usage: headers_test.sh SOURCE INSIDE: every public header alone, on the side or sides it is for, in each
# promised language, by gcc and by clang, with warnings as errors. INSIDE: the prepared headers of the C and
# C++ libraries. Headers are found, not listed: a new one is tested from its first day.
set -uo pipefail
source=$1
export inside=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export include=$source/include

# one SIDE COMPILER STD HEADER: compiles a file that holds nothing but the header, twice
one() {
    local side=$1 compiler=$2 std=$3 header=$4 flags=(-I"$include") lang=c
    case $std in c++*) lang=c++ ;; esac
    if [ "$side" = enclave ]; then
        flags+=(-DOE_BUILD_ENCLAVE -D_GNU_SOURCE)
        [ $lang = c++ ] && set -- -isystem "$inside/libcxx" || set --
        set -- "$@" -isystem "$inside/libc"
        case $compiler in
        gcc) flags+=(-nostdinc "$@" -iwithprefix include) ;;
        clang) flags+=(-nostdlibinc "$@") ;;
        esac
    fi
    # two lines, so that a header without guard shows; and a declaration, which some headers have none of
    printf '#include <%s>\n#include <%s>\nextern int own;\n' "$header" "$header" |
        "$compiler" -x $lang "-std=$std" -fsyntax-only -Wall -Wextra -Wpedantic -Werror "${flags[@]}" - 2>&1 |
        sed "s|^|$side $compiler $std $header: |"
}
export -f one

jobs() {
    local header side
    cd "$include" || exit 1
    find openenclave casemate -name '*.h' | sort | while read -r header; do
        case $header in
        openenclave/edger8r/heap.h) continue ;; # a part of others, see below
        openenclave/enclave.h | openenclave/edger8r/enclave.h) side=enclave ;;
        openenclave/corelibc/* | openenclave/advanced/* | openenclave/bits/enclave_reports.h) side=enclave ;;
        openenclave/host.h | openenclave/host_verify.h | openenclave/edger8r/host.h) side=host ;;
        openenclave/bits/host_reports.h | casemate/*) side=host ;;
        *) side="host enclave" ;;
        esac
        for s in $side; do
            for compiler in gcc clang; do
                for std in c99 c11 c17 c++11 c++17 c++20; do
                    echo "$s $compiler $std $header"
                done
            done
        done
    done
}
jobs > "$work/jobs"
tr '\n' '\0' < "$work/jobs" | xargs -0 -P 4 -I{} bash -c 'one $1' _ {} > "$work/errors"
failed=0
if [ -s "$work/errors" ]; then
    head -n 60 "$work/errors"
    failed=1
fi

if echo '#include <openenclave/edger8r/heap.h>' | gcc -x c -fsyntax-only -I"$include" - 2> "$work/said" ||
    ! grep -q "error: .*include one of those" "$work/said"; then
    cat "$work/said"
    failed=1
fi

# the two sides exclude each other, and say so
for compiler in gcc clang; do
    for order in "host enclave" "enclave host"; do
        # shellcheck disable=SC2086
        printf '#include <openenclave/%s.h>\n' $order > "$work/both.c"
        if $compiler -fsyntax-only -I"$include" "$work/both.c" 2> "$work/said"; then
            echo "both headers compile together: $order"
            failed=1
        elif ! grep -q 'error: .*host\.h.*enclave\.h\|error: .*enclave\.h.*host\.h' "$work/said"; then
            cat "$work/said"
            failed=1
        fi
    done
done
echo "$(wc -l < "$work/jobs") headers compiled, each alone; $(wc -l < "$work/errors") lines of errors"
exit $failed
