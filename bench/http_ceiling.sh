#!/bin/bash
# CPU time per request of src/http beside nginx and HAProxy, one thread each, on core 0; load and
# upstream on core 1. Needs wrk, nginx, haproxy. Usage: bench/http_ceiling.sh [BUILD_FOLDER] [SECONDS]
set -euo pipefail
build=${1:-build/bench}
seconds=${2:-3}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
ticks_per_second=$(getconf CLK_TCK)

body=$(head -c 600 /dev/zero | tr '\0' x)
cat > "$work/nginx.conf" <<END
worker_processes 1; daemon off; master_process off; pid $work/nginx.pid; error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
  server { listen 127.0.0.1:19010; location / { default_type application/json; return 200 "$body"; } }
}
END
sed 's/19010/19013/' "$work/nginx.conf" > "$work/measured.conf"
cat > "$work/haproxy.cfg" <<END
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:19011
  default_backend b
backend b
  server s 127.0.0.1:19010
END
cat > "$work/post.lua" <<END
wrk.method="POST"; wrk.body=string.rep("y",1000); wrk.headers["content-type"]="application/json"
END

start() { local core=$1; shift; taskset -c "$core" "$@" & pids+=($!); last=$!; }
start 1 nginx -c "$work/nginx.conf" -p "$work"
start 0 nginx -c "$work/measured.conf" -p "$work"; nginx=$last
start 0 haproxy -f "$work/haproxy.cfg"; haproxy=$last
start 0 "$build/bench/http_ceiling" answer 19001; answer=$last
start 0 "$build/bench/http_ceiling" proxy 19012 http://127.0.0.1:19010; proxy=$last
sleep 0.5

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
measure() {  # name, process, port, wrk arguments
  local before after requests
  before=$(cpu_ticks "$2")
  requests=$(taskset -c 1 wrk -t1 -c64 -d"$seconds" "${@:4}" "http://127.0.0.1:$3/" |
    awk '/requests in/ { print $1 } /Non-2xx|Socket errors/ { print > "/dev/stderr" }')
  after=$(cpu_ticks "$2")
  awk -v n="$1" -v r="$requests" -v t="$((after - before))" -v hz="$ticks_per_second" \
    'BEGIN { printf "%-14s %9d requests  %5.1f us CPU/request\n", n, r, t / hz * 1e6 / r }'
}
for _ in 1 2 3; do
  measure "answer" "$answer" 19001
  measure "nginx answer" "$nginx" 19013
  measure "proxy GET" "$proxy" 19012
  measure "HAProxy GET" "$haproxy" 19011
  measure "proxy POST" "$proxy" 19012 -s "$work/post.lua"
  measure "HAProxy POST" "$haproxy" 19011 -s "$work/post.lua"
done
