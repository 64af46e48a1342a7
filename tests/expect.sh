# What the shell tests share; source it before changing folder. Makes a folder $work for the test, which
# goes when it ends, with the emulator's state inside. Counts in passed and failed.
# shellcheck shell=bash
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CASEMATE_STATE_DIR=$work/state

fail() {
    echo "FAIL $*"
    failed=$((failed + 1))
}
ok() { passed=$((passed + 1)); }

# unwrapped TEXT: messages are broken into lines of 80 columns; one line each again
unwrapped() { sed -E ':a;N;$!ba;s/\n {2,}([^ ])/ \1/g' <<< "$1"; }

# expect STATUS TEXT COMMAND...: the exit status, and TEXT somewhere in what is printed
expect() {
    local status=$1 text=$2 out rc
    shift 2
    out=$("$@" 2>&1)
    rc=$?
    if [ "$rc" -ne "$status" ]; then
        fail "exit status $rc, not $status: $* ($out)"
    elif [[ "$out" != *"$text"* && "$(unwrapped "$out")" != *"$text"* ]]; then
        fail "no '$text' in '$out': $*"
    else
        ok
    fi
}

# finish [MORE]: what was counted, and the test's exit status; the last line of a test
finish() {
    echo "$passed passed, $failed failed${1:-}"
    [ "$failed" -eq 0 ]
}

SGX_ECDSA=a3a21e871b4d4014b70aa125d2fbcd8c # the format's UUID
RAW_SGX_QUOTE_ECDSA=1923d91e12d24c72b22025cd8dace871
# with_header UUID FILE OUT: evidence or endorsements behind an attestation header. UUID "report": a remote
# report's header
with_header() {
    local i size hex
    size=$(stat -c %s "$2")
    hex=03000000${1}00000000
    [ "$1" = report ] && hex=0100000002000000
    for ((i = 0; i < 8; i++)); do hex+=$(printf '%02x' $((size >> (8 * i) & 255))); done
    { printf '%b' "$(sed 's/../\\x&/g' <<< "$hex")" && cat "$2"; } > "$3"
}
