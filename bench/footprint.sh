#!/usr/bin/env bash
# What SmartHost costs a small machine: what the download adds, the memory it rests at, and the time from start to its "is ready" line;
# the native binary beside the ordinary build. Loopback only; nothing is sent; everything it starts it stops.
#   bench/footprint.sh [NATIVE-FOLDER] [JIT-FOLDER]     folders of an earlier dotnet publish; without them it publishes both
#   STARTS=9 bench/footprint.sh                         more starts for the median
set -euo pipefail
cd "$(dirname "$0")/.."
native=${1:-artifacts/linux-x64} jit=${2:-artifacts/jit} starts=${STARTS:-5}
[ -n "${1:-}" ] || dotnet publish src/SmartHost -c Release -r linux-x64 -p:PublishAot=true -o "$native" --nologo -v q
[ -n "${2:-}" ] || dotnet publish src/SmartHost -c Release -o "$jit" --nologo -v q

work=$(mktemp -d) server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

milliseconds() { echo $(( $(date +%s%N) / 1000000 )); }
# The middle one of numbers, one a line.
median() { sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'; }
# What is shipped: symbols are not.
mebibytes() { find "$1" -type f ! -name '*.dbg' ! -name '*.pdb' -printf '%s\n' | awk '{ n += $1 } END { printf "%.1f", n / 1048576 }'; }

# Starts the server of folder $1 on ports that the system picks. Prints: milliseconds to ready, resident KiB after it has rested.
start_once() {
  local data; data=$(mktemp -d -p "$work")
  printf '%s\n' 'accounts: { default: { username: nobody@example.com, appPassword: aaaabbbbccccdddd } }' \
    'devices: { any: { addresses: [127.0.0.1], recipients: [nobody@example.com] } }' \
    'listeners: { lan: { port: 0, address: 127.0.0.1, tls: off } }' \
    'dashboard: { port: 0, address: 127.0.0.1 }' "data: $data/data" > "$data/smarthost.yaml"
  local began; began=$(milliseconds)
  "$1/smarthost" run --config "$data/smarthost.yaml" > "$data/log" 2>&1 &
  server=$!
  until grep -q 'is ready' "$data/log"; do
    if ! kill -0 "$server" 2>/dev/null || [ $(( $(milliseconds) - began )) -gt 30000 ]; then
      echo "$1/smarthost did not become ready:" >&2; tail -5 "$data/log" >&2; return 1
    fi
    sleep 0.01
  done
  local took=$(( $(milliseconds) - began ))
  sleep 3
  echo "$took $(awk '/^VmRSS:/ { print $2 }' "/proc/$server/status")"
  kill "$server"; wait "$server" || true
  server=
}

measure() {
  local run
  for run in $(seq "$starts"); do start_once "$2" >> "$work/$1"; done
  printf '| %s | %s MiB | %s MiB | %s ms |\n' "$1" "$(mebibytes "$2")" \
    "$(cut -d' ' -f2 "$work/$1" | median | awk '{ printf "%.1f", $1 / 1024 }')" "$(cut -d' ' -f1 "$work/$1" | median)"
}

printf '%s, %s cores, load %s, medians of %s starts\n\n' "$(date -I)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)" "$starts"
echo '| Build | Files | Resident, idle | Start to ready |'
echo '|---|---|---|---|'
measure native "$native"
measure jit "$jit"
