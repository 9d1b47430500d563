"""calibrate as a user runs it: what it stores is what route, eval and serve then use."""

import json
import pathlib
import random
import tempfile
import unittest

from router_cli_test import PAIR, rows, run


class Calibrate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        for name, count, seed in (("train", 600, 1), ("fresh", 1200, 2)):
            text = "".join(json.dumps(row) + "\n" for row in rows(count, seed))
            (cls.folder / f"{name}.jsonl").write_text(text)
        cls.train = cls.folder / "train.jsonl"
        cls.fresh = cls.folder / "fresh.jsonl"
        cls.router = cls.folder / "lr.weir"
        run("train", "--kind", "lr", "--data", cls.train, *PAIR, "--out", cls.router)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def calibrate(self, *arguments, out=None, status=0, data=None):
        out = out or self.folder / "calibrated.weir"
        return run("calibrate", "--router", self.router, "--data", data or self.fresh, *PAIR,
                   "--out", out, *arguments, status=status)

    def test_route_gives_the_calibrated_score_and_threshold(self):
        scores = self.folder / "scores.jsonl"
        report = json.loads(
            self.calibrate("--quality", "0.95", "--json", "--scores", scores).stdout)
        lines = [json.loads(line) for line in scores.read_text().splitlines()]
        queries = "".join(json.dumps({"query": line["query"]}) + "\n" for line in lines)
        routed = run("route", "--router", self.folder / "calibrated.weir", stdin=queries).stdout
        answers = [json.loads(line) for line in routed.splitlines()]
        self.assertEqual([a["prob_strong_needed"] for a in answers],
                         [line["calibrated"] for line in lines])
        self.assertEqual({a["threshold"] for a in answers}, {report["threshold"]})
        held_out = [a["routed_to_strong"] for a, line in zip(answers, lines)
                    if line["part"] == "held_out"]
        self.assertAlmostEqual(sum(held_out) / len(held_out),
                               report["thresholds"][0]["strong_share"], places=12)

    def test_eval_counts_the_same_and_ranks_as_before(self):
        self.calibrate("--recall", "0.8")
        before, after = (
            json.loads(run("eval", "--router", router, "--data", self.fresh, *PAIR, "--json").stdout)
            for router in (self.router, self.folder / "calibrated.weir"))
        self.assertAlmostEqual(before["apgr"], after["apgr"], places=9)
        self.assertNotEqual(before["at_threshold"]["threshold"], after["at_threshold"]["threshold"])

    def test_without_a_rule_decisions_stay_as_they_were(self):
        self.calibrate("--map", "platt")
        before, after = (
            json.loads(run("eval", "--router", router, "--data", self.fresh, *PAIR, "--json").stdout)
            for router in (self.router, self.folder / "calibrated.weir"))
        self.assertEqual(before["at_threshold"]["strong_share"],
                         after["at_threshold"]["strong_share"])

    def test_calibrating_twice_starts_from_the_raw_score(self):
        once, twice = self.folder / "once.weir", self.folder / "twice.weir"
        self.calibrate("--recall", "0.8", out=once)
        run("calibrate", "--router", once, "--data", self.fresh, *PAIR, "--recall", "0.8", "--out",
            twice)
        question = "Prove rigorously a statement on rivers"
        self.assertEqual(*(json.loads(run("route", "--router", r, question, "--json").stdout)
                           ["prob_strong_needed"] for r in (once, twice)))

    def test_rows_that_it_was_trained_on_are_left_out_and_counted(self):
        both = self.folder / "both.jsonl"
        both.write_text(self.train.read_text() + self.fresh.read_text())
        done = self.calibrate("--recall", "0.8", "--json", data=both)
        self.assertIn("600 rows are left out", done.stderr)
        self.assertEqual(json.loads(done.stdout)["trained_rows"], 600)
        failed = self.calibrate("--recall", "0.8", data=self.train, status=1)
        self.assertIn("0 usable rows are too few", failed.stderr)

    def test_the_sweep_is_text_json_and_picture(self):
        plot, reliability = self.folder / "sweep.svg", self.folder / "reliability.svg"
        out = self.calibrate("--acceptable-gap", "0.05", "--weak-call-usd", "0.001",
                             "--strong-call-usd", "0.02", "--plot", plot,
                             "--reliability-plot", reliability).stdout
        self.assertIn("acceptable (gap <= 5 points)", out)
        self.assertIn("times cheaper", out)
        self.assertIn("similarity to the labels: mean maximum cosine", out)
        for picture in (plot, reliability):
            self.assertIn("prefers-color-scheme: dark", picture.read_text())

    def test_value_in_money_needs_costs(self):
        self.assertIn("--value-usd needs the costs",
                      self.calibrate("--value-usd", "1", status=2).stderr)
        cheap, dear = (
            json.loads(self.calibrate("--value-usd", value, "--weak-call-usd", "0.001",
                                      "--strong-call-usd", "0.02", "--json").stdout)["thresholds"][0]
            for value in ("0.001", "10"))
        self.assertLess(cheap["strong_share"], dear["strong_share"])
        self.assertEqual(cheap["strong_share"], 0)

    def test_a_dry_run_writes_nothing(self):
        out = self.folder / "never.weir"
        self.assertIn("nothing was written", self.calibrate("--dry-run", out=out).stdout)
        self.assertFalse(out.exists())

    def test_equal_seeds_give_equal_figures(self):
        reports = [json.loads(self.calibrate("--gap", "0.9", "--seed", "3", "--json").stdout)
                   for _ in range(2)]
        for report in reports:
            del report["calibration"]["time"]
        self.assertEqual(*reports)


class Worth(unittest.TestCase):
    def test_eval_says_whether_a_router_is_worth_it(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            rng = random.Random(3)
            same = [{"query": f"question {i} of {rng.random()}", "scores": {"small": 1, "large": 1}}
                    for i in range(200)]
            for file, data in (("train", rows(600, 1)), ("fresh", rows(800, 2)), ("same", same)):
                (folder / f"{file}.jsonl").write_text(
                    "".join(json.dumps(row) + "\n" for row in data))
            router = folder / "lr.weir"
            run("train", "--kind", "lr", "--data", folder / "train.jsonl", *PAIR, "--out", router,
                "--strong-share", "0.4")
            costs = ["--weak-call-usd", "0.001", "--strong-call-usd", "0.02"]
            good = run("eval", "--router", router, "--data", folder / "fresh.jsonl", *PAIR, *costs)
            self.assertIn("verdict: this router is worth it here", good.stdout)
            self.assertIn("cost multiplier under keep 0.95", good.stdout)
            none = run("eval", "--router", router, "--data", folder / "same.jsonl", *PAIR, *costs)
            self.assertIn("do not use a router here: small is the best model and the cheapest",
                          none.stdout)


if __name__ == "__main__":
    unittest.main()
