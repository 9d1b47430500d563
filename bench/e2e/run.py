#!/usr/bin/env python3
"""End-to-end benchmark: weir beside nginx and HAProxy, all in front of the same mock upstream.

usage: bench/e2e/run.py [--seconds N] [--rounds N] [--only NAME,...] [--json FILE] [--weir PATH] [--mock PATH]

Needs Linux with two cores, the builds `release` (weir) and `bench` (mock_upstream), and the Debian
packages nginx-light, haproxy, wrk and nghttp2-client. Load generator and upstream are pinned to core 0,
the gateway under test to core 1; routing, ledger and metrics of weir are on. Everything listens on
loopback, and only processes started here are ended.

Prints, per gateway: requests per second (wrk, 64 connections), CPU microseconds of the gateway's
process per request and per 50-event stream (utime + stime from /proc, the steadiest figure on a noisy
machine), latency at 1,000 requests/s (h2load), and resident memory. The first column to compare is
CPU; the ratio to HAProxy is printed beside it.
"""
import argparse
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD_CORE, GATEWAY_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")
PROMPT = ("A warehouse holds 1,240 boxes. On Monday 315 boxes leave, on Tuesday 128 arrive, and on "
          "Wednesday a third of what is there is moved to another building. How many boxes are left "
          "in the warehouse, and how many were moved? Please explain every step shortly, and give "
          "the two numbers in one line at the end. ")[:400]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def body(stream):
    message = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}
    if stream:
        message["stream"] = True
        message["stream_options"] = {"include_usage": True}
    return json.dumps(message, separators=(",", ":"))


class Process:
    """A server started here; ended here."""

    def __init__(self, command, core, port, log, env=None):
        self.port = port
        self.process = subprocess.Popen(["taskset", "-c", core, *command], stdout=log, stderr=log,
                                        env={**os.environ, **(env or {})}, start_new_session=True)
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start; see {log.name}")
                time.sleep(0.05)

    def pids(self):
        children = subprocess.run(["pgrep", "-g", str(os.getpgid(self.process.pid))],
                                  capture_output=True, text=True).stdout.split()
        return [int(p) for p in children]

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def rss_mib(self):
        total = 0
        for pid in self.pids():
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            found = re.search(r"VmRSS:\s+(\d+) kB", status)
            total += int(found.group(1)) if found else 0
        return total / 1024

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def start_nginx(folder, upstream, log):
    port = free_port()
    (folder / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://mock; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_buffering off; }} }} }}
""")
    return Process(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], GATEWAY_CORE, port, log)


def start_haproxy(folder, upstream, log):
    port = free_port()
    (folder / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:{port}
  default_backend mock
backend mock
  server mock 127.0.0.1:{upstream}
""")
    return Process(["haproxy", "-f", str(folder / "haproxy.cfg")], GATEWAY_CORE, port, log)


def start_weir(binary, folder, upstream, log):
    port = free_port()
    (folder / "weir.yaml").write_text(f"""
server:
  port: {port}
  workers: 1
providers:
  mock:
    dialect: openai
    base_url: http://127.0.0.1:{upstream}/v1
    api_key: none
routes:
  auto:
    weak: mock/gpt-4o-mini
    strong: mock/gpt-4o
""")
    return Process([str(binary), "serve", "--config", str(folder / "weir.yaml"),
                    "--state", str(folder / "state")], GATEWAY_CORE, port, log)


