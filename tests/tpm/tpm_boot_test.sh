#!/bin/bash
# usage: tpm_boot_test.sh CASEMATE: a machine of QEMU's boots OVMF and Debian's kernel over a software TPM, attests
# inside with casemate attest, and is verified outside: quote, values, and the log of a real boot.
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
. "$(dirname "$0")/swtpm.sh"
casemate=$1
kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -1)
for f in "$kernel" /usr/share/OVMF/OVMF_CODE_4M.fd /usr/share/OVMF/OVMF_VARS_4M.fd /bin/busybox "$(command -v qemu-system-x86_64)"; do
    if [ ! -f "$f" ]; then
        echo "skip: '$f' is not here: scripts/bootstrap installs what this needs"
        exit 77
    fi
done
cd "$work" || exit 1
nonce=0f1e2d3c4b5a69788796a5b4c3d2e1f0

# --- an initrd with casemate, what it is linked with, and busybox
mkdir -p initrd/{bin,dev,proc,sys,tmp,lib64} boot
cp /bin/busybox initrd/bin/
cp "$casemate" initrd/bin/casemate
{
    ldd "$casemate" | grep -o '/[^ ]*'
    for l in libtss2-esys.so.0 libtss2-tctildr.so.0 libtss2-mu.so.0 libtss2-tcti-device.so.0; do
        ldconfig -p | sed -n "s/.*$l .*x86-64.* => //p" | head -1
    done
} | sort -u > libraries
while read -r l; do ldd "$l" | grep -o '/[^ ]*'; done < libraries | sort -u >> libraries
sort -u libraries | while read -r l; do
    mkdir -p "initrd$(dirname "$l")"
    cp -L "$l" "initrd$l"
done
cat > initrd/init << EOF
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t securityfs none /sys/kernel/security
cd /tmp
LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu /bin/casemate attest --nonce $nonce --out e
echo
for f in e e.pcrs e.ak e.eventlog; do
    echo "FILE \$f"
    /bin/busybox base64 \$f
    echo "END"
done
/bin/busybox poweroff -f
EOF
chmod +x initrd/init
(cd initrd && find . | cpio -o -H newc 2> /dev/null | gzip -1) > initrd.gz

# --- the machine
start_state boot || exit 1
swtpm socket --tpm2 --tpmstate dir="$work/boot" --ctrl type=unixio,path="$work/boot/socket.ctrl" --terminate &
tpm_pid=$!
for ((i = 0; i < 100; i++)); do
    [ -S boot/socket.ctrl ] && break
    read -r -t 0.1 <> <(:) || true
done
cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd
timeout 80 qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 512 -display none -no-reboot -nodefaults -net none \
    -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
    -drive if=pflash,format=raw,unit=1,file=vars.fd \
    -chardev socket,id=tpm,path="$work/boot/socket.ctrl" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-crb,tpmdev=tpm0 \
    -kernel "$kernel" -initrd initrd.gz -append "console=ttyS0 quiet panic=-1 casemate.test=1" \
    -serial file:serial.log > qemu.log 2>&1
rc=$?
[ "$rc" -eq 0 ] && ok || fail "qemu ended with $rc: $(tail -3 qemu.log serial.log)"
tr -d '\r' < serial.log > serial.txt
for f in e e.pcrs e.ak e.eventlog; do
    sed -n "/^FILE ${f//./\\.}\$/,/^END\$/p" serial.txt | sed '1d;$d' | base64 -d > "$f" 2> /dev/null
    [ -s "$f" ] && ok || fail "$f did not come out of the machine: $(grep -a casemate serial.txt | tail -3)"
done

# --- verified outside
verify=("$casemate" verify --key e.ak --with pcrs:e.pcrs --with eventlog:e.eventlog --nonce)
expect 0 "GENUINE" "${verify[@]}" $nonce e
expect 5 "challenge" "${verify[@]}" 00 e
"${verify[@]}" $nonce --json e > e.json
claim() { grep -o "{\"name\":\"$1\"[^}]*}" e.json | head -1; }
[[ $(claim tpm.secure_boot) == *hardware* ]] && ok || fail "secure boot's state: $(claim tpm.secure_boot)"
[[ $(grep -o '"name":"tpm.event_log","[^}]*}' e.json) == *pass* ]] && ok || fail "the log does not lead to the quote"

# --- a policy that looks into the log: this firmware's variables say that secure boot is off
policy() { # policy VALUE: permit only if the log has exactly one state of secure boot, and it is VALUE
    cat > boot.policy << END
version=1.2;
authorizationrules {
  c:[type=="events", issuer=="AttestationService"] => add(type="v", value=JmesPath(c.value,
    "Events[?EventTypeString == 'EV_EFI_VARIABLE_DRIVER_CONFIG' && ProcessedData.VariableGuid == '8BE4DF61-93CA-11D2-AA0D-00E098032B8C']"));
  c:[type=="v"] => add(type="ok", value=JsonToClaimValue(JmesPath(c.value,
    "[?ProcessedData.UnicodeName == 'SecureBoot'] | length(@) == \`1\` && @[0].ProcessedData.VariableData == '$1'")));
  [type=="ok", value==true] => permit();
};
END
}
policy AA
expect 0 "GENUINE" "${verify[@]}" $nonce --policy boot.policy e
policy AQ
expect 8 "policy" "${verify[@]}" $nonce --policy boot.policy e

# --- the log of another boot, and one that was edited
cp e.eventlog edited
printf '\x01' | dd of=edited bs=1 seek=$(($(stat -c %s edited) / 2)) conv=notrunc 2> /dev/null
cmp -s edited e.eventlog && printf '\x02' | dd of=edited bs=1 seek=$(($(stat -c %s edited) / 2)) conv=notrunc 2> /dev/null
verdict=$("$casemate" verify --key e.ak --with pcrs:e.pcrs --with eventlog:edited --nonce $nonce --json e)
rc=$?
# a digest: refused; a text: no more than a hint
if [ "$rc" -ne 0 ] || [ "$(grep -o hardware <<< "$verdict" | wc -l)" -le "$(grep -o hardware e.json | wc -l)" ]; then ok; else fail "an edited log is believed"; fi
finish
