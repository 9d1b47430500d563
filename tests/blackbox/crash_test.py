#!/usr/bin/env python3
"""kill -9 in the middle of 1,000 requests: after a restart, every answer that a client received in full
is in the ledger exactly once, and every other request that was started is `interrupted`."""
import collections
import http.client
import json
import tempfile
import threading
import unittest

import weir_process

REQUESTS = 1000
KILL_AFTER = 400  # complete answers
CLIENTS = 8


class Clients:
    """Eight keep-alive clients that send until the server dies; remembers complete answers."""

    def __init__(self, port, on_enough):
        self.port = port
        self.on_enough = on_enough
        self.complete = []
        self.started = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work) for _ in range(CLIENTS)]

    def take_number(self):
        with self.lock:
            if self.started >= REQUESTS:
                return None
            self.started += 1
            return self.started

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while (number := self.take_number()) is not None:
            stream = number % 2 == 0
            body = weir_process.chat(f"What is {number} + {number * 7}?", stream=stream)
            try:
                connection.request("POST", "/v1/chat/completions", json.dumps(body),
                                   {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()  # raises when the body is cut short
            except (OSError, http.client.HTTPException):
                return
            assert response.status == 200, content
            if stream:
                assert content.endswith(b"data: [DONE]\n\n"), content[-80:]
            with self.lock:
                self.complete.append(response.headers["x-weir-request-id"])
                if len(self.complete) == KILL_AFTER:
                    self.on_enough()

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()


class Crash(unittest.TestCase):
    def test_ledger_holds_every_complete_answer_once_after_kill_9(self):
        with weir_process.Server("simulate") as provider, \
                tempfile.TemporaryDirectory(prefix="weir-crash-") as folder:
            config = f"""
providers:
  sim:
    dialect: openai
    base_url: {provider.url}/v1
    api_key: none
routes:
  auto:
    weak: sim/sim-weak
    strong: sim/sim-strong
"""
            server = weir_process.Server("serve", config=config, folder=folder)
            clients = Clients(server.port, server.process.kill)
            clients.run()
            server.process.wait()
            self.assertGreaterEqual(len(clients.complete), KILL_AFTER)
            self.assertLess(len(clients.complete), REQUESTS, "the kill came too late to test anything")

            with weir_process.Server("serve", config=config, folder=folder) as restarted:
                rows = restarted.rows()
            counts = collections.Counter(row["id"] for row in rows)
            self.assertEqual([i for i, n in counts.items() if n != 1], [])
            outcome = {row["id"]: row["outcome"] for row in rows}
            missing = [i for i in clients.complete if outcome.get(i) != "ok"]
            self.assertEqual(missing, [], "complete answers that the ledger does not know as ok")
            others = {i: o for i, o in outcome.items() if i not in set(clients.complete)}
            # An answer whose last bytes were in flight when the process died may be recorded as ok.
            in_flight = [i for i, o in others.items() if o == "ok"]
            self.assertLessEqual(len(in_flight), CLIENTS)
            self.assertEqual({o for o in others.values()} - {"ok", "interrupted"}, set())
            print(f"{len(clients.complete)} complete answers, {len(rows)} rows, "
                  f"{sum(o == 'interrupted' for o in outcome.values())} interrupted")


if __name__ == "__main__":
    unittest.main()