def wrk(port, seconds, stream, folder):
    script = folder / ("stream.lua" if stream else "plain.lua")
    script.write_text('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
                      f"wrk.body = [==[{body(stream)}]==]\n")
    out = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c64", f"-d{seconds}s", "--latency",
                          "-s", str(script), f"http://127.0.0.1:{port}/v1/chat/completions"],
                         capture_output=True, text=True, check=True).stdout
    total = int(re.search(r"(\d+) requests in", out).group(1))
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if errors or "Socket errors" in out:
        raise SystemExit(f"errors under load on port {port}:\n{out}")
    return total, float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def fixed_rate(port, rate, seconds, folder):
    payload, log = folder / "body.json", folder / "h2load.log"
    payload.write_text(body(False))
    log.unlink(missing_ok=True)
    subprocess.run(["taskset", "-c", LOAD_CORE, "h2load", "--h1", "-c", "10", "-t", "1", "--rps",
                    str(rate // 10), "-n", str(rate * seconds), "-d", str(payload), "-H",
                    "content-type: application/json", f"--log-file={log}",
                    f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, check=True)
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    bad = [r for r in rows if r[1] != "200"]
    if bad:
        raise SystemExit(f"{len(bad)} failed requests at a fixed rate on port {port}")
    times = sorted(int(r[2]) for r in rows)
    return times[len(times) // 2] / 1000, times[int(len(times) * 0.99)] / 1000


def measure(server, seconds, folder):
    wrk(server.port, 1, False, folder)
    wrk(server.port, 1, True, folder)
    figures = {}
    for name, stream in (("request", False), ("stream", True)):
        before = server.cpu_seconds()
        total, per_second = wrk(server.port, seconds, stream, folder)
        figures[f"cpu_us_per_{name}"] = (server.cpu_seconds() - before) * 1e6 / total
        figures[f"{name}s_per_s"] = per_second
    figures["p50_ms_at_1000"], figures["p99_ms_at_1000"] = fixed_rate(server.port, 1000, 5, folder)
    figures["rss_mib"] = server.rss_mib()
    return figures


class Direct:
    """The upstream without a gateway, for the added latency."""

    def __init__(self, port):
        self.port = port

    def stop(self):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of each load (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are printed (default 3)")
    parser.add_argument("--only", default="", help="gateways, comma separated: direct,nginx,haproxy,weir")
    parser.add_argument("--json", help="also write all rounds there")
    parser.add_argument("--weir", type=pathlib.Path, default=ROOT / "build/release/weir")
    parser.add_argument("--mock", type=pathlib.Path, default=ROOT / "build/bench/bench/mock_upstream")
    options = parser.parse_args()
    for tool in ("nginx", "haproxy", "wrk", "h2load", "taskset", "pgrep"):
        if not shutil.which(tool) and not pathlib.Path(f"/usr/sbin/{tool}").exists():
            raise SystemExit(f"bench/e2e needs {tool}: apt-get install nginx-light haproxy wrk "
                             "nghttp2-client procps util-linux")
    os.environ["PATH"] += ":/usr/sbin"
    starters = {"direct": None, "nginx": start_nginx, "haproxy": start_haproxy,
                "weir": functools.partial(start_weir, options.weir)}
    wanted = options.only.split(",") if options.only else list(starters)
    rounds = {name: [] for name in wanted}
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder, \
            open(pathlib.Path(folder) / "servers.log", "w") as log:
        folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)
        upstream_port = free_port()
        upstream = Process([str(options.mock), str(upstream_port)], LOAD_CORE, upstream_port, log)
        try:
            for number in range(options.rounds):
                for name in wanted:
                    server = Direct(upstream_port) if name == "direct" else \
                        starters[name](folder, upstream_port, log)
                    try:
                        if name == "direct":
                            p50, p99 = fixed_rate(upstream_port, 1000, 5, folder)
                            rounds[name].append({"p50_ms_at_1000": p50, "p99_ms_at_1000": p99})
                        else:
                            rounds[name].append(measure(server, options.seconds, folder))
                    finally:
                        server.stop()
                    print(f"round {number + 1}, {name}: " + ", ".join(
                        f"{k} {v:.4g}" for k, v in rounds[name][-1].items()), file=sys.stderr)
        finally:
            upstream.stop()
    report(rounds)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rounds, indent=1))


def report(rounds):
    middle = {n: {k: statistics.median(r[k] for r in rs) for k in rs[0]} for n, rs in rounds.items()}
    base = middle.get("haproxy", {})
    print("| gateway | req/s c=64 | CPU us/request | x HAProxy | CPU us/50-event stream | x HAProxy | "
          "p50 ms | p99 ms at 1,000/s | RSS MiB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, m in middle.items():
        def cell(key, form="{:.0f}"):
            return form.format(m[key]) if key in m else "-"

        def ratio(key):
            return f"{m[key] / base[key]:.2f}" if key in m and base.get(key) else "-"
        print(f"| {name} | {cell('requests_per_s')} | {cell('cpu_us_per_request', '{:.1f}')} | "
              f"{ratio('cpu_us_per_request')} | {cell('cpu_us_per_stream')} | {ratio('cpu_us_per_stream')} | "
              f"{cell('p50_ms_at_1000', '{:.2f}')} | {cell('p99_ms_at_1000', '{:.2f}')} | {cell('rss_mib')} |")


if __name__ == "__main__":
    main()
