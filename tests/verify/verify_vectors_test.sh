#!/bin/bash
# usage: verify_vectors_test.sh CASEMATE SOURCE_DIR: `casemate verify` over public evidence of every TEE, with the
# verdict of each under the makers' roots; truncations are refused. Skips where ../shared/vectors is not.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
casemate=$1
v=$2/../shared/vectors/evidence
[ -d "$v" ] || { echo "SKIP no $v"; exit 77; }
v=$(cd "$v" && pwd)
cd "$work" || exit 1
rows=0

# what each format compares with; anything else that is given to be compared refuses the evidence
declare -A takes=([dcap]="eventlog" [snp]="signature firmware" [tpm]="signature pcrs eventlog tpm-public" [nitro]=""
    [azure-cvm]="signature pcrs eventlog quote firmware" [gce]="" [cca]="" [psa]="" [nvidia]="request")
echo junk > junk
passed_over() { # passed_over FILE OPTION...: once a format
    local file=$1 format kind option
    shift
    format=$("$casemate" verify --json "$@" "$file" | sed -n 's/.*"format":"\([a-z-]*\)".*/\1/p')
    [ -n "${takes[$format]+known}" ] || return 0
    for kind in signature pcrs eventlog tpm-public quote request firmware; do
        [[ " ${takes[$format]} " == *" $kind "* ]] && continue
        option=(--with "$kind:junk")
        [ "$kind" != firmware ] || option=(--firmware junk)
        expect 3 "FAIL  materials" "$casemate" verify "$@" "${option[@]}" "$file"
    done
    unset "takes[$format]"
}

# row STATUS TEXT TIME FILE OPTION...: the verdict, and what is printed with it. Of what is accepted: also as JSON,
# shown, within 80 columns, and refused when cut anywhere.
row() {
    local status=$1 text=$2 time=$3 file=$4 size n wide cuts mute
    shift 4
    rows=$((rows + 1))
    expect "$status" "$text" "$casemate" verify --time "$time" "$@" "$file"
    expect "$status" "\"exit_status\":$status" "$casemate" verify --json --time "$time" "$@" "$file"
    mute=$("$casemate" verify --time "$time" "$@" "$file" 2> /dev/null | grep -E '^  (pass|FAIL|-|n/a) +[a-z_.0-9]+ *$')
    [ -z "$mute" ] && ok || fail "$file: checks without a word on what they ask: $mute"
    [ "$status" -eq 0 ] || return 0
    passed_over "$file" --time "$time" "$@"
    expect 0 "NOTHING HERE IS VERIFIED" "$casemate" evidence show "$file"
    wide=$({ "$casemate" verify --time "$time" "$@" "$file"; "$casemate" evidence show "$file"; } | awk 'length > 80' | sort -u | head -3)
    [ -z "$wide" ] && ok || fail "$file: beyond 80 columns: $wide"
    size=$(stat -c %s "$file")
    cuts="0 1 7 40 $((size / 3)) $((size / 2)) $((size - size / 8))"
    [ -z "$(tail -c 64 "$file" | tr -d '\0')" ] || cuts+=" $((size - 3))" # but within padding
    for n in $cuts; do
        head -c "$n" "$file" > cut
        "$casemate" verify --time "$time" "$@" cut > cut.out 2>&1 && fail "$file: cut to $n of $size bytes, and accepted" || ok
    done
}

# --- chains that end in a root of --root, which need not be given again
r=$v/snp/_roots
awk -v n=0 '/BEGIN/ { n++ } { print > ("milan" n ".pem") }' "$r/ask_ark_milan.pem"
expect 0 "GENUINE" "$casemate" verify --time 2024-01-01T00:00:00Z --root milan2.pem --with milan1.pem \
    --with "$v/snp/virtee-milan-v2/vcek.der" "$v/snp/virtee-milan-v2/report.bin"
expect 0 "GENUINE" "$casemate" verify --time 2024-01-01T00:00:00Z --root milan2.pem --with "$v/snp/virtee-milan-v2/vcek.der" \
    --with milan1.pem "$v/snp/virtee-milan-v2/report.bin"
awk -v n=0 '/BEGIN/ { n++ } { print > ("genoa" n ".pem") }' "$r/ask_ark_genoa.pem"
expect 1 "FAIL  snp.chain" "$casemate" verify --time 2024-01-01T00:00:00Z --root genoa2.pem --with milan1.pem \
    --with "$v/snp/virtee-milan-v2/vcek.der" "$v/snp/virtee-milan-v2/report.bin"
expect 1 "FAIL  snp.vek" "$casemate" verify --time 2024-01-01T00:00:00Z --root milan2.pem "$v/snp/virtee-milan-v2/report.bin"

