#!/bin/bash
# usage: oe_conf_test.sh OESIGN HOST IMAGE CONF: an enclave whose properties stand in its configuration only
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
oesign=$1 host=$2 conf=$4
cp "$3" "$work/image" && cd "$work" || exit 1
openssl genrsa -3 -out key.pem 3072 2> /dev/null || exit 1
expect 1 "the enclave has no properties" "$oesign" sign -e image -k key.pem
[ ! -e image.signed ] && ok || fail "signed without properties"
expect 1 "OE_" "$host" image # nor is it loaded so
grep -v NumTCS "$conf" > part.conf
expect 1 "NumTCS is 0" "$oesign" sign -e image -k key.pem -c part.conf
expect 0 "Created image.signed" "$oesign" sign -e image -k key.pem -c "$conf"
expect 0 "OE_OK 30" "$host" image.signed
expect 0 "num_tcs=2" "$oesign" dump -e image.signed
finish
