#!/bin/sh
# usage: probe_changed.sh WHAT CC SRC MUSL_HEADERS COMPILER_HEADERS MUSL_LIB LIBGCC
# Moves one thing in a copy of inside_musl.h, as if musl had moved it, and expects the probe of the
# build to stop with one sentence that names the package.
set -eu
what=$1 cc=$2 src=$3 headers=$4 own=$5 lib=$6 libgcc=$7
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/libc"
case $what in
FILE) edit='s/^    int lbf;/    int inserted;\n    int lbf;/' ;;
LIBC) edit='s/^    size_t page_size;/    size_t inserted;\n    size_t page_size;/' ;;
*) edit="s/\\(_PTHREAD_$what  *\\)0x/\\10x1/" ;;
esac
sed "$edit" "$src/libc/inside_musl.h" > "$dir/libc/inside_musl.h"
if cmp -s "$src/libc/inside_musl.h" "$dir/libc/inside_musl.h"; then
    echo "nothing was changed"
    exit 1
fi
cp "$src/libc/prep_probe.c" "$dir/probe.c"
"$cc" -O1 -nostdinc -isystem "$headers" -isystem "$own" -I "$dir" -D_GNU_SOURCE -nostdlib -static \
    -fno-stack-protector -fcf-protection=none -o "$dir/probe" "$lib/crt1.o" "$dir/probe.c" \
    "$lib/libc.a" "$libgcc"
status=0
"$dir/probe" 2> "$dir/why" || status=$?
cat "$dir/why"
[ "$status" -eq 1 ] && [ "$(wc -l < "$dir/why")" -eq 1 ] && grep -q '^package musl-dev changed: ' "$dir/why"