# --- floors that a caller writes himself
floors() { echo "{\"version\": 1, \"floors\": {$1}}" > floors.json; }
snp=("$casemate" verify --time 2024-01-01T00:00:00Z --with "$r/ask_ark_milan.pem" --with "$v/snp/virtee-milan-v2/vcek.der"
    --floors floors.json "$v/snp/virtee-milan-v2/report.bin")
floors '"snp.tcb.microcode": 1, "snp.guest_svn": 0'
expect 0 "GENUINE" "${snp[@]}"
floors '"snp.tcb.microcode": 256'
expect 8 "FAIL  snp.tcb_floor" "${snp[@]}"
floors '"snp.guest_svn": 4294967296'
expect 8 "FAIL  snp.tcb_floor" "${snp[@]}"
floors '"snp.guest_svn": 1.5'
expect 1 "floors.json" "${snp[@]}"
floors '"snp.guest_svn": 1, "snp.guest_svn": 0'
expect 1 "floors.json" "${snp[@]}"

# --- AMD SEV-SNP
s=$v/snp
milan=(--with "$s/_roots/ask_ark_milan.pem")
genoa=(--with "$s/_roots/ask_ark_genoa.pem")
turin=(--with "$s/_roots/ask_ark_turin_vcek.pem")
row 0 "GENUINE" 2024-01-01T00:00:00Z "$s/virtee-milan-v2/report.bin" --with "$s/virtee-milan-v2/vcek.der" "${milan[@]}"
row 0 "GENUINE" 2024-01-01T00:00:00Z "$s/virtee-milan-v2/report.hex" --with "$s/virtee-milan-v2/vcek.der" "${milan[@]}"
row 0 "GENUINE" 2024-01-01T00:00:00Z "$s/trustee-milan-v2/report.bin" --with "$s/trustee-milan-v2/vcek.der" "${milan[@]}"
row 4 "FAIL  snp.signature" 2024-01-01T00:00:00Z "$s/trustee-milan-v2-wrong-vcek-legacy-hwid/report.bin" \
    --with "$s/trustee-milan-v2-wrong-vcek-legacy-hwid/vcek.der" "${milan[@]}"
row 0 "GENUINE" 2025-06-01T00:00:00Z "$s/trustee-aws-vlek-v3/report.bin" --with "$s/trustee-aws-vlek-v3/vlek.der" \
    --with "$s/_roots/ask_ark_milan_vlek.pem"
row 6 "FAIL  snp.chain_validity" 2026-11-22T00:00:00Z "$s/trustee-aws-vlek-v3/report.bin" \
    --with "$s/trustee-aws-vlek-v3/vlek.der" --with "$s/_roots/ask_ark_milan_vlek.pem" # VLEKs live one year
row 0 "GENUINE" 2026-06-01T00:00:00Z "$s/ms-tav-milan/report.bin" --with "$s/ms-tav-milan/vcek.pem" "${milan[@]}"
row 0 "GENUINE" 2026-06-01T00:00:00Z "$s/ms-tav-turin/report.bin" --with "$s/ms-tav-turin/vcek.pem" "${turin[@]}"
row 0 "GENUINE" 2026-06-01T00:00:00Z "$s/oak-milan_oc_release/report.bin" --with "$s/oak-milan_oc_release/vcek.der" "${milan[@]}"
row 0 "GENUINE" 2026-06-01T00:00:00Z "$s/oak-genoa_oc/report.bin" --with "$s/oak-genoa_oc/vcek.der" "${genoa[@]}"
row 0 "GENUINE" 2026-06-01T00:00:00Z "$s/cai-genoa-v5-bergamo/report.bin" --with "$s/cai-genoa-v5-bergamo/vcek.der" \
    "${genoa[@]}" --report-data "$(printf hello-attestation | od -An -tx1 | tr -d ' \n')"
row 5 "FAIL  nonce" 2026-06-01T00:00:00Z "$s/cai-genoa-v5-bergamo/report.bin" --with "$s/cai-genoa-v5-bergamo/vcek.der" \
    "${genoa[@]}" --report-data 00
row 8 "REFUSED" 2026-06-01T00:00:00Z "$s/oak-genoa_oc/report.bin" --with "$s/oak-genoa_oc/vcek.der" "${genoa[@]}" \
    --root "$v/nitro/_root/aws_nitro_root_g1.pem" # trusted for anything, and not who signed
row 1 "FAIL  snp" 2026-06-01T00:00:00Z "$s/oak-genoa_oc/report.bin" # nothing beside it is taken unasked

# --- AWS Nitro Enclaves: leaves live three hours
n=$v/nitro
row 0 "GENUINE" 2022-10-13T09:00:00Z "$n/evervault-2022-prod/doc.cbor"
row 6 "FAIL  nitro.chain_validity" 2022-10-13T12:00:00Z "$n/evervault-2022-prod/doc.cbor"
row 8 "FAIL  debug" 2022-10-12T14:00:00Z "$n/evervault-2022-debug/doc.cbor"
row 0 "GENUINE" 2022-10-12T14:00:00Z "$n/evervault-2022-debug/doc.cbor" --allow-debug

