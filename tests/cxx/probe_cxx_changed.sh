#!/bin/sh
# usage: probe_cxx_changed.sh WHAT CXX SRC HEADERS COMPILER_HEADERS MUSL_LIB LIBGCC ARCHIVE FORTIFY
# Changes one thing as if libc++ had changed it, and expects the probe of the build to stop with one
# sentence that names the package.
set -eu
what=$1 cxx=$2 src=$3 headers=$4 own=$5 lib=$6 libgcc=$7 archive=$8 fortify=$9
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$headers/libcxx/__locale" "$dir/"
cp "$src/libc/cxx_glibc.c" "$dir/glibc.c"
case $what in
MASKS) sed -i 's/= 0x2000;/= 0x8000;/' "$dir/__locale" ;;
TABLES) sed -i 's/CATEGORIES = 13/CATEGORIES = 14/; /^_Static_assert/d' "$dir/glibc.c" ;;
STRERROR) sed -i 's/return text;/return NULL;/' "$dir/glibc.c" ;;
esac
if cmp -s "$headers/libcxx/__locale" "$dir/__locale" && cmp -s "$src/libc/cxx_glibc.c" "$dir/glibc.c"; then
    echo "nothing was changed"
    exit 1
fi
flags="-O1 -nostdinc -isystem $dir -isystem $headers/libcxx -isystem $headers/libc -isystem $own -D_GNU_SOURCE"
# shellcheck disable=SC2086
"$cxx" $flags -x c++ -c "$src/libc/prep_probe_cxx.cpp" -o "$dir/probe.o"
# shellcheck disable=SC2086
"$cxx" $flags -x c -std=gnu17 -c "$dir/glibc.c" -o "$dir/glibc.o"
"$cxx" -nostdlib -static -Wl,--eh-frame-hdr -o "$dir/probe" "$lib/crt1.o" "$dir/probe.o" "$dir/glibc.o" \
    "$fortify" "$archive" "$lib/libc.a" "$libgcc"
status=0
"$dir/probe" 2> "$dir/why" || status=$?
cat "$dir/why"
[ "$status" -ne 0 ] || exit 1
# a crash stops the build as well; what can be told is told in one sentence
[ "$status" -ge 128 ] || { [ "$(wc -l < "$dir/why")" -eq 1 ] && grep -q '^package libc++-14-dev changed: ' "$dir/why"; }
