#!/bin/bash
# usage: serve_test.sh BUILD: `casemate serve` as a person and systemd run it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=$1
. tests/expect.sh
. tests/serve/serve.sh

# --- what is wrong is said before anything is made
expect 2 "unknown option --lisen" "$casemate" serve --lisen 1
expect 2 "no such setting" env CASEMATE_SERVE_LISEN=1 "$casemate" serve
expect 2 "absolute" "$casemate" serve --state relative
printf 'listen = 127.0.0.1:0\nworker = 4\n' > "$work/bad.conf"
expect 1 "bad.conf:2: unknown key worker" "$casemate" serve --config "$work/bad.conf"
expect 2 "needs to be told what" "$casemate" serve backup
expect 2 "unknown word" "$casemate" serve frobnicate
expect 0 "--vault-domain DOMAIN" "$casemate" serve --help
make_cert() { # make_cert NAME: key.pem and cert.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -addext subjectAltName=DNS:localhost -keyout "$work/key.pem.new" -out "$work/cert.pem.new" 2> /dev/null
    chmod 600 "$work/key.pem.new"
    mv "$work/key.pem.new" "$work/key.pem" && mv "$work/cert.pem.new" "$work/cert.pem"
}
make_cert other && mv "$work/key.pem" "$work/other.pem" && make_cert first
mistake() { # mistake STATUS TEXT OPTION...
    expect "$1" "$2" "$casemate" serve --state "$state" --listen 127.0.0.1:0 "${@:3}"
}
mistake 2 "the public URL is" --public-url https://vault.test:99999
mistake 2 "the public URL is" --public-url https://vault.test:0
mistake 2 "the public URL is" --public-url https://vault.test:
mistake 2 "the public URL is" --public-url "https://[::1]x"
mistake 2 "no host name" --public-url "https://va(u)lt.test"
mistake 2 "no host name" --host "a,b"
mistake 2 "no host name" --vault-domain "va ult.test"
mistake 2 "Foo is no status" --accept-tcb OutOfDate,Foo
mistake 2 "/sgx/certification/v4" --pccs-url https://pccs.test
mistake 2 "https" --kds-url ftp://kds.test
mistake 1 "none.pem" --tls-cert "$work/none.pem" --tls-key "$work/key.pem"
mistake 2 "not the certificate's private key" --tls-cert "$work/cert.pem" --tls-key "$work/other.pem"
mistake 2 "not a chain in PEM" --tls-cert "$work/key.pem" --tls-key "$work/key.pem"
[ ! -e "$state" ] && [ ! -e "$CASEMATE_STATE_DIR/service" ] && ok || fail "a refused start made a folder"


# --- the packaged configuration names the unit's folder, for commands that systemd does not run
grep -qx "state = /var/lib/casemate" deploy/systemd/serve.conf && ok || fail "a backup by serve.conf would be of another store"
grep -qx "StateDirectory=casemate" deploy/systemd/casemate.service && ok || fail "the unit's folder has another name"

# --- roots of trust
expect 2 "trust-root is FAMILY:FILE" "$casemate" serve --trust-root "$work/ca.pem"
expect 2 "trust-root is FAMILY:FILE" "$casemate" serve --trust-root "toaster:$work/ca.pem"

# --- for development: what it prints works when it is copied
echo "grace = 5" > "$work/dev.conf"
begin --dev --log json --config "$work/dev.conf"
expect 0 '"emulated":true' ask /health
expect 0 '"status":"ready"' ask /ready
grep -q "EMULATED" "$work/out" && ok || fail "it does not say EMULATED: $(cat "$work/out")"
says_log "EMULATED evidence counts here"
expect 0 '"status":"ready"' bash -c "$(grep '^curl ' "$work/out") --noproxy '*' -sS"
if command -v node > /dev/null && [[ "$(node -p 'process.versions.node.split(".")[0] >= 18')" = true ]]; then
    script=$(grep '^NODE_EXTRA' "$work/out")
    expect 0 "1 keys" bash -c "$script"
fi
for file in setup-code dev-token root.key store.db; do
    [ "$(stat -c %a "$state/$file")" = 600 ] && ok || fail "others may read $file"
done
[ "$(stat -c %a "$state")" = 700 ] && ok || fail "others may look into the state folder"

# --- row I6: neither log nor output holds a token or code
for secret in "$(cat "$state/dev-token")" "$(cat "$state/setup-code")"; do
    ! grep -qF -- "$secret" "$work/log" "$work/out" && ok || fail "a secret in log or output"
done

