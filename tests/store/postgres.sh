#!/bin/bash
# postgres.sh COMMAND...: run a command with CM_TEST_STORE naming a PostgreSQL server of its own, on a socket
# in a folder of its own, which ends with it. 77 (skipped) where PostgreSQL is not installed.
set -euo pipefail
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -1)
if [ -z "$bin" ]; then
    echo "skip: PostgreSQL is not installed"
    exit 77
fi
dir=$(mktemp -d /tmp/cm-pg.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then # the server refuses to be root
    chown postgres "$dir"
    as=(runuser -u postgres --)
fi
stop() {
    (cd / && "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop > /dev/null 2>&1) || true
    rm -rf "$dir"
}
trap stop EXIT
cd_run() { (cd / && "${as[@]}" "$@"); }
cd_run "$bin/initdb" -D "$dir/data" -A trust -U casemate --no-sync > "$dir.log" 2>&1 || { cat "$dir.log"; exit 1; }
rm -f "$dir.log"
cd_run "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
    -o "-k $dir -c listen_addresses='' -c fsync=off" start > /dev/null || { cat "$dir/log"; exit 1; }
export CM_TEST_STORE="postgresql://casemate@/postgres?host=$dir" CM_TEST_POSTGRES="$bin $dir"
"$@"
