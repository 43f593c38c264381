#!/usr/bin/env bash
# What SmartHost costs a small machine: what the download adds, the memory it rests at, and the time from its start to the banner
# that a device waits for; the native binary, the one that the image carries, and the ordinary build. Loopback only; nothing is sent;
# everything it starts it stops.
#   bench/footprint.sh [NATIVE-FOLDER IMAGE-FOLDER JIT-FOLDER]   folders of an earlier dotnet publish; without them it publishes all
#   STARTS=9 bench/footprint.sh                                  more starts for the median
set -euo pipefail
cd "$(dirname "$0")/.."
native=${1:-artifacts/linux-x64} image=${2:-artifacts/image} jit=${3:-artifacts/jit} starts=${STARTS:-5}
[ -n "${1:-}" ] || dotnet publish src/SmartHost -c Release -r linux-x64 -p:PublishAot=true -o "$native" --nologo -v q
[ -n "${2:-}" ] || dotnet publish src/SmartHost -c Release -r linux-x64 -p:PublishAot=true -p:PackedRelocations=true -o "$image" --nologo -v q
[ -n "${3:-}" ] || dotnet publish src/SmartHost -c Release -o "$jit" --nologo -v q

work=$(mktemp -d) server=
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap cleanup EXIT

milliseconds() { echo $(( $(date +%s%N) / 1000000 )); }
# The middle one of numbers, one a line.
median() { sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'; }
# What is shipped: symbols are not.
mebibytes() { find "$1" -type f ! -name '*.dbg' ! -name '*.pdb' -printf '%s\n' | awk '{ n += $1 } END { printf "%.1f", n / 1048576 }'; }

read -r smtp page < <(python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(x.getsockname()[1] for x in s))')
# As people run it, TLS included. The certificate is made by the first start, which is not counted.
data=$work/data
printf '%s\n' 'accounts: { default: { username: nobody@example.com, appPassword: aaaabbbbccccdddd } }' \
  'devices: { any: { addresses: [127.0.0.1], recipients: [nobody@example.com] } }' \
  "listeners: { lan: { port: $smtp, address: 127.0.0.1 } }" \
  "dashboard: { port: $page, address: 127.0.0.1 }" "data: $data" > "$work/smarthost.yaml"
chmod 600 "$work/smarthost.yaml"

# Starts the server of folder $1. Prints: milliseconds to the banner; once it has rested, KiB that are resident, and of them its own alone.
start_once() {
  local began banner=; began=$(milliseconds)
  "$1/smarthost" run --config "$work/smarthost.yaml" > "$work/log" 2>&1 &
  server=$!
  until read -r banner < "/dev/tcp/127.0.0.1/$smtp"; do
    if ! kill -0 "$server" || [ $(( $(milliseconds) - began )) -gt 30000 ]; then tail -5 "$work/log"; return 1; fi
    sleep 0.01
  done 2>/dev/null
  local took=$(( $(milliseconds) - began ))
  sleep 3
  awk -v took="$took" '/^VmRSS:/ { resident = $2 } /^RssAnon:/ { own = $2 } END { print took, resident, own }' "/proc/$server/status"
  kill "$server"; wait "$server" || true
  server=
}

measure() {
  local run
  start_once "$2" > "$work/first"
  for run in $(seq "$starts"); do start_once "$2" >> "$work/$1"; done
  printf '| %s | %s MiB | %s MiB | %s MiB | %s ms |\n' "$1" "$(mebibytes "$2")" \
    "$(cut -d' ' -f2 "$work/$1" | median | awk '{ printf "%.1f", $1 / 1024 }')" \
    "$(cut -d' ' -f3 "$work/$1" | median | awk '{ printf "%.1f", $1 / 1024 }')" "$(cut -d' ' -f1 "$work/$1" | median)"
}

printf '%s, %s cores, load %s, medians of %s starts\n\n' "$(date -I)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)" "$starts"
echo '| Build | Files | Resident, idle | Of it not shared | Start to banner |'
echo '|---|---|---|---|---|'
measure native "$native"
measure 'in the image' "$image"
measure jit "$jit"
