#!/bin/bash
# usage: serve_tpm_test.sh BUILD: a TPM (swtpm, with tpm2-tools) gets a report of `casemate serve` by credential
# activation, under its maker's root and as one that was enrolled; and whoever has no part of it gets none.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
for tool in swtpm swtpm_setup tpm2_createek tpm2_activatecredential curl openssl xxd; do
    command -v "$tool" > /dev/null || { echo "skip: no $tool"; exit 77; }
done
. tests/expect.sh
. tests/tpm/swtpm.sh
. tests/serve/serve.sh
trap 'stop_tpm; stop_all' EXIT
start_tpm || exit 1
tpm() { "$@" > "$work/tool.log" 2>&1 || fail "$* ($(tail -1 "$work/tool.log"))"; }
url64() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
unurl64() { local t; t=$(tr -- '-_' '+/'); while [ $((${#t} % 4)) -ne 0 ]; do t+='='; done; base64 -d <<< "$t"; }
# member NAME: a text of the JSON on standard input
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/' | xxd -r -p; }

# say JSON: the dialogue's answer, decoded; else the error as it came
say() {
    local body
    body=$(ask '/attest/Tpm?api-version=2020-10-01' -H 'Content-Type: application/json' \
        -d "{\"data\":\"$(printf '%s' "$1" | url64)\"}")
    if [[ "$body" == *'"data"'* ]]; then
        member data <<< "$body" | unurl64
    else
        echo "$body"
    fi
}

# --- the machine's keys
tpm tpm2_createek -c "$work/ek.ctx" -G rsa -u "$work/ek.pub"
tpm tpm2_flushcontext -t
for ak in ak other; do
    tpm tpm2_createak -C "$work/ek.ctx" -c "$work/$ak.ctx" -G rsa -g sha256 -s rsassa -u "$work/$ak.pub"
    tpm tpm2_flushcontext -t
done
tpm tpm2_nvread -C o 0x1c00002 -o "$work/ek.cert"
tpm tpm2_pcrread sha256 -o "$work/pcrs"
openssl genrsa -out "$work/client.pem" 2048 2> "$work/tool.log"
modulus=$(openssl rsa -in "$work/client.pem" -noout -modulus | sed 's/Modulus=//' | xxd -r -p | url64)

# begin_with AK [CERTIFICATE]: the first message, into $answer
begin_with() {
    local cert=''
    [ -z "${2:-}" ] || cert=",\"ek_cert\":\"$(url64 < "$2")\",\"ek_chain\":\"$(cat "$work"/tpm/ca/{issuercert,swtpm-localca-rootca-cert}.pem | url64)\""
    answer=$(say "{\"payload\":{\"type\":\"aikpub\",\"aik_pub\":\"$(url64 < "$work/$1.pub")\",\"ek_pub\":\"$(url64 < "$work/ek.pub")\"$cert}}")
    challenge=$(member challenge <<< "$answer")
    context=$(member service_context <<< "$answer")
}

# activate AK: TPM2_ActivateCredential, the secret into $work/secret
activate() {
    member credential <<< "$answer" | unurl64 > "$work/blob"
    rm -f "$work/secret"
    tpm2_startauthsession --policy-session -S "$work/s.ctx" > /dev/null && tpm2_policysecret -S "$work/s.ctx" -c e > /dev/null &&
        tpm2_activatecredential -c "$work/$1.ctx" -C "$work/ek.ctx" -i "$work/blob" -o "$work/secret" -P "session:$work/s.ctx" > /dev/null 2>&1
    local rc=$?
    tpm2_flushcontext "$work/s.ctx" > /dev/null 2>&1
    tpm2_flushcontext -t
    return $rc
}

# request AK SECRET: quote, claim and signature; the answer's JSON
request() {
    local head body hex
    hex=$(printf '%s' "$challenge" | unurl64 | xxd -p -c 64)
    tpm tpm2_quote -c "$work/$1.ctx" -l sha256:0,1,2,3,4,5,6,7 -q "$hex" -m "$work/msg" -s "$work/sig" -g sha256
    tpm tpm2_flushcontext -t
    {
        printf 'TPLA'
        le32 1
        le32 11
        le32 "$(stat -c %s "$work/sig")"
        le32 "$(stat -c %s "$work/msg")"
        le32 768
        cat "$work/sig" "$work/msg" "$work/pcrs"
    } > "$work/claim"
    head=$(printf '{"alg":"PS256","typ":"attReq"}' | url64)
    body=$(printf '{"att_type":"basic","att_data":{"challenge":"%s","service_context":"%s","attest_key":{"kty":"RSA","n":"%s","e":"AQAB"},"tpm_att_data":{"aik_pub":"%s","credential":"%s","current_claim":"%s"}}}' \
        "$challenge" "$context" "$modulus" "$(url64 < "$work/$1.pub")" "$(url64 < "$2")" "$(url64 < "$work/claim")" | url64)
    printf '{"request":"%s.%s.%s"}' "$head" "$body" "$(printf '%s' "$head.$body" |
        openssl dgst -sha256 -sign "$work/client.pem" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 | url64)" > "$work/request"
    say "$(cat "$work/request")"
}
payload() { member report | cut -d. -f2 | unurl64; }

# --- under its maker's root
begin --dev --trust-root "tpm:$work/tpm/ca/swtpm-localca-rootca-cert.pem"
token=$(cat "$state/dev-token")
policy='version=1.2; authorizationrules { [type=="casemate.tpm.activated", value==true] => permit(); }; issuancerules { };'
jws=eyJhbGciOiJub25lIn0.$(printf '{"AttestationPolicy":"%s"}' "$(printf '%s' "$policy" | url64)" | url64).
expect 0 '"token"' ask '/policies/Tpm?api-version=2020-10-01' -X PUT -H "Authorization: Bearer $token" -H 'Content-Type: text/plain' -d "$jws"
begin_with ak "$work/ek.cert"
activate ak || fail "the TPM does not open the credential: $answer"
expect 0 '"casemate.tpm-ek":"' echo "$(request ak "$work/secret" | payload)"
expect 0 'report already' say "$(cat "$work/request")"

# --- neither another key, nor a guess, nor another TPM
begin_with ak "$work/ek.cert"
if activate other; then fail "another key opened the credential"; else ok; fi
head -c 32 /dev/urandom > "$work/guess"
expect 0 'not the secret' request ak "$work/guess"
activate ak || fail "the TPM does not open the credential"
expect 0 'not the attestation key' request other "$work/secret"
start_state stranger || fail "no other TPM's state"
openssl x509 -in "$work/stranger/ca/swtpm-localca-rootca-cert.pem" -out "$work/stranger.pem"
end
begin --dev --trust-root "tpm:$work/stranger.pem"
begin_with ak "$work/ek.cert"
[[ "$answer" == *'tpm.ek'* ]] && ok || fail "another maker's root: $answer"
expect 0 "400" say "{\"payload\":{\"type\":\"aikpub\"}}"
end

# --- without any root: as the operator enrolled it
begin --dev
begin_with ak
[[ "$answer" == *'not enrolled'* ]] && ok || fail "nobody knows this TPM: $answer"
expect 0 '"kind":"key"' ask /api/v1/references -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{\"name\":\"a TPM\",\"type\":\"Tpm\",\"content\":\"$(base64 -w0 < "$work/ek.pub")\"}"
# a key that decrypts whatever it is given would open credentials for keys of no TPM, whoever enrolled it
tpm tpm2_createprimary -C o -c "$work/primary.ctx"
tpm tpm2_flushcontext -t
tpm tpm2_create -C "$work/primary.ctx" -G rsa2048 -u "$work/free.pub" -r "$work/free.priv" -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt'
tpm tpm2_flushcontext -t
expect 0 '"kind":"key"' ask /api/v1/references -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{\"name\":\"a key\",\"type\":\"Tpm\",\"content\":\"$(base64 -w0 < "$work/free.pub")\"}"
mv "$work/ek.pub" "$work/ek.kept" && cp "$work/free.pub" "$work/ek.pub"
begin_with ak
[[ "$answer" == *"attributes"* ]] && ok || fail "a key that opens anything: $answer"
mv "$work/ek.kept" "$work/ek.pub"
begin_with ak
activate ak || fail "the TPM does not open the credential: $answer"
expect 0 '"x-ms-attestation-type":"tpm"' echo "$(request ak "$work/secret" | payload)"
end
finish
