#!/bin/bash
# What holds for each of our tools: a lost output is an error, what is no file is refused at once,
# messages fit 80 columns and hold no byte that a terminal obeys, a killed tool leaves no litter.
# usage: tools_test.sh OEEDGER8R OESIGN CASEMATE IMAGE_DIR
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oeedger8r=$1
oesign=$2
casemate=$3
cp "$4"/mini_{rela,cpuid,syscall} "$work" || exit 1
cd "$work" || exit 1
printf 'enclave { trusted { public void f(); }; };' > a.edl
openssl genrsa -3 -out key.pem 3072 2> /dev/null
"$oesign" sign -e mini_rela -k key.pem > /dev/null 2>&1

# --- standard output that takes nothing
lost="standard output is incomplete"
for c in "oeedger8r --help" "oeedger8r" "oeedger8r a.edl" "oeedger8r --version" "oesign --version" "oesign --help" "oesign sign --help" \
    "oesign dump -e mini_rela.signed" "oesign predict -e mini_rela" "oesign sign -e mini_rela -k key.pem" \
    "casemate --help" "casemate --version" "casemate new --help" "casemate doctor" "casemate run --help" \
    "casemate doctor --json" "casemate inspect mini_rela" "casemate verify --help" "casemate quote --help"; do
    read -ra words <<< "$c"
    out=$("${!words[0]}" "${words[@]:1}" 2>&1 > /dev/full)
    rc=$?
    [ $rc -ne 0 ] && [[ "$out" == *"$lost"* ]] && ok || fail "$c > /dev/full: status $rc, '$out'"
done

# --- inputs that are no files: no tool waits for somebody to write into a pipe
mkfifo pipe
for input in pipe /dev/zero . /dev/null; do
    for c in "$oeedger8r $input" "$oesign sign -e $input -k key.pem" "$oesign sign -e mini_rela -k $input" \
        "$oesign dump -e $input" "$oesign predict -e mini_rela -c $input" "$casemate inspect $input" \
        "$casemate quote show $input" "$casemate verify $input"; do
        read -ra words <<< "$c"
        out=$(timeout 200 "${words[@]}" 2>&1)
        rc=$?
        if [ $rc -eq 0 ] || [ $rc -ge 124 ] || ! grep -q "regular file" <<< "$out"; then
            fail "$c: status $rc, '$out'"
        else
            ok
        fi
    done
done
printf 'enclave { import "pipe" };' > imports.edl
expect 1 "imports.edl:1:18 no regular file that can be read: \`pipe'" timeout 200 "$oeedger8r" imports.edl

# --- messages: each line of everything that goes to standard error, on inputs that are wrong
head -c 5000 mini_rela > cut
printf '\x7fELF\xff\xff\xff' > short
printf 'Debug=\x1b[2J\xe2\x80\xae\n' > escapes.conf
printf '\x1b]0;title\x07=1\n' > escapes2.conf
printf 'StartAddress=0x10000\n' > address.conf
printf 'Nu\nmTCS=1' > broken.conf
printf 'enclave { import "\x1b[2J\xc3\xa9.edl" };' > e1.edl
printf 'enclave { struct \xe2\x80\xae\x1b[31m a { int b; }; };' > e2.edl
printf 'enclave { untrusted {\nchar *g(long x, [user_check] int *p, int *q, FILE *f, wchar_t w); }; };' > e3.edl
printf 'enclave { untrusted {\nvoid g([in, string, count=1] char *a_name_that_is_a_bit_long); }; };' > e4.edl
printf 'enclave { struct S { int *p; }; trusted {\npublic void main(int *p) allow(g); }; };' > e5.edl
long=$(printf 'x%.0s' $(seq 40))
check() { # COMMAND...: fails, says something, in lines that fit
    local out wide
    out=$("$@" 2>&1 > /dev/null)
    wide=$(awk 'length > 80' <<< "$out" | head -1)
    [ -n "$out" ] || fail "no message: $*"
    [ -z "$wide" ] && ok || fail "wider than 80: '$wide' of $*"
    if LC_ALL=C grep -qa $'[\x01-\x08\x0b-\x1f\x7f-\xff]' <<< "$out"; then fail "raw bytes: $*"; else ok; fi
}
for i in cut short mini_syscall mini_cpuid nothere "$long"; do
    check "$oesign" sign -e "$i" -k key.pem -o out.signed --strict
    check "$oesign" digest -e "$i" -d out.digest --strict
