# A software TPM for shell tests, to be sourced behind expect.sh: start_tpm begins one in $work/tpm, and
# TPM2TOOLS_TCTI and CASEMATE_TPM_TCTI lead to it. It ends with the test.
# shellcheck shell=bash
tpm_pid=

stop_tpm() {
    [ -z "$tpm_pid" ] || kill "$tpm_pid" 2> /dev/null
    [ -z "$tpm_pid" ] || wait "$tpm_pid" 2> /dev/null
    tpm_pid=
}
trap 'stop_tpm; rm -rf "$work"' EXIT

# start_state NAME: the state of a TPM with endorsement certificates of a CA of its own, in $work/NAME
start_state() {
    local name=$1
    mkdir -p "$work/$name/ca"
    cat > "$work/$name/ca/setup.conf" << EOF
create_certs_tool = /usr/bin/swtpm_localca
create_certs_tool_config = $work/$name/ca/localca.conf
create_certs_tool_options = $work/$name/ca/options.conf
active_pcr_banks = sha1,sha256,sha384
EOF
    cat > "$work/$name/ca/localca.conf" << EOF
statedir = $work/$name/ca
signingkey = $work/$name/ca/signkey.pem
issuercert = $work/$name/ca/issuercert.pem
certserial = $work/$name/ca/certserial
EOF
    printf -- '--platform-manufacturer Casemate\n--platform-version 1\n--platform-model test\n' > "$work/$name/ca/options.conf"
    if ! swtpm_setup --tpm2 --tpmstate "$work/$name" --create-ek-cert --overwrite --pcr-banks sha1,sha256,sha384 \
        --config "$work/$name/ca/setup.conf" > "$work/$name/setup.log" 2>&1; then
        tail -5 "$work/$name/setup.log"
        return 1
    fi
}

# start_tpm [NAME]: a TPM that tpm2-tools and casemate attest reach
start_tpm() {
    local name=${1:-tpm} i
    start_state "$name" || return 1
    swtpm socket --tpm2 --tpmstate dir="$work/$name" --ctrl type=unixio,path="$work/$name/socket.ctrl" \
        --server type=unixio,path="$work/$name/socket" --flags not-need-init,startup-clear \
        --log file="$work/$name/swtpm.log" &
    tpm_pid=$!
    for ((i = 0; i < 100; i++)); do
        if [ -S "$work/$name/socket.ctrl" ] && [ -S "$work/$name/socket" ]; then
            export TPM2TOOLS_TCTI="swtpm:path=$work/$name/socket"
            export CASEMATE_TPM_TCTI=$TPM2TOOLS_TCTI
            return 0
        fi
        kill -0 "$tpm_pid" 2> /dev/null || break
        read -r -t 0.1 <> <(:) || true
    done
    echo "swtpm does not start"
    return 1
}
