#!/usr/bin/env python3
"""The official openai SDK against the running program: plain, streaming, a tool loop, error mapping,
wrong key, cancel in mid-stream."""
import json
import re
import unittest

import openai

import weir_process

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}


def client(server, key="none", **more):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0, timeout=30, **more)


class OpenAiSdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = weir_process.Server("serve")
        cls.client = client(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_plain(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": "What is 12 + 30?"}])
        answer = raw.parse()
        self.assertIn("42", answer.choices[0].message.content)
        self.assertEqual(answer.model, raw.headers["x-weir-model"])
        self.assertIn(answer.model, ("sim-weak", "sim-strong"))
        self.assertIn("simulator", answer.system_fingerprint)
        self.assertGreater(answer.usage.prompt_tokens, 0)
        for name in ("request-id", "route", "reason", "attempts", "overhead-us", "cost-usd", "control"):
            self.assertIn("x-weir-" + name, raw.headers)

    def test_streaming_with_and_without_usage(self):
        for wanted in (False, True):
            options = {"stream_options": {"include_usage": True}} if wanted else {}
            chunks = list(self.client.chat.completions.create(
                model="auto", stream=True, messages=[{"role": "user", "content": "What is 5 * 9?"}],
                **options))
            text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
            self.assertIn("45", text)
            usages = [c.usage for c in chunks if c.usage]
            self.assertEqual(len(usages), 1 if wanted else 0)
            self.assertEqual([c for c in chunks if not c.choices and not wanted], [])
            if not wanted:
                self.assertNotIn("usage", chunks[0].model_fields_set)

    def test_tool_loop(self):
        messages = [{"role": "user", "content": "What is the weather in Paris? Use the tool."}]
        first = self.client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER])
        self.assertEqual(first.choices[0].finish_reason, "tool_calls")
        call = first.choices[0].message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        self.assertIn("Paris", json.loads(call.function.arguments)["city"])
        messages += [first.choices[0].message,
                     {"role": "tool", "tool_call_id": call.id, "content": "17 degrees and rain"}]
        raw = self.client.chat.completions.with_raw_response.create(
            model="auto", messages=messages, tools=[WEATHER])
        second = raw.parse()
        self.assertIn("17", second.choices[0].message.content)
        # A tool step is no new user turn: the model stays.
        self.assertEqual(second.model, first.model)
        self.assertEqual(raw.headers["x-weir-reason"], "sticky")

    def test_streamed_tool_call(self):
        chunks = list(self.client.chat.completions.create(
            model="auto", stream=True, tools=[WEATHER],
            messages=[{"role": "user", "content": "What is the weather in Oslo? Use the tool."}]))
        deltas = [t for c in chunks if c.choices for t in c.choices[0].delta.tool_calls or []]
        self.assertEqual(deltas[0].function.name, "get_weather")
        arguments = "".join(d.function.arguments or "" for d in deltas)
        self.assertIn("Oslo", json.loads(arguments)["city"])

    def test_models_are_listed(self):
        names = {m.id for m in self.client.models.list()}
        self.assertIn("auto", names)

    def test_errors_map_to_the_sdks_classes(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model="auto", messages="not a list")
        self.assertIn("messages", str(caught.exception))
        with self.assertRaises(openai.BadRequestError):
            self.client.chat.completions.create(model="auto", messages=[])
        with self.assertRaises(openai.NotFoundError):
            self.client.get("/nowhere", cast_to=object)

    def test_unknown_model_is_404_with_near_names_when_strict(self):
        with weir_process.Server("simulate") as provider, weir_process.Server("serve", config=f"""
strict_models: true
providers:
  sim: {{dialect: openai, base_url: "{provider.url}/v1", api_key: none}}
routes:
  auto: {{weak: sim/sim-weak, strong: sim/sim-strong}}
""") as server:
            with self.assertRaises(openai.NotFoundError) as caught:
                client(server).chat.completions.create(
                    model="autoo", messages=[{"role": "user", "content": "hi"}])
            self.assertIn("auto", str(caught.exception))

    def test_wrong_key_is_401_and_right_key_works(self):
        made = weir_process.run("keys", "new")
        self.assertEqual(made.returncode, 0, made.stderr)
        text = made.stdout + made.stderr
        key = re.search(r"\bweir-[A-Za-z0-9_-]{20,}", text).group(0)
        digest = re.search(r"sha256:[0-9a-f]{64}\b", text).group(0)
        with weir_process.Server("simulate") as provider, weir_process.Server("serve", config=f"""
providers:
  sim: {{dialect: openai, base_url: "{provider.url}/v1", api_key: none}}
routes:
  auto: {{weak: sim/sim-weak, strong: sim/sim-strong}}
keys:
  alice: {digest}
""") as server:
            with self.assertRaises(openai.AuthenticationError):
                client(server, "sk-wrong").models.list()
            with self.assertRaises(openai.AuthenticationError):
                client(server, "sk-wrong").chat.completions.create(
                    model="auto", messages=[{"role": "user", "content": "hi"}])
            answer = client(server, key).chat.completions.create(
                model="auto", messages=[{"role": "user", "content": "What is 2 + 2?"}])
            self.assertIn("4", answer.choices[0].message.content)
            self.assertNotIn(key, server.log())
            server.stop()
            self.assertEqual(server.rows()[-1]["key_id"], "alice")

    def test_cancel_in_mid_stream_reaches_the_ledger(self):
        with weir_process.Server("simulate", "--tokens-per-second", 20) as provider, \
                weir_process.Server("serve", config=f"""
providers:
  sim: {{dialect: openai, base_url: "{provider.url}/v1", api_key: none}}
routes:
  auto: {{weak: sim/sim-weak, strong: sim/sim-strong}}
""") as server:
            raw = client(server).chat.completions.with_raw_response.create(
                model="auto", stream=True,
                messages=[{"role": "user", "content": "What is your return policy?"}])
            identity = raw.headers["x-weir-request-id"]
            stream = raw.parse()
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    break
            stream.close()
            server.stop()  # waits for running exchanges, then imports everything
            row = next(r for r in server.rows() if r["id"] == identity)
            self.assertEqual(row["outcome"], "client_gone")


if __name__ == "__main__":
    unittest.main()