done
for i in cut short nothere "$long"; do
    check "$oesign" dump -e "$i"
    check "$casemate" inspect "$i"
    check "$casemate" verify "$i"
    check "$casemate" quote show "$i"
done
for c in escapes.conf escapes2.conf address.conf broken.conf nothere cut; do
    check "$oesign" predict -e mini_rela -c $c
done
for k in a.edl cut nothere; do
    check "$oesign" sign -e mini_rela -k $k -o out.signed
    check "$oesign" sign -e mini_rela -x $k -d $k -o out.signed
done
check "$oesign" sign -e mini_rela -n no-such-engine-anywhere -i a-key-that-is-not-there -o out.signed
check "$oesign" sign -e mini_rela -n no-such-engine-anywhere -i k -p /no/such/shared-object.so -o out.signed
for o in "" sign "sign -e mini_rela" "sign -e mini_rela -k a -x b" "sign -e mini_rela -x a" "sign -e mini_rela -n a" \
    "digest -e mini_rela" "sign --frobnicate" "frobnicate" "sign -e" "sign -e a -e b" "dump -e a b"; do
    # shellcheck disable=SC2086
    check "$oesign" $o
done
for o in "" frobnicate "new" "new --x" "new A" "new 1a" "new $long" "new int" "doctor --x" "doctor --require x" "inspect" \
    "inspect --x" "inspect a b" "run" "run --x" "run --json x" "run --hardware --preload x" "run $long" "verify" \
    "verify --x" "verify --time yesterday cut" "verify --accept anything cut" "verify --report-data zz cut" "quote" "quote x"; do
    # shellcheck disable=SC2086
    check "$casemate" $o
done
check "$casemate" inspect $'a\x1b[2J\xe2\x80\xae'
check "$oesign" dump -e $'a\x1b[2J\xe2\x80\xae'
check "$oeedger8r" $'a\x1b[2J\xe2\x80\xae'
for e in e1 e2 e3 e4 e5 nothere; do
    check "$oeedger8r" -Wall --trusted-dir out --untrusted-dir out $e.edl
    check "$oeedger8r" -Wall -Werror --trusted-dir out --untrusted-dir out $e.edl
done
check "$oeedger8r" $long.edl
for o in --frobnicate -Wfoo -D --search-path; do check "$oeedger8r" a.edl $o; done
check "$oeedger8r" --trusted-dir key.pem/sub a.edl
[ -z "$(find . -name 'out.*' -newer key.pem)" ] && ok || fail "an output of a failure: $(ls out.*)"

for c in "$oeedger8r" "$oesign" "$casemate" "$casemate new" "$casemate doctor" "$casemate inspect" "$casemate run" \
    "$casemate verify" "$casemate quote"; do
    # shellcheck disable=SC2086
    [ "$($c --help | awk 'length > 80' | wc -l)" -eq 0 ] && ok || fail "$c --help is wider than 80"
done

# --- tools that are killed: the outputs are whole or absent, and nothing else is there
mkdir litter
truncate -s 48M big # neither tool reads so far: it is the copying that takes time
cat mini_rela big > big.elf
for round in 1 2 3 4 5 6; do
    "$oesign" sign -e big.elf -k key.pem -o litter/big.signed > /dev/null 2>&1 &
    pid=$!
    sleep 0.0$((round * 13))
    kill -9 $pid 2> /dev/null
    wait $pid 2> /dev/null
    left=$(find litter -type f ! -name big.signed)
    [ -z "$left" ] && ok || fail "left behind: $left"
    rm -f litter/*
done

finish
