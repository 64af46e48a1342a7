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
verify 2 "--explain is about --policy" sgx3 --explain
verify 8 'line 3 did not fire: [type=="x-ms-sgx-product-id", value==8] is not satisfied' sgx3 --policy other --explain
verify 0 'line 3 fired "x-ms-sgx-is-debuggable" is false' sgx3 --policy good --explain

# --- policy check: texts, tokens, key release policies
policies=$3/deploy/policies
none=eyJhbGciOiJub25lIn0 # {"alg":"none"}
b64url() { base64 -w0 | tr -d '=' | tr '+/' '-_'; }
printf '%s.%s.' "$none" "$(printf '{"AttestationPolicy":"%s"}' "$(b64url < good)" | b64url)" > token
printf '%s..' "$none" > reset
printf '{"contentType":"application/json; charset=utf-8","data":"%s","immutable":true}' \
    "$(b64url < "$policies/key-release.json")" > wrapped
expect 0 "good: a policy of version 1.2 with 2 rules" "$casemate" policy check good
expect 0 "all:3:4: warning: this permits whatever is genuine" "$casemate" policy check all
expect 0 "in an unsecured token" "$casemate" policy check token
expect 0 "key release policy of 1 authorities, immutable" "$casemate" policy check wrapped
expect 0 '"token":true,"signed":false,"version":"1.2","rules":2,"hash":"' "$casemate" policy check --json token
expect 0 '"authorities":1,"immutable":true' "$casemate" policy check --json wrapped
expect 1 "bad:2:25: permit, deny" "$casemate" policy check bad
expect 1 "bad:2:25: permit, deny" "$casemate" policy check good bad
expect 1 "reset:1:1: the policy is empty" "$casemate" policy check reset
expect 1 "casemate: " "$casemate" policy check missing
printf '{"version":"1.0.0",\n "anyOf":[]}' > norelease
expect 1 "norelease:2:10: anyOf is expected" "$casemate" policy check norelease

# --- policy hash: of the text, also inside a token
printf 'version= 1.0;\n\nauthorizationrules\n{\n    => permit();\n};\n\nissuancerules\n{\n};' > default
expect 0 "B56nbp5slhw66peoRYkpdq1WykMkEworvdol08hnMXE" "$casemate" policy hash default
[ "$("$casemate" policy hash good)" = "$("$casemate" policy hash token)" ] && ok || fail "a token's hash is not its policy's"
expect 1 "no such hash" "$casemate" policy hash wrapped

# --- policy explain: claims from files, and of evidence
echo '{"x-ms-sgx-is-debuggable":false,"x-ms-sgx-product-id":7,"tee":"sgx"}' > claims
echo '{"x-ms-sgx-product-id":8,"casemate.emulated":true}' > custom
expect 0 'PERMITTED: permitted by the rule of line 3' "$casemate" policy explain good --claims claims
expect 0 'tee" is "sgx"' "$casemate" policy explain good --claims claims
expect 8 'REFUSED: no rule permits' "$casemate" policy explain other --claims claims
expect 8 'REFUSED: no rule permits' "$casemate" policy explain other --claims claims --custom custom
expect 0 '"permitted":true' "$casemate" policy explain good --claims claims --json
expect 8 '"permitted":false' "$casemate" policy explain other --claims claims --json
echo '{"casemate.emulated":true,"x-ms-sgx-is-debuggable":false,"x-ms-sgx-product-id":7}' > emuclaims
expect 8 'EMULATED' "$casemate" policy explain good --claims emuclaims
expect 0 'PERMITTED' "$casemate" policy explain good --claims emuclaims --allow-emulated
echo '[1]' > list
expect 1 'list: claims are the members of a JSON object' "$casemate" policy explain good --claims list
echo '{"a":1,"a":2}' > twice
expect 1 'given twice' "$casemate" policy explain good --claims twice
expect 0 'line 3 fired' "$casemate" policy explain good --evidence sgx3/quote.bin --time 1700000000 --root sgx3/root.pem
expect 8 'line 3 did not fire' "$casemate" policy explain other --time 1700000000 --root sgx3/root.pem --evidence sgx3/quote.bin
echo '{"iss":"https://attest.example.net/","x-ms-attestation-type":"sgx","x-ms-sgx-is-debuggable":"false",
  "x-ms-sgx-mrsigner":"0000000000000000000000000000000000000000000000000000000000000000","x-ms-sgx-product-id":1,"x-ms-sgx-svn":1}' > jwt
expect 0 'PERMITTED: released under this authority' "$casemate" policy explain wrapped --claims jwt
expect 8 'no authority of the policy' "$casemate" policy explain wrapped --claims jwt --issuer https://evil.example
expect 1 'the claims have no iss' "$casemate" policy explain wrapped --claims claims

# --- policy test: the policies that are delivered, and cases that fail
expect 0 "sgx-signer.test.json: 5 passed, 0 failed" "$casemate" policy test "$policies"
for p in "$policies"/*.txt; do
    expect 0 "a policy of version" "$casemate" policy check "$p"
    [ -f "${p%.txt}.test.json" ] && ok || fail "$p has no test"
done
cases() { printf '{"policy":"good","cases":[%s]}' "$1" > my.test.json; }
claims='"claims":{"x-ms-sgx-is-debuggable":false,"x-ms-sgx-product-id":7,"tee":"sgx"}'
cases "{\"name\":\"a\",$claims,\"expect\":\"permit\",\"line\":3,\"issued\":{\"kind\":\"sgx\"}}"
expect 0 "1 passed, 0 failed" "$casemate" policy test my.test.json
expect 0 "1 passed, 0 failed" "$casemate" policy test .
for wrong in '"expect":"deny"' '"expect":"permit","line":4' '"expect":"permit","issued":{}' '"expect":"allow"' \
    '"expect":"permit","issued":{"kind":"tdx"}' '"expect":"permit","issued":{"kind":["sgx","sgx"]}' \
    '"expect":"permit","issued":{"kind":"sgx","more":1}'; do
    cases "{\"name\":\"a\",$claims,$wrong}"
    expect 1 "0 passed, 1 failed" "$casemate" policy test my.test.json
done
cases '{"name":"a","expect":"deny"}'
expect 1 "claims, an object" "$casemate" policy test my.test.json
cases ''
expect 1 "cases, an array, is expected" "$casemate" policy test my.test.json
echo '{"policy":"missing","cases":[]}' > my.test.json
expect 1 "missing" "$casemate" policy test my.test.json
mkdir nothing
expect 1 "there is no *.test.json" "$casemate" policy test nothing

# --- usage
for wrong in "" check hash explain test "hash a b" "explain good" "explain good --claims" "explain good --x y" lint; do
    # shellcheck disable=SC2086 # the words of the command
    expect 2 "see casemate --help" "$casemate" policy $wrong
done
expect 0 "Usage: casemate policy check" "$casemate" policy --help
expect 0 "Usage: casemate policy check" "$casemate" policy explain --help
finish
