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
    Kind("knn", []),
    Kind("cluster", []),
    # Ties do not say that strong is not needed, so P(strong wins) is large for all queries.
    Kind("mf", ["--strong-share", "0.5"]),
    Kind("sw", ["--strong-share", "0.5"]),
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

    def encoder(self, *arguments):
        """The tests' tiny transformer, beside the router file that will name it."""
        tiny = pathlib.Path(__file__).resolve().parents[2] / "src/model/testdata/tiny_encoder"
        out = self.folder / "encoder.weir"
        self.weir("encoder", "--safetensors", f"{tiny}.safetensors", "--vocab", f"{tiny}.vocab.txt",
                  "--config", f"{tiny}.config.json", "--out", out, *arguments)
        return out

    def test_transformers_route_live_traffic(self):
        encoder = self.encoder("--without-head")
        self.check(Kind("bert", ["--encoder", encoder]))
        self.check(Kind("bert", ["--encoder", encoder, "--head", "mlp", "--vectors", self.folder / "vectors"]))
        self.check(Kind("lr", ["--embed", "encoder", "--encoder", encoder]))
        self.check(Kind("bert", ["--encoder", self.encoder()], separates=False))  # its own head

    def test_a_router_without_its_encoder_says_how_to_get_it(self):
        encoder = self.encoder("--without-head")
        router = self.train("--kind", "bert", "--encoder", encoder)
        encoder.rename(self.folder / "elsewhere")
        done = run("route", "--router", router, "Prove it", env={"WEIR_MODELS": str(self.models())})
        self.assertEqual(done.returncode, 0)  # as without a router file: a warning, and strong
        self.assertTrue(done.stdout.startswith("strong"), done.stdout)
        self.assertIn("tools/models/get_encoder", done.stderr)

    def models(self):
        """A folder of model files that holds no transformer."""
        folder = self.folder / "models"
        folder.mkdir()
        table = pathlib.Path(__file__).resolve().parents[2] / "models/static-embedding.bin"
        (folder / table.name).symlink_to(table)
        return folder


