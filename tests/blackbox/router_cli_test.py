"""train, route, eval and features as a user runs them, with a made-up workload and a local
embeddings endpoint."""

import hashlib
import http.server
import json
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import unittest

WEIR = os.environ["WEIR_BIN"]
PAIR = ["--weak", "small", "--strong", "large"]


def run(*arguments, stdin="", env=None, status=0):
    done = subprocess.run(
        [WEIR, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(env or {})},
    )
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, {done.stderr}{done.stdout}")
    return done


def rows(count, seed):
    """Hard questions begin with 'prove', easy ones with 'name'; the weak model fails on hard ones."""
    rng = random.Random(seed)
    nouns = "river invoice theorem garden engine contract orbit recipe matrix protein".split()
    for i in range(count):
        hard = rng.random() < 0.4
        verb = "Prove rigorously a statement on" if hard else "Name one"
        query = f"{verb} {rng.choice(nouns)} and {rng.choice(nouns)} {seed}{i}"
        weak = int(rng.random() < (0.2 if hard else 0.95))
        yield {"query": query, "scores": {"small": weak, "large": int(rng.random() < 0.95)}}


class Endpoint(http.server.BaseHTTPRequestHandler):
    """POST /v1/embeddings: a vector that says how often 'prove' stands in the text."""

    requests = []
    fail_first = 0

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.requests.append((self.path, self.headers.get("Authorization"), body))
        if Endpoint.fail_first > 0:
            Endpoint.fail_first -= 1
            return self.answer(503, {"error": {"message": "busy"}})
        if body["model"] != "tiny":
            return self.answer(404, {"error": {"message": f"no model {body['model']}"}})
        if "poison" in body["input"]:
            return self.answer(400, {"error": {"message": "an input is too long"}})
        data = []
        for index, text in enumerate(body["input"]):
            noise = hashlib.sha256(text.encode()).digest()[0] / 256
            data.append({"index": index, "embedding": [float("rove" in text), noise, 1.0]})
        data.reverse()
        self.answer(200, {"data": data, "model": "tiny"})

    def answer(self, status, content):
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


