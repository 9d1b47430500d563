"""Every kind of router on live traffic: made by the program, named in weir.yaml, asked over HTTP
against `weir simulate`. A kind that needs nothing special is one row of KINDS."""

import dataclasses
import json
import pathlib
import random
import tempfile
import unittest

from weir_process import Server, chat, run

PAIR = ["--weak", "sim-weak", "--strong", "sim-strong"]
NOUNS = "river invoice theorem garden engine contract orbit recipe matrix protein".split()


def question(hard, rng):
    verb = "Prove rigorously a statement on" if hard else "Name one"
    return f"{verb} {rng.choice(NOUNS)} and {rng.choice(NOUNS)} {rng.randrange(10**6)}"


def labelled(count=400, seed=1):
    """Hard questions begin with 'prove'; the weak model fails at most of them."""
    rng = random.Random(seed)
    for _ in range(count):
        hard = rng.random() < 0.5
        weak = int(rng.random() < (0.1 if hard else 0.95))
        yield {"query": question(hard, rng), "scores": {"sim-weak": weak, "sim-strong": 1}}


@dataclasses.dataclass
class Kind:
    """`train`: arguments of `weir train` behind the data; None: `router` is a word."""

    name: str
    train: list | None
    settings: str = ""  # more lines of the route
    separates: bool = True  # hard questions go to strong and easy ones to weak
    reason: str = "score"