# --- who may read the metrics
expect 0 "401" ask /metrics
expect 0 'casemate_info{version=' ask /metrics -H "Authorization: Bearer $(cat "$state/dev-token")"

# --- only signed policies, set up as an admin does it
as_admin=(-H "Authorization: Bearer $(cat "$state/dev-token")" -H 'Content-Type: application/json')
expect 0 "409" ask /api/v1/settings/policies "${as_admin[@]}" -X PUT -d '{"approval":false,"signed":true}'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=signer -days 2 \
    -addext basicConstraints=critical,CA:TRUE -keyout "$work/signer.key" -out "$work/signer.pem" 2> "$work/said"
printf '{"certificate":"%s"}' "$(sed 's/$/\\n/' "$work/signer.pem" | tr -d '\n')" > "$work/signer.json"
expect 0 '"thumbprint":"' ask /api/v1/settings/policies/certificates "${as_admin[@]}" -d "@$work/signer.json"
expect 0 "409" ask /api/v1/settings/policies/certificates "${as_admin[@]}" -d "@$work/signer.json"
expect 0 '"outcome":"active"' ask /api/v1/settings/policies "${as_admin[@]}" -X PUT -d '{"approval":false,"signed":true}'
expect 0 '"certificates":1' ask /api/v1/settings/policies "${as_admin[@]}"

# --- roots of trust, beside the makers'
expect 1 "none.pem: No such file" "$casemate" serve --listen 127.0.0.1:0 --state "$work/rooted" --trust-root "tpm:$work/none.pem"
expect 1 "trust-root tpm:$work/signer.key is not one root certificate" \
    "$casemate" serve --listen 127.0.0.1:0 --state "$work/rooted" --trust-root "tpm:$work/signer.key"

# --- nobody else gets its folder or its port
expect 1 "another service has the state folder" "$casemate" serve --listen 127.0.0.1:0 --state "$state"
expect 1 "Address already in use" "$casemate" serve --listen "127.0.0.1:${url##*:}" --state "$work/other"

# --- a backup while it runs, and a store of it
expect 0 "backed up to" "$casemate" serve backup "$work/backup" --state "$state"
[ "$(stat -c %a "$work/backup")" = 600 ] && ok || fail "others may read the backup"
expect 0 "restored to" "$casemate" serve restore "$work/backup" --state "$work/restored"
if [ "$(id -u)" = 0 ]; then # as an operator does it for a service that runs as somebody else
    chmod 711 "$work" && mkdir -m 700 "$work/theirs" && chown 12345:12345 "$work/theirs"
    expect 1 "Permission denied" "$casemate" serve restore "$work/backup" --state "$work/theirs"
    cp "$work/backup" "$work/theirs.db" && chown 12345 "$work/theirs.db"
    # it is made as them: a link of theirs leads root nowhere
    ln -s "$work/elsewhere" "$work/theirs/store.db"
    expect 1 "" "$casemate" serve restore "$work/theirs.db" --state "$work/theirs"
    [ ! -e "$work/elsewhere" ] && ok || fail "root wrote where the service's user wanted it"
    rm "$work/theirs/store.db"
    expect 0 "restored to" "$casemate" serve restore "$work/theirs.db" --state "$work/theirs"
    [ "$(stat -c %u:%g "$work/theirs/store.db")" = 12345:12345 ] && ok || fail "the service cannot open what root restored"
fi
expect 1 "there is a store already" "$casemate" serve restore "$work/backup" --state "$work/restored"
expect 1 "no backup" "$casemate" serve restore "$work/out" --state "$work/none"

# --- a reload, whose log and TLS certificate change with what has changed only, and the end
served_cert() { openssl s_client -connect "127.0.0.1:${url##*:}" < /dev/null 2> /dev/null | openssl x509; }
cert=$(served_cert)
kill -HUP "$pid"
says_log "the configuration was read again"
echo "grase = 5" > "$work/dev.conf"
kill -HUP "$pid"
says_log "the configuration stays as it was"
echo "accept-tcb = Foo" > "$work/dev.conf"
kill -HUP "$pid"
says_log "Foo is no status that can be accepted"
echo "workers = 7" > "$work/dev.conf"
kill -HUP "$pid"
says_log '"needs_a_restart":"workers"'
[ -n "$cert" ] && [ "$(served_cert)" = "$cert" ] && ok || fail "a reload made another certificate"
! grep -qF "the TLS certificate has changed" "$work/log" && ok || fail "a reload says that the certificate has changed"
[ "$(grep -cF needs_a_restart "$work/log")" = 1 ] && ok || fail "a reload names nothing that needs a restart"
expect 0 '"status":"ok"' ask /health
old_token=$(cat "$state/dev-token")
expect 0 "200" ask /metrics -H "Authorization: Bearer $old_token"
end TERM
[ "$rc" -eq 0 ] && ok || fail "SIGTERM: exit status $rc"
says_log '"event":"ending"'

