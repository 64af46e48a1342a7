#!/bin/bash
# usage: demo.sh NOTES_HOST ENCLAVE.signed: writes notes, reads them in another process, and then does what
# a host can do to the file.
set -u
host=$1 enclave=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
notes() { "$host" --simulate "$enclave" "$folder" "$@" 2>&1 | grep -v '^casemate:'; }

notes add today "buy milk"
notes add today "call Ada"
notes list today
grep -qa "milk" "$folder/today" || echo "nothing readable in the file"

cp "$folder/today" "$folder/kept"
size=$(stat -c %s "$folder/today")
printf 'x' | dd of="$folder/today" bs=1 seek=$((size - 100)) conv=notrunc status=none
echo "one byte changed: $(notes list today | grep notes)"
cp "$folder/kept" "$folder/today"

notes add tomorrow "sleep" > /dev/null
mv "$folder/tomorrow" "$folder/today"
echo "two files swapped: $(notes list today | grep notes)"
cp "$folder/kept" "$folder/today"
echo "as it was: $(notes list today | grep notes)"