class ManyModelsTest(Folder):
    """Three models: the weak one fails at hard questions, the middle one at hard ones on orbits."""

    MODELS = "sim-weak,sim-middle,sim-strong"

    def rows(self, count=600):
        rng = random.Random(4)
        for i in range(count):
            hard = rng.random() < 0.5
            query = question(hard, rng)
            scores = {
                "sim-weak": int(rng.random() < (0.1 if hard else 0.95)),
                "sim-middle": int(not (hard and "orbit" in query)),
                "sim-strong": 1,
            }
            yield {"id": f"q{i}", "query": query, "scores": scores,
                   "out_tokens": {name: 300 if hard else 20 for name in scores}}

    def write(self, name, rows):
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def decide(self, router, text, *more):
        return json.loads(self.weir("route", "--router", router, "--json", *more, text))

    def test_estimates_of_every_model_and_the_cheapest_that_is_good_enough(self):
        data, out = self.write("all.jsonl", self.rows()), self.folder / "all.weir"
        for kind in ["knn", "cluster"]:
            with self.subTest(kind=kind):
                self.weir("train", "--kind", kind, "--data", data, "--models", self.MODELS,
                          "--out", out)
                easy = self.decide(out, "Name one river and recipe 7")["estimates"]
                hard = self.decide(out, "Prove rigorously a statement on river and recipe 7")
                hard = hard["estimates"]
                self.assertGreater(easy["sim-weak"]["quality"], 0.8)
                self.assertLess(hard["sim-weak"]["quality"], 0.4)
                self.assertGreater(hard["sim-middle"]["quality"], 0.7)
                self.assertLess(easy["sim-middle"]["output_tokens"], 100)
                self.assertGreater(hard["sim-middle"]["output_tokens"], 200)
                server = self.serve(
                    ["models: [sim-weak, sim-middle, sim-strong]", f"router: {out}",
                     "quality_floor: 0.7", "control_share: 0"], PRICES)
                rng, got = random.Random(8), []
                for i in range(20):
                    hard = i % 2 == 1
                    got.append(self.ask(server, question(hard, rng))["x-weir-model"])
                server.stop()
                self.assertGreater(got[0::2].count("sim-weak"), 7)
                self.assertGreater(got[1::2].count("sim-middle") + got[1::2].count("sim-strong"), 7)
                self.assertGreater(got[1::2].count("sim-middle"), 2)

    def test_neighbours_explain_a_decision(self):
        data, out = self.write("all.jsonl", self.rows()), self.folder / "all.weir"
        self.weir("train", "--kind", "knn", "--data", data, "--models", self.MODELS, "--out", out)
        asked = next(self.rows())
        answer = self.decide(out, asked["query"], "--explain")
        self.assertEqual(answer["neighbours"][0]["id"], "q0")
        self.assertGreater(answer["neighbours"][0]["similarity"], 0.99)
        similarities = [neighbour["similarity"] for neighbour in answer["neighbours"]]
        self.assertEqual(similarities, sorted(similarities, reverse=True))
        self.assertIn("near q0: ", self.weir("route", "--router", out, "--explain", asked["query"]))

    def test_a_new_model_joins_a_cluster_router(self):
        rows = list(self.rows())
        data, out, more = self.write("all.jsonl", rows), self.folder / "two.weir", \
            self.folder / "three.weir"
        self.weir("train", "--kind", "cluster", "--data", data, *PAIR, "--out", out)
        fresh = self.write("fresh.jsonl", (
            {"query": row["query"], "scores": {"sim-middle": row["scores"]["sim-middle"]}}
            for row in rows[:300]))
        said = self.weir("train", "--extend", out, "--model", "sim-middle", "--data", fresh,
                         "--out", more)
        self.assertIn("models, weakest first: sim-weak, sim-middle, sim-strong", said)
        text = "Prove rigorously a statement on river and recipe 7"
        before, after = self.decide(out, text), self.decide(more, text)
        self.assertEqual(after["prob_strong_needed"], before["prob_strong_needed"])
        self.assertEqual(after["estimates"]["sim-weak"], before["estimates"]["sim-weak"])
        self.assertGreater(after["estimates"]["sim-middle"]["quality"], 0.6)
        again = run("train", "--extend", more, "--model", "sim-middle", "--data", fresh, "--out",
                    out)
        self.assertEqual(again.returncode, 1)
        self.assertIn("already knows 'sim-middle'", again.stderr)

    def test_battles_from_scores_train_routers(self):
        data, out = self.write("all.jsonl", self.rows()), self.folder / "battles.weir"
        battles = self.folder / "battles.jsonl"
        battles.write_text(self.weir("data", "battles", "--data", data))
        rows = [json.loads(line) for line in battles.read_text().splitlines()]
        self.assertEqual(len(rows), 3 * 600)
        self.assertEqual(set(rows[0]), {"id", "query", "model_a", "model_b", "winner"})
        for kind in ["mf", "sw"]:
            with self.subTest(kind=kind):
                self.weir("train", "--kind", kind, "--data", battles, "--models", self.MODELS,
                          "--strong-share", "0.5", "--out", out)
                hard = self.decide(out, "Prove rigorously a statement on river and recipe 7")
                easy = self.decide(out, "Name one river and recipe 7")
                self.assertGreater(hard["prob_strong_needed"], easy["prob_strong_needed"])
                self.assertEqual(list(hard["estimates"]), self.MODELS.split(","))


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
  examples: ["When do you open?", "Are you open on Sundays?", "What time do you close?"]
