"""Cascades and routers that are language models, on the running program in front of `weir simulate`:
each signal, streams, tools, discarded answers in the ledger and the report, failures that mean
strong. Standard library only."""
import json
import pathlib
import random
import tempfile
import unittest

from weir_process import Server, chat, message, run

EASY = "What is 2 + 3?"
HARD = "What is 19 * 17 + 23 * (14 - 3) - 7 * (11 + 6) * 3?"


def config(simulator, route, prices=""):
    return f"""
providers:
  sim:
    dialect: both
    base_url: {simulator.url}/v1
    api_key: any
    max_retries: 0
models:
  sim-weak: {{input_usd_per_million: 0.8, output_usd_per_million: 4}}
  sim-strong: {{input_usd_per_million: 15, output_usd_per_million: 75}}
routes:
  auto:
    weak: sim/sim-weak
    strong: sim/sim-strong
    control_share: 0
{route}"""


def content(answer):
    return answer["choices"][0]["message"]["content"]


class CascadeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Server("simulate")
        cls.addClassCleanup(cls.simulator.__exit__)

    def serve(self, route):
        server = Server("serve", config=config(self.simulator, route))
        self.addCleanup(server.__exit__)
        return server

    def report(self, server):
        out = run("report", "--state", server.state, "--json")
        self.assertEqual(out.returncode, 0, out.stderr)
        return json.loads(out.stdout)

    def check_easy_and_hard(self, server, line):
        """Easy is accepted, hard escalated; both answers are clean. `line`: CONFIDENCE is used."""
        status, headers, answer = server.post("/v1/chat/completions", chat(EASY))
        self.assertEqual((status, headers["x-weir-cascade"]), (200, "accepted"), answer)
        self.assertEqual(content(answer), "The answer is 5.")
        self.assertEqual(headers["x-weir-model"], "sim-weak")
        status, headers, answer = server.post("/v1/chat/completions", chat(HARD))
        self.assertEqual((status, headers["x-weir-cascade"]), (200, "escalated"), answer)
        self.assertEqual(headers["x-weir-model"], "sim-strong")
        self.assertNotIn("CONFIDENCE", content(answer))
        self.assertIsNone(answer["choices"][0]["logprobs"])
        self.assertEqual(line, "x-weir-weak-confidence" in headers)

    def test_stated_confidence(self):
        server = self.serve("""
    router: cascade
    cascade: {escalate_below: 0.92}
""")
        self.check_easy_and_hard(server, True)
        server.stop()
        rows = {row["cascade"]: row for row in server.rows()}
        self.assertEqual(set(rows), {"accepted", "escalated"})
        hard = rows["escalated"]
        self.assertEqual([call["role"] for call in hard["calls"]], ["discarded", "served"])
        self.assertGreater(hard["calls"][0]["cost_nanousd"], 0)
        self.assertEqual((hard["reason"], hard["assigned"], hard["served_tier"]),
                         ("cascade", "weak", "strong"))
        self.assertGreaterEqual(hard["weak_confidence"], 0.7)
        cascade = self.report(server)["cascade"]
        self.assertEqual((cascade["judged"], cascade["escalated"], cascade["escalation_rate"]), (2, 1, 0.5))
        self.assertGreater(cascade["discarded_usd"], 0)
        self.assertLess(cascade["discarded_usd"], cascade["expected_cost_usd"])
        self.assertAlmostEqual(
            cascade["savings_percent"],
            100 * (1 - cascade["expected_cost_usd"] / cascade["all_strong_cost_usd"]), places=6)

    def test_token_probabilities(self):
        for signal, threshold in (("logprob_mean", 0.8), ("logprob_min", 0.7), ("margin", 0.8)):
            with self.subTest(signal):
                server = self.serve(f"""
    router: cascade
    cascade: {{signals: [{signal}], escalate_below: {threshold}}}
""")
                self.check_easy_and_hard(server, True)

    def test_self_consistency(self):
        server = self.serve("""
    router: cascade
    cascade: {signals: [consistency], samples: 5, escalate_below: 0.7}
""")
        self.check_easy_and_hard(server, True)
        server.stop()
        hard = next(row for row in server.rows() if row["cascade"] == "escalated")
        self.assertGreater(len(hard["calls"]), 2)

    def test_checker(self):
        server = self.serve("""
    router: cascade
    cascade: {signals: [checker], checker: "regex answer is [0-9]\\\\.$"}
""")
        self.check_easy_and_hard(server, True)

    def test_streams_of_both_dialects_are_held_back_and_clean(self):
        server = self.serve("""
    router: cascade
    cascade: {escalate_below: 0.92}
""")
        for question, verdict in ((EASY, "accepted"), (HARD, "escalated")):
            status, headers, body = server.request("POST", "/v1/chat/completions",
                                                   chat(question, stream=True))
            self.assertEqual((status, headers["x-weir-cascade"]), (200, verdict))
            text = "".join(json.loads(line[6:])["choices"][0]["delta"].get("content", "")
                           for line in body.decode().splitlines()
                           if line.startswith("data: {") and json.loads(line[6:])["choices"])
            self.assertIn("The answer is", text)
            self.assertNotIn("CONFIDENCE", text)
            self.assertTrue(body.endswith(b"data: [DONE]\n\n"))
            status, headers, body = server.request("POST", "/v1/messages",
                                                   message(question + " ", stream=True))
            self.assertEqual((status, headers["x-weir-cascade"]), (200, verdict))
            self.assertNotIn(b"CONFIDENCE", body)
            self.assertIn(b"event: message_stop", body)

    def test_requests_with_tools_get_no_line_and_go_to_strong(self):
        server = self.serve("    router: cascade\n")
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
        status, headers, answer = server.post("/v1/chat/completions", chat(EASY, tools=tools))
        self.assertEqual((status, headers["x-weir-model"]), (200, "sim-strong"), answer)
        self.assertEqual(headers["x-weir-reason"], "cannot_judge")
        self.assertNotIn("x-weir-cascade", headers)

    def test_failures_of_the_weak_model_mean_strong(self):
        server = self.serve("""
    weak_first_event_ms: 300
    router: cascade
    cascade: {answer_ms: 500}
""")
        for fault, cause in (("stall@weak", "timeout"), ("cut@weak", "broken"), ("500@weak", "broken"),
                             ("garbage@weak", "broken")):
            with self.subTest(fault):
                status, headers, answer = server.post("/v1/chat/completions",
                                                      chat(f"{EASY} [[sim:{fault}]]"))
                self.assertEqual((status, headers["x-weir-model"]), (200, "sim-strong"), answer)
                self.assertEqual(headers["x-weir-fallback"], cause)
        status, headers, answer = server.post(
            "/v1/chat/completions", chat(f"{EASY} [[sim:stall-mid@weak]]", stream=False))
        self.assertEqual((status, headers["x-weir-model"]), (200, "sim-strong"))

    def test_when_strong_fails_the_weak_answer_serves(self):
        server = self.serve("""
    router: cascade
    cascade: {escalate_below: 1}
""")
        status, headers, answer = server.post("/v1/chat/completions", chat(f"{HARD} [[sim:500@strong]]"))
        self.assertEqual((status, headers["x-weir-cascade"]), (200, "strong_failed"), answer)
        self.assertEqual(headers["x-weir-model"], "sim-weak")

    def test_a_language_model_as_the_router(self):
        for kind in ("causal", "llm"):
            with self.subTest(kind):
                server = self.serve(f"""
    router: {kind}
    router_model: sim/sim-weak
    router_timeout_ms: 1000
""")
                _, headers, answer = server.post("/v1/chat/completions", chat(EASY))
                self.assertEqual(headers["x-weir-model"], "sim-weak", answer)
                _, headers, answer = server.post("/v1/chat/completions", chat(HARD))
                self.assertEqual(headers["x-weir-model"], "sim-strong", answer)
                self.assertGreaterEqual(float(headers["x-weir-score"]), 0.5)
                for fault in ("500@router", "stall@router", "garbage@router"):
                    _, headers, answer = server.post("/v1/chat/completions",
                                                     chat(f"{EASY} [[sim:{fault}]]"))
                    self.assertEqual(headers["x-weir-model"], "sim-strong", answer)
                    self.assertEqual(headers["x-weir-reason"], "cannot_judge")
                server.stop()
                row = next(row for row in server.rows() if row["served_tier"] == "weak")
                self.assertEqual([call["role"] for call in row["calls"]], ["router", "served"])
                self.assertEqual(row["calls"][0]["usage_source"], "reported")

    def test_settings_say_what_is_wrong(self):
        for route, words in (("    router: causal\n", "router_model"),
                             ("    router: cascade\n    cascade: {signals: [stted]}\n", "signals"),
                             ("    router: cascade\n    cascade: {signals: [checker]}\n", "checker")):
            with self.assertRaises(AssertionError) as caught:
                Server("serve", config=config(self.simulator, route))
            self.assertIn(words, str(caught.exception))


