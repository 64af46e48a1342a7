#!/bin/bash
# usage: oesign_test.sh OESIGN IMAGE_DIR MEASURE_LOG: the tool from outside: files, messages, exit status.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oesign=$1
images=$2
measure_log=$3
cd "$work" || exit 1
skipped=0

same() { if cmp -s "$1" "$2"; then ok; else fail "$1 and $2 differ"; fi; }
differ() { if cmp -s "$1" "$2"; then fail "$1 and $2 are equal"; else ok; fi; }
absent() { if [ -e "$1" ]; then fail "$1 was written"; else ok; fi; }
field() { "$oesign" dump -e "$1" 2> /dev/null | sed -n "s/^$2=//p"; }

openssl genrsa -3 -traditional -out pkcs1.pem 3072 2> /dev/null
openssl pkcs8 -topk8 -nocrypt -in pkcs1.pem -out pkcs8.pem
openssl req -x509 -key pkcs1.pem -subj /CN=signer -out cert.pem -days 2 2> /dev/null
openssl genrsa -3 -out other.pem 3072 2> /dev/null
openssl genrsa -out f4.pem 3072 2> /dev/null
openssl genrsa -3 -out small.pem 2048 2> /dev/null
openssl rsa -aes128 -passout pass:x -in pkcs1.pem -out locked.pem 2> /dev/null
grep -q 'BEGIN RSA PRIVATE' pkcs1.pem && grep -q 'BEGIN PRIVATE' pkcs8.pem && ok || fail "key forms"
for i in mini_rela mini_relr mini_clang mini_sgx2 mini_stripped mini_cpuid mini_rdtsc mini_syscall \
    mini_int mini_out mini_es mini_enclu mini_nosep; do
    cp "$images/$i" . || exit 1
done

# --- an output that is an input would lose it
cp pkcs1.pem before.pem
expect 1 "is an input too" "$oesign" sign -e mini_rela -k pkcs1.pem -o pkcs1.pem
ln -s pkcs1.pem key.link
expect 1 "is an input too" "$oesign" sign -e mini_rela -k pkcs1.pem -o key.link
same pkcs1.pem before.pem
cp mini_rela mini.before
expect 2 "would replace an input" "$oesign" digest -e mini_rela -d mini_rela
same mini_rela mini.before
expect 1 "No space left" "$oesign" sign -e mini_rela -k pkcs1.pem -o /dev/full
[ -c /dev/full ] && ok || fail "/dev/full is no device any more"

# --- signing with key files; the output's name; both PEM forms give the same file, and twice the same
for i in mini_rela mini_relr mini_clang mini_sgx2; do
    expect 0 "Created $i.signed" "$oesign" sign -e $i -k pkcs1.pem
    expect 0 "Created $i.8" "$oesign" sign --enclave-image $i --key-file pkcs8.pem --output-file $i.8
    same $i.signed $i.8
    expect 0 "mrsigner=" "$oesign" dump -e $i.signed
    # predict needs no key, and signing changes no measurement
    [ "$("$oesign" predict -e $i)" = "mrenclave=$(field $i.signed mrenclave)" ] && ok || fail "predict $i"
    [ "$("$oesign" predict -e $i.signed)" = "mrenclave=$(field $i.signed mrenclave)" ] && ok || fail "predict signed $i"
done
# the mode is what the user's umask leaves of 0666, for each file that is written
for mask in 022 027 077; do
    (umask $mask && "$oesign" sign -e mini_rela -k pkcs1.pem -o mode.signed > /dev/null 2>&1)
    (umask $mask && "$oesign" digest -e mini_rela -d mode.digest > /dev/null 2>&1)
    want=$(printf '%o' $((0666 & ~mask)))
    [ "$(stat -c %a mode.signed mode.digest | sort -u)" = "$want" ] && ok || fail "mode under umask $mask"
done
# signing again, a signed file
expect 0 "Created again" "$oesign" sign -e mini_rela.signed -k pkcs1.pem -o again
same again mini_rela.signed
# stripping changes neither the measurement nor the signature: only unloaded parts of the file go
strip -s -o stripped mini_rela.signed
[ "$(stat -c %s stripped)" -lt "$(stat -c %s mini_rela.signed)" ] && ok || fail "strip"
expect 0 "mrenclave=$(field mini_rela.signed mrenclave)" "$oesign" dump -e stripped
[ "$("$oesign" predict -e mini_stripped)" = "$("$oesign" predict -e mini_rela)" ] && ok || fail "gcc -s changes the measurement"
# MRSIGNER is the SHA-256 of the modulus, least significant byte first
modulus=$(openssl rsa -in pkcs1.pem -noout -modulus 2> /dev/null | sed 's/.*=//')
signer=$(printf "$(fold -w2 <<< "$modulus" | tac | sed 's/^/\\x/' | tr -d '\n')" | sha256sum | cut -c1-64)
[ "$signer" = "$(field mini_rela.signed mrsigner)" ] && ok || fail "mrsigner"