KINDS = [
    Kind("lr", []),
    Kind("ngram", []),
    Kind("length", []),
    Kind("length", None, separates=False),
    Kind("random", None, separates=False),
    Kind("cawr", ["--explore", "0.05"], reason="explore", separates=False),
    Kind("lr", ["--threshold", "0.5"], settings="value_usd: 0.05"),
]


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-kinds-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.simulator = Server("simulate", folder=self.folder)
        self.addCleanup(self.simulator.stop)

    def weir(self, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return done.stdout

    def train(self, *arguments):
        data, out = self.folder / "labelled.jsonl", self.folder / "router.weir"
        data.write_text("".join(json.dumps(row) + "\n" for row in labelled()))
        self.weir("train", "--data", data, *PAIR, "--out", out, *arguments)
        return out

    def serve(self, route, models=""):
        config = (
            f"providers: {{sim: {{base_url: {self.simulator.url}/v1}}}}\n"
            f"routes:\n  auto:\n" + "".join(f"    {line}\n" for line in route) + models
        )
        server = Server("serve", config=config, folder=tempfile.mkdtemp(dir=self.folder))
        self.addCleanup(server.stop)
        return server

    def ask(self, server, text, headers=None, **more):
        status, got, answer = server.post("/v1/chat/completions", chat(text, **more), headers)
        self.assertEqual(status, 200, answer)
        return got


PRICES = """models:
  sim-weak: {input_usd_per_million: 0.8, output_usd_per_million: 4}
  sim-middle: {input_usd_per_million: 3, output_usd_per_million: 15}
  sim-strong: {input_usd_per_million: 15, output_usd_per_million: 75}
"""


class KindsTest(Folder):
    def test_each_kind_routes_live_traffic(self):
        for kind in KINDS:
            with self.subTest(kind=kind):
                self.check(kind)

    def check(self, kind):
        router = kind.name
        if kind.train is not None:
            router = self.train("--kind", kind.name, *kind.train)
        server = self.serve(
            ["weak: sim-weak", "strong: sim-strong", f"router: {router}", "control_share: 0"]
            + ([kind.settings] if kind.settings else []),
            PRICES,
        )
        rng, right, total = random.Random(7), 0, 40
        for i in range(total):
            got = self.ask(server, question(i % 2 == 1, rng))
            self.assertEqual(got["x-weir-reason"], kind.reason)
            right += got["x-weir-model"] == ("sim-strong" if i % 2 else "sim-weak")
        if kind.separates:
            self.assertGreater(right, 0.8 * total)
        server.stop()
        rows = server.rows()
        self.assertEqual(len(rows), total)
        for row in rows:
            self.assertTrue(row["router"].startswith(kind.name + "-"), row["router"])
            self.assertGreater(row["propensity"], 0)


class CawrTest(Folder):
    def test_the_logged_propensity_is_the_frequency_and_a_conversation_is_drawn_once(self):
        router = self.train("--kind", "cawr", "--explore", "0.1", "--strong-share", "0.3")
        server = self.serve(
            ["weak: sim-weak", "strong: sim-strong", f"router: {router}", "control_share: 0.1"]
        )
        rng, total = random.Random(3), 300
        texts = [question(i % 2 == 1, rng) for i in range(total)]
        for text in texts:
            self.ask(server, text)
        again = [self.ask(server, text)["x-weir-model"] for text in texts[:20]]
        server.stop()
        rows = server.rows()
        self.assertEqual(again, [row["planned_model"] for row in rows[:20]])
        first = rows[:total]
        expected = sum(
            row["propensity"] if row["assigned"] == "strong" else 1 - row["propensity"]
            for row in first
        )
        strong = sum(row["assigned"] == "strong" for row in first)
        # Four standard deviations of 300 draws at most.
        self.assertAlmostEqual(strong, expected, delta=4 * (total * 0.25) ** 0.5)
        # 0.1 + 0.9 * 0.3, within what 300 questions tell.
        self.assertAlmostEqual(expected / total, 0.37, delta=0.06)
        for row in first:
            self.assertGreaterEqual(row["propensity"], 0.09 - 1e-9)


SUPPORT = """
models: [sim-weak, sim-middle, sim-strong]
routes:
- name: hours
  model: sim-weak
  examples: [When do you open?, Are you open on Sundays?, What time do you close?]
- name: parcel
  model: sim-middle
  examples: [Where is my parcel?, My package has not arrived, The tracking number is wrong]
- name: complaint
  model: sim-strong
  examples: [I was charged twice and nobody answers, This is the third broken heater you sent]
"""


class SemanticTest(Folder):
    CASES = [
        ("Do you close early on Fridays?", "hours", "sim-weak"),
        ("The package is still not here", "parcel", "sim-middle"),
        ("Charged twice for a broken heater!", "complaint", "sim-strong"),
    ]

    def router(self):
        routes, out = self.folder / "routes.yaml", self.folder / "support.weir"
        routes.write_text(SUPPORT)
        self.weir("train", "--kind", "semantic", "--routes", routes, "--out", out)
        return out

    def route(self, share=0):
        return [
            "models: [sim-weak, sim-middle, sim-strong]",
            f"router: {self.router()}",
            f"control_share: {share}",
        ]

    def test_three_models_by_named_routes(self):
        server = self.serve(self.route())
        for text, name, model in self.CASES:
            got = self.ask(server, text)
            self.assertEqual(got["x-weir-semantic-route"], name)
            self.assertEqual((got["x-weir-model"], got["x-weir-reason"]), (model, "semantic"))
            decision = server.post("/v1/route", chat(text))[2]
            self.assertEqual(decision["semantic"]["route"], name)
            self.assertEqual(set(decision["semantic"]["all_similarities"]),
                             {"hours", "parcel", "complaint"})
        got = self.ask(server, "anything", {"x-weir-route": "sim-middle"})
        self.assertEqual((got["x-weir-model"], got["x-weir-reason"]), ("sim-middle", "header"))
        server.stop()
        rows = server.rows()
        self.assertEqual([row["served_tier"] for row in rows[:3]], ["weak", "weak", "strong"])
        report = json.loads(self.weir("report", "--state", server.state, "--json"))
        self.assertEqual({m["model"] for m in report["models"]},
                         {"sim-weak", "sim-middle", "sim-strong"})

    def test_a_conversation_only_climbs_and_the_control_group_gets_the_last_model(self):
        server = self.serve(self.route())
        session = {"x-session-id": "one"}
        self.assertEqual(self.ask(server, self.CASES[1][0], session)["x-weir-model"], "sim-middle")
        history = [
            {"role": "user", "content": self.CASES[1][0]},
            {"role": "assistant", "content": "We look into it."},
            {"role": "user", "content": self.CASES[0][0]},
        ]
        got = self.ask(server, "", session, messages=history)
        self.assertEqual((got["x-weir-model"], got["x-weir-reason"]), ("sim-middle", "sticky"))
        history += [{"role": "assistant", "content": "ok"},
                    {"role": "user", "content": self.CASES[2][0]}]
        self.assertEqual(self.ask(server, "", session, messages=history)["x-weir-model"],
                         "sim-strong")

        server = self.serve(self.route(share=0.5))
        control = 0
        for i in range(60):
            got = self.ask(server, self.CASES[i % 2][0], {"x-session-id": f"s{i}"})
            is_control = got["x-weir-control"] == "true"
            control += is_control
            self.assertEqual(got["x-weir-model"] == "sim-strong", is_control)
        self.assertAlmostEqual(control, 30, delta=16)

    def test_the_command_line_gives_what_serving_gives(self):
        router = self.router()
        for text, name, model in self.CASES:
            answer = json.loads(self.weir("route", "--router", router, "--json", text))
            self.assertEqual((answer["route"], answer["model"]), (name, model))
            self.assertEqual(answer["similarity"], max(answer["all_similarities"].values()))
            self.assertEqual(answer["routed_to_strong"], model == "sim-strong")
        self.assertIn("route parcel", self.weir("route", "--router", router, self.CASES[1][0]))

    def test_a_route_that_names_a_model_of_nobody_is_refused_at_start(self):
        config = (
            f"providers: {{sim: {{base_url: {self.simulator.url}/v1}}}}\n"
            f"routes: {{auto: {{weak: sim-weak, strong: sim-strong, router: {self.router()}}}}}\n"
        )
        (self.folder / "weir.yaml").write_text(config)
        done = run("serve", "--port", "0", "--state", self.folder / "s", "--config",
                   self.folder / "weir.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("sends 'parcel' to the model 'sim-middle'", done.stderr)


if __name__ == "__main__":
    unittest.main()