# --- row I7: a restart keeps the authority that clients trust, and from the restored store with its root key
first=$(cat "$state/ca.pem")
begin --dev
[ "$(cat "$state/ca.pem")" = "$first" ] && ok || fail "a restart made another authority"
end INT
[ "$rc" -eq 0 ] && ok || fail "SIGINT: exit status $rc"
expect 1 "root.key" "$casemate" serve --state "$work/restored" --listen 127.0.0.1:0
cp -p "$state/root.key" "$work/restored/"
mv "$state" "$work/away" && mv "$work/restored" "$state"
cp -p "$work/away/dev-token" "$state/"
begin
[ "$(cat "$state/ca.pem")" = "$first" ] && ok || fail "a restored store has another authority"
expect 0 '"emulated":false' ask /health

# --- whoever serves without --dev lets nobody in by what a start with it has left, and says so once
expect 0 "401" ask /metrics -H "Authorization: Bearer $old_token"
[ ! -e "$state/dev-token" ] && ok || fail "the token of a start with --dev is still there"
says_log "what a start with --dev left was revoked"
end
begin
expect 0 "401" ask /metrics -H "Authorization: Bearer $old_token"
[ "$(grep -cF "what a start with --dev left" "$work/log")" = 1 ] && ok || fail "it says again that a token was revoked"
end

# --- row I7: another root key makes no new authority
head -c 32 /dev/urandom > "$work/wrong.key" && chmod 600 "$work/wrong.key"
expect 1 "root key" "$casemate" serve --state "$state" --listen 127.0.0.1:0 --root-key "file:$work/wrong.key"
expect 0 "new root key" "$casemate" serve rewrap "file:$work/new.key" --state "$state"
expect 1 "root key" "$casemate" serve --state "$state" --listen 127.0.0.1:0
begin --root-key "file:$work/new.key"
end

# --- a certificate of one's own, renewed by a reload
becomes() { # becomes TEXT COMMAND: in what it prints, at the latest in a minute
    for ((i = 0; i < 1200; i++)); do [[ "$("$2")" == *"$1"* ]] && break; sleep 0.05; done
    expect 0 "$1" "$2"
}
: > "$work/tls.conf"
subject() { openssl s_client -connect "127.0.0.1:${url##*:}" < /dev/null 2> /dev/null | openssl x509 -noout -subject; }
begin --root-key "file:$work/new.key" --trust-root "tpm:$work/signer.pem" --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
expect 0 "first" subject
make_cert second
kill -HUP "$pid"
says_log "the TLS certificate has changed"
expect 0 "second" subject
echo nonsense > "$work/cert.pem"
kill -HUP "$pid"
says_log "the TLS certificate stays as it was"
expect 0 "second" subject
end
make_cert third
begin --root-key "file:$work/new.key" --config "$work/tls.conf"
cert=$(served_cert)
printf 'tls-cert = %s\ntls-key = %s\n' "$work/cert.pem" "$work/key.pem" > "$work/tls.conf"
kill -HUP "$pid"
becomes "third" subject
: > "$work/tls.conf"
kill -HUP "$pid"
becomes "localhost" subject
end
chmod 644 "$work/key.pem"
make_cert third && chmod 644 "$work/key.pem"
expect 1 "key.pem" "$casemate" serve --state "$state" --listen 127.0.0.1:0 --root-key "file:$work/new.key" \
    --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"

# --- systemd hears of it: ready, still there, ending
if command -v python3 > /dev/null; then
    python3 - "$work/notify" > "$work/heard" << 'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    said = s.recv(4096).decode()
    print(said, flush=True)
    if said == "STOPPING=1":
        break
END
    ear=$!
    for ((i = 0; i < 1200; i++)); do [ -S "$work/notify" ] && break; sleep 0.05; done
    NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=1000000 begin --root-key "file:$work/new.key"
    sleep 1.2
    kill -HUP "$pid"
    for ((i = 0; i < 1200; i++)); do grep -qx "RELOADING=1" "$work/heard" && break; sleep 0.05; done
    end
    wait $ear
    for said in READY=1 WATCHDOG=1 RELOADING=1 STOPPING=1; do
        grep -qx "$said" "$work/heard" && ok || fail "systemd does not hear $said: $(tr '\n' ' ' < "$work/heard")"
    done
fi

finish
