#!/bin/bash
# usage: policy_evidence_test.sh CASEMATE SOURCE_DIR: one policy over public evidence of every TEE: each is permitted by
# the rule for its kind, and what its attester only says of itself satisfies no rule. Skips where ../shared/vectors is not.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
v=$2/../shared/vectors/evidence
[ -d "$v" ] || { echo "SKIP no $v"; exit 77; }
v=$(cd "$v" && pwd)
cd "$work" || exit 1

cat > every << 'END'
version=1.2;
authorizationrules {
    ![type=="casemate.genuine", value==true] => deny();
    [type=="dbgstat", value=="enabled"] => deny();
    [type=="x-ms-attestation-type", value=="sgx"] && [type=="x-ms-sgx-is-debuggable", value==false] => permit();
    [type=="x-ms-attestation-type", value=="tdxvm"] && [type=="tdx_td_attributes_debug", value==false] => permit();
    [type=="x-ms-attestation-type", value=="sevsnpvm"] && [type=="x-ms-sevsnpvm-vmpl", value==0] && [type=="x-ms-sevsnpvm-migration-allowed", value==false] && ![type=="vtpm/tee"] => permit();
    [type=="x-ms-attestation-type", value=="sevsnpvm"] && [type=="vtpm/azure.secure_boot", value==true] && [type=="casemate.binding.cpu.vtpm", value=="pass"] => permit();
    [type=="tee", value=="nitro"] && [type=="casemate.authority.nitro.module_id", value=="hardware-signed"] => permit();
    [type=="tee", value=="tpm"] && [type=="tpm.selected.sha-256", value==66719] => permit();
    [type=="tee", value=="cca"] && [type=="cca.sw_version", value=="BL 3.4.2"] && [type=="realm/casemate.genuine", value==true] => permit();
    [type=="tee", value=="psa"] && [type=="psa.client_id", value==3002] => permit();
    [type=="nvidia.driver_version", value=="590.12"] => permit();
    [type=="gce.production", value==true] => permit();
};
issuancerules { m:[type=="measurements"] => issue(type="measured", value=m.value); };
END
printf 'version=1.0; authorizationrules { [type=="oemid", value=="Google"] => permit(); };' > said
printf 'version=1.0; authorizationrules { [type=="oemid", value=="Google", issuer=="CustomClaim"] => permit(); };' > asked
printf 'version=1.0; authorizationrules { [type=="x-ms-sevsnpvm-launchmeasurement", value=="00"] => permit(); };' > other

# rule STATUS LINE TIME FILE OPTION...: the policy's verdict, and the line of the rule that decided
rule() {
    local status=$1 line=$2 time=$3 file=$4
    shift 4
    expect "$status" "the rule of line $line" "$casemate" verify --policy every --time "$time" "$@" "$file"
}
s=$v/snp
milan=(--with "$s/_roots/ask_ark_milan.pem")
rule 0 7 2024-01-01T00:00:00Z "$s/virtee-milan-v2/report.bin" --with "$s/virtee-milan-v2/vcek.der" "${milan[@]}"
rule 0 7 2026-06-01T00:00:00Z "$s/ms-tav-turin/report.bin" --with "$s/ms-tav-turin/vcek.pem" --with "$s/_roots/ask_ark_turin_vcek.pem"
expect 8 '"x-ms-sevsnpvm-launchmeasurement" is' "$casemate" verify --policy other --time 2024-01-01T00:00:00Z \
    --with "$s/virtee-milan-v2/vcek.der" "${milan[@]}" "$s/virtee-milan-v2/report.bin"
rule 0 8 2026-01-01T00:00:00Z "$v/azure-vtpm/trustee-az-snp-evidence-v2/evidence.json" "${milan[@]}"
rule 0 9 2022-10-13T09:00:00Z "$v/nitro/evervault-2022-prod/doc.cbor"
rule 8 4 2022-10-12T14:00:00Z "$v/nitro/evervault-2022-debug/doc.cbor" --allow-debug
t=$v/tpm/own-swtpm-quotes
rule 0 10 1790000000 "$t/quote_rsa.msg" --key "$t/ak_rsa.pem" --with "$t/quote_rsa.sig" --with "$t/quote_rsa.pcrs"
pcr0=$("$casemate" verify --json --time 1790000000 --key "$t/ak_rsa.pem" --with "$t/quote_rsa.sig" --with "$t/quote_rsa.pcrs" \
    "$t/quote_rsa.msg" | grep -o '"value":"[0-9a-f]*","label":"pcr0"' | cut -d'"' -f4)
printf 'version=1.2; authorizationrules { c:[type=="pcrs"] => add(type="ok", value=JsonToClaimValue(JmesPath(c.value, "PCRs[?Index == `0`].Digests.SHA256 | @[0] == '"'%s'"'"))); [type=="ok", value==true] => permit(); };' \
    "$pcr0" > registers
expect 0 "permitted" "$casemate" verify --policy registers --time 1790000000 --key "$t/ak_rsa.pem" --with "$t/quote_rsa.sig" \
    --with "$t/quote_rsa.pcrs" "$t/quote_rsa.msg"
rule 0 11 1790000000 "$v/cca/rust-ccatoken/cca-token-01.cbor" --key "$v/cca/rust-ccatoken/ta-tfa.json"
rule 0 12 1790000000 "$v/psa/psatoken-tf-m/psa-2_0_0_sign1.bin" --key "$v/psa/psatoken-tf-m/public.pem"
rule 0 13 1790000000 "$v/nvidia/attestation-sdk/hopper_evidence.json"
gce=(--time 2023-01-01T00:00:00Z --with "$v/tpm/_gce_roots/tpm_ek_intermediate_2.crt" "$v/tpm/gce-cos85-no-nonce/attestation.pb")
expect 0 "the rule of line 14" "$casemate" verify --policy every "${gce[@]}"
expect 8 "nothing satisfies" "$casemate" verify --policy said "${gce[@]}" # nobody vouches for its maker's name
expect 0 "permitted" "$casemate" verify --policy asked "${gce[@]}"
# what is not genuine is not asked about
expect 4 "was not asked" "$casemate" verify --policy every --time 2024-01-01T00:00:00Z "${milan[@]}" \
    --with "$s/trustee-milan-v2-wrong-vcek-legacy-hwid/vcek.der" "$s/trustee-milan-v2-wrong-vcek-legacy-hwid/report.bin"
# Intel: every bundle that is good at its time
d=$v/../dcap
for file in "$d"/*/bundle-2*/expect.json; do
    dir=$(dirname "$file")
    time=$(sed -n 's/.*"time": *\([0-9]*\).*/\1/p' "$file" | head -1)
    want=$(sed -n 's/.* quote=\([A-Z_]*\).*/\1/p' "$file" | head -1)
    [ "$want" = STATUS_OK ] || continue
    case $file in *sgx*) line=5 ;; *) line=6 ;; esac
    rule 0 $line "$time" "$dir/quote.bin"
done
finish