# --- TPM quotes
t=$v/tpm/own-swtpm-quotes
nonce=$(tr -d '\n' < "$t/nonce.hex")
for kind in rsa:rsa ecc:ecc pss:pss e384:e384 multi:rsa; do
    q=${kind%:*}
    row 0 "GENUINE" 1790000000 "$t/quote_$q.msg" --key "$t/ak_${kind#*:}.pem" --with "$t/quote_$q.sig" \
        --with "$t/quote_$q.pcrs" --nonce "$nonce"
done
row 5 "FAIL  nonce" 1790000000 "$t/quote_rsa.msg" --key "$t/ak_rsa.pem" --with "$t/quote_rsa.sig" --with "$t/quote_rsa.pcrs" --nonce 00
row 3 "FAIL  tpm.attest" 1790000000 "$t/bad.msg" --key "$t/ak_rsa.pem" --with "$t/quote_rsa.sig" --with "$t/quote_rsa.pcrs"
row 4 "FAIL  tpm.ak" 1790000000 "$t/quote_rsa.msg" --key "$t/ak_pss.pem" --with "$t/quote_rsa.sig" --with "$t/quote_rsa.pcrs"
t=$v/tpm/own-qemu-ovmf-nosb
row 0 "GENUINE" 1790000000 "$t/q.msg" --key "$t/ak.pem" --with "signature:$t/q.sig" --with "pcrs:$t/q.pcrs" --with "$t/binary_bios_measurements"
row 0 "GENUINE" 1790000000 "$t/qe.msg" --key "$t/ake.pem" --with "$t/qe.sig" --with "pcrs:$t/qe.pcrs" --with "$t/binary_bios_measurements"
t=$v/tpm/own-neg-selection-shift # the twelfth value is PCR 16's and not PCR 11's
expect 0 '"label":"pcr16"' "$casemate" verify --json --key "$t/ak3.pem" --with "signature:$t/shift.sig" --with "pcrs:$t/shift.pcrs" "$t/shift.msg"
"$casemate" verify --json --key "$t/ak3.pem" --with "signature:$t/shift.sig" --with "pcrs:$t/shift.pcrs" "$t/shift.msg" | grep -q '"label":"pcr11"' &&
    fail "a resettable register was read as PCR 11" || ok
t=$v/tpm/own-neg-unrestricted-key
row 8 "FAIL  tpm.ak_attributes" 1790000000 "$t/q2.msg" --key "$t/u3.pub" --with "signature:$t/q2_forged_by_unrestricted.sig" --with "pcrs:$t/q2.pcrs"

# --- Azure: SNP or TDX below a virtual TPM
a=$v/azure-vtpm
challenge=$(printf challenge | od -An -tx1 | tr -d ' \n')
row 0 "GENUINE" 2026-01-01T00:00:00Z "$a/trustee-az-snp-evidence-v0/evidence.json" "${milan[@]}" --nonce "$challenge"
row 0 "GENUINE" 2026-01-01T00:00:00Z "$a/trustee-az-snp-evidence-v2/evidence.json" "${milan[@]}"
row 0 "GENUINE" 2026-01-01T00:00:00Z "$a/trustee-az-snp-evidence-genoa/evidence.json" "${genoa[@]}"
row 0 "GENUINE" 2026-01-01T00:00:00Z "$a/cai-az-snp-milan-v3/evidence.json" "${milan[@]}"
row 5 "FAIL  nonce" 2026-01-01T00:00:00Z "$a/cai-az-snp-milan-v3/evidence.json" "${milan[@]}" --nonce 00 # its nonce is empty
row 5 "FAIL  nonce" 2026-01-01T00:00:00Z "$a/trustee-az-snp-evidence-v0/evidence.json" "${milan[@]}" --nonce 00
row 0 "GENUINE" 2024-01-01T00:00:00Z "$a/trustee-az-snp-hcl/hcl-report.bin" --with "$a/trustee-az-snp-hcl/vcek.pem" \
    --with "quote:$a/trustee-az-snp-hcl/tpm-quote-v1.json" "${milan[@]}"
for d in trustee-az-snp-evidence-v0 trustee-az-snp-evidence-genoa; do # the same in files
    row 0 "GENUINE" 2026-01-01T00:00:00Z "$a/$d/hcl_report.bin" --with "$a/$d/vcek.pem" --with "quote:$a/$d/tpm_quote.msg" \
        --with "signature:$a/$d/tpm_quote.sig" --with "pcrs:$a/$d/pcrs_sha256_24x32.bin" "${milan[@]}" "${genoa[@]}"
