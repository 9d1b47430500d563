"""`weir serve` where deployments go wrong: two instances that lead to each other, a client that does
not read, an open address without keys, and requests that a model cannot take, one reason at a time.
Standard library only."""
import http.server
import json
import selectors
import socket
import threading
import unittest

from weir_process import Server, chat, run


class Forwarder:
    """A port that passes bytes on to `target`, which may become known later."""

    def __init__(self):
        self.target = None
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        with client, socket.create_connection(("127.0.0.1", self.target)) as server, \
                selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    try:
                        data = key.fileobj.recv(65536)
                        key.data.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return

    def close(self):
        self.listener.close()


class Flood(http.server.BaseHTTPRequestHandler):
    """Streams content until nobody takes it."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *unused):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        event = json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                            "choices": [{"index": 0, "delta": {"content": "x" * 50_000}}]})
        self.close_connection = True
        try:
            while True:
                self.wfile.write(f"data: {event}\n\n".encode())
        except OSError:
            self.server.gone.set()


def provider_config(port, more=""):
    return f"""
providers:
  mine:
    dialect: openai
    base_url: http://127.0.0.1:{port}/v1
    api_key: secret
routes:
  auto:
    router: none
    weak: mine/small
    strong: mine/large
{more}"""


class EdgesTest(unittest.TestCase):
    def test_two_instances_that_lead_to_each_other_say_so_and_stop(self):
        back = Forwarder()
        self.addCleanup(back.close)
        with Server("serve", config=provider_config(back.port)) as first, \
                Server("serve", config=provider_config(first.port)) as second:
            back.target = second.port
            status, _, answer = second.post("/v1/chat/completions", chat("What is 2 + 2?"))
            self.assertEqual(status, 502, answer)  # the inner instance answered 508
            self.assertIn("leads back to it", answer["error"]["message"])
            self.assertLess(back.connections, 10)

    def test_a_client_that_does_not_read_is_let_go(self):
        flood = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flood)
        flood.daemon_threads = True
        flood.handle_error = lambda *unused: None
        flood.gone = threading.Event()
        threading.Thread(target=flood.serve_forever, daemon=True).start()
        self.addCleanup(flood.server_close)
        self.addCleanup(flood.shutdown)
        config = provider_config(flood.server_address[1], "server:\n  write_timeout_ms: 500\n")
        with Server("serve", config=config) as server:
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                body = json.dumps(chat("Go on", stream=True))
                client.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                               f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                               f"{body}".encode())
                self.assertTrue(flood.gone.wait(20), "the provider's stream was not given up")
            status, _, _ = server.request("GET", "/health")
            self.assertEqual(status, 200)
            server.stop()
            rows = server.rows()
            self.assertEqual([row["outcome"] for row in rows], ["client_gone"])

    def test_an_open_address_needs_keys_or_the_word_insecure(self):
        refused = run("serve", "--address", "0.0.0.0", "--port", "0")
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("weir keys new", refused.stderr)
        with Server("serve", "--address", "0.0.0.0", "--insecure") as server:
            status, _, answer = server.post("/v1/chat/completions", chat("What is 2 + 2?"),
                                            {"host": "weir.example"})
            self.assertEqual(status, 200, answer)

    def test_what_a_model_cannot_take_goes_to_the_other(self):
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        image = [{"role": "user", "content": [
            {"type": "text", "text": "What is 2 + 2?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}]
        schema = {"type": "json_schema",
                  "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}}
        cases = {
            "tools: false": {"tools": [tool]},
            "images: false": {"messages": image},
            "json_schema: false": {"response_format": schema},
            "thinking: false": {"reasoning_effort": "high"},
            "context_tokens: 50": {"messages": [{"role": "user", "content": "word " * 400}]},
            "max_output_tokens: 10": {"max_tokens": 100},
        }
        for fact, request in cases.items():
            with self.subTest(fact):
                config = f"""
models:
  sim-weak:
    {fact}
"""
                with Server("simulate") as provider:
                    config = provider_config(provider.port, config).replace(
                        "mine/small", "mine/sim-weak").replace("mine/large", "mine/sim-strong")
                    with Server("serve", config=config) as server:
                        asked = {"x-weir-route": "weak"}
                        status, headers, answer = server.post("/v1/chat/completions",
                                                              chat("What is 2 + 2?"), asked)
                        self.assertEqual((status, headers.get("x-weir-model")), (200, "sim-weak"), answer)
                        status, headers, answer = server.post(
                            "/v1/chat/completions", {**chat("What is 2 + 2?"), **request}, asked)
                        self.assertEqual((status, headers.get("x-weir-model")), (200, "sim-strong"), answer)


if __name__ == "__main__":
    unittest.main()
