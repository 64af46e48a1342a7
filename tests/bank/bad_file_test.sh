#!/bin/bash
# usage: bad_file_test.sh BANK: a bank's file that is wrong is named with its place: FILE:LINE: rule.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
bank=$1
cd "$work" || exit 1
"$bank" --generate good --rows 1000 --banks 2 > /dev/null || fail "--generate"
first=$(find good -name '*.csv' -printf '%f\n' | sort | head -1)
wrong() { # EXPECTED, and a shell command that spoils its file
    rm -rf in
    cp -r good in
    sh -c "$2" sh "in/$first"
    expect 1 "bank: $1" timeout 250 "$bank" --simulate --accept-emulated --input in
}
wrong "in/$first:5: fewer than 5 fields" 'sed -i "5s/,/;/" "$1"'
wrong "in/$first:7: currency: " 'sed -i "7s/...$/eur/" "$1"'
wrong "in/$first:1: must be exactly time,from" 'sed -i 1d "$1"'
wrong "in/$first:1: empty; must be time,from" ': > "$1"'
wrong "in/$first:1: " 'printf "\377\376\000" > "$1"'
wrong "in/$first:1: line too long" 'head -c 5000 /dev/zero | tr "\\0" A > "$1"'
wrong "in/$first: not a regular file" 'rm "$1"; mkfifo "$1"'
wrong "in/" 'rm "$1"; ln -s nowhere "$1"'
wide=$("$bank" --simulate --accept-emulated --input in 2>&1 > /dev/null | awk 'length > 80')
[ -z "$wide" ] && ok || fail "wider than 80: $wide"
finish
