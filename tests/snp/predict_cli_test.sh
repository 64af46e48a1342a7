#!/bin/bash
# casemate predict snp: digests that others state, Debian's firmware, and what is refused.
set -u
casemate=$1
vectors=../shared/vectors/evidence/snp/virtee-idblock
failures=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# expect STATUS TEXT ARGUMENTS...: the exit status, and a piece of what is printed
expect() {
    local want=$1 text=$2 out status
    shift 2
    out=$("$casemate" predict "$@" 2>&1)
    status=$?
    if [ "$status" -ne "$want" ] || ! grep -qF -- "$text" <<< "$out"; then
        echo "casemate predict $*: $status, wanted $want and \"$text\":"
        echo "$out"
        failures=$((failures + 1))
    fi
}

: > "$dir/empty"
head -c 4096 /dev/zero > "$dir/zero"
if [ -e "$vectors/ovmf_AmdSev_suffix.bin" ]; then
    f=$vectors/ovmf_AmdSev_suffix.bin
    expect 0 6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa \
        snp --firmware "$f" --vcpus 1 --vcpu-type EPYC-v4 --kernel "$dir/empty" --initrd "$dir/empty" \
        --append "console=ttyS0 loglevel=7"
    expect 0 '{"measurement":"4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942"}' \
        snp --firmware "$f" --vcpus 4 --vcpu-sig 0x800f12 --kernel "$dir/empty" --features 0x21 --json
    expect 0 6ae80856486b1396af8c82a40351d6ed76a20c785e9c7fa4ffa27c22d5d6313b4b3b458cd3c9968e6f89fb5d8450d7a6 \
        snp --firmware "$f" --vcpus 1 --vcpu-type EPYC-v4 --kernel "$dir/empty" --features 0x21 --vmm ec2
    expect 1 "does not check hashes" snp --firmware "$vectors/ovmf_OvmfX64_suffix.bin" --vcpus 1 \
        --vcpu-type EPYC-v4 --kernel "$dir/empty"
fi
# Debian's own firmware, of which nobody states a digest: it has metadata, and no hash table
if [ -e /usr/share/ovmf/OVMF.fd ]; then
    one=$("$casemate" predict snp --firmware /usr/share/ovmf/OVMF.fd --vcpus 1 --vcpu-type EPYC-Milan)
    two=$("$casemate" predict snp --firmware /usr/share/ovmf/OVMF.fd --vcpus 2 --vcpu-type EPYC-Milan)
    if [ ${#one} -ne 96 ] || [ ${#two} -ne 96 ] || [ "$one" = "$two" ]; then
        echo "Debian's OVMF: \"$one\", \"$two\""
        failures=$((failures + 1))
    fi
    expect 1 "no SEV metadata" snp --firmware /usr/share/OVMF/OVMF_CODE_4M.fd --vcpus 1 --vcpu-type EPYC
fi
expect 1 "not an OVMF image" snp --firmware "$dir/zero" --vcpus 1 --vcpu-type EPYC-v4
expect 1 "whole pages" snp --firmware "$dir/empty" --vcpus 1 --vcpu-type EPYC-v4
expect 1 nothing-there snp --firmware "$dir/nothing-there" --vcpus 1 --vcpu-type EPYC-v4
expect 2 "EPYC-Milan" snp --firmware "$dir/zero" --vcpus 1 --vcpu-type Skylake
expect 2 "needs --firmware" snp --vcpus 1 --vcpu-type EPYC-v4
expect 2 "needs --firmware" snp --firmware "$dir/zero" --vcpus 1
expect 2 "needs --firmware" snp --firmware "$dir/zero" --vcpus 1 --vcpu-type EPYC --vcpu-sig 1
expect 2 "not understood: --vcpus" snp --firmware "$dir/zero" --vcpus 0 --vcpu-type EPYC
expect 2 "not understood: --vcpus" snp --firmware "$dir/zero" --vcpus 1x --vcpu-type EPYC
expect 2 "not understood: --vmm" snp --firmware "$dir/zero" --vmm hyperv
expect 2 "with a --kernel only" snp --firmware "$dir/zero" --vcpus 1 --vcpu-type EPYC --append a
expect 2 "predict snp" tdx
expect 0 "Usage: casemate predict snp" snp --help
[ "$failures" -eq 0 ] && echo "predict: all as expected"
exit $((failures != 0))