# --- dump
expect 0 "name=mini_start" "$oesign" dump -e mini_rela.signed
expect 0 "product_id=7" "$oesign" dump -e mini_rela.signed
expect 0 "security_version=3" "$oesign" dump -e mini_rela.signed
expect 0 "num_heap_pages=1024" "$oesign" dump -e mini_rela.signed
expect 0 "debug=1" "$oesign" dump -e mini_rela.signed
expect 0 "=== Not signed" "$oesign" dump -e mini_rela
expect 0 "family_id=100f0e0d0c0b0a090807060504030201" "$oesign" dump -e mini_sgx2
expect 0 "extended_product_id=0102030405060708090a0b0c0d0e0f10" "$oesign" dump -e mini_sgx2
expect 0 "capture_pf_gp_exceptions=1" "$oesign" dump -e mini_sgx2
expect 0 "start_address=0000000000020000" "$oesign" dump -e mini_sgx2

# --- configuration
printf 'Debug=0\nNumHeapPages=9\nNumStackPages=3\nNumTCS=2\nProductID=21\nSecurityVersion=22\n' > a.conf
expect 0 "Created a" "$oesign" sign -e mini_rela -c a.conf -k pkcs1.pem -o a
for want in debug=0 num_heap_pages=9 num_stack_pages=3 num_tcs=2 product_id=21 security_version=22; do
    expect 0 $want "$oesign" dump -e a
done
[ "$("$oesign" predict -e mini_rela -c a.conf)" = "mrenclave=$(field a mrenclave)" ] && ok || fail "predict -c"
[ "$("$oesign" predict -e mini_rela)" != "mrenclave=$(field a mrenclave)" ] && ok || fail "config is not measured"
for key in Debug NumHeapPages NumStackPages NumTCS ProductID SecurityVersion; do # each value is measured
    grep -v "^$key=" a.conf > b.conf
    [ "$("$oesign" predict -e mini_rela -c b.conf)" != "mrenclave=$(field a mrenclave)" ] && ok || fail "$key is not measured"
done
printf 'Debug=1\nNumTCS=1\nNumTCS=2\n' > bad.conf
expect 1 "bad.conf: line 3: duplicate setting 'NumTCS'" "$oesign" sign -e mini_rela -c bad.conf -k pkcs1.pem -o no
printf 'Debug=1\n\nNumThreads=1\n' > bad.conf
expect 1 "bad.conf: line 3: unknown setting 'NumThreads'" "$oesign" sign -e mini_rela -c bad.conf -k pkcs1.pem -o no
printf 'NumTCS=1025\n' > bad.conf
expect 1 "NumTCS is 1025" "$oesign" sign -e mini_rela -c bad.conf -k pkcs1.pem -o no
printf 'NumTCS=0\n' > bad.conf
expect 1 "NumTCS is 0" "$oesign" predict -e mini_rela -c bad.conf
absent no
# the date: constant, from SOURCE_DATE_EPOCH, from the file
expect 0 "signing_date=20260101" "$oesign" dump -e mini_rela.signed
SOURCE_DATE_EPOCH=951782400 "$oesign" sign -e mini_rela -k pkcs1.pem -o dated > /dev/null
expect 0 "signing_date=20000229" "$oesign" dump -e dated
echo SigningDate=20270304 > d.conf
SOURCE_DATE_EPOCH=951782400 "$oesign" sign -e mini_rela -c d.conf -k pkcs1.pem -o dated > /dev/null
expect 0 "signing_date=20270304" "$oesign" dump -e dated
SOURCE_DATE_EPOCH=soon expect 1 "SOURCE_DATE_EPOCH" "$oesign" sign -e mini_rela -k pkcs1.pem -o no

