"""weir label and weir evaluate on the real program: the budget, resuming after kill -9, a judge with
position bias, malformed verdicts, dead providers, dry runs, and rows that weir train reads."""
import contextlib
import http.server
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from weir_process import BIN, CLEAN, Server, run

PRICES = """
models:
  cheap: {input_usd_per_million: 1, output_usd_per_million: 4}
  dear: {input_usd_per_million: 10, output_usd_per_million: 40}
  judge: {input_usd_per_million: 2, output_usd_per_million: 8}
"""


class Script(http.server.ThreadingHTTPServer):
    """An OpenAI-compatible server whose answers a function (model, prompt) -> text or status gives;
    it counts what it would bill."""
    daemon_threads = True
    PRICE = {"cheap": (1, 4), "dear": (10, 40), "judge": (2, 8)}

    def __init__(self, answer, delay_s=0.0):
        self.answer, self.delay_s, self.billed, self.lock = answer, delay_s, 0.0, threading.Lock()
        self.calls = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *unused):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][-1]["content"]
        if self.server.delay_s:
            time.sleep(self.server.delay_s)
        result = self.server.answer(body["model"], prompt)
        headers = {}
        if isinstance(result, tuple):
            result, headers = result
        if isinstance(result, int):
            status, content = result, {"error": {"message": f"scripted status {result}"}}
        else:
            # As dear as the request allows: one token a byte, all of max_tokens.
            tokens_in, tokens_out = len(prompt.encode()), body["max_tokens"]
            price = Script.PRICE[body["model"]]
            with self.server.lock:
                self.server.billed += (tokens_in * price[0] + tokens_out * price[1]) / 1e6
                self.server.calls.append((body["model"], prompt, body["max_tokens"]))
            status = 200
            content = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"],
                       "choices": [{"index": 0, "finish_reason": "stop",
                                    "message": {"role": "assistant", "content": result}}],
                       "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out,
                                 "total_tokens": tokens_in + tokens_out}}
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)


def first_is_right(model, prompt):
    """cheap is right on even numbers, dear always; the judge knows."""
    if model == "cheap":
        number = int(prompt.split()[-1])
        return "right" if number % 2 == 0 else "wrong"
    if model == "dear":
        return "right"
    if "You grade one answer" in prompt:
        good = "[Answer]\nright\n" in prompt
        return f"TASK_COMPLETION: 1\nACCURACY: {1 if good else 0}"
    a, b = ("[Answer A]\nright\n" in prompt), ("[Answer B]\nright\n" in prompt)
    return "VERDICT: " + ("SAME" if a == b else "A" if a else "B")


class LabelTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="weir-label-")
        self.folder = pathlib.Path(self._folder.name)
        self.out = self.folder / "rows.jsonl"

    def tearDown(self):
        self._folder.cleanup()

    def queries(self, count, **more):
        path = self.folder / "queries.jsonl"
        path.write_text("".join(json.dumps({"query": f"Say whether it is right: {i}", **more}) + "\n"
                                for i in range(count)))
        return path

    def config(self, url, more=""):
        path = self.folder / "weir.yaml"
        path.write_text(f"providers:\n  stub: {{base_url: {url}}}\n"
                        "routes:\n  auto: {weak: cheap, strong: dear}\n"
                        f"judge: {{model: judge, max_tokens: 60}}\n{PRICES}{more}")
        return path

    def compare(self, url, queries, *more, command="compare", config_more=""):
        return run("label", command, "--config", self.config(url, config_more), "--queries", queries,
                   "--out", self.out, "--max-tokens", 20, "--json", *more)

    def rows(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def test_labels_are_what_the_judge_says_in_both_orders_and_train_reads_them(self):
        with Script(first_is_right) as stub:
            done = self.compare(stub.url, self.queries(60), "--sample", 40, "--seed", 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        summary = json.loads(done.stdout)
        rows = self.rows()
        self.assertEqual((summary["rows"], len(rows), summary["left"]), (40, 40, 0))
        for row in rows:
            odd = int(row["query"].split()[-1]) % 2
            self.assertEqual(row["label"], odd)
            self.assertEqual(row["verdict"], "meaningfully_worse" if odd else "same")
            self.assertEqual(len(row["verdicts"]), 1 + odd)
            self.assertEqual({v["winner"] for v in row["verdicts"]}, {"strong" if odd else "same"})
            self.assertFalse(row["discordant"])
            self.assertEqual(row["judge"], "stub/judge")
        self.assertEqual({row["verdicts"][0]["first"] for row in rows}, {"weak", "strong"})
        self.assertAlmostEqual(sum(row["cost_usd"] for row in rows), stub.billed, places=9)
        self.assertAlmostEqual(summary["spent_usd"], stub.billed, places=9)
        self.assertAlmostEqual(summary["position_bias"], 0)
        self.assertFalse(summary["judge_biased"])
        self.assertEqual(summary["strong_needed"], sum(row["label"] for row in rows))
        trained = run("train", "--kind", "length", "--data", self.out, "--weak", "w", "--strong", "s",
                      "--out", self.folder / "r.weir")
        self.assertEqual(trained.returncode, 0, trained.stderr)

    def test_the_same_seed_takes_the_same_sample(self):
        with Script(first_is_right) as stub:
            taken = []
            for seed in (1, 1, 2):
                self.out.unlink(missing_ok=True)
                self.compare(stub.url, self.queries(50), "--sample", 10, "--seed", seed)
                taken.append(sorted(row["query"] for row in self.rows()))
        self.assertEqual(taken[0], taken[1])
        self.assertNotEqual(taken[0], taken[2])

    def test_the_budget_is_never_exceeded_and_a_larger_one_goes_on(self):
        queries = self.queries(80)
        with Script(first_is_right, delay_s=0.01) as stub:
            for limit in (0.0005, 0.02, 0.05):
                done = self.compare(stub.url, queries, "--max-cost-usd", limit, "--concurrency", 16)
                self.assertEqual(done.returncode, 3, done.stderr)
                summary = json.loads(done.stdout)
                self.assertLessEqual(stub.billed, limit)
                self.assertLessEqual(summary["spent_usd"], limit)
                self.assertAlmostEqual(summary["spent_usd"], stub.billed, places=9)
                self.assertIn("--max-cost-usd", summary["stopped"])
            # Nothing was spent on queries that could not be finished.
            self.assertGreaterEqual(summary["rows"], 3)
            self.assertFalse([row for row in self.rows() if "unfinished" in row])
            done = self.compare(stub.url, queries, "--max-cost-usd", 10)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertAlmostEqual(json.loads(done.stdout)["spent_usd"], stub.billed, places=9)
        finished = [row for row in self.rows() if "unfinished" not in row]
        self.assertEqual(len({row["query"] for row in finished}), 80)
        self.assertEqual(len(finished), 80)

    def test_it_resumes_after_kill_and_cuts_a_torn_line(self):
        queries = self.queries(120)
        with Script(first_is_right, delay_s=0.02) as stub:
            command = [BIN, "label", "compare", "--config", self.config(stub.url), "--queries", queries,
                       "--out", self.out, "--max-tokens", "20", "--concurrency", "4"]
            process = subprocess.Popen(list(map(str, command)), env=CLEAN, stdout=subprocess.PIPE)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if self.out.exists() and self.out.read_text().count("\n") >= 10:
                    break
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            before = self.rows() if self.out.read_text().endswith("\n") else None
            with open(self.out, "a") as out:
                out.write('{"query": "torn')
            done = self.compare(stub.url, queries)
            self.assertEqual(done.returncode, 0, done.stderr)
            summary = json.loads(done.stdout)
        rows = self.rows()
        self.assertEqual(len(rows), 120)
        self.assertEqual(len({row["query"] for row in rows}), 120)
        self.assertGreaterEqual(summary["rows"] - summary["new_rows"], 10)
        if before is not None:
            self.assertEqual(rows[:len(before)], before)

    def test_rows_of_another_job_are_not_mixed_in(self):
        with Script(first_is_right) as stub:
            queries = self.queries(4)
            self.assertEqual(self.compare(stub.url, queries).returncode, 0)
            other = self.compare(stub.url, queries, "--judge", "dear")
        self.assertEqual(other.returncode, 1)
        self.assertIn("another file with --out", other.stderr)

    def test_interrupt_finishes_what_is_under_way(self):
        queries = self.queries(200)
        with Script(first_is_right, delay_s=0.05) as stub:
            command = [BIN, "label", "compare", "--config", self.config(stub.url), "--queries", queries,
                       "--out", self.out, "--max-tokens", "20", "--concurrency", "4", "--json"]
            process = subprocess.Popen(list(map(str, command)), env=CLEAN, stdout=subprocess.PIPE,
                                       text=True)
            deadline = time.monotonic() + 30
            while not (self.out.exists() and self.out.stat().st_size) and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            summary = json.loads(process.communicate(timeout=30)[0])
        self.assertEqual(process.returncode, 3)
        self.assertEqual(summary["stopped"], "interrupted")
        rows = self.rows()
        self.assertEqual(len(rows), summary["rows"])
        self.assertFalse([row for row in rows if "unfinished" in row])
        self.assertAlmostEqual(sum(row["cost_usd"] for row in rows), stub.billed, places=9)

    def test_a_second_interrupt_ends_at_once(self):
        with Script(first_is_right, delay_s=20) as stub:
            command = [BIN, "label", "compare", "--config", self.config(stub.url), "--queries",
                       self.queries(20), "--out", self.out, "--json"]
            process = subprocess.Popen(list(map(str, command)), env=CLEAN, stdout=subprocess.PIPE,
                                       text=True)
            deadline = time.monotonic() + 30
            while not self.out.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            while time.monotonic() < deadline and process.poll() is None:
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            summary = json.loads(process.communicate(timeout=30)[0])
        self.assertLess(time.monotonic() - begin, 15)
        self.assertEqual((process.returncode, summary["rows"]), (3, 0))

    def test_a_judge_that_prefers_a_place_is_found_and_its_wins_do_not_count(self):
        def biased(model, prompt):
            return "VERDICT: A" if model == "judge" else first_is_right(model, prompt)
        with Script(biased) as stub:
            done = self.compare(stub.url, self.queries(30))
        summary = json.loads(done.stdout)
        self.assertEqual(summary["swapped_pairs"], 30)
        self.assertAlmostEqual(summary["position_bias"], 0.5)
        self.assertTrue(summary["judge_biased"])
        self.assertEqual((summary["strong_needed"], summary["discordant"]), (0, 30))
        self.assertTrue(all(row["label"] == 0 and row["discordant"] for row in self.rows()))

    def test_malformed_verdicts_are_counted_and_give_no_label(self):
        def mumbling(model, prompt):
            return "I like both" if model == "judge" else first_is_right(model, prompt)
        with Script(mumbling) as stub:
            done = self.compare(stub.url, self.queries(6))
            summary = json.loads(done.stdout)
            self.assertEqual((summary["undecided"], summary["malformed"]), (6, 12))
            self.assertTrue(all(row["label"] is None for row in self.rows()))
            self.out.unlink()
            done = self.compare(stub.url, self.queries(6), "--judge-style", "yesno")
        self.assertEqual(json.loads(done.stdout)["undecided"], 6)

    def test_yes_no_asks_as_published(self):
        def yes_no(model, prompt):
            if model != "judge":
                return first_is_right(model, prompt)
            return "YES" if "Response A: wrong" in prompt else "No."
        with Script(yes_no) as stub:
            done = self.compare(stub.url, self.queries(10), "--judge-style", "yesno")
            self.assertEqual(json.loads(done.stdout)["strong_needed"], 5)
            judged = [(prompt, most) for model, prompt, most in stub.calls if model == "judge"]
        self.assertEqual(len(judged), 10)
        for prompt, most in judged:
            self.assertEqual(most, 5)
            self.assertTrue(prompt.endswith("meaningfully better than Response A for this query?\n"
                                            "Answer with only: YES or NO"))

    def test_retries_wait_as_asked_and_a_dead_provider_is_a_clear_error(self):
        failed = set()

        def flaky(model, prompt):
            if model == "cheap" and prompt not in failed:
                failed.add(prompt)
                return 429, {"retry-after-ms": "20"}
            return first_is_right(model, prompt)
        queries = self.queries(8)
        with Script(flaky) as stub:
            done = self.compare(stub.url, queries)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["retried"], 8)
        with Script(lambda model, prompt: 401) as stub:
            self.out.unlink()
            dead = self.compare(stub.url, queries)
        self.assertEqual(dead.returncode, 1)
        self.assertIn("stub/cheap", dead.stderr)
        gone = self.compare("http://127.0.0.1:9/v1", queries, "--retries", 0)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("stub/cheap", gone.stderr)
        with Script(first_is_right) as stub:
            self.assertEqual(self.compare(stub.url, queries).returncode, 0)
        self.assertEqual(len([r for r in self.rows() if "unfinished" not in r]), 8)

    def test_dry_run_asks_nothing_and_says_the_cost(self):
        with Script(first_is_right) as stub:
            done = self.compare(stub.url, self.queries(20), "--dry-run")
            self.assertEqual(stub.calls, [])
        plan = json.loads(done.stdout)
        self.assertEqual([part["calls"] for part in plan["parts"]], [20, 20, 40])
        self.assertGreater(plan["expected_usd"], 0)
        self.assertGreater(plan["expected_seconds"], 0)
        self.assertFalse(self.out.exists())

    def test_a_limit_needs_known_prices(self):
        with Script(first_is_right) as stub:
            done = self.compare(stub.url, self.queries(2), "--weak", "nobody-knows", "--max-cost-usd", 1)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody-knows", done.stderr)

    def test_failures_use_every_kind_of_checker(self):
        with Script(first_is_right) as stub:
            for checker, wrong in (("exact", 4), ("regex ^right$", 4), ("any", 0), ("choice", 8),
                                   ("json", 8), ("command grep -q right", 4)):
                self.out.unlink(missing_ok=True)
                done = self.compare(stub.url, self.queries(8, reference="right" if checker != "choice"
                                                           else "B"),
                                    "--checker", checker, command="failures")
                self.assertEqual(done.returncode, 0, done.stderr)
                summary = json.loads(done.stdout)
                self.assertEqual(summary["strong_needed"], wrong, checker)
                self.assertEqual(summary["unknown"], 0, checker)
            self.out.unlink(missing_ok=True)
            broken = self.compare(stub.url, self.queries(3), "--checker", "command sh -c 'exit 9'",
                                  command="failures")
            self.assertEqual(json.loads(broken.stdout)["unknown"], 3)
            self.assertTrue(all(row["label"] is None for row in self.rows()))
            missing = self.compare(stub.url, self.queries(3), "--checker", "exact", command="failures")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("reference", missing.stderr)


class SimulatedTest(unittest.TestCase):
    """Against providers of weir's own."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory(prefix="weir-label-")
        self.folder = pathlib.Path(self._folder.name)

    def tearDown(self):
        self._folder.cleanup()

    def sums(self, count):
        path = self.folder / "sums.jsonl"
        pick = random.Random(7)
        lines = []
        for _ in range(count):
            terms = [pick.randint(2, 90) for _ in range(pick.randint(2, 6))]
            lines.append(json.dumps({"query": f"What is {' + '.join(map(str, terms))}?",
                                     "reference": str(sum(terms))}))
        path.write_text("\n".join(lines) + "\n")
        return path

    def test_compare_evaluate_and_train_with_the_simulator(self):
        queries = self.sums(300)
        with Server("simulate") as simulator:
            models = ["--url", simulator.url + "/v1", "--weak", "sim-weak", "--strong", "sim-strong",
                      "--judge", "sim-strong", "--json"]
            out = self.folder / "labels.jsonl"
            done = run("label", "compare", *models, "--queries", queries, "--out", out,
                       "--sample", 250, "--max-cost-usd", 5)
            self.assertEqual(done.returncode, 0, done.stderr)
            labels = json.loads(done.stdout)
            self.assertGreater(labels["strong_needed"], 20)
            self.assertEqual((labels["malformed"], labels["discordant"]), (0, 0))
            biased = run("label", "compare", *models[:-2], "judge-first", "--json", "--queries", queries,
                         "--out", self.folder / "biased.jsonl", "--sample", 40)
            self.assertTrue(json.loads(biased.stdout)["judge_biased"], biased.stdout)
            router = self.folder / "r.weir"
            trained = run("train", "--data", out, "--weak", "sim-weak", "--strong", "sim-strong",
                          "--out", router)
            self.assertEqual(trained.returncode, 0, trained.stderr)

            refused = run("evaluate", *models, "--queries", queries, "--out", self.folder / "e.jsonl",
                          "--router", router)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("--allow-leakage", refused.stderr)
            evaluated = run("evaluate", *models, "--queries", queries, "--out",
                            self.folder / "e.jsonl", "--router", router, "--allow-leakage",
                            "--threshold", "0", "0.5", "1.01")
            self.assertEqual(evaluated.returncode, 0, evaluated.stderr)
            report = json.loads(evaluated.stdout)
            self.assertEqual((report["queries"], report["left"]), (report["rows"], 0))
            weak_only, _, strong_only = report["points"]
            self.assertEqual((weak_only["threshold"], weak_only["strong_share"]), (1.01, 0))
            self.assertEqual((strong_only["gap_points"], strong_only["acceptable"]), (0, True))
            self.assertGreater(weak_only["gap_points"], 3)
            low, high = weak_only["gap_points_ci95"]
            self.assertTrue(low < weak_only["gap_points"] < high)
            checked = run("evaluate", *models, "--queries", queries, "--out",
                          self.folder / "c.jsonl", "--router", router, "--allow-leakage",
                          "--threshold", "1.01", "--checker", "numeric")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            # Judged, a wrong answer still completes the task: half the points are lost.
            self.assertAlmostEqual(json.loads(checked.stdout)["points"][0]["gap_points"],
                                   2 * weak_only["gap_points"], places=6)

    def test_a_running_weir_is_evaluated_as_it_serves(self):
        with Server("simulate") as simulator:
            config = (f"providers:\n  sim: {{base_url: {simulator.url}/v1, dialect: both}}\n"
                      "routes:\n  auto: {weak: sim-weak, strong: sim-strong, control_share: 0}\n"
                      "models:\n  sim-weak: {input_usd_per_million: 0.8, output_usd_per_million: 4}\n"
                      "  sim-strong: {input_usd_per_million: 15, output_usd_per_million: 75}\n")
            with Server("serve", config=config) as weir:
                done = run("evaluate", "--config", weir.folder / "weir.yaml", "--weir",
                           weir.url + "/v1", "--queries", self.sums(40), "--out",
                           self.folder / "e.jsonl", "--checker", "numeric", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(len(report["points"]), 1)
        rows = [json.loads(line) for line in (self.folder / "e.jsonl").read_text().splitlines()]
        self.assertLessEqual({row["routed_to"] for row in rows}, {"sim-weak", "sim-strong"})
        strong = sum(row["routed_to"] == "sim-strong" for row in rows) / len(rows)
        self.assertAlmostEqual(report["points"][0]["strong_share"], strong)

    def test_recorded_answers_are_labelled_by_a_checker(self):
        answers, queries = self.folder / "answers.jsonl", self.folder / "q.jsonl"
        with open(answers, "w") as a, open(queries, "w") as q:
            for i in range(12):
                q.write(json.dumps({"query": f"recorded {i}", "reference": str(i)}) + "\n")
                for model, right in (("small", i % 3 != 0), ("big", True)):
                    a.write(json.dumps({"id": f"{i}", "query": f"recorded {i}", "model": model,
                                        "response": f"It is {i if right else i + 1}."}) + "\n")
        with Server("replay", "--answers", answers) as replay, Server("simulate") as judge:
            config = self.folder / "weir.yaml"
            config.write_text(f"providers:\n  recorded: {{base_url: {replay.url}/v1}}\n"
                              f"  sim: {{base_url: {judge.url}/v1}}\n"
                              "routes:\n  auto: {weak: recorded/small, strong: recorded/big}\n"
                              "judge: {model: sim/sim-strong}\n")
            failures = run("label", "failures", "--config", config, "--queries", queries, "--out",
                           self.folder / "f.jsonl", "--checker", "numeric", "--json")
            self.assertEqual(failures.returncode, 0, failures.stderr)
            self.assertEqual(json.loads(failures.stdout)["wrong"], 4)
            compared = run("label", "compare", "--config", config, "--queries", queries, "--out",
                           self.folder / "c.jsonl", "--json")
            self.assertEqual(compared.returncode, 0, compared.stderr)
            self.assertEqual(json.loads(compared.stdout)["rows"], 12)


if __name__ == "__main__":
    unittest.main()
