"""`weir serve` as a program: start, refusals to start, routing through real sockets to a provider of
the test's own, the ledger against /metrics, and stopping. Standard library only."""
import http.client
import http.server
import json
import pathlib
import signal
import socket
import tempfile
import threading
import time
import unittest

from weir_process import Server, chat, message, run


class Provider:
    """An OpenAI provider whose streams wait in the middle until `release` is set."""

    def __init__(self):
        provider = self
        self.release = threading.Event()
        self.first_sent = threading.Event()
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *unused):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                provider.requests.append((self.path, dict(self.headers), body))
                if body.get("stream"):
                    self.stream(body["model"])
                else:
                    self.whole(body["model"])

            def whole(self, model):
                content = json.dumps({
                    "id": "c1", "object": "chat.completion", "created": 1, "model": model,
                    "choices": [{"index": 0, "finish_reason": "stop",
                                 "message": {"role": "assistant", "content": "hello"}}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def stream(self, model):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self.event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model,
                            "choices": [{"index": 0, "delta": {"content": "first"}}]})
                provider.first_sent.set()
                provider.release.wait(20)
                self.event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model,
                            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                self.event("[DONE]")
                self.wfile.write(b"0\r\n\r\n")

            def event(self, value):
                data = f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *unused: None  # weir may cancel a call at any time
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def config(self, more=""):
        return f"""
providers:
  mine:
    dialect: openai
    base_url: http://127.0.0.1:{self.port}/v1
    api_key: provider-secret
routes:
  auto:
    weak: mine/gpt-4o-mini
    strong: mine/gpt-4o
{more}"""

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


class GatewayTest(unittest.TestCase):
    def setUp(self):
        self.provider = Provider()
        self.addCleanup(self.provider.close)

    def open_stream(self, server):
        """A stream whose first event has come; the connection and the response."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", "/v1/chat/completions", json.dumps(chat("What is 2 + 3?", stream=True)),
                           {"content-type": "application/json"})
        response = connection.getresponse()
        self.assertIn(b"first", response.readline())
        return connection, response

    def test_simulator_answers_when_nothing_is_configured(self):
        with Server("serve") as server:
            self.assertIn("simulator", server.log())
            status, headers, answer = server.post("/v1/chat/completions", chat("What is 17 + 25?"))
            self.assertEqual(status, 200, answer)
            self.assertEqual(answer["system_fingerprint"], "weir-simulator")
            self.assertIn(headers["x-weir-model"], ("sim-weak", "sim-strong"))
            status, _, answer = server.post("/v1/messages", message("What is 17 + 25?"))
            self.assertEqual((status, answer["type"]), (200, "message"))

    def test_requests_reach_the_provider_and_the_ledger(self):
        with Server("serve", config=self.provider.config()) as server:
            status, headers, answer = server.post(
                "/v1/chat/completions", chat("What is 2 + 2?"),
                {"authorization": "Bearer client-secret", "cookie": "a=b", "x-request-id": "mine"})
            self.assertEqual(status, 200, answer)
            self.assertEqual(answer["model"], headers["x-weir-model"])
            path, sent, body = self.provider.requests[0]
            self.assertEqual(path, "/v1/chat/completions")
            self.assertEqual(sent["authorization"], "Bearer provider-secret")
            self.assertNotIn("cookie", {name.lower() for name in sent})
            self.assertEqual(body["model"], headers["x-weir-model"])
            server.stop()
            rows = server.rows()
            self.assertEqual(len(rows), 1)
            self.assertEqual(rows[0]["id"], headers["x-weir-request-id"])
            self.assertEqual(rows[0]["outcome"], "ok")
            database = b"".join(p.read_bytes() for p in server.state.rglob("*") if p.is_file())
            for secret in (b"provider-secret", b"client-secret", b"What is 2 + 2?"):
                self.assertNotIn(secret, database)
                self.assertNotIn(secret.decode(), server.log())

    def test_metrics_equal_the_report(self):
        with Server("serve", config=self.provider.config()) as server:
            for i in range(20):
                self.assertEqual(server.post("/v1/chat/completions", chat(f"What is {i} + 2?"))[0], 200)
            metrics = self.wait_for_metric(server, "weir_requests_total", 20)
            report = json.loads(run("report", "--state", server.state, "--json").stdout)
            self.assertEqual(report["calls"], 20)
            self.assertAlmostEqual(float(report["cost_usd"]), metrics["weir_cost_usd_total"])
            self.assertAlmostEqual(report["strong_share"], metrics["weir_strong_share"])

    def wait_for_metric(self, server, name, value):
        deadline = time.monotonic() + 20
        while True:
            lines = server.request("GET", "/metrics")[2].decode().splitlines()
            metrics = {k: float(v) for k, v in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}
            if metrics.get(name) == value or time.monotonic() > deadline:
                self.assertEqual(metrics.get(name), value)
                return metrics

    def test_a_client_that_leaves_is_recorded(self):
        with Server("serve", config=self.provider.config()) as server:
            connection, response = self.open_stream(server)
            response.close()
            connection.close()
            self.wait_for_metric(server, "weir_client_gone_total", 1)
            server.stop()
            self.assertEqual(server.rows()[0]["outcome"], "client_gone")

    def test_sigterm_lets_a_running_stream_finish(self):
        with Server("serve", config=self.provider.config()) as server:
            _, response = self.open_stream(server)
            server.process.send_signal(signal.SIGTERM)
            self.wait_until_refused(server.port)
            self.provider.release.set()
            self.assertIn(b"[DONE]", response.read())
            self.assertEqual(server.process.wait(20), 0)
            self.assertEqual(server.rows()[0]["outcome"], "ok")

    def test_a_second_signal_cuts(self):
        with Server("serve", config=self.provider.config()) as server:
            self.open_stream(server)
            server.process.send_signal(signal.SIGTERM)
            self.wait_until_refused(server.port)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(10), 1)
            with Server("serve", config=self.provider.config(), folder=server.folder) as again:
                again.stop()
                self.assertEqual(again.rows()[0]["outcome"], "interrupted")

    def wait_until_refused(self, port):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return
        self.fail("the port still takes connections after SIGTERM")

    def refused_start(self, *arguments):
        """What weir says when it does not start."""
        done = run("serve", *arguments, timeout=30)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stderr

    def test_conflicts_at_start_are_one_clear_line(self):
        with Server("serve") as server, tempfile.TemporaryDirectory() as other:
            self.assertIn(str(server.port), self.refused_start("--port", server.port, "--state", other))
            self.assertIn(str(server.state), self.refused_start("--port", 0, "--state", server.state))

    def test_bad_settings_at_start_are_one_clear_line(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            own = folder / "own.yaml"
            own.write_text(self.provider.config().replace(str(self.provider.port), str(port)))
            self.assertIn("own address", self.refused_start("--config", own, "--port", port, "--state",
                                                       folder / "s"))
            broken = folder / "broken.weir"
            broken.write_bytes(b"not a router")
            router = folder / "router.yaml"
            router.write_text(self.provider.config(f"    router: {broken}\n"))
            self.assertIn("broken.weir", self.refused_start("--config", router, "--port", 0, "--state",
                                                            folder / "s"))
            self.assertIn("keys", self.refused_start("--address", "0.0.0.0", "--port", 0, "--state",
                                                     folder / "s"))


if __name__ == "__main__":
    unittest.main()
