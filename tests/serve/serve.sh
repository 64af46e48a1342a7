# What the shell tests of `casemate serve` share; source it with `build` set, behind expect.sh.
# shellcheck shell=bash
casemate=$build/tools/casemate
state=$work/service
pid=
url=
stop_all() {
    [ -z "$pid" ] || kill -9 "$pid" 2> /dev/null
    rm -rf "$work"
}
trap stop_all EXIT

# begin [OPTION...]: start it, and wait until it says where it is
begin() {
    local i
    : > "$work/out"
    "$casemate" serve --listen 127.0.0.1:0 --state "$state" "$@" > "$work/out" 2>> "$work/log" &
    pid=$!
    for ((i = 0; i < 1200; i++)); do
        url=$(sed -n 's/^casemate: serving at //p' "$work/out")
        [ -z "$url" ] || return 0
        kill -0 "$pid" 2> /dev/null || break
        sleep 0.05
    done
    fail "it does not start: $(cat "$work/out" "$work/log")"
    exit 1
}

# end [SIGNAL]: its exit status is in $rc
end() {
    kill -"${1:-TERM}" "$pid"
    wait "$pid" 2> /dev/null
    rc=$?
    pid=
}

# ask PATH [CURL OPTION...]: what is answered, the status behind it
ask() {
    local path=$1
    shift
    curl -sS --max-time 20 --noproxy '*' --cacert "$state/ca.pem" -w '\n%{http_code}' "$@" "$url$path" 2>&1
}

# says_log TEXT: in the log, at the latest in a minute
says_log() {
    local i
    for ((i = 0; i < 1200; i++)); do
        if grep -qF -- "$1" "$work/log"; then
            ok
            return
        fi
        sleep 0.05
    done
    fail "no '$1' in the log: $(tail -5 "$work/log")"
}
