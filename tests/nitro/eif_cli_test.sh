#!/bin/bash
# usage: eif_cli_test.sh CASEMATE
# casemate eif from outside; the measurements are computed here with sha384sum.
casemate=$1
# shellcheck source=tests/expect.sh
. "$(dirname "$0")/../expect.sh"
cd "$work" || exit 1

head -c 300000 /dev/zero | tr '\0' 'k' > kernel
printf 'ramdisk one' > r1
printf 'ramdisk two' > r2
openssl ecparam -name secp384r1 -genkey -noout -out key.pem 2> /dev/null
openssl req -new -x509 -key key.pem -sha384 -days 2 -subj '/CN=test signer' -out cert.pem 2> /dev/null
openssl genrsa -out rsa.pem 2048 2> /dev/null
openssl req -new -x509 -key rsa.pem -days 2 -subj /CN=rsa -out rsacert.pem 2> /dev/null

# pcr FILE: SHA384(48 zeros || SHA384(file))
pcr() {
    { head -c 48 /dev/zero; openssl dgst -sha384 -binary "$1"; } | sha384sum | cut -d' ' -f1
}
printf '%s' 'console=ttyS0 quiet' > cmdline
cat kernel cmdline r1 r2 > all
cat kernel cmdline r1 > boot
openssl x509 -in cert.pem -outform der -out cert.der
build() { "$casemate" eif build --kernel kernel --cmdline 'console=ttyS0 quiet' --ramdisk r1 --ramdisk r2 "$@"; }

expect 0 "PCR0 $(pcr all)" build --name shop --image-version 1.2 --output a.eif
expect 0 "PCR1 $(pcr boot)" "$casemate" eif pcrs a.eif
expect 0 "PCR2 $(pcr r2)" "$casemate" eif pcrs a.eif
expect 0 "\"PCR0\":\"$(pcr all)\"" "$casemate" eif pcrs --json a.eif
expect 0 "not signed" "$casemate" eif describe a.eif
expect 0 '"ImageName":"shop"' "$casemate" eif describe --json a.eif
# the same parts give the same bytes
build --name shop --image-version 1.2 --output b.eif > /dev/null
if cmp -s a.eif b.eif; then ok; else fail "two builds differ"; fi

# signing while building, and afterwards, in place
expect 0 "PCR8 $(pcr cert.der)" build --certificate cert.pem --key key.pem --output s.eif
expect 0 "signature: good" "$casemate" eif describe s.eif
expect 0 "CN=test signer" "$casemate" eif describe s.eif
expect 0 "PCR8 $(pcr cert.der)" "$casemate" eif sign --certificate cert.pem --key key.pem a.eif
expect 0 '"SignatureCheck":true' "$casemate" eif describe --json a.eif
expect 0 "PCR0 $(pcr all)" "$casemate" eif sign --certificate cert.pem --key key.pem --output t.eif s.eif
# one signature section, not two
expect 0 "section 5: signature" "$casemate" eif describe t.eif
if "$casemate" eif describe t.eif | grep -q 'section 6'; then fail "signed twice"; else ok; fi

# what must not be taken
expect 1 "P-256, P-384 or P-521" "$casemate" eif sign --certificate rsacert.pem --key rsa.pem b.eif
openssl ecparam -name secp384r1 -genkey -noout -out other.pem 2> /dev/null
expect 1 "not that of the private key" "$casemate" eif sign --certificate cert.pem --key other.pem b.eif
if cmp -s b.eif <(build --name shop --image-version 1.2 --output c.eif > /dev/null; cat c.eif); then ok; else
    fail "a failed signing changed the image"
fi
head -c 100000 b.eif > short.eif
expect 1 "ends inside a section" "$casemate" eif describe short.eif
{ head -c 1000 b.eif; printf 'X'; tail -c +1002 b.eif; } > changed.eif
expect 1 "CRC" "$casemate" eif pcrs changed.eif
expect 1 "not an enclave image" "$casemate" eif describe kernel
expect 1 "" "$casemate" eif describe nothing.eif
echo '{' > bad.json
expect 1 "not JSON" build --metadata bad.json --output d.eif
if [ -e d.eif ]; then fail "an image of bad parts"; else ok; fi
expect 2 "needs" "$casemate" eif build --kernel kernel
expect 2 "needs" build --certificate cert.pem --output d.eif
expect 2 "no such command" "$casemate" eif unpack a.eif
expect 2 "unknown option" "$casemate" eif describe --what a.eif
expect 2 "x86_64 or aarch64" build --arch riscv --output d.eif
expect 2 "not a number" build --memory lots --output d.eif
expect 0 "aarch64, 5 bytes of memory, 7 processors" sh -c "'$casemate' eif build --kernel kernel --cmdline x \
    --ramdisk r1 --arch aarch64 --memory 5 --cpus 7 --output e.eif && '$casemate' eif describe e.eif"
expect 0 "Usage: casemate eif" "$casemate" eif --help
SOURCE_DATE_EPOCH=86400 expect 0 "PCR0" build --output f.eif
expect 0 "1970-01-02T00:00:00Z" "$casemate" eif describe f.eif
finish
