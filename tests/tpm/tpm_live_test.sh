#!/bin/bash
# usage: tpm_live_test.sh CASEMATE CREDENTIAL_TOOL: quotes and credential activation with swtpm and tpm2-tools.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
. "$(dirname "$0")/swtpm.sh"
casemate=$1
tool=$2
cd "$work" || exit 1
start_tpm || exit 1
nonce=00112233445566778899aabbccddeeff
quiet() { "$@" > tool.log 2>&1 || fail "$* ($(tail -1 tool.log))"; }

# --- keys of every kind that this TPM has, quoted over several banks
quiet tpm2_createek -c ek.ctx -G rsa -u ek.pub
quiet tpm2_flushcontext -t
quiet tpm2_pcrextend "16:sha256=$(printf hello | sha256sum | cut -d' ' -f1)"
quote() { # NAME KEY-ALGORITHM HASH SCHEME BANKS
    quiet tpm2_createak -C ek.ctx -c "$1.ctx" -G "$2" -g "$3" -s "$4" -u "$1.pub" -n "$1.name"
    quiet tpm2_flushcontext -t
    quiet tpm2_quote -c "$1.ctx" -l "$5" -q $nonce -m "$1.msg" -s "$1.sig" -o "$1.pcrs" -g "$3" --scheme "$4"
    quiet tpm2_flushcontext -t
}
quote rsa rsa sha256 rsassa sha256:0,1,2,3,4,7,10,16
quote pss rsa sha256 rsapss sha256:0,7
quote ecc ecc sha256 ecdsa sha1:0,1+sha256:0,1,16
quote e384 ecc384 sha384 ecdsa sha384:0,1,2,3,4,5,6,7,8,9,10+sha256:23
verify() { "$casemate" verify --nonce $nonce --key "$1.pub" --with signature:"$1.sig" --with pcrs:"$1.pcrs" "${@:2}" "$1.msg"; }
for k in rsa pss ecc e384; do
    expect 0 "GENUINE" verify $k
done
expect 5 "challenge" "$casemate" verify --nonce 0011 --key rsa.pub --with signature:rsa.sig rsa.msg
expect 4 "" "$casemate" verify --key pss.pub --with signature:rsa.sig rsa.msg
expect 5 "selection" "$casemate" verify --key rsa.pub --with signature:rsa.sig --with pcrs:ecc.pcrs rsa.msg
expect 8 "SHA-1" bash -c "tpm2_quote -c rsa.ctx -l sha1:0 -m s.msg -s s.sig > /dev/null && exec '$casemate' verify --key rsa.pub --with signature:s.sig s.msg"
quiet tpm2_flushcontext -t

expect 0 "GENUINE" "$casemate" verify --allow-sha1 --key rsa.pub --with signature:s.sig s.msg

# --- plain signatures and values
quiet tpm2_quote -c rsa.ctx -l sha256:0,7 -q $nonce -m p.msg -s p.sig -f plain -o p.pcrs -F values -g sha256
quiet tpm2_flushcontext -t
expect 0 "GENUINE" "$casemate" verify --nonce $nonce --key rsa.pub --with signature:p.sig --with pcrs:p.pcrs p.msg

# --- a key that signs anything signs a forged quote
quiet tpm2_createprimary -C o -c primary.ctx
quiet tpm2_flushcontext -t
quiet tpm2_create -C primary.ctx -G rsa2048:rsassa-sha256:null -u free.pub -r free.priv -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
quiet tpm2_flushcontext -t
quiet tpm2_load -C primary.ctx -u free.pub -r free.priv -c free.ctx
quiet tpm2_flushcontext -t
quiet tpm2_sign -c free.ctx -g sha256 -s rsassa -f plain -o free.sig rsa.msg
expect 8 "not restricted" "$casemate" verify --key free.pub --with signature:free.sig rsa.msg
quiet tpm2_flushcontext -t

# --- the endorsement key is its maker's, and opens what was made for it and for this attestation key only
quiet tpm2_nvread -C o 0x1c00002 -o ek.cert
expect 0 "tpm.ek 1" "$tool" ek ek.pub ek.cert tpm/ca/issuercert.pem
expect 1 "tpm.ek 2" "$tool" ek e384.pub ek.cert tpm/ca/issuercert.pem
activate() { # AK EK NAME-OF-BLOB ANSWER EK-PASSWORD-POLICY
    tpm2_startauthsession --policy-session -S s.ctx > /dev/null && tpm2_policysecret -S s.ctx -c e > /dev/null &&
        tpm2_activatecredential -c "$1.ctx" -C "$2.ctx" -i "$3" -o "$4" -P session:s.ctx > /dev/null 2>&1
    local rc=$?
    tpm2_flushcontext s.ctx > /dev/null 2>&1
    tpm2_flushcontext -t
    return $rc
}
head -c 32 /dev/urandom > secret
quiet "$tool" make ek.pub rsa.pub secret blob
activate rsa ek blob answer || fail "the TPM does not open the credential"
expect 0 "" "$tool" check secret answer
if activate pss ek blob answer2; then fail "another key opened the credential"; else ok; fi
expect 1 "not restricted" "$tool" make ek.pub free.pub secret blob2
quiet tpm2_createek -c ekecc.ctx -G ecc -u ekecc.pub
quiet tpm2_flushcontext -t
quiet tpm2_createak -C ekecc.ctx -c under.ctx -G ecc -g sha256 -s ecdsa -u under.pub
quiet tpm2_flushcontext -t
quiet "$tool" make ekecc.pub under.pub secret blob3
activate under ekecc blob3 answer3 || fail "the TPM does not open the credential for its EC key"
expect 0 "" "$tool" check secret answer3
quiet "$tool" make ekecc.pub rsa.pub secret blob4
expect 1 "" "$tool" check secret blob
finish
