# What the shell tests of the installed SDK share; source it with `build` set.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
export CASEMATE_STATE_DIR="$work/the state" OE_SIMULATION=1
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH

# step NAME COMMAND...: it must succeed; its output is shown when it does not
step() {
    local name=$1
    shift
    if "$@" > "$work/log" 2>&1; then
        ok
    else
        fail "$name"
        cat "$work/log"
    fi
}

# says TEXT: the last step's output has it, wherever its lines were broken
says() { if tr -s ' \n' ' ' < "$work/log" | grep -qF -- "$(tr -s ' ' <<< "$1")"; then ok; else fail "no '$1' in: $(cat "$work/log")"; fi; }

# use_sdk FOLDER: install, move there, and use it as openenclaverc says
use_sdk() {
    local first="$work/an sdk's place"
    step "install" cmake --install "$build" --prefix "$first"
    step "a plain sh finds it where it was installed" \
        sh -c '. "$0/share/openenclave/openenclaverc" && [ "$(command -v oesign)" = "$0/bin/oesign" ]' "$first"
    mv "$first" "$1" # nothing in it may say where it was
    # shellcheck disable=SC1091
    . "$1/share/openenclave/openenclaverc"
}
