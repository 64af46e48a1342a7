#!/bin/bash
# Generated files are what they were. usage: edl_golden.sh <oeedger8r> <source root> [update]
# After an intended change of the emitter: tests/edl/edl_golden.sh build/dev/tools/oeedger8r . update
set -euo pipefail
tool=$(realpath "$1")
root=$(realpath "$2")
golden=$root/tests/edl/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$root/tests/edl/cases"
for name in basic deep empty; do
    "$tool" -Wno-user-check --trusted-dir "$work" --untrusted-dir "$work" $name.edl > /dev/null
done
# with --use-prefix only the host's files differ
mkdir "$work/prefix"
"$tool" -Wno-user-check --use-prefix --untrusted --untrusted-dir "$work/prefix" basic.edl > /dev/null
mv "$work/prefix/basic_u.h" "$work/prefix_basic_u.h"
mv "$work/prefix/basic_u.c" "$work/prefix_basic_u.c"
rm -r "$work/prefix"

if [ "${3:-}" = update ]; then
    mkdir -p "$golden"
    rm -f "$golden"/*
    cp "$work"/* "$golden"/
    echo "golden files updated: look at git diff"
    exit 0
fi
diff -ru "$golden" "$work"
echo "generated files are as expected"
