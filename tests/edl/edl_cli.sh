#!/bin/bash
# The command line of oeedger8r: options, exit codes, messages, and no half-written output.
# usage: edl_cli.sh <oeedger8r> <source root>
set -uo pipefail
tool=$(realpath "$1")
root=$(realpath "$2")
. "$root/tests/expect.sh"
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 2
# edl <code> <text that output must hold> <arguments...>
edl() {
    local code=$1 text=$2
    shift 2
    expect "$code" "$text" "$tool" "$@"
}
# files <name...>: the folder holds exactly these beside the inputs
files() {
    local have
    have=$(find . -type f ! -name '*.edl' -printf '%P\n' | sort | tr '\n' ' ')
    [ "$have" = "$*${*:+ }" ] || fail "files: $have, expected: $*"
    find . -type f ! -name '*.edl' -delete
}

printf 'enclave { trusted { public void f(); }; untrusted { void g(); }; };' > a.edl
printf 'enclave { trusted { void f(); }; };' > bad.edl
printf 'enclave {\n  untrusted { void g(long x, [user_check] int* p, int* q); };\n}' > warn.edl
mkdir inc
printf 'enclave { untrusted { void h(); }; }' > inc/i.edl
printf 'enclave {\n#ifdef YES\nimport "i.edl"\n#endif\n}' > cond.edl

edl 1 "usage: oeedger8r"
edl 1 "usage: oeedger8r" --help
edl 0 "oeedger8r " --version
edl 255 "missing edl filename" --trusted
edl 255 "unknown option --frobnicate" --frobnicate a.edl
edl 255 "unknown warning option -Wfoo" -Wfoo a.edl
edl 255 "macro name missing" -D a.edl
edl 1 "missing value after --search-path" a.edl --search-path
edl 1 "error: file not found within search paths: none.edl" none.edl
files

edl 0 "Generating edge routine, for the Open Enclave SDK.
Processing a.edl.
Success." a.edl
files a_args.h a_t.c a_t.h a_u.c a_u.h
edl 0 Success. --trusted a.edl
files a_args.h a_t.c a_t.h
edl 0 Success. --untrusted --header-only a.edl
files a_args.h a_u.h
edl 0 Success. --experimental --trusted-dir t/x --untrusted-dir u a.edl
files t/x/a_args.h t/x/a_t.c t/x/a_t.h u/a_args.h u/a_u.c u/a_u.h
edl 0 Success. --use-prefix a.edl
grep -q 'oe_result_t a_f(' a_u.h || fail "--use-prefix: no a_f in a_u.h"
grep -q 'OE_WEAK_ALIAS(a_a_f, a_f)' a_u.c || fail "--use-prefix: no alias"
files a_args.h a_t.c a_t.h a_u.c a_u.h

edl 1 "error: bad.edl:1:21 Function \`f': \`private' specifier is not supported" bad.edl
edl 1 "error: bad.edl:1:21" a.edl bad.edl
files
edl 0 "warning: warn.edl:2:22 Function \`g': \`long' has different sizes" warn.edl
files warn_args.h warn_t.c warn_t.h warn_u.c warn_u.h
edl 1 "error: warn.edl:2:22" -Werror warn.edl
edl 1 "[-Wnon-portable-type]" -Werror=non-portable-type warn.edl
edl 1 "error: warn.edl:2:31 Function \`g': nothing checks the pointer \`p' [-Wuser-check]" \
    -Wno-non-portable-type -Werror=user-check warn.edl
# a build made for Open Enclave, whose compiler has no such warning, says -Werror
edl 0 "warning: warn.edl:2:31 Function \`g': nothing checks the pointer \`p' [-Wuser-check]" \
    -Wno-non-portable-type -Werror warn.edl
files warn_args.h warn_t.c warn_t.h warn_u.c warn_u.h
edl 1 "[-Wuser-check]" -Wno-non-portable-type -Wuser-check -Werror warn.edl
edl 1 "[-Wptr-in-function]" -Wno-non-portable-type -Wno-user-check -Wall -Werror warn.edl
files
out=$("$tool" -Wno-non-portable-type -Wno-user-check warn.edl 2>&1 > /dev/null)
[ -z "$out" ] || fail "warnings although disabled: $out"
files warn_args.h warn_t.c warn_t.h warn_u.c warn_u.h

edl 0 Success. cond.edl
grep -q 'h(' cond_t.h && fail "an excluded import was read"
files cond_args.h cond_t.c cond_t.h cond_u.c cond_u.h
edl 1 "error: cond.edl:3:8 file not found within search paths: \`i.edl'" -DYES cond.edl
files
edl 0 "Processing inc/i.edl." -DYES --search-path none --search-path inc -MF cond.d --trusted cond.edl
grep -q 'oe_result_t h(' cond_t.h || fail "the import brought no function"
[ "$(cat cond.d)" = 'cond_args.h cond_t.h cond_t.c: \
  cond.edl \
  inc/i.edl' ] || fail "dependency file: $(cat cond.d)"
files cond.d cond_args.h cond_t.c cond_t.h

# a folder that cannot be written, and a name that cannot be replaced: nothing is left behind
mkdir -p full/a_u.c
edl 1 "error: cannot write full/a_u.c" --untrusted --untrusted-dir full a.edl
find full -name 'a_u.c.*' | grep -q . && fail "a temporary file is left"
files
# the last name of all, in the folder of both sides: nothing has a name before all can have theirs
mkdir a_u.h
edl 1 "error: cannot write a_u.h: it is a folder" a.edl
files
rmdir a_u.h
printf old > a_args.h
mkdir a_u.c
edl 1 "error: cannot write a_u.c: it is a folder" a.edl
[ "$(cat a_args.h)" = old ] || fail "a file was replaced before the failure"
files a_args.h
rmdir a_u.c
# folders that were made for it go away again, those of others stay
mkdir mine locked
chmod a-w locked
if [ ! -w locked ]; then
    edl 1 "error: cannot write locked/a_args.h" --trusted-dir new/deep --untrusted-dir locked a.edl
    [ -e new ] && fail "a folder made for nothing stays"
    edl 1 "error: cannot create the folder locked/in" --trusted-dir mine/new --untrusted-dir locked/in a.edl
fi
edl 1 "error: cannot write /proc/self/a_args.h" --trusted-dir mine/new --untrusted-dir /proc/self a.edl
printf x > file
edl 1 "error: cannot create the folder file/sub" --trusted-dir mine/new/x --untrusted-dir file/sub a.edl
[ -d mine ] && [ ! -e mine/new ] || fail "the folders are not as they were"
edl 1 "error: cannot create the folder file/sub" --trusted-dir file/sub a.edl
files file
printf 'enclave { };' > my-app.edl
edl 1 "the file name \`my-app' cannot be part of a C identifier" my-app.edl
mkdir other
cp a.edl other/a.edl
edl 1 "two EDL files have the name a" a.edl other/a.edl
files

# the SDK's own EDL files give no warnings
edl 0 Success. -Wall -Werror --search-path "$root/include" "$root/tests/edl/cases/system.edl"
files system_args.h system_t.c system_t.h system_u.c system_u.h

# the example of the manual is what the tool takes
sed -n '/^```edl$/,/^```$/p' "$root/docs/edl.md" | grep -v '^```' > manual.edl
[ -s manual.edl ] || fail "docs/edl.md has no example"
edl 0 Success. -Wall -Werror --search-path "$root/include" manual.edl
files manual_args.h manual_t.c manual_t.h manual_u.c manual_u.h

finish
