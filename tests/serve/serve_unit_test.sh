#!/bin/bash
# usage: serve_unit_test.sh BUILD: the systemd unit is one, and gives the service no more than it needs; the
# configuration that comes with it is one, too.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
. tests/expect.sh
unit=deploy/systemd/casemate.service

# every line that is commented out is a setting, too
sed -E 's/^#([a-z-]+ = )/\1/; s/^(tls-.*|root-key.*|store.*)//' deploy/systemd/serve.conf > "$work/serve.conf"
expect 1 "/etc" "$build/tools/casemate" serve --config "$work/serve.conf" --state /etc/does/not/exist
grep -qF -- "--config /etc/casemate/serve.conf" $unit && ok || fail "the unit has another configuration"
grep -qE "^MemoryMax=[0-9]" $unit && ok || fail "nothing bounds the unit's memory"
grep -qx "Type=notify" $unit && ok || fail "the unit does not wait until it is ready"

if ! command -v systemd-analyze > /dev/null; then
    finish " (no systemd-analyze: the unit was not analysed)"
    exit
fi
mkdir "$work/units"
sed -E "s|^ExecStart=[^ ]*|ExecStart=/bin/true|; /^Documentation=/d" $unit > "$work/units/casemate.service"
expect 0 "" systemd-analyze verify "$work/units/casemate.service"
said=$(systemd-analyze verify "$work/units/casemate.service" 2>&1 | grep casemate)
[ -z "$said" ] && ok || fail "the unit: $said"
expect 0 "OK" systemd-analyze security --offline=true --no-pager --threshold=20 $unit
finish
