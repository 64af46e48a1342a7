#!/bin/bash
# clients_run.sh SERVER SCRIPT: run a script of node against a service that SERVER starts. The server's first
# line of JSON becomes the environment variable SERVICE; its CA is trusted as operators would make it.
# 77 (skipped) where there is no node, or its packages are not installed (scripts/node install does).
set -euo pipefail
server=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
node=$("$here/../../scripts/node") || { echo "skip: no node >= 20.19 (scripts/node install)"; exit 77; }
[ -d "$here/node_modules" ] || { echo "skip: the clients are not installed (scripts/node install)"; exit 77; }
coproc SERVER { exec "$server"; }
pid=$SERVER_PID
stop() {
    exec {SERVER[1]}>&- || true
    wait "$pid" || true
}
trap stop EXIT
IFS= read -r -t 250 SERVICE <&"${SERVER[0]}"
export SERVICE
NODE_EXTRA_CA_CERTS=$("$node" -p 'JSON.parse(process.env.SERVICE).ca')
export NODE_EXTRA_CA_CERTS
"$node" "$here/$2"
