#!/bin/bash
# usage: policy_cli_test.sh CASEMATE PKI_FILES SOURCE_DIR: `casemate verify --policy` from outside, on evidence of
# our own hierarchy.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
"$2" "$work" || exit 1
cd "$work" || exit 1

# policy NAME CONDITIONS: a policy that permits under conditions and issues one claim
policy() {
    printf 'version=1.2;\nauthorizationrules {\n  %s => permit();\n};\nissuancerules {\n  c:[type=="tee"] => issue(type="kind", value=c.value);\n};\n' \
        "$2" > "$1"
}
verify() {
    local status=$1 text=$2 kind=$3
    shift 3
    expect "$status" "$text" "$casemate" verify --time 1700000000 --root "$kind/root.pem" "$@" "$kind/quote.bin"
}

# --- verify --policy
policy good '[type=="x-ms-sgx-is-debuggable", value==false] && [type=="x-ms-sgx-product-id", value==7]'
policy tdx '[type=="x-ms-attestation-type", value=="tdxvm"] && [type=="tdx_td_attributes_debug", value==false]'
policy other '[type=="x-ms-sgx-product-id", value==8]'
policy byname '[type=="casemate.emulated", value==true]'
policy status '[type=="tcb_status", value=="UpToDate"] && [type=="casemate.check.quote.signature", value=="pass"]'
policy self '[type=="casemate.authority.sgx.mrenclave", value=="hardware-signed"]'
verify 0 'permitted by the rule of line 3: "x-ms-sgx-is-debuggable" is false, "x-ms-sgx-product-id" is 7' sgx3 --policy good
verify 0 'kind = "sgx"' sgx3 --policy good
verify 0 "GENUINE and accepted" sgx3 --policy status
verify 0 "GENUINE and accepted" sgx3 --policy self
verify 0 "GENUINE and accepted" tdx5 --policy tdx
verify 8 "nothing satisfies" tdx5 --policy good
verify 8 '"x-ms-sgx-product-id" is 7' sgx3 --policy other
verify 8 "The policy other REFUSES" sgx3 --policy other
verify 8 '"permitted":false' sgx3 --policy other --json
verify 8 '"accepted":false,"exit_status":8' sgx3 --policy other --json
verify 0 '"permitted":true' sgx3 --policy good --json
verify 0 '"issued":[{"type":"kind","value":"sgx","issuer":"AttestationPolicy"}]' sgx3 --policy good --json
# what is not genuine no policy is asked about
policy all ''
verify 4 "The policy all was not asked" forged --policy all
verify 8 "The policy all was not asked" debug --policy all
# an emulator's evidence: the verification and the policy must both accept it by name
verify 8 "The policy byname was not asked" emulated --policy byname
verify 0 "GENUINE and accepted" emulated --policy byname --allow-emulated
# policies that are none: nothing is verified
printf 'version=1.0;\nauthorizationrules { => allow(); };' > bad
: > empty
verify 1 "bad:2:25: permit, deny" sgx3 --policy bad
verify 1 "empty:1:1: the policy is empty" sgx3 --policy empty
verify 1 "casemate: " sgx3 --policy missing
verify 2 "--policy" sgx3 --policy good --policy good
finish
