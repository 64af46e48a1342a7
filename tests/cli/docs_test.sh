#!/bin/bash
# Each `ctest -R` that docs/testing.md gives selects a test.
# usage: docs_test.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
. "$2/tests/expect.sh"
while read -r pattern; do
    if ctest --test-dir "$1" -N -R "$pattern" 2> /dev/null | grep -q '^Total Tests: 0$'; then
        fail "docs/testing.md: ctest -R '$pattern' selects nothing"
    else
        ok
    fi
done < <(grep -o 'ctest -R [^`]*' "$2/docs/testing.md" | sed "s/ctest -R //; s/'//g")
[ "$passed" -gt 0 ] || fail "docs/testing.md gives no command"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
