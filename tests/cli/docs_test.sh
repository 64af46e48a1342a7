#!/bin/bash
# Each `ctest -R` that docs/testing.md gives selects a test; each library that documents name is installed.
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
# every library that a document names is one that the SDK installs
while read -r library; do
    if grep -qrE "[/ ;\"]${library%.a}\.(a|so)" "$1/cmake_install.cmake" "$1"/*/cmake_install.cmake; then
        ok
    else
        fail "the documents name $library, which is not installed"
    fi
done < <(grep -rhoE '`lib(cm|oe)[A-Za-z0-9_]*(\.a)?`' "$2/docs" "$2/README.md" | tr -d '`' | sort -u)
finish
