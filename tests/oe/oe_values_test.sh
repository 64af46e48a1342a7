#!/bin/bash
# usage: oe_values_test.sh SOURCE_FOLDER: the values of the API's names and the layout of its structures
# (oe_values.c), in C and C++, by gcc and clang, on both sides. That each header compiles alone is
# tests/cxx/headers_test.sh.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
cd "$1/tests/oe" || exit 1
check() { expect "$1" "$2" "$3" -x "${4%%-*}" -std="${4#*-}" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I../../include "${@:5}" oe_values.c; }
for compiler in gcc clang; do
    for side in HOST ENCLAVE; do
        for language in c-c11 c-c17 c++-c++11 c++-c++20; do
            check 0 "" $compiler $language -D$side
        done
    done
    check 1 "only OE_API_VERSION 2 exists" $compiler c-c11 -DHOST -DOE_API_VERSION=1
done
finish
