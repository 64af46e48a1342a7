#!/bin/bash
# Every name that generated code or a header behind it knows, and every word of C and C++, in every
# role of EDL: the tool refuses it at its place, or what it generates compiles with gcc and clang, in
# C and in C++, against glibc and against musl.
# usage: edl_names.sh <oeedger8r> <edl_name_roles> <source root> <one name in so many>
set -euo pipefail
export LC_ALL=C
tool=$(realpath "$1")
roles=$(realpath "$2")
root=$(realpath "$3")
every=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
include="-I$root/include -I$root/tests/edl -I."
musl="-nostdinc -isystem /usr/include/x86_64-linux-musl -isystem $(gcc -print-file-name=include)"
quiet="-Wno-user-check -Wno-non-portable-type"
generate() {
    # shellcheck disable=SC2086
    "$tool" $quiet "$@" > generate.out.$$ 2>&1 || {
        tail -20 generate.out.$$
        echo "FAIL: the tool refuses $* although it took each name of it"
        exit 1
    }
}

# the names: words of the generated code and of everything that it includes, macros too
generate --search-path "$root/include" "$root/tests/edl/cases/deep.edl"
generate --search-path "$root/include" "$root/tests/edl/cases/basic.edl"
for side in u t; do
    for cc in "gcc -std=c99" "gcc -std=gnu17 -D_GNU_SOURCE" "clang -std=gnu17" \
        "g++ -x c++ -std=c++11" "clang++ -x c++ -std=gnu++17" "gcc $musl -D_GNU_SOURCE"; do
        # shellcheck disable=SC2086
        $cc $include -E -dD -P deep_$side.c
    done
done > all.i
{
    grep -oE '[A-Za-z_][A-Za-z0-9_]*' all.i
    grep -ohE '[A-Za-z_][A-Za-z0-9_]*' ./*_[tu].[ch] ./*_args.h
    # what the compilers know without a header
    strings -n 3 "$(gcc -print-prog-name=cc1)" | sed -n 's/^__builtin_\([a-z][a-z0-9_]*\)$/\1/p'
} | sort -u | { grep -vE "_args_t$|_fcn_id_|^[eo]call_" || true; } > all.txt # those are made of two names
# these are tried in every run, the others by turns
cat > always.txt << 'END'
main
printf
exit
log
index
NULL
EINTR
errno
stdin
linux
unix
class
this
and
register
typeof
thread_local
co_await
oe_result_t
oe_enclave_t
oe_create_enclave
oe_is_outside_enclave
oe_malloc
cm_copy_in
uint8_t
size_t
FILE
timespec
_args
_retval
_enclave
enclave
path
settings
input_buffer
s
n
i
to
from
base
total
in
out
a
b
size
value
name
END
awk -v n="$every" 'FNR == NR { always[$0] = 1; print; next } !($0 in always) && FNR % n == 0' \
    always.txt all.txt > names.txt
"$roles" . < names.txt
rm -f deep_* basic_*

export tool include musl quiet
check() { # compiler, file
    local cc=$1 file=$2
    # shellcheck disable=SC2086
    if ! $cc $include -Wall -Wextra -Werror -fsyntax-only "$file" 2> "$file.err"; then
        grep -m 20 -E 'error|warning' "$file.err" || head -20 "$file.err"
        echo "FAIL: $cc $file"
        exit 1
    fi
    echo "$cc $file" >> "$file.done"
}
try() { # an EDL file
    local name=${1%.edl} side
    generate "$1" > "$name.txt" || {
        cat "$name.txt"
        exit 1
    }
    for side in u t; do
        check "gcc -std=c99" "${name}_$side.c"
        check "gcc -std=gnu17 $musl" "${name}_$side.c"
        check "clang -std=gnu17" "${name}_$side.c"
        check "g++ -x c++ -std=c++11" "${name}_$side.c"
        check "clang++ -x c++ -std=gnu++17" "${name}_$side.c"
    done
    rm -f "${name}"_[tu].[ch] "${name}_args.h"
}
export -f check try generate
printf '%s\n' *_[0-9]*.edl | xargs -P "$(nproc)" -I '{}' bash -euc 'try {}'
compiled=$(cat ./*.done | wc -l)
[ "$compiled" -eq $(($(find . -name '*_[0-9]*.edl' | wc -l) * 10)) ]
echo "$(wc -l < names.txt) names; compiled $compiled times without a warning"
