# What the shell tests of our command-line tools share; source it before changing folder. Counts in
# passed and failed.
# shellcheck shell=bash
passed=0
failed=0

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
    elif ! grep -qF -- "$text" <<< "$out" && ! grep -qF -- "$text" <<< "$(unwrapped "$out")"; then
        fail "no '$text' in '$out': $*"
    else
        ok
    fi
}