class CommandTest(unittest.TestCase):
    """`weir cascade`, and routers that ask a model at the command line, against the simulator."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rng = random.Random(1)
        self.queries = self.folder / "queries.jsonl"
        with open(self.queries, "w") as out:
            for i in range(240):
                a, b, c, d, e = (rng.randint(13, 40) for _ in range(5))
                text, value = ((f"{a} * {b} + {c} * ({d} - {e})", a * b + c * (d - e)) if i % 3 == 0
                               else (f"{a} + {b * c}", a + b * c))
                out.write(json.dumps({"query": f"What is {text}?", "reference": str(value)}) + "\n")

    def weir(self, *arguments):
        out = run(*arguments)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out.stdout

    def test_thresholds_are_fitted_and_used_offline_and_live(self):
        router = self.folder / "my.weir"
        text = self.weir("cascade", "--queries", self.queries, "--fit", router, "--target", "0.85",
                         "--right-by", "numeric", "--out", self.folder / "known.jsonl")
        self.assertIn("accepted from", text)
        answers = self.folder / "answers.jsonl"
        summary = json.loads(self.weir("cascade", "--queries", self.queries, "--router", router,
                                       "--out", answers, "--sample", "100", "--json"))
        rows = [json.loads(line) for line in answers.read_text().splitlines()]
        self.assertEqual(len(rows), 100)
        escalated = sum(row["escalated"] for row in rows)
        self.assertTrue(10 < escalated < 90, escalated)
        self.assertAlmostEqual(summary["escalation_rate"], escalated / 100)
        self.assertLess(summary["expected_cost_usd"], summary["all_strong_cost_usd"])
        for row in rows:
            self.assertEqual(row["model_used"], "sim-strong" if row["escalated"] else "sim-weak")
            self.assertNotIn("CONFIDENCE", row["response"])
            self.assertTrue(0 <= row["weak_confidence"] <= 1)
        with Server("simulate") as simulator, \
                Server("serve", config=config(simulator, f"    router: {router}\n")) as server:
            for row in rows[:20]:
                _, headers, _ = server.post("/v1/chat/completions", chat(row["query"]))
                self.assertEqual(headers["x-weir-cascade"] == "escalated", row["escalated"], row)

    def test_a_target_out_of_reach_writes_nothing(self):
        router = self.folder / "none.weir"
        out = run("cascade", "--queries", self.queries, "--fit", router, "--target", "0.999",
                  "--right-by", "numeric", "--out", self.folder / "known.jsonl")
        self.assertEqual(out.returncode, 1)
        self.assertIn("nothing is written", out.stderr)
        self.assertFalse(router.exists())

    def test_route_asks_the_language_model(self):
        with Server("simulate") as simulator:
            for kind in ("causal", "llm"):
                router = self.folder / f"{kind}.weir"
                self.weir("train", "--kind", kind, "--embed", f"{simulator.url}/v1", "--embed-model",
                          "sim-weak", "--out", router)
                for question, strong in ((EASY, False), (HARD, True)):
                    row = json.loads(self.weir("route", "--router", router, "--json", question))
                    self.assertEqual(row["routed_to_strong"], strong, row)
        row = json.loads(self.weir("route", "--router", router, "--json", EASY))
        self.assertEqual((row["routed_to_strong"], row["reason"]), (True, "cannot_judge"))


if __name__ == "__main__":
    unittest.main()