- name: parcel
  model: sim-middle
  examples: ["Where is my parcel?", My package has not arrived, The tracking number is wrong]
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
            # Another conversation: one that goes on is not judged again.
            decision = server.post("/v1/route", chat(text), {"x-session-id": name})[2]
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

    def test_thresholds_from_labelled_utterances_send_strangers_to_the_strongest(self):
        router, data = self.router(), self.folder / "utterances.jsonl"
        rows = [
            ("When do you open tomorrow?", "hours"), ("Are you open at noon?", "hours"),
            ("Where is my package?", "parcel"), ("Has my parcel arrived?", "parcel"),
            ("Write a poem about the sea", "none"), ("Integrate x squared", "none"),
            ("Translate this to French", "none"),
        ]
        data.write_text("".join(json.dumps({"query": q, "route": r}) + "\n" for q, r in rows))
        fit = json.loads(self.weir("calibrate", "--router", router, "--data", data, "--json"))
        self.assertEqual((fit["utterances"], fit["right_before"], fit["right_after"]), (7, 4, 7))
        server = self.serve(["models: [sim-weak, sim-middle, sim-strong]", f"router: {router}"])
        got = self.ask(server, "Write a poem about the sea")
        self.assertEqual(got["x-weir-model"], "sim-strong")
        self.assertNotIn("x-weir-semantic-route", got)
        data.write_text('{"query": "x", "route": "nobody"}\n')
        done = run("calibrate", "--router", router, "--data", data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'nobody'", done.stderr)

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


class LadderTest(Folder):
    """Estimates of three models: each grade of question needs the next stronger one."""

    GRADES = ["Name one", "Summarise in detail", "Prove rigorously a statement on"]
    MODELS = ["sim-weak", "sim-middle", "sim-strong"]

    def train_three(self, kind):
        rng = random.Random(2)
        data, out = self.folder / "three.jsonl", self.folder / f"{kind}.weir"
        with data.open("w") as file:
            for i in range(450):
                scores = {m: int(rank >= i % 3) for rank, m in enumerate(self.MODELS)}
                file.write(json.dumps({"query": self.question(i % 3, rng), "scores": scores}) + "\n")
        self.weir("train", "--kind", kind, "--data", data, "--models", ",".join(self.MODELS),
                  "--out", out)
        return out

    def question(self, grade, rng):
        return f"{self.GRADES[grade]} {rng.choice(NOUNS)} and {rng.choice(NOUNS)}"

    def right(self, server, total=45):
        rng, right = random.Random(9), 0
        for i in range(total):
            model = self.ask(server, self.question(i % 3, rng))["x-weir-model"]
            right += model == self.MODELS[i % 3]
        return right / total

    def test_value_weighs_what_quality_is_worth_against_cost(self):
        for kind in ("knn", "cluster"):
            with self.subTest(kind=kind):
                route = ["models: [sim-weak, sim-middle, sim-strong]", "control_share: 0",
                         f"router: {self.train_three(kind)}"]
                server = self.serve(route + ["value_usd: 0.2"], PRICES)
                self.assertGreater(self.right(server), 0.8)
                fresh = {"x-session-id": "fresh"}
                decision = server.post("/v1/route", chat(self.question(1, random)), fresh)[2]
                self.assertEqual([c["model"] for c in decision["candidates"]], self.MODELS)
                for candidate in decision["candidates"]:
                    self.assertTrue(0 <= candidate["quality"] <= 1)
                    self.assertGreater(candidate["cost_usd"], 0)
                cheap = self.serve(route + ["value_usd: 0.0001"], PRICES)
                got = self.ask(cheap, self.question(2, random.Random(1)))
                self.assertEqual(got["x-weir-model"], "sim-weak")

    def test_a_router_of_other_models_is_refused_by_check_and_serve(self):
        router = self.train_three("knn")
        config = (
            f"providers: {{sim: {{base_url: {self.simulator.url}/v1}}}}\n"
            f"routes: {{auto: {{models: [sim-weak, x, sim-strong], router: {router}}}}}\n"
        )
        (self.folder / "weir.yaml").write_text(config)
        for command in (["check"], ["serve", "--port", "0", "--state", self.folder / "s"]):
            done = run(*command, "--config", self.folder / "weir.yaml")
            self.assertEqual(done.returncode, 1)
            self.assertIn("knows the models sim-weak, sim-middle, sim-strong", done.stderr)


if __name__ == "__main__":
    unittest.main()
