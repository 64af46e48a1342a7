#!/bin/bash
# usage: oe_coverage_test.sh SOURCE_FOLDER TABLE: every function that the headers of include/openenclave declare, for
# the host or for enclaves, is called by a test; and so is every feature of EDL used by one. Writes the table of
# functions and the files that call them. Headers are found, not listed: a new function fails until it has a test.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
cd "$1" || exit 1
table=$2

# --- the functions, as the compiler has understood them: "name header"
declared() {
    local side=$1 header
    (cd include && find openenclave -name '*.h' | sort) | while read -r header; do
        case $header in
        openenclave/edger8r/heap.h) continue ;; # a part of others
        openenclave/enclave.h | openenclave/edger8r/enclave.h | openenclave/corelibc/* | openenclave/advanced/* | \
            openenclave/bits/enclave_reports.h | openenclave/bits/keys.h) [ "$side" = enclave ] || continue ;;
        openenclave/host.h | openenclave/host_verify.h | openenclave/edger8r/host.h | openenclave/trace.h | \
            openenclave/bits/host_reports.h) [ "$side" = host ] || continue ;;
        esac
        echo "#include <$header>"
    done > "$work/$side.c"
    gcc -Iinclude -fsyntax-only -aux-info "$work/$side.x" "$work/$side.c" || return 1
    # what generated code alone uses is tested as generated code: oe_edger8r_*
    sed -nE 's#^/\* include/(openenclave/[^:]*):.* \*/ (extern|static) .*[ *]([A-Za-z_0-9]+) \(.*#\3 \1#p' "$work/$side.x" |
        grep -v '^_*oe_edger8r_'
}
{ declared host && declared enclave; } > "$work/both" || fail "the headers of one side do not compile together"
sort -u -k1,1 "$work/both" > "$work/functions"

# --- the tests without their comments, one file a line of output when asked
mkdir "$work/tests"
git ls-files 'tests/**/*.c' 'tests/**/*.cpp' 'tests/**/*.h' | grep -vE '/golden/|oe_values\.c' | while read -r f; do
    gcc -fpreprocessed -dD -E -P -x c "$f" 2> /dev/null > "$work/tests/${f//\//@}"
done
callers() { (cd "$work/tests" && grep -lw -- "$1" ./*) | sed 's#^\./##; s#@#/#g'; }

# a macro of the API that stands for a function: who uses the macro calls the function
behind() {
    find include/openenclave -name '*.h' -exec sed -z 's/\\\n/ /g' {} + |
        sed -nE "s/^#define ([a-z_]+)(\([^)]*\))? +.*\b$1\b.*/\1/p" | sort -u
}

count=0
while read -r name header; do
    found=$(callers "$name")
    for macro in $(behind "$name"); do found+=$'\n'$(callers "$macro"); done
    found=$(grep -v '^$' <<< "$found" | sort -u | tr '\n' ' ')
    printf '%-52s %-44s %s\n' "$name" "$header" "$found"
    count=$((count + 1))
    if [ -n "$found" ]; then ok; else fail "no test calls $name ($header)" >&2; fi
done < "$work/functions" > "$table"
# the loop ran in this shell: its counts are ours
[ "$count" -ge 150 ] || fail "only $count functions were found"

# --- EDL: each feature in a file that a test builds and runs
feature() {
    if git ls-files 'tests/**/*.edl' 'samples/**/*.edl' | grep -vE '/golden/|/cases/' | xargs grep -qE -- "$2"; then ok; else fail "no test uses $1 of EDL"; fi
}
feature "[in]" '\[in[],]'
feature "[out]" '\[out[],]'
feature "[in, out]" '\[in, *out'
feature count '\bcount *='
feature "count by a parameter" '\bcount *= *[a-z]'
feature "size" '\bsize *= *[0-9a-z]'
feature string '\bstring\b'
feature wstring '\bwstring\b'
feature user_check '\buser_check\b'
feature isptr '\bisptr\b'
feature isary '\bisary\b'
feature enum '^ *enum '
feature struct '^ *struct '
feature union '^ *union '
feature "an array with dimensions" '\[[0-9]+\] *\[[0-9]+\]'
feature include '^ *include "'
feature "from import *" 'from .* import \*'
feature "from import names" 'from .* import [a-z]'
feature "import of a whole file" '^ *import "'
feature allow '\ballow *\('
feature propagate_errno '\bpropagate_errno\b'
feature transition_using_threads '\btransition_using_threads\b'
feature "#ifdef" '^ *#ifn?def'
feature "a deep copy" 'struct [a-z_]+ *\*|_t *\*'
feature "long double" 'long double'
feature "foreign types" 'user_check\] *[a-z_]+ *\*'
finish " ($count functions)"