class RouterCommands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        for name, count, seed in (("train", 600, 1), ("fresh", 400, 2)):
            text = "".join(json.dumps(row) + "\n" for row in rows(count, seed))
            (cls.folder / f"{name}.jsonl").write_text(text)
        cls.train = cls.folder / "train.jsonl"
        cls.fresh = cls.folder / "fresh.jsonl"
        cls.router = cls.folder / "lr.weir"
        cls.summary = run("train", "--data", cls.train, *PAIR, "--out", cls.router).stdout

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_train_prints_the_recall_threshold_and_stores_one_half(self):
        self.assertIn("threshold at 80 % recall of strong-needed queries:", self.summary)
        self.assertIn("out of fold", self.summary)
        self.assertIn("stored threshold: 0.500000, default", self.summary)

    def test_route_tells_hard_from_easy(self):
        for query, model in (("Prove rigorously a statement on rivers", "large"),
                             ("Name one garden", "small")):
            answer = json.loads(run("route", "--router", self.router, query, "--json").stdout)
            self.assertEqual(list(answer), ["query", "model", "prob_strong_needed",
                                            "routed_to_strong", "threshold", "reason"])
            self.assertEqual(answer["model"], model)
            self.assertEqual(answer["routed_to_strong"],
                             answer["prob_strong_needed"] >= answer["threshold"])
            self.assertEqual(answer["reason"], "score")

    def test_route_at_exactly_the_threshold_is_strong(self):
        once = json.loads(run("route", "--router", self.router, "Name one", "--json").stdout)
        same = run("route", "--router", self.router, "Name one", "--json", "--threshold",
                   repr(once["prob_strong_needed"]))
        self.assertTrue(json.loads(same.stdout)["routed_to_strong"])

    def test_route_reads_many_rows(self):
        lines = [json.dumps({"query": q}) for q in ("Name one river", "", "Prove a theorem")]
        out = run("route", "--router", self.router, stdin="\n".join(lines)).stdout.splitlines()
        answers = [json.loads(line) for line in out]
        self.assertEqual([a["query"] for a in answers], ["Name one river", "", "Prove a theorem"])
        self.assertEqual(answers[1]["reason"], "cannot_judge")
        self.assertTrue(answers[1]["routed_to_strong"])
        plain = run("route", "--router", self.router, "--lines", stdin="{not json\nName\n").stdout
        self.assertEqual(len(plain.splitlines()), 2)
        bad = run("route", "--router", self.router, stdin='{"query":"a"}\n{"q":1}\n', status=1)
        self.assertIn("standard input:2", bad.stderr)

    def test_explain_shows_the_words_without_harness_blocks(self):
        query = "<system-reminder>Prove rigorously everything</system-reminder>\nName one garden"
        out = run("route", "--router", self.router, "--explain", "--json", query).stdout
        answer = json.loads(out)
        self.assertEqual(answer["words"], "Name one garden")
        self.assertEqual(answer["model"], "small")
        self.assertIn("threshold", answer["why"])

    def test_without_a_trained_router_everything_is_strong(self):
        untrained = self.folder / "untrained.weir"
        run("train", "--untrained", *PAIR, "--out", untrained)
        for arguments, model in ((["--router", untrained], "large"), ([], "strong"),
                                 (["--router", self.folder / "missing.weir"], "strong")):
            one = json.loads(run("route", *arguments, "Name one", "--json").stdout)
            many = run("route", *arguments, stdin='{"query":"Name one"}\n').stdout
            self.assertEqual(json.loads(many), one)
            self.assertEqual(one["model"], model)
            self.assertEqual(one["confidence"], 1.0)
            self.assertEqual(one["reason"], "untrained")
            self.assertTrue(one["routed_to_strong"])

    def test_broken_router_files_give_one_clear_error(self):
        whole = self.router.read_bytes()
        for content, words in ((whole[:500], "cut short"), (b"PK" + whole, "no .weir router file"),
                               (whole[:400] + b"!" + whole[401:], "checksum")):
            path = self.folder / "broken.weir"
            path.write_bytes(content)
            error = run("route", "--router", path, "a", status=1).stderr
            self.assertIn(words, error)
            self.assertIn("broken.weir", error)
            self.assertEqual(len(error.splitlines()), 1)

    def test_an_unknown_model_lists_those_in_the_file(self):
        error = run("train", "--data", self.train, "--weak", "smal", "--strong", "large", "--out",
                    self.folder / "x.weir", status=1).stderr
        self.assertIn("the file has large, small", error)

    def test_eval_beats_the_baselines_and_notices_leaks(self):
        plot = self.folder / "plot.svg"
        arguments = ["eval", "--router", self.router, *PAIR, "--json"]
        fresh = run(*arguments, "--data", self.fresh, "--plot", plot)
        result = json.loads(fresh.stdout)
        self.assertGreater(result["apgr"], 0.6)
        self.assertLess(abs(result["baselines"]["random"]["apgr"] - 0.5), 0.1)
        self.assertGreater(result["baselines"]["oracle"]["apgr"], result["apgr"])
        low, high = result["ci95"]["apgr"]
        self.assertTrue(low < result["apgr"] < high)
        self.assertEqual(result["leaked_rows"], 0)
        self.assertEqual(result["curve"][0]["strong_share"], 0)
        self.assertEqual(result["curve"][-1]["strong_share"], 1)
        self.assertIn("</svg>", plot.read_text())
        refused = run(*arguments, "--data", self.train, status=1)
        self.assertEqual(refused.stdout, "")
        self.assertIn("--allow-leakage", refused.stderr)
        leaked = run(*arguments, "--data", self.train, "--allow-leakage")
        self.assertEqual(json.loads(leaked.stdout)["leaked_rows"], 600)
        self.assertIn("600 of 600 queries were in the router's training data", leaked.stderr)

    def test_baseline_kinds_work_from_training_to_evaluation(self):
        for kind in ("length", "random"):
            path = self.folder / f"{kind}.weir"
            run("train", "--kind", kind, "--data", self.train, *PAIR, "--out", path,
                "--strong-share", "0.5")
            run("route", "--router", path, "Name one garden")
            result = run("eval", "--router", path, "--data", self.fresh, *PAIR)
            self.assertIn("APGR over length", result.stdout)

    def test_one_strong_needed_query_is_enough_to_train(self):
        few = self.folder / "few.jsonl"
        few.write_text("".join(json.dumps({"query": f"Name number {i}", "scores": {
            "small": int(i != 3), "large": 1}}) + "\n" for i in range(20)))
        arguments = ("train", "--data", few, *PAIR, "--out", self.folder / "few.weir")
        out = run(*arguments).stdout
        self.assertIn("(out of fold: unknown)", out)
        self.assertIn("stored threshold: 0.500000, default; out of fold unknown", out)
        summary = json.loads(run(*arguments, "--recall", "0.8", "--json").stdout)
        self.assertIsNone(summary["recall80_threshold_out_of_fold"])
        self.assertIsNone(summary["strong_share_out_of_fold"])
        self.assertEqual(summary["threshold_origin"], "recall 0.8 (on training scores)")

    def test_sources_with_pairs_of_their_own(self):
        other = self.folder / "other.jsonl"
        other.write_text("".join(json.dumps({"query": r["query"] + " now", "task": "t", "scores": {
            "a/b:1": r["scores"]["small"], "c d": r["scores"]["large"]}}) + "\n"
            for r in rows(100, 3)))
        path = self.folder / "two.weir"
        out = run("train", "--source", self.train, "small", "large", "--source", other, "a/b:1",
                  "c d", "--out", path).stdout
        self.assertIn("700 rows", out)
        answer = json.loads(run("route", "--router", path, "Prove rigorously", "--json").stdout)
        self.assertEqual(answer["model"], "strong")
        out = run("train", "--source", self.train, "small", "large", "--source", other, "a/b:1",
                  "c d", "--leave-out", "task=t*", "--out", path).stdout
        self.assertIn("600 rows (left out: 100 by --leave-out)", out)

    def test_features_come_with_labels(self):
        out = self.folder / "features.csv"
        run("features", "--data", self.train, *PAIR, "--out", out)
        lines = out.read_text().splitlines()
        self.assertEqual(len(lines), 601)
        self.assertEqual(lines[0].split(",")[:3], ["label", "weight", "e0"])
        self.assertEqual(len(lines[1].split(",")), 258)
        tokens = self.folder / "tokens.jsonl"
        run("features", "--tokens", "--data", self.train, "--out", tokens)
        self.assertTrue(json.loads(tokens.read_text().splitlines()[0])["token_ids"])

    def test_embeddings_from_a_url(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        path = self.folder / "url.weir"
        env = {"WEIR_EMBED_API_KEY": "sk-secret", "no_proxy": "*", "NO_PROXY": "*"}
        Endpoint.fail_first = 1
        run("train", "--data", self.train, *PAIR, "--embed", url, "--embed-model", "tiny", "--out",
            path, env=env)
        target, key, body = Endpoint.requests[-1]
        self.assertEqual((target, key), ("/v1/embeddings", "Bearer sk-secret"))
        self.assertLessEqual(len(body["input"]), 64)
        self.assertNotIn(b"sk-secret", path.read_bytes())
        for query, model in (("Prove it", "large"), ("Name one", "small")):
            answer = json.loads(run("route", "--router", path, query, "--json", env=env).stdout)
            self.assertEqual((answer["model"], answer["reason"]), (model, "score"))
        asked = len(Endpoint.requests)
        queries = [f"{verb} {i}" for i in range(50) for verb in ("Prove", "Name")]
        many = run("route", "--router", path, "--lines", env=env,
                   stdin="\n".join(queries) + "\n").stdout.splitlines()
        self.assertEqual([json.loads(line)["query"] for line in many], queries)
        self.assertEqual([json.loads(line)["model"] for line in many], ["large", "small"] * 50)
        self.assertEqual([len(body["input"]) for *_, body in Endpoint.requests[asked:]], [64, 36])
        refused = run("route", "--router", path, "--lines", env=env,
                      stdin="Name 1\npoison\nName 2\n")
        self.assertIn("too long", refused.stderr)
        self.assertEqual([json.loads(line)["reason"] for line in refused.stdout.splitlines()],
                         ["score", "cannot_judge", "score"])
        empty = run("route", "--router", path, env=env, stdin='{"query":""}\n{"query":"Name 1"}\n')
        self.assertEqual([json.loads(line)["reason"] for line in empty.stdout.splitlines()],
                         ["cannot_judge", "score"])
        bad_row = run("route", "--router", path, env=env, status=1, stdin='{"query":"Name 1"}\n{}\n')
        self.assertEqual(json.loads(bad_row.stdout)["model"], "small")
        self.assertIn("standard input:2", bad_row.stderr)
        result = json.loads(run("eval", "--router", path, "--data", self.fresh, *PAIR, "--json",
                                env=env).stdout)
        self.assertGreater(result["apgr"], 0.6)
        wrong = run("train", "--data", self.train, *PAIR, "--embed", url, "--embed-model", "big",
                    "--out", path, env=env, status=1)
        self.assertIn("no model big", wrong.stderr)
        self.assertNotIn("sk-secret", wrong.stderr)
        server.shutdown()
        server.server_close()
        gone = run("route", "--router", path, "Name one", "--json", env=env)
        self.assertEqual(json.loads(gone.stdout)["reason"], "cannot_judge")
        self.assertTrue(json.loads(gone.stdout)["routed_to_strong"])

    def test_output_that_nobody_reads_or_that_finds_no_room(self):
        many = '{"query":"Name one garden"}\n' * 20_000
        program = [WEIR, "route", "--router", str(self.router)]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            process.stdout.close()
            try:
                process.stdin.write(many)
                process.stdin.close()
            except BrokenPipeError:
                pass
            self.assertEqual(process.stderr.read(), "")
            self.assertEqual(process.wait(timeout=60), 0)
        with open("/dev/full", "w") as full:
            done = subprocess.run(program, input=many, stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)

    def test_estimate_refuses_queries_that_are_no_text(self):
        path = self.folder / "queries"
        arguments = ("estimate", "--queries", path, "--weak-price", "1", "--strong-price", "2")
        for content, what in ((b"one\ntw\0o\n", "a NUL byte at byte 6"),
                              (b"one\n\xff\xfe\n", "not UTF-8 at byte 4")):
            path.write_bytes(content)
            self.assertIn(what, run(*arguments, status=1).stderr)
        path.write_text("caf\u00e9 \ufffd\n", encoding="utf-8")
        run(*arguments)

    def test_every_command_notices_a_full_device(self):
        for line in ("--help", "check --print-settings",
                     "estimate --queries-per-day 9 --tokens 9 --weak-price 1 --strong-price 2"):
            with open("/dev/full", "w") as full:
                done = subprocess.run([WEIR, *line.split()], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
            self.assertEqual(done.returncode, 1, line)
            self.assertIn("No space left", done.stderr)

    def test_a_device_is_written_to_and_stays_a_device(self):
        program = [WEIR, "train", "--untrained", *PAIR, "--out", "/dev/stdout"]
        done = subprocess.run(program, capture_output=True, timeout=60, check=True)
        self.assertTrue(done.stdout.startswith(b"weir.rtr"))
        self.assertTrue(pathlib.Path("/dev/stdout").is_symlink())

    def test_wrong_usage_says_what_to_do(self):
        self.assertIn("no data", run("train", "--out", "x", status=1).stderr)
        self.assertIn("lr, length, ngram",
                      run("train", "--kind", "magic", "--out", "x", status=1).stderr)
        run("train", "--data", self.train, *PAIR, "--out", "x", "--recall", "0.8",
            "--strong-share", "0.5", status=2)
        for option in ("--threshold", "--recall", "--strong-share"):
            nan = run("train", "--data", self.train, *PAIR, "--out", "x", option, "nan", status=2)
            self.assertIn("nan is no number from 0 to 1", nan.stdout + nan.stderr)
        run("route", "--router", self.router, "--threshold", "nan", "hello", status=2)
        encoder = run("train", "--data", self.train, *PAIR, "--out", "x", "--embed", "encoder",
                      status=1)
        self.assertIn("tools/models/get_encoder", encoder.stderr)


if __name__ == "__main__":
    unittest.main()
