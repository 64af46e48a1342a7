#!/bin/bash
# usage: collect_live_test.sh CASEMATE: casemate attest with a software TPM, and what its files are worth.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
. "$(dirname "$0")/../tpm/swtpm.sh"
casemate=$1
cd "$work" || exit 1
start_tpm || exit 1
nonce=00112233445566778899aabbccddeeff
quiet() { "$@" > tool.log 2>&1 || fail "$* ($(tail -1 tool.log))"; }

# --- a quote by the key that the endorsement seed makes: the same key each time, and only for this TPM
expect 0 "verify with: casemate verify --format tpm --nonce $nonce" "$casemate" attest --nonce $nonce --from tpm --out a
expect 0 "wrote b.pcrs (768 bytes)" "$casemate" attest --nonce $nonce --from tpm --out b
cmp -s a.ak b.ak && ok || fail "another key"
expect 0 "GENUINE" "$casemate" verify --nonce $nonce --key a.ak --with pcrs:a.pcrs a
expect 5 "challenge" "$casemate" verify --nonce ff --key a.ak --with pcrs:a.pcrs a
expect 1 "attestation key" "$casemate" verify --nonce $nonce --with tpm-public:a.ak a
quiet tpm2_pcrextend "16:sha256=$(printf hello | sha256sum | cut -d' ' -f1)"
quiet "$casemate" attest --nonce $nonce --from tpm --out c
expect 5 "digest" "$casemate" verify --nonce $nonce --key a.ak --with pcrs:a.pcrs c
expect 0 "GENUINE" bash -c "'$casemate' attest --nonce $nonce --from tpm --out d && exec '$casemate' verify --nonce $nonce --key a.ak --with pcrs:d.pcrs d"

# --- a persistent key
quiet tpm2_createek -c ek.ctx -G rsa -u ek.pub
quiet tpm2_flushcontext -t
quiet tpm2_createak -C ek.ctx -c ak.ctx -G rsa -g sha256 -s rsassa -u ak.pub
quiet tpm2_flushcontext -t
quiet tpm2_evictcontrol -C o -c ak.ctx 0x81000003
quiet tpm2_flushcontext -t
expect 0 "wrote e.ak" "$casemate" attest --nonce $nonce --from tpm --ak 0x81000003 --out e
expect 0 "GENUINE" "$casemate" verify --nonce $nonce --key ak.pub --with pcrs:e.pcrs e
expect 1 "no key at 0x81000099" "$casemate" attest --nonce $nonce --from tpm --ak 0x81000099 --out f
[ -e f ] && fail "a file of what failed" || ok

# --- Azure's indices: the report follows the challenge, or nothing is written
expect 1 "no report at 0x01400001" "$casemate" attest --nonce $nonce --from azure --out g
user=$nonce$(printf '%096d' 0)
printf 'HCLA%s' "$(tr a-f A-F <<< "$user")" > report
truncate -s 2048 report
quiet tpm2_nvdefine 0x01400001 -C o -s 2048 -a "ownerread|ownerwrite|authread|authwrite"
quiet tpm2_nvwrite 0x01400001 -C o -i report
expect 0 "verify with: casemate verify --format azure-cvm" "$casemate" attest --nonce $nonce --from azure --out g
cmp -s g report && ok || fail "another report"
quiet tpm2_nvread 0x01400002 -C o -o user
[ "$(od -An -v -tx1 user | tr -d ' \n')" = "$user" ] && ok || fail "the challenge is not in its index"
expect 0 "GENUINE" "$casemate" verify --nonce $nonce --key ak.pub --with signature:g.sig --with pcrs:g.pcrs g.quote
expect 0 "azure-cvm" "$casemate" attest --nonce $nonce --out h # the first way that is here
expect 1 "does not take the challenge" "$casemate" attest --nonce ff --from azure --out i

# --- what cannot be
expect 1 "there is no TPM" env CASEMATE_TPM_TCTI=device:/nowhere "$casemate" attest --nonce $nonce --from tpm
expect 1 "cannot attest" env CASEMATE_TPM_TCTI=device:/nowhere "$casemate" attest --nonce $nonce
expect 1 "configfs-tsm" "$casemate" attest --nonce $nonce --from tsm
expect 1 "/dev/nsm" "$casemate" attest --nonce $nonce --from nsm
expect 2 "needs --nonce" "$casemate" attest --from tpm
expect 2 "not understood" "$casemate" attest --nonce xyz
expect 2 "not understood" "$casemate" attest --nonce "$user$user"
expect 2 "not understood" "$casemate" attest --nonce $nonce --from sgx
expect 2 "not understood" "$casemate" attest --nonce $nonce --ak 0x80000001
expect 2 "unknown option" "$casemate" attest --nonce $nonce --all x
expect 0 "Usage: casemate attest" "$casemate" attest --help
finish