# --- external signer: digest, sign elsewhere, take the signature in
expect 0 "Created digest.bin" "$oesign" digest -e mini_rela -c a.conf -d digest.bin
[ "$(stat -c %s digest.bin)" = 32 ] && ok || fail "size of the digest"
openssl pkeyutl -sign -pkeyopt digest:sha256 -inkey pkcs1.pem -in digest.bin -out sig.bin
expect 0 "Created ext" "$oesign" sign -e mini_rela -c a.conf -x cert.pem -d sig.bin -o ext
same ext a
expect 1 "digest" "$oesign" sign -e mini_rela -x cert.pem -d sig.bin -o no # other configuration
openssl pkeyutl -sign -pkeyopt digest:sha256 -inkey other.pem -in digest.bin -out other.sig
expect 1 "other.sig" "$oesign" sign -e mini_rela -c a.conf -x cert.pem -d other.sig -o no
head -c 383 sig.bin > short.sig
expect 1 "383 bytes" "$oesign" sign -e mini_rela -c a.conf -x cert.pem -d short.sig -o no
expect 1 "no X.509 certificate" "$oesign" sign -e mini_rela -c a.conf -x pkcs1.pem -d sig.bin -o no
absent no

# --- keys that cannot sign enclaves
expect 1 "exponent is not 3" "$oesign" sign -e mini_rela -k f4.pem -o no
expect 1 "2048 bits" "$oesign" sign -e mini_rela -k small.pem -o no
expect 1 "no unencrypted private key" "$oesign" sign -e mini_rela -k locked.pem -o no < /dev/null
expect 1 "no unencrypted private key" "$oesign" sign -e mini_rela -k cert.pem -o no
expect 1 "nowhere.pem" "$oesign" sign -e mini_rela -k nowhere.pem -o no
absent no