done
row 1 "FAIL  collateral" 2026-01-01T00:00:00Z "$a/trustee-az-tdx/evidence-v1.json" # TDX collateral is not there
row 1 "FAIL  azure.td_quote" 2026-01-01T00:00:00Z "$a/kinvolk-tdx-hcl/hcl-report.bin" # a TD report proves nothing elsewhere

# --- Google: the key's certificate is by one of two older signers, which are trusted by their keys
g=$v/tpm/gce-cos85-no-nonce/attestation.pb
row 0 "GENUINE" 2023-01-01T00:00:00Z "$g" --with "$v/tpm/_gce_roots/tpm_ek_intermediate_2.crt"
row 5 "FAIL  nonce" 2023-01-01T00:00:00Z "$g" --with "$v/tpm/_gce_roots/tpm_ek_intermediate_2.crt" --nonce 00 # it has none
row 6 "FAIL  gce.chain_validity" 2021-01-01T00:00:00Z "$g" --with "$v/tpm/_gce_roots/tpm_ek_intermediate_2.crt"
row 1 "FAIL  gce.chain" 2023-01-01T00:00:00Z "$g" --with "$v/tpm/_gce_roots/gcp_ek_ak_ca_root.crt"

# --- Arm CCA and PSA
c=$v/cca/rust-ccatoken
row 0 "GENUINE" 1790000000 "$c/cca-token-01.cbor" --key "$c/ta-tfa.json"
row 1 "FAIL  cca.signature" 1790000000 "$c/cca-token-01.cbor" --key "$c/ta.json" # another device's key
row 0 "GENUINE" 1790000000 "$c/cca-token-02.cbor" --key "$c/ta-02-ok.json"
row 3 "FAIL  cca.signature" 1790000000 "$c/cca-token-02.cbor" --key "$c/ta-02-bad.json" # a point that is not on the curve
row 0 "GENUINE" 1790000000 "$c/cca-token-draft-ffm-00.cbor" --key "$c/cpak.json"
row 5 "FAIL  cca.binding" 1790000000 "$c/bug-33-repro.cbor" --key "$c/ta-tfa.json" # both signatures are good
row 0 "GENUINE" 1790000000 "$v/cca/ccatoken-tf-rmm/cca_token.cbor" --key "$v/cca/ccatoken-tf-rmm/cca_platform.pub"
p=$v/psa/psatoken-tf-m
row 0 "GENUINE" 1790000000 "$p/psa-2_0_0_sign1.bin" --key "$p/public.pem"
row 0 "GENUINE" 1790000000 "$p/psa-iot-1_sign1.bin" --key "$p/public.pem"
row 3 "FAIL  psa.signature" 1790000000 "$p/psa-2_0_0_mac0.bin" --key "$p/public.pem" # who checks a MAC can make it
row 3 "FAIL  psa.signature" 1790000000 "$p/psa-iot-1_mac0.bin" --key "$p/public.pem"
row 1 "FAIL  psa.signature" 1790000000 "$p/psa-2_0_0_sign1.bin" # nobody's key is trusted unasked

# --- what is no evidence
for f in gcp-oidc/oak/claims.json ccel/trustee/CCEL_data_ovmf azure-maa/ms-sample/sampleAttestationToken.json \
    cca/rust-ccatoken/realm-claims.cbor nvidia/cai-nras-x5c/nras_gpu_x5c_chain.json; do
    expect 3 "no evidence that is known" "$casemate" verify "$v/$f"
done

# --- NVIDIA
for f in hopper_evidence hopper_evidence_cert_hold multi_gpu_hopper switch_evidence_ls10 multi_switch_ls10; do
    row 0 "has put a certificate on hold" 1790000000 "$v/nvidia/attestation-sdk/$f.json"
done
row 8 "FAIL  nvidia.root" 1790000000 "$v/nvidia/attestation-sdk/hopper_evidence.json" --root "$v/nvidia/_roots/nvidia_rim_root.pem"

# --- Intel: each bundle with the time and the verdict that its file of expectations states
d=$v/../dcap
for file in "$d"/*/bundle-2*/expect.json; do
    time=$(sed -n 's/.*"time": *\([0-9]*\).*/\1/p' "$file" | head -1)
    want=$(sed -n 's/.* quote=\([A-Z_]*\).*/\1/p' "$file" | head -1)
    case $want in
    STATUS_OK) status=0 text=GENUINE ;;
    STATUS_TCB_NOT_SUPPORTED) status=5 text="FAIL  tcb.status" ;;
    *) status=8 text="FAIL  tcb.status" ;;
    esac
    row "$status" "$text" "$time" "$(dirname "$file")/quote.bin" --allow-debug
done

[ ${#takes[@]} -eq 0 ] && ok || fail "formats without accepted evidence here: ${!takes[*]}"
echo "$rows rows"
finish