# --- damaged images: patched after signing, cut, not an image
size=$(stat -c %s mini_rela.signed)
patch_at() { # FILE OFFSET: flip one bit
    local byte
    byte=$(od -An -tx1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "\\x$(printf %02x $((0x$byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
cp mini_rela.signed patched
patch_at patched $((0x1012)) # code
expect 1 "changed after it was signed" "$oesign" dump -e patched
cp mini_rela.signed patched
info=$((16#$(readelf -SW mini_rela | sed -n 's/.*\.oeinfo *PROGBITS *[0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
patch_at patched $((info + 32)) # product id
expect 1 "changed after it was signed" "$oesign" dump -e patched
for at in 144 $((144 + 200)) $((144 + 600)) $((144 + 961)) $((144 + 1100)) $((144 + 1500)); do
    cp mini_rela.signed patched # header, modulus, signature, MRENCLAVE, q1, q2
    patch_at patched $((info + at))
    expect 1 "error: patched" "$oesign" dump -e patched
done
for cut in 0 1 63 64 700 4096 8191 $((size - 64)) $((size - 1)); do
    head -c "$cut" mini_rela.signed > cut
    expect 1 "error: cut" "$oesign" predict -e cut
done
expect 1 "not an ELF file" "$oesign" sign -e a.conf -k pkcs1.pem -o no
expect 1 "page 0 is executable" "$oesign" sign -e mini_nosep -k pkcs1.pem -o no
expect 1 "nowhere" "$oesign" predict -e nowhere
absent no

# --- instruction check
for i in syscall int out es enclu; do
    expect 1 "in mini_bad+0x0" "$oesign" sign -e mini_$i -k pkcs1.pem -o no
done
expect 1 "enclu at 0x" "$oesign" digest -e mini_enclu -d no
expect 0 "warning: cpuid at 0x" "$oesign" sign -e mini_cpuid -k pkcs1.pem -o fine
expect 0 "warning: rdtsc at 0x" "$oesign" sign -e mini_rdtsc -k pkcs1.pem -o fine
expect 1 "error: cpuid at 0x" "$oesign" sign -e mini_cpuid -k pkcs1.pem -o no --strict
expect 0 "not scanned" "$oesign" sign -e mini_stripped -k pkcs1.pem -o fine
expect 1 "not scanned" "$oesign" sign -e mini_stripped -k pkcs1.pem -o no --strict
expect 0 "Created" "$oesign" sign -e mini_rela -k pkcs1.pem -o fine --strict
absent no

# --- explain, and the measurement by an independent program
expect 0 "UNMEASURED" "$oesign" predict -e mini_rela --explain
expect 0 "# 1024 pages are UNMEASURED (hostile until the enclave writes them), 0 are W+X" "$oesign" predict -e mini_rela --explain

printf 'NumHeapPages=0\nNumStackPages=1\nNumTCS=1\nCreateZeroBaseEnclave=1\nStartAddress=0x10000\n' > zero.conf
expect 0 Created "$oesign" sign -e mini_clang -c zero.conf -k pkcs1.pem -o mini_zero.signed
expect 0 Created "$oesign" sign -e mini_relr -c a.conf -k pkcs1.pem -o mini_conf.signed
for i in mini_rela mini_relr mini_clang mini_sgx2 mini_zero mini_conf; do
    log=$("$measure_log" $i.signed | openssl dgst -sha256 -r | cut -c1-64)
    [ "$log" = "$(field $i.signed mrenclave)" ] && ok || fail "the independent log of $i measures $log"
done
# --explain lists every page that is in the log, and no other
pages=$("$oesign" predict -e mini_rela.signed --explain | awk '/^0x/ {n += $2} END {print n}')
eadds=$("$measure_log" mini_rela.signed | grep -aoE 'EADD' | wc -l)
[ "$pages" = "$eadds" ] && ok || fail "explain lists $pages pages, the log $eadds"

# --- output: nothing half-written, an existing file survives failure
echo precious > keep
expect 1 "exponent" "$oesign" sign -e mini_rela -k f4.pem -o keep
[ "$(cat keep)" = precious ] && ok || fail "an existing output was damaged"
expect 1 "no/such/folder" "$oesign" sign -e mini_rela -k pkcs1.pem -o no/such/folder/x
[ -z "$(find . -newer keep -name '.*tmp*' -o -name '*.tmp*')" ] && ok || fail "temporary files left"

# --- usage
expect 0 "Usage: oesign" "$oesign" --help
expect 0 "oesign " "$oesign" --version
expect 2 "Usage: oesign" "$oesign"
expect 2 "unknown command" "$oesign" bake
expect 2 "-e IMAGE is missing" "$oesign" predict
expect 2 "sign needs one of" "$oesign" sign -e mini_rela
expect 2 "sign needs one of" "$oesign" sign -e mini_rela -k pkcs1.pem -x cert.pem -d sig.bin
expect 2 "go together" "$oesign" sign -e mini_rela -x cert.pem
expect 2 "go together" "$oesign" sign -e mini_rela -n pkcs11
expect 2 "given twice" "$oesign" dump -e mini_rela -e mini_rela
expect 2 "unknown option" "$oesign" dump -e mini_rela -k pkcs1.pem
expect 2 "unexpected argument" "$oesign" dump -e mini_rela more

# --- output that is lost is a failure, and not a silent one
lost="standard output is incomplete"
for command in --help "predict -e mini_rela" "predict -e mini_rela --explain" "dump -e a"; do
    # shellcheck disable=SC2086
    expect 1 "$lost" sh -c '"$0" "$@" > /dev/full' "$oesign" $command
    # shellcheck disable=SC2086
    expect 1 "$lost" sh -c '"$0" "$@" >&-' "$oesign" $command
done

# --- a key behind a provider, and behind a PKCS#11 engine
expect 0 "Created prov" "$oesign" sign -e mini_rela -c a.conf -n default -i "file:$work/pkcs8.pem" -o prov
same prov a
expect 1 "neither an OpenSSL engine nor a provider 'nosuch'" "$oesign" sign -e mini_rela -n nosuch -i x -o no
module=/usr/lib/softhsm/libsofthsm2.so
if [ -e $module ] && command -v softhsm2-util > /dev/null && [ -e /usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so ]; then
    mkdir tokens
    echo "directories.tokendir = $work/tokens" > softhsm.conf
    export SOFTHSM2_CONF=$work/softhsm.conf PKCS11_MODULE_PATH=$module
    softhsm2-util --init-token --free --label cm --pin 1234 --so-pin 1234 > /dev/null
    softhsm2-util --import pkcs8.pem --token cm --label signer --id a1b2 --pin 1234 > /dev/null
    uri="pkcs11:token=cm;object=signer;type=private;pin-value=1234"
    expect 0 "Created hsm" "$oesign" sign -e mini_rela -c a.conf -n pkcs11 -i "$uri" -o hsm
    same hsm a
    expect 0 "Created hsm" "$oesign" sign -e mini_rela -c a.conf -n pkcs11 -i "$uri" \
        -p /usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so -o hsm
    expect 1 "no private key" "$oesign" sign -e mini_rela -n pkcs11 \
        -i "pkcs11:token=cm;object=nobody;type=private;pin-value=1234" -o no
else
    echo "skip a key behind a PKCS#11 engine: softhsm2 or libengine-pkcs11-openssl is not installed"
    skipped=$((skipped + 1))
fi
absent no

finish ", $skipped skipped"
